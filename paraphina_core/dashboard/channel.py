"""The session's end of the dashboard: a pipe that is written without ever waiting, and a process behind it.

What the session pays is the making of a snapshot a few times a second and one write; whatever is asked by
however many browsers is answered in the other process. A snapshot for which there is no room is dropped and
counted, and a dashboard that dies is said to be gone: neither holds the session up.
"""

from __future__ import annotations

import contextlib
import os
import select
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final, Self

import msgspec

from paraphina_core.domain import LocalError
from paraphina_core.session import SessionSnapshot, Summary

from .messages import Asked, Ended, Introduction, Kill, Listening, Refused, Shown, Told

#: How long the process may take to listen and, at the end, to leave.
START_S: Final = 15.0
END_S: Final = 3.0

#: Longest line that the process may write, and most bytes taken of it at once.
MAX_ASKED_BYTES: Final = 4_096

#: Its token's file, in the home folder.
TOKEN_FILE: Final = "dashboard_token"  # noqa: S105  # a name, no token

#: All that the process gets of the environment: no key and no setting of the session reaches the program
#: that talks to browsers.
ENVIRONMENT: Final = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR")


class Channel:
    """A dashboard that runs; use as a context manager.

    Args:
        address: where it listens, as `127.0.0.1:9898`; port 0 is any that is free.
        token_file: private file with the token that it asks for; it is made if it is not there.

    Attributes:
        url: where it is.
        dropped: how many snapshots found no room.

    Raises:
        LocalError: it does not come about, with the reason.
    """

    def __init__(self, address: str, token_file: Path) -> None:
        self.dropped = 0
        self._encoder = msgspec.json.Encoder(decimal_format="string")
        self._decoder = msgspec.json.Decoder(Asked)
        self._unwritten = b""
        self._unread = b""
        self._is_gone = False
        self._process = subprocess.Popen(  # noqa: S603  # this program's own interpreter and module
            [sys.executable, "-I", "-m", "paraphina_core.dashboard", address, str(token_file)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={name: os.environ[name] for name in ENVIRONMENT if name in os.environ},
        )
        self._in, self._out = self._process.stdin, self._process.stdout
        if self._in is None or self._out is None:
            raise LocalError("the dashboard has no pipe")
        self._write_fd, self._read_fd = self._in.fileno(), self._out.fileno()
        os.set_blocking(self._write_fd, False)
        os.set_blocking(self._read_fd, False)
        try:
            self.url = self._wait_for_address()
        except LocalError:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def read_fd(self) -> int:
        """Readable when the dashboard asks for something, or is gone."""
        return self._read_fd

    @property
    def is_gone(self) -> bool:
        """True once the dashboard has ended, whyever; the session goes on without."""
        return self._is_gone

    def introduce(self, introduction: Introduction) -> None:
        """Tell what does not change."""
        self._tell(introduction)

    def show(self, snapshot: SessionSnapshot) -> None:
        """Tell how the session is now, if there is room and somebody to tell."""
        self.dropped += not self._tell(Shown(snapshot=snapshot, dropped=self.dropped))

    def end(self, summary: Summary) -> None:
        """Tell how the run ended, with its last snapshot; the one call that may wait, for a moment."""
        for told in (
            Shown(snapshot=summary.session, dropped=self.dropped),
            Ended(because=summary.stopped_because, exit_code=summary.exit_code),
        ):
            self._flush()
            if self._unwritten and not self._is_gone:
                select.select([], [self._write_fd], [], END_S)
            self._tell(told)

    def take(self, on_kill: Callable[[str], None]) -> None:
        """Read what is asked; call `on_kill` with the reason if it is the kill switch."""
        try:
            data = os.read(self._read_fd, MAX_ASKED_BYTES)
        except BlockingIOError:
            return
        if not data or len(self._unread) + len(data) > 2 * MAX_ASKED_BYTES:
            self._is_gone = True
            return
        *lines, self._unread = (self._unread + data).split(b"\n")
        for line in lines:
            with contextlib.suppress(msgspec.DecodeError):
                asked = self._decoder.decode(line)
                if isinstance(asked, Kill):
                    on_kill(asked.reason)

    def close(self) -> None:
        """End the process: its input ends, and if it stays nevertheless, it is terminated."""
        for pipe in (self._in, self._out):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        try:
            self._process.wait(END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._is_gone = True

    def _tell(self, told: Told) -> bool:
        self._flush()
        if self._unwritten or self._is_gone:
            return False
        self._unwritten = self._encoder.encode(told) + b"\n"
        self._flush()
        return True

    def _flush(self) -> None:
        while self._unwritten and not self._is_gone:
            try:
                written = os.write(self._write_fd, self._unwritten)
            except BlockingIOError:
                return
            except OSError:
                self._is_gone = True
                return
            self._unwritten = self._unwritten[written:]

    def _wait_for_address(self) -> str:
        line = b""
        while not line.endswith(b"\n"):
            readable, _, _ = select.select([self._read_fd], [], [], START_S)
            data = os.read(self._read_fd, MAX_ASKED_BYTES) if readable else b""
            if not data or len(line) > MAX_ASKED_BYTES:
                raise LocalError(
                    "the dashboard does not start",
                    found="it has ended" if readable else f"nothing within {START_S:g} s",
                )
            line += data
        try:
            answer = self._decoder.decode(line)
        except msgspec.DecodeError as e:
            raise LocalError("the dashboard does not start", found=str(e)) from e
        if isinstance(answer, Listening):
            return answer.url
        reason = answer.reason if isinstance(answer, Refused) else "it asks before it listens"
        raise LocalError("the dashboard does not start", found=reason)

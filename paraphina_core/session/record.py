"""What a session writes down: inputs before they are acted upon, outputs before they are sent.

A replay feeds the same inputs to the same code through a recorder of its own that compares.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Protocol

import msgspec

from paraphina_core.domain import LocalError

#: Kinds of records that drive a session; everything else in a journal is what it decided.
INPUT_KINDS: Final = frozenset(
    {
        *("start", "opened", "ended", "frame", "answer", "blocked", "tick", "wake"),
        *("state", "kill", "flatten", "stop", "finish"),
    }
)


class Recorder(Protocol):
    """Takes records in order; the journal's writer and a replay's comparison are such."""

    def append(self, kind: str, at_ns: int, data: bytes) -> int:
        """Take one record whose data is ready JSON; return its sequence number.

        Raises:
            LocalError: it cannot be kept; nothing may be sent then.
        """

    def record_frame(self, at_ns: int, connector: str, stream: str, frame: bytes) -> int:
        """Take one market frame as it arrived."""


_ENCODER: Final = msgspec.json.Encoder()


def encode(value: msgspec.Struct | Mapping[str, Any]) -> bytes:
    """Spell a value the way the journal keeps it: always the same bytes for the same value."""
    return _ENCODER.encode(value)


#: A position of which venue and session say different things; such records also stand in a file of their own.
DRIFT_KIND: Final = "drift"


class WithDriftFile:
    """A recorder that also writes each difference of a position to a file, for people who look for these.

    The journal is what counts: a file that cannot be written is missed by nobody who has that.

    Args:
        recorder: keeps the records.
        path: one line of JSON for each difference; made with the first.
    """

    def __init__(self, recorder: Recorder, path: Path) -> None:
        self._recorder = recorder
        self._path = path
        self.record_frame = recorder.record_frame

    def append(self, kind: str, at_ns: int, data: bytes) -> int:
        """Pass a record on, and copy it if it is one of those."""
        seq = self._recorder.append(kind, at_ns, data)
        if kind == DRIFT_KIND:
            with suppress(OSError), self._path.open("ab") as file:
                file.write(b'{"at_ns":%d,%s\n' % (at_ns, data[1:]))
        return seq


class WithoutFrames:
    """A recorder that leaves the frames out: smaller, and not replayable."""

    def __init__(self, recorder: Recorder) -> None:
        self.append = recorder.append

    def record_frame(self, at_ns: int, connector: str, stream: str, frame: bytes) -> int:
        """Drop the frame."""
        return -1


class UntilRefused:
    """A recorder that drops everything from the first record on that cannot be kept.

    For sessions with orders at a venue: they must go on to cancel them, and only that.

    Args:
        recorder: keeps the records.
        on_refusal: is told why one was not kept, before anything else happens; afterwards no order may leave.
    """

    def __init__(self, recorder: Recorder, on_refusal: Callable[[str], None]) -> None:
        self._recorder = recorder
        self._on_refusal = on_refusal
        self._is_refused = False

    def append(self, kind: str, at_ns: int, data: bytes) -> int:
        """Pass a record on, or drop it."""
        if self._is_refused:
            return -1
        try:
            return self._recorder.append(kind, at_ns, data)
        except LocalError as e:
            return self._refused(e)

    def record_frame(self, at_ns: int, connector: str, stream: str, frame: bytes) -> int:
        """Pass a frame on, or drop it."""
        if self._is_refused:
            return -1
        try:
            return self._recorder.record_frame(at_ns, connector, stream, frame)
        except LocalError as e:
            return self._refused(e)

    def _refused(self, error: LocalError) -> int:
        self._is_refused = True
        self._on_refusal(str(error))
        return -1

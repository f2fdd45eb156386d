"""A second process that cancels every order when the session no longer shows that it lives.

It is forked before the session has connections, locks or threads, so it has whatever cancelling needs and
shares none of them. A session that stops, hangs or holds its interpreter sends no beat; one that dies closes
the pipe of the beats. In the first case the session's process is killed before anything is cancelled: two
that send orders of one account would be worse than one that does nothing.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time
from collections.abc import Callable, Iterator
from typing import Final, NoReturn

_BEAT: Final = b"."
_DISMISSED: Final = b"q"

#: Part of the window that may pass without a beat; the rest is for starting and for the cancels.
_SILENCE_PART: Final = 0.5


class Watchdog:
    """The session's end of it.

    Args:
        descriptor: where the beats are written to.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def beat(self) -> None:
        """Show that the session lives; never waits, and a watchdog that is gone is no error here."""
        with contextlib.suppress(OSError):
            os.write(self._descriptor, _BEAT)

    def dismiss(self) -> None:
        """End it: the session has cancelled its orders itself, or said what is left."""
        with contextlib.suppress(OSError):
            os.write(self._descriptor, _DISMISSED)
            os.close(self._descriptor)


@contextlib.contextmanager
def watched_over(window_ms: int, cancel: Callable[[str], None]) -> Iterator[Watchdog]:
    """Have a process that calls `cancel` when the block's beats stop, or when this process dies.

    Args:
        window_ms: within which everything should be cancelled; half of it may pass without a beat.
        cancel: is told why; runs in the other process, which ends afterwards.

    Yields:
        What beats. The block's end dismisses the watchdog, also after an error: whoever sees it has said what
        is left.
    """
    reads, writes = os.pipe()
    os.set_blocking(writes, False)  # a pipe that nobody reads any more must not hold the session up
    session = os.getpid()
    if os.fork() == 0:
        os.close(writes)
        _watch(reads, session, window_ms / 1_000 * _SILENCE_PART, cancel)
    os.close(reads)
    watchdog = Watchdog(writes)
    try:
        yield watchdog
    finally:
        watchdog.dismiss()


def _watch(reads: int, session: int, silence_s: float, cancel: Callable[[str], None]) -> NoReturn:
    """Be the watchdog, and end with it; nothing of the program around it runs in this process any more."""
    code = 1
    try:
        os.setsid()  # what a terminal sends is for the session
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1):
            signal.signal(number, signal.SIG_IGN)
        if reason := _silence(reads, silence_s):
            if os.getppid() == session:
                _end(session)
            else:
                time.sleep(silence_s)  # whoever restarts the session comes first: its recovery does the same
            cancel(reason)
        code = 0
    finally:
        os._exit(code)


def _silence(reads: int, silence_s: float) -> str:
    """Wait for the end of the beats; return why the session is not alone with its orders, empty if it is."""
    while True:
        ready, _, _ = select.select([reads], [], [], silence_s)
        if not ready:
            return f"the session has given no sign of life for {silence_s:g} s"
        beats = os.read(reads, 4096)
        if not beats:
            return "the session has died"
        if _DISMISSED in beats:
            return ""


def _end(session: int) -> None:
    """Kill the session, whose child this is, so that nobody else can have its number."""
    os.kill(session, signal.SIGKILL)
    while os.getppid() == session:
        time.sleep(0.01)

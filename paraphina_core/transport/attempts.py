"""When a connection may be attempted, how long an attempt may take, and how all of it is interrupted."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from enum import Enum, auto

from paraphina_core.domain import NS_PER_S, Clock

from .backoff import Backoff
from .limiter import Limiter


class Attempt(Enum):
    """How an attempt to connect came out."""

    DONE = auto()
    TIMED_OUT = auto()
    STOPPED = auto()


class Attempts:
    """The patience of one supervised connection.

    Args:
        clock: session time.
        backoff: of this connection alone.
        budget: shared by all connections.
        sleep: waits so many seconds of session time.
    """

    def __init__(
        self, clock: Clock, backoff: Backoff, budget: Limiter, sleep: Callable[[float], Awaitable[None]]
    ) -> None:
        self._clock = clock
        self._backoff = backoff
        self._budget = budget
        self._sleep = sleep
        self._wake: asyncio.Future[None] | None = None
        self._opening: asyncio.Task[None] | None = None
        self._not_before_ns = 0
        self.stopped = False

    def stop(self) -> None:
        """Interrupt whatever is waited for; there will be no further turn."""
        self.stopped = True
        if self._opening is not None:
            self._opening.cancel()
        self.poke()

    def opened(self, at_ns: int) -> None:
        """Take note that the connection is open."""
        self._backoff.opened(at_ns)

    def ended(self, at_ns: int, *, not_before_ns: int = 0) -> None:
        """Take note that the connection ended, or did not come about.

        Args:
            at_ns: when.
            not_before_ns: until when the venue wants no other.
        """
        self._not_before_ns = max(self._backoff.next_ns(at_ns), not_before_ns)

    @property
    def next_ns(self) -> int:
        """The earliest time of the next attempt, 0 before the first."""
        return self._not_before_ns

    async def turn(self) -> bool:
        """Wait until a connection may be attempted; False if it is stopped instead."""
        while not self.stopped:
            at_ns = self._clock.now_ns()
            ready_ns = max(self._not_before_ns, self._budget.ready_ns(1, at_ns))
            if ready_ns <= at_ns and self._budget.take(1, at_ns):
                return True
            await self.pause(ready_ns)
        return False

    async def attempt(self, opening: Coroutine[None, None, None], timeout_ms: int) -> Attempt:
        """Let a connection be opened, for at most so long in real time."""
        task = self._opening = asyncio.ensure_future(opening)
        try:
            await asyncio.wait({task}, timeout=timeout_ms / 1000)
        finally:
            self._opening = None
            if not task.done():
                task.cancel()
        if not task.done():
            await asyncio.wait({task})
            return Attempt.TIMED_OUT
        if task.cancelled():
            return Attempt.STOPPED
        task.result()
        return Attempt.DONE

    async def pause(self, until_ns: int) -> None:
        """Wait until a time, or until somebody pokes."""
        wait_s = (until_ns - self._clock.now_ns()) / NS_PER_S
        if wait_s <= 0:
            return
        self._wake = asyncio.get_running_loop().create_future()
        sleeping = asyncio.ensure_future(self._sleep(wait_s))
        try:
            await asyncio.wait({sleeping, self._wake}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._wake = None
            sleeping.cancel()

    def poke(self) -> None:
        """End a pause now, because something happened."""
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

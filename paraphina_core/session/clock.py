"""Session time, real or virtual, and how to wait for it."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import Final, Protocol

from paraphina_core.domain import NS_PER_S, Clock

#: Longest stretch of work between two looks at signals, in real seconds.
_BREATH_S: Final = 0.02


class Pacer(Clock, Protocol):
    """A clock that can also be waited for."""

    @property
    def is_real(self) -> bool:
        """True if it passes as the world's does, so that a venue can be talked to."""

    async def until(self, due_ns: int) -> None:
        """Return once session time has reached `due_ns`, or earlier after `wake`."""

    def wake(self) -> None:
        """Make a pending `until` return now."""


class RealPacer:
    """Session time that follows the monotonic clock, `speed` times as fast.

    It starts at the wall clock and never steps: neither a correction of the wall clock nor a
    suspended machine makes it run backwards.
    """

    def __init__(self, speed: float = 1.0) -> None:
        self._speed = speed
        self._wall_ns = time.time_ns()
        self._monotonic_ns = time.monotonic_ns()
        self._woken = asyncio.Event()
        self._breathed_s = time.monotonic()

    @property
    def is_real(self) -> bool:
        """True at the speed of the world."""
        return self._speed == 1.0

    def now_ns(self) -> int:
        """Return session time."""
        return self._wall_ns + int((time.monotonic_ns() - self._monotonic_ns) * self._speed)

    async def until(self, due_ns: int) -> None:
        """Sleep until session time reaches `due_ns`; give way to signals even when it is past."""
        wait_s = (due_ns - self.now_ns()) / NS_PER_S / self._speed
        if wait_s > 0:
            self._woken.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), wait_s)
            self._breathed_s = time.monotonic()
        elif time.monotonic() - self._breathed_s > _BREATH_S:
            await asyncio.sleep(0)
            self._breathed_s = time.monotonic()

    def wake(self) -> None:
        """Make a pending `until` return now."""
        self._woken.set()


class VirtualPacer:
    """Session time that jumps to whatever is due next; waits for nothing."""

    def __init__(self, start_ns: int) -> None:
        self._now_ns = start_ns
        self._breathed_s = time.monotonic()

    @property
    def is_real(self) -> bool:
        """Never true."""
        return False

    def now_ns(self) -> int:
        """Return session time."""
        return self._now_ns

    async def until(self, due_ns: int) -> None:
        """Jump to `due_ns`; give way to signals now and then."""
        self._now_ns = max(self._now_ns, due_ns)
        if time.monotonic() - self._breathed_s > _BREATH_S:
            await asyncio.sleep(0)
            self._breathed_s = time.monotonic()

    def wake(self) -> None:
        """Nothing ever waits."""

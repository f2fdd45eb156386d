"""The one kind of time decisions see: nanoseconds since 1970 that never run backwards."""

from __future__ import annotations

from typing import Final, Protocol

NS_PER_MS: Final = 1_000_000
NS_PER_S: Final = 1_000_000_000


class Clock(Protocol):
    """Source of session time.

    Session time starts at the wall clock and advances with the monotonic clock, so a step of
    the wall clock neither ages nor rejuvenates anything.
    """

    def now_ns(self) -> int:
        """Return the session time in nanoseconds since 1970; never less than the last call's."""


def age_ms(now_ns: int, then_ns: int) -> float:
    """Return how long ago `then_ns` was, in milliseconds."""
    return (now_ns - then_ns) / NS_PER_MS

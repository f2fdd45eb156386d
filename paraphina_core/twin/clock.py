"""A venue's own clock: the world's, some offset away, and never running backwards."""

from __future__ import annotations

from paraphina_core.domain import NS_PER_MS


class VenueClock:
    """Turns the world's time into the venue's.

    A step back makes the venue's time stand still until the world has caught up: a venue never
    stamps two messages in the wrong order.

    Args:
        offset_ms: how far the venue's clock is ahead; negative when it is behind.
    """

    def __init__(self, offset_ms: int = 0) -> None:
        self.offset_ns = self._first_ns = offset_ms * NS_PER_MS
        self._last_ns = 0

    def venue_ns(self, at_ns: int) -> int:
        """Return the venue's time at a time of the world; what it stamps and checks messages with."""
        self._last_ns = max(self._last_ns, at_ns + self.offset_ns)
        return self._last_ns

    def world_ns(self, venue_ns: int) -> int:
        """Return when the venue's clock will show that time, if nobody steps it before."""
        return venue_ns - self.offset_ns

    def set_right(self) -> None:
        """Undo every step."""
        self.offset_ns = self._first_ns

    def step(self, by_ms: int) -> None:
        """Set the clock forward or, with a negative number, back."""
        self.offset_ns += by_ms * NS_PER_MS

"""Channels of a stream that nothing here reads: each is noticed once, so that nobody is flooded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from paraphina_core.domain import VenueNotice

from .words import clean

#: Channels worth a notice; a venue has a few dozen.
MAX_UNKNOWN_CHANNELS: Final = 100


class UnknownChannels:
    """Remembers which channels were noticed."""

    def __init__(self) -> None:
        self._noticed: set[str] = set()

    def notice(self, channel: str) -> Sequence[VenueNotice]:
        """Return a notice the first time that a channel is met."""
        if channel in self._noticed or len(self._noticed) >= MAX_UNKNOWN_CHANNELS:
            return ()
        self._noticed.add(channel)
        return (VenueNotice(code="unknown_channel", text=clean(f"channel {channel!r} is not read")),)

"""The dead-man switches of all symbols as one: armed once each of them is, until the first one fires.

The venue counts down for each symbol by itself (docs "Auto-cancel all open orders", read 2026-10-08).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from paraphina_core.domain import DeadManReport, Event, InstrumentId


class DeadMan:
    """What the venue last said of each switch.

    Args:
        traded: instruments of which each must be armed.
    """

    def __init__(self, traded: Callable[[], Collection[InstrumentId]]) -> None:
        self._traded = traded
        self._until_ns: dict[InstrumentId, int | None] = {}

    def armed(self, instrument: InstrumentId, until_ns: int | None) -> Sequence[Event]:
        """Take note of when a switch fires, None for never, and say what that makes of all of them."""
        self._until_ns[instrument] = until_ns
        stated = [self._until_ns[one] for one in self._traded() if one in self._until_ns]
        if len(stated) < len(self._traded()):
            return ()  # some were not asked yet: nothing is protected as long as one is not
        armed = [one for one in stated if one is not None]
        if not armed:
            return (DeadManReport(armed_until_ns=None),)
        return (DeadManReport(armed_until_ns=min(armed)),) if len(armed) == len(stated) else ()

    def refused(self, instrument: InstrumentId, reason: str) -> Sequence[Event]:
        """Take note that the venue would not arm a switch: then orders in its symbol are not protected."""
        self._until_ns.pop(instrument, None)
        return (DeadManReport(armed_until_ns=None, reason=reason),)

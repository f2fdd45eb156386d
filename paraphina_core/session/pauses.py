"""How long a side whose orders a venue rejects is left alone: longer each time, until one is accepted."""

from __future__ import annotations

from typing import Final, NamedTuple, TypeAlias

from paraphina_core.domain import (
    NS_PER_MS,
    NS_PER_S,
    InstrumentId,
    ModifyRejected,
    OrderAccepted,
    OrderModified,
    OrderRejected,
    Side,
)
from paraphina_core.execution import OrderUpdate

#: A side whose order a venue has rejected waits so long, then twice as long each time, up to the longest.
FIRST_PAUSE_NS: Final = 250 * NS_PER_MS
LONGEST_PAUSE_NS: Final = 8 * NS_PER_S

_Key: TypeAlias = tuple[InstrumentId, Side]


class _Pause(NamedTuple):
    until_ns: int
    next_ns: int


_NO_PAUSE: Final = _Pause(until_ns=0, next_ns=FIRST_PAUSE_NS)


class Pauses:
    """The pauses of one run, by instrument and side."""

    def __init__(self) -> None:
        self._pauses: dict[_Key, _Pause] = {}

    def holds(self, side: _Key, at_ns: int) -> bool:
        """Tell whether nothing new may be tried on a side now."""
        return at_ns < self._pauses.get(side, _NO_PAUSE).until_ns

    def hear(self, side: _Key, event: OrderUpdate, at_ns: int) -> None:
        """Take the venue's word on an order, or on a change of one."""
        if isinstance(event, OrderAccepted | OrderModified):
            self._pauses.pop(side, None)
        elif isinstance(event, OrderRejected | ModifyRejected):
            length_ns = self._pauses.get(side, _NO_PAUSE).next_ns
            self._pauses[side] = _Pause(
                until_ns=at_ns + length_ns, next_ns=min(2 * length_ns, LONGEST_PAUSE_NS)
            )

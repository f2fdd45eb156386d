"""Fills that name no order of ours: of one whose id the venue has not told yet, or of a stranger."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Final

from paraphina_core.domain import Fill, InstrumentId, OrderState, Side

from .order_records import OrderRecord

#: Fills kept for the case that their venue order id turns out to be ours.
MAX_UNCLAIMED_FILLS: Final = 1_000


class UnclaimedFills:
    """Fills by the venue's order id, until an order of ours learns that the id is its own."""

    def __init__(self) -> None:
        self._fills: OrderedDict[tuple[InstrumentId, str], list[Fill]] = OrderedDict()
        self._doubtful: dict[tuple[InstrumentId, str], None] = {}
        self._count = 0

    def keep(self, fill: Fill, *, is_doubtful: bool) -> None:
        """Keep a fill under its order's id; the oldest are forgotten beyond `MAX_UNCLAIMED_FILLS`.

        Args:
            fill: names no client order id.
            is_doubtful: whether it is a stranger's stands to be seen.
        """
        if fill.client_order_id is not None or fill.venue_order_id is None:
            return
        key = (fill.instrument, fill.venue_order_id)
        self._fills.setdefault(key, []).append(fill)
        self._count += 1
        if is_doubtful:
            self._doubtful[key] = None
        while self._count > MAX_UNCLAIMED_FILLS:
            self.claim(*next(iter(self._fills)))

    def claim(self, instrument: InstrumentId, venue_order_id: str) -> Sequence[Fill]:
        """Return the fills of an order, and keep them no longer."""
        key = (instrument, venue_order_id)
        self._doubtful.pop(key, None)
        fills = self._fills.pop(key, [])
        self._count -= len(fills)
        return fills

    def strangers(self, may_be_ours: Callable[[Fill], bool]) -> Sequence[Fill]:
        """Return one fill of each doubtful order that can no longer be ours; each is returned once."""
        found = [
            (key, fills[0]) for key in self._doubtful if not any(map(may_be_ours, fills := self._fills[key]))
        ]
        for key, _ in found:
            del self._doubtful[key]
        return [fill for _, fill in found]


def may_be_of(record: OrderRecord, fill: Fill) -> bool:
    """Tell whether a fill under an unknown id may be of an order: one may be called anything so far."""
    order = record.order
    is_nameless = record.venue_order_id is None or record.pending is not None
    if not is_nameless or record.state is OrderState.CREATED or fill.side is not order.side:
        return False
    limit = record.aggressive_price
    return fill.price <= limit if order.side is Side.BUY else fill.price >= limit

"""Doubts about orders: whatever is not certain is asked for until the venue has said what became of it.

Nothing is concluded from silence and nothing is sent again; an order in doubt counts at its worst meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from paraphina_core.domain import (
    NS_PER_MS,
    NS_PER_S,
    ClientOrderId,
    InstrumentId,
    OrderState,
    OutcomeUnknown,
    Query,
    QueryFills,
    QueryOrder,
)
from paraphina_core.execution import OrderRecord, OrderTracker

#: An order that waits longer for the answer to its last command is in doubt: the answer came without
#: saying anything of it, or on a stream that has lost it. Longer than any command's deadline.
OVERDUE_NS: Final = 12 * NS_PER_S

#: Pauses between two questions about one order: the first, and the longest, each twice the one before.
FIRST_PAUSE_NS: Final = 250 * NS_PER_MS
LONGEST_PAUSE_NS: Final = 8 * NS_PER_S

#: Fills are asked for from so much before the order was made, because clocks differ.
CLOCK_MARGIN_NS: Final = 60 * NS_PER_S

_WAITING: Final = frozenset({OrderState.PENDING, OrderState.PENDING_CANCEL, OrderState.PENDING_MODIFY})


class Doubts:
    """What must be asked about the orders of one connector, and when."""

    def __init__(self) -> None:
        self._asks: dict[ClientOrderId, tuple[int, int]] = {}  # next question, pause after it
        self._next_ns: int | None = None

    def next_due_ns(self) -> int | None:
        """Return when there is something to look at, None while no order is open."""
        return self._next_ns

    def overdue(
        self, tracker: OrderTracker, instruments: Iterable[InstrumentId], at_ns: int
    ) -> list[OutcomeUnknown]:
        """Return a doubt for each order whose last command should have been answered long ago."""
        return [
            OutcomeUnknown(
                instrument=record.order.instrument,
                client_order_id=record.order.client_order_id,
                reason=f"nothing was heard of it while it was {record.state.value}",
            )
            for record in _records(tracker, instruments)
            if record.state in _WAITING and at_ns - record.changed_ns >= OVERDUE_NS
        ]

    def questions(
        self, tracker: OrderTracker, instruments: Iterable[InstrumentId], at_ns: int
    ) -> list[Query]:
        """Return what to ask now, and plan when to look again."""
        asks, self._asks = self._asks, {}
        queries: list[Query] = []
        due: list[int] = []
        for record in _records(tracker, instruments):
            if record.state is OrderState.UNKNOWN or record.misses_fills:
                client_order_id = record.order.client_order_id
                next_ns, pause_ns = asks.get(client_order_id, (at_ns, FIRST_PAUSE_NS))
                if next_ns <= at_ns:
                    queries.append(_question(record))
                    next_ns, pause_ns = at_ns + pause_ns, min(2 * pause_ns, LONGEST_PAUSE_NS)
                self._asks[client_order_id] = (next_ns, pause_ns)
                due.append(next_ns)
            elif record.state in _WAITING:
                due.append(record.changed_ns + OVERDUE_NS)
        self._next_ns = min(due, default=None)
        return queries


def _question(record: OrderRecord) -> Query:
    if record.state is OrderState.UNKNOWN:
        return QueryOrder(
            instrument=record.order.instrument,
            client_order_id=record.order.client_order_id,
            venue_order_id=record.venue_order_id,
        )
    return QueryFills(since_ns=record.created_ns - CLOCK_MARGIN_NS)


def _records(tracker: OrderTracker, instruments: Iterable[InstrumentId]) -> Iterator[OrderRecord]:
    for instrument in instruments:
        totals = tracker.totals(instrument)
        yield from tuple(totals.records.values())
        yield from tuple(totals.settling.values())

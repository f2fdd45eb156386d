"""Own orders: one table moves each from state to state, and every distinct fill counts once.

Events come late, twice and in any order, so the table is total: each event has one answer in each
state. No final state turns back into an open one, and no state is a filter for fills.
"""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from collections.abc import Iterable, Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Final, TypeAlias

import msgspec

from paraphina_core.domain import (
    CONTEXT,
    NS_PER_S,
    CancelRejected,
    ClientOrderId,
    Fill,
    InstrumentId,
    LocalError,
    OrderAccepted,
    OrderCancelled,
    OrderExpired,
    OrderRejected,
    OrderState,
    OutcomeUnknown,
    PlaceOrder,
    Side,
)

#: Final orders kept for late events and explanations; the oldest are forgotten beyond that.
MAX_FINAL_ORDERS: Final = 10_000

#: Fills remembered to recognise a repetition, over all instruments.
MAX_REMEMBERED_FILLS: Final = 50_000

#: Fills kept for the case that their venue order id turns out to be ours.
MAX_UNCLAIMED_FILLS: Final = 1_000

#: How long an order that is gone counts as exposure where the venue does not say what of it filled:
#: a fill and the word of the cancel may come over different connections.
SETTLE_NS: Final = 10 * NS_PER_S

_ZERO: Final = Decimal(0)

OrderUpdate: TypeAlias = (
    OrderAccepted | OrderRejected | OrderCancelled | OrderExpired | CancelRejected | OutcomeUnknown | Fill
)


class OrderInput(StrEnum):
    """What can happen to an order; `fill_complete` is the fill that leaves nothing open."""

    SENT = "sent"
    CANCEL_SENT = "cancel_sent"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    FILL = "fill"
    FILL_COMPLETE = "fill_complete"
    CANCELLED = "cancelled"
    CANCEL_REJECTED = "cancel_rejected"
    EXPIRED = "expired"
    UNKNOWN = "unknown"


#: The same in every open state. A refused cancel leaves a doubt whether the order is still there.
_FROM_ANY_OPEN: Final[Mapping[OrderInput, OrderState]] = {
    OrderInput.CANCEL_SENT: OrderState.PENDING_CANCEL,
    OrderInput.REJECTED: OrderState.REJECTED,
    OrderInput.FILL_COMPLETE: OrderState.FILLED,
    OrderInput.CANCELLED: OrderState.CANCELLED,
    OrderInput.CANCEL_REJECTED: OrderState.UNKNOWN,
    OrderInput.EXPIRED: OrderState.EXPIRED,
    OrderInput.UNKNOWN: OrderState.UNKNOWN,
}


def _stays(state: OrderState) -> dict[OrderInput, OrderState]:
    return {given: state for given in OrderInput if given is not OrderInput.SENT}


#: State and input to state; nothing else changes an order's state. Only a created order can be sent.
TRANSITIONS: Final[Mapping[OrderState, Mapping[OrderInput, OrderState]]] = {
    OrderState.CREATED: {
        **_FROM_ANY_OPEN,
        OrderInput.SENT: OrderState.PENDING,
        OrderInput.ACCEPTED: OrderState.LIVE,
        OrderInput.FILL: OrderState.PARTIALLY_FILLED,
    },
    OrderState.PENDING: {
        **_FROM_ANY_OPEN,
        OrderInput.ACCEPTED: OrderState.LIVE,
        OrderInput.FILL: OrderState.PARTIALLY_FILLED,
    },
    OrderState.LIVE: {
        **_FROM_ANY_OPEN,
        OrderInput.ACCEPTED: OrderState.LIVE,
        OrderInput.FILL: OrderState.PARTIALLY_FILLED,
    },
    OrderState.PARTIALLY_FILLED: {
        **_FROM_ANY_OPEN,
        OrderInput.ACCEPTED: OrderState.PARTIALLY_FILLED,
        OrderInput.FILL: OrderState.PARTIALLY_FILLED,
    },
    OrderState.PENDING_CANCEL: {
        **_FROM_ANY_OPEN,
        OrderInput.ACCEPTED: OrderState.PENDING_CANCEL,
        OrderInput.FILL: OrderState.PENDING_CANCEL,
    },
    OrderState.UNKNOWN: {  # a fill proves that the order was there, not that it still is
        **_FROM_ANY_OPEN,
        OrderInput.ACCEPTED: OrderState.LIVE,
        OrderInput.FILL: OrderState.UNKNOWN,
    },
    OrderState.FILLED: _stays(OrderState.FILLED),
    OrderState.CANCELLED: {**_stays(OrderState.CANCELLED), OrderInput.FILL_COMPLETE: OrderState.FILLED},
    OrderState.REJECTED: {**_stays(OrderState.REJECTED), OrderInput.FILL_COMPLETE: OrderState.FILLED},
    OrderState.EXPIRED: {**_stays(OrderState.EXPIRED), OrderInput.FILL_COMPLETE: OrderState.FILLED},
}

#: Final states after which a fill may still be on its way; a rejected order never was at the venue.
_MAY_STILL_FILL: Final = frozenset({OrderState.CANCELLED, OrderState.EXPIRED})

_INPUT_OF: Final[Mapping[type, OrderInput]] = {
    OrderAccepted: OrderInput.ACCEPTED,
    OrderRejected: OrderInput.REJECTED,
    OrderCancelled: OrderInput.CANCELLED,
    OrderExpired: OrderInput.EXPIRED,
    CancelRejected: OrderInput.CANCEL_REJECTED,
    OutcomeUnknown: OrderInput.UNKNOWN,
}


class OrderRecord(msgspec.Struct, kw_only=True):
    """One own order as far as it is known; only the tracker writes to it.

    `filled_size` is the sum of the distinct fills, also of late ones; `settled_size` is what the venue
    says had filled when the order was gone, None where it did not say. `reason` is the venue's last
    word on a rejection, a cancel or a doubt.
    """

    order: PlaceOrder
    created_ns: int
    changed_ns: int
    state: OrderState = OrderState.CREATED
    venue_order_id: str | None = None
    filled_size: Decimal = _ZERO
    settled_size: Decimal | None = None
    reason: str = ""

    @property
    def remaining_size(self) -> Decimal:
        """What could still be filled, in base units; zero once the order is overfilled."""
        return max(_ZERO, CONTEXT.subtract(self.order.size, self.filled_size))

    @property
    def is_open(self) -> bool:
        """True until a final state: such an order counts as exposure."""
        return not self.state.is_final


class OpenOrders:
    """The orders of one instrument that may still fill, with the sums that gates ask for on every order.

    Attributes:
        records: open orders by client order id, oldest first; pending and unknown ones are among them.
        settling: orders that are gone at the venue while fills of them may still be on their way.
        buy_base: remaining size of all buys of both, base units.
        sell_base: remaining size of all sells of both, base units.
    """

    __slots__ = ("_best", "buy_base", "records", "sell_base", "settling")

    def __init__(self) -> None:
        self.records: dict[ClientOrderId, OrderRecord] = {}
        self.settling: dict[ClientOrderId, OrderRecord] = {}
        self.buy_base = _ZERO
        self.sell_base = _ZERO
        self._best: dict[Side, Decimal | None] = {}

    def best_price(self, side: Side) -> Decimal | None:
        """Return the most aggressive own open price of a side, None while there is no such order."""
        if side not in self._best:
            prices = [record.order.price for record in self.records.values() if record.order.side is side]
            self._best[side] = (max if side is Side.BUY else min)(prices, default=None)
        return self._best[side]

    def add(self, record: OrderRecord) -> None:
        """Count an order as open; for the tracker alone."""
        self.records[record.order.client_order_id] = record
        self._best.pop(record.order.side, None)
        self.change(record.order.side, record.remaining_size)

    def remove(self, record: OrderRecord) -> None:
        """Count an order as open no longer; for the tracker alone."""
        del self.records[record.order.client_order_id]
        self._best.pop(record.order.side, None)
        self.change(record.order.side, record.remaining_size.copy_negate())

    def settle(self, record: OrderRecord) -> None:
        """Count an open order on as one that is gone but not fully told; for the tracker alone."""
        self.settling[record.order.client_order_id] = self.records.pop(record.order.client_order_id)
        self._best.pop(record.order.side, None)

    def release(self, record: OrderRecord) -> None:
        """Count a settling order no longer; for the tracker alone."""
        if self.settling.pop(record.order.client_order_id, None) is not None:
            self.change(record.order.side, record.remaining_size.copy_negate())

    def change(self, side: Side, by_base: Decimal) -> None:
        """Change the open size of a side; for the tracker alone."""
        if side is Side.BUY:
            self.buy_base = CONTEXT.add(self.buy_base, by_base)
        else:
            self.sell_base = CONTEXT.add(self.sell_base, by_base)


class Finding(StrEnum):
    """What about an event is not as it should be."""

    EXTERNAL = "external"  # of an order that this tracker never made
    DUPLICATE_FILL = "duplicate_fill"  # told before, not booked again
    CONFLICTING_FILL = "conflicting_fill"  # contradicts its order, or what the same trade id said before
    OVERFILL = "overfill"  # more than was ordered; booked
    LATE_FILL = "late_fill"  # after the order was final; booked


class Applied(msgspec.Struct, frozen=True, kw_only=True):
    """What an event meant: the order it moved, whether it is a fill to book, what was odd."""

    record: OrderRecord | None
    is_new_fill: bool = False
    findings: tuple[Finding, ...] = ()


class OrderTracker:
    """Every order this program made, its state and its fills.

    Attributes:
        findings: how often each finding was met.
        open_count: open orders over all instruments.
    """

    def __init__(
        self, *, max_final_orders: int = MAX_FINAL_ORDERS, max_remembered_fills: int = MAX_REMEMBERED_FILLS
    ) -> None:
        self.findings: Counter[Finding] = Counter()
        self.open_count = 0
        self._max_final_orders = max_final_orders
        self._max_remembered_fills = max_remembered_fills
        self._records: dict[ClientOrderId, OrderRecord] = {}
        self._open: dict[InstrumentId, OpenOrders] = {}
        self._final: OrderedDict[ClientOrderId, None] = OrderedDict()
        self._by_venue_id: dict[tuple[InstrumentId, str], OrderRecord] = {}
        self._fills: OrderedDict[tuple[InstrumentId, str], Fill] = OrderedDict()
        self._unclaimed: OrderedDict[tuple[InstrumentId, str], list[Fill]] = OrderedDict()
        self._unclaimed_fills = 0
        self._settling: deque[tuple[int, OrderRecord]] = deque()

    def create(self, order: PlaceOrder, at_ns: int) -> OrderRecord:
        """Record an order before it is sent; from here on it counts as exposure.

        Raises:
            LocalError: the client order id was used before.
        """
        if order.client_order_id in self._records:
            raise LocalError(
                "client order id was used before", found=order.client_order_id, remedy="take a new id"
            )
        record = OrderRecord(order=order, created_ns=at_ns, changed_ns=at_ns)
        self._records[order.client_order_id] = record
        self.totals(order.instrument).add(record)
        self.open_count += 1
        return record

    def sent(self, client_order_id: ClientOrderId, at_ns: int) -> None:
        """Note that the order left.

        Raises:
            LocalError: it is not an order of ours, or it left before.
        """
        self._move(self._own(client_order_id), OrderInput.SENT, at_ns)

    def cancel_sent(self, client_order_id: ClientOrderId, at_ns: int) -> None:
        """Note that a cancel of the order left, alone or as part of a cancel-all.

        Raises:
            LocalError: it is not an order of ours.
        """
        self._move(self._own(client_order_id), OrderInput.CANCEL_SENT, at_ns)

    def get(self, client_order_id: ClientOrderId) -> OrderRecord | None:
        """Return the order, None when it was never made here or is forgotten."""
        return self._records.get(client_order_id)

    def totals(self, instrument: InstrumentId) -> OpenOrders:
        """Return the instrument's open orders with their sums; the same object at every call."""
        orders = self._open.get(instrument)
        if orders is None:
            orders = self._open[instrument] = OpenOrders()
        return orders

    def open_orders(self, instrument: InstrumentId | None = None) -> Iterable[OrderRecord]:
        """Return the open orders, oldest first within each instrument."""
        if instrument is not None:
            return tuple(self.totals(instrument).records.values())
        return tuple(record for orders in self._open.values() for record in orders.records.values())

    def instruments(self) -> Iterable[InstrumentId]:
        """Return the instruments that have open orders."""
        return [instrument for instrument, orders in self._open.items() if orders.records]

    def apply(self, event: OrderUpdate, at_ns: int) -> Applied:
        """Apply one event of a venue.

        Whoever calls books the fill in the ledger if, and only if, `is_new_fill` is set.
        """
        applied = self._fill(event, at_ns) if isinstance(event, Fill) else self._update(event, at_ns)
        if applied.findings:
            self.findings.update(applied.findings)
        return applied

    def _update(self, event: OrderUpdate, at_ns: int) -> Applied:
        venue_order_id = None if isinstance(event, OrderRejected | OutcomeUnknown) else event.venue_order_id
        record = self._find(event.instrument, event.client_order_id, venue_order_id)
        if record is None:
            return Applied(record=None, findings=(Finding.EXTERNAL,))
        findings = self._claim(record, venue_order_id, at_ns)
        if not isinstance(event, OrderAccepted | OrderExpired | Fill):
            record.reason = event.reason
        if isinstance(event, OrderCancelled | OrderExpired) and event.filled_size is not None:
            record.settled_size = event.filled_size
        self._move(record, _INPUT_OF[type(event)], at_ns)
        self._release_if_told(record)
        return Applied(record=record, findings=findings)

    def _fill(self, fill: Fill, at_ns: int) -> Applied:
        record = self._find(fill.instrument, fill.client_order_id, fill.venue_order_id)
        known = self._fills.get((fill.instrument, fill.trade_id))
        if known is not None:
            same = (known.side, known.price, known.size) == (fill.side, fill.price, fill.size)
            finding = Finding.DUPLICATE_FILL if same else Finding.CONFLICTING_FILL
            return Applied(record=record, findings=(finding,))
        self._fills[fill.instrument, fill.trade_id] = fill
        if len(self._fills) > self._max_remembered_fills:
            self._fills.popitem(last=False)
        if record is None:
            self._keep_unclaimed(fill)
            return Applied(record=None, is_new_fill=True, findings=(Finding.EXTERNAL,))
        findings = self._claim(record, fill.venue_order_id, at_ns) + self._count_fill(record, fill, at_ns)
        return Applied(record=record, is_new_fill=True, findings=findings)

    def _count_fill(self, record: OrderRecord, fill: Fill, at_ns: int) -> tuple[Finding, ...]:
        findings = []
        if fill.side is not record.order.side:
            findings.append(Finding.CONFLICTING_FILL)
        if record.state.is_final:
            findings.append(Finding.LATE_FILL)
        before = record.remaining_size
        record.filled_size = CONTEXT.add(record.filled_size, fill.size)
        if record.filled_size > record.order.size:
            findings.append(Finding.OVERFILL)
        remaining = record.remaining_size
        orders = self._open[record.order.instrument]
        if record.is_open or record.order.client_order_id in orders.settling:
            orders.change(record.order.side, CONTEXT.subtract(remaining, before))
        self._move(record, OrderInput.FILL if remaining > 0 else OrderInput.FILL_COMPLETE, at_ns)
        self._release_if_told(record)
        return tuple(findings)

    def _move(self, record: OrderRecord, given: OrderInput, at_ns: int) -> None:
        state = TRANSITIONS[record.state].get(given)
        if state is None:
            raise LocalError(
                f"order {record.order.client_order_id} cannot be sent again", found=record.state.value
            )
        if state is record.state:
            return
        was_open = record.is_open
        record.state = state
        record.changed_ns = at_ns
        if was_open and state.is_final:
            self.open_count -= 1
            if state in _MAY_STILL_FILL:
                self._open[record.order.instrument].settle(record)
                self._settling.append((at_ns, record))
            else:
                self._open[record.order.instrument].remove(record)
            self._final[record.order.client_order_id] = None
            if len(self._final) > self._max_final_orders:
                self._forget(self._final.popitem(last=False)[0])

    def settle(self, at_ns: int) -> Iterable[InstrumentId]:
        """Release what has settled long enough, and return the instruments whose sums changed.

        An order of which the venue named more than was reported stays: a fill is missing for sure.
        """
        changed: list[InstrumentId] = []
        while self._settling and at_ns - self._settling[0][0] >= SETTLE_NS:
            record = self._settling.popleft()[1]
            if record.settled_size is None:
                self._open[record.order.instrument].release(record)
                changed.append(record.order.instrument)
        return changed

    def _release_if_told(self, record: OrderRecord) -> None:
        """Stop counting an order that is gone once every fill that the venue named is there."""
        told = record.settled_size is not None and record.filled_size >= record.settled_size
        if record.state.is_final and (told or not record.remaining_size):
            self._open[record.order.instrument].release(record)

    def _forget(self, client_order_id: ClientOrderId) -> None:
        record = self._records.pop(client_order_id)
        self._open[record.order.instrument].release(record)
        if record.venue_order_id is not None:
            self._by_venue_id.pop((record.order.instrument, record.venue_order_id), None)

    def _own(self, client_order_id: ClientOrderId) -> OrderRecord:
        record = self._records.get(client_order_id)
        if record is None:
            raise LocalError("no such order", found=client_order_id, wanted="an order that was created here")
        return record

    def _find(
        self, instrument: InstrumentId, client_order_id: ClientOrderId | None, venue_order_id: str | None
    ) -> OrderRecord | None:
        if client_order_id is not None:
            record = self._records.get(client_order_id)
            return record if record is not None and record.order.instrument == instrument else None
        return None if venue_order_id is None else self._by_venue_id.get((instrument, venue_order_id))

    def _claim(self, record: OrderRecord, venue_order_id: str | None, at_ns: int) -> tuple[Finding, ...]:
        """Learn the venue's id of an order, and count the fills that came under that id before."""
        if venue_order_id is None or record.venue_order_id is not None:
            return ()
        key = (record.order.instrument, venue_order_id)
        record.venue_order_id = venue_order_id
        self._by_venue_id[key] = record
        findings: tuple[Finding, ...] = ()
        unclaimed = self._unclaimed.pop(key, [])
        self._unclaimed_fills -= len(unclaimed)
        for fill in unclaimed:
            findings += self._count_fill(record, fill, at_ns)
        return findings

    def _keep_unclaimed(self, fill: Fill) -> None:
        if fill.client_order_id is not None or fill.venue_order_id is None:
            return
        key = (fill.instrument, fill.venue_order_id)
        self._unclaimed.setdefault(key, []).append(fill)
        self._unclaimed_fills += 1
        while self._unclaimed_fills > MAX_UNCLAIMED_FILLS:
            self._unclaimed_fills -= len(self._unclaimed.popitem(last=False)[1])

"""Own orders: one table moves each from state to state, and every distinct fill counts once.

Events come late, twice and in any order, so the table is total: each event has one answer in each
state. No final state turns back into an open one, and no state is a filter for fills. What a venue says
when it is asked is worth what it was at the time of asking: a command that is still on its way may make
it wrong, so it ends a doubt only once nothing can be on its way any more.
"""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from collections.abc import Iterable, Sequence
from decimal import Decimal
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
    ModifyOrder,
    ModifyRejected,
    OrderAccepted,
    OrderCancelled,
    OrderExpired,
    OrderModified,
    OrderNotFound,
    OrderRejected,
    OrderReport,
    OrderState,
    OutcomeUnknown,
    PlaceOrder,
)

from .order_records import UNDER_WAY_NS, Applied, Finding, OpenOrders, OrderRecord
from .order_states import INPUT_OF, REPORTED, TRANSITIONS, OrderInput
from .unclaimed import UnclaimedFills, may_be_of

#: Final orders kept for late events and explanations; the oldest are forgotten beyond that.
MAX_FINAL_ORDERS: Final = 10_000

#: Fills remembered to recognise a repetition, over all instruments.
MAX_REMEMBERED_FILLS: Final = 50_000

#: How long an order that is gone counts as exposure where the venue does not say what of it filled:
#: a fill and the word of the cancel may come over different connections.
SETTLE_NS: Final = 10 * NS_PER_S

_ZERO: Final = Decimal(0)

OrderUpdate: TypeAlias = (
    OrderAccepted
    | OrderRejected
    | OrderCancelled
    | OrderExpired
    | OrderModified
    | CancelRejected
    | ModifyRejected
    | OutcomeUnknown
    | Fill
    | OrderReport
    | OrderNotFound
)
_Word: TypeAlias = (
    OrderAccepted
    | OrderRejected
    | OrderCancelled
    | OrderExpired
    | CancelRejected
    | ModifyRejected
    | OutcomeUnknown
)

#: Final states after which a fill may still be on its way; a rejected order never was at the venue.
_MAY_STILL_FILL: Final = frozenset({OrderState.CANCELLED, OrderState.EXPIRED})


class OrderTracker:
    """Every order this program made, its state and its fills.

    Args:
        first_id: client order ids below it are of earlier runs.

    Attributes:
        findings: how often each finding was met.
        open_count: open orders over all instruments.
        since_ns: fills of orders that were not sent here are history if a venue tells them again and they
            are no later than this, venue's time; None where there is no history.
        since_ns_of: the same for instruments of which it is known better.
    """

    def __init__(
        self,
        *,
        first_id: int = 0,
        max_final_orders: int = MAX_FINAL_ORDERS,
        max_remembered_fills: int = MAX_REMEMBERED_FILLS,
    ) -> None:
        self.findings: Counter[Finding] = Counter()
        self.open_count = 0
        self.since_ns: int | None = None
        self.since_ns_of: dict[InstrumentId, int] = {}
        self._first_id = first_id
        self._max_final_orders = max_final_orders
        self._max_remembered_fills = max_remembered_fills
        self._records: dict[ClientOrderId, OrderRecord] = {}
        self._open: dict[InstrumentId, OpenOrders] = {}
        self._final: OrderedDict[ClientOrderId, None] = OrderedDict()
        self._by_venue_id: dict[tuple[InstrumentId, str], OrderRecord] = {}
        self._fills: OrderedDict[tuple[InstrumentId, str], Fill] = OrderedDict()
        self._unclaimed = UnclaimedFills()
        self._settling: deque[tuple[int, OrderRecord]] = deque()

    # --- what is sent ---------------------------------------------------------------------------

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

    def adopt(
        self, report: OrderReport, client_order_id: ClientOrderId, at_ns: int, *, is_foreign: bool
    ) -> OrderRecord:
        """Take over an open order that was found at the venue: from here on it counts as exposure.

        Only what is still open of it counts here; what had filled before is in the position already.

        Args:
            report: the venue's word on it.
            client_order_id: its own id, or a new one where it has none of ours.
            at_ns: session time.
            is_foreign: leave it alone, neither serving a target nor cancelled for want of one.

        Raises:
            LocalError: nothing of it is open, it has no price, or the id was used before.
        """
        order = PlaceOrder(
            instrument=report.instrument,
            client_order_id=client_order_id,
            side=report.side,
            price=report.price,
            size=CONTEXT.subtract(report.size, report.filled_size),
            reduce_only=report.reduce_only,
        )
        record = self.create(order, at_ns)
        record.is_adopted, record.is_foreign = True, is_foreign
        record.venue_order_id = report.venue_order_id
        self._by_venue_id[report.instrument, report.venue_order_id] = record
        self._move(record, OrderInput.ACCEPTED, at_ns)
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

    def modify_sent(self, command: ModifyOrder, at_ns: int) -> None:
        """Note that new terms left: from here on the old and the new both count as exposure.

        Raises:
            LocalError: it is not an open order of ours, or other terms are under way already.
        """
        record = self._own(command.client_order_id)
        if not record.is_open or record.pending is not None or command.side is not record.order.side:
            raise LocalError(
                f"order {command.client_order_id} cannot be changed",
                found=f"{record.state.value}, {record.order.side.value}",
                wanted="an open order of that side whose terms are certain",
            )
        record.pending, record.modified_ns = command, at_ns
        self._open[record.order.instrument].count(record)
        self._move(record, OrderInput.MODIFY_SENT, at_ns)

    # --- questions ------------------------------------------------------------------------------

    def get(self, client_order_id: ClientOrderId) -> OrderRecord | None:
        """Return the order, None when it was never made here or is forgotten."""
        return self._records.get(client_order_id)

    def find(
        self, instrument: InstrumentId, client_order_id: ClientOrderId | None, venue_order_id: str | None
    ) -> OrderRecord | None:
        """Return the order of a client order id, or else of a venue's id; None when it is not known."""
        if client_order_id is not None:
            record = self._records.get(client_order_id)
            return record if record is not None and record.order.instrument == instrument else None
        return None if venue_order_id is None else self._by_venue_id.get((instrument, venue_order_id))

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

    # --- what is heard --------------------------------------------------------------------------

    def apply(self, event: OrderUpdate, at_ns: int, asked_ns: int | None = None) -> Applied:
        """Apply one event of a venue.

        Whoever calls books the fill in the ledger if, and only if, `is_new_fill` is set.

        Args:
            event: what the venue says.
            at_ns: session time.
            asked_ns: when it was asked, None for what it says unasked.
        """
        seen_ns = at_ns if asked_ns is None else asked_ns
        match event:
            case Fill():
                applied = self._fill(event, at_ns)
            case OrderReport():
                applied = self._report(event, at_ns, seen_ns)
            case OrderModified():
                applied = self._modified(event, at_ns)
            case OrderNotFound():
                applied = self._not_found(event, at_ns, seen_ns)
            case _:
                applied = self._hear(event, at_ns)
        if applied.findings:
            self.findings.update(applied.findings)
        return applied

    def settle(self, at_ns: int) -> Iterable[InstrumentId]:
        """Release what has settled long enough, and return the instruments whose sums changed.

        An order of which the venue named more than was reported stays: a fill is missing for sure.
        """
        changed: list[InstrumentId] = []
        while self._settling and at_ns - self._settling[0][0] >= SETTLE_NS:
            record = self._settling.popleft()[1]
            if record.misses_fills:
                record.settled_size = max(record.settled_size or _ZERO, record.stated_size or _ZERO)
            elif record.settled_size is None:
                self._open[record.order.instrument].release(record)
                changed.append(record.order.instrument)
        return changed

    def strangers(self) -> Sequence[Fill]:
        """Return a fill of each order that turned out to be a stranger's, once: none of ours can claim it.

        As long as one can, its fills are booked and called unclaimed.
        """
        strangers = self._unclaimed.strangers(self._may_be_ours)
        self.findings[Finding.EXTERNAL] += len(strangers)
        return strangers

    def _hear(self, event: _Word, at_ns: int) -> Applied:
        venue_order_id = None if isinstance(event, OrderRejected | OutcomeUnknown) else event.venue_order_id
        record = self.find(event.instrument, event.client_order_id, venue_order_id)
        if record is None:
            return Applied(record=None, findings=(self._stranger(event.client_order_id),))
        ends = isinstance(event, OrderCancelled | OrderExpired)
        findings = self._claim(record, venue_order_id, at_ns)
        if ends and (record.pending is not None or record.was_replaced(venue_order_id)):
            return Applied(record=record, findings=findings)  # of the order that a change replaces
        if not isinstance(event, OrderAccepted | OrderExpired):
            record.reason = event.reason
        if isinstance(event, OrderCancelled | OrderExpired):
            self._state_end(record, event.filled_size)
        if isinstance(event, ModifyRejected):
            self._set_terms(record, record.order.price, record.order.size)
            self._decide(record, record.venue_order_id)
        self._move(record, INPUT_OF[type(event)], at_ns)
        self._release_if_told(record)
        return Applied(record=record, findings=findings)

    def _modified(self, event: OrderModified, at_ns: int) -> Applied:
        record = self.find(event.instrument, event.client_order_id, event.venue_order_id)
        if record is None:
            return Applied(record=None, findings=(self._stranger(event.client_order_id),))
        findings = self._claim(record, event.venue_order_id, at_ns)
        if event.venue_order_id in record.former_ids:
            return Applied(record=record, findings=findings)
        pending = record.pending
        is_last = pending is None or (pending.price, pending.size) == (event.price, event.size)
        record.modified_ns = at_ns if record.modified_ns is None else record.modified_ns
        self._set_terms(record, event.price, event.size, None if is_last else pending)
        if is_last:
            self._decide(record, event.venue_order_id)
            self._move(record, OrderInput.MODIFIED, at_ns)
        self._complete_if_filled(record, at_ns)
        return Applied(record=record, findings=findings)

    def _report(self, report: OrderReport, at_ns: int, seen_ns: int) -> Applied:
        record = self.find(report.instrument, report.client_order_id, report.venue_order_id)
        if record is None:
            return Applied(record=None, findings=(self._stranger(report.client_order_id),))
        given = REPORTED.get(report.state)
        findings = self._claim(record, report.venue_order_id, at_ns)
        if given is None or record.may_change(seen_ns) or record.was_replaced(report.venue_order_id):
            return Applied(record=record, findings=findings)
        if not record.is_adopted:  # of an adopted order only the rest counts, so its sums are others
            record.stated_size = max(record.stated_size or _ZERO, report.filled_size)
        if given is not OrderInput.ACCEPTED:
            self._state_end(record, report.filled_size)
        elif seen_ns < record.changed_ns:
            return Applied(record=record, findings=findings)  # something was sent or heard since
        elif not record.is_adopted:
            self._set_terms(record, report.price, report.size)
        self._decide(record, report.venue_order_id)
        self._move(record, given, at_ns)
        self._release_if_told(record)
        return Applied(record=record, findings=findings)

    def _not_found(self, event: OrderNotFound, at_ns: int, seen_ns: int) -> Applied:
        """End an order that the venue does not know, once none of its commands can arrive any more."""
        record = self.find(event.instrument, event.client_order_id, event.venue_order_id)
        if record is None or seen_ns - max(record.created_ns, record.modified_ns or 0) < UNDER_WAY_NS:
            return Applied(record=record)
        was_there = record.venue_order_id is not None or record.filled_size > 0
        record.reason = "gone and forgotten by the venue" if was_there else "never arrived at the venue"
        self._move(record, OrderInput.CANCELLED if was_there else OrderInput.REJECTED, at_ns)
        return Applied(record=record)

    def _fill(self, fill: Fill, at_ns: int) -> Applied:
        record = self.find(fill.instrument, fill.client_order_id, fill.venue_order_id)
        known = self._fills.get((fill.instrument, fill.trade_id))
        if known is not None:
            same = (known.side, known.price, known.size) == (fill.side, fill.price, fill.size)
            finding = Finding.DUPLICATE_FILL if same else Finding.CONFLICTING_FILL
            return Applied(record=record, findings=(finding,))
        if (record is None or record.is_adopted) and self._is_history(fill):
            return Applied(record=record, findings=(Finding.HISTORY,))
        self._fills[fill.instrument, fill.trade_id] = fill
        if len(self._fills) > self._max_remembered_fills:
            self._fills.popitem(last=False)
        if record is None:
            is_doubtful = fill.client_order_id is None and self._may_be_ours(fill)
            self._unclaimed.keep(fill, is_doubtful=is_doubtful)
            whose = Finding.UNCLAIMED if is_doubtful else self._stranger(fill.client_order_id)
            return Applied(record=None, is_new_fill=True, findings=(whose,))
        findings = self._claim(record, fill.venue_order_id, at_ns) + self._count_fill(record, fill, at_ns)
        return Applied(record=record, is_new_fill=True, findings=findings)

    def _count_fill(self, record: OrderRecord, fill: Fill, at_ns: int) -> tuple[Finding, ...]:
        findings = []
        if fill.side is not record.order.side:
            findings.append(Finding.CONFLICTING_FILL)
        if record.state.is_final:
            findings.append(Finding.LATE_FILL)
        record.filled_size = CONTEXT.add(record.filled_size, fill.size)
        if record.filled_size > record.largest_size and not record.is_adopted:
            findings.append(Finding.OVERFILL)
        self._open[record.order.instrument].count(record)
        self._move(record, OrderInput.FILL, at_ns)
        self._complete_if_filled(record, at_ns)
        return tuple(findings)

    # --- how a record changes -------------------------------------------------------------------

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
            self._end(record, at_ns)

    def _end(self, record: OrderRecord, at_ns: int) -> None:
        orders = self._open[record.order.instrument]
        self.open_count -= 1
        self._set_terms(record, record.order.price, record.order.size)
        if record.state in _MAY_STILL_FILL or (record.state is OrderState.FILLED and record.remaining_size):
            orders.settle(record)
            self._settling.append((at_ns, record))
        else:
            orders.remove(record)
        self._final[record.order.client_order_id] = None
        if len(self._final) > self._max_final_orders:
            self._forget(self._final.popitem(last=False)[0])

    def _set_terms(
        self, record: OrderRecord, price: Decimal, size: Decimal, pending: ModifyOrder | None = None
    ) -> None:
        if (record.order.price, record.order.size) != (price, size) and price > 0 and size > 0:
            record.order = msgspec.structs.replace(record.order, price=price, size=size)
        record.pending = pending
        self._open[record.order.instrument].count(record)

    def _state_end(self, record: OrderRecord, filled_size: Decimal | None) -> None:
        """Keep what the venue says had filled in the end; of a replaced order it says only a part."""
        if filled_size is not None and record.modified_ns is None and not record.is_adopted:
            record.settled_size = max(record.settled_size or _ZERO, filled_size)

    def _complete_if_filled(self, record: OrderRecord, at_ns: int) -> None:
        if not record.exposed_size:
            self._move(record, OrderInput.FILL_COMPLETE, at_ns)
        self._release_if_told(record)

    def _release_if_told(self, record: OrderRecord) -> None:
        """Stop counting an order that is gone once every fill that the venue named is there."""
        told = record.settled_size is not None and not record.misses_fills
        if record.state.is_final and (told or not record.remaining_size):
            self._open[record.order.instrument].release(record)

    def _claim(self, record: OrderRecord, venue_order_id: str | None, at_ns: int) -> tuple[Finding, ...]:
        """Learn an id that the venue gave an order, and count the fills that came under that id before."""
        if venue_order_id is None or venue_order_id in record.venue_ids:
            return ()
        if record.venue_order_id is None or record.modified_ns is None:
            self._decide(record, venue_order_id)
        elif record.pending is not None:
            record.doubtful_ids = (*record.doubtful_ids, venue_order_id)
        else:  # the one that stands is known, so this word is of one before it and late
            record.former_ids = (*record.former_ids, venue_order_id)
        key = (record.order.instrument, venue_order_id)
        self._by_venue_id[key] = record
        findings: tuple[Finding, ...] = ()
        for fill in self._unclaimed.claim(*key):
            findings += self._count_fill(record, fill, at_ns)
        return findings

    def _decide(self, record: OrderRecord, venue_order_id: str | None) -> None:
        """Take an id for that of the order as it stands, and all others for former ones."""
        others = dict.fromkeys(record.venue_ids)
        others.pop(venue_order_id or "", None)
        record.venue_order_id = venue_order_id or record.venue_order_id
        record.former_ids, record.doubtful_ids = tuple(others), ()

    def _forget(self, client_order_id: ClientOrderId) -> None:
        record = self._records.pop(client_order_id)
        self._open[record.order.instrument].release(record)
        for venue_order_id in record.venue_ids:
            self._by_venue_id.pop((record.order.instrument, venue_order_id), None)

    def _own(self, client_order_id: ClientOrderId) -> OrderRecord:
        record = self._records.get(client_order_id)
        if record is None:
            raise LocalError("no such order", found=client_order_id, wanted="an order that was created here")
        return record

    # --- orders that were not made here ---------------------------------------------------------

    def _stranger(self, client_order_id: ClientOrderId | None) -> Finding:
        is_earlier = client_order_id is not None and client_order_id < self._first_id
        return Finding.EARLIER_RUN if is_earlier else Finding.EXTERNAL

    def _is_history(self, fill: Fill) -> bool:
        since_ns = self.since_ns_of.get(fill.instrument, self.since_ns)
        if not fill.is_replay or since_ns is None or fill.exchange_ns is None:
            return False
        return fill.exchange_ns <= since_ns

    def _may_be_ours(self, fill: Fill) -> bool:
        return any(may_be_of(record, fill) for record in self.totals(fill.instrument).records.values())

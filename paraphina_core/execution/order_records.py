"""One order as far as it is known, the sums of those that may still fill, and what may be odd about them."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import Final

import msgspec

from paraphina_core.domain import CONTEXT, NS_PER_S, ClientOrderId, ModifyOrder, OrderState, PlaceOrder, Side

#: How long a command may still reach the venue after it left. No request has a longer deadline than two
#: thirds of it (`MAX_DEADLINE_MS`); the rest is for a venue that looks at what it took in a little later.
UNDER_WAY_NS: Final = 15 * NS_PER_S

_ZERO: Final = Decimal(0)


class OrderRecord(msgspec.Struct, kw_only=True):
    """One order and what was heard of it; only the tracker writes to it.

    Attributes:
        order: the terms in force.
        pending: terms that were sent and may be in force or not.
        former_ids: ids that the venue gave it before it was replaced under our id.
        doubtful_ids: ids first heard while a change is under way: of the order before it, or after it.
        modified_ns: when the last change of terms left, None if none did.
        filled_size: sum of the distinct fills, also of late ones.
        stated_size: most that the venue ever said had filled, None where it never did.
        settled_size: what the venue says had filled when the order was gone, None where it did not say.
        reason: the venue's last word on a rejection, a cancel or a doubt.
        is_adopted: the order was found at the venue; this session never sent it.
        is_foreign: the order is left alone: neither wanted nor cancelled until everything is.
    """

    order: PlaceOrder
    created_ns: int
    changed_ns: int
    state: OrderState = OrderState.CREATED
    venue_order_id: str | None = None
    former_ids: tuple[str, ...] = ()
    doubtful_ids: tuple[str, ...] = ()
    pending: ModifyOrder | None = None
    modified_ns: int | None = None
    filled_size: Decimal = _ZERO
    stated_size: Decimal | None = None
    settled_size: Decimal | None = None
    reason: str = ""
    is_adopted: bool = False
    is_foreign: bool = False

    @property
    def remaining_size(self) -> Decimal:
        """What the terms in force leave open, in base units; zero once the order is overfilled."""
        return max(_ZERO, CONTEXT.subtract(self.order.size, self.filled_size))

    @property
    def exposed_size(self) -> Decimal:
        """What may still fill at worst: a change is under way, and both the old and the new terms may."""
        if self.pending is None:
            return self.remaining_size
        replacing = max(_ZERO, CONTEXT.subtract(self.pending.size, self.filled_size))
        return CONTEXT.add(self.remaining_size, replacing)

    @property
    def largest_size(self) -> Decimal:
        """The largest total size that the order may have at the venue."""
        return self.order.size if self.pending is None else max(self.order.size, self.pending.size)

    @property
    def aggressive_price(self) -> Decimal:
        """The price nearest to the market at which the order may stand."""
        if self.pending is None:
            return self.order.price
        return (max if self.order.side is Side.BUY else min)(self.order.price, self.pending.price)

    @property
    def is_open(self) -> bool:
        """True until a final state: such an order counts as exposure."""
        return not self.state.is_final

    @property
    def venue_ids(self) -> tuple[str, ...]:
        """Every id that the venue is known to have given it."""
        current = () if self.venue_order_id is None else (self.venue_order_id,)
        return (*self.former_ids, *self.doubtful_ids, *current)

    def was_replaced(self, venue_order_id: str | None) -> bool:
        """Tell whether an id of the venue is of an order in whose place another one stands."""
        return self.modified_ns is not None and venue_order_id in self.former_ids

    def may_change(self, seen_ns: int) -> bool:
        """Tell whether a change could still arrive at the venue after a moment of session time."""
        return (
            self.pending is not None
            and self.modified_ns is not None
            and seen_ns - self.modified_ns < UNDER_WAY_NS
        )

    @property
    def misses_fills(self) -> bool:
        """True while the venue has named more than was reported."""
        named = [size for size in (self.stated_size, self.settled_size) if size is not None]
        return max(named, default=_ZERO) > self.filled_size


class OpenOrders:
    """The orders of one instrument that may still fill, with the sums that gates ask for on every order.

    Attributes:
        records: open orders by client order id, oldest first; pending and unknown ones are among them.
        settling: orders that are gone at the venue while fills of them may still be on their way.
        buy_base: what all buys of both may still fill, base units.
        sell_base: what all sells of both may still fill, base units.
    """

    __slots__ = ("_best", "_counted", "buy_base", "records", "sell_base", "settling")

    def __init__(self) -> None:
        self.records: dict[ClientOrderId, OrderRecord] = {}
        self.settling: dict[ClientOrderId, OrderRecord] = {}
        self.buy_base = _ZERO
        self.sell_base = _ZERO
        self._counted: dict[ClientOrderId, Decimal] = {}
        self._best: dict[Side, Decimal | None] = {}

    def best_price(self, side: Side) -> Decimal | None:
        """Return the most aggressive own open price of a side, None while there is no such order."""
        if side not in self._best:
            prices = [
                record.aggressive_price for record in self.records.values() if record.order.side is side
            ]
            self._best[side] = (max if side is Side.BUY else min)(prices, default=None)
        return self._best[side]

    def add(self, record: OrderRecord) -> None:
        """Count an order as open; for the tracker alone."""
        self.records[record.order.client_order_id] = record
        self._counted[record.order.client_order_id] = _ZERO
        self.count(record)

    def count(self, record: OrderRecord) -> None:
        """Count again what an order may still fill, if it counts at all; for the tracker alone."""
        before = self._counted.get(record.order.client_order_id)
        if before is None:
            return
        self._best.pop(record.order.side, None)
        now = record.exposed_size
        if now != before:
            self._counted[record.order.client_order_id] = now
            self._change(record.order.side, CONTEXT.subtract(now, before))

    def remove(self, record: OrderRecord) -> None:
        """Count an open order no longer; for the tracker alone."""
        del self.records[record.order.client_order_id]
        self._uncount(record)

    def settle(self, record: OrderRecord) -> None:
        """Count an open order on as one that is gone but not fully told; for the tracker alone."""
        self.settling[record.order.client_order_id] = self.records.pop(record.order.client_order_id)
        self._best.pop(record.order.side, None)

    def release(self, record: OrderRecord) -> None:
        """Count a settling order no longer; for the tracker alone."""
        if self.settling.pop(record.order.client_order_id, None) is not None:
            self._uncount(record)

    def _uncount(self, record: OrderRecord) -> None:
        self._best.pop(record.order.side, None)
        self._change(record.order.side, self._counted.pop(record.order.client_order_id).copy_negate())

    def _change(self, side: Side, by_base: Decimal) -> None:
        if side is Side.BUY:
            self.buy_base = CONTEXT.add(self.buy_base, by_base)
        else:
            self.sell_base = CONTEXT.add(self.sell_base, by_base)


class Finding(StrEnum):
    """What about an event is not as it should be."""

    EXTERNAL = "external"  # of an order that this program never made
    UNCLAIMED = "unclaimed"  # under an id that may turn out to be that of an order of ours; booked
    EARLIER_RUN = "earlier_run"  # of an order that an earlier run of this program made
    HISTORY = "history"  # a fill from before the session, told again; not booked
    DUPLICATE_FILL = "duplicate_fill"  # told before, not booked again
    CONFLICTING_FILL = "conflicting_fill"  # contradicts its order, or what the same trade id said before
    OVERFILL = "overfill"  # more than was ordered; booked
    LATE_FILL = "late_fill"  # after the order was final; booked


class Applied(msgspec.Struct, frozen=True, kw_only=True):
    """What an event meant: the order it moved, whether it is a fill to book, what was odd."""

    record: OrderRecord | None
    is_new_fill: bool = False
    findings: tuple[Finding, ...] = ()

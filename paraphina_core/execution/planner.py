"""The difference between the orders that are wanted and those that are there.

An order that is good enough stays where it is, because a new one would go to the back of the queue. One
that is not is changed where the venue changes orders in place, and else cancelled. Cancels come first, and a
side waits for their confirmation before anything new is placed on it: until then both could fill. Nothing is
placed that would meet an own order of the other side.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Final

import msgspec

from paraphina_core.domain import (
    CONTEXT,
    CancelOrder,
    ClientOrderId,
    Instrument,
    InstrumentId,
    LocalError,
    ModifyOrder,
    OrderState,
    PlaceOrder,
    Side,
    Target,
)

from .order_records import OpenOrders, OrderRecord
from .orders import OrderTracker
from .tolerance import Means, PlannerRules, Tolerance, on_grid

#: States in which it is certain what a cancel would cancel. One that is still on its way may overtake
#: its order, one whose fate is unknown is first asked for.
_CANCELLABLE: Final = frozenset({OrderState.LIVE, OrderState.PARTIALLY_FILLED})

_NO_MEANS: Final = Means()
_NOWHERE: Final[Mapping[InstrumentId, Means]] = MappingProxyType({})


class Obstacle(StrEnum):
    """Why a target has no order."""

    UNKNOWN_INSTRUMENT = "UNKNOWN_INSTRUMENT"
    UNUSABLE_TARGET = "UNUSABLE_TARGET"
    SIZE_BELOW_MINIMUM = "SIZE_BELOW_MINIMUM"
    NOTIONAL_BELOW_MINIMUM = "NOTIONAL_BELOW_MINIMUM"
    SIDE_NOT_SETTLED = "SIDE_NOT_SETTLED"
    MEETS_OWN_ORDER = "MEETS_OWN_ORDER"


class Unplaced(msgspec.Struct, frozen=True, kw_only=True):
    """A target without an order, and why."""

    target: Target
    obstacle: Obstacle
    found: str


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What to send now: cancels, then changes, then orders. Sorted by instrument, buys before sells."""

    cancels: tuple[CancelOrder, ...]
    changes: tuple[ModifyOrder, ...]
    places: tuple[PlaceOrder, ...]
    unplaced: tuple[Unplaced, ...]


class Planner:
    """Turns targets into commands.

    Args:
        rules: when an order is good enough to stay.
        take_id: gives the client order id of each new order.
    """

    def __init__(self, rules: PlannerRules, take_id: Callable[[], ClientOrderId]) -> None:
        self._rules = rules
        self.take_id = take_id

    def plan(
        self,
        targets: Iterable[Target],
        instruments: Mapping[InstrumentId, Instrument],
        tracker: OrderTracker,
        at_ns: int,
        means: Mapping[InstrumentId, Means] = _NOWHERE,
    ) -> Plan:
        """Return what leads from the open orders to the targets; what no target wants is cancelled.

        Args:
            targets: every order wanted in the market, several of one side allowed.
            instruments: definitions in force.
            tracker: the open orders.
            at_ns: session time.
            means: what each instrument's venue makes possible; nothing where it is not named.
        """
        wanted: dict[InstrumentId, dict[Side, list[Target]]] = {name: {} for name in tracker.instruments()}
        for target in targets:
            wanted.setdefault(target.instrument, {}).setdefault(target.side, []).append(target)
        draft = _Draft(self.take_id)
        for name in sorted(wanted):
            instrument, orders = instruments.get(name), tracker.totals(name)
            for side in (Side.BUY, Side.SELL):
                unserved = wanted[name].get(side, [])
                if instrument is None:
                    draft.give_up(unserved, orders, side)
                else:
                    allowed = means.get(name, _NO_MEANS)
                    tolerance = Tolerance(self._rules, allowed, instrument, at_ns)
                    self._plan_side(unserved, _Market(instrument, orders, side, allowed), tolerance, draft)
        return draft.plan()

    def _plan_side(
        self, targets: Iterable[Target], market: _Market, tolerance: Tolerance, draft: _Draft
    ) -> None:
        unserved = list(targets)
        idle: list[OrderRecord] = []
        for record in _own_orders(market.orders, market.side):
            served = tolerance.served_by(record, unserved)
            if served is None:
                idle.append(record)
            else:
                unserved.remove(served)
        settled = True
        for record in idle:
            if record.state in _CANCELLABLE:
                stays = tolerance.waits_for(record, unserved)
                if stays is None and market.can_change(record):
                    nearest = tolerance.nearest(record, unserved)
                    stays = nearest if nearest is not None and draft.change(record, nearest, market) else None
                if stays is not None:
                    unserved.remove(stays)
                    continue
                draft.cancels.append(cancel_of(record))
            settled = False
        for target in unserved:
            if settled:
                draft.place(target, market)
            else:
                draft.refuse(target, Obstacle.SIDE_NOT_SETTLED, "an earlier order is not gone yet")


class _Market:
    """One side of one instrument: its grid, the orders there, and what may be done with them."""

    __slots__ = ("instrument", "means", "orders", "side")

    def __init__(self, instrument: Instrument, orders: OpenOrders, side: Side, means: Means) -> None:
        self.instrument = instrument
        self.orders = orders
        self.side = side
        self.means = means

    def can_change(self, record: OrderRecord) -> bool:
        """Tell whether an order can be moved: its terms are certain, and nothing of it has filled."""
        is_certain = record.pending is None and not record.filled_size
        return self.means.changes and is_certain and not record.is_adopted


class _Draft:
    """A plan in the making."""

    def __init__(self, take_id: Callable[[], ClientOrderId]) -> None:
        self._take_id = take_id
        self.cancels: list[CancelOrder] = []
        self._changes: list[ModifyOrder] = []
        self._places: list[PlaceOrder] = []
        self._unplaced: list[Unplaced] = []

    def plan(self) -> Plan:
        """Return the plan as it is now."""
        return Plan(
            cancels=tuple(self.cancels),
            changes=tuple(self._changes),
            places=tuple(self._places),
            unplaced=tuple(self._unplaced),
        )

    def refuse(self, target: Target, obstacle: Obstacle, found: str) -> None:
        """Note why a target has no order."""
        self._unplaced.append(Unplaced(target=target, obstacle=obstacle, found=found))

    def give_up(self, targets: Iterable[Target], orders: OpenOrders, side: Side) -> None:
        """Cancel what is there on an instrument that is not known, and place nothing."""
        records = _own_orders(orders, side)
        self.cancels += [cancel_of(record) for record in records if record.state in _CANCELLABLE]
        for target in targets:
            self.refuse(target, Obstacle.UNKNOWN_INSTRUMENT, target.instrument)

    def place(self, target: Target, market: _Market) -> None:
        """Place an order for a target, or note why that is not possible."""
        fit = self._fit(target, market)
        if isinstance(fit, Unplaced):
            self._unplaced.append(fit)
            return
        price, size = fit
        try:
            self._places.append(
                PlaceOrder(
                    instrument=target.instrument,
                    client_order_id=self._take_id(),
                    side=target.side,
                    price=price,
                    size=size,
                    time_in_force=target.time_in_force,
                    post_only=target.post_only,
                    reduce_only=target.reduce_only,
                    purpose=target.purpose,
                )
            )
        except LocalError as e:
            self.refuse(target, Obstacle.UNUSABLE_TARGET, str(e))

    def change(self, record: OrderRecord, target: Target, market: _Market) -> bool:
        """Move an order to a target; False where no order could stand there."""
        fit = self._fit(target, market)
        if isinstance(fit, Unplaced):
            return False
        price, size = fit
        self._changes.append(
            ModifyOrder(
                instrument=target.instrument,
                client_order_id=record.order.client_order_id,
                venue_order_id=record.venue_order_id,
                side=target.side,
                price=price,
                size=size,
                post_only=target.post_only,
                reduce_only=target.reduce_only,
            )
        )
        return True

    def _fit(self, target: Target, market: _Market) -> tuple[Decimal, Decimal] | Unplaced:
        """Return price and size of a target on the grid, or why no order can stand there."""

        def no(obstacle: Obstacle, found: str) -> Unplaced:
            return Unplaced(target=target, obstacle=obstacle, found=found)

        instrument = market.instrument
        try:
            price, size = on_grid(target, instrument)
        except LocalError as e:
            return no(Obstacle.UNUSABLE_TARGET, str(e))
        if not (size >= instrument.min_size and size > 0):
            return no(Obstacle.SIZE_BELOW_MINIMUM, f"size {size:f}, minimum {instrument.min_size:f}")
        notional = CONTEXT.multiply(price, size)
        if not notional >= instrument.min_notional:
            found = f"notional {notional:f}, minimum {instrument.min_notional:f}"
            return no(Obstacle.NOTIONAL_BELOW_MINIMUM, found)
        for own in (market.orders.best_price(target.side.opposite), self._best_price(target)):
            if own is not None and (price >= own if target.side is Side.BUY else price <= own):
                return no(Obstacle.MEETS_OWN_ORDER, f"own order at {own:f}")
        return price, size

    def _best_price(self, target: Target) -> Decimal | None:
        """Return the most aggressive price that orders get now on the other side of the target's market."""
        given: tuple[PlaceOrder | ModifyOrder, ...] = (*self._places, *self._changes)
        prices = [
            one.price for one in given if one.instrument == target.instrument and one.side is not target.side
        ]
        return (min if target.side is Side.BUY else max)(prices, default=None)


def _own_orders(orders: OpenOrders, side: Side) -> list[OrderRecord]:
    """Return the open orders of a side that are not to be left alone, oldest first."""
    return [one for one in orders.records.values() if one.order.side is side and not one.is_foreign]


def cancel_of(record: OrderRecord) -> CancelOrder:
    """Return the command that cancels an order."""
    return CancelOrder(
        instrument=record.order.instrument,
        client_order_id=record.order.client_order_id,
        venue_order_id=record.venue_order_id,
    )

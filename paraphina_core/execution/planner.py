"""The difference between the orders that are wanted and those that are there.

An order that is good enough stays where it is, because a new one would go to the back of the queue.
Cancels come first, and a side waits for their confirmation before anything new is placed on it: until
then both could fill. Nothing is placed that would meet an own order of the other side.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Final

import msgspec

from paraphina_core.domain import (
    CONTEXT,
    NS_PER_MS,
    CancelOrder,
    ClientOrderId,
    Instrument,
    InstrumentId,
    LocalError,
    OrderState,
    PlaceOrder,
    Side,
    Target,
    exact,
)

from .order_records import OpenOrders, OrderRecord
from .orders import OrderTracker

_BPS: Final = 1e-4

#: States in which an order may serve a target.
_SERVING: Final = frozenset(
    {OrderState.CREATED, OrderState.PENDING, OrderState.LIVE, OrderState.PARTIALLY_FILLED}
)

#: States in which it is certain what a cancel would cancel. One that is still on its way may overtake
#: its order, one whose fate is unknown is first asked for.
_CANCELLABLE: Final = frozenset({OrderState.LIVE, OrderState.PARTIALLY_FILLED})


class PlannerRules(msgspec.Struct, frozen=True, kw_only=True):
    """When an order is good enough to stay.

    Args:
        reprice_tolerance_bps: difference of price, in bps of the target's, that is tolerated; an order
            more aggressive than its target by over one tick is replaced all the same.
        size_tolerance: difference of size that is tolerated, as a share of the target's.
        min_life_ms: age before which an order that is wanted elsewhere stays, unless it is offside.
        offside_bps: by how much more aggressive than its target an order is dangerously offside.
    """

    reprice_tolerance_bps: float = 0.5
    size_tolerance: float = 0.1
    min_life_ms: int = 500
    offside_bps: float = 2.0

    def __post_init__(self) -> None:
        for value in (self.reprice_tolerance_bps, self.size_tolerance, self.min_life_ms, self.offside_bps):
            if not 0.0 <= value < math.inf:
                raise LocalError("planner rules are not usable", found=self, wanted="finite, not below zero")


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
    """What to send now, cancels first. Sorted by instrument, buys before sells."""

    cancels: tuple[CancelOrder, ...]
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
    ) -> Plan:
        """Return what leads from the open orders to the targets; what no target wants is cancelled.

        Args:
            targets: every order wanted in the market, several of one side allowed.
            instruments: definitions in force.
            tracker: the open orders.
            at_ns: session time.
        """
        wanted: dict[InstrumentId, dict[Side, list[Target]]] = {name: {} for name in tracker.instruments()}
        for target in targets:
            wanted.setdefault(target.instrument, {}).setdefault(target.side, []).append(target)
        draft = _Draft()
        for name in sorted(wanted):
            instrument, sides, orders = instruments.get(name), wanted[name], tracker.totals(name)
            for side in (Side.BUY, Side.SELL):
                self._plan_side(sides.get(side, []), instrument, orders, side, at_ns, draft)
        return Plan(cancels=tuple(draft.cancels), places=tuple(draft.places), unplaced=tuple(draft.unplaced))

    def _plan_side(
        self,
        targets: list[Target],
        instrument: Instrument | None,
        orders: OpenOrders,
        side: Side,
        at_ns: int,
        draft: _Draft,
    ) -> None:
        records = [
            record
            for record in orders.records.values()
            if record.order.side is side and not record.is_foreign
        ]
        unserved = list(targets)
        idle: list[OrderRecord] = []
        for record in records:
            served = self._served(record, unserved, instrument)
            if served is None:
                idle.append(record)
            else:
                unserved.remove(served)
        settled = True
        for record in idle:
            if record.state in _CANCELLABLE:
                stays = self._young(record, unserved, instrument, at_ns)
                if stays is not None:
                    unserved.remove(stays)
                    continue
                draft.cancels.append(cancel_of(record))
            settled = False
        for target in unserved:
            if instrument is None:
                draft.refuse(target, Obstacle.UNKNOWN_INSTRUMENT, target.instrument)
            elif settled:
                self._place(target, instrument, orders, draft)
            else:
                draft.refuse(target, Obstacle.SIDE_NOT_SETTLED, "an earlier order is not gone yet")

    def _place(self, target: Target, instrument: Instrument, orders: OpenOrders, draft: _Draft) -> None:
        try:
            price, size = _on_grid(target, instrument)
        except LocalError as e:
            draft.refuse(target, Obstacle.UNUSABLE_TARGET, str(e))
            return
        if not (size >= instrument.min_size and size > 0):
            found = f"size {size:f}, minimum {instrument.min_size:f}"
            draft.refuse(target, Obstacle.SIZE_BELOW_MINIMUM, found)
            return
        notional = CONTEXT.multiply(price, size)
        if not notional >= instrument.min_notional:
            found = f"notional {notional:f}, minimum {instrument.min_notional:f}"
            draft.refuse(target, Obstacle.NOTIONAL_BELOW_MINIMUM, found)
            return
        for own in (orders.best_price(target.side.opposite), draft.best_price(target)):
            if own is not None and (price >= own if target.side is Side.BUY else price <= own):
                draft.refuse(target, Obstacle.MEETS_OWN_ORDER, f"own order at {own:f}")
                return
        try:
            draft.places.append(
                PlaceOrder(
                    instrument=target.instrument,
                    client_order_id=self.take_id(),
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
            draft.refuse(target, Obstacle.UNUSABLE_TARGET, str(e))

    def _served(
        self, record: OrderRecord, targets: list[Target], instrument: Instrument | None
    ) -> Target | None:
        """Return the first target that the order is good enough for."""
        if instrument is None or record.state not in _SERVING:
            return None
        tick = float(instrument.price_rule.tick_at(record.order.price))
        for target in targets:
            if not _same_terms(record.order, target):
                continue
            aggressive_by = _aggressive_by(record, target)
            if self._close_enough(record, target, instrument, aggressive_by, tick):
                return target
            if abs(aggressive_by) <= 2 * tick and _exactly(record, target, instrument):
                return target  # floats missed it by a hair
        return None

    def _close_enough(
        self, record: OrderRecord, target: Target, instrument: Instrument, aggressive_by: float, tick: float
    ) -> bool:
        tolerance = target.price * self._rules.reprice_tolerance_bps * _BPS
        if not (-max(tolerance, tick) < aggressive_by <= min(tolerance, tick)):
            return False
        missing = target.size_base - float(record.remaining_size)
        tolerance = target.size_base * self._rules.size_tolerance
        return -tolerance <= missing <= tolerance or 0.0 <= missing < float(instrument.lot_size)

    def _young(
        self, record: OrderRecord, targets: list[Target], instrument: Instrument | None, at_ns: int
    ) -> Target | None:
        """Return the target that a young order keeps waiting: the nearest with the same terms."""
        if instrument is None or at_ns - record.created_ns >= self._rules.min_life_ms * NS_PER_MS:
            return None
        alike = [target for target in targets if _same_terms(record.order, target)]
        if not alike:
            return None
        nearest = min(alike, key=lambda target: abs(_aggressive_by(record, target)))
        tick = float(instrument.price_rule.tick_at(record.order.price))
        dangerous = max(tick, nearest.price * self._rules.offside_bps * _BPS)
        return nearest if _aggressive_by(record, nearest) <= dangerous else None


class _Draft:
    """A plan in the making."""

    def __init__(self) -> None:
        self.cancels: list[CancelOrder] = []
        self.places: list[PlaceOrder] = []
        self.unplaced: list[Unplaced] = []

    def best_price(self, target: Target) -> Decimal | None:
        """Return the most aggressive price about to be placed on the other side of the target's market."""
        prices = [
            order.price
            for order in self.places
            if order.instrument == target.instrument and order.side is not target.side
        ]
        return (min if target.side is Side.BUY else max)(prices, default=None)

    def refuse(self, target: Target, obstacle: Obstacle, found: str) -> None:
        self.unplaced.append(Unplaced(target=target, obstacle=obstacle, found=found))


def cancel_of(record: OrderRecord) -> CancelOrder:
    """Return the command that cancels an order."""
    return CancelOrder(
        instrument=record.order.instrument,
        client_order_id=record.order.client_order_id,
        venue_order_id=record.venue_order_id,
    )


def _aggressive_by(record: OrderRecord, target: Target) -> float:
    """Return how much nearer to the market than its target an order is, in quote units."""
    return (float(record.order.price) - target.price) * target.side.sign


def _same_terms(order: PlaceOrder, target: Target) -> bool:
    return (
        order.time_in_force is target.time_in_force
        and order.post_only == target.post_only
        and order.reduce_only == target.reduce_only
        and order.purpose is target.purpose
    )


def _on_grid(target: Target, instrument: Instrument) -> tuple[Decimal, Decimal]:
    """Put a target on the grid, passively and never larger; this is done once, here."""
    price = instrument.passive_price(exact(target.price), target.side)
    return price, instrument.round_size(exact(target.size_base))


def _exactly(record: OrderRecord, target: Target, instrument: Instrument) -> bool:
    """Tell whether the target, on the grid, is this very order: then a new one would change nothing."""
    try:
        return _on_grid(target, instrument) == (record.order.price, record.remaining_size)
    except LocalError:
        return False

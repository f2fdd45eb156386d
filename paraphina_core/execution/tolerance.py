"""When an order that is there is good enough for what is wanted, and when it stays for being young."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal
from typing import Final

import msgspec

from paraphina_core.domain import NS_PER_MS, Instrument, LocalError, OrderState, PlaceOrder, Target, exact

from .order_records import OrderRecord

_BPS: Final = 1e-4

#: States in which an order may serve a target.
_SERVING: Final = frozenset(
    {OrderState.CREATED, OrderState.PENDING, OrderState.LIVE, OrderState.PARTIALLY_FILLED}
)


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


class Means(msgspec.Struct, frozen=True, kw_only=True):
    """What a venue lets the planner do with the orders that are there.

    Args:
        changes: it changes orders in place; an order may then be moved with one message, and its target is
            never without an order.
        thrift: by how much the tolerances and the shortest life of an order that only improves are
            stretched, from 1 with messages to spare; what is offside is dealt with all the same.
    """

    changes: bool = False
    thrift: float = 1.0


class Tolerance:
    """What is tolerated on one instrument now.

    Args:
        rules: the tolerances with messages to spare.
        means: how far they are stretched.
        instrument: its grid.
        at_ns: session time.
    """

    __slots__ = ("_at_ns", "_instrument", "_rules", "_thrift")

    def __init__(self, rules: PlannerRules, means: Means, instrument: Instrument, at_ns: int) -> None:
        self._rules = rules
        self._thrift = means.thrift
        self._instrument = instrument
        self._at_ns = at_ns

    def served_by(self, record: OrderRecord, targets: Sequence[Target]) -> Target | None:
        """Return the first target that the order is good enough for."""
        if record.state not in _SERVING:
            return None
        tick = self._tick(record)
        for target in targets:
            if not same_terms(record.order, target):
                continue
            aggressive_by = _aggressive_by(record, target)
            if self._close_enough(record, target, aggressive_by, tick):
                return target
            if abs(aggressive_by) <= 2 * tick and self._is_exactly(record, target):
                return target  # floats missed it by a hair
        return None

    def waits_for(self, record: OrderRecord, targets: Sequence[Target]) -> Target | None:
        """Return the target that a young order keeps waiting; a change makes an order young again."""
        life_ns = self._rules.min_life_ms * NS_PER_MS * self._thrift
        since_ns = record.created_ns if record.modified_ns is None else record.modified_ns
        return None if self._at_ns - since_ns >= life_ns else self.nearest(record, targets)

    def nearest(self, record: OrderRecord, targets: Sequence[Target]) -> Target | None:
        """Return the nearest target with the order's terms, None where the order is offside of it."""
        alike = [target for target in targets if same_terms(record.order, target)]
        if not alike:
            return None
        nearest = min(alike, key=lambda target: abs(_aggressive_by(record, target)))
        dangerous = max(self._tick(record), nearest.price * self._rules.offside_bps * _BPS)
        return nearest if _aggressive_by(record, nearest) <= dangerous else None

    def _tick(self, record: OrderRecord) -> float:
        return float(self._instrument.price_rule.tick_at(record.order.price))

    def _close_enough(self, record: OrderRecord, target: Target, aggressive_by: float, tick: float) -> bool:
        tolerance = target.price * self._rules.reprice_tolerance_bps * _BPS
        if not (-max(tolerance * self._thrift, tick) < aggressive_by <= min(tolerance, tick)):
            return False
        missing = target.size_base - float(record.remaining_size)
        tolerance = target.size_base * self._rules.size_tolerance
        return -tolerance <= missing <= tolerance or 0.0 <= missing < float(self._instrument.lot_size)

    def _is_exactly(self, record: OrderRecord, target: Target) -> bool:
        """Tell whether the target, on the grid, is this very order: then a new one would change nothing."""
        try:
            return on_grid(target, self._instrument) == (record.order.price, record.remaining_size)
        except LocalError:
            return False


def on_grid(target: Target, instrument: Instrument) -> tuple[Decimal, Decimal]:
    """Put a target on the grid, passively and never larger; this is done once, here."""
    price = instrument.passive_price(exact(target.price), target.side)
    return price, instrument.round_size(exact(target.size_base))


def same_terms(order: PlaceOrder, target: Target) -> bool:
    """Tell whether an order is what the target asks for but for price and size."""
    return (
        order.time_in_force is target.time_in_force
        and order.post_only == target.post_only
        and order.reduce_only == target.reduce_only
        and order.purpose is target.purpose
    )


def _aggressive_by(record: OrderRecord, target: Target) -> float:
    """Return how much nearer to the market than its target an order is, in quote units."""
    return (float(record.order.price) - target.price) * target.side.sign

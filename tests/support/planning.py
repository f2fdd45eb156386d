"""A planner with its tracker, whose plans are carried out and answered as a test says."""

from __future__ import annotations

from decimal import Decimal
from itertools import count
from typing import Any

from paraphina_core.domain import (
    NS_PER_MS,
    ClientOrderId,
    Instrument,
    InstrumentId,
    OrderAccepted,
    OrderCancelled,
    OrderModified,
    PlaceOrder,
    Side,
    Target,
)
from paraphina_core.execution import Means, OrderRecord, OrderTracker, Plan, Planner, PlannerRules
from trading import BTC, ETH

MARKETS = {BTC.id: BTC, ETH.id: ETH}


def want(side: Side, price: float, size: float = 1.0, instrument: Instrument = BTC, **more: Any) -> Target:
    """Return a target; prices and sizes in plain numbers."""
    return Target(instrument=instrument.id, side=side, price=price, size_base=size, **more)


class PlanningDesk:
    """A planner with its tracker; what it sends is confirmed when told."""

    def __init__(self, **rules: Any) -> None:
        ids = count(1)
        self.tracker = OrderTracker()
        self.planner = Planner(PlannerRules(**rules), lambda: ClientOrderId(next(ids)))
        self.instruments: dict[InstrumentId, Instrument] = dict(MARKETS)
        self.means = Means()
        self.now_ms = 1_000_000

    def plan(self, *targets: Target) -> Plan:
        """Plan and send."""
        now_ns = self.now_ms * NS_PER_MS
        means = dict.fromkeys(self.instruments, self.means)
        plan = self.planner.plan(targets, self.instruments, self.tracker, now_ns, means)
        for cancel in plan.cancels:
            self.tracker.cancel_sent(cancel.client_order_id, now_ns)
        for change in plan.changes:
            self.tracker.modify_sent(change, now_ns)
        for order in plan.places:
            self.tracker.create(order, now_ns)
            self.tracker.sent(order.client_order_id, now_ns)
        return plan

    def confirm(self) -> None:
        """Answer everything that is on its way."""
        for record in self.tracker.open_orders():
            if record.pending is not None:
                self._change(record)
                continue
            answer = OrderCancelled if record.state.value == "pending_cancel" else OrderAccepted
            name, number = record.order.instrument, record.order.client_order_id
            event = answer(instrument=name, client_order_id=number, venue_order_id=f"v{number}")
            self.tracker.apply(event, self.now_ms * NS_PER_MS)

    def _change(self, record: OrderRecord) -> None:
        assert record.pending is not None
        event = OrderModified(
            instrument=record.order.instrument,
            client_order_id=record.order.client_order_id,
            venue_order_id=record.venue_order_id,
            price=record.pending.price,
            size=record.pending.size,
        )
        self.tracker.apply(event, self.now_ms * NS_PER_MS)

    def rest(self, *targets: Target, age_ms: int = 10_000) -> None:
        """Have orders for these targets rest for a while."""
        plan = self.plan(*targets)
        assert len(plan.places) == len(targets)
        self.confirm()
        self.now_ms += age_ms

    @property
    def open(self) -> list[tuple[Side, float, float]]:
        """Every open order."""
        return [
            (record.order.side, float(record.order.price), float(record.remaining_size))
            for record in self.tracker.open_orders()
        ]


def spelled(orders: tuple[PlaceOrder, ...]) -> list[tuple[str, Side, Decimal, Decimal]]:
    """Return instrument, side, price and size of orders."""
    return [(order.instrument, order.side, order.price, order.size) for order in orders]

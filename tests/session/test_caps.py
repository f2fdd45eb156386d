"""The caps hold with the session's own order tracker as the desk, whatever the venue does and says when."""

from __future__ import annotations

import random
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from any_venue import Order, Step, World
from paraphina_core.domain import (
    ClientOrderId,
    Fill,
    InstrumentId,
    Liquidity,
    OrderCancelled,
    OrderRejected,
    OutcomeUnknown,
    PlaceOrder,
)
from paraphina_core.execution import SETTLE_NS, Ledger, OrderTracker, OrderUpdate


class TrackedWorld(World):
    """The same venue; the desk is the tracker, the ledger and the gates as a session wires them.

    With `tells` the venue says with each end what had filled. Without, the desk must wait for the settling
    time, in which every message that is under way arrives.
    """

    def __init__(self, *, tells: bool) -> None:
        super().__init__()
        self.tracker = OrderTracker()
        self.ledger = Ledger(Decimal(100_000))
        self.tells = tells
        self.now_ns = 0

    def sent(self, order: PlaceOrder) -> None:
        number = int(order.client_order_id)
        self.tracker.create(_placed(order, self.orders[number].market), self.now_ns)
        self.tracker.sent(order.client_order_id, self.now_ns)

    def count(self, market: int) -> None:
        name = _name(market)
        self.markets[market].update(self.ledger.size(name), self.tracker.totals(name))

    def read(self, index: int, *, again: bool) -> None:
        if not self.messages:
            return
        index %= len(self.messages)
        kind, order, size, number = self.messages[index] if again else self.messages.pop(index)
        event = self._event(kind, order, size, number)
        applied = self.tracker.apply(event, self.now_ns)
        if applied.is_new_fill and isinstance(event, Fill):
            self.ledger.apply(event)
        self.count(order.market)

    def pass_time(self) -> None:
        """Let the settling time pass; by then everything the venue has sent has arrived."""
        while self.messages:
            self.read(0, again=False)
        self.now_ns += SETTLE_NS
        self.tracker.settle(self.now_ns)
        for market in range(3):
            self.count(market)
        self.check_caps()

    def _event(self, kind: str, order: Order, size: Decimal, number: int) -> OrderUpdate:
        name = _name(order.market)
        client_order_id = ClientOrderId(self.orders.index(order))
        if kind == "fill":
            return Fill(
                instrument=name,
                client_order_id=client_order_id,
                venue_order_id=None,
                trade_id=str(number),
                side=order.side,
                price=Decimal(100),
                size=size,
                fee=Decimal(0),
                liquidity=Liquidity.MAKER,
            )
        if kind == "no answer":
            return OutcomeUnknown(instrument=name, client_order_id=client_order_id, reason="lost")
        if not size and not order.filled:
            return OrderRejected(instrument=name, client_order_id=client_order_id, code="NO", reason="")
        return OrderCancelled(
            instrument=name,
            client_order_id=client_order_id,
            venue_order_id=None,
            filled_size=size if self.tells else None,
        )


def _name(market: int) -> InstrumentId:
    return InstrumentId(f"venue:{market}")


def _placed(order: PlaceOrder, market: int) -> PlaceOrder:
    return PlaceOrder(
        instrument=_name(market),
        client_order_id=order.client_order_id,
        side=order.side,
        price=order.price,
        size=order.size,
    )


def _random_run(seed: int, steps: int, *, tells: bool) -> TrackedWorld:
    chance = random.Random(seed)
    world = TrackedWorld(tells=tells)
    for number in range(steps):
        world.step(*(chance.randrange(10_000) for _ in range(3)))
        if number % 50 == 49:
            world.pass_time()
    return world


STEPS = st.tuples(st.integers(0, 11), st.integers(0, 10_000), st.integers(0, 10_000))


@settings(max_examples=200)
@given(steps=st.lists(STEPS, max_size=80), tells=st.booleans())
def test_no_history_of_orders_fills_and_losses_breaches_a_cap(steps: list[Step], tells: bool) -> None:
    """After every event the venue's truth is within both limits, even if everything that may fill does."""
    world = TrackedWorld(tells=tells)
    for number, step in enumerate(steps):
        world.step(*step)
        if number % 20 == 19:
            world.pass_time()


@pytest.mark.parametrize("tells", [True, False])
def test_long_runs_trade_much_and_stay_within_the_caps(tells: bool) -> None:
    """The promise is not kept by sending little: hundreds of orders pass and fill."""
    worlds = [_random_run(seed, 400, tells=tells) for seed in range(30)]
    assert sum(world.accepted for world in worlds) > 600
    assert sum(world.fills for world in worlds) > 200


@pytest.mark.parametrize("seed", range(5))
def test_once_everything_has_arrived_the_books_are_the_venues(seed: int) -> None:
    """Positions equal the venue's, to the last digit."""
    world = _random_run(seed, 400, tells=seed % 2 == 0)
    world.pass_time()
    assert [world.ledger.size(_name(market)) for market in range(3)] == world.true_position

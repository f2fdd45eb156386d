"""No sequence of accepted orders breaches a position limit, whatever the venue makes of them.

The model venue below may do to an order anything that a venue can: take it, reject it, lose it, lose
the answer, fill it in parts at any time, cancel it unasked. Its messages arrive in any order, twice or
not at all, so a fill may come before the acceptance and after the cancel. What it may not do is fill
more than was ordered, or lie about how much of an order it has filled in the end.

The model desk is as small as a desk can be that keeps the promise asked of `OpenOrders`: an order counts
from the moment it is sent until its end is known, and every fill of it booked.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from order_world import Orders, limits, order_context, quote, session_context
from paraphina_core.domain import ClientOrderId, Purpose, Side, TradingState
from paraphina_core.gates import OrderContext, check

PRICE = 100.0
VENUE_CAP_USD, TOTAL_CAP_USD = 1_000.0, 1_500.0
ROUNDING_USD = 1e-6

Step = tuple[int, int, int]


@dataclass
class Order:
    """One order, as the venue has it and as the desk knows it."""

    market: int
    side: Side
    size: Decimal
    at_venue: str = "on its way"  # then live, then gone
    filled: Decimal = Decimal(0)
    known_filled: Decimal = Decimal(0)
    final_filled: Decimal | None = None  # what the venue said at the end, once it has arrived
    unknown: bool = False
    seen: set[int] = field(default_factory=set)

    @property
    def counts(self) -> bool:
        return self.final_filled is None or self.known_filled < self.final_filled

    @property
    def may_fill(self) -> Decimal:
        return Decimal(0) if self.at_venue == "gone" else self.size - self.filled


class World:
    """A desk with three markets on two venues, the venues, and the messages under way.

    `forgets` breaks the desk on purpose, to show that the test would notice.
    """

    def __init__(self, forgets: str = "") -> None:
        self.forgets = forgets
        self.session = session_context(
            limits(
                max_order_notional_usd=10_000.0,
                max_open_orders=1_000,
                message_rate_per_s=1e9,
                message_burst=10**9,
                max_position_notional_usd_per_venue=VENUE_CAP_USD,
                max_position_notional_usd_total=TOTAL_CAP_USD,
            ),
            used=set(),
        )
        one, two = (order_context(self.session, venue) for venue in ("one", "two"))
        third = OrderContext(instrument=one.instrument, book=one.book, venue=one.venue, session=self.session)
        third.fair_value = third.exposure.reference_price = PRICE
        self.markets = [one, two, third]
        self.orders: list[Order] = []
        self.messages: list[tuple[str, Order, Decimal, int]] = []
        self.position = [Decimal(0)] * 3  # as the desk has booked it
        self.true_position = [Decimal(0)] * 3
        self.fills = 0
        self.accepted = 0
        self.refused: set[str] = set()

    # --- the desk --------------------------------------------------------------------------------

    def send(self, a: int, b: int) -> None:
        """Ask for an order, and send it if every gate lets it through."""
        market = a % 3
        side = (Side.BUY, Side.SELL)[a // 3 % 2]
        is_exit = a // 6 % 3 == 0
        order = quote(
            side,
            "99.5" if side is Side.BUY else "100.5",
            str(Decimal(b % 80 + 3) / 10),
            client_order_id=ClientOrderId(len(self.orders)),
            purpose=Purpose.EXIT if is_exit else Purpose.QUOTE,
            reduce_only=is_exit,
        )
        context = self.markets[market]
        before = context.exposure.worst_base
        refusal = check(order, context)
        if refusal is not None:
            self.refused.add(refusal.code)
            return
        self.accepted += 1
        self.orders.append(Order(market, side, order.size))
        self.count(market)
        if self.session.state is TradingState.REDUCING or is_exit:
            assert context.exposure.worst_base <= before + 1e-9

    def count(self, market: int) -> None:
        """Tell the gates what may still fill on a market."""
        open_base = {
            side: sum(
                (
                    order.size - order.known_filled
                    for order in self.orders
                    if order.market == market
                    and order.side is side
                    and order.counts
                    and not self._forgotten(order)
                ),
                Decimal(0),
            )
            for side in Side
        }
        orders = Orders(buy_base=open_base[Side.BUY], sell_base=open_base[Side.SELL])
        self.markets[market].update(self.position[market], orders)

    def _forgotten(self, order: Order) -> bool:
        if self.forgets == "unknown orders":
            return order.unknown
        return self.forgets == "late fills" and order.final_filled is not None

    def read(self, index: int, *, again: bool) -> None:
        """Take one message, out of order, perhaps leaving it to arrive once more."""
        if not self.messages:
            return
        index %= len(self.messages)
        kind, order, size, number = self.messages[index] if again else self.messages.pop(index)
        if kind == "fill" and number not in order.seen:
            order.seen.add(number)
            order.known_filled += size
            self.position[order.market] += order.side.sign * size
        elif kind == "end":
            order.final_filled = size
        elif kind == "no answer":
            order.unknown = True
        self.count(order.market)

    # --- the venue -------------------------------------------------------------------------------

    def arrive(self, index: int, answer: int) -> None:
        """Let an order reach the venue, or not; and let the answer reach the desk, or not."""
        waiting = [order for order in self.orders if order.at_venue == "on its way"]
        if not waiting:
            return
        order = waiting[index % len(waiting)]
        outcome = ("accepted", "rejected", "lost", "accepted without answer")[answer % 4]
        order.at_venue = "live" if outcome.startswith("accepted") else "gone"
        if outcome == "rejected":
            self.messages.append(("end", order, Decimal(0), -1))
        elif outcome != "accepted":
            self.messages.append(("no answer", order, Decimal(0), -1))

    def fill(self, index: int, tenths: int) -> None:
        """Fill a part of a live order, or all of it."""
        live = [order for order in self.orders if order.at_venue == "live"]
        if not live:
            return
        order = live[index % len(live)]
        size = min(order.may_fill, Decimal(tenths % 50 + 1) / 10)
        order.filled += size
        self.true_position[order.market] += order.side.sign * size
        self.fills += 1
        self.messages.append(("fill", order, size, self.fills))
        if order.filled == order.size:
            self._end(order)

    def cancel(self, index: int) -> None:
        """End a live order, asked or unasked."""
        live = [order for order in self.orders if order.at_venue == "live"]
        if live:
            self._end(live[index % len(live)])

    def answer_query(self, index: int) -> None:
        """Say again what became of an order that is gone, as when the desk asks for an unknown one."""
        gone = [order for order in self.orders if order.at_venue == "gone"]
        if gone:
            order = gone[index % len(gone)]
            self.messages.append(("end", order, order.filled, -1))

    def _end(self, order: Order) -> None:
        order.at_venue = "gone"
        self.messages.append(("end", order, order.filled, -1))

    # --- running it ------------------------------------------------------------------------------

    def step(self, kind: int, a: int, b: int) -> None:
        match kind % 12:
            case 0 | 1 | 2 | 3:
                self.send(a, b)
            case 4 | 5:
                self.arrive(a, b)
            case 6 | 7:
                self.fill(a, b)
            case 8:
                self.cancel(a)
            case 9:
                self.answer_query(a)
            case 10:
                self.read(a, again=b % 4 == 0)
            case _:
                states = (
                    TradingState.ACTIVE,
                    TradingState.ACTIVE,
                    TradingState.REDUCING,
                    TradingState.HALTED,
                )
                self.session.state = states[a % 4]
        self.read(b, again=False)
        self.check_caps()

    def check_caps(self) -> None:
        """Hold both limits to what the venue really has, with every order that may still fill filled."""
        worst = []
        for market in range(3):
            open_base = {
                side: sum(o.may_fill for o in self.orders if o.market == market and o.side is side)
                for side in Side
            }
            position = self.true_position[market]
            worst.append(float(max(position + open_base[Side.BUY], open_base[Side.SELL] - position)) * PRICE)
        assert worst[0] + worst[2] <= VENUE_CAP_USD + ROUNDING_USD
        assert worst[1] <= VENUE_CAP_USD + ROUNDING_USD
        assert sum(worst) <= TOTAL_CAP_USD + ROUNDING_USD
        believed = [context.exposure.worst_notional_usd for context in self.markets]
        assert believed[0] + believed[2] <= VENUE_CAP_USD + ROUNDING_USD
        assert sum(believed) <= TOTAL_CAP_USD + ROUNDING_USD


def _random_run(seed: int, steps: int, forgets: str = "") -> World:
    chance = random.Random(seed)
    world = World(forgets)
    for _ in range(steps):
        world.step(*(chance.randrange(10_000) for _ in range(3)))
    return world


STEPS = st.tuples(st.integers(0, 11), st.integers(0, 10_000), st.integers(0, 10_000))


@settings(max_examples=200)
@given(st.lists(STEPS, max_size=80))
def test_no_sequence_of_accepted_orders_breaches_a_position_limit(steps: list[Step]) -> None:
    """After every event the venue's truth is within both limits, even if everything that may fill does."""
    world = World()
    for step in steps:
        world.step(*step)


def test_long_runs_reach_the_limits_and_stay_within_them() -> None:
    """The promise is not kept by sending little: orders pass, and both limits refuse others."""
    worlds = [_random_run(seed, 400) for seed in range(50)]
    assert all(world.accepted > 5 for world in worlds)
    assert sum(world.accepted for world in worlds) > 1_000
    seen = set[str]().union(*(world.refused for world in worlds))
    assert {"POSITION_LIMIT_VENUE", "POSITION_LIMIT_TOTAL", "REDUCE_ONLY_INCREASES"} <= seen
    assert {"SESSION_REDUCING", "SESSION_HALTED"} <= seen


@pytest.mark.parametrize("forgets", ["unknown orders", "late fills"])
def test_a_desk_that_forgets_an_order_too_early_is_caught_here(forgets: str) -> None:
    """F-029, F-038: an unknown order counts as live, and an ended one until its fills are booked."""

    def breaches(seed: int) -> bool:
        try:
            _random_run(seed, 400, forgets)
        except AssertionError:
            return True
        return False

    assert any(breaches(seed) for seed in range(20))


SIZE = st.decimals(min_value=0, max_value=30, places=1)


@given(
    position=st.decimals(min_value=-30, max_value=30, places=1),
    elsewhere=st.decimals(min_value=-30, max_value=30, places=1),
    buys=SIZE,
    sells=SIZE,
    price=st.floats(min_value=1, max_value=10_000),
    side=st.sampled_from(Side),
    tenths=st.integers(2, 200),
)
def test_at_any_price_an_accepted_order_is_within_the_limits_or_makes_nothing_worse(**given: Any) -> None:
    """Prices may carry a position over a limit; an order that passes then does not enlarge the worst case."""
    world = World()
    context, other = world.markets[0], world.markets[1]
    for market in (context, other):
        market.exposure.reference_price = given["price"]
    other.update(given["elsewhere"], Orders())
    context.update(given["position"], Orders(buy_base=given["buys"], sell_base=given["sells"]))
    before = context.exposure.worst_base
    order = quote(
        given["side"],
        "99.5" if given["side"] is Side.BUY else "100.5",
        str(Decimal(given["tenths"]) / 10),
    )
    if check(order, context) is not None:
        return
    after = context.exposure.worst_base_with(order)
    venue = after * given["price"]
    total = venue + abs(float(given["elsewhere"])) * given["price"]
    assert after <= before or (venue <= VENUE_CAP_USD and total <= TOTAL_CAP_USD + ROUNDING_USD)


def test_two_orders_judged_by_the_same_numbers_could_breach_so_each_is_counted_first() -> None:
    """F-036: both legs of a replacement count; the second is judged with the first in place."""
    world = World()
    order = quote(size="6")
    context = world.markets[0]
    assert check(order, context) is None
    context.update(Decimal(0), Orders(buy_base=order.size))
    again = msgspec.structs.replace(order, client_order_id=ClientOrderId(8))
    refusal = check(again, context)
    assert refusal is not None
    assert refusal.code == "POSITION_LIMIT_VENUE"

"""No sequence of accepted orders breaches a position limit, whatever the venue makes of them.

The venue is that of `any_venue`. The model desk there is as small as a desk can be that keeps the promise
asked of `OpenOrders`: an order counts from the moment it is sent until its end is known, and every fill of
it booked.
"""

from __future__ import annotations

import random
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from any_venue import ROUNDING_USD, TOTAL_CAP_USD, VENUE_CAP_USD, Step, World
from order_world import Orders, quote
from paraphina_core.domain import ClientOrderId, Side
from paraphina_core.gates import check


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

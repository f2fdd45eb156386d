"""A hedge is as small as it may be, reduces where it can, and costs no more than the best one."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp

from paraphina_core.domain import InstrumentId, LocalError, Side
from paraphina_core.strategy import HedgeMarket, HedgeOrder, HedgeParameters, allocate, wanted_base

FAIR = 100.0
LOT = 0.01
COSTS = HedgeParameters()


def _market(number: int = 0, **changes: Any) -> HedgeMarket:
    values: dict[str, Any] = {
        "instrument": InstrumentId(f"v{number}:X"),
        "levels": [(FAIR * (1.0 - 1e-4 * step), 10.0) for step in range(1, 6)],
        "fair_value": FAIR,
        "taker_fee_bps": 4.0,
        "position_base": 0.0,
        "room_base": 1_000.0,
    }
    return HedgeMarket(**(values | changes))


# --- how much -----------------------------------------------------------------------------------


def test_within_the_band_nothing_is_hedged() -> None:
    """Quotes are cheaper than hedges, so a little inventory is left to them."""
    assert wanted_base(COSTS, 20.0, FAIR) == 0.0
    assert wanted_base(COSTS, -20.0, FAIR) == 0.0


def test_beyond_the_band_a_step_of_what_is_beyond_half_of_it_is_hedged_away() -> None:
    """30 units at 100 are 3,000 USD: 2,000 beyond half of the band, half of that is 10 units."""
    assert wanted_base(COSTS, 30.0, FAIR) == pytest.approx(-10.0)
    assert wanted_base(COSTS, -30.0, FAIR) == pytest.approx(10.0)


def test_one_hedge_is_bounded() -> None:
    """However much there is."""
    assert wanted_base(COSTS, 1e6, FAIR) == pytest.approx(-100.0)


def test_caution_makes_the_band_narrower() -> None:
    """In a wilder market less inventory is carried, not more."""
    assert wanted_base(COSTS, 15.0, FAIR) == 0.0
    assert wanted_base(COSTS, 15.0, FAIR, caution=2.0) < 0.0


@given(st.floats(-1e6, 1e6), st.floats(0.0, 1.0), st.floats(0.01, 1e5))
def test_a_hedge_never_turns_the_position(net: float, step: float, price: float) -> None:
    """It is opposite to it and smaller."""
    wanted = wanted_base(HedgeParameters(step=step), net, price)
    assert wanted == 0.0 or (wanted * net < 0.0 and abs(wanted) <= abs(net))


# --- where --------------------------------------------------------------------------------------


def _sells(markets: Sequence[HedgeMarket], size: float, costs: HedgeParameters = COSTS) -> dict[str, float]:
    return {order.instrument: order.size_base for order in allocate(costs, markets, -size)}


def test_the_cheaper_fee_is_used_first_until_its_book_costs_more() -> None:
    """Level by level: one and a half basis points of fee are worth two levels of one basis point."""
    markets = [_market(0), _market(1, taker_fee_bps=2.5)]
    assert _sells(markets, 5.0) == {"v1:X": 5.0}
    assert _sells(markets, 14.0) == {"v0:X": 4.0, "v1:X": 10.0}
    assert _sells(markets, 20.0) == {"v0:X": 5.0, "v1:X": 15.0}


def test_a_position_is_closed_before_another_is_opened() -> None:
    """The market that is long sells first, and says that it only reduces."""
    markets = [_market(0), _market(1, position_base=3.0)]
    orders = allocate(COSTS, markets, -2.0)
    assert [(order.instrument, order.side, order.only_reduces) for order in orders] == [
        ("v1:X", Side.SELL, True)
    ]


def test_an_order_that_turns_a_position_does_not_claim_to_reduce() -> None:
    """Reduce-only where it reduces, and only there."""
    (order,) = allocate(COSTS, [_market(0, position_base=3.0)], -4.0)
    assert (order.size_base, order.only_reduces) == (4.0, False)


def test_funding_that_the_new_position_would_pay_counts() -> None:
    """A short where longs pay is paid; over an hour one basis point is worth a level."""
    rate = 2e-4 / 3_600
    markets = [_market(0), _market(1, funding_rate_per_s=rate)]
    assert _sells(markets, 5.0) == {"v1:X": 5.0}


def test_near_liquidation_nothing_is_added() -> None:
    """What would enlarge a position that is about to be liquidated costs more than any other market."""
    markets = [_market(0, liquidation_sigmas=1.0), _market(1, taker_fee_bps=9.0)]
    assert _sells(markets, 5.0) == {"v1:X": 5.0}


def test_less_is_hedged_where_the_books_do_not_offer_enough() -> None:
    """Half of what is shown is counted on, and no market is used beyond its room."""
    assert _sells([_market(0), _market(1, room_base=3.0)], 1_000.0) == {"v0:X": 25.0, "v1:X": 3.0}


def test_the_limit_price_is_that_of_the_worst_level_taken() -> None:
    """So the order can fill, and nothing worse than what was counted on."""
    (order,) = allocate(COSTS, [_market(0)], -12.0)
    assert order.price == FAIR * (1.0 - 3e-4)


# --- the optimum --------------------------------------------------------------------------------


def _random_market(rng: random.Random, number: int, side: Side) -> HedgeMarket:
    price = FAIR * (1.0 + side.sign * rng.uniform(-1e-4, 3e-4))
    levels = []
    for _ in range(rng.randint(1, 6)):
        levels.append((price, round(rng.uniform(0.5, 20.0), 1) * 2.0))
        price *= 1.0 + side.sign * rng.uniform(1e-5, 3e-4)
    return _market(
        number,
        levels=levels,
        fair_value=FAIR * (1.0 + rng.uniform(-3e-4, 3e-4)),
        taker_fee_bps=rng.uniform(0.0, 6.0),
        position_base=round(rng.uniform(-20.0, 20.0), 2),
        room_base=round(rng.uniform(1.0, 40.0), 2),
        liquidation_sigmas=rng.choice([math.inf, rng.uniform(0.5, 10.0)]),
        funding_rate_per_s=rng.uniform(-1e-4, 1e-4) / 3_600,
    )


def _exact(markets: Sequence[HedgeMarket], side: Side, size: float) -> float:
    """Return the least cost in whole lots, quote units: a mixed integer program with its own cost formula."""
    costs, tops = [], []
    closing_rows: list[tuple[list[int], float]] = []
    room_rows: list[tuple[list[int], float]] = []
    for market in markets:
        closing, both = [], []
        near = max(0.0, COSTS.near_sigmas - market.liquidation_sigmas) * COSTS.near_bps
        for price, shown in market.levels:
            paid = side.sign * (price - market.fair_value)
            fee = market.taker_fee_bps / 1e4 * market.fair_value
            funding = side.sign * market.funding_rate_per_s * COSTS.funding_horizon_s * market.fair_value
            opening = (COSTS.opening_bps + near) / 1e4 * market.fair_value
            for extra in (0.0, opening):
                costs.append((paid + fee + funding + extra) * LOT)
                tops.append(shown * COSTS.book_share / LOT)
            closing.append(len(costs) - 2)
            both.append((len(costs) - 2, len(costs) - 1))
        closing_rows.append((closing, max(0.0, -market.position_base * side.sign) / LOT))
        room_rows.append(([n for pair in both for n in pair], market.room_base / LOT))
        for (one, other), (_, shown) in zip(both, market.levels, strict=True):
            room_rows.append(([one, other], shown * COSTS.book_share / LOT))
    matrix, most = [], []
    for names, top in (*closing_rows, *room_rows):
        row = np.zeros(len(costs))
        row[names] = 1.0
        matrix.append(row)
        most.append(top)
    whole = np.ones(len(costs))
    found = milp(
        c=np.array(costs),
        constraints=[
            LinearConstraint(np.array(matrix), ub=np.array(most)),
            LinearConstraint(whole, lb=round(size / LOT), ub=round(size / LOT)),
        ],
        bounds=Bounds(0, np.array(tops)),
        integrality=whole,
    )
    assert found.success, found.message
    return float(found.fun)


def _cost(orders: Sequence[HedgeOrder], markets: Sequence[HedgeMarket]) -> float:
    fair = {market.instrument: market.fair_value for market in markets}
    return sum(o.cost_bps / 1e4 * fair[o.instrument] * o.size_base for o in orders)


def test_on_a_thousand_random_cases_it_costs_at_most_one_per_cent_more_than_the_optimum() -> None:
    """The optimum is that of an exact solver over whole lots, from a formula of its own."""
    rng = random.Random(20_261_127)
    compared = 0
    while compared < 1_000:
        side = rng.choice([Side.BUY, Side.SELL])
        markets = [_random_market(rng, number, side) for number in range(rng.randint(1, 5))]
        offered = sum(
            min(market.room_base, sum(shown for _, shown in market.levels) * COSTS.book_share)
            for market in markets
        )
        size = round(rng.uniform(0.1, 0.9) * offered, 2)
        orders = allocate(COSTS, markets, side.sign * size)
        assert sum(order.size_base for order in orders) == pytest.approx(size)
        ours, best = _cost(orders, markets), _exact(markets, side, size)
        assert ours <= best + 0.01 * max(abs(best), 1e-4 * FAIR * size * 0.01)
        compared += 1


@pytest.mark.parametrize(
    "wrong", [{"band_usd": -1.0}, {"step": 1.1}, {"book_share": 0.0}, {"most_usd": math.nan}]
)
def test_parameters_that_make_no_sense_are_refused(wrong: dict[str, float]) -> None:
    """Negative amounts, shares beyond one and NaN."""
    with pytest.raises(LocalError, match="hedge parameters"):
        HedgeParameters(**wrong)

"""A venue whose fills lose is quoted wider, and is forgiven with time."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paraphina_core.domain import NS_PER_S, InstrumentId, Side
from paraphina_core.strategy import Toxicity, ToxicityParameters

HERE, THERE = InstrumentId("a:BTC"), InstrumentId("b:BTC")


def _after(fills: int, move_bps: float, side: Side = Side.BUY, quiet_s: int = 0) -> tuple[Toxicity, int]:
    """Fill once a minute at 100, let the price move within a second each time, then be quiet."""
    made = Toxicity()
    at_ns = 0
    for _ in range(fills):
        made.filled(HERE, side, 100.0, at_ns)
        for _ in range(60):
            at_ns += NS_PER_S
            made.advance(100.0 * math.exp(move_bps / 1e4), at_ns)
    at_ns += quiet_s * NS_PER_S
    made.advance(100.0, at_ns)
    return made, at_ns


def test_without_fills_nothing_is_toxic() -> None:
    """A venue is good until it has shown otherwise."""
    assert Toxicity().adverse_bps(HERE, 0) == 0.0


@pytest.mark.parametrize(("side", "move_bps"), [(Side.BUY, -4.0), (Side.SELL, 4.0)])
def test_a_price_that_moves_against_every_fill_is_found(side: Side, move_bps: float) -> None:
    """After an hour of them nearly the whole move is expected, at each horizon; elsewhere nothing."""
    made, at_ns = _after(60, move_bps, side)
    assert 2.4 < made.adverse_bps(HERE, at_ns) < 4.0
    assert made.adverse_bps(THERE, at_ns) == 0.0


def test_one_bad_fill_says_little() -> None:
    """Beside the prior it is a sixth of its move."""
    made, at_ns = _after(1, -6.0)
    assert made.adverse_bps(HERE, at_ns) < 1.01


def test_lucky_fills_are_no_reason_to_quote_tighter() -> None:
    """Markouts tell of them, but what is expected to be lost is never below zero."""
    made, at_ns = _after(60, 4.0)
    assert all(markout < 0.0 for markout in made.markouts_bps(HERE, at_ns))
    assert made.adverse_bps(HERE, at_ns) == 0.0


def test_a_toxic_venue_is_forgiven_with_time() -> None:
    """It needs no fill to recover, so no state is one that it cannot leave."""
    losses = []
    for quiet_s in (0, 3_600, 4 * 3_600):
        made, at_ns = _after(60, -50.0, quiet_s=quiet_s)
        losses.append(made.adverse_bps(HERE, at_ns))
    assert losses[0] > 25.0
    assert losses[1] < 0.2 * losses[0]
    assert losses[2] < 1e-3


def test_each_horizon_is_measured_by_itself() -> None:
    """A price that comes back after ten seconds was adverse at one and five seconds only."""
    made = Toxicity(ToxicityParameters(prior_fills=0.0))
    made.filled(HERE, Side.BUY, 100.0, 0)
    for second in range(1, 31):
        made.advance(99.99 if second < 10 else 100.0, second * NS_PER_S)
    short, middle, long = made.markouts_bps(HERE, 30 * NS_PER_S)
    assert (round(short, 3), round(middle, 3), round(long, 3)) == (1.0, 1.0, 0.0)


moves = st.lists(st.tuples(st.sampled_from(Side), st.floats(-500.0, 500.0)), max_size=50)


@given(moves)
def test_no_mean_is_beyond_the_worst_move(fills: list[tuple[Side, float]]) -> None:
    """Whatever the fills and the moves after them."""
    made = Toxicity()
    for second, (side, move_bps) in enumerate(fills):
        made.filled(HERE, side, 100.0, second * NS_PER_S)
        made.advance(100.0 * math.exp(move_bps / 1e4), (second + 1) * NS_PER_S)
        assert 0.0 <= made.adverse_bps(HERE, (second + 1) * NS_PER_S) <= 1_000.0

"""Quotes lean against inventory and funding, pay for risk, and know no price."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paraphina_core.domain import LocalError
from paraphina_core.strategy import Position, QuoteParameters, core_bps, quote_terms, slope_bps

SHAPE = QuoteParameters()

shapes = st.builds(
    QuoteParameters,
    risk_aversion=st.floats(1e-4, 10.0),
    fill_decay=st.floats(0.01, 10.0),
    fill_rate=st.floats(1e-3, 10.0),
    least_edge_bps=st.floats(0.0, 5.0),
    anchor=st.floats(0.0, 1.0),
)
orders = st.floats(-50.0, 50.0)
positions = st.builds(Position, total=orders, own=orders, target=orders)


def _exact_half_and_slope(shape: QuoteParameters, sigma: float, most: int = 60) -> tuple[float, float]:
    """Solve the market maker's problem itself: the stationary value function of Guéant et al., section 4.

    The quotes follow from the eigenvector of the smallest eigenvalue of a tridiagonal matrix over the
    inventory from -most to most, here by inverse iteration. Returned: half-spread at no inventory and by how
    much a quote moves from inventory 0 to 1.
    """
    gamma, k, rate = shape.risk_aversion, shape.fill_decay, shape.fill_rate
    eta = rate * (1.0 + gamma / k) ** -(1.0 + k / gamma)
    diagonal = [0.5 * k * gamma * sigma**2 * q * q for q in range(-most, most + 1)]
    vector = [1.0] * len(diagonal)
    shift = 2.0 * eta * 1.0001  # the smallest eigenvalue is above minus twice eta
    for _ in range(400):
        vector = _solve([value + shift for value in diagonal], -eta, vector)
        largest = max(vector)
        vector = [value / largest for value in vector]
    middle = most
    core = math.log1p(gamma / k) / gamma

    def bid_distance(q: int) -> float:
        return math.log(vector[middle + q] / vector[middle + q + 1]) / k + core

    def ask_distance(q: int) -> float:
        return math.log(vector[middle + q] / vector[middle + q - 1]) / k + core

    return 0.5 * (bid_distance(0) + ask_distance(0)), bid_distance(1) - bid_distance(0)


def _solve(diagonal: list[float], off: float, right: list[float]) -> list[float]:
    """Solve a symmetric tridiagonal system with one value beside the diagonal (Thomas)."""
    size = len(diagonal)
    ratio, value = [0.0] * size, [0.0] * size
    pivot = diagonal[0]
    ratio[0], value[0] = off / pivot, right[0] / pivot
    for row in range(1, size):
        pivot = diagonal[row] - off * ratio[row - 1]
        ratio[row], value[row] = off / pivot, (right[row] - off * value[row - 1]) / pivot
    for row in range(size - 2, -1, -1):
        value[row] -= ratio[row] * value[row + 1]
    return value


@pytest.mark.parametrize(
    ("risk_aversion", "sigma_bps"),
    [(0.01, 0.3), (0.01, 1.0), (0.01, 3.0), (0.05, 0.3), (0.05, 1.0), (0.05, 3.0), (0.2, 0.3), (0.2, 1.0)],
)
def test_the_closed_form_is_near_the_exact_solution(risk_aversion: float, sigma_bps: float) -> None:
    """Half-spread and slope within a tenth of the stationary solution, where the slope is below the core."""
    shape = QuoteParameters(risk_aversion=risk_aversion)
    half, slope = _exact_half_and_slope(shape, sigma_bps)
    approximate = slope_bps(shape, sigma_bps)
    assert core_bps(shape) + 0.5 * approximate == pytest.approx(half, rel=0.1)
    assert approximate == pytest.approx(slope, rel=0.1)


def test_without_risk_aversion_the_core_is_that_of_a_monopolist() -> None:
    """As gamma goes to zero the half-spread is 1/k and inventory moves nothing."""
    shape = QuoteParameters(risk_aversion=1e-9, fill_decay=0.5)
    assert core_bps(shape) == pytest.approx(2.0)
    assert slope_bps(shape, 1.0) == pytest.approx(0.0, abs=1e-4)


@given(shapes, positions, st.floats(0.0, 20.0), st.floats(0.0, 10.0), st.floats(-1.0, 10.0))
def test_a_fill_at_either_quote_brings_the_least_edge(
    shape: QuoteParameters, position: Position, sigma: float, adverse: float, fee: float
) -> None:
    """After maker fee and adverse selection, against the reservation price; and it is always a price."""
    terms = quote_terms(shape, volatility_bps=sigma, position=position, fee_bps=fee, adverse_bps=adverse)
    assert terms.half_bps >= fee + adverse + shape.least_edge_bps - 1e-9
    bid, ask = terms.prices(1.0)
    assert (bid < ask) == (terms.half_bps > 1e-9) or terms.half_bps < 1e-6
    assert 0.8 < bid < ask * (1.0 + 1e-3) < 1.25


@given(shapes, positions, st.floats(0.01, 20.0), st.floats(0.1, 10.0))
def test_more_inventory_lowers_both_quotes(
    shape: QuoteParameters, position: Position, sigma: float, more: float
) -> None:
    """By the slope for each order: the term that leans against inventory is never lost in the units."""
    held = Position(total=position.total + more, own=position.own, target=position.target)
    one, other = (quote_terms(shape, volatility_bps=sigma, position=p) for p in (position, held))
    assert one.inventory_bps - other.inventory_bps == pytest.approx(slope_bps(shape, sigma) * more)
    assert one.shift_bps >= other.shift_bps
    assert one.half_bps == other.half_bps


def test_a_venue_above_its_target_is_quoted_lower() -> None:
    """So that it sells sooner than the others; below its target it is quoted higher."""
    above, below = (
        quote_terms(SHAPE, volatility_bps=1.0, position=Position(own=own, target=2.0)).shift_bps
        for own in (5.0, -1.0)
    )
    assert above < 0.0 < below


def test_funding_that_longs_pay_lowers_the_quotes() -> None:
    """One basis point each hour, held for an hour, is one basis point."""
    rate = 1e-4 / 3_600
    paid = quote_terms(SHAPE, volatility_bps=1.0, position=Position(), funding_rate_per_s=rate)
    received = quote_terms(SHAPE, volatility_bps=1.0, position=Position(), funding_rate_per_s=-rate)
    assert paid.shift_bps == pytest.approx(-1.0)
    assert received.shift_bps == pytest.approx(1.0)


@given(shapes, positions, st.floats(0.0, 20.0), st.floats(1e-3, 1e6))
def test_the_same_settings_hold_at_any_price(
    shape: QuoteParameters, position: Position, sigma: float, price: float
) -> None:
    """A coin of 0.3 USD and one of 60,000 USD are quoted at the same distances in basis points."""
    terms = quote_terms(shape, volatility_bps=sigma, position=position)
    bid, ask = terms.prices(price)
    for got, wanted in zip((bid, ask), terms.prices(1.0), strict=True):
        assert got / price == pytest.approx(wanted)


def test_more_volatility_and_more_caution_widen_the_quotes() -> None:
    """Both never narrow them."""
    calm, wild = (quote_terms(SHAPE, volatility_bps=s, position=Position()).half_bps for s in (0.5, 5.0))
    careful = quote_terms(SHAPE, volatility_bps=0.5, position=Position(), caution=1.5).half_bps
    assert calm < wild
    assert careful == pytest.approx(1.5 * calm)


@pytest.mark.parametrize(
    "wrong",
    [{"risk_aversion": 0.0}, {"fill_decay": -1.0}, {"fill_rate": math.nan}, {"anchor": math.inf}],
)
def test_a_shape_that_makes_no_sense_is_refused(wrong: dict[str, float]) -> None:
    """Zero and negative shapes, NaN and infinity are mistakes of whoever set them."""
    with pytest.raises(LocalError, match="quote parameters"):
        QuoteParameters(**wrong)

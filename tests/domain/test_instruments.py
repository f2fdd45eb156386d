"""An instrument's grid: no price or size is off it, and rounding never goes towards the market."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paraphina_core.domain import (
    FixedTick,
    GridError,
    Instrument,
    LocalError,
    PriceRule,
    Side,
    SignificantFigures,
)


def instrument(rule: PriceRule | None = None, **changes: Any) -> Instrument:
    """Describe an instrument, with changes."""
    values: dict[str, Any] = {
        "venue": "venue",
        "native_id": "BTC",
        "base": "BTC",
        "quote": "USD",
        "price_rule": rule or FixedTick(tick=Decimal("0.1")),
        "lot_size": Decimal("0.001"),
        "min_size": Decimal("0.001"),
        "min_notional": Decimal(10),
    }
    return Instrument(**(values | changes))


RULES: st.SearchStrategy[PriceRule] = st.builds(
    FixedTick, tick=st.sampled_from(["0.00001", "0.01", "0.5", "2.5", "1", "10"]).map(Decimal)
) | st.builds(SignificantFigures, figures=st.integers(1, 8), max_decimals=st.integers(0, 8))
PRICES = st.decimals(min_value="0.00000001", max_value=10**9, places=8)


@given(RULES, PRICES, st.sampled_from(Side))
def test_rounding_never_goes_towards_the_market_and_lands_on_the_grid(
    rule: PriceRule, price: Decimal, side: Side
) -> None:
    """A bid never rises and an ask never falls, by less than one tick, or the price is refused."""
    try:
        rounded = instrument(rule).passive_price(price, side)
    except GridError:
        assert side is Side.BUY
        assert price < rule.tick_at(price)
        return
    assert instrument(rule).price_on_grid(rounded)
    moved = (Fraction(rounded) - Fraction(price)) * -side.sign
    assert 0 <= moved < Fraction(rule.tick_at(price))


@given(RULES, PRICES, st.sampled_from(Side))
def test_a_price_on_the_grid_is_not_moved(rule: PriceRule, price: Decimal, side: Side) -> None:
    """Rounding twice is rounding once."""
    traded = instrument(rule)
    if traded.price_on_grid(price):
        assert traded.passive_price(price, side) == price


@given(PRICES, PRICES)
def test_two_quotes_that_do_not_cross_do_not_cross_after_rounding(one: Decimal, other: Decimal) -> None:
    """Bid below ask stays bid below ask."""
    traded = instrument(SignificantFigures(figures=5, max_decimals=6))
    bid, ask = sorted((one, other))
    try:
        rounded_bid = traded.passive_price(bid, Side.BUY)
    except GridError:
        return
    assert rounded_bid <= traded.passive_price(ask, Side.SELL)


@given(st.decimals(min_value=0, max_value=10**9, places=8))
def test_a_size_is_never_rounded_up(size: Decimal) -> None:
    """What is sent is at most what was wanted, by less than one lot."""
    traded = instrument()
    rounded = traded.round_size(size)
    assert 0 <= size - rounded < traded.lot_size
    assert rounded == 0 or traded.size_on_grid(rounded)


@given(st.integers(1, 99_999), st.integers(-6, 4))
def test_significant_figures_bound_digits_and_decimals(digits: int, power: int) -> None:
    """The rule written as the venue states it: five figures, six decimals, integers always."""
    price = Decimal(digits).scaleb(power)
    figures = len(str(digits).rstrip("0"))
    decimals = max(0, -(power + len(str(digits)) - figures))
    allowed = price == price.to_integral_value() or (figures <= 5 and decimals <= 6)
    assert instrument(SignificantFigures(figures=5, max_decimals=6)).price_on_grid(price) is allowed


def test_figures_count_and_not_decimals_when_the_price_is_large() -> None:
    """One digit more before the point is one less behind it, and integers are never too long."""
    traded = instrument(SignificantFigures(figures=5, max_decimals=6))
    allowed = ("1234.5", "0.12345", "0.001234", "123456", "99999999")
    refused = ("1234.56", "12345.6", "0.123456", "0.0012345", "123456.5")
    assert all(traded.price_on_grid(Decimal(price)) for price in allowed)
    assert not any(traded.price_on_grid(Decimal(price)) for price in refused)


ODD = ["NaN", "sNaN", "Infinity", "-Infinity", "1E+20", "1E+999999"]


@pytest.mark.parametrize("text", [*ODD, "0", "-1", "-0.1"])
def test_f018_nothing_that_is_no_positive_number_is_on_the_grid(text: str) -> None:
    """NaN denies, and so do zero, negatives and infinity; none of them raises an arithmetic error."""
    number = Decimal(text)
    traded = instrument()
    assert not traded.price_on_grid(number)
    assert not traded.size_on_grid(number)
    for side in Side:
        with pytest.raises(GridError):
            traded.passive_price(number, side)


@pytest.mark.parametrize("text", ODD)
def test_f018_a_size_that_is_no_number_is_not_rounded(text: str) -> None:
    """It is an error of ours."""
    with pytest.raises(GridError):
        instrument().round_size(Decimal(text))


@pytest.mark.parametrize("text", [*ODD, "0", "-1"])
@pytest.mark.parametrize("field", ["lot_size", "multiplier", "max_size", "max_notional"])
def test_an_instrument_with_an_impossible_number_is_refused(field: str, text: str) -> None:
    """A lot, multiplier or maximum must be a positive number."""
    with pytest.raises(LocalError):
        instrument(None, **{field: Decimal(text)})


@pytest.mark.parametrize("text", [*ODD, "-1"])
@pytest.mark.parametrize("field", ["min_size", "min_notional"])
def test_an_instrument_with_an_impossible_minimum_is_refused(field: str, text: str) -> None:
    """A minimum may be zero and nothing below."""
    with pytest.raises(LocalError):
        instrument(None, **{field: Decimal(text)})


@pytest.mark.parametrize("text", [*ODD, "0", "-1"])
def test_a_tick_that_is_no_positive_number_is_refused(text: str) -> None:
    """There is no grid without it."""
    with pytest.raises(LocalError):
        FixedTick(tick=Decimal(text))


@pytest.mark.parametrize("changes", [{"figures": 0}, {"figures": -1}, {"max_decimals": -1}])
def test_figures_that_make_no_rule_are_refused(changes: dict[str, int]) -> None:
    """At least one figure, and no negative number of decimals."""
    with pytest.raises(LocalError):
        SignificantFigures(**({"figures": 5, "max_decimals": 6} | changes))


def test_f028_instruments_that_only_look_alike_have_different_ids() -> None:
    """Venue, native id and multiplier tell 1000PEPE from PEPE and one venue's BTC from another's."""
    ids = {
        instrument().id,
        instrument(venue="other").id,
        instrument(native_id="BTC-PERP").id,
        instrument(multiplier=Decimal(1000)).id,
        instrument(multiplier=Decimal("0.001")).id,
    }
    assert len(ids) == 5
    assert instrument(multiplier=Decimal("1000.0")).id == instrument(multiplier=Decimal("1E+3")).id
    assert instrument(multiplier=Decimal("1.0")).id == instrument().id

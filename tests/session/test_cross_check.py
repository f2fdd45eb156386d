"""A price that stands alone among the venues of one underlying is nothing to trade on."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fleet import Fleet
from paraphina_core.session.cross_check import outliers

_PRICE = st.floats(0.01, 1e6)


def test_f021_of_three_prices_the_one_that_stands_alone_is_the_outlier() -> None:
    """Ten times too high, ten times too low: the two others go on."""
    assert outliers({"a": 100.0, "b": 1_001.0, "c": 101.0}, 500.0).keys() == {"b"}
    assert outliers({"a": 100.0, "b": 10.1, "c": 101.0}, 500.0).keys() == {"b"}


def test_f021_of_two_prices_that_differ_nobody_can_tell_which_is_wrong() -> None:
    """Neither is traded on; two that agree are."""
    assert outliers({"a": 100.0, "b": 1_000.0}, 500.0).keys() == {"a", "b"}
    assert outliers({"a": 100.0, "b": 104.0}, 500.0) == {}


def test_f021_two_against_two_are_all_doubted() -> None:
    """There is no majority."""
    assert outliers({"a": 100.0, "b": 100.0, "c": 200.0, "d": 200.0}, 500.0).keys() == set("abcd")


@given(_PRICE, st.integers(3, 7), st.floats(1.2, 1_000.0), st.booleans())
def test_f021_one_wrong_price_is_found_wherever_it_is_and_takes_no_other_with_it(
    price: float, count: int, factor: float, is_low: bool
) -> None:
    """Any number of venues that agree but one."""
    prices = {f"v{number}": price for number in range(count)}
    prices["wrong"] = price / factor if is_low else price * factor
    assert outliers(prices, 500.0).keys() == {"wrong"}


@given(st.dictionaries(st.text(max_size=3), _PRICE, max_size=6))
def test_prices_within_the_limit_are_no_outliers(prices: dict[str, float]) -> None:
    """What is found is found with a distance beyond the limit, and one price alone never is."""
    found = outliers(prices, 500.0)
    assert all(apart_bps > 500.0 for apart_bps in found.values())
    assert len(prices) > 1 or not found


def _resting(fleet: Fleet) -> dict[str, int]:
    return {name: len(venue.open) for name, venue in fleet.venues.items()}


def test_f066_a_venue_whose_collateral_loses_its_peg_is_not_quoted_on_until_it_is_regained() -> None:
    """What it is paid in is worth 6 % less, so all its prices are higher: its quotes leave, and come back."""
    fleet = Fleet(("one", "two", "three")).begin()
    assert _resting(fleet) == {"one": 2, "two": 2, "three": 2}
    fleet.worth["two"] = 0.94
    fleet.advance(2_000)
    assert _resting(fleet) == {"one": 2, "two": 0, "three": 2}
    fleet.worth["two"] = 1.0
    fleet.advance(2_000)
    assert _resting(fleet) == {"one": 2, "two": 2, "three": 2}

"""What the worst case is, and that nothing which is not a number passes for one."""

from __future__ import annotations

import math
from decimal import Decimal
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from order_world import quote
from paraphina_core.domain import Side
from paraphina_core.gates import Exposure, total_notional_usd

SIZES = st.decimals(min_value=Decimal("0.1"), max_value=100, places=1)
OPEN = st.decimals(min_value=0, max_value=100, places=1)
POSITIONS = st.decimals(min_value=-100, max_value=100, places=1)


def _exposure(position: object = 0, buys: object = 0, sells: object = 0, price: float = 100.0) -> Exposure:
    made = Exposure()
    made.reference_price = price
    made.update(
        position_base=Decimal(str(position)),
        open_buy_base=Decimal(str(buys)),
        open_sell_base=Decimal(str(sells)),
    )
    return made


def test_before_a_price_is_known_no_exposure_is_worth_nothing_and_any_exposure_is_no_number() -> None:
    """A venue that never spoke stops only itself; one that may hold something unpriced stops all."""
    fresh = Exposure()
    assert fresh.worst_base == 0.0
    assert fresh.worst_notional_usd == 0.0
    fresh.update(position_base=Decimal(0), open_buy_base=Decimal("0.001"), open_sell_base=Decimal(0))
    assert math.isnan(fresh.worst_notional_usd)


@pytest.mark.parametrize(
    ("position", "buys", "sells", "worst"),
    [(2, 0, 0, 2), (-2, 0, 0, 2), (2, 3, 0, 5), (2, 0, 3, 2), (2, 0, 9, 7), (-2, 3, 1, 3), (0, 4, 3, 4)],
)
def test_the_worst_case_is_the_larger_of_all_buys_filled_and_all_sells_filled(
    position: int, buys: int, sells: int, worst: int
) -> None:
    """The market may fill one side whole and the other not at all."""
    assert _exposure(position, buys, sells).worst_base == worst


@given(POSITIONS, OPEN, OPEN, st.sampled_from(Side), SIZES)
def test_one_more_order_is_judged_as_if_it_were_open_already(
    position: Decimal, buys: Decimal, sells: Decimal, side: Side, size: Decimal
) -> None:
    """Asking what an order would make of the worst case and then counting it agree."""
    before = _exposure(position, buys, sells)
    order = quote(side, size=str(size))
    bought, sold = (size, 0) if side is Side.BUY else (0, size)
    after = _exposure(position, buys + bought, sells + sold)
    assert before.worst_base_with(order) == pytest.approx(after.worst_base)
    assert before.worst_base_with(order) >= before.worst_base


@given(POSITIONS, OPEN, OPEN, SIZES)
def test_an_order_only_reduces_if_no_order_of_fills_makes_the_position_larger(
    position: Decimal, buys: Decimal, sells: Decimal, size: Decimal
) -> None:
    """Whatever part of its own side fills first, a reducing order neither flips nor enlarges."""
    for side in Side:
        order = quote(side, size=str(size))
        open_on_side = buys if side is Side.BUY else sells
        after_side = position + side.sign * open_on_side
        after_all = after_side + side.sign * size
        shrinks = abs(after_all) < abs(after_side) <= abs(position) and after_all * position >= 0
        assert _exposure(position, buys, sells).only_reduces(order) is shrinks


@pytest.mark.parametrize(("position", "side"), [(2, Side.SELL), (-2, Side.BUY)])
def test_an_order_of_exactly_the_position_only_reduces(position: int, side: Side) -> None:
    """Closing is allowed to the last lot, and one lot more is not."""
    assert _exposure(position).only_reduces(quote(side, size="2"))
    assert not _exposure(position).only_reduces(quote(side, size="2.1"))
    assert _exposure(position, buys=1, sells=1).only_reduces(quote(side, size="1"))
    assert not _exposure(position, buys=1, sells=1).only_reduces(quote(side, size="1.1"))


def test_three_thirds_of_a_position_close_it_exactly() -> None:
    """Sizes are exact decimals, so the last part of a position is not refused for a rounding error."""
    order = quote(Side.SELL, size="0.1")
    assert _exposure("0.3", sells="0.2").only_reduces(order)
    assert 0.1 + 0.2 > 0.3  # as floats they would not add up


def test_positions_of_two_venues_add_up_and_never_net() -> None:
    """Long here and short there is twice the exposure, because one of the venues may fail."""
    assert total_notional_usd([_exposure(2), _exposure(-2)]) == 400.0


@pytest.mark.parametrize("bad", ["NaN", "sNaN", "Infinity", "-Infinity"])
def test_a_size_that_is_no_number_makes_the_worst_case_no_number(bad: str) -> None:
    """Whichever of the three it is, the sum is NaN, and the order does not count as reducing."""
    for place in range(3):
        sizes = [bad if place == index else "1" for index in range(3)]
        made = _exposure(*sizes)
        assert math.isnan(made.worst_notional_usd)
        assert math.isnan(made.worst_base_with(quote()))
        assert math.isnan(total_notional_usd([_exposure(1), made, _exposure(1)]))
        assert not made.only_reduces(quote(Side.BUY))
        assert not made.only_reduces(quote(Side.SELL))


def test_a_negative_open_size_makes_the_worst_case_no_number() -> None:
    """A defect in counting orders must not make room for more of them."""
    for buys, sells in product((-1, 1), (-1, 1)):
        assert math.isnan(_exposure(0, buys, sells).worst_base) is (buys < 0 or sells < 0)

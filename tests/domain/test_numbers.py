"""The only door for numbers: what is not plain and bounded stays out, what leaves is exact and plain."""

from __future__ import annotations

import math
import re
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paraphina_core.domain import (
    MAX_DIGITS,
    MAX_MAGNITUDE,
    GridError,
    LocalError,
    RemoteNumberError,
    ceil_to,
    exact,
    floor_to,
    is_bounded,
    is_multiple,
    is_positive,
    parse_decimal,
    parse_float,
    parse_price,
    parse_size,
    plain,
)

PARSERS = [parse_decimal, parse_float, parse_price, parse_size]
DIGITS = st.text("0123456789", min_size=1, max_size=MAX_DIGITS)
PLAIN_TEXT = st.builds(
    lambda sign, whole, part: f"{sign}{whole}{part}",
    st.sampled_from(["", "-"]),
    DIGITS,
    st.just("") | DIGITS.map(".{}".format),
)
GRAMMAR = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,20})?", re.ASCII)
OTHER_TEXT = (st.text(max_size=30) | st.text("0123456789.-+eE_ ١", max_size=45)).filter(
    lambda text: GRAMMAR.fullmatch(text) is None
)

HOSTILE_TEXT = {
    "empty": "",
    "blank": " ",
    "blank before": " 1",
    "blank after": "1 ",
    "newline": "1\n",
    "null byte": "1\x00",
    "plus": "+1",
    "two signs": "--1",
    "sign behind": "1-",
    "minus sign of typographers": "−1",
    "exponent": "1e5",
    "large exponent": "1E+999999",
    "small exponent": "1e-400",
    "hexadecimal": "0x10",
    "underscore": "1_000",
    "comma": "1,5",
    "two points": "1.2.3",
    "point only": ".",
    "nothing before the point": ".5",
    "nothing behind the point": "5.",
    "nan": "NaN",
    "signalling nan": "sNaN",
    "infinity": "Infinity",
    "inf": "-inf",
    "true": "true",
    "arabic digits": "١٢",
    "full-width digits": "１２",
    "superscript": "1²",
    "fraction": "½",
    "too long before": "1" * 21,
    "too long behind": "0." + "1" * 21,
    "endless": "9" * 100_000,
}


@pytest.mark.parametrize("text", HOSTILE_TEXT.values(), ids=HOSTILE_TEXT.keys())
@pytest.mark.parametrize("parse", PARSERS)
def test_f018_text_that_is_no_plain_number_is_refused(parse: object, text: str) -> None:
    """Exponents, blanks, foreign digits, NaN and whatever else a float would take never get in."""
    assert callable(parse)
    with pytest.raises(RemoteNumberError) as caught:
        parse(text, "px")
    assert "px" in str(caught.value)
    assert len(str(caught.value)) < 300


@given(OTHER_TEXT)
def test_f018_no_other_text_gets_in_either(text: str) -> None:
    """The grammar is the whole truth: outside it nothing is a number."""
    for parse in PARSERS:
        with pytest.raises(RemoteNumberError):
            parse(text, "px")
    with pytest.raises(LocalError):
        exact(text)


@given(PLAIN_TEXT)
def test_plain_text_is_read_exactly(text: str) -> None:
    """No digit is lost: the decimal is the number that the text spells."""
    number = parse_decimal(text, "px")
    assert Fraction(number) == Fraction(text)
    assert exact(text) == number
    assert parse_float(text, "px") == float(Fraction(text))


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, True, False])
@pytest.mark.parametrize("parse", PARSERS)
def test_f018_a_json_number_that_is_none_is_refused(parse: object, value: float) -> None:
    """Not finite, or a truth value in place of a number."""
    assert callable(parse)
    with pytest.raises(RemoteNumberError):
        parse(value, "px")


@pytest.mark.parametrize("value", [5e-324, 1e-21, -1e-300, 1e20, 10**20, -(10**25), 1e308])
@pytest.mark.parametrize("parse", PARSERS)
def test_f019_a_denormal_or_huge_json_number_is_refused(parse: object, value: float) -> None:
    """Magnitudes that no text could have cannot come in as a JSON number either."""
    assert callable(parse)
    with pytest.raises(RemoteNumberError):
        parse(value, "px")


@given(st.floats(min_value=1e-20, max_value=9e19) | st.integers(1, 10**20 - 1))
def test_a_json_number_is_read_as_it_was_spelt(value: float) -> None:
    """A float is taken at its shortest spelling, an integer exactly."""
    assert parse_decimal(value, "px") == Decimal(repr(value))
    assert parse_price(value, "px") == float(value)


@pytest.mark.parametrize("value", ["0", "0.0", "-0", "-1", "-0.00000000000000000001", 0, 0.0, -1])
def test_f019_a_price_is_above_zero(value: str | float) -> None:
    """Zero and negative are no prices."""
    with pytest.raises(RemoteNumberError):
        parse_price(value, "px")


def test_f019_the_smallest_price_is_still_above_zero_as_a_float() -> None:
    """No accepted text is so small that a float would make it zero."""
    assert parse_price("0." + "0" * 19 + "1", "px") == 1e-20


def test_a_size_may_be_zero_and_not_negative() -> None:
    """Zero deletes a level."""
    assert parse_size("0", "sz") == 0.0
    with pytest.raises(RemoteNumberError):
        parse_size("-0.1", "sz")


@pytest.mark.parametrize(
    "value",
    [
        math.nan,
        math.inf,
        Decimal("NaN"),
        Decimal("sNaN"),
        Decimal("-Infinity"),
        1e20,
        10**20,
        Decimal(10**20),
    ],
)
def test_a_number_of_ours_that_is_not_finite_and_bounded_is_our_error(value: Decimal | float) -> None:
    """A NaN of a strategy stops at the door, before it is an order."""
    with pytest.raises(LocalError):
        exact(value)


@pytest.mark.parametrize("value", [True, False, None, "1e5", "1_0", " 1", "+1", [], b"1"])
def test_what_is_no_number_of_ours_is_our_error(value: object) -> None:
    """A truth value counts as no number, and text must be plain."""
    with pytest.raises(LocalError):
        exact(value)  # type: ignore[arg-type]  # the point of the test


@given(st.floats(min_value=-9e19, max_value=9e19))
def test_a_float_of_ours_is_taken_at_its_shortest_spelling(value: float) -> None:
    """What somebody wrote is what is meant: 0.3 is 0.3."""
    assert exact(value) == Decimal(repr(value))
    assert exact(0.3) == Decimal("0.3")


@given(st.decimals(min_value=-(10**12), max_value=10**12, allow_nan=False, allow_infinity=False, places=12))
def test_f020_what_leaves_is_plain_and_reads_back_equal(number: Decimal) -> None:
    """No exponent, no trailing zero, no negative zero, from 1e-12 to 1e12; the parser takes it back."""
    text = plain(number)
    assert re.fullmatch(r"-?(0|[1-9][0-9]*)(\.[0-9]*[1-9])?", text)
    assert text != "-0"
    assert parse_decimal(text, "px") == number


@given(st.integers(-12, 12), st.integers(1, 9), st.integers(-12, 12))
def test_f020_the_spelling_does_not_depend_on_how_the_decimal_is_kept(
    power: int, digit: int, padding: int
) -> None:
    """1E+2, 100 and 100.00 are one number with one spelling."""
    number = Decimal(digit).scaleb(power)
    padded = number.quantize(Decimal(1).scaleb(min(power, padding)))
    assert plain(padded) == plain(number)


@pytest.mark.parametrize("value", ["NaN", "sNaN", "Infinity", "-Infinity"])
def test_f018_what_is_not_finite_never_leaves(value: str) -> None:
    """The last door refuses it too."""
    with pytest.raises(LocalError):
        plain(Decimal(value))


NUMBERS = PLAIN_TEXT.map(Decimal)
STEPS = NUMBERS.filter(lambda number: number > 0)


@given(NUMBERS, STEPS)
def test_rounding_to_a_step_is_exact(value: Decimal, step: Decimal) -> None:
    """The result is a multiple, on the right side, and less than a step away, in exact arithmetic."""
    down, up = Fraction(floor_to(value, step)), Fraction(ceil_to(value, step))
    exact_value, exact_step = Fraction(value), Fraction(step)
    assert down <= exact_value <= up
    assert exact_value - down < exact_step
    assert up - exact_value < exact_step
    assert (down / exact_step).denominator == (up / exact_step).denominator == 1


@given(NUMBERS, STEPS)
def test_a_multiple_is_recognised_exactly(value: Decimal, step: Decimal) -> None:
    """One part in 10^20 beside the grid is off it."""
    assert is_multiple(value, step) == ((Fraction(value) / Fraction(step)).denominator == 1)
    assert is_multiple(floor_to(value, step), step)


ODD = [Decimal(text) for text in ("NaN", "sNaN", "Infinity", "-Infinity", "1E+20", "1E+999999")]


@pytest.mark.parametrize("number", ODD, ids=str)
def test_f018_rounding_refuses_what_cannot_be_computed_with(number: Decimal) -> None:
    """An error of ours, never an arithmetic exception and never a wrong result."""
    for value, step in ((number, Decimal(1)), (Decimal(1), number)):
        for round_to in (floor_to, ceil_to):
            with pytest.raises(GridError):
                round_to(value, step)
        assert not is_multiple(value, step)
    assert not is_bounded(number)
    assert not is_positive(number)


@pytest.mark.parametrize("step", ["0", "-1"])
def test_there_is_no_grid_without_a_step(step: str) -> None:
    """A step that is not above zero is refused."""
    with pytest.raises(GridError):
        floor_to(Decimal(1), Decimal(step))
    assert not is_multiple(Decimal(1), Decimal(step))


def test_the_bounds_are_those_of_the_longest_text() -> None:
    """Twenty nines pass, one more digit does not."""
    assert is_bounded(Decimal("9" * MAX_DIGITS + "." + "9" * MAX_DIGITS))
    assert not is_bounded(MAX_MAGNITUDE)
    assert is_positive(Decimal("1e-20"))
    assert not is_positive(Decimal(0))

"""The only door for numbers: venue text comes in through one strict parser and leaves exact.

Floats decide, decimals are sent. Text from a venue must be plain ASCII decimal notation, finite
and bounded; anything else is a `RemoteNumberError`. What leaves is quantised once, exactly, in
the passive direction, and spelled without an exponent.
"""

from __future__ import annotations

import math
import re
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from typing import Final

from .errors import GridError, LocalError, RemoteNumberError

#: Digits allowed before and after the point. Twenty covers every venue's integers (uint64 has
#: twenty digits) and every token's decimals (eighteen), and keeps arithmetic exact in CONTEXT.
MAX_DIGITS: Final = 20

#: No price, size or amount of money reaches this magnitude; it is one past MAX_DIGITS nines.
MAX_MAGNITUDE: Final = Decimal(10) ** MAX_DIGITS

#: No number that means anything is nearer to zero than this; it is the last of MAX_DIGITS decimals.
MIN_MAGNITUDE: Final = Decimal(1).scaleb(-MAX_DIGITS)

#: Wide enough that no sum, product or quotient of two accepted numbers is ever rounded.
CONTEXT: Final = Context(prec=4 * MAX_DIGITS)

_PLAIN = re.compile(rf"-?[0-9]{{1,{MAX_DIGITS}}}(?:\.[0-9]{{1,{MAX_DIGITS}}})?", re.ASCII)
_WANTED = f"ASCII digits with an optional point, at most {MAX_DIGITS} on either side"
_BOUNDS = f"zero, or a magnitude from 1e-{MAX_DIGITS} to below 1e{MAX_DIGITS}"


def parse_decimal(value: str | float, field: str) -> Decimal:
    """Read a number from a venue exactly.

    Args:
        value: the text of the message, or the number that a JSON decoder made of it.
        field: the field's name in the venue's message, for the error.

    Raises:
        RemoteNumberError: the text is not plain decimal notation (exponent, underscore, sign
            `+`, blank, foreign digit, NaN, infinity) or exceeds `MAX_DIGITS`; a JSON number is as
            large as `MAX_MAGNITUDE` or not zero and smaller than `MIN_MAGNITUDE`.
    """
    if isinstance(value, str):
        if _PLAIN.fullmatch(value) is None:
            raise RemoteNumberError(f"{field} is not a number", found=value[:64], wanted=_WANTED)
        return Decimal(value)
    if isinstance(value, bool) or not math.isfinite(value):
        raise RemoteNumberError(f"{field} is not a finite number", found=value, wanted=_WANTED)
    number = Decimal(value) if isinstance(value, int) else Decimal(repr(value))
    if not (number.is_zero() or MIN_MAGNITUDE <= number.copy_abs() < MAX_MAGNITUDE):
        raise RemoteNumberError(f"{field} is out of bounds", found=value, wanted=_BOUNDS)
    return number


def parse_float(value: str | float, field: str) -> float:
    """Read a number from a venue for deciding (books, rates); same rules as `parse_decimal`."""
    if isinstance(value, str):
        if _PLAIN.fullmatch(value) is None:
            raise RemoteNumberError(f"{field} is not a number", found=value[:64], wanted=_WANTED)
        return float(value)
    return float(parse_decimal(value, field))


def parse_price(value: str | float, field: str) -> float:
    """Read a price: a `parse_float` that must be above zero.

    Raises:
        RemoteNumberError: not a number, zero, negative, or so small that it reads as zero.
    """
    price = parse_float(value, field)
    if not price > 0.0:
        raise RemoteNumberError(f"{field} is not a price", found=value, wanted="above zero")
    return price


def parse_size(value: str | float, field: str) -> float:
    """Read a size: a `parse_float` that must not be negative (zero deletes a book level)."""
    size = parse_float(value, field)
    if not size >= 0.0:
        raise RemoteNumberError(f"{field} is not a size", found=value, wanted="zero or above")
    return size


def exact(value: Decimal | float | str) -> Decimal:
    """Turn one of our own numbers into a decimal; a float is taken at its shortest spelling.

    `exact(0.3)` is 0.3, not 0.299999999999999988897769753748; the shortest spelling is what the
    person who wrote the float meant. Text must be as plain as a venue's.

    Raises:
        LocalError: not finite, out of bounds, or not a number at all.
    """
    if isinstance(value, str):
        if _PLAIN.fullmatch(value) is None:
            raise LocalError("value is not a number", found=value[:64], wanted=_WANTED)
        return Decimal(value)
    if isinstance(value, bool) or not isinstance(value, Decimal | float | int):
        raise LocalError("value is not a number", found=value, wanted="a decimal, a float or text")
    number = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    if not is_bounded(number):
        raise LocalError("value is not usable", found=value, wanted=f"finite and below {MAX_MAGNITUDE:f}")
    return number


def is_bounded(number: Decimal) -> bool:
    """Tell whether a decimal is finite and below `MAX_MAGNITUDE`.

    Ask this before comparing a decimal of unknown origin: comparing a NaN raises.
    """
    return number.is_finite() and number.copy_abs() < MAX_MAGNITUDE


def is_positive(number: Decimal) -> bool:
    """Tell whether a decimal is bounded and above zero, as a price or an order's size must be."""
    return is_bounded(number) and number > 0


def plain(number: Decimal) -> str:
    """Spell a decimal for a venue: no exponent, no trailing zeros, no negative zero."""
    if not number.is_finite():
        raise LocalError("value cannot be sent", found=number, wanted="a finite decimal")
    if number.is_zero():
        return "0"
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def floor_to(value: Decimal, step: Decimal) -> Decimal:
    """Return the largest multiple of `step` that is not above `value`, exactly."""
    return CONTEXT.multiply(_steps(value, step, ROUND_FLOOR), step)


def ceil_to(value: Decimal, step: Decimal) -> Decimal:
    """Return the smallest multiple of `step` that is not below `value`, exactly."""
    return CONTEXT.multiply(_steps(value, step, ROUND_CEILING), step)


def is_multiple(value: Decimal, step: Decimal) -> bool:
    """Tell whether `value` is an exact multiple of `step`; what is not bounded is none of any."""
    return is_bounded(value) and is_positive(step) and CONTEXT.remainder(value, step).is_zero()


def _steps(value: Decimal, step: Decimal, rounding: str) -> Decimal:
    if not (is_positive(step) and is_bounded(value)):
        raise GridError(
            "cannot round to this step",
            found=f"{value} to {step}",
            wanted=f"a step above zero, both below {MAX_MAGNITUDE:f}",
        )
    return CONTEXT.divide(value, step).to_integral_value(rounding=rounding, context=CONTEXT)

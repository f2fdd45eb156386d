"""The extension field of the curve: polynomials of degree four over the base field, modulo z^5 - 3.

An element is one integer that holds its five coefficients in slots of 160 bits: a product of two elements is
then a single product of integers, and reduction works on all slots at once. Between operations a slot may
exceed the prime; what is compared or encoded is brought below it first.
"""

from __future__ import annotations

from typing import Final, TypeAlias

from .goldilocks import ELEMENT_BYTES, P, is_square
from .goldilocks import inverse as base_inverse
from .goldilocks import square_root as base_square_root

#: Five coefficients in slots of 160 bits, lowest first.
Element: TypeAlias = int

DEGREE: Final = 5
BYTES: Final = DEGREE * ELEMENT_BYTES

_SLOT: Final = 160
_TOP: Final = _SLOT * (DEGREE - 1)
_WIDTH: Final = _SLOT * DEGREE
_ALL: Final = (1 << _WIDTH) - 1
_LOW_64: Final = 2**64 - 1


def pack(*coefficients: int) -> Element:
    """Return the element with these coefficients, constant term first; those not given are zero."""
    return sum(coefficient << _SLOT * place for place, coefficient in enumerate(coefficients))


def _everywhere(value: int) -> int:
    return pack(*[value] * DEGREE)


_MASK_96: Final = _everywhere(2**96 - 1)
_MASK_64: Final = _everywhere(_LOW_64)
_TWICE_P: Final = _everywhere(2 * P)
#: Added before a subtraction, so that no slot becomes negative: above every slot of a product.
PADDING: Final = _everywhere(8 * P)

ZERO: Final[Element] = 0
ONE: Final[Element] = 1


def coefficients(element: Element) -> tuple[int, int, int, int, int]:
    """Return the five coefficients below the prime, constant term first."""
    slot = 2**_SLOT - 1
    return (
        (element & slot) % P,
        (element >> _SLOT & slot) % P,
        (element >> 2 * _SLOT & slot) % P,
        (element >> 3 * _SLOT & slot) % P,
        (element >> 4 * _SLOT) % P,
    )


def multiply(left: Element, right: Element) -> Element:
    """Return the product; the slots of the operands may have up to 154 bits together, its own have 66.

    2^96 is -1 in the base field and 2^64 is 2^32 - 1, so two folds bring every slot down.
    """
    product = left * right
    product = (product & _ALL) + 3 * (product >> _WIDTH)
    product = (product & _MASK_96) + _TWICE_P - (product >> 96 & _MASK_64)
    high = product >> 64 & _MASK_64
    return (product & _MASK_64) + (high << 32) - high


def subtract(left: Element, right: Element) -> Element:
    """Return the difference; the slots of what is subtracted may have up to 66 bits."""
    return left + PADDING - right


def canonical(element: Element) -> Element:
    """Return the same element with every slot below the prime."""
    return pack(*coefficients(element))


def _frobenius(element: Element, powers: tuple[int, ...]) -> Element:
    return pack(*(c * power % P for c, power in zip(coefficients(element), powers, strict=True)))


def _frobenius_powers(times: int) -> tuple[int, ...]:
    root = pow(3, (P - 1) // DEGREE, P)
    return tuple(pow(root, place * times, P) for place in range(DEGREE))


_ONCE: Final = _frobenius_powers(1)
_TWICE: Final = _frobenius_powers(2)


def _conjugates(element: Element) -> Element:
    """Return the product of the four other conjugates: with the element itself it makes the norm."""
    pair = multiply(_frobenius(element, _ONCE), _frobenius(element, _TWICE))
    return multiply(pair, _frobenius(pair, _TWICE))


def _norm(element: Element) -> int:
    return coefficients(multiply(element, _conjugates(element)))[0]


def inverse(element: Element) -> Element:
    """Return one over an element, and zero for zero."""
    others = _conjugates(element)
    norm = coefficients(multiply(element, others))[0]
    return multiply(others, base_inverse(norm))


def square(element: Element) -> bool:
    """Tell whether an element is the square of another; zero is."""
    return is_square(_norm(element))


def power(element: Element, exponent: int) -> Element:
    """Return an element to the power of an exponent of zero or more."""
    result = ONE
    for bit in f"{exponent:b}":
        result = multiply(result, result)
        if bit == "1":
            result = multiply(result, element)
    return result


def square_root(element: Element) -> Element | None:
    """Return one of the two roots of an element, None where it has none.

    With r = 1 + p + ... + p^4 the norm is x^r, and x^((r+1)/2) is a root up to the root of the norm.
    """
    if not any(coefficients(element)):
        return ZERO
    half = power(element, (P + 1) // 2)
    half = multiply(half, _frobenius(half, _TWICE))
    half = _frobenius(half, _ONCE)  # x^((r - 1) / 2)
    norm = coefficients(multiply(element, multiply(half, half)))[0]
    root = base_square_root(norm)
    return None if root is None else multiply(inverse(half), root)


def encode(element: Element) -> bytes:
    """Spell an element: five numbers of 8 bytes, little endian, constant term first."""
    return b"".join(c.to_bytes(ELEMENT_BYTES, "little") for c in coefficients(element))


def decode(spelt: bytes) -> Element | None:
    """Read an element, None where the bytes are not the one spelling of one."""
    if len(spelt) != BYTES:
        return None
    numbers = [
        int.from_bytes(spelt[at : at + ELEMENT_BYTES], "little") for at in range(0, BYTES, ELEMENT_BYTES)
    ]
    return pack(*numbers) if all(number < P for number in numbers) else None

"""The base field: integers modulo the prime 2^64 - 2^32 + 1, whose products reduce with shifts.

Elements are plain integers from 0 up to, but not including, `P`; sums and products are written `% P` where
they occur, for a call would cost more than they do.
"""

from __future__ import annotations

from typing import Final

P: Final = 2**64 - 2**32 + 1
ELEMENT_BYTES: Final = 8

#: p - 1 is an odd number times 2^32.
_TWO_ADICITY: Final = 32
_ODD_PART: Final = 2**32 - 1
#: 7 is no square, so its power generates all the 2^32-th roots of one.
_ROOT_OF_UNITY: Final = pow(7, _ODD_PART, P)


def inverse(value: int) -> int:
    """Return one over a value, and zero for zero."""
    return pow(value, P - 2, P)


def is_square(value: int) -> bool:
    """Tell whether a value is the square of another; zero is."""
    return pow(value, (P - 1) // 2, P) != P - 1


def square_root(value: int) -> int | None:
    """Return one of the two roots of a value, None where it has none (Tonelli and Shanks)."""
    value %= P
    if not is_square(value):
        return None
    root = pow(value, (_ODD_PART + 1) // 2, P)
    remaining = pow(value, _ODD_PART, P)
    generator, order = _ROOT_OF_UNITY, _TWO_ADICITY
    while remaining not in {0, 1}:
        power, exponent = remaining, 0
        while power != 1:
            power = power * power % P
            exponent += 1
        factor = pow(generator, 1 << (order - exponent - 1), P)
        root = root * factor % P
        generator, order = factor * factor % P, exponent
        remaining = remaining * generator % P
    return root

"""The curve ecGFp5: a group of prime order with addition formulas that have no exception.

y^2 = x (x^2 + 2x + b) over the quintic field, b = 263 z. Elements of the group are the points that are not
of odd order, (0, 0) is neutral, and each is known by the single value w = y / x. A point is kept as the
fractions x = X / Z and u = x / y = U / T, of which no denominator is ever zero.
"""

from __future__ import annotations

from functools import cache
from typing import Final, NamedTuple, TypeAlias

from . import quintic
from .quintic import PADDING, Element, multiply

#: Number of elements of the group, a prime of 319 bits.
ORDER: Final = 0x7FFFFFFD800000077FFFFFF1000000167FFFFFE6CFB80639E8885C39D724A09CE80FD996948BFFE1

_B: Final = quintic.pack(0, 263)
_SLOT: Final = 160
_BELOW_TOP: Final = (1 << 4 * _SLOT) - 1

#: Tables hold one to 2^(window - 1) times a base; digits are signed, for a point is negated for nothing.
_WINDOW: Final = 5
_DIGITS: Final = 64
_HALF: Final = 1 << _WINDOW - 1


class Point(NamedTuple):
    """An element of the group as the fractions x = X / Z and u = U / T."""

    x: Element
    z: Element
    u: Element
    t: Element


#: A point with both denominators one: its x and its u.
Affine: TypeAlias = tuple[Element, Element]

NEUTRAL: Final = Point(quintic.ZERO, quintic.ONE, quintic.ZERO, quintic.ONE)
GENERATOR: Final = Point(
    quintic.pack(
        0xB2CA178ECF4453A1, 0x3C757788836D3EA4, 0x48D7F28A26DAFD0B, 0x1E0F15C7FD44C28E, 0x21FA7FFCC8252211
    ),
    quintic.ONE,
    quintic.ONE,
    quintic.pack(4),
)


def _times_b(element: Element) -> Element:
    """Multiply by 263 z: a turn by one slot, with 3 for the coefficient that comes around."""
    return 263 * (((element & _BELOW_TOP) << _SLOT) + 3 * (element >> 4 * _SLOT))


def add(left: Point, right: Point) -> Point:
    """Return the sum of any two elements, equal and neutral ones included."""
    x1, z1, u1, t1 = left
    x2, z2, u2, t2 = right
    p1, p2 = multiply(x1, x2), multiply(z1, z2)
    c, d = multiply(u1, u2), multiply(t1, t2)
    m = multiply(x1, z2) + multiply(x2, z1)
    v = multiply(u1, t2) + multiply(u2, t1)
    return _combine(p1, p2, m, c, d, v)


def add_affine(left: Point, right: Affine) -> Point:
    """Return the sum with a point whose denominators are one: two products fewer."""
    x1, z1, u1, t1 = left
    x2, u2 = right
    return _combine(multiply(x1, x2), z1, x1 + multiply(z1, x2), multiply(u1, u2), t1, u1 + multiply(t1, u2))


def _combine(p1: Element, p2: Element, m: Element, c: Element, d: Element, v: Element) -> Point:
    b_p2 = _times_b(p2)
    s = p1 + b_p2
    d_s = multiply(d, s)
    twice_c = c + c
    cross = multiply(twice_c, _times_b(m) + s)
    return Point(
        _times_b(multiply(d + twice_c, m + s) + PADDING - d_s),
        d_s + PADDING - cross,
        multiply(v, b_p2 + PADDING - p1),
        d_s + cross,
    )


def encode(point: Point) -> Element:
    """Return w, by which an element is known: one over u, and zero for the neutral one."""
    return quintic.canonical(multiply(point.t, quintic.inverse(point.u)))


def decode(w: Element) -> Point | None:
    """Return the element known by w, None where there is none.

    The two candidates for x multiply to b, which is no square: exactly one of them is none either.
    """
    e = quintic.subtract(multiply(w, w), quintic.pack(2))
    root = quintic.square_root(quintic.subtract(multiply(e, e), 4 * _B))
    if root is None:
        return None if any(quintic.coefficients(w)) else NEUTRAL
    half = quintic.inverse(quintic.pack(2))
    x = multiply(e + root, half)
    if quintic.square(x):
        x = multiply(quintic.subtract(e, root), half)
    return Point(x, quintic.ONE, quintic.ONE, w)


def _digits(scalar: int) -> list[int]:
    """Write a scalar in base 32 with digits from -15 to 16, lowest first."""
    digits = []
    for _ in range(_DIGITS):
        digit = scalar & 2 * _HALF - 1
        scalar >>= _WINDOW
        if digit > _HALF:
            digit -= 2 * _HALF
            scalar += 1
        digits.append(digit)
    return digits


def scale(point: Point, scalar: int) -> Point:
    """Return a multiple of any element; the scalar is from zero up to the group's order."""
    multiples = [NEUTRAL, point]
    while len(multiples) <= _HALF:
        multiples.append(add(multiples[-1], point))
    result = NEUTRAL
    for digit in reversed(_digits(scalar)):
        for _ in range(_WINDOW):
            result = add(result, result)
        if digit:
            x, z, u, t = multiples[abs(digit)]
            result = add(result, Point(x, z, u if digit > 0 else PADDING - quintic.canonical(u), t))
    return result


class GeneratorMultiple:
    """A multiple of the generator in the making: tables leave only additions, and those can be done in parts.

    Args:
        scalar: from zero up to the group's order.
    """

    __slots__ = ("_digits", "_place", "_sum")

    def __init__(self, scalar: int) -> None:
        self._digits = _digits(scalar)
        self._place = 0
        self._sum = NEUTRAL

    def advance(self, places: int) -> bool:
        """Work off so many of the 64 digits; tell whether more remain."""
        tables = generator_tables()
        end = min(self._place + places, _DIGITS)
        for place in range(self._place, end):
            digit = self._digits[place]
            if digit > 0:
                self._sum = add_affine(self._sum, tables[place][digit - 1])
            elif digit < 0:
                x, u = tables[place][-digit - 1]
                self._sum = add_affine(self._sum, (x, PADDING - u))
        self._place = end
        return end < _DIGITS

    def result(self) -> Point:
        """Return the multiple, after working off what remains."""
        self.advance(_DIGITS)
        return self._sum


def scale_generator(scalar: int) -> Point:
    """Return a multiple of the generator; the scalar is from zero up to the group's order."""
    return GeneratorMultiple(scalar).result()


@cache
def generator_tables() -> tuple[tuple[Affine, ...], ...]:
    """Return, for each digit's place, one to sixteen times the generator times the place's value."""
    rows, base = [], GENERATOR
    for _ in range(_DIGITS):
        row = [base]
        while len(row) < _HALF:
            row.append(add(row[-1], base))
        rows.append(row)
        base = add(row[-1], row[-1])
    points = [point for row in rows for point in row]
    inverses = _inverses([denominator for point in points for denominator in (point.z, point.t)])
    affine = [
        (
            quintic.canonical(multiply(point.x, inverses[2 * at])),
            quintic.canonical(multiply(point.u, inverses[2 * at + 1])),
        )
        for at, point in enumerate(points)
    ]
    return tuple(tuple(affine[at : at + _HALF]) for at in range(0, len(affine), _HALF))


def _inverses(elements: list[Element]) -> list[Element]:
    """Invert many elements, none of them zero, at the price of one inversion (Montgomery)."""
    products = [quintic.ONE]
    for element in elements:
        products.append(multiply(products[-1], element))
    running = quintic.inverse(products.pop())
    inverses = []
    for element, before in zip(reversed(elements), reversed(products), strict=True):
        inverses.append(multiply(running, before))
        running = multiply(running, element)
    return inverses[::-1]

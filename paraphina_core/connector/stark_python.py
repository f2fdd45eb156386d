"""The STARK curve in plain Python, for where no library is: the same bytes, and ten times slower hashes.

Nothing here runs in constant time. Points of the curve y^2 = x^3 + x + B are added in Jacobian coordinates,
so that one inversion is enough for a whole product; a fixed point is multiplied with tables of its multiples,
one for each group of four bits, which are made when they are first needed.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Final, NamedTuple, TypeAlias

# docs.starkware.co, "STARK curve" and "Pedersen hash function", read 2026-08.
PRIME: Final = 2**251 + 17 * 2**192 + 1
ORDER: Final = 0x800000000000010FFFFFFFFFFFFFFFFB781126DCAE7B2321E66A241ADC64D2F
#: Hashes, and both halves of a signature, lie below it.
BOUND: Final = 2**251

_B: Final = 0x6F21413EFBE40DE150E596D72F7A8C5609AD26C15C915C1F4CDFCB99CEE9E89
_Affine: TypeAlias = tuple[int, int]
_GENERATOR: Final[_Affine] = (
    0x1EF15C18599971B7BECED415A40F0C7DEACFD9B0D1819E03D723D8BC943CFCA,
    0x5668060AA49730B7BE4801DF46EC62DE53ECD11ABE43A32873000C36E8DC1F,
)
_SHIFT: Final[_Affine] = (
    0x49EE3EBA8C1600700EE1B87EB599F16716B0B1022947733551FDE4050CA6804,
    0x3CA0CFE4B3BC6DDF346D49D06EA0ED34E621062C0E056C1D0405D266E10268A,
)
#: For each of the two hashed numbers: the point of its low 248 bits, and that of its four high ones.
_HASHED: Final[tuple[tuple[_Affine, _Affine], ...]] = (
    (
        (
            0x234287DCBAFFE7F969C748655FCA9E58FA8120B6D56EB0C1080D17957EBE47B,
            0x3B056F100F96FB21E889527D41F4E39940135DD7A6C94CC6ED0268EE89E5615,
        ),
        (
            0x4FA56F376C83DB33F9DAB2656558F3399099EC1DE5E3018B7A6932DBA8AA378,
            0x3FA0984C931C9E38113E0C0E47E4401562761F92A7A23B45168F4E80FF5B54D,
        ),
    ),
    (
        (
            0x4BA4CC166BE8DEC764910F75B45F74B40C690C74709E90F3AA372F0BD2D6997,
            0x40301CF5C1751F4B971E46C4EDE85FCAC5C59A5CE5AE7C48151F27B24B219C,
        ),
        (
            0x54302DCB0E6CC1C6E44CCA8F61A63BB2CA65048D53FB325D36FF12C49A58202,
            0x1B77B3E37D13504B348046268D8AE25CE98AD783C25561A879DCC77E99C2426,
        ),
    ),
)
_GROUP_BITS: Final = 4
_MASK: Final = (1 << _GROUP_BITS) - 1
#: Groups of four bits in 252, and in the low 248 of them.
_GROUPS: Final = 63
_LOW_GROUPS: Final = 62

_Table: TypeAlias = Sequence[Sequence[_Affine]]


class _Point(NamedTuple):
    """Jacobian coordinates: the point (x/z^2, y/z^3), and none for z = 0."""

    x: int
    y: int
    z: int


_NOWHERE: Final = _Point(1, 1, 0)


def public_key(key: int) -> int:
    """Return the x coordinate of the key's point."""
    return _affine(_times(_generator_table(), key))[0]


def sign(key: int, digest: int) -> tuple[int, int]:
    """Sign a hash that is below `BOUND`: r and s."""
    for nonce in _nonces(key, digest):
        r = _affine(_times(_generator_table(), nonce))[0]
        s = pow(nonce, -1, ORDER) * (digest + r * key) % ORDER
        if 0 < r < BOUND and 0 < s < BOUND:
            return r, s
    raise AssertionError  # the numbers have no end


def is_public_key(public: int) -> bool:
    """Tell whether it is the x coordinate of a point of the curve; half of all numbers are."""
    return pow(_square(public), (PRIME - 1) // 2, PRIME) == 1


def verify(public: int, digest: int, r: int, s: int) -> bool:
    """Tell whether the key of that x coordinate signed the hash; its point may be either of the two."""
    if not is_public_key(public):
        return False
    y = _root(_square(public))
    w = pow(s, -1, ORDER)
    signed = _times(_generator_table(), digest * w % ORDER)
    keyed = _product((public, y), r * w % ORDER)
    return any(
        total.z and _affine(total)[0] == r
        for total in (_sum(signed, keyed), _sum(signed, keyed._replace(y=-keyed.y % PRIME)))
    )


def pedersen(first: int, second: int) -> int:
    """Return the Pedersen hash of two field elements."""
    total = _Point(*_SHIFT, 1)
    for table, number in zip(_hash_tables(), (first, second), strict=True):
        total = _times(table, number, total)
    return _affine(total)[0]


def _times(table: _Table, number: int, total: _Point = _NOWHERE) -> _Point:
    """Add a number times the table's point to a point."""
    for multiples in table:
        digit = number & _MASK
        if digit:
            total = _add(total, multiples[digit - 1])
        number >>= _GROUP_BITS
    return total


def _product(point: _Affine, number: int) -> _Point:
    total = _NOWHERE
    for bit in f"{number:b}":
        total = _double(total)
        if bit == "1":
            total = _add(total, point)
    return total


def _add(point: _Point, other: _Affine) -> _Point:
    return _sum(point, _Point(*other, 1))


def _sum(one: _Point, other: _Point) -> _Point:
    if not one.z:
        return other
    if not other.z:
        return one
    one_zz, other_zz = one.z * one.z % PRIME, other.z * other.z % PRIME
    u = one.x * other_zz % PRIME
    s = one.y * other_zz * other.z % PRIME
    h = (other.x * one_zz - u) % PRIME
    r = (other.y * one_zz * one.z - s) % PRIME
    if not h:
        return _NOWHERE if r else _double(one)
    hh = h * h % PRIME
    hhh, v = h * hh % PRIME, u * hh % PRIME
    x = (r * r - hhh - 2 * v) % PRIME
    return _Point(x, (r * (v - x) - s * hhh) % PRIME, h * one.z * other.z % PRIME)


def _double(point: _Point) -> _Point:
    if not point.z:
        return point
    yy = point.y * point.y % PRIME
    zz = point.z * point.z % PRIME
    s = 4 * point.x * yy % PRIME
    m = (3 * point.x * point.x + zz * zz) % PRIME
    x = (m * m - 2 * s) % PRIME
    return _Point(x, (m * (s - x) - 8 * yy * yy) % PRIME, 2 * point.y * point.z % PRIME)


def _affine(point: _Point) -> _Affine:
    inverse = pow(point.z, -1, PRIME)
    square = inverse * inverse % PRIME
    return point.x * square % PRIME, point.y * square * inverse % PRIME


@cache
def _generator_table() -> _Table:
    return tuple(_multiples(_GENERATOR, _GROUPS))


@cache
def _hash_tables() -> tuple[_Table, ...]:
    return tuple(
        (*_multiples(low, _LOW_GROUPS), *_multiples(high, _GROUPS - _LOW_GROUPS)) for low, high in _HASHED
    )


def _multiples(point: _Affine, groups: int) -> Iterator[Sequence[_Affine]]:
    """Yield the multiples that each group of four bits can stand for, from one to fifteen."""
    for _ in range(groups):
        multiples = [point]
        while len(multiples) <= _MASK:
            multiples.append(_affine(_add(_Point(*multiples[-1], 1), point)))
        point = multiples.pop()
        yield multiples


def _nonces(key: int, digest: int) -> Iterator[int]:
    """Yield the numbers that a key signs a hash with (RFC 6979, 3.2, with SHA-256)."""
    seed = key.to_bytes(32) + digest.to_bytes(32)
    k, v = bytes(32), b"\x01" * 32
    for mark in (b"\x00", b"\x01"):
        k = hmac.digest(k, v + mark + seed, hashlib.sha256)
        v = hmac.digest(k, v, hashlib.sha256)
    while True:
        v = hmac.digest(k, v, hashlib.sha256)
        nonce = int.from_bytes(v) >> 256 - ORDER.bit_length()
        if 0 < nonce < ORDER:
            yield nonce
        k = hmac.digest(k, v + b"\x00", hashlib.sha256)
        v = hmac.digest(k, v, hashlib.sha256)


def _square(x: int) -> int:
    return (x * x * x + x + _B) % PRIME


def _root(square: int) -> int:
    """Return the square root of a square of the field (Tonelli and Shanks)."""
    twos = 192
    odd = (PRIME - 1) >> twos
    power, root, rest = pow(3, odd, PRIME), pow(square, (odd + 1) // 2, PRIME), pow(square, odd, PRIME)
    while rest != 1:
        order, walk = 0, rest
        while walk != 1:
            order, walk = order + 1, walk * walk % PRIME
        step = pow(power, 1 << (twos - order - 1), PRIME)
        twos, power = order, step * step % PRIME
        root, rest = root * step % PRIME, rest * power % PRIME
    return root

"""The hash of the venue: Poseidon2 over the base field, twelve entries wide, eight of them taken at a time.

The partial rounds change a single entry by more than a sum, so they are worked off as a recurrence: what the
eleven other entries at their beginning, and each S-box since, contribute to all later first entries and to
the final state is one product with a constant integer that holds a slot for each of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeAlias

from . import quintic
from .goldilocks import P
from .poseidon2_constants import DIAGONAL, EXTERNAL, INTERNAL

State: TypeAlias = tuple[int, int, int, int, int, int, int, int, int, int, int, int]

WIDTH: Final = 12
RATE: Final = 8

_FIRST_HALF: Final = EXTERNAL[:4]
_SECOND_HALF: Final = EXTERNAL[4:]
_ROUNDS: Final = len(INTERNAL)

#: Slots hold sums of up to 33 products of two numbers of 64 and 72 bits.
_SLOT: Final = 144
_MASK: Final = 2**_SLOT - 1


def _recurrence() -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return what each of the entries 1 to 11, and each S-box, adds to the slots.

    Slot r is the sum of the entries 1 to 11 before partial round r; after those come the entries themselves
    after the last round. What an S-box adds is counted from the slot of the round that follows it.
    """

    def course(entries: list[int], rounds: int) -> int:
        packed = 0
        for place in range(rounds):
            total = sum(entries) % P
            packed |= total << _SLOT * place
            entries = [(d * entry + total) % P for d, entry in zip(DIAGONAL[1:], entries, strict=True)]
        for place, entry in enumerate(entries, rounds):
            packed |= entry << _SLOT * place
        return packed

    of_entries = tuple(course([int(at == n) for n in range(WIDTH - 1)], _ROUNDS) for at in range(WIDTH - 1))
    of_boxes = tuple(course([1] * (WIDTH - 1), _ROUNDS - 1 - done) for done in range(_ROUNDS))
    return of_entries, of_boxes


_OF_ENTRIES, _OF_BOXES = _recurrence()
_PARTIAL: Final = tuple(zip(INTERNAL, _OF_BOXES, strict=True))
_FIRST_DIAGONAL: Final = DIAGONAL[0] + 1


def _external(state: State) -> State:
    """Multiply by the external matrix: blocks of four, then the sums across them; nothing is reduced."""
    a0, a1, a2, a3, b0, b1, b2, b3, c0, c1, c2, c3 = state
    total = a0 + a1 + a2 + a3
    w0, w1 = total + a0 + a1 + a1, total + a1 + a2 + a2
    w2, w3 = total + a2 + a3 + a3, total + a3 + a0 + a0
    total = b0 + b1 + b2 + b3
    x0, x1 = total + b0 + b1 + b1, total + b1 + b2 + b2
    x2, x3 = total + b2 + b3 + b3, total + b3 + b0 + b0
    total = c0 + c1 + c2 + c3
    y0, y1 = total + c0 + c1 + c1, total + c1 + c2 + c2
    y2, y3 = total + c2 + c3 + c3, total + c3 + c0 + c0
    z0, z1, z2, z3 = w0 + x0 + y0, w1 + x1 + y1, w2 + x2 + y2, w3 + x3 + y3
    return (
        w0 + z0, w1 + z1, w2 + z2, w3 + z3,
        x0 + z0, x1 + z1, x2 + z2, x3 + z3,
        y0 + z0, y1 + z1, y2 + z2, y3 + z3,
    )  # fmt: skip


def _full_rounds(state: State, rows: Sequence[State]) -> State:
    """Work off full rounds: constants, the seventh power of every entry, the external matrix."""
    p = P
    for k0, k1, k2, k3, k4, k5, k6, k7, k8, k9, k10, k11 in rows:
        s0, s1, s2, s3, s4, s5, s6, s7, s8, s9, s10, s11 = state
        s0 += k0
        s1 += k1
        s2 += k2
        s3 += k3
        s4 += k4
        s5 += k5
        s6 += k6
        s7 += k7
        s8 += k8
        s9 += k9
        s10 += k10
        s11 += k11
        state = _external((
            (t := s0 * s0 * s0 % p) * t * s0 % p,
            (t := s1 * s1 * s1 % p) * t * s1 % p,
            (t := s2 * s2 * s2 % p) * t * s2 % p,
            (t := s3 * s3 * s3 % p) * t * s3 % p,
            (t := s4 * s4 * s4 % p) * t * s4 % p,
            (t := s5 * s5 * s5 % p) * t * s5 % p,
            (t := s6 * s6 * s6 % p) * t * s6 % p,
            (t := s7 * s7 * s7 % p) * t * s7 % p,
            (t := s8 * s8 * s8 % p) * t * s8 % p,
            (t := s9 * s9 * s9 % p) * t * s9 % p,
            (t := s10 * s10 * s10 % p) * t * s10 % p,
            (t := s11 * s11 * s11 % p) * t * s11 % p,
        ))  # fmt: skip
    return state


def _partial_rounds(state: State) -> State:
    """Work off the partial rounds: constant and seventh power of the first entry, the internal matrix."""
    p, mask = P, _MASK
    first, *others = state
    slots = 0
    for entry, course in zip(others, _OF_ENTRIES, strict=True):
        slots += entry * course
    for constant, course in _PARTIAL:
        first += constant
        t = first * first * first % p
        box = t * t * first % p
        first = (_FIRST_DIAGONAL * box + (slots & mask)) % p
        slots = (slots >> _SLOT) + box * course
    s1, s2, s3, s4, s5, s6, s7, s8, s9, s10, s11 = [
        (slots >> _SLOT * place & mask) % p for place in range(WIDTH - 1)
    ]
    return first, s1, s2, s3, s4, s5, s6, s7, s8, s9, s10, s11


def permute(state: State) -> State:
    """Return the image of a state under the permutation; its entries are congruent, not reduced."""
    state = _full_rounds(_external(state), _FIRST_HALF)
    return _full_rounds(_partial_rounds(state), _SECOND_HALF)


def sponge(inputs: Sequence[int], outputs: int) -> list[int]:
    """Hash numbers to up to eight others.

    Each eight numbers replace the first eight entries of the state, a shorter last block only as many as it
    has; there is neither padding nor length, so trailing zeros of up to eight numbers change nothing.
    """
    state: tuple[int, ...] = (0,) * WIDTH
    for at in range(0, len(inputs), RATE):
        block = tuple(inputs[at : at + RATE])
        state = permute((*block, *state[len(block) :]))  # type: ignore[arg-type]  # twelve again
    return [entry % P for entry in state[:outputs]]


def hash_to_quintic(inputs: Sequence[int]) -> quintic.Element:
    """Hash numbers to an element of the curve's field."""
    return quintic.pack(*sponge(inputs, quintic.DEGREE))

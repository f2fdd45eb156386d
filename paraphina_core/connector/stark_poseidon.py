"""The Poseidon hash over Starknet's field, in plain Python: its newer typed data is hashed with it.

A sponge of three field elements over the Hades permutation: eight full rounds around 83 partial ones, with
x cubed as S-box (docs.starknet.io, "Poseidon hash", read 2026-11).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cache
from typing import Final

from paraphina_core.domain import LocalError

from .stark_python import PRIME

_WIDTH: Final = 3
_FULL_ROUNDS: Final = 8
_PARTIAL_ROUNDS: Final = 83
_ROUNDS: Final = _FULL_ROUNDS + _PARTIAL_ROUNDS


def poseidon_many(elements: Sequence[int]) -> int:
    """Return the Poseidon hash of some field elements.

    Raises:
        LocalError: one is no element of the field.
    """
    if not all(0 <= element < PRIME for element in elements):
        raise LocalError("number is no field element", wanted="zero or above, below the field's prime")
    padded = [*elements, 1]
    padded += [0] * (len(padded) % 2)
    first = second = third = 0
    for one, other in zip(padded[::2], padded[1::2], strict=True):
        first, second, third = _permuted(first + one, second + other, third)
    return first


def _permuted(first: int, second: int, third: int) -> tuple[int, int, int]:
    half = _FULL_ROUNDS // 2
    for number, (one, two, three) in enumerate(_round_constants()):
        first, second, third = first + one, second + two, third + three
        if number < half or number >= half + _PARTIAL_ROUNDS:
            first, second = pow(first, 3, PRIME), pow(second, 3, PRIME)
        third = pow(third, 3, PRIME)
        # The matrix ((3, 1, 1), (1, -1, 1), (1, 1, -2)).
        total = first + second + third
        first, second, third = (
            (total + 2 * first) % PRIME,
            (total - 2 * second) % PRIME,
            (total - 3 * third) % PRIME,
        )
    return first, second, third


@cache
def _round_constants() -> Sequence[tuple[int, int, int]]:
    numbers = [
        int.from_bytes(hashlib.sha256(f"Hades{n}".encode()).digest()) % PRIME for n in range(_WIDTH * _ROUNDS)
    ]
    return [(numbers[n], numbers[n + 1], numbers[n + 2]) for n in range(0, len(numbers), _WIDTH)]

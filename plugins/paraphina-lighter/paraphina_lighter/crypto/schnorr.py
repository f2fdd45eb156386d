"""Schnorr signatures over ecGFp5: a nonce and its point are spent on one message, and never on two.

Two signatures with one nonce give the key away. `PreparedNonce` therefore hands out its number a single time.
"""

from __future__ import annotations

import os
from typing import Final, NoReturn

from paraphina_core.domain import InvariantError, LocalError

from . import ecgfp5, quintic
from .ecgfp5 import ORDER, GeneratorMultiple
from .poseidon2 import sponge

SCALAR_BYTES: Final = 40
SIGNATURE_BYTES: Final = 2 * SCALAR_BYTES
PUBLIC_KEY_BYTES: Final = quintic.BYTES
DIGEST_BYTES: Final = quintic.BYTES

#: 128 bits more than the order has: what is left of them modulo the order is as good as uniform.
_ENTROPY_BYTES: Final = 56


class PreparedNonce:
    """A secret number and the spelling of its point, good for one signature."""

    __slots__ = ("__making", "__secret", "__spelling")

    def __init__(self) -> None:
        self.__secret = int.from_bytes(os.urandom(_ENTROPY_BYTES)) % (ORDER - 1) + 1
        self.__making: GeneratorMultiple | None = GeneratorMultiple(self.__secret)
        self.__spelling = quintic.ZERO

    def advance(self, places: int) -> bool:
        """Prepare so many of the point's 64 places; tell whether more remain."""
        if self.__making is None:
            return False
        if self.__making.advance(places):
            return True
        self.__spelling = ecgfp5.encode(self.__making.result())
        self.__making = None
        return False

    def spend(self) -> tuple[int, quintic.Element]:
        """Return the secret number and its point's spelling, and forget them.

        Raises:
            InvariantError: it was spent before.
        """
        if not self.__secret:
            raise InvariantError("a nonce of a signature was about to be used twice")
        self.advance(64)
        spent, self.__secret = self.__secret, 0
        return spent, self.__spelling

    def __repr__(self) -> str:
        return "PreparedNonce(********)"

    def __reduce__(self) -> NoReturn:
        raise LocalError("a nonce is not copied or stored", remedy="prepare another one")


def public_key(secret: int) -> bytes:
    """Return the public key of a secret one."""
    return quintic.encode(ecgfp5.encode(ecgfp5.scale_generator(secret)))


def _challenge(spelling: quintic.Element, digest: quintic.Element) -> int:
    elements = sponge((*quintic.coefficients(spelling), *quintic.coefficients(digest)), quintic.DEGREE)
    return sum(element << 64 * place for place, element in enumerate(elements)) % ORDER


def sign(secret: int, digest: quintic.Element, nonce: PreparedNonce) -> bytes:
    """Sign a digest: s and e, 40 bytes each, little endian.

    Raises:
        InvariantError: the nonce was spent before.
    """
    number, spelling = nonce.spend()
    return signature(secret, digest, number, spelling)


def signature(secret: int, digest: quintic.Element, number: int, spelling: quintic.Element) -> bytes:
    """Return the signature that a given nonce leads to; who calls it never gives one number twice."""
    e = _challenge(spelling, digest)
    s = (number - e * secret) % ORDER
    return s.to_bytes(SCALAR_BYTES, "little") + e.to_bytes(SCALAR_BYTES, "little")


def verify(key: bytes, digest: quintic.Element, spelt: bytes) -> bool:
    """Tell whether a signature is the public key's over a digest; what is not canonical is not."""
    if len(spelt) != SIGNATURE_BYTES or len(key) != PUBLIC_KEY_BYTES:
        return False
    s = int.from_bytes(spelt[:SCALAR_BYTES], "little")
    e = int.from_bytes(spelt[SCALAR_BYTES:], "little")
    w = quintic.decode(key)
    if s >= ORDER or e >= ORDER or not w:
        return False
    point = ecgfp5.decode(w)
    if point is None:
        return False
    total = ecgfp5.add(ecgfp5.scale_generator(s), ecgfp5.scale(point, e))
    return _challenge(ecgfp5.encode(total), digest) == e

"""Keys and hashes of the venues that sign as Starknet does: ECDSA on the STARK curve, and the Pedersen hash.

Both are done in Rust where the library fast-stark-crypto is installed, and in Python where it has no wheel,
with the same bytes. The core needs neither. Signatures are deterministic (RFC 6979, without an extra seed):
the same key and hash always give the same bytes, and no random number can betray the key.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from functools import cache
from typing import Final, NamedTuple, NoReturn

from paraphina_core.domain import ConfigError, LocalError

from . import stark_python

STARK_HASH_BYTES: Final = 32
#: r and s of 32 bytes each.
STARK_SIGNATURE_BYTES: Final = 64

STARK_PRIME: Final = stark_python.PRIME
STARK_ORDER: Final = stark_python.ORDER

_KEY: Final = re.compile(r"0x[0-9a-fA-F]{1,64}", re.ASCII)


class StarkKey:
    """Signs hashes with one key and knows nothing of what they stand for.

    Args:
        key_text: `0x` and at most 64 hex digits, nothing before or after.

    Raises:
        ConfigError: the text is not a key; the error does not repeat it.
    """

    __slots__ = ("__key", "public_key")

    #: Public key, `0x` and hex: the x coordinate alone, which is what a venue knows the key by.
    public_key: str

    def __init__(self, key_text: str) -> None:
        if _KEY.fullmatch(key_text) is None:
            raise ConfigError("private key is not usable", wanted="0x and at most 64 hex digits")
        secret = int(key_text, 16)
        if not 0 < secret < STARK_ORDER:
            raise ConfigError("private key is not usable", wanted="above zero and below the curve's order")
        self.__key = secret
        self.public_key = f"0x{_curve().public_key(secret):x}"

    def sign(self, digest: bytes) -> bytes:
        """Sign a hash of 32 bytes that is below 2^251: r and s of 32 bytes each.

        Raises:
            LocalError: the hash has another length, or is too large for the curve.
        """
        if len(digest) != STARK_HASH_BYTES:
            raise LocalError("hash cannot be signed", found=f"{len(digest)} bytes", wanted="32 bytes")
        number = int.from_bytes(digest)
        if number >= stark_python.BOUND:
            raise LocalError("hash cannot be signed", found=f"{number.bit_length()} bits", wanted="251 bits")
        r, s = _curve().sign(self.__key, number)
        return r.to_bytes(STARK_HASH_BYTES) + s.to_bytes(STARK_HASH_BYTES)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(public_key={self.public_key}, key=********)"

    def __reduce__(self) -> NoReturn:
        raise LocalError("a signer is not copied or stored", remedy="make another one from the key")


def pedersen(first: int, second: int) -> int:
    """Return the Pedersen hash of two field elements.

    Raises:
        LocalError: one is no element of the field.
    """
    if not (0 <= first < STARK_PRIME and 0 <= second < STARK_PRIME):
        raise LocalError("number is no field element", wanted="zero or above, below the field's prime")
    return _curve().pedersen(first, second)


def verify_stark(public_key: int, digest: int, r: int, s: int) -> bool:
    """Tell whether the key of a public key signed a hash; what lies outside of the curve is not signed."""
    bound = stark_python.BOUND
    if not (0 < public_key < STARK_PRIME and 0 <= digest < bound and 0 < r < bound and 0 < s < STARK_ORDER):
        return False
    return stark_python.is_public_key(public_key) and _curve().verify(public_key, digest, r, s)


class _Curve(NamedTuple):
    """What a library must be able to do."""

    public_key: Callable[[int], int]
    sign: Callable[[int, int], tuple[int, int]]
    pedersen: Callable[[int, int], int]
    verify: Callable[[int, int, int, int], bool]


PYTHON: Final = _Curve(stark_python.public_key, stark_python.sign, stark_python.pedersen, stark_python.verify)


@cache
def _curve() -> _Curve:
    try:
        rust = importlib.import_module("fast_stark_crypto")
    except ImportError:
        return PYTHON
    return _Curve(rust.get_public_key, rust.sign, rust.pedersen_hash, rust.verify)

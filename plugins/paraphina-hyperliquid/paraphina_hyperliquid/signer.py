"""The only module that holds a key: it signs digests and knows nothing of what they stand for.

Signatures are deterministic (RFC 6979): the same key and digest always give the same bytes, and no random
number can betray the key.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, NoReturn

from coincurve import PrivateKey

from paraphina_core.domain import ConfigError, LocalError

from .signing import keccak

DIGEST_BYTES: Final = 32

#: Number of points of the curve secp256k1 (SEC 2, version 2.0, 2.4.1); keys lie between 0 and it.
CURVE_ORDER: Final = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141

_KEY: Final = re.compile(r"0x[0-9a-fA-F]{64}", re.ASCII)


class Signer:
    """Signs with one key.

    Args:
        key_text: `0x` and 64 hex digits, nothing before or after.

    Raises:
        ConfigError: the text is not a key; the error does not repeat it.
    """

    __slots__ = ("__key", "address")

    #: Address that the venue recovers from the signatures, in lower case.
    address: str

    def __init__(self, key_text: str) -> None:
        if _KEY.fullmatch(key_text) is None:
            raise ConfigError("private key is not usable", wanted="0x and 64 hex digits")
        secret = int(key_text, 16)
        if not 0 < secret < CURVE_ORDER:
            raise ConfigError("private key is not usable", wanted="above zero and below the curve's order")
        self.__key = PrivateKey(secret.to_bytes(32))
        public = self.__key.public_key.format(compressed=False)
        self.address = "0x" + keccak(public[1:])[-20:].hex()

    @property
    def identity(self) -> Mapping[str, str]:
        """The address, which is public."""
        return {"address": self.address}

    def sign(self, digest: bytes) -> bytes:
        """Sign 32 bytes: r and s of 32 bytes each, then v, which is 27 or 28.

        Raises:
            LocalError: the digest has another length.
        """
        if len(digest) != DIGEST_BYTES:
            raise LocalError("digest cannot be signed", found=f"{len(digest)} bytes", wanted="32 bytes")
        signature = self.__key.sign_recoverable(digest, hasher=None)
        return signature[:64] + _V[signature[64]]

    def __repr__(self) -> str:
        return f"Signer(address={self.address}, key=********)"

    def __reduce__(self) -> NoReturn:
        raise LocalError("a signer is not copied or stored", remedy="make another one from the key")


# A recovery id of 2 or 3 needs an r that overflowed the curve's order, which nobody will ever meet.
_V: Final = (b"\x1b", b"\x1c")

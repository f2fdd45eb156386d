"""The only module that holds a key: it signs hashes and knows nothing of what they stand for.

Signatures are deterministic (RFC 6979), without the extra seed that the venue's SDK adds: the venue verifies
signatures and does not compare them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, NoReturn

from fast_stark_crypto import get_public_key, sign

from paraphina_core.domain import ConfigError, LocalError

HASH_BYTES: Final = 32
SIGNATURE_BYTES: Final = 64

#: Number of points of the STARK curve (docs.starkware.co, STARK curve parameters, read 2026-08); keys lie
#: between 0 and it.
CURVE_ORDER: Final = 0x800000000000010FFFFFFFFFFFFFFFFB781126DCAE7B2321E66A241ADC64D2F

_KEY: Final = re.compile(r"0x[0-9a-fA-F]{1,64}", re.ASCII)


class Signer:
    """Signs with one Stark key.

    Args:
        key_text: `0x` and at most 64 hex digits, nothing before or after.

    Raises:
        ConfigError: the text is not a key; the error does not repeat it.
    """

    __slots__ = ("__key", "public_key")

    #: Public key, `0x` and hex: what the venue knows the key by.
    public_key: str

    def __init__(self, key_text: str) -> None:
        if _KEY.fullmatch(key_text) is None:
            raise ConfigError("private key is not usable", wanted="0x and at most 64 hex digits")
        secret = int(key_text, 16)
        if not 0 < secret < CURVE_ORDER:
            raise ConfigError("private key is not usable", wanted="above zero and below the curve's order")
        self.__key = secret
        self.public_key = f"0x{get_public_key(secret):x}"

    @property
    def identity(self) -> Mapping[str, str]:
        """The public key."""
        return {"public_key": self.public_key}

    def sign(self, payload: bytes) -> bytes:
        """Sign a hash of 32 bytes: r and s of 32 bytes each.

        Raises:
            LocalError: the hash has another length.
        """
        if len(payload) != HASH_BYTES:
            raise LocalError("hash cannot be signed", found=f"{len(payload)} bytes", wanted="32 bytes")
        r, s = sign(self.__key, int.from_bytes(payload))
        return r.to_bytes(HASH_BYTES) + s.to_bytes(HASH_BYTES)

    def __repr__(self) -> str:
        return f"Signer(public_key={self.public_key}, key=********)"

    def __reduce__(self) -> NoReturn:
        raise LocalError("a signer is not copied or stored", remedy="make another one from the key")


def wire_signature(signature: bytes) -> str:
    """Spell a signature as the venue wants it: a JSON array of two decimal numbers, as text.

    Raises:
        LocalError: it is not one.
    """
    if len(signature) != SIGNATURE_BYTES:
        raise LocalError("signature is not usable", found=f"{len(signature)} bytes", wanted="64 bytes")
    return f'["{int.from_bytes(signature[:32])}","{int.from_bytes(signature[32:])}"]'

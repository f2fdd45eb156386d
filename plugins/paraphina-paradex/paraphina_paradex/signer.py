"""The only module that holds a key: it signs hashes and knows nothing of what they stand for.

The venue's SDK adds a seed to its signatures; the venue verifies signatures and does not compare them.
"""

from __future__ import annotations

from collections.abc import Mapping

from paraphina_core.connector import STARK_HASH_BYTES, STARK_SIGNATURE_BYTES, StarkKey
from paraphina_core.domain import LocalError


class Signer(StarkKey):
    """Signs with the key of a subkey or of the account itself."""

    __slots__ = ()

    @property
    def identity(self) -> Mapping[str, str]:
        """The public key."""
        return {"public_key": self.public_key}


def wire_signature(signature: bytes) -> str:
    """Spell a signature as the venue wants it: a JSON array of two decimal numbers, as text.

    Raises:
        LocalError: it is not one.
    """
    if len(signature) != STARK_SIGNATURE_BYTES:
        raise LocalError("signature is not usable", found=f"{len(signature)} bytes", wanted="64 bytes")
    r, s = signature[:STARK_HASH_BYTES], signature[STARK_HASH_BYTES:]
    return f'["{int.from_bytes(r)}","{int.from_bytes(s)}"]'

"""The venue's signature scheme, from numbers to signatures: it knows of no order and no account.

Field by field, formulas and constants are those of github.com/elliottech/poseidon_crypto v0.0.15 (Apache-2.0)
and of T. Pornin, "EcGFp5: a Specialized Elliptic Curve" (eprint 2022/274).
"""

from __future__ import annotations

from .ecgfp5 import ORDER
from .nonces import NoncePool
from .poseidon2 import hash_to_quintic
from .schnorr import (
    DIGEST_BYTES,
    PUBLIC_KEY_BYTES,
    SCALAR_BYTES,
    SIGNATURE_BYTES,
    public_key,
    sign,
    verify,
)

__all__ = [
    "DIGEST_BYTES",
    "ORDER",
    "PUBLIC_KEY_BYTES",
    "SCALAR_BYTES",
    "SIGNATURE_BYTES",
    "NoncePool",
    "hash_to_quintic",
    "public_key",
    "sign",
    "verify",
]

"""The key by which an installation knows its own statements: an Ed25519 seed in a private file.

It signs evidence and preflight receipts, and it makes fingerprints of secrets, so that a receipt can be
bound to a key without holding anything that helps to guess it. It opens no account; whoever loses it
collects evidence and runs preflight again.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Final

from paraphina_core.connector import read_private, write_private
from paraphina_core.domain import LocalError

FILE_NAME: Final = "identity.key"
SEED_BYTES: Final = 32

_SEED: Final = re.compile(rb"([0-9a-f]{64})\n")
_FINGERPRINT_BYTES: Final = 16


class Identity:
    """An installation that can sign.

    Args:
        seed: 32 random bytes.
    """

    def __init__(self, seed: bytes) -> None:
        from nacl.signing import SigningKey  # noqa: PLC0415  # takes 40 ms, and no order needs it

        self._seed = seed
        self._key = SigningKey(seed)
        self.name: str = bytes(self._key.verify_key).hex()

    def sign(self, content: bytes) -> bytes:
        """Return the signature of the content."""
        return bytes(self._key.sign(content).signature)

    def signed(self, content: bytes, signature: bytes) -> bool:
        """Tell whether this installation signed exactly this content."""
        from nacl.exceptions import CryptoError  # noqa: PLC0415  # see above

        try:
            self._key.verify_key.verify(content, signature)
        except (CryptoError, ValueError):
            return False
        return True

    def fingerprint(self, secret: str) -> str:
        """Return a hash of a secret that means nothing without this installation's key."""
        digest = hashlib.blake2b(secret.encode(), digest_size=_FINGERPRINT_BYTES, key=self._seed)
        return digest.hexdigest()


def load_identity(home: Path) -> Identity | None:
    """Return the installation's identity, None if it has none yet.

    Raises:
        LocalError: the file is open to others, a link, or no key.
    """
    path = home / FILE_NAME
    content = read_private(path)
    if content is None:
        return None
    match = _SEED.fullmatch(content)
    if match is None:
        raise LocalError(f"{path} is no key", remedy="remove it; the next preflight makes a new one")
    return Identity(bytes.fromhex(match[1].decode()))


def create_identity(home: Path, seed: bytes) -> Identity:
    """Make the installation's identity from 32 random bytes and keep it.

    Raises:
        LocalError: there is one already, or it cannot be written.
    """
    path = home / FILE_NAME
    if path.exists():
        raise LocalError(f"{path} exists already")
    if len(seed) != SEED_BYTES:
        raise LocalError("seed is not usable", found=len(seed), wanted=f"{SEED_BYTES} bytes")
    write_private(path, seed.hex().encode() + b"\n")
    return Identity(seed)

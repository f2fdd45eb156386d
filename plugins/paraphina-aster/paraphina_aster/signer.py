"""The only module that holds a key: an agent's private key, or the secret of an old API key.

Neither knows what it signs. An agent (API wallet) signs digests; a secret authenticates text (HMAC-SHA256).
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Final, NoReturn

from paraphina_core.connector import Secp256k1Key, SigningKey, checksummed
from paraphina_core.domain import ConfigError, LocalError

MIN_SECRET_LETTERS: Final = 16
MAX_SECRET_LETTERS: Final = 256

_API_KEY: Final = re.compile(r"[0-9A-Za-z]{16,128}", re.ASCII)

_FINGERPRINT_OF: Final = b"fingerprint of an API key's secret"
_FINGERPRINT_DIGITS: Final = 16


class Agent(Secp256k1Key):
    """Signs with the key of an agent wallet."""

    __slots__ = ()

    @property
    def identity(self) -> Mapping[str, str]:
        """The agent's address, spelled as the venue shows it."""
        return {"address": checksummed(self.address)}


class ApiSecret:
    """Authenticates with the secret of an API key of the first generation.

    Args:
        text: the secret as the venue gave it out.

    Raises:
        ConfigError: the text cannot be a secret; the error does not repeat it.
    """

    __slots__ = ("__secret", "_fingerprint")

    def __init__(self, text: str) -> None:
        if not (text.isascii() and text.isalnum() and MIN_SECRET_LETTERS <= len(text) <= MAX_SECRET_LETTERS):
            raise ConfigError(
                "API secret is not usable",
                wanted=f"{MIN_SECRET_LETTERS} to {MAX_SECRET_LETTERS} ASCII letters and digits, nothing else",
            )
        self.__secret = text.encode("ascii")
        self._fingerprint = self.sign(_FINGERPRINT_OF).hex()[:_FINGERPRINT_DIGITS]

    @property
    def identity(self) -> Mapping[str, str]:
        """What tells one secret from another and leads to neither."""
        return {"fingerprint": self._fingerprint}

    def sign(self, text: bytes) -> bytes:
        """Return the 32 bytes that prove that the text is from who knows the secret."""
        return hmac.digest(self.__secret, text, sha256)

    def __repr__(self) -> str:
        return f"ApiSecret(fingerprint={self._fingerprint}, secret=********)"

    def __reduce__(self) -> NoReturn:
        raise LocalError("a signer is not copied or stored", remedy="make another one from the secret")


def signing_key(secrets: Mapping[str, str]) -> SigningKey:
    """Make the key that the settings name.

    Raises:
        ConfigError: none is named, or two are, or it is not usable.
    """
    agent, secret = secrets.get("agent_private_key", ""), secrets.get("api_secret", "")
    api_key = secrets.get("api_key", "")
    if bool(agent) == bool(secret) or bool(secret) != bool(api_key):
        raise ConfigError(
            "two keys are named, and one signs" if agent else "no key is named, or half of one",
            wanted="ASTER_AGENT_PRIVATE_KEY, or ASTER_API_SECRET with ASTER_API_KEY for an old key",
        )
    if agent:
        return Agent(agent)
    if _API_KEY.fullmatch(api_key) is None:
        raise ConfigError("API key is not usable", wanted=f"letters and digits, {_API_KEY.pattern}")
    return ApiSecret(secret)

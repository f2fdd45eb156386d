"""The only module that holds keys: it signs hashes and knows nothing of what they stand for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from paraphina_core.connector import StarkKey
from paraphina_core.domain import ConfigError

#: What the venue hands out is 32 hex digits (docs, read 2026-11); whatever fits into a header is sent.
_API_KEY: Final = re.compile(r"[A-Za-z0-9_-]{8,128}", re.ASCII)


class Signer(StarkKey):
    """Signs with the Stark key of an account."""

    __slots__ = ()

    @classmethod
    def of(cls, secrets: Mapping[str, str]) -> Signer:
        """Make one from the secrets, by setting name.

        Raises:
            ConfigError: one of them is not usable; the error repeats neither.
        """
        if _API_KEY.fullmatch(secrets.get("api_key", "")) is None:
            raise ConfigError("API key is not usable", wanted="8 to 128 letters, digits, - or _")
        return cls(secrets.get("stark_private_key", ""))

    @property
    def identity(self) -> Mapping[str, str]:
        """The public key, which the venue shows too."""
        return {"stark_key": self.public_key}

"""The only module that holds a key: it signs digests and knows nothing of what they stand for."""

from __future__ import annotations

from collections.abc import Mapping

from paraphina_core.connector import Secp256k1Key


class Signer(Secp256k1Key):
    """Signs with the key of an agent."""

    __slots__ = ()

    @property
    def identity(self) -> Mapping[str, str]:
        """The address, which is public."""
        return {"address": self.address}

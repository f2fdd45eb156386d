"""Keys of the account's streams: one for each account, for an hour, and longer for who asks again."""

from __future__ import annotations

from typing import Final

from paraphina_core.connector import keccak
from paraphina_core.domain import NS_PER_MS

from .refusals import Refused

#: Docs "Start user data stream" (read 2026-10-08).
LIFE_NS: Final = 3_600_000 * NS_PER_MS


class ListenKeys:
    """The keys that are alive.

    Args:
        seed: of the keys.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._made = 0
        self._keys: dict[str, tuple[str, int]] = {}

    def create(self, account: str, at_ns: int) -> str:
        """Return the key of an account, which lives for an hour from now; a new one if there is none."""
        key = self._alive(account, at_ns)
        if key is None:
            self._made += 1
            key = keccak(f"aster twin {self._seed} listen key {self._made}".encode()).hex()
        self._keys[account] = (key, at_ns + LIFE_NS)
        return key

    def keep(self, account: str, at_ns: int) -> None:
        """Let a key live on for an hour.

        Raises:
            Refused: there is none.
        """
        key = self._alive(account, at_ns)
        if key is None:
            raise Refused(-1125)
        self._keys[account] = (key, at_ns + LIFE_NS)

    def delete(self, account: str) -> None:
        """Forget a key."""
        self._keys.pop(account, None)

    def owner(self, key: str, at_ns: int) -> str | None:
        """Return whose a key is, None if it is nobody's or has expired."""
        return next((who for who in self._keys if self._alive(who, at_ns) == key), None)

    def take_expired(self, at_ns: int) -> list[str]:
        """Forget the keys that have expired, and return whose they were."""
        expired = [who for who, (_, until_ns) in self._keys.items() if until_ns <= at_ns]
        for who in expired:
            del self._keys[who]
        return expired

    def next_due_ns(self) -> int | None:
        """Return when the next one expires."""
        return min((until_ns for _, until_ns in self._keys.values()), default=None)

    def _alive(self, account: str, at_ns: int) -> str | None:
        key, until_ns = self._keys.get(account, ("", 0))
        return key if at_ns < until_ns else None

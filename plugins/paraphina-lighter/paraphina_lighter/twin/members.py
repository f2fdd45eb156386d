"""Who may act: accounts with money, each with an API key.

Nothing here is worth anything outside of a twin: the keys are made from a seed that everybody can know.
"""

from __future__ import annotations

from typing import Final

import msgspec

from paraphina_core.connector import keccak
from paraphina_lighter.crypto import ORDER, public_key

#: Accounts that every twin has.
MEMBERS: Final = 2
API_KEY_INDEX: Final = 4
_FIRST_INDEX: Final = 91_240
_SCALAR_BYTES: Final = 40


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """One account, and how it is got into."""

    name: str
    index: int
    api_key_index: int
    secret: str
    public_key: bytes


def members(seed: int) -> tuple[Member, ...]:
    """Make the accounts of a twin; the same for the same seed."""
    made = []
    for number in range(MEMBERS):
        drawn = b"".join(keccak(f"lighter twin {seed} {number} {part}".encode()) for part in range(2))
        secret = int.from_bytes(drawn) % (ORDER - 1) + 1
        made.append(
            Member(
                name=f"account-{_FIRST_INDEX + number}",
                index=_FIRST_INDEX + number,
                api_key_index=API_KEY_INDEX,
                secret=secret.to_bytes(_SCALAR_BYTES, "little").hex(),
                public_key=public_key(secret),
            )
        )
    return tuple(made)

"""Who may act: accounts with money, each with an API key, a Stark key and a vault.

Nothing here is worth anything outside of a twin: the keys are made from a seed that everybody can know.
"""

from __future__ import annotations

from typing import Final

import msgspec

from paraphina_core.connector import STARK_ORDER, StarkKey, keccak

#: Accounts that every twin has.
MEMBERS: Final = 2
_FIRST_VAULT: Final = 500_343
_FIRST_ACCOUNT: Final = 3_342


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """One account, and how it is got into."""

    name: str
    account_id: int
    vault: int
    api_key: str
    stark_key: str
    public_key: str


def members(seed: int) -> tuple[Member, ...]:
    """Make the accounts of a twin; the same for the same seed."""
    made = []
    for number in range(MEMBERS):
        secrets = [keccak(f"extended twin {seed} {number} {role}".encode()) for role in ("stark", "api")]
        stark_key = f"0x{int.from_bytes(secrets[0]) % (STARK_ORDER - 1) + 1:x}"
        made.append(
            Member(
                name=f"vault-{_FIRST_VAULT + number}",
                account_id=_FIRST_ACCOUNT + number,
                vault=_FIRST_VAULT + number,
                api_key=secrets[1].hex()[:32],
                stark_key=stark_key,
                public_key=StarkKey(stark_key).public_key,
            )
        )
    return tuple(made)

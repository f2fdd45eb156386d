"""Who may act: accounts with money, each with a wallet, an agent of it, and an old API key.

Nothing here is worth anything outside of a twin: the keys are made from a seed that everybody can know.
"""

from __future__ import annotations

from typing import Final

import msgspec

from paraphina_core.connector import CURVE_ORDER, Secp256k1Key, keccak

#: Accounts that every twin has.
MEMBERS: Final = 2


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """One account, and how it is got into; addresses are in lower case."""

    name: str
    user: str
    user_key: str
    agent: str
    agent_key: str
    api_key: str
    api_secret: str


def members(seed: int) -> tuple[Member, ...]:
    """Make the accounts of a twin; the same for the same seed."""
    made = []
    for number in range(MEMBERS):
        secrets = {
            role: keccak(f"aster twin {seed} {number} {role}".encode())
            for role in ("user", "agent", "api key", "api secret")
        }
        user_key, agent_key = (_key(secrets[role]) for role in ("user", "agent"))
        user = Secp256k1Key(user_key).address
        made.append(
            Member(
                name=user,
                user=user,
                user_key=user_key,
                agent=Secp256k1Key(agent_key).address,
                agent_key=agent_key,
                api_key=secrets["api key"].hex(),
                api_secret=secrets["api secret"].hex(),
            )
        )
    return tuple(made)


def _key(secret: bytes) -> str:
    return f"0x{int.from_bytes(secret) % (CURVE_ORDER - 1) + 1:064x}"

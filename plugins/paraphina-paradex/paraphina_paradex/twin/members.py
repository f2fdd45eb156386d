"""Who may act: accounts with money, each with a subkey.

Nothing here is worth anything outside of a twin: the keys are made from a seed that everybody can know.
"""

from __future__ import annotations

from typing import Final

import msgspec

from paraphina_core.connector import STARK_ORDER, StarkKey, keccak

#: Accounts that every twin has.
MEMBERS: Final = 2
_ADDRESS_BITS: Final = 250


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """One account, and how it is got into: `public_key` is the subkey's, `address` the account's."""

    name: str
    address: str
    subkey: str
    public_key: str


def members(seed: int) -> tuple[Member, ...]:
    """Make the accounts of a twin; the same for the same seed."""
    made = []
    for number in range(MEMBERS):
        drawn = [keccak(f"paradex twin {seed} {number} {role}".encode()) for role in ("subkey", "account")]
        subkey = f"0x{int.from_bytes(drawn[0]) % (STARK_ORDER - 1) + 1:x}"
        address = f"0x{int.from_bytes(drawn[1]) % 2**_ADDRESS_BITS:x}"
        made.append(
            Member(
                name=address,
                address=address,
                subkey=subkey,
                public_key=StarkKey(subkey).public_key,
            )
        )
    return tuple(made)

"""Whose account it is, as the venue says: an order for another vault would be signed and refused, or worse.

The key of the API decides which account is traded, the vault of the settings which position is signed for.
The venue is asked for both before any stream opens, and orders are refused unless they agree.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from paraphina_core.domain import ConfigError, Event, VenueNotice

from .account_messages import WireAccount
from .words import clean

WRONG_ACCOUNT: Final = "wrong_account"


class Membership:
    """Compares the vault of the settings and the public key with what the venue knows of the API key.

    Args:
        vault: number of the position that orders are signed for.
    """

    def __init__(self, vault: int) -> None:
        self._vault = vault
        self._fault = "the venue has not said yet whose key it is"

    def check(self) -> None:
        """Refuse unless the venue has said that the account is what the settings say.

        Raises:
            ConfigError: it has not, or has said otherwise.
        """
        if self._fault:
            raise ConfigError("the account is not what the settings say", found=self._fault)

    def read(self, account: WireAccount, stark_key: str) -> Sequence[Event]:
        """Take what the venue knows of the API key.

        Args:
            account: whose it is.
            stark_key: public key that signs here.
        """
        self._fault = self._judge(account, stark_key)
        return (VenueNotice(code=WRONG_ACCOUNT, text=clean(self._fault)),) if self._fault else ()

    def _judge(self, account: WireAccount, stark_key: str) -> str:
        if account.l2_vault != self._vault:
            return f"EXTENDED_VAULT is {self._vault}, the API key is for vault {account.l2_vault}"
        if _number(account.l2_key) != _number(stark_key):
            return "EXTENDED_STARK_PRIVATE_KEY is not the key of the API key's account"
        if account.status != "ACTIVE":
            return f"the account is {account.status}"
        return ""


def _number(key: str) -> int | None:
    try:
        return int(key, 16)
    except ValueError:
        return None

"""Whose account it is, as the venue says: a wrong address would trade, or watch, another account in silence.

The venue answers questions about an agent's own address with empty lists, and an order without the name of
a subaccount trades on its owner's account. So it is asked who both addresses are when the account's stream
opens, until it has confirmed them, and orders are refused when the answer is not what the settings say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from paraphina_core.domain import ConfigError, Event, SubscriptionLive, VenueNotice

from . import account_messages as wire
from .messages import decode
from .words import clean

#: Name of what is acknowledged once the venue has confirmed both addresses.
TOPIC: Final = "userRole"
WRONG_ACCOUNT: Final = "wrong_account"

#: Ids of the two posts; those of commands are nonces, which are far above.
ACCOUNT_POST: Final = 1
SIGNER_POST: Final = 2

#: Docs "Rate limits and user limits" (read 2026-08-22): what each question costs of `ip_weight`.
WEIGHT: Final = 60

_NAMED: Final = frozenset({"vault", "subAccount"})


class Roles:
    """Compares the account and the signer of the settings with what the venue knows of them.

    Args:
        account: address of the account that is traded, in lower case.
        is_named: whether requests name it, as they must for a vault or subaccount alone.

    Attributes:
        is_confirmed: the venue has said that both addresses are what the settings say.
    """

    def __init__(self, account: str, *, is_named: bool) -> None:
        self._account = account
        self._is_named = is_named
        self._signer = ""
        self.is_confirmed = False
        self._answers: dict[int, wire.WireRole] = {}
        self._fault = ""

    def questions(self, signer: str) -> Sequence[bytes]:
        """Return the posts to send on a stream that has just opened; none once both are confirmed.

        Args:
            signer: address of the key that signs, in lower case; empty where there is none.
        """
        if self.is_confirmed and signer == self._signer:
            return []
        self._signer = signer
        self.is_confirmed = False
        self._answers.clear()
        self._fault = ""
        asked = {ACCOUNT_POST: self._account}
        if signer not in {"", self._account}:
            asked[SIGNER_POST] = signer
        return [_post(number, address) for number, address in asked.items()]

    def check(self) -> None:
        """Refuse if the venue has said that an address is not what the settings say.

        Raises:
            ConfigError: it has.
        """
        if self._fault:
            raise ConfigError("the account is not what the settings say", found=self._fault)

    def read(self, number: int, info: wire.WireInfo) -> Sequence[Event]:
        """Take the answer to a question.

        Raises:
            RemoteError: it is no role.
        """
        self._answers[number] = decode(wire.ROLE, info.data, "userRole")
        self._fault = self._judge()
        if self._fault:
            return (VenueNotice(code=WRONG_ACCOUNT, text=clean(self._fault)),)
        self.is_confirmed = ACCOUNT_POST in self._answers and (
            self._signer in {"", self._account} or SIGNER_POST in self._answers
        )
        return (SubscriptionLive(topic=TOPIC),) if self.is_confirmed else ()

    def _judge(self) -> str:
        account = self._answers.get(ACCOUNT_POST)
        if account is None:
            return ""
        if account.role in _NAMED:
            if not self._is_named:
                return f"{self._account} is a {account.role}, so HL_ACCOUNT_ADDRESS must not be the same"
        elif account.role == "user":
            if self._is_named:
                return f"{self._account} is no vault or subaccount: set HL_ACCOUNT_ADDRESS to it as well"
        else:
            return f"{self._account} is {_WHAT.get(account.role, account.role)}"
        return self._judge_signer(account)

    def _judge_signer(self, account: wire.WireRole) -> str:
        signer = self._answers.get(SIGNER_POST)
        if signer is None:
            return ""
        if signer.role not in {"agent", "user"}:
            return f"the key's address {self._signer} is {_WHAT.get(signer.role, signer.role)}"
        acts_for = self._signer if signer.role == "user" else (signer.data.user or "").lower()
        # A vault does not say who leads it; its leader's key is found out by the first request.
        owner = self._account if account.role == "user" else (account.data.master or acts_for).lower()
        if acts_for != owner:
            return f"the key acts for {acts_for or 'nobody'}, the account is {owner}'s"
        return ""


_WHAT: Final[Mapping[str, str]] = {
    "agent": "an agent's address, not an account: name the account that it trades for",
    "missing": "not known to the venue",
}


def _post(number: int, address: str) -> bytes:
    request = {"type": "info", "payload": {"type": "userRole", "user": address}}
    return msgspec.json.encode({"method": "post", "id": number, "request": request})

"""The login of an account: a token that lives for five minutes whatever was asked for, signed for by its key.

A connection that was logged in stays so while it is open; a new one, and every request, needs a living token.
"""

from __future__ import annotations

from typing import Final

import msgspec

from paraphina_core.connector import STARK_HASH_BYTES, HttpRequest, WriteContext, decode_json
from paraphina_core.domain import NS_PER_S, LocalError, QueryVenue

from .limits import IP_REQUESTS
from .signer import wire_signature
from .typed_data import Account

#: Tokens live for five minutes (ccxt#24832, docs read 2026-08-20), and are renewed before.
TOKEN_LASTS_MS: Final = 300_000
LOGIN_EVERY_MS: Final = 200_000
LOGIN: Final = QueryVenue(topic="login", private=True)
#: For so long the signature of a login is good, not the token: the least that the venue's SDK asks for.
_SIGNATURE_S: Final = 1_800
DEADLINE_MS: Final = 5_000


class _Token(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    jwt_token: str


_TOKEN: Final = msgspec.json.Decoder(_Token)


class Login:
    """Logs one account in.

    Args:
        rest_url: address of the venue's API with its version.
        account: hashes what is signed.
    """

    def __init__(self, rest_url: str, account: Account) -> None:
        self._url = rest_url.rstrip("/")
        self._account = account
        self._token: str | None = None

    def ask(self, context: WriteContext, correlation: str) -> HttpRequest:
        """Return the request of a login; it names the account, and the key that signs for it.

        Raises:
            LocalError: there is no key.
        """
        at_s = context.at_ns // NS_PER_S
        expires_s = at_s + _SIGNATURE_S
        digest = self._account.login(at_s=at_s, expires_s=expires_s)
        key = context.identity.get("public_key")
        if key is None:
            raise LocalError("nobody is there to log in")
        return HttpRequest(
            method="POST",
            url=f"{self._url}/auth/{key}",
            body=b"",
            correlation=correlation,
            deadline_ms=DEADLINE_MS,
            headers={
                "PARADEX-STARKNET-ACCOUNT": self._account.address,
                "PARADEX-STARKNET-SIGNATURE": wire_signature(context.sign(digest.to_bytes(STARK_HASH_BYTES))),
                "PARADEX-TIMESTAMP": str(at_s),
                "PARADEX-SIGNATURE-EXPIRATION": str(expires_s),
            },
            cost=((IP_REQUESTS, 1),),
        )

    def read(self, body: bytes) -> None:
        """Take the token of an answer.

        Raises:
            RemoteError: there is none.
        """
        self._token = decode_json(_TOKEN, body, "login").jwt_token

    @property
    def token(self) -> str:
        """The token.

        Raises:
            LocalError: nobody has logged in yet.
        """
        if self._token is None:
            raise LocalError("the account is not logged in yet")
        return self._token

    @property
    def header(self) -> dict[str, str]:
        """What private requests carry.

        Raises:
            LocalError: nobody has logged in yet.
        """
        return {"Authorization": f"Bearer {self.token}"}

    def __repr__(self) -> str:
        return "Login(********)"

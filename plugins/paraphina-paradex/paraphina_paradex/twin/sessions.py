"""Logins: signed requests become tokens that live for five minutes."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

import msgspec

from paraphina_core.connector import Network, keccak, verify_stark
from paraphina_core.domain import NS_PER_S
from paraphina_core.twin import Exchange, TwinRequest
from paraphina_paradex.typed_data import Account

from . import wire
from .members import Member
from .refusals import Refused

#: Whatever expiration is signed (ccxt#24832).
TOKEN_NS: Final = 300 * NS_PER_S
#: How far a client's clock may be off.
MAX_SKEW_S: Final = 60
MAX_TOKENS: Final = 1_000

UNAUTHORIZED: Final = Refused("INVALID_TOKEN", "token is invalid or expired", 401)


class Logins:
    """The tokens of all accounts.

    Args:
        exchange: knows whose credentials have expired, and the venue's time.
        members: who may log in.
        network: whose signatures count.
        seed: of the tokens.
    """

    def __init__(self, exchange: Exchange, members: tuple[Member, ...], network: Network, seed: int) -> None:
        self._exchange = exchange
        self._members = members
        self._accounts = {member.name: Account(network, member.address) for member in members}
        self._seed = seed
        self._tokens: OrderedDict[str, tuple[Member, int]] = OrderedDict()
        self._count = 0

    def account(self, member: Member) -> Account:
        """Return what hashes a member's messages."""
        return self._accounts[member.name]

    def log_in(self, request: TwinRequest, key: str, at_ns: int) -> str:
        """Check a login and return its token.

        Raises:
            Refused: it is nobody's, not signed by the account's subkey, or of another time.
        """
        headers = request.headers
        address = headers.get("paradex-starknet-account", "")
        member = next((one for one in self._members if one.address == address), None)
        if member is None or not _same(member.public_key, key):
            raise Refused("NOT_ONBOARDED", "User has never called /onboarding endpoint", 401)
        if self._exchange.account(member.name).expired:
            raise UNAUTHORIZED
        try:
            at_s, expires_s = (
                int(headers[f"paradex-{name}"]) for name in ("timestamp", "signature-expiration")
            )
        except (KeyError, ValueError):
            raise Refused("INVALID_TIMESTAMP", "timestamps are missing") from None
        now_s = self._exchange.clock.venue_ns(at_ns) // NS_PER_S
        if not (abs(now_s - at_s) <= MAX_SKEW_S and now_s < expires_s):
            raise Refused("INVALID_TIMESTAMP", "timestamp is too far off")
        digest = self._accounts[member.name].login(at_s=at_s, expires_s=expires_s)
        if not verified(member, digest, headers.get("paradex-starknet-signature", "")):
            raise Refused("STARKNET_SIGNATURE_VERIFICATION_FAILED", "signature is not the key's")
        self._count += 1
        token = keccak(f"paradex token {self._seed} {self._count}".encode()).hex()
        self._tokens[token] = (member, at_ns + TOKEN_NS)
        if len(self._tokens) > MAX_TOKENS:
            self._tokens.popitem(last=False)
        return token

    def whose(self, token: str, at_ns: int) -> Member:
        """Return whose a token is.

        Raises:
            Refused: nobody's, or its time is over.
        """
        found = self._tokens.get(token)
        if found is None or found[1] <= at_ns or self._exchange.account(found[0].name).expired:
            raise UNAUTHORIZED
        return found[0]


def verified(member: Member, digest: int, spelled: str) -> bool:
    """Tell whether a signature is the member's subkey's over a hash."""
    try:
        r, s = (int(part) for part in wire.SIGNATURE.decode(spelled))
    except (msgspec.DecodeError, ValueError):
        return False
    return verify_stark(int(member.public_key, 16), digest, r, s)


def _same(one: str, other: str) -> bool:
    try:
        return int(one, 16) == int(other, 16)
    except ValueError:
        return False

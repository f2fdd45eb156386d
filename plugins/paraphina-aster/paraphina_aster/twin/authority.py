"""Who signed: both schemes verified over the very bytes that came, and nonces remembered for each agent."""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Final
from urllib.parse import parse_qsl

from paraphina_aster.signing import digest
from paraphina_core.connector import Network, recover_address
from paraphina_core.domain import NS_PER_MS
from paraphina_core.twin import TwinRequest

from .members import Member
from .refusals import Refused

#: Docs "Authentication" (read 2026-10-08): how far a nonce may be from the venue's time, how many are kept.
NONCE_WINDOW_US: Final = 60_000_000
NONCES: Final = 100

_SIGNATURE: Final = "&signature="
_DEFAULT_WINDOW_MS: Final = 5_000
_AHEAD_MS: Final = 1_000
_MAX_DIGITS: Final = 18
#: What says who it is, and is no parameter of an endpoint.
_OWN: Final = frozenset({"nonce", "user", "signer", "signature", "timestamp", "recvWindow"})
#: v of a signature: 27 or 28, and 0 or 1 as one client spells it.
_SPELLINGS_OF_V: Final[Mapping[int, int]] = {0: 27, 1: 28, 27: 27, 28: 28}

Parameters = dict[str, str]


class Nonces:
    """The nonces that one agent has used.

    The newest hundred are kept: what comes again is refused, and once there are so many also what is below
    all of them.
    """

    def __init__(self, used: Sequence[int] = ()) -> None:
        self._used = sorted(used)

    def take(self, nonce: int, server_us: int) -> bool:
        """Use up a nonce; False if the venue does not take it."""
        is_full = len(self._used) >= NONCES
        if abs(nonce - server_us) > NONCE_WINDOW_US or nonce in self._used:
            return False
        if is_full and nonce < self._used[0]:
            return False
        self._used = sorted([*self._used, nonce])[-NONCES:]
        return True


class Authority:
    """Finds out whose a request is.

    Args:
        network: whose signatures count.
        members: accounts.
    """

    def __init__(self, network: Network, members: Sequence[Member]) -> None:
        self._network = network
        self._by_signer = {address: member for member in members for address in (member.agent, member.user)}
        self._by_api_key = {member.api_key: member for member in members}
        self._nonces: dict[str, Nonces] = {}

    def judge(self, request: TwinRequest, venue_ns: int) -> tuple[Member, Parameters]:
        """Return whose a signed request is, and the endpoint's own parameters.

        Raises:
            Refused: nobody's that may act.
        """
        try:
            text = request.query + request.body.decode("ascii")
        except UnicodeDecodeError as e:
            raise Refused(-1022) from e
        signed, is_signed, signature = text.rpartition(_SIGNATURE)
        given = dict(parse_qsl(signed, keep_blank_values=True))
        if not is_signed:
            raise Refused(-1102)
        if "x-mbx-apikey" in request.headers:
            member = self._of_api_key(request.headers["x-mbx-apikey"], signed, signature)
            _check_time(given, venue_ns)
        else:
            member = self._of_agent(given, signed, signature)
            self._check_nonce(given, venue_ns)
        return member, {name: value for name, value in given.items() if name not in _OWN}

    def _of_agent(self, given: Parameters, signed: str, signature: str) -> Member:
        signer = given.get("signer", "").lower()
        if _recovered(digest(signed, self._network), signature) != signer:
            raise Refused(-1022)
        member = self._by_signer.get(signer)
        if member is None or given.get("user", member.user).lower() != member.user:
            raise Refused(-2015)
        return member

    def _of_api_key(self, api_key: str, signed: str, signature: str) -> Member:
        member = self._by_api_key.get(api_key)
        if member is None:
            raise Refused(-2015)
        wanted = hmac.digest(member.api_secret.encode(), signed.encode(), sha256).hex()
        if not hmac.compare_digest(wanted, signature.lower()):
            raise Refused(-1022)
        return member

    def _check_nonce(self, given: Parameters, venue_ns: int) -> None:
        nonce = _number(given.get("nonce", ""))
        if nonce is None:
            raise Refused(-1102)
        if not self._nonces.setdefault(given["signer"].lower(), Nonces()).take(nonce, venue_ns // 1_000):
            raise Refused(-4225)


def _check_time(given: Parameters, venue_ns: int) -> None:
    timestamp = _number(given.get("timestamp", ""))
    window = _number(given.get("recvWindow", str(_DEFAULT_WINDOW_MS)))
    if timestamp is None or window is None:
        raise Refused(-1102)
    venue_ms = venue_ns // NS_PER_MS
    if not venue_ms - window <= timestamp < venue_ms + _AHEAD_MS:
        raise Refused(-1021)


def _recovered(hashed: bytes, signature: str) -> str | None:
    try:
        spelled = bytes.fromhex(signature.removeprefix("0x"))
    except ValueError:
        return None
    v = _SPELLINGS_OF_V.get(spelled[-1]) if len(spelled) == 65 else None  # noqa: PLR2004  # r, s and v
    return None if v is None else recover_address(hashed, spelled[:-1] + bytes([v]))


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _MAX_DIGITS else None

"""What a venue's plugin implements to offer a twin: the venue's side of the wire, without sockets or a clock.

A twin is the connector seen from the other end. It takes what clients send, with the time, and says
what the venue would; the host opens the doors, keeps the time and puts faults in between. The same
twin therefore runs behind a real server and inside a simulation in virtual time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Protocol, TypeAlias

import msgspec

from paraphina_core.connector import Answer, Network

from .clock import VenueClock
from .exchange import Exchange

#: Number of one WebSocket connection, never used twice.
SessionId: TypeAlias = int


class TwinRequest(msgspec.Struct, frozen=True, kw_only=True):
    """An HTTP request as the venue sees it; also the one that opens a WebSocket.

    Args:
        method: upper case.
        target: path and query as they were sent, starting with a slash.
        headers: by lower-case name.
        body: as it was sent.
        peer: where it came from; what a venue meters by IP address is metered by this.
    """

    method: str
    target: str
    headers: Mapping[str, str] = msgspec.field(default_factory=dict)
    body: bytes = b""
    peer: str = "127.0.0.1"

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        """What follows the question mark, undecoded."""
        return self.target.partition("?")[2]


class Wire(Protocol):
    """Takes what the venue sends on its WebSockets; the twin may call it within any call of the host."""

    def send(self, session: SessionId, payload: bytes, *, binary: bool = False) -> None:
        """Send one message, text unless `binary`; to a session that is gone, nothing."""

    def close(self, session: SessionId, code: int = 1000, reason: str = "") -> None:
        """End a session; the host does not call `disconnected` for it.

        With a closing handshake, or with the code 1006 without a word, which is what that code means.
        """


class Refusal(StrEnum):
    """Why a venue turns a request away unseen; each venue has its own words for it."""

    RATE_LIMITED = "rate_limited"
    BANNED = "banned"
    UNAVAILABLE = "unavailable"


class TwinContext(msgspec.Struct, frozen=True, kw_only=True):
    """What a twin is built from.

    Args:
        seed: of everything random; same seed and same calls, same bytes.
        start_ns: the world's time at the start.
        network: which of the venue's networks it stands for (chain ids, signing domains).
        clock: the venue's clock; stamp and check with `clock.venue_ns(at_ns)`, plan with `at_ns`.
        wire: where messages to WebSockets go.
        balance_usd: collateral of an account that the twin opens.
        settings: what the operator set for this twin alone (`--set NAME=VALUE`).
    """

    seed: int
    start_ns: int
    network: Network
    clock: VenueClock
    wire: Wire
    balance_usd: Decimal = Decimal(10_000)
    settings: Mapping[str, str] = msgspec.field(default_factory=dict)


class TwinLogin(msgspec.Struct, frozen=True, kw_only=True):
    """A way into a twin: what a session must be configured with to trade for one of its accounts.

    Args:
        account: the account's name at the twin's exchange.
        settings: values of the connector's settings that name the account.
        secrets: values of the connector's secrets, made from the twin's seed and worthless elsewhere.
    """

    account: str
    settings: Mapping[str, str]
    secrets: Mapping[str, str]


class VenueTwin(Protocol):
    """One venue, seen from outside.

    Times are the world's, in nanoseconds since 1970, and never run backwards. Before every call the
    host has advanced the twin to the time of that call. No method may raise for anything a client
    sends: a venue answers nonsense with an error of its own.
    """

    @property
    def exchange(self) -> Exchange:
        """The accounts, books and matching behind the wire; faults and checkers reach for it."""

    @property
    def logins(self) -> tuple[TwinLogin, ...]:
        """Ways in: at least two accounts with money, the same for the same seed."""

    def request(self, request: TwinRequest, at_ns: int) -> Answer:
        """Answer one HTTP request."""

    def connect(self, session: SessionId, request: TwinRequest, at_ns: int) -> Answer | None:
        """Take a new WebSocket; return None to accept it, or the HTTP answer that refuses it."""

    def receive(self, session: SessionId, message: bytes, at_ns: int) -> None:
        """Take one message of an open WebSocket."""

    def disconnected(self, session: SessionId, at_ns: int) -> None:
        """Take note that a WebSocket is gone, whoever ended it."""

    def advance(self, at_ns: int) -> None:
        """Let happen what is due by `at_ns`, the exchange's own life included."""

    def next_due_ns(self) -> int | None:
        """Return when something is due next, the exchange's own life included; None for never."""

    def refuse(self, why: Refusal, retry_after_s: int) -> Answer:
        """Spell the answer with which this venue turns a request away unseen."""


#: What a connector's `twin` names.
TwinFactory: TypeAlias = Callable[[TwinContext], VenueTwin]

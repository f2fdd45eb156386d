"""The connector protocol: bytes in, events out; commands in, requests out; no I/O anywhere.

A connector is sans-I/O. It holds no socket, clock, task, retry, random number or secret. The core
drives it: it opens what `plan` asks for, hands every frame to `read`, every command to `write`, every
query to `ask`, and every answer or failure to `read_answer`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Protocol, TypeAlias

import msgspec

from paraphina_core.domain import Command, Event, LocalError, Query, QueryAccount

from .capabilities import Network, TradeMode
from .spec import ConnectorSpec


class ConnectorContext(msgspec.Struct, frozen=True, kw_only=True):
    """What a connector is built from: values only.

    `settings` holds every setting of the spec that has a value, by name, secrets excepted:
    a connector gets signatures, never keys. `seed` feeds whatever must look random.
    """

    mode: TradeMode
    network: Network
    settings: Mapping[str, str | int | float | bool]
    seed: int


class Heartbeat(msgspec.Struct, frozen=True, kw_only=True):
    """Message to send on a stream after so much quiet; None as payload means a protocol ping."""

    interval_ms: int
    payload: bytes | None = None


class WebSocketSource(msgspec.Struct, frozen=True, kw_only=True):
    """A stream that the core opens over the network.

    To the `headers` of a private stream the core adds those in which the venue wants keys (`Setting.header`).
    """

    url: str
    opening: tuple[bytes, ...] = ()
    headers: Mapping[str, str] = msgspec.field(default_factory=dict)
    heartbeat: Heartbeat | None = None


class LocalSource(msgspec.Struct, frozen=True, kw_only=True):
    """A stream whose frames are already here: a recording or a generator.

    `frames(start_ns)` yields `(due_ns, frame)` with rising due times, the first not before
    `start_ns`; the core delivers each frame when its time has come. When the iterator ends the
    stream has ended; with `repeat` the core then opens it anew, as after a lost connection, unless
    `is_over` says that nothing more will come.
    """

    frames: Callable[[int], Iterator[tuple[int, bytes]]]
    repeat: bool = False
    is_over: Callable[[], bool] = lambda: False


class StreamPlan(msgspec.Struct, frozen=True, kw_only=True):
    """One stream to keep open.

    Args:
        name: given back to `read` with each frame; unique within the plan.
        topics: what must be acknowledged and have data before the stream counts as live.
        max_silence_ms: longest quiet before the stream counts as dead.
        max_lifetime_ms: age at which the core replaces the connection, None for no limit.
        private: carries account events, of which none may be dropped; opened with the account's headers.
    """

    name: str
    source: WebSocketSource | LocalSource
    max_silence_ms: int
    topics: tuple[str, ...] = ()
    max_lifetime_ms: int | None = None
    private: bool = False


class HttpRequest(msgspec.Struct, frozen=True, kw_only=True):
    """An HTTP request with its bytes ready to send.

    `cost` lists `(scope, units)` of the spec's rate limits; `correlation` comes back to
    `read_answer` and lets the connector know what the answer is to. To the `headers` of a `private`
    request the core adds those in which the venue wants keys (`Setting.header`); no connector sees them.
    """

    method: str
    url: str
    body: bytes
    correlation: str
    deadline_ms: int
    headers: Mapping[str, str] = msgspec.field(default_factory=dict)
    cost: tuple[tuple[str, int], ...] = ()
    private: bool = False


class StreamRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request that is a message on an open stream; the answer arrives as a frame there."""

    stream: str
    payload: bytes
    correlation: str
    deadline_ms: int
    cost: tuple[tuple[str, int], ...] = ()


Request: TypeAlias = HttpRequest | StreamRequest


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What came back for a request: HTTP status (0 for a stream), headers and body."""

    status: int
    body: bytes
    headers: Mapping[str, str] = msgspec.field(default_factory=dict)


class FailureKind(StrEnum):
    """Why no answer came. Only `not_sent` proves that the venue saw nothing."""

    NOT_SENT = "not_sent"
    TIMED_OUT = "timed_out"
    DISCONNECTED = "disconnected"


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """A request without an answer."""

    kind: FailureKind
    detail: str = ""


class SigningKey(Protocol):
    """The secrets of one account behind a function: made by the plugin, held and called by the core alone."""

    @property
    def identity(self) -> Mapping[str, str]:
        """What may be told of the account: the address of a key, the id of an API key; never a secret."""

    def sign(self, payload: bytes) -> bytes:
        """Sign the exact bytes, or the digest, that the venue's scheme defines."""


class WriteContext(msgspec.Struct, frozen=True, kw_only=True):
    """What one request may use of the world: a nonce, the time, a signature function.

    Args:
        nonce: never used before by this signer; what it counts is the spec's `nonce` rule. Of a sequence
            each command of a batch has a number of its own: this one is the first's, the next the second's.
        at_ns: session time.
        sign: takes the exact bytes (or the digest) that the venue's scheme defines and returns the
            signature; the key stays on the other side of it.
        identity: see `SigningKey`; empty where there is no key.
    """

    nonce: int
    at_ns: int
    sign: Callable[[bytes], bytes]
    identity: Mapping[str, str] = msgspec.field(default_factory=dict)


class Renewal(msgspec.Struct, frozen=True, kw_only=True):
    """A question of the bootstrap whose answer must be asked for again before it expires.

    What a venue lends for a while (a key of the private stream, a token) is got by a signed
    `QueryVenue` that is private, and kept by the connector. Where an answer is good for `lasts_ms` and no
    new one has come by the middle between both, the venue may only reduce.
    """

    query: Query
    every_ms: int
    lasts_ms: int | None = None


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the core must open and fetch for the connector's markets.

    `bootstrap` is asked, and its answers are read, before any stream is opened; and again after each
    `poll_ms` for as long as the session runs, because venues change their instruments. What stands in
    `renewals` is asked again at its own pace instead. `nonce` is what tells the next nonce where they are a
    sequence (`NonceReport`); it is asked whenever that is not known and nothing is on its way.
    """

    streams: tuple[StreamPlan, ...]
    bootstrap: tuple[Query, ...] = ()
    poll_ms: int | None = None
    renewals: tuple[Renewal, ...] = ()
    nonce: Query = QueryAccount()


class Connector(Protocol):
    """One venue's translator.

    Every method is a pure function of its arguments and of what the connector has read so far
    (sequence numbers, instrument tables).
    """

    @property
    def spec(self) -> ConnectorSpec:
        """The description this connector was registered with."""

    def plan(self) -> Plan:
        """Say which streams to open and which requests to make at start.

        It is called again after each answer to a question of the bootstrap, and when a stream has ended:
        the next connections are opened with the sources of then, whose addresses and headers may carry
        what the venue has lent. Everything else, and the origin of each address, is as in the first plan.

        Raises:
            LocalError: the settings name a market that cannot be planned for.
        """

    def opened(self, stream: str, context: WriteContext) -> Sequence[bytes]:
        """Take note that a stream of the plan is open, for the first time or anew.

        What an earlier connection of it said about sequences is void from here on. Returns the messages
        to send now, after the source's own opening messages: logins that are signed for this connection
        alone, and subscriptions that need them. A stream that is here already takes none.
        """

    def closed(self, stream: str) -> None:
        """Take note that a stream of the plan is closed; requests can leave on it no more.

        The core calls `read_answer` for each request whose answer should have come on it.
        """

    def read(self, stream: str, frame: bytes, at_ns: int) -> Sequence[Event]:
        """Turn one frame of a stream into events.

        Args:
            stream: name of the stream in the plan.
            frame: the bytes as they arrived.
            at_ns: arrival in session time.

        Raises:
            RemoteError: the frame breaks the venue's protocol. Nothing else may be raised for
                any bytes whatever.
        """

    def write(self, command: Command, context: WriteContext) -> Request:
        """Turn a command into a request, bytes ready to send.

        Raises:
            LocalError: the venue has no such command, or it cannot be expressed on its wire.
        """

    def ask(self, query: Query, context: WriteContext) -> Request:
        """Turn a query into a request, bytes ready to send.

        Raises:
            LocalError: the venue has no such query, or it cannot be expressed on its wire.
        """

    def read_answer(self, request: Request, answer: Answer | Failure, at_ns: int) -> Sequence[Event]:
        """Turn what came back for a request, or that nothing did, into events.

        Every request of `write` and `ask` is handed in exactly once: with its answer, with the failure
        that took its place, or, if its answer came on a stream (`Answered`), never.

        Only positive evidence yields `OrderRejected`; whatever leaves a doubt yields
        `OutcomeUnknown`.

        Raises:
            RemoteError: the answer of a query (never of a command) is unreadable.
        """


class MarketDataOnly:
    """What a connector without an account says to everything that needs one; a base class."""

    def closed(self, stream: str) -> None:
        """Nothing leaves on a stream."""

    def write(self, command: Command, context: WriteContext) -> Request:
        """Refuse: there is no order entry.

        Raises:
            LocalError: always.
        """
        raise LocalError("connector has no order entry", found=type(command).__name__)

    def ask(self, query: Query, context: WriteContext) -> Request:
        """Refuse: nobody is there to be asked.

        Raises:
            LocalError: always.
        """
        raise LocalError("connector answers no query", found=type(query).__name__)

    def read_answer(self, request: Request, answer: Answer | Failure, at_ns: int) -> Sequence[Event]:
        """Refuse: no request was ever made.

        Raises:
            LocalError: always.
        """
        raise LocalError("connector made no request", found=request.correlation)

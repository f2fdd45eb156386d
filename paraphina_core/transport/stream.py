"""A stream that is kept open: connected, greeted, watched, and replaced whenever it fails.

It tells what happened and never decides what it means: whether a topic is live, or a venue healthy,
is for whoever gets the frames. Nothing is queued; a frame is handed on before the next one is read,
so that a slow reader slows the sender down by TCP's own means, and no private event is dropped for want
of room. What exceeds a limit all the same, a message or what is unsent, ends the connection with its
reason, and whoever depends on the stream starts again from a snapshot.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import msgspec

from paraphina_core.connector import Failure, FailureKind, StreamPlan, WebSocketSource
from paraphina_core.domain import NS_PER_MS, NS_PER_S, Clock, LocalError

from .address import Address, check_headers, parse_address, verified_tls
from .attempts import Attempt, Attempts
from .backoff import Backoff
from .connection import Callbacks, CloseReason, Connection
from .engine import Engine, choose
from .limiter import Limiter, retry_after_ns

#: Endings of our own choice, which the venue is told of.
_ORDERLY: Final = frozenset({CloseReason.STOPPED, CloseReason.REOPENED, CloseReason.LIFETIME_OVER})


class StreamLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What no stream may exceed.

    Args:
        connect_timeout_ms: from looking up the name to the end of the handshake.
        pong_timeout_ms: from a heartbeat to the sign of life that it asked for.
        close_timeout_ms: for the closing handshake, and again for hanging up.
        max_message_bytes: largest message, counted over all its fragments.
        max_unsent_bytes: what may wait for a venue that does not read.
    """

    connect_timeout_ms: int = 10_000
    pong_timeout_ms: int = 10_000
    close_timeout_ms: int = 2_000
    max_message_bytes: int = 4 * 1024 * 1024
    max_unsent_bytes: int = 1024 * 1024


class StreamEvents(msgspec.Struct, frozen=True, kw_only=True):
    """What a stream calls, synchronously and one at a time; an exception ends the stream's `run`.

    Args:
        opened: `(stream, at_ns)`, after the opening messages were sent.
        frame: `(stream, frame, at_ns)` with the time at which its last bytes arrived.
        closed: `(stream, reason, detail, at_ns)`, after each connection and each failed attempt.
    """

    opened: Callable[[str, int], None]
    frame: Callable[[str, bytes, int], None]
    closed: Callable[[str, CloseReason, str, int], None]


class StreamCounters(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a stream so far, as metrics show it.

    Args:
        name: of the stream in its plan.
        is_open: whether messages can be sent.
        openings: connections that came about.
        closures: how often connections and attempts have ended, by reason.
        last_reason: why the latest of them ended, None before the first.
        last_detail: what was found then.
        changed_ns: when the stream was last opened or closed, None before that.
    """

    name: str
    is_open: bool
    openings: int
    closures: Mapping[CloseReason, int]
    last_reason: CloseReason | None
    last_detail: str
    changed_ns: int | None

    @property
    def reconnects(self) -> int:
        """Connections after the first."""
        return max(0, self.openings - 1)


class Stream:
    """One stream of a plan under supervision.

    A connection is given up when no data has come for the plan's `max_silence_ms` (pongs are no
    data), when a heartbeat is not answered in time (a protocol ping by its pong, a message by any
    frame), when it is older than the plan's lifetime, or when the venue breaks the protocol.
    Heartbeats leave every interval, whether or not other messages do.

    Args:
        plan: what to keep open; its source is a `WebSocketSource`.
        events: whom to tell.
        clock: session time.
        backoff: of this stream alone.
        budget: asked before every connection attempt, shared by all streams (`connect_budget`).
        tls: other roots than the system's; it must verify.
        limits: see there.
        engine: carries the connections; None for the fastest that works here.
        source: gives what the next connection is opened from; None if that is always the plan's.
        sleep: waits so many seconds of session time.

    Raises:
        LocalError: the plan names no usable address, header or source, or TLS is not verified.
    """

    def __init__(  # noqa: PLR0913  # all of the world comes in by name
        self,
        plan: StreamPlan,
        *,
        events: StreamEvents,
        clock: Clock,
        backoff: Backoff,
        budget: Limiter,
        tls: ssl.SSLContext | None = None,
        limits: StreamLimits | None = None,
        engine: Engine | None = None,
        source: Callable[[], WebSocketSource] | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        if not isinstance(plan.source, WebSocketSource):
            raise LocalError(f"stream {plan.name} needs no connection", wanted="a WebSocket source")
        self.plan = plan
        self._source = plan.source
        self._look_up = source
        self._address = self._check(plan.source)
        self._tls = verified_tls(tls)
        self._events = events
        self._clock = clock
        self._attempts = Attempts(clock, backoff, budget, sleep)
        self._limits = limits or StreamLimits()
        self._make_connection = (engine or choose()).make_connection
        self._closures: Counter[CloseReason] = Counter()
        self._openings = 0
        self._last: tuple[CloseReason | None, str] = (None, "")
        self._changed_ns: int | None = None
        self._reopening = False
        self._connection: Connection | None = None
        self._opened_ns: int | None = None
        self._data_ns = 0
        self._beat_ns = 0
        self._unanswered_ns: int | None = None
        self._ping = 0

    @property
    def is_open(self) -> bool:
        """True while messages can be sent."""
        return self._connection is not None and self._connection.is_open

    @property
    def closures(self) -> Mapping[CloseReason, int]:
        """How often connections and attempts have ended, by reason."""
        return self._closures

    @property
    def counters(self) -> StreamCounters:
        """What became of the stream so far."""
        reason, detail = self._last
        return StreamCounters(
            name=self.plan.name,
            is_open=self.is_open,
            openings=self._openings,
            closures=dict(self._closures),
            last_reason=reason,
            last_detail=detail,
            changed_ns=self._changed_ns,
        )

    @property
    def next_attempt_ns(self) -> int:
        """When a stream that is not open is attempted again, session time."""
        return self._attempts.next_ns

    def send(self, payload: bytes) -> Failure | None:
        """Send one text message now.

        Returns:
            None once it is on its way, which does not say that it will arrive; or a failure of kind
            `not_sent`, when nothing of it left.
        """
        if self._connection is None or not self._connection.send_text(payload):
            return Failure(kind=FailureKind.NOT_SENT, detail=f"stream {self.plan.name} is not open")
        return None

    def stop(self) -> None:
        """Ask for an orderly end; `run` returns within two close time-outs."""
        self._attempts.stop()

    def reopen(self) -> None:
        """Ask for a new connection in place of one that is open or being opened, after the usual back-off."""
        if self._connection is not None:
            self._reopening = True
            self._attempts.poke()

    async def run(self) -> None:
        """Keep the stream open until `stop`; call it once.

        Raises:
            Exception: whatever one of the events raised.
        """
        while await self._attempts.turn():
            await self._connect_once()

    async def _connect_once(self) -> None:
        """Run one connection to its end."""
        self._reopening = False
        self._opened_ns = None
        if self._look_up is not None:
            self._source = self._look_up()
            self._address = self._check(self._source)
        connection = self._connection = self._make_connection(
            self._source.url,
            self._address,
            self._source.headers,
            clock=self._clock,
            callbacks=Callbacks(self._opened, self._frame, self._pong, self._attempts.poke),
            max_message_bytes=self._limits.max_message_bytes,
            max_unsent_bytes=self._limits.max_unsent_bytes,
        )
        timeout_s = self._limits.close_timeout_ms / 1000
        try:
            reason, detail = await self._open(connection)
            if reason is None:
                reason, detail = await self._watch(connection)
            if reason in _ORDERLY:
                connection.start_close()
                await self._until_ended(connection, timeout_s)
            if connection.ending is None:
                connection.abort()
            self._connection = None
            if connection.error is not None:
                raise connection.error
            at_ns = self._clock.now_ns()
            refused = {} if connection.ending is None else connection.ending.headers
            self._attempts.ended(at_ns, not_before_ns=retry_after_ns(refused, at_ns) or 0)
            self._closures[reason] += 1
            self._last = (reason, detail)
            self._changed_ns = at_ns
            self._events.closed(self.plan.name, reason, detail, at_ns)
            await connection.finish(timeout_s)
        finally:
            self._connection = None
            connection.abort()

    @staticmethod
    def _check(source: WebSocketSource) -> Address:
        check_headers(source.headers)
        return parse_address(source.url, "ws", "wss")

    async def _open(self, connection: Connection) -> tuple[CloseReason | None, str]:
        """Connect; return why that failed, or None."""
        timeout_ms = self._limits.connect_timeout_ms
        outcome = await self._attempts.attempt(connection.open(self._tls), timeout_ms)
        if outcome is Attempt.TIMED_OUT:
            return CloseReason.CONNECT_TIMED_OUT, f"not open after {timeout_ms} ms"
        if outcome is Attempt.STOPPED:
            return CloseReason.STOPPED, ""
        if connection.ending is not None and self._opened_ns is None:
            return connection.ending.reason, connection.ending.detail
        return None, ""

    async def _watch(self, connection: Connection) -> tuple[CloseReason, str]:
        """Keep an open connection alive until there is a reason to end it."""
        while True:
            if connection.ending is not None:
                return connection.ending.reason, connection.ending.detail
            if self._attempts.stopped:
                return CloseReason.STOPPED, ""
            if self._reopening:
                return CloseReason.REOPENED, "asked for by the session"
            at_ns = self._clock.now_ns()
            deadlines = self._deadlines()
            for due_ns, reason, detail in deadlines:
                if due_ns <= at_ns:
                    return reason, detail
            due_ns = min(due_ns for due_ns, _, _ in deadlines)
            if self._source.heartbeat is not None:
                due_ns = min(due_ns, self._beat(connection, at_ns))
            await self._attempts.pause(due_ns)

    def _deadlines(self) -> list[tuple[int, CloseReason, str]]:
        """Return when the connection is to be given up, and why."""
        plan, opened_ns = self.plan, self._opened_ns or 0
        silence_ns = self._data_ns + plan.max_silence_ms * NS_PER_MS
        found = [(silence_ns, CloseReason.DATA_OVERDUE, f"no data for {plan.max_silence_ms} ms")]
        if self._unanswered_ns is not None:
            by_message = self._source.heartbeat is not None and self._source.heartbeat.payload is not None
            if by_message and self._data_ns > self._unanswered_ns:
                self._unanswered_ns = None
            else:
                timeout_ms = self._limits.pong_timeout_ms
                pong_ns = self._unanswered_ns + timeout_ms * NS_PER_MS
                found.append((pong_ns, CloseReason.PONG_OVERDUE, f"heartbeat unanswered for {timeout_ms} ms"))
        if plan.max_lifetime_ms is not None:
            over_ns = opened_ns + plan.max_lifetime_ms * NS_PER_MS
            found.append((over_ns, CloseReason.LIFETIME_OVER, f"open for {plan.max_lifetime_ms} ms"))
        return found

    def _beat(self, connection: Connection, at_ns: int) -> int:
        """Send a heartbeat if it is time; return when to look again."""
        heartbeat = self._source.heartbeat
        if heartbeat is None:
            return at_ns
        if self._beat_ns <= at_ns:
            self._beat_ns = at_ns + heartbeat.interval_ms * NS_PER_MS
            if heartbeat.payload is not None:
                connection.send_text(heartbeat.payload)
                if self._unanswered_ns is None:
                    self._unanswered_ns = at_ns
            elif self._unanswered_ns is None:
                self._ping += 1
                connection.ping(str(self._ping).encode())
                self._unanswered_ns = at_ns
        if self._unanswered_ns is None:
            return self._beat_ns
        return min(self._beat_ns, self._unanswered_ns + self._limits.pong_timeout_ms * NS_PER_MS)

    async def _until_ended(self, connection: Connection, timeout_s: float) -> None:
        """Let the closing handshake come to its end, for so long."""
        due_ns = self._clock.now_ns() + int(timeout_s * NS_PER_S)
        while connection.ending is None and self._clock.now_ns() < due_ns:
            await self._attempts.pause(due_ns)

    # What the connection calls.

    def _opened(self, at_ns: int) -> None:
        self._opened_ns = self._data_ns = self._changed_ns = at_ns
        self._openings += 1
        self._unanswered_ns = None
        if self._source.heartbeat is not None:
            self._beat_ns = at_ns + self._source.heartbeat.interval_ms * NS_PER_MS
        self._attempts.opened(at_ns)
        for payload in self._source.opening:
            self.send(payload)
        self._events.opened(self.plan.name, at_ns)

    def _frame(self, frame: bytes, at_ns: int) -> None:
        self._data_ns = at_ns
        self._events.frame(self.plan.name, frame, at_ns)

    def _pong(self, payload: bytes) -> None:
        if payload == str(self._ping).encode():
            self._unanswered_ns = None

"""A stream of a plan in virtual time, kept open as the transport room keeps one: watched, and replaced."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping

from paraphina_core.connector import Answer, Failure, FailureKind, StreamPlan, WebSocketSource
from paraphina_core.domain import NS_PER_MS, LocalError
from paraphina_core.transport import (
    Backoff,
    CloseReason,
    Limiter,
    StreamEvents,
    StreamLimits,
    retry_after_ns,
)

from .link import Path, TwinLink, sent_headers, target_of
from .outbox import Closed, Cut, Delivery, Message, Muted
from .protocol import SessionId, TwinRequest


class _Connection:
    """One connection of a stream, from its acceptance to its end."""

    __slots__ = ("beat_ns", "data_ns", "muted", "opened_ns", "path", "session", "unanswered_ns")

    def __init__(self, session: SessionId, path: Path) -> None:
        self.session = session
        self.path = path
        self.muted = False  # the venue neither reads nor answers pings any more
        self.opened_ns = self.data_ns = self.beat_ns = 0
        self.unanswered_ns: int | None = None


class LinkStream:
    """Behaves as `Stream`: the same events, the same reasons of endings, the same patience.

    Args:
        plan: what to keep open; its source is a `WebSocketSource`.
        link: the network.
        events: whom to tell.
        backoff: of this stream alone.
        budget: asked before every connection attempt, shared by all streams.
        limits: as for a `Stream`; only the ones of time and of message size matter here.
        source: as for a `Stream`.

    Raises:
        LocalError: the source is here already.
    """

    def __init__(
        self,
        plan: StreamPlan,
        link: TwinLink,
        *,
        events: StreamEvents,
        backoff: Backoff,
        budget: Limiter,
        limits: StreamLimits | None = None,
        source: Callable[[], WebSocketSource] | None = None,
    ) -> None:
        if not isinstance(plan.source, WebSocketSource):
            raise LocalError(f"stream {plan.name} needs no connection", wanted="a WebSocket source")
        self.number = link.next_number()
        self.plan = plan
        self._source = plan.source
        self._look_up = source
        self._link = link
        self._events = events
        self._backoff = backoff
        self._budget = budget
        self._limits = limits or StreamLimits()
        self._closures: Counter[CloseReason] = Counter()
        self._connection: _Connection | None = None
        self._stopped = False

    @property
    def is_open(self) -> bool:
        """True while messages can be sent."""
        return self._connection is not None

    @property
    def closures(self) -> Mapping[CloseReason, int]:
        """How often connections and attempts have ended, by reason."""
        return self._closures

    def start(self) -> None:
        """Begin to keep the stream open."""
        self._link.at(self._link.clock.now_ns(), self._attempt)

    def send(self, payload: bytes) -> Failure | None:
        """Send one text message now; None once it is on its way, or a failure of kind `not_sent`."""
        connection = self._connection
        if connection is None:
            return Failure(kind=FailureKind.NOT_SENT, detail=f"stream {self.plan.name} is not open")

        def arrive(at_ns: int) -> None:
            self._link.host.receive(connection.session, payload, at_ns)
            self._link.collect()

        self._link.at(connection.path.out_ns(self._link.clock.now_ns()), arrive)
        return None

    def stop(self) -> None:
        """End the stream, in order, and open it no more."""
        self._stopped = True
        self._end(CloseReason.STOPPED, "", self._link.clock.now_ns())

    def reopen(self) -> None:
        """Ask for a new connection in place of an open one, after the usual back-off."""
        self._end(CloseReason.REOPENED, "asked for by the session", self._link.clock.now_ns())

    def lose(self, at_ns: int) -> None:
        """Be cut by the network."""
        self._end(CloseReason.CONNECTION_LOST, "connection reset", at_ns)

    # --- opening --------------------------------------------------------------------------------

    def _attempt(self, at_ns: int) -> None:
        if self._stopped:
            return
        if not self._budget.take(1, at_ns):
            self._link.at(self._budget.ready_ns(1, at_ns), self._attempt)
        elif self._link.is_out(at_ns):
            self._failed(CloseReason.CONNECT_FAILED, "the network is out", at_ns)
        else:
            if self._look_up is not None:
                self._source = self._look_up()
            path = Path(self._link)
            self._link.at(path.out_ns(at_ns), lambda now_ns: self._arrive(path, now_ns))

    def _arrive(self, path: Path, at_ns: int) -> None:
        """Reach the venue with the handshake."""
        if self._stopped:
            return
        headers = sent_headers(self._source.headers)
        request = TwinRequest(
            method="GET", target=target_of(self._source.url), headers=headers, peer=self._link.peer
        )
        outcome = self._link.host.connect(request, at_ns)
        if isinstance(outcome, Answer):
            self._link.at(path.back_ns(at_ns), lambda now_ns: self._refused(outcome, now_ns))
            return
        connection = _Connection(outcome, path)
        self._link.listen(outcome, lambda left_ns, delivery: self._leave(connection, delivery, left_ns))
        self._link.at(path.back_ns(at_ns), lambda now_ns: self._opened(connection, now_ns))
        self._link.collect()

    def _refused(self, answer: Answer, at_ns: int) -> None:
        detail = f"HTTP {answer.status}"
        not_before_ns = retry_after_ns(answer.headers, at_ns) or 0
        self._failed(CloseReason.HANDSHAKE_REFUSED, detail, at_ns, not_before_ns)

    def _failed(self, reason: CloseReason, detail: str, at_ns: int, not_before_ns: int = 0) -> None:
        self._closures[reason] += 1
        again_ns = max(self._backoff.next_ns(at_ns), not_before_ns)
        self._link.at(again_ns, self._attempt)
        self._events.closed(self.plan.name, reason, detail, at_ns)

    def _opened(self, connection: _Connection, at_ns: int) -> None:
        if self._stopped or self._link.is_out(at_ns):
            self._link.forget(connection.session, at_ns)
            if not self._stopped:
                self._failed(CloseReason.CONNECT_FAILED, "the network is out", at_ns)
            return
        self._connection = connection
        self._link.connections.add(self)
        connection.opened_ns = connection.data_ns = at_ns
        self._backoff.opened(at_ns)
        if self._source.heartbeat is not None:
            connection.beat_ns = at_ns + self._source.heartbeat.interval_ms * NS_PER_MS
        for payload in self._source.opening:
            self.send(payload)
        self._events.opened(self.plan.name, at_ns)
        self._watch(connection, at_ns)

    # --- frames ---------------------------------------------------------------------------------

    def _leave(self, connection: _Connection, delivery: Delivery, left_ns: int) -> None:
        """Take what leaves the venue, and let it arrive."""
        if isinstance(delivery, Muted):
            connection.muted = True
            return
        self._link.at(
            connection.path.back_ns(left_ns), lambda at_ns: self._receive(connection, delivery, at_ns)
        )

    def _receive(self, connection: _Connection, delivery: Delivery, at_ns: int) -> None:
        if connection is not self._connection:
            return
        match delivery:
            case Message():
                if len(delivery.payload) > self._limits.max_message_bytes:
                    detail = f"{len(delivery.payload)} bytes"
                    self._end(CloseReason.FRAME_TOO_BIG, detail, at_ns)
                    return
                connection.data_ns = at_ns
                self._events.frame(self.plan.name, delivery.payload, at_ns)
            case Closed():
                self._end(CloseReason.REMOTE_CLOSED, f"{delivery.code} {delivery.reason}".strip(), at_ns)
            case Cut() | Muted():
                self._end(CloseReason.CONNECTION_LOST, "connection reset", at_ns)

    # --- watching -------------------------------------------------------------------------------

    def _watch(self, connection: _Connection, at_ns: int) -> None:
        """End what is overdue, beat, and look again when something next could be."""
        if connection is not self._connection:
            return
        deadlines = self._deadlines(connection)
        for due_ns, reason, detail in deadlines:
            if due_ns <= at_ns:
                self._end(reason, detail, at_ns)
                return
        looks = [due_ns for due_ns, _, _ in deadlines]
        if self._source.heartbeat is not None:
            if connection.beat_ns <= at_ns:
                self._beat(connection, at_ns)
            looks.append(connection.beat_ns)
            if connection.unanswered_ns is not None:
                looks.append(connection.unanswered_ns + self._limits.pong_timeout_ms * NS_PER_MS)
        self._link.at(min(looks), lambda now_ns: self._watch(connection, now_ns))

    def _deadlines(self, connection: _Connection) -> list[tuple[int, CloseReason, str]]:
        plan, limits = self.plan, self._limits
        silence_ns = connection.data_ns + plan.max_silence_ms * NS_PER_MS
        found = [(silence_ns, CloseReason.DATA_OVERDUE, f"no data for {plan.max_silence_ms} ms")]
        heartbeat = self._source.heartbeat
        if connection.unanswered_ns is not None:
            by_message = heartbeat is not None and heartbeat.payload is not None
            if by_message and connection.data_ns > connection.unanswered_ns:
                connection.unanswered_ns = None
            else:
                pong_ns = connection.unanswered_ns + limits.pong_timeout_ms * NS_PER_MS
                detail = f"heartbeat unanswered for {limits.pong_timeout_ms} ms"
                found.append((pong_ns, CloseReason.PONG_OVERDUE, detail))
        if plan.max_lifetime_ms is not None:
            over_ns = connection.opened_ns + plan.max_lifetime_ms * NS_PER_MS
            found.append((over_ns, CloseReason.LIFETIME_OVER, f"open for {plan.max_lifetime_ms} ms"))
        return found

    def _beat(self, connection: _Connection, at_ns: int) -> None:
        heartbeat = self._source.heartbeat
        if heartbeat is None:
            return
        connection.beat_ns = at_ns + heartbeat.interval_ms * NS_PER_MS
        if connection.unanswered_ns is None:
            connection.unanswered_ns = at_ns
            if heartbeat.payload is None:
                self._link.at(connection.path.out_ns(at_ns), lambda now_ns: self._ping(connection, now_ns))
        if heartbeat.payload is not None:
            self.send(heartbeat.payload)

    def _ping(self, connection: _Connection, at_ns: int) -> None:
        """Reach the venue with a ping; its server answers, as long as it reads."""
        if not connection.muted:
            self._link.at(connection.path.back_ns(at_ns), lambda _: self._pong(connection))

    def _pong(self, connection: _Connection) -> None:
        connection.unanswered_ns = None

    # --- ending ---------------------------------------------------------------------------------

    def _end(self, reason: CloseReason, detail: str, at_ns: int) -> None:
        connection, self._connection = self._connection, None
        if connection is None:
            return
        self._link.connections.discard(self)
        self._closures[reason] += 1
        if not self._stopped:
            self._link.at(self._backoff.next_ns(at_ns), self._attempt)
        gone_ns = connection.path.out_ns(at_ns)
        self._link.at(gone_ns, lambda now_ns: self._link.forget(connection.session, now_ns))
        self._events.closed(self.plan.name, reason, detail, at_ns)

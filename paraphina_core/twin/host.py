"""A twin with its doors open: requests, WebSockets and faults, still without a socket or a clock.

Whoever carries the bytes, a server on this machine or a link in virtual time, drives a host: it hands
in what arrives with the time, advances it when something is due, and takes what is to leave. All
faults of the wire are put in here, so they are the same in both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import partial
from typing import Final, Self, TypedDict, Unpack

import msgspec

from paraphina_core.connector import Answer, ConnectorSpec, Network
from paraphina_core.domain import NS_PER_MS, NS_PER_S, InvariantError

from .board import FaultBoard
from .clock import VenueClock
from .deeds import ExchangeDeeds
from .exchange import Exchange
from .faults import (
    Ban,
    ClockStep,
    Deed,
    Fault,
    HalfOpen,
    Html,
    Kill,
    LoseAnswer,
    LoseRequest,
    Maintenance,
    MessageFault,
    RateLimit,
    RequestFault,
    ServerError,
    SlowAnswer,
    name_of,
)
from .load import build_twin
from .outbox import Delivery, Outbox
from .protocol import Refusal, SessionId, TwinContext, TwinRequest, VenueTwin

#: WebSockets that may be open at once.
MAX_SESSIONS: Final = 1_000

#: Turns in which time may stand still; a twin with more to do at one instant does nothing at all.
MAX_IDLE_TURNS: Final = 100_000

#: Close code of a server that goes away for a while (RFC 6455 and IANA: 1012, Service Restart).
_SERVICE_RESTART: Final = 1012

#: What a proxy or a portal says in place of the venue.
_PAGE: Final = b"<!doctype html><html><head><title>Error</title></head><body><h1>Sorry</h1></body></html>"


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of a request: an answer at its time, or none.

    Args:
        answer: None if there is none; then the connection ends at `due_ns`, or with `hangs` never does.
    """

    answer: Answer | None
    due_ns: int
    hangs: bool = False


class HostOptions(TypedDict, total=False):
    """What may be said of a host beside its twin, its seed and its start; see `TwinHost`."""

    network: Network
    offset_ms: int
    balance_usd: Decimal
    settings: Mapping[str, str] | None


class TwinHost:
    """One venue's twin with its sessions and faults.

    Args:
        build: makes the twin.
        seed: of everything random.
        start_ns: the world's time at the start.
        network: which of the venue's networks it stands for.
        offset_ms: how far the venue's clock is ahead of the world's.
        balance_usd: collateral of an account that the twin opens.
        settings: what the operator set for this twin alone.
    """

    def __init__(
        self,
        build: Callable[[TwinContext], VenueTwin],
        *,
        seed: int,
        start_ns: int,
        network: Network = Network.TESTNET,
        offset_ms: int = 0,
        balance_usd: Decimal = Decimal(10_000),
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.clock = VenueClock(offset_ms)
        self.faults = FaultBoard(seed)
        self._outbox = Outbox(self.faults, start_ns)
        self._last_session = 0
        self._refusing = Refusal.BANNED
        self._refusing_until_ns = 0
        self.twin = build(
            TwinContext(
                seed=seed,
                start_ns=start_ns,
                network=network,
                clock=self.clock,
                wire=self._outbox,
                balance_usd=balance_usd,
                settings=settings or {},
            )
        )
        self._deeds = ExchangeDeeds(self.twin.exchange)

    @classmethod
    def of(cls, spec: ConnectorSpec, *, seed: int, start_ns: int, **options: Unpack[HostOptions]) -> Self:
        """Host the twin of a connector; the options are the constructor's.

        Raises:
            LocalError: the connector has no twin.
        """
        return cls(partial(build_twin, spec), seed=seed, start_ns=start_ns, **options)

    @property
    def exchange(self) -> Exchange:
        """The exchange behind the wire: the truth."""
        return self.twin.exchange

    @property
    def now_ns(self) -> int:
        """The world's time of the last call."""
        return self._outbox.now_ns

    @property
    def sessions(self) -> tuple[SessionId, ...]:
        """The open WebSockets, oldest first."""
        return self._outbox.sessions

    # --- faults ---------------------------------------------------------------------------------

    def arm(self, fault: Fault, at_ns: int) -> None:
        """Let a fault happen from now on; a deed without delay is done before this returns."""
        self.advance(at_ns)
        self.faults.arm(fault, self.now_ns)
        self.advance(at_ns)

    def heal(self, at_ns: int) -> None:
        """Disarm every fault, lift a ban or maintenance, set the clock right.

        What is done stays done, the muted stay muted.
        """
        self.advance(at_ns)
        self.clock.set_right()
        self.faults.clear()
        self._deeds.clear()
        self._refusing_until_ns = 0

    def armed(self) -> list[Fault]:
        """Return the faults that may still happen, those that wait for an order among them."""
        return [*self.faults.armed(self.now_ns), *self._deeds.waiting]

    # --- what arrives ---------------------------------------------------------------------------

    def request(self, request: TwinRequest, at_ns: int) -> Reply:
        """Take an HTTP request."""
        self.advance(at_ns)
        now_ns = self.now_ns
        refusal = self._refusal()
        if refusal is not None:
            return Reply(answer=refusal, due_ns=now_ns)
        text = b" ".join((request.method.encode(), request.target.encode(), request.body))
        met = self.faults.meeting(RequestFault, text, now_ns)
        unseen = [fault for fault in met if not _is_executed(fault)]
        if unseen:
            return self._without_answer(unseen[0], self._answer_unseen(unseen[0]))
        answer: Answer | None = self.twin.request(request, now_ns)
        self._settle()
        due_ns = now_ns
        for fault in met:
            if isinstance(fault, SlowAnswer):
                due_ns += fault.ms * NS_PER_MS
            elif isinstance(fault, LoseAnswer):
                return self._without_answer(fault, None)
            else:
                answer = self._answer_unseen(fault)
        return Reply(answer=answer, due_ns=due_ns)

    def connect(self, request: TwinRequest, at_ns: int) -> SessionId | Answer:
        """Take a new WebSocket; return its number, or the answer that refuses it."""
        self.advance(at_ns)
        refusal = self._refusal()
        if refusal is not None:
            return refusal
        if len(self.sessions) >= MAX_SESSIONS:
            return self.twin.refuse(Refusal.UNAVAILABLE, 1)
        self._last_session += 1
        session = self._last_session
        self._outbox.open(session, request.target)
        answer = self.twin.connect(session, request, self.now_ns)
        if answer is not None:
            self._outbox.forget(session)
            return answer
        self._settle()
        return session

    def receive(self, session: SessionId, message: bytes, at_ns: int) -> None:
        """Take a message of a WebSocket."""
        self.advance(at_ns)
        if not self._outbox.is_heard(session) or self.faults.meeting(MessageFault, message, self.now_ns):
            return
        self.twin.receive(session, message, self.now_ns)
        self._settle()

    def disconnected(self, session: SessionId, at_ns: int) -> None:
        """Take note that a client's WebSocket is gone."""
        self.advance(at_ns)
        if self._outbox.forget(session):
            self.twin.disconnected(session, self.now_ns)
            self._settle()

    # --- time -----------------------------------------------------------------------------------

    def advance(self, at_ns: int) -> None:
        """Let happen everything that is due by `at_ns`, each at its own time.

        Raises:
            InvariantError: the twin says again and again that something is due, and does not do it.
        """
        self._do_deeds()
        idle = 0
        while (due_ns := self._next_life_ns()) is not None and due_ns <= at_ns:
            idle = idle + 1 if due_ns <= self.now_ns else 0
            if idle > MAX_IDLE_TURNS:
                raise InvariantError("twin does not do what is due", found=due_ns, wanted="a later time")
            self._outbox.now_ns = max(self.now_ns, due_ns)
            self.twin.advance(self.now_ns)
            self._settle()
            self._do_deeds()
        self._outbox.now_ns = max(self.now_ns, at_ns)

    def next_due_ns(self) -> int | None:
        """Return when the host is to be advanced, or has something to be taken."""
        due = (self._next_life_ns(), self._outbox.next_due_ns())
        return min((due_ns for due_ns in due if due_ns is not None), default=None)

    def take(self, at_ns: int) -> list[tuple[int, Delivery]]:
        """Take what is to leave by `at_ns`, with the times, in order."""
        return self._outbox.take(at_ns)

    # --- the inside -----------------------------------------------------------------------------

    def _next_life_ns(self) -> int | None:
        due = (self.twin.next_due_ns(), self.faults.next_due_ns(), self._deeds.next_due_ns())
        return min((due_ns for due_ns in due if due_ns is not None), default=None)

    def _settle(self) -> None:
        self._deeds.settle(self.now_ns)
        while self._outbox.lost:
            self.twin.disconnected(self._outbox.lost.pop(), self.now_ns)

    def _do_deeds(self) -> None:
        for deed in self.faults.due(self.now_ns):
            self.faults.happened[name_of(deed)] += 1
            self._do(deed)

    def _do(self, deed: Deed) -> None:
        match deed:
            case Ban():
                self._refuse(Refusal.BANNED, deed.ms)
            case Maintenance():
                self._refuse(Refusal.UNAVAILABLE, deed.ms)
                for session in self.sessions:
                    self._outbox.close(session, _SERVICE_RESTART, "maintenance")
                    self.twin.disconnected(session, self.now_ns)
            case ClockStep():
                self.clock.step(deed.ms)
            case Kill():
                for session in self._outbox.matching(deed.match):
                    self._outbox.cut(session)
                    self.twin.disconnected(session, self.now_ns)
            case HalfOpen():
                for session in self._outbox.matching(deed.match):
                    self._outbox.mute(session)
            case _:
                self._deeds.do(deed, self.now_ns)
        self._settle()

    def _refuse(self, why: Refusal, for_ms: int) -> None:
        self._refusing, self._refusing_until_ns = why, self.now_ns + for_ms * NS_PER_MS

    def _refusal(self) -> Answer | None:
        """Return the answer to everybody while everybody is refused."""
        left_ns = self._refusing_until_ns - self.now_ns
        return None if left_ns <= 0 else self.twin.refuse(self._refusing, -(-left_ns // NS_PER_S))

    def _answer_unseen(self, fault: RequestFault) -> Answer | None:
        match fault:
            case RateLimit():
                return self.twin.refuse(Refusal.RATE_LIMITED, fault.retry_after_s)
            case ServerError():
                return Answer(status=fault.status, body=b"upstream error")
            case Html():
                headers = {"Content-Type": "text/html; charset=utf-8"}
                return Answer(status=fault.status, body=_PAGE, headers=headers)
            case _:
                return None

    def _without_answer(self, fault: RequestFault, answer: Answer | None) -> Reply:
        hangs = isinstance(fault, LoseRequest | LoseAnswer) and fault.hangs
        return Reply(answer=answer, due_ns=self.now_ns, hangs=hangs)


def _is_executed(fault: RequestFault) -> bool:
    match fault:
        case ServerError() | Html():
            return fault.executed
        case LoseRequest() | RateLimit():
            return False
        case _:
            return True

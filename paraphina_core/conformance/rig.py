"""A connector at its twin in virtual time: the core's part is played by the core's own pieces.

Streams are kept open, questions and commands travel, answers come home or do not; what the connector says
goes through the order tracker and the ledger, so that the end can be held against the twin's truth.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Final

import msgspec

from paraphina_core.connector import (
    Answer,
    Connector,
    ConnectorContext,
    Failure,
    FailureKind,
    HttpRequest,
    Request,
    StreamPlan,
    StreamRequest,
    TradeMode,
    WebSocketSource,
    WriteContext,
)
from paraphina_core.domain import (
    NS_PER_MS,
    Answered,
    AskAgain,
    AskNext,
    Batch,
    CancelOrder,
    ClientOrderIds,
    Event,
    FetchSnapshot,
    LocalError,
    ModifyOrder,
    NonceReport,
    PlaceOrder,
    Query,
    QueryBook,
    RemoteError,
    Resubscribe,
    RunNumber,
    written,
)
from paraphina_core.execution import (
    NonceSource,
    Signatory,
    VenueCommand,
    VenueRoute,
)
from paraphina_core.transport import Backoff, CloseReason, StreamEvents, connect_budget
from paraphina_core.twin import (
    AccountTruth,
    Fault,
    Latency,
    LinkStream,
    TwinHost,
    TwinLink,
    truth,
)

from .bench import SEED, START_NS, Bench
from .card import Broken, check, skip
from .heard import Heard
from .subject import Login, TwinSide

#: Virtual time in which a connection must be complete, or complete again.
TO_BE_LIVE_MS: Final = 60_000
#: Virtual time in which what was sent has arrived, been answered and told.
TO_SETTLE_MS: Final = 2_000
#: Steps in a row without an end; a rig that makes more does not come to rest.
_MOST_STEPS: Final = 200_000


class RigClock:
    """Virtual time."""

    def __init__(self) -> None:
        self.at_ns = START_NS

    def now_ns(self) -> int:
        """Return the time that the rig has reached."""
        return self.at_ns


class _RouteWire:
    """Carries what the order route sends."""

    def __init__(self, carry: Callable[[Request], None]) -> None:
        self._carry = carry

    def send(self, connector: str, request: Request, cancel: bool) -> None:  # noqa: FBT001  # see `Wire`
        """Send a command."""
        self._carry(request)

    def ask(self, connector: str, request: Request) -> None:
        """Send a query."""
        self._carry(request)


class Rig(Heard):
    """One connector, its streams and its twin.

    Args:
        bench: makes the connector.
        lively: others than the suite trade at the twin.
        private: open the account's stream too; without it requests leave as they do while it is down.

    Attributes:
        host: the twin.
        link: the network.
        connector: what is tried.
        login: the account that is used.
        refused: what the connector said of answers and garbled frames that it could not read.
        ids: gives client order ids.
        requests: every request that was made.
        route: the core's order route; it signs with `signatory`.
        spelled: nonces of requests that were spelled past the route.
        messages: what was sent after the openings of streams.
        sources: streams that were opened, each with what it was opened from.
        frames: what came.
    """

    def __init__(self, bench: Bench, *, lively: bool = False, private: bool = True) -> None:
        super().__init__()
        self._bench = bench
        self._side = _side(bench)
        spec = bench.spec
        self.clock = RigClock()
        scene = self._side.lively if lively else self._side.quiet
        self.host = TwinHost.of(spec, seed=SEED, start_ns=START_NS, settings=scene.twin)
        bench.faults.append(self.host.faults.happened)
        self.login: Login = self._side.log_in(self.host.twin)
        self.connector: Connector = _build(bench, {**self.login.settings, **scene.connector})
        self.signatory = (
            Signatory.nobody(spec)
            if spec.signer is None
            else Signatory.of(
                spec.signer(self.login.secrets),
                NonceSource(spec.nonce),
                spec.private_headers(self.login.secrets),
            )
        )
        self.link = TwinLink(self.host, clock=self.clock, seed=SEED, latency=Latency())
        self.refused: list[str] = []
        self.requests: list[Request] = []
        self.spelled: list[int] = []
        self.messages: list[bytes] = []
        self.sources: list[tuple[StreamPlan, WebSocketSource]] = []
        self.frames: list[bytes] = []
        self._asked: dict[str, Request] = {}
        self._following: set[str] = set()
        self.route = VenueRoute(
            self.connector,
            _RouteWire(self._dispatch),
            self.signatory,
            may_leave=lambda _order: True,
            blame=self._blamed,
        )
        self.ids = ClientOrderIds(lambda: RunNumber(1))
        self._budget = connect_budget()
        self._plan = self.connector.plan()
        self._private = {plan.name for plan in self._plan.streams if plan.private}
        self._topics = {plan.name: plan.topics for plan in self._plan.streams if private or not plan.private}
        self.streams = {
            plan.name: self._stream(plan.name, number) for number, plan in enumerate(self._plan.streams)
        }

    # --- starting -------------------------------------------------------------------------------

    def start(self) -> Rig:
        """Ask the bootstrap, open the streams, and wait until everything is live.

        Raises:
            Broken: it does not become so.
        """
        self.begin()
        self.wait_until_live()
        return self

    def begin(self) -> None:
        """Ask the bootstrap, and for the nonce where it is a sequence, and begin to open the streams."""
        for query in self._plan.bootstrap:
            self.asked(query)
        self.know_the_nonce()
        for name in self._topics:
            self.streams[name].start()

    def wait_until_live(self) -> None:
        """Let time pass until each topic of each open stream is acknowledged.

        Raises:
            Broken: one is not.
        """
        wanted = {topic for topics in self._topics.values() for topic in topics}
        self.until(
            lambda: wanted <= self.live and all(self.streams[name].is_open for name in self._topics),
            lambda: f"not every topic becomes live: {sorted(wanted - self.live)}",
            TO_BE_LIVE_MS,
        )
        self.run(TO_SETTLE_MS)

    def _stream(self, name: str, number: int) -> LinkStream:
        (plan,) = (plan for plan in self._plan.streams if plan.name == name)
        if not isinstance(plan.source, WebSocketSource):
            raise Broken("a stream of a connector with a twin is here already", found=name)
        return LinkStream(
            plan,
            self.link,
            events=StreamEvents(opened=self._opened, frame=self._frame, closed=self._closed),
            backoff=Backoff(SEED + number),
            budget=self._budget,
            source=lambda: self._source(name),
        )

    def _source(self, name: str) -> WebSocketSource:
        """Return what the connector would open a stream from now."""
        for plan in self.connector.plan().streams:
            if plan.name == name and isinstance(plan.source, WebSocketSource):
                source = self.signatory.source(plan)
                assert isinstance(source, WebSocketSource)  # noqa: S101  # none becomes a local one
                self.sources.append((plan, source))
                return source
        raise Broken("a stream is planned no more", found=name)

    # --- time -----------------------------------------------------------------------------------

    @property
    def now_ns(self) -> int:
        """The time that has been reached."""
        return self.clock.at_ns

    def run(self, ms: int) -> None:
        """Let so much time pass, and happen what is due in it."""
        end_ns = self.now_ns + ms * NS_PER_MS
        for _ in range(_MOST_STEPS):
            due_ns = self.link.next_due_ns()
            if due_ns is None or due_ns > end_ns:
                self.clock.at_ns = end_ns
                self.link.advance(end_ns)
                return
            self.clock.at_ns = max(self.now_ns, due_ns)
            self.link.advance(self.now_ns)
        raise Broken(f"more than {_MOST_STEPS} things happen within {ms} ms")

    def until(self, holds: Callable[[], bool], complaint: Callable[[], str], ms: int) -> None:
        """Let time pass until something holds.

        Raises:
            Broken: it does not within so many milliseconds.
        """
        end_ns = self.now_ns + ms * NS_PER_MS
        while not holds():
            check(self.now_ns < end_ns, complaint(), wanted=f"within {ms} ms")
            self.run(50)

    # --- requests -------------------------------------------------------------------------------

    def context(self, nonce: int | None = None) -> WriteContext:
        """Return what one request that is spelled past the route may use of the world now."""
        nonces = self.signatory.nonces
        context = self.signatory.for_command(self.now_ns)
        if nonces.is_sequence and nonce is None:  # what is only spelled must not use one up
            nonces.told(context.nonce)
            nonce = context.nonce + len(self.spelled)
        self.spelled.append(context.nonce)
        return context if nonce is None else msgspec.structs.replace(context, nonce=nonce)

    def send(self, command: VenueCommand | Batch) -> Request | None:
        """Send a command by the order route, as a session does; what comes of it is told later.

        Returns the request; None if the route kept it here.
        """
        self.know_the_nonce()
        before = len(self.requests)
        for one in command.commands if isinstance(command, Batch) else (command,):
            self._note(one)
            self.route.submit(one, self.now_ns)
            if isinstance(one, PlaceOrder):
                self.orders.sent(one.client_order_id, self.now_ns)
        self.route.flush(self.now_ns)
        self._plan_tick()
        return self.requests[-1] if len(self.requests) > before else None

    def know_the_nonce(self) -> None:
        """Ask for the next number of a sequence where nobody knows it, as the core does."""
        nonces = self.signatory.nonces
        if not nonces.is_sequence:
            return
        try:
            nonces.told(nonces.take(self.now_ns))
        except LocalError:
            self.asked(self.connector.plan().nonce)

    def send_past_the_route(self, order: PlaceOrder, nonce: int) -> None:
        """Send an order under a nonce that no route would use.

        Raises:
            LocalError: the connector does not spell it.
        """
        self._note(order)
        request = self.connector.write(order, self.context(nonce))
        self._asked[request.correlation] = request
        self._dispatch(request)

    def _note(self, command: VenueCommand | PlaceOrder | ModifyOrder | CancelOrder) -> None:
        """Keep the order tracker informed, as a session does."""
        match command:
            case PlaceOrder():
                self.orders.create(command, self.now_ns)
            case ModifyOrder():
                self.orders.modify_sent(command, self.now_ns)
            case CancelOrder() if self.orders.get(command.client_order_id) is not None:
                self.orders.cancel_sent(command.client_order_id, self.now_ns)
            case _:
                pass

    def ask(self, query: Query) -> Request:
        """Ask something; the answer is told later."""
        request = self.connector.ask(query, self.signatory.for_question(self.now_ns))
        self._asked[request.correlation] = request
        self._dispatch(request)
        return request

    def asked(self, query: Query) -> tuple[Event, ...]:
        """Ask something, wait, and return what was said meanwhile.

        Raises:
            Broken: the question is never settled.
        """
        before = len(self.events)
        request = self.ask(query)
        self.until(
            lambda: request.correlation not in self._asked and not self._following & self._asked.keys(),
            lambda: f"{type(query).__name__} is not answered",
            request.deadline_ms + TO_SETTLE_MS,
        )
        return tuple(event for _, event in self.events[before:])

    def _dispatch(self, request: Request) -> None:
        outgoing = self.signatory.outgoing(request)
        self.requests.append(outgoing)
        if isinstance(outgoing, HttpRequest):
            self.link.fetch(outgoing, partial(self._answered, request))
            return
        failure = self.streams[outgoing.stream].send(outgoing.payload)
        if failure is None and request.correlation in self._asked:
            failure = Failure(kind=FailureKind.TIMED_OUT, detail="no answer within the deadline")
            due_ns = self.now_ns + request.deadline_ms * NS_PER_MS
            self.link.at(due_ns, partial(self._answered, request, failure))
        elif failure is not None:
            self.link.at(self.now_ns, partial(self._answered, request, failure))

    def _answered(self, request: Request, result: Answer | Failure, at_ns: int) -> None:
        correlation = request.correlation
        if self._asked.pop(correlation, None) is not None:
            events = self._read(lambda: self.connector.read_answer(request, result, at_ns), result)
        elif self.route.expects(correlation):
            events = self._read(lambda: self.route.answered(correlation, result, at_ns), result)
        else:
            return  # the answer came as a frame, or its stream has ended
        self._hear(events or (), at_ns)

    def _plan_tick(self) -> None:
        due_ns = self.route.next_due_ns()
        if due_ns is not None:
            self.link.at(max(due_ns, self.now_ns), self._tick)

    def _tick(self, at_ns: int) -> None:
        """Hear what the route has to say: of commands that never left, and of answers that are overdue."""
        events = self.route.advance(at_ns)
        self._hear(events, at_ns)
        if events:
            self._plan_tick()

    def _read(self, read: Callable[[], Iterable[Event]], what: object) -> list[Event] | None:
        """Let the connector read something; None where it refuses it as the venue's fault.

        Raises:
            Broken: it raises anything else.
        """
        try:
            return [written(event) for event in read()]
        except RemoteError as e:
            self.refused.append(str(e))
            return None
        except Broken:
            raise
        except Exception as e:
            raise Broken(f"reading raises {type(e).__name__}: {e}", found=what, wanted="RemoteError") from e

    def _blamed(self, error: Exception) -> None:
        raise Broken(f"the connector raises {type(error).__name__}: {error}") from error

    # --- streams --------------------------------------------------------------------------------

    def _opened(self, stream: str, at_ns: int) -> None:
        is_sequence = self.signatory.nonces.is_sequence  # which no opening uses up, or needs
        context = self.signatory.for_question(at_ns) if is_sequence else self.context()
        for message in self.connector.opened(stream, context):
            self.messages.append(message)
            self.streams[stream].send(message)

    def _frame(self, stream: str, frame: bytes, at_ns: int) -> None:
        self.frames.append(frame)
        events = self._read(lambda: self.connector.read(stream, frame, at_ns), frame)
        if events is None:
            garbled = self.host.faults.happened["garble"]
            check(garbled, f"a frame of the twin is refused: {self.refused[-1]}", found=frame)
            self.distrust()  # as the core does: a book is not believed before its next snapshot
        else:
            self._hear(events, at_ns)

    def _closed(self, stream: str, reason: CloseReason, detail: str, at_ns: int) -> None:
        self.live.difference_update(self._topics.get(stream, ()))
        if stream not in self._private:  # what tells of the account alone says nothing of a book
            self.distrust()
        self.connector.closed(stream)
        self._hear(self.route.closed(stream, at_ns), at_ns)
        failure = Failure(kind=FailureKind.DISCONNECTED, detail=f"{reason.value} {detail}".strip())
        for request in tuple(self._asked.values()):
            if isinstance(request, StreamRequest) and request.stream == stream:
                self._answered(request, failure, at_ns)

    # --- hearing --------------------------------------------------------------------------------

    def _hear(self, events: Iterable[Event], at_ns: int) -> None:
        """Take in what was said, and do what it asks for."""
        for event in events:
            self.take((event,), at_ns)
            match event:
                case Answered():
                    self._asked.pop(event.correlation, None)
                    self.route.answered_on_stream(event.correlation, at_ns)
                case NonceReport():
                    self.signatory.nonces.told(event.next_nonce)
                case Resubscribe():
                    self.streams[event.stream].reopen()
                case FetchSnapshot():
                    self.ask(QueryBook(instrument=event.instrument))
                case AskAgain():
                    self.ask(event.query)
                case AskNext():
                    self._following.add(self.ask(event.query).correlation)
                case _:
                    pass

    # --- looking --------------------------------------------------------------------------------

    @property
    def truth(self) -> AccountTruth:
        """The account as it really is."""
        return truth(self.host.exchange)[self.login.account]

    @property
    def answer(self) -> str:
        """Text that stands in each frame that answers a command."""
        return self._side.answer

    @property
    def far_bps(self) -> int:
        """How far from the middle an order may rest."""
        return self._side.far_bps

    @property
    def dead_man_ms(self) -> int:
        """A window that the venue's dead-man switch takes."""
        return self._side.dead_man_ms

    def arm(self, fault: Fault) -> None:
        """Let a fault happen from now on."""
        self.host.arm(fault, self.now_ns)
        self.link.collect()


def _side(bench: Bench) -> TwinSide:
    side = bench.subject.twin
    if side is None:
        skip("the subject brings no twin")
    return side


def _build(bench: Bench, settings: Mapping[str, str | int | float | bool]) -> Connector:
    factory = bench.spec.factory
    if factory is None:
        raise LocalError(f"connector {bench.spec.name} is not built yet", wanted="one with a factory")
    mode = TradeMode.TESTNET
    return factory(ConnectorContext(mode=mode, network=mode.network, settings=settings, seed=SEED))

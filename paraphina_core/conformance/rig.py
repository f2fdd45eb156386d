"""A connector at its twin in virtual time: the core's part is played by the core's own pieces.

Streams are kept open, questions and commands travel, answers come home or do not; what the connector says
goes through the order tracker and the ledger, so that the end can be held against the twin's truth.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from functools import partial
from typing import Final, TypeVar, cast, get_args

from paraphina_core.connector import (
    Answer,
    Connector,
    ConnectorContext,
    Failure,
    FailureKind,
    HttpRequest,
    NonceRule,
    Request,
    StreamRequest,
    TradeMode,
    WebSocketSource,
    WriteContext,
)
from paraphina_core.domain import (
    NS_PER_MS,
    Answered,
    BestBidOffer,
    BookDelta,
    BookGap,
    BookSnapshot,
    ClientOrderId,
    ClientOrderIds,
    Command,
    Event,
    FetchSnapshot,
    Fill,
    FillsListed,
    Instrument,
    InstrumentDefined,
    InstrumentId,
    LocalError,
    PlaceOrder,
    Query,
    QueryBook,
    RemoteError,
    Resubscribe,
    RunNumber,
    SubscriptionLive,
    written,
)
from paraphina_core.execution import OrderTracker, OrderUpdate
from paraphina_core.market import Book
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
from .subject import Login, TwinSide
from .validity import check_events

#: Virtual time in which a connection must be complete, or complete again.
TO_BE_LIVE_MS: Final = 60_000
#: Virtual time in which what was sent has arrived, been answered and told.
TO_SETTLE_MS: Final = 2_000
#: Steps in a row without an end; a rig that makes more does not come to rest.
_MOST_STEPS: Final = 200_000

_UPDATES: Final = get_args(OrderUpdate)
_BOOK: Final = (BookSnapshot, BookDelta, BookGap, BestBidOffer)

_Event = TypeVar("_Event")


class RigClock:
    """Virtual time."""

    def __init__(self) -> None:
        self.at_ns = START_NS

    def now_ns(self) -> int:
        """Return the time that the rig has reached."""
        return self.at_ns


class Rig:
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
        events: everything that the connector said, with the time.
        books: as the core keeps them.
        orders: as the core keeps them.
        fills: each one once, by instrument and the venue's trade id.
        refused: what the connector said of answers that it could not read.
        ids: gives client order ids.
        live: topics that are acknowledged on their present connection.
        requests: every request that was made.
        messages: what was sent after the openings of streams.
    """

    def __init__(self, bench: Bench, *, lively: bool = False, private: bool = True) -> None:
        self._bench = bench
        self._side = _side(bench)
        spec = bench.spec
        self.clock = RigClock()
        scene = self._side.lively if lively else self._side.quiet
        self.host = TwinHost.of(spec, seed=SEED, start_ns=START_NS, settings=scene.twin)
        bench.faults.append(self.host.faults.happened)
        self.login: Login = self._side.log_in(self.host.twin)
        self.connector: Connector = _build(bench, {**self.login.settings, **scene.connector})
        self._key = None if spec.signer is None else spec.signer(self.login.secrets)
        self.link = TwinLink(self.host, clock=self.clock, seed=SEED, latency=Latency())
        self.events: list[tuple[int, Event]] = []
        self.books: dict[InstrumentId, Book] = {}
        self.instruments: dict[InstrumentId, Instrument] = {}
        self.orders = OrderTracker()
        self.fills: dict[tuple[InstrumentId, str], Fill] = {}
        self.refused: list[str] = []
        self.live: set[str] = set()
        self.requests: list[Request] = []
        self.messages: list[bytes] = []
        self._waiting: dict[str, Request] = {}
        self._nonce = 0
        self.ids = ClientOrderIds(lambda: RunNumber(1))
        self._budget = connect_budget()
        self._plan = self.connector.plan()
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
        """Ask the bootstrap and begin to open the streams."""
        for query in self._plan.bootstrap:
            self.asked(query)
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
        )

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
        """Return what one request may use of the world now."""
        if nonce is None:
            by_rule = {
                NonceRule.MILLISECONDS: self.now_ns // NS_PER_MS,
                NonceRule.MICROSECONDS: self.now_ns // 1_000,
            }
            self._nonce = nonce = max(self._nonce + 1, by_rule.get(self._bench.spec.nonce, 0))
        key = self._key
        if key is None:
            return WriteContext(nonce=nonce, at_ns=self.now_ns, sign=_no_key)
        return WriteContext(nonce=nonce, at_ns=self.now_ns, sign=key.sign, identity=key.identity)

    def send(self, command: Command, nonce: int | None = None) -> Request:
        """Send a command; what comes of it is told later."""
        if isinstance(command, PlaceOrder):
            self.orders.create(command, self.now_ns)
        request = self.connector.write(command, self.context(nonce))
        if isinstance(command, PlaceOrder):
            self.orders.sent(command.client_order_id, self.now_ns)
        self._dispatch(request)
        return request

    def ask(self, query: Query) -> Request:
        """Ask something; the answer is told later."""
        request = self.connector.ask(query, self.context())
        self._dispatch(request)
        return request

    def asked(self, query: Query) -> tuple[Event, ...]:
        """Ask something, wait, and return what the answer said.

        Raises:
            Broken: nothing is said.
        """
        before = len(self.events)
        request = self.ask(query)
        self.until(
            lambda: request.correlation not in self._waiting,
            lambda: f"{type(query).__name__} is not answered",
            request.deadline_ms + TO_SETTLE_MS,
        )
        return tuple(event for _, event in self.events[before:])

    @property
    def is_waiting(self) -> bool:
        """True while a request is without an answer."""
        return bool(self._waiting)

    def _dispatch(self, request: Request) -> None:
        check(
            request.correlation not in self._waiting,
            "two requests have one correlation",
            found=request.correlation,
        )
        self.requests.append(request)
        self._waiting[request.correlation] = request
        if isinstance(request, HttpRequest):
            self.link.fetch(request, partial(self._answered, request))
            return
        failure = self.streams[request.stream].send(request.payload)
        if failure is not None:
            self.link.at(self.now_ns, partial(self._answered, request, failure))
            return
        timed_out = Failure(kind=FailureKind.TIMED_OUT, detail="no answer within the deadline")
        due_ns = self.now_ns + request.deadline_ms * NS_PER_MS
        self.link.at(due_ns, partial(self._answered, request, timed_out))

    def _answered(self, request: Request, result: Answer | Failure, at_ns: int) -> None:
        if self._waiting.get(request.correlation) is not request:
            return  # the answer came as a frame, or its stream has ended
        del self._waiting[request.correlation]
        try:
            events = [written(event) for event in self.connector.read_answer(request, result, at_ns)]
        except RemoteError as e:
            self.refused.append(str(e))
            return
        self._hear(events, at_ns)

    # --- streams --------------------------------------------------------------------------------

    def _opened(self, stream: str, at_ns: int) -> None:
        for message in self.connector.opened(stream, self.context()):
            self.messages.append(message)
            self.streams[stream].send(message)

    def _frame(self, stream: str, frame: bytes, at_ns: int) -> None:
        try:
            events = [written(event) for event in self.connector.read(stream, frame, at_ns)]
        except RemoteError as e:
            raise Broken(f"a frame of the twin is refused: {e}", found=frame) from e
        self._hear(events, at_ns)

    def _closed(self, stream: str, reason: CloseReason, detail: str, at_ns: int) -> None:
        self.live.difference_update(self._topics.get(stream, ()))
        for book in self.books.values():
            book.reset()
        self.connector.closed(stream)
        failure = Failure(kind=FailureKind.DISCONNECTED, detail=f"{reason.value} {detail}".strip())
        for request in tuple(self._waiting.values()):
            if isinstance(request, StreamRequest) and request.stream == stream:
                self._answered(request, failure, at_ns)

    # --- hearing --------------------------------------------------------------------------------

    def _hear(self, events: Iterable[Event], at_ns: int) -> None:
        for event in events:
            check_events((event,))
            self.events.append((at_ns, event))
            self._take(event, at_ns)

    def _take(self, event: Event, at_ns: int) -> None:
        if isinstance(event, _UPDATES):
            self.orders.apply(cast("OrderUpdate", event), at_ns)
        elif isinstance(event, _BOOK):
            book = self.books.setdefault(event.instrument, Book(event.instrument))
            book.apply(event, at_ns)
        match event:
            case Fill():
                self._count(event)
            case FillsListed():
                for fill in event.fills:
                    self._count(fill)
            case InstrumentDefined():
                self.instruments[event.instrument.id] = event.instrument
            case SubscriptionLive():
                self.live.add(event.topic)
            case Answered():
                self._waiting.pop(event.correlation, None)
            case Resubscribe():
                self.streams[event.stream].reopen()
            case FetchSnapshot():
                self.ask(QueryBook(instrument=event.instrument))
            case _:
                pass

    def _count(self, fill: Fill) -> None:
        """Count a fill once; what is told again under its trade id must be the same."""
        known = self.fills.setdefault((fill.instrument, fill.trade_id), fill)
        for name in ("side", "price", "size", "fee"):
            check(
                getattr(known, name) == getattr(fill, name),
                f"a fill is told again with another {name}",
                found=fill,
                wanted=repr(known),
            )

    # --- looking --------------------------------------------------------------------------------

    def told(self, kind: type[_Event], since: int = 0) -> list[_Event]:
        """Return the events of one kind since the one of that number."""
        return [event for _, event in self.events[since:] if isinstance(event, kind)]

    def told_of(self, client_order_id: ClientOrderId) -> list[Event]:
        """Return what was said of one order, by our id."""
        return [e for _, e in self.events if getattr(e, "client_order_id", None) == client_order_id]

    @property
    def truth(self) -> AccountTruth:
        """The account as it really is."""
        return truth(self.host.exchange)[self.login.account]

    def position(self, instrument: InstrumentId) -> Decimal:
        """Return the position that the distinct fills make, signed, base units."""
        fills = [fill for (of, _), fill in self.fills.items() if of == instrument]
        return sum((fill.size * fill.side.sign for fill in fills), Decimal(0))

    @property
    def answer(self) -> str:
        """Text that stands in each frame that answers a command."""
        return self._side.answer

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


def _no_key(_payload: bytes) -> bytes:
    raise LocalError("nothing can be signed", wanted="a signer in the spec")

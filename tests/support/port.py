"""A venue with an account, whose every answer a test may lose or delay, and a session that trades on it.

Nothing here opens a socket: the venue hangs on the session's wire. Its wire format is the events
themselves. What it does with an order is what real venues do; what it must never see is the same order
twice, an order beyond the limits, or a nonce again.
"""

from __future__ import annotations

import heapq
import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from types import ModuleType
from typing import Any

import msgspec

from paraphina_core import strategy
from paraphina_core.config import Config, resolve
from paraphina_core.connector import (
    Answer,
    Capability,
    ConnectorContext,
    ConnectorSpec,
    DataSource,
    Failure,
    FailureKind,
    FeeSchedule,
    HttpRequest,
    NonceRule,
    Plan,
    Plugins,
    Request,
    StrategySpec,
    StreamPlan,
    StreamRequest,
    TradeMode,
    WebSocketSource,
    WriteContext,
    hookimpl,
    load_plugins,
    mock,
)
from paraphina_core.domain import (
    Answered,
    ArmDeadMan,
    BalanceReport,
    Batch,
    CancelAll,
    CancelOrder,
    CancelRejected,
    ClientOrderId,
    Command,
    DeadManReport,
    Event,
    Fill,
    FillsListed,
    FundingPayment,
    InstrumentId,
    Liquidity,
    LocalError,
    MessageBudgetReport,
    ModifyOrder,
    OpenOrdersListed,
    OrderAccepted,
    OrderCancelled,
    OrderNotFound,
    OrderRejected,
    OrderReport,
    OrderState,
    OutcomeUnknown,
    PlaceOrder,
    PositionReport,
    PositionsListed,
    Query,
    QueryAccount,
    QueryFills,
    QueryFunding,
    QueryInstruments,
    QueryMessageBudget,
    QueryOpenOrders,
    QueryOrder,
    QueryTime,
    RemoteProtocolError,
    RunNumber,
    Side,
    Target,
    TimeInForce,
    TradingState,
    VenueNotice,
    VenueTime,
    View,
)
from paraphina_core.execution import NonceSource, NoWire, OpenOrders, Signatory
from paraphina_core.journal import FRAME_KIND, JournalError, Record
from paraphina_core.journal.frames import encode_frame
from paraphina_core.session.compose import compose
from paraphina_core.session.replay import ReplayResult, replay
from paraphina_core.session.session import Session
from scripted import book, defined, strategy_of

MS = 1_000_000
START_NS = 1_800_000_000 * 1_000 * MS
NAME = "port"
BTC = InstrumentId(f"{NAME}:BTC")
MARKET, ACCOUNT = "market", "account"
DEADLINE_MS = 2_000

_EVENTS = msgspec.json.Decoder(list[Event])
_COMMAND = msgspec.json.Decoder(Command | Query)
_ENCODE = msgspec.json.Encoder().encode


class PortConnector:
    """Translates for the port: commands and queries as they are, answers as lists of events."""

    def __init__(self, spec: ConnectorSpec, *, on_stream: bool = False, raises: Sequence[str] = ()) -> None:
        self.spec = spec
        self.raises = set(raises)
        self._on_stream = on_stream
        self._open: set[str] = set()
        self._asks = 0

    def plan(self) -> Plan:
        """A market, and an account where orders are sent."""
        source = WebSocketSource(url="wss://port.example")
        return Plan(
            streams=(
                StreamPlan(name=MARKET, source=source, max_silence_ms=60_000),
                StreamPlan(name=ACCOUNT, source=source, max_silence_ms=60_000, private=True),
            ),
            bootstrap=(QueryInstruments(),),
        )

    def opened(self, stream: str, context: WriteContext) -> Sequence[bytes]:
        """Nothing has to be said."""
        self._open.add(stream)
        return ()

    def closed(self, stream: str) -> None:
        """Commands leave over HTTP now."""
        self._open.discard(stream)

    def read(self, stream: str, frame: bytes, at_ns: int) -> Sequence[Event]:
        """Decode the events."""
        return _decoded(frame)

    def write(self, command: Command, context: WriteContext) -> Request:
        """Spell a command and sign it."""
        if "write" in self.raises:
            raise ZeroDivisionError
        if "local" in self.raises:
            raise LocalError("it cannot be spelled")
        if isinstance(command, CancelAll) and not self.spec.cancel_all_command:
            raise LocalError("no such command")
        body = _ENCODE(command)
        signed = context.sign(body[:32])
        assert len(signed) == len(self.spec.blank_signature)
        if self._on_stream and ACCOUNT in self._open:
            return StreamRequest(
                stream=ACCOUNT, payload=body, correlation=f"c{context.nonce}", deadline_ms=DEADLINE_MS
            )
        return self._request(body, f"c{context.nonce}")

    def ask(self, query: Query, context: WriteContext) -> Request:
        """Spell a query."""
        self._asks += 1
        return self._request(_ENCODE(query), f"q{self._asks}")

    def read_answer(self, request: Request, answer: Answer | Failure, at_ns: int) -> Sequence[Event]:
        """Decode the events, or doubt everything."""
        if "read_answer" in self.raises:
            raise ZeroDivisionError
        if isinstance(answer, Answer) and answer.status == 200:
            return _decoded(answer.body)
        if request.correlation.startswith("q"):
            if isinstance(answer, Failure):
                return ()
            raise RemoteProtocolError("no answer", found=answer.status)
        command = _COMMAND.decode(request.payload if isinstance(request, StreamRequest) else request.body)
        not_sent = isinstance(answer, Failure) and answer.kind is FailureKind.NOT_SENT
        return [event for each in _each(command) for event in _no_answer(each, not_sent=not_sent)]

    def _request(self, body: bytes, correlation: str) -> HttpRequest:
        return HttpRequest(
            method="POST",
            url="https://port.example/",
            body=body,
            correlation=correlation,
            deadline_ms=DEADLINE_MS,
        )


def _decoded(frame: bytes) -> Sequence[Event]:
    try:
        return _EVENTS.decode(frame)
    except msgspec.DecodeError as e:
        raise RemoteProtocolError(f"cannot be read: {e}") from e


def _each(command: object) -> Sequence[Any]:
    return command.commands if isinstance(command, Batch) else (command,)


def _no_answer(command: object, *, not_sent: bool) -> Iterable[Event]:
    if isinstance(command, PlaceOrder) and not_sent:
        yield OrderRejected(
            instrument=command.instrument,
            client_order_id=command.client_order_id,
            code="NOT_SENT",
            reason="no connection",
        )
    elif isinstance(command, PlaceOrder | ModifyOrder | CancelOrder):
        yield OutcomeUnknown(
            instrument=command.instrument, client_order_id=command.client_order_id, reason="no answer"
        )
    elif isinstance(command, ArmDeadMan):
        yield VenueNotice(code="UNKNOWN", text="dead-man switch")


def port_spec(**changes: Any) -> ConnectorSpec:
    """Describe the port; what the connector is built with stands in its own attributes."""
    options = {name: changes.pop(name) for name in ("on_stream",) if name in changes}

    def build(_context: ConnectorContext) -> PortConnector:
        return PortConnector(made, **options)

    fields: dict[str, Any] = {
        "name": NAME,
        "venue": "Port",
        "feature_flag": None,
        "capabilities": {
            Capability.MARKET: "a test",
            Capability.EXECUTION: "a test",
            Capability.ACCOUNT: "a test",
            **({Capability.DEAD_MAN: "a test"} if changes.pop("dead_man", False) else {}),
        },
        "trade_modes": frozenset({TradeMode.TESTNET, TradeMode.PAPER}),
        "factory": build,
        "data_source": DataSource.VENUE,
        "signer": lambda _secrets: Key(),
        "blank_signature": bytes(8),
        "nonce": NonceRule.MILLISECONDS,
        "max_batch": 3,
        "cancel_all_command": False,
        "fees": FeeSchedule(maker_bps=0.0, taker_bps=0.0, source="chosen"),
    }
    made = ConnectorSpec(**(fields | changes))
    return made


class Key:
    """A key that signs, and counts how often."""

    def __init__(self) -> None:
        self.signed = 0

    @property
    def identity(self) -> Mapping[str, str]:
        """Who it is."""
        return {"address": "0xport"}

    def sign(self, payload: bytes) -> bytes:
        """Return eight bytes."""
        self.signed += 1
        return self.signed.to_bytes(8)


@dataclass
class Order:
    """One order as the venue has it."""

    venue_order_id: str
    command: PlaceOrder
    client_order_id: ClientOrderId | None
    filled: Decimal = Decimal(0)
    state: OrderState = OrderState.LIVE

    @property
    def rest(self) -> Decimal:
        """What may still fill."""
        return Decimal(0) if self.state.is_final else self.command.size - self.filled

    def report(self) -> OrderReport:
        """Say what is known of it."""
        return OrderReport(
            instrument=self.command.instrument,
            client_order_id=self.client_order_id,
            venue_order_id=self.venue_order_id,
            side=self.command.side,
            price=self.command.price,
            size=self.command.size,
            filled_size=self.filled,
            state=self.state,
            reduce_only=self.command.reduce_only,
        )


class Venue:
    """The truth: orders, trades and a position. `tell` is called with what the account's stream would say."""

    def __init__(self, tell: Callable[[Sequence[Event]], None]) -> None:
        self.tell = tell
        self.orders: dict[str, Order] = {}
        self.by_client_id: dict[int, Order] = {}
        self.fills: list[Fill] = []
        self.position = Decimal(0)
        self.cash = Decimal(1_000)
        self.payments: list[FundingPayment] = []
        self.received: Counter[int] = Counter()  # how often each client order id was to be placed
        self.commands: list[object] = []
        self.armed_until_ns: int | None = None
        self.dead_man_refusal = ""
        self.rejects = ""
        self.skew_ms = 0
        self.resting = Decimal(1_000)  # what orders that take may take
        self.message_limit = 1_000_000
        self._ids = itertools.count(1)

    @property
    def open(self) -> list[Order]:
        """Return the orders that may fill."""
        return [order for order in self.orders.values() if not order.state.is_final]

    def handle(self, body: bytes, at_ns: int) -> list[Event]:
        """Do what a request asks, and return the answer."""
        message = _COMMAND.decode(body)
        self.commands.append(message)
        return [event for each in _each(message) for event in self._one(each, at_ns)]

    def add(self, side: Side, size: str, price: str = "9000", client_order_id: int | None = None) -> Order:
        """Put an order into the book that the session did not send."""
        order_id = None if client_order_id is None else ClientOrderId(client_order_id)
        command = PlaceOrder(
            instrument=BTC,
            client_order_id=ClientOrderId(0),
            side=side,
            price=Decimal(price),
            size=Decimal(size),
        )
        order = Order(f"v{next(self._ids)}", command, order_id)
        self.orders[order.venue_order_id] = order
        if client_order_id is not None:
            self.by_client_id[client_order_id] = order
        return order

    def fill(self, order: Order, size: Decimal, at_ns: int, *, silently: bool = False) -> Fill:
        """Trade a part of an order."""
        size = min(size, order.rest)
        order.filled += size
        order.state = OrderState.FILLED if order.filled == order.command.size else OrderState.PARTIALLY_FILLED
        self.position += size * order.command.side.sign
        self.cash -= size * order.command.side.sign * order.command.price
        fill = Fill(
            instrument=BTC,
            client_order_id=order.client_order_id,
            venue_order_id=order.venue_order_id,
            trade_id=f"t{len(self.fills)}",
            side=order.command.side,
            price=order.command.price,
            size=size,
            fee=Decimal(0),
            liquidity=Liquidity.MAKER,
            exchange_ns=at_ns,
        )
        self.fills.append(fill)
        if not silently:
            self.tell([fill])
        return fill

    def pay(self, amount: str, at_ns: int, *, silently: bool = False) -> None:
        """Pay funding on the position, or with a negative amount charge it."""
        payment = FundingPayment(instrument=BTC, amount=Decimal(amount), rate=0.0001, exchange_ns=at_ns)
        self.payments.append(payment)
        self.cash += payment.amount
        if not silently:
            self.tell([payment])

    def end(self, order: Order, *, silently: bool = False) -> None:
        """Cancel an order."""
        order.state = OrderState.CANCELLED
        if not silently:
            self.tell([self._cancelled(order)])

    def _cancelled(self, order: Order) -> OrderCancelled:
        return OrderCancelled(
            instrument=BTC,
            client_order_id=order.client_order_id,
            venue_order_id=order.venue_order_id,
            filled_size=order.filled,
        )

    def _one(self, message: object, at_ns: int) -> list[Event]:
        if isinstance(message, PlaceOrder):
            return self._place(message)
        if isinstance(message, CancelOrder):
            return [self._cancel(message)]
        if isinstance(message, CancelAll):
            for order in self.open:
                self.end(order)
            return []
        if isinstance(message, ArmDeadMan):
            return [self._arm(message, at_ns)]
        return self._answer(message, at_ns)

    def _arm(self, message: ArmDeadMan, at_ns: int) -> Event:
        if self.dead_man_refusal:
            return DeadManReport(armed_until_ns=None, reason=self.dead_man_refusal)
        self.armed_until_ns = at_ns + message.window_ms * MS if message.window_ms else None
        return DeadManReport(armed_until_ns=self.armed_until_ns)

    def _answer(self, query: object, at_ns: int) -> list[Event]:
        match query:
            case QueryInstruments():
                return [defined(NAME)]
            case QueryTime():
                return [VenueTime(exchange_ns=at_ns + self.skew_ms * MS)]
            case QueryMessageBudget():
                return [MessageBudgetReport(used=0, limit=self.message_limit)]
            case QueryAccount():
                return self._account(at_ns)
            case QueryOpenOrders():
                return [OpenOrdersListed(orders=tuple(order.report() for order in self.open))]
            case QueryOrder():
                order = self.by_client_id.get(query.client_order_id)
                order = order or self.orders.get(query.venue_order_id or "")
                if order is not None:
                    return [order.report()]
                known_as = query.client_order_id
                return [OrderNotFound(instrument=BTC, client_order_id=known_as, venue_order_id=None)]
            case QueryFills(since_ns=since_ns):
                told = (
                    msgspec.structs.replace(fill, is_replay=True)
                    for fill in self.fills
                    if (fill.exchange_ns or 0) >= since_ns
                )
                return [FillsListed(since_ns=since_ns, fills=tuple(told), is_complete=True)]
            case QueryFunding(since_ns=since_ns):
                return [payment for payment in self.payments if payment.exchange_ns >= since_ns]
        raise AssertionError(query)

    def _place(self, order: PlaceOrder) -> list[Event]:
        self.received[order.client_order_id] += 1
        assert self.received[order.client_order_id] == 1, "an order was sent twice"
        if self.rejects:
            return [
                OrderRejected(
                    instrument=BTC,
                    client_order_id=order.client_order_id,
                    code=self.rejects,
                    reason="refused",
                )
            ]
        placed = Order(f"v{next(self._ids)}", order, order.client_order_id)
        self.orders[placed.venue_order_id] = self.by_client_id[order.client_order_id] = placed
        accepted = OrderAccepted(
            instrument=BTC, client_order_id=order.client_order_id, venue_order_id=placed.venue_order_id
        )
        self.tell([accepted])
        if order.time_in_force is TimeInForce.IOC:
            self._take_at_once(placed)
        return [accepted]

    def _take_at_once(self, placed: Order) -> None:
        """Trade what rests on the other side, and cancel the rest."""
        size = min(self.resting, placed.rest)
        if size:
            self.resting -= size
            self.fill(placed, size, 0)
        if placed.rest:
            self.end(placed)

    def _cancel(self, command: CancelOrder) -> Event:
        order = self.by_client_id.get(command.client_order_id)
        if command.venue_order_id is not None:
            order = self.orders.get(command.venue_order_id, order)
        if order is None or order.state.is_final:
            return CancelRejected(
                instrument=BTC,
                client_order_id=command.client_order_id,
                venue_order_id=command.venue_order_id,
                code="GONE",
                reason="never placed, cancelled or filled",
            )
        self.end(order)
        return self._cancelled(order)

    def _account(self, at_ns: int) -> list[Event]:
        positions: tuple[PositionReport, ...] = ()
        equity = self.cash + self.position * 10_000
        if self.position:
            positions = (
                PositionReport(
                    instrument=BTC,
                    size=self.position,
                    entry_price=Decimal(10_000),
                    unrealised_pnl=Decimal(0),
                ),
            )
        return [
            BalanceReport(asset="USD", equity=equity, available=equity),
            PositionsListed(positions=positions, exchange_ns=at_ns),
        ]


@dataclass
class Fault:
    """What happens to one request."""

    arrives: bool = True
    answered: bool = True
    status: int = 200
    delay_ms: int = 0  # on the way there
    not_sent: bool = False


FINE = Fault()
LOST_REQUEST = Fault(arrives=False, answered=False)
LOST_ANSWER = Fault(answered=False)
LATE = Fault(answered=False, delay_ms=DEADLINE_MS + 1_000)
UNAVAILABLE = Fault(status=503)
NOT_SENT = Fault(arrives=False, not_sent=True)


class Kept:
    """A recorder that keeps everything in memory."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.is_full = False

    def append(self, kind: str, at_ns: int, data: bytes) -> int:
        """Keep a record, unless the disk is full."""
        if self.is_full:
            raise JournalError("the disk is full")
        self.records.append(Record(seq=len(self.records), at_ns=at_ns, kind=kind, data=data))
        return len(self.records)

    def record_frame(self, at_ns: int, connector: str, stream: str, frame: bytes) -> int:
        """Keep a frame."""
        return self.append(FRAME_KIND, at_ns, encode_frame(connector, stream, frame))

    def of(self, kind: str) -> list[Any]:
        """Return the data of all records of a kind."""
        return [msgspec.json.decode(record.data) for record in self.records if record.kind == kind]


def _plugins(spec: ConnectorSpec, wishes: StrategySpec) -> Plugins:
    module = ModuleType("port_plugin")
    module.__file__ = __file__

    @hookimpl
    def paraphina_register_connectors(register: Callable[[ConnectorSpec], None]) -> None:
        register(spec)

    @hookimpl
    def paraphina_register_strategies(register: Callable[[StrategySpec], None]) -> None:
        register(wishes)

    for hook in (paraphina_register_connectors, paraphina_register_strategies):
        setattr(module, hook.__name__, hook)
    return load_plugins([mock, strategy, module], candidates=(), flags=())


@dataclass
class Desk:
    """A session on the port, in virtual time. Call `want` to want something, set `faults` to lose something.

    Args:
        live: keys of the configuration's section `live`.
        max_stale_ticks: the limit of that name.

    Attributes:
        faults: what happens to the next commands, by kind; every other one is fine.
        ask_faults: the same for queries.
    """

    spec: ConnectorSpec = field(default_factory=port_spec)
    live: Mapping[str, Any] = field(default_factory=dict)
    max_stale_ticks: int = 20
    latency_ms: int = 20
    run: int = 50

    def __post_init__(self) -> None:
        self.now_ns = START_NS
        self._halts_ns: int | None = None
        self._wishes: list[tuple[int, tuple[Target, ...]]] = []
        self._built: list[PortConnector] = []
        self.faults: dict[type, list[Fault]] = {}
        self.ask_faults: dict[type, list[Fault]] = {}
        self.stream_loses = False
        self.sends: list[object] = []  # what the wire was given, in order
        self.venue = Venue(self._tell)
        self.recorder = Kept()
        self._due: list[tuple[int, int, Callable[[], None]]] = []
        self._count = itertools.count()
        self._next_tick_ns = self._next_book_ns = START_NS
        self.opened: set[str] = set()
        self._on_its_way: dict[int, PlaceOrder] = {}
        self.key = Key()
        self._plugins = _plugins(
            msgspec.structs.replace(self.spec, factory=self._build), strategy_of("wishes", self._decide)
        )
        self.config = self._config()
        self._nonces = NonceSource(self.spec.nonce)
        signatory = Signatory.of(self.key, self._nonces)
        account = {"identity": dict(self.key.identity), "nonce_floor": 0}
        self.start = {"accounts": {NAME: account}}
        self.session = self._session(self.recorder, self, signatory)
        self.connector = self._built[0]

    def _build(self, context: ConnectorContext) -> PortConnector:
        assert self.spec.factory is not None
        made = self.spec.factory(context)
        assert isinstance(made, PortConnector)
        self._built.append(made)
        return made

    def _config(self) -> Config:
        given = {
            "trade_mode": "testnet",
            "connectors": NAME,
            "canary_profile": "prod_canary",
            "strategy": "wishes",
        }
        cli = {f"--{name.replace('_', '-')}": value for name, value in given.items()}
        config = resolve(cli=cli, env={}, file=None, plugins=self._plugins)
        assert config.profile is not None
        return msgspec.structs.replace(
            config,
            live=msgspec.structs.replace(config.live, **self.live),
            profile=msgspec.structs.replace(config.profile, max_stale_ticks=self.max_stale_ticks),
        )

    def _session(self, recorder: Any, wire: Any, signatory: Signatory) -> Session:
        return compose(
            self.config,
            self._plugins,
            recorder,
            wire,
            lambda: RunNumber(self.run),
            self.start,
            {NAME: signatory},
        )

    def _decide(self, view: View, at_ns: int) -> Sequence[Target]:
        """Want what the test wanted at that time, where something may be quoted; raise after `halt`."""
        if self._halts_ns is not None and at_ns >= self._halts_ns:
            raise ZeroDivisionError
        if view.state is not TradingState.ACTIVE or any(market.unusable for market in view.markets):
            return ()
        return next((wish for since_ns, wish in reversed(self._wishes) if since_ns <= at_ns), ())

    # --- the wire -------------------------------------------------------------------------------

    def send(self, connector: str, request: Request, cancel: bool) -> None:
        """Take a command to the venue, or lose it."""
        body = request.payload if isinstance(request, StreamRequest) else request.body  # type: ignore[union-attr]
        command = _COMMAND.decode(body)
        self.sends.append(command)
        kind = type(_each(command)[0])
        assert cancel == (kind in {ArmDeadMan, CancelOrder, CancelAll})
        self._carry(request, body, self.faults.get(kind, []))

    def ask(self, connector: str, request: Request) -> None:
        """Take a query to the venue, or lose it."""
        assert isinstance(request, HttpRequest)
        query = _COMMAND.decode(request.body)
        self._carry(request, request.body, self.ask_faults.get(type(query), []))

    def _carry(self, request: Request, body: bytes, faults: list[Fault]) -> None:
        fault = faults.pop(0) if faults else FINE
        places = [one for one in _each(_COMMAND.decode(body)) if isinstance(one, PlaceOrder)]
        if fault.arrives:
            self._on_its_way.update({order.client_order_id: order for order in places})
        sent_ns = self.now_ns
        on_stream = isinstance(request, StreamRequest)
        if fault.not_sent:
            self._at(sent_ns + 1, lambda: self._answer(request, Failure(kind=FailureKind.NOT_SENT)))
            return

        def arrive() -> None:
            for order in places:
                del self._on_its_way[order.client_order_id]
            events = self.venue.handle(body, self.now_ns)
            if fault.answered and not (on_stream and self.stream_loses):
                answer = Answer(status=fault.status, body=_ENCODE(events) if fault.status == 200 else b"")
                self._at(self.now_ns + self.latency_ms * MS, lambda: self._answer(request, answer))

        if fault.arrives:
            self._at(sent_ns + (self.latency_ms + fault.delay_ms) * MS, arrive)
        if not fault.answered and not on_stream:
            timed_out = Failure(kind=FailureKind.TIMED_OUT, detail="no answer")
            self._at(sent_ns + DEADLINE_MS * MS, lambda: self._answer(request, timed_out))

    def _answer(self, request: Request, result: Answer | Failure) -> None:
        if isinstance(request, StreamRequest) and isinstance(result, Answer):
            events = _EVENTS.decode(result.body) if result.status == 200 else []
            self._frame(ACCOUNT, [Answered(correlation=request.correlation), *events])
        elif self.session.expects(NAME, request.correlation):
            self.session.answered(NAME, request.correlation, result, self.now_ns)

    def _tell(self, events: Sequence[Event]) -> None:
        if not self.stream_loses:
            self._at(self.now_ns + self.latency_ms * MS, lambda: self._frame(ACCOUNT, events))

    def _frame(self, stream: str, events: Sequence[Event]) -> None:
        if stream in self.opened:
            self.session.frame(NAME, stream, _ENCODE(list(events)), self.now_ns)

    def _at(self, at_ns: int, what: Callable[[], None]) -> None:
        heapq.heappush(self._due, (at_ns, next(self._count), what))

    # --- time -----------------------------------------------------------------------------------

    def begin(self, ms: int = 2_500) -> Desk:
        """Start, open the streams, and let some time pass."""
        self.session.start(self.now_ns)
        self.advance(100)
        self.open(MARKET)
        self.open(ACCOUNT)
        self.advance(ms)
        return self

    def open(self, stream: str) -> None:
        """Open a stream."""
        self.opened.add(stream)
        self.session.stream_opened(NAME, stream, self.now_ns)

    def close(self, stream: str) -> None:
        """Lose a stream."""
        self.opened.discard(stream)
        self.session.stream_ended(NAME, stream, "cut", self.now_ns)

    def advance(self, ms: float) -> None:
        """Let time pass: ticks, books, and whatever is due on the way."""
        until_ns = self.now_ns + int(ms * MS)
        while True:
            session_ns = self.session.next_due_ns()
            due_ns = min(
                self._next_tick_ns,
                self._next_book_ns,
                self._due[0][0] if self._due else until_ns + 1,
                until_ns + 1 if session_ns is None else max(session_ns, self.now_ns),
            )
            if due_ns > until_ns:
                self.now_ns = until_ns
                return
            self.now_ns = max(self.now_ns, due_ns)
            if self._due and self._due[0][0] <= due_ns:
                heapq.heappop(self._due)[2]()
            elif self._next_book_ns <= due_ns:
                self._next_book_ns += 200 * MS
                self._frame(MARKET, [book(NAME)])
            elif self._next_tick_ns <= due_ns:
                self._next_tick_ns += 250 * MS
                self.session.tick(self.now_ns)
            else:
                before = session_ns
                self.session.wake(self.now_ns)
                assert self.session.next_due_ns() != before or self._due, "a wake that changed nothing"

    def stop(self, ms: float = 30_000) -> bool:
        """Ask for the end, and wait until the session is quiet; say whether it is."""
        self.session.stop("a test", self.now_ns)
        until_ns = self.now_ns + int(ms * MS)
        while not self.session.quiet and self.now_ns < until_ns:
            self.advance(50)
        self.session.finish(self.now_ns)
        return self.session.quiet

    # --- looking --------------------------------------------------------------------------------

    def want(self, *sides: Side, size: float = 0.002, price: float | None = None) -> Desk:
        """Want one quote on each of these sides."""
        prices = {Side.BUY: 9_995.0, Side.SELL: 10_005.0}
        wish = tuple(
            Target(instrument=BTC, side=side, price=price or prices[side], size_base=size) for side in sides
        )
        self.now_ns += 1  # no step before this one sees the wish, in a replay either
        self._wishes.append((self.now_ns, wish))
        return self

    def halt(self) -> None:
        """Let the strategy fail from here on, which halts the session."""
        self.now_ns += 1
        self._halts_ns = self.now_ns

    @property
    def state(self) -> TradingState:
        """What the session may do."""
        return self.session.state

    @property
    def venue_state(self) -> TradingState:
        """What the session may do on the venue."""
        return self.session.safety.states.effective(NAME)

    @property
    def orders(self) -> list[tuple[str, str]]:
        """Return side and state of each open order that the session knows."""
        return [(r.order.side.value, r.state.value) for r in self.session.open_orders()]

    @property
    def position(self) -> Decimal:
        """Return the position that the session believes in."""
        return self.session.positions().get(BTC, Decimal(0))

    def on_its_way(self) -> list[PlaceOrder]:
        """Return the orders that have left and will arrive."""
        return list(self._on_its_way.values())

    def totals(self) -> OpenOrders:
        """Return what the session believes may still fill."""
        return self.session._trading.tracker.totals(BTC)  # noqa: SLF001  # no one else may ask

    @property
    def unusable(self) -> str:
        """Return why nothing may be quoted."""
        (market,) = self.session.snapshot(self.now_ns).venues[0].markets
        return market.unusable

    @property
    def notices(self) -> tuple[str, ...]:
        """Return what the venue or its connector said."""
        return self.session.snapshot(self.now_ns).venues[0].notices

    def replayed(self) -> ReplayResult:
        """Run everything that was recorded once more, without a key, and compare."""

        def build(start: dict[str, Any], recorder: Any) -> Session:
            account = start["accounts"][NAME]
            nonces = NonceSource(self.spec.nonce, floor=account["nonce_floor"])
            signatory = Signatory.in_replay(self.spec, nonces, account["identity"])
            return self._session(recorder, NoWire(), signatory)

        return replay(iter(self.recorder.records), build)

"""Connector and twin speak with each other, byte by byte: what one says, the other understands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any, TypeVar

import pytest

from paraphina_core.connector import (
    ConnectorContext,
    HttpRequest,
    Request,
    StreamRequest,
    TradeMode,
    WebSocketSource,
    WriteContext,
)
from paraphina_core.domain import (
    NS_PER_MS,
    Answered,
    ArmDeadMan,
    BalanceReport,
    Batch,
    BestBidOffer,
    BookSnapshot,
    CancelOrder,
    CancelRejected,
    ClientOrderId,
    Command,
    DeadManReport,
    Event,
    Fill,
    FillsListed,
    FundingRate,
    InstrumentDefined,
    Liquidity,
    MarkPrice,
    MessageBudgetReport,
    ModifyOrder,
    ModifyRejected,
    OpenOrdersListed,
    OrderAccepted,
    OrderCancelled,
    OrderModified,
    OrderNotFound,
    OrderRejected,
    OrderReport,
    OrderState,
    PlaceOrder,
    PositionsListed,
    Query,
    QueryAccount,
    QueryBook,
    QueryFills,
    QueryFunding,
    QueryInstruments,
    QueryMessageBudget,
    QueryOpenOrders,
    QueryOrder,
    QueryTime,
    SetLeverage,
    Side,
    SubscriptionLive,
    TimeInForce,
    Trade,
    VenueNotice,
    VenueTime,
    instrument_id,
)
from paraphina_core.twin import TwinContext, TwinRequest, VenueClock
from paraphina_hyperliquid.connector import ACCOUNT, MARKET, HyperliquidConnector
from paraphina_hyperliquid.signer import Signer
from paraphina_hyperliquid.twin import HyperliquidTwin

START_NS = 1_767_227_400_000_000_000
HYPE = instrument_id("hyperliquid", "HYPE")
SESSIONS = {1: MARKET, 2: ACCOUNT}

_Event = TypeVar("_Event", bound=Event)


class World:
    """A connector and the venue's twin with a wire between them, in virtual time."""

    def __init__(
        self, mode: TradeMode = TradeMode.TESTNET, *, key: str = "agent", vault: bool = False
    ) -> None:
        self.at_ns = START_NS
        self.twin = HyperliquidTwin(
            TwinContext(
                seed=7,
                start_ns=START_NS,
                network=mode.network,
                clock=VenueClock(),
                wire=self,
                settings={"traded_usd": "2000000"},
            )
        )
        owner = self.twin.accounts[0]
        self.signer = Signer(owner.agent_key if key == "agent" else owner.key)
        traded = self.twin.subaccount if vault else owner.address
        settings = {"coin": "HYPE", "vault_address": traded, "account_address": owner.address}
        self.connector = HyperliquidConnector(
            ConnectorContext(mode=mode, network=mode.network, settings=settings, seed=1)
        )
        self.told: list[Event] = []
        self._inbox: list[tuple[int, bytes]] = []
        self._closed: list[int] = []
        self._nonce = 0

    # What the twin calls.

    def send(self, session: int, payload: bytes, *, binary: bool = False) -> None:
        """Take a message of the venue."""
        assert not binary
        self._inbox.append((session, payload))

    def close(self, session: int, code: int = 1000, reason: str = "") -> None:
        """Take note that the venue has hung up."""
        self._closed.append(session)

    # What a session does.

    def context(self) -> WriteContext:
        """Return what one request may use of the world."""
        self._nonce = max(self._nonce + 1, self.at_ns // NS_PER_MS)
        return WriteContext(
            nonce=self._nonce, at_ns=self.at_ns, sign=self.signer.sign, identity=self.signer.identity
        )

    def wait(self, ms: int) -> None:
        """Let time pass, and read whatever the venue sends."""
        self.at_ns += ms * NS_PER_MS
        self.twin.advance(self.at_ns)
        self._read()

    def _read(self) -> None:
        while self._inbox:
            session, frame = self._inbox.pop(0)
            self.told.extend(self.connector.read(SESSIONS[session], frame, self.at_ns))

    def begin(self) -> None:
        """Read the listings and open every stream of the plan."""
        plan = self.connector.plan()
        for query in plan.bootstrap:
            self.ask(query)
        for stream in plan.streams:
            assert isinstance(stream.source, WebSocketSource)
            session = next(number for number, name in SESSIONS.items() if name == stream.name)
            assert self.twin.connect(session, TwinRequest(method="GET", target="/ws"), self.at_ns) is None
            for message in self.connector.opened(stream.name, self.context()):
                self.twin.receive(session, message, self.at_ns)
        self.wait(1_500)

    def ask(self, query: Query) -> Sequence[Event]:
        """Ask a query and return what the answer means."""
        return self._carry(self.connector.ask(query, self.context()))

    def write(self, command: Command) -> Sequence[Event]:
        """Send a command, and return what its answer means."""
        return self._carry(self.connector.write(command, self.context()))

    def _carry(self, request: Request) -> Sequence[Event]:
        if isinstance(request, StreamRequest):
            before = len(self.told)
            session = next(number for number, name in SESSIONS.items() if name == request.stream)
            self.twin.receive(session, request.payload, self.at_ns)
            self.wait(200)
            events = self.told[before:]
            (place,) = [n for n, e in enumerate(events) if e == Answered(correlation=request.correlation)]
            return [event for event in events[place + 1 :] if not isinstance(event, _MARKET)]
        target = request.url.partition("://")[2].partition("/")[2]
        answer = self.twin.request(
            TwinRequest(method=request.method, target=f"/{target}", body=request.body), self.at_ns
        )
        told = list(self.connector.read_answer(request, answer, self.at_ns))
        self.wait(200)
        return told

    def heard(self, kind: type[_Event]) -> list[_Event]:
        """Return everything of a kind that the streams have told."""
        return [event for event in self.told if isinstance(event, kind)]

    def touch(self) -> tuple[Decimal, Decimal]:
        """Return bid and ask of the venue."""
        (book,) = self.ask(QueryBook(instrument=HYPE))
        assert isinstance(book, BookSnapshot)
        return Decimal(str(book.bids[0].price)), Decimal(str(book.asks[0].price))


_MARKET = (BookSnapshot, BestBidOffer, Trade, FundingRate, MarkPrice)


@pytest.fixture(params=["agent", "owner", "subaccount", "mainnet"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """Return a world in which everything is open, for each kind of account and both networks."""
    mode = TradeMode.LIVE if request.param == "mainnet" else TradeMode.TESTNET
    made = World(
        mode, key="owner" if request.param == "owner" else "agent", vault=request.param == "subaccount"
    )
    made.begin()
    yield made
    assert made._closed == []  # noqa: SLF001  # whatever was sent, the venue never hung up


def place(client_order_id: int, price: Decimal, **changes: Any) -> PlaceOrder:
    """Return a buy of one."""
    values: dict[str, Any] = {
        "instrument": HYPE,
        "client_order_id": ClientOrderId(client_order_id),
        "side": Side.BUY,
        "price": price,
        "size": Decimal(1),
    }
    return PlaceOrder(**values | changes)


def cancel(client_order_id: int, venue_order_id: str | None = None) -> CancelOrder:
    """Return a cancel."""
    return CancelOrder(
        instrument=HYPE, client_order_id=ClientOrderId(client_order_id), venue_order_id=venue_order_id
    )


def test_every_topic_of_the_plan_becomes_live_and_the_market_speaks(world: World) -> None:
    """Both sockets are subscribed, and the venue has confirmed whose account it is."""
    topics = {topic for stream in world.connector.plan().streams for topic in stream.topics}
    assert {event.topic for event in world.heard(SubscriptionLive)} >= topics
    world.wait(3_000)
    for kind in (BookSnapshot, BestBidOffer, FundingRate, MarkPrice):
        assert world.heard(kind), kind
    assert not world.heard(VenueNotice)


def test_an_order_rests_is_changed_and_is_cancelled(world: World) -> None:
    """Over the stream, with what the stream says besides agreeing."""
    bid, _ = world.touch()
    price = bid * Decimal("0.9")
    price = price.quantize(Decimal("0.01"))
    accepted = [e for e in world.write(place(1, price, post_only=True)) if isinstance(e, OrderAccepted)]
    assert {event.client_order_id for event in accepted} == {1}
    (old_id,) = {event.venue_order_id for event in accepted}
    change = ModifyOrder(
        instrument=HYPE,
        client_order_id=ClientOrderId(1),
        venue_order_id=old_id,
        side=Side.BUY,
        price=price - Decimal("0.01"),
        size=Decimal(2),
        post_only=True,
    )
    (modified,) = [e for e in world.write(change) if isinstance(e, OrderModified)]
    assert modified.venue_order_id != old_id
    assert not world.heard(OrderCancelled)  # the old one's end is not ours
    (listed,) = world.ask(QueryOpenOrders())
    assert isinstance(listed, OpenOrdersListed)
    assert [(o.venue_order_id, o.size, o.client_order_id) for o in listed.orders] == [
        (modified.venue_order_id, Decimal(2), 1)
    ]
    events = world.write(cancel(1))
    assert {e.client_order_id for e in events if isinstance(e, OrderCancelled)} == {1}
    assert all(
        event.venue_order_id in {None, modified.venue_order_id} for event in world.heard(OrderCancelled)
    )
    (report,) = world.ask(QueryOrder(instrument=HYPE, client_order_id=ClientOrderId(1)))
    assert isinstance(report, OrderReport)
    assert (report.state, report.filled_size) == (OrderState.CANCELLED, Decimal(0))


def test_an_order_that_crosses_fills_and_every_word_of_it_agrees(world: World) -> None:
    """Answer, update, fill, position, list of fills and money."""
    _, ask = world.touch()
    limit = (ask * Decimal("1.02")).quantize(Decimal("0.01"))
    world.write(place(2, limit, time_in_force=TimeInForce.IOC))
    (fill, *more) = [event for event in world.heard(Fill) if event.client_order_id == 2]
    assert fill.liquidity is Liquidity.TAKER
    assert fill.fee > 0
    total = sum((each.size for each in (fill, *more)), Decimal(0))
    assert total == Decimal(1)
    (listed,) = world.ask(QueryFills(since_ns=START_NS))
    assert isinstance(listed, FillsListed)
    assert listed.is_complete
    assert {each.trade_id for each in listed.fills} == {each.trade_id for each in (fill, *more)}
    balance, positions = world.ask(QueryAccount())
    assert isinstance(balance, BalanceReport)
    assert isinstance(positions, PositionsListed)
    assert [(p.instrument, p.size) for p in positions.positions] == [(HYPE, Decimal(1))]
    (report,) = world.ask(QueryOrder(instrument=HYPE, client_order_id=ClientOrderId(2)))
    assert isinstance(report, OrderReport)
    assert (report.state, report.filled_size) == (OrderState.FILLED, Decimal(1))


def test_a_refused_order_has_its_code_and_was_never_live(world: World) -> None:
    """Off the book's other side, off the grid of values, and after it was gone."""
    bid, ask = world.touch()
    crossing = (ask * Decimal("1.01")).quantize(Decimal("0.01"))
    events = world.write(place(3, crossing, post_only=True))
    assert {e.code for e in events if isinstance(e, OrderRejected)} == {"post_only_crossed"}
    events = world.write(place(4, (bid * Decimal("0.9")).quantize(Decimal("0.01")), size=Decimal("0.01")))
    assert {e.code for e in events if isinstance(e, OrderRejected)} == {"below_min_notional"}
    far = (bid * Decimal("0.9")).quantize(Decimal("0.01"))
    events = world.write(place(5, far, time_in_force=TimeInForce.IOC))
    assert {e.code for e in events if isinstance(e, OrderRejected)} == {"ioc_no_match"}
    (missing,) = [e for e in world.write(cancel(99)) if isinstance(e, CancelRejected)]
    assert missing.code == "order_gone"
    change = ModifyOrder(
        instrument=HYPE,
        client_order_id=ClientOrderId(99),
        venue_order_id=None,
        side=Side.BUY,
        price=far,
        size=Decimal(1),
    )
    (gone,) = [e for e in world.write(change) if isinstance(e, ModifyRejected)]
    assert gone.code == "order_gone"
    (not_found,) = world.ask(QueryOrder(instrument=HYPE, client_order_id=ClientOrderId(99)))
    assert isinstance(not_found, OrderNotFound)


def test_batches_go_beside_the_stream_when_it_is_closed(world: World) -> None:
    """The same orders over HTTP, each with its own outcome."""
    bid, _ = world.touch()
    far = (bid * Decimal("0.9")).quantize(Decimal("0.01"))
    world.connector.closed(ACCOUNT)
    orders = Batch(commands=tuple(place(n, far - n * Decimal("0.01")) for n in (10, 11, 12)))
    request = world.connector.write(orders, world.context())
    assert isinstance(request, HttpRequest)
    events = world._carry(request)  # noqa: SLF001  # a request that was looked at first
    assert [e.client_order_id for e in events if isinstance(e, OrderAccepted)] == [10, 11, 12]
    events = world.write(Batch(commands=(cancel(10), cancel(11), cancel(77))))
    assert [type(event) for event in events] == [OrderCancelled, OrderCancelled, CancelRejected]


def test_settings_of_the_account_are_made(world: World) -> None:
    """A dead-man switch, which this account may have, and leverage."""
    armed, *_ = world.write(ArmDeadMan(window_ms=10_000))
    assert isinstance(armed, DeadManReport)
    assert armed.armed_until_ns is not None
    disarmed, *_ = world.write(ArmDeadMan(window_ms=0))
    assert disarmed == DeadManReport(armed_until_ns=None)
    (notice, *_) = world.write(SetLeverage(instrument=HYPE, leverage=3))
    assert isinstance(notice, VenueNotice)
    assert notice.code == "leverage_set"


def test_a_dead_man_switch_fires_and_says_so(world: World) -> None:
    """What rested is cancelled, and the switch is armed no more."""
    bid, _ = world.touch()
    world.write(place(20, (bid * Decimal("0.9")).quantize(Decimal("0.01")), post_only=True))
    world.write(ArmDeadMan(window_ms=6_000))
    world.wait(8_000)
    assert {event.client_order_id for event in world.heard(OrderCancelled)} == {20}
    assert DeadManReport(armed_until_ns=None, reason="it has fired") in world.told


def test_the_rest_of_the_questions_is_answered(world: World) -> None:
    """Listings, clock, message budget and funding."""
    (defined,) = world.ask(QueryInstruments())
    assert isinstance(defined, InstrumentDefined)
    (clock,) = world.ask(QueryTime())
    assert isinstance(clock, VenueTime)
    assert abs(clock.exchange_ns - world.at_ns) < 1_000 * NS_PER_MS
    (budget,) = world.ask(QueryMessageBudget())
    assert isinstance(budget, MessageBudgetReport)
    assert budget.limit > budget.used >= 0
    assert list(world.ask(QueryFunding(since_ns=START_NS))) == []

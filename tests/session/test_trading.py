"""What a venue says that does not fit what was sent is booked, shown, and stops what it must."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import msgspec
import pytest

from paraphina_core.config import load_profile
from paraphina_core.connector import Capability, ConnectorContext, FeeSchedule, Network, TradeMode
from paraphina_core.domain import (
    NS_PER_MS,
    CancelOrder,
    ClientOrderId,
    ClientOrderIds,
    Event,
    Fill,
    InstrumentId,
    Liquidity,
    MarketEvent,
    ModifyOrder,
    ModifyRejected,
    OrderAccepted,
    OrderCancelled,
    OrderState,
    PlaceOrder,
    RunNumber,
    Side,
    Target,
    TradingState,
    VenueNotice,
    View,
)
from paraphina_core.execution import (
    Finding,
    Ledger,
    NoWire,
    OrderTracker,
    Planner,
    PlannerRules,
    RouteCommand,
)
from paraphina_core.gates import SessionContext
from paraphina_core.market import Book
from paraphina_core.session.safety import Safety
from paraphina_core.session.trading import SentIds, Trading
from paraphina_core.session.venue import Venue
from scripted import book, instrument, plugin, steady, strategy_of

BTC = InstrumentId("alpha:BTC")


class Answering:
    """An order route that answers what a test tells it to, whatever was sent."""

    def __init__(self) -> None:
        self.sent: list[RouteCommand] = []
        self.answers: list[Event] = []

    def submit(self, command: RouteCommand, at_ns: int) -> None:
        self.sent.append(command)

    def flush(self, at_ns: int) -> None:
        """Nothing is held back."""

    def on_market(self, event: MarketEvent, book: Book, at_ns: int) -> Sequence[Event]:
        return ()

    def advance(self, at_ns: int) -> Sequence[Event]:
        answers, self.answers = self.answers, []
        return answers

    def next_due_ns(self) -> int | None:
        return None


class Kept:
    """A recorder that keeps the kinds of what it was given."""

    def __init__(self) -> None:
        self.kinds: list[str] = []

    def append(self, kind: str, at_ns: int, data: bytes) -> int:
        self.kinds.append(kind)
        return len(self.kinds)

    def record_frame(self, at_ns: int, connector: str, stream: str, frame: bytes) -> int:
        return 0


class Desk:
    """A trading desk on one venue that answers as it is told, with one buy resting."""

    def __init__(self) -> None:
        specs = {}
        plugin({"alpha": steady("alpha", 0)}).paraphina_register_connectors(
            lambda spec: specs.setdefault(spec.name, spec)
        )
        factory = specs["alpha"].factory
        assert factory is not None
        connector = factory(
            ConnectorContext(mode=TradeMode.PAPER, network=Network.MAINNET, settings={}, seed=1)
        )
        profile = load_profile("paper")
        sent_ids = SentIds()
        context = SessionContext(mode=TradeMode.PAPER, limits=profile, client_order_ids=sent_ids)
        self.route = Answering()
        self.venue = Venue(
            connector,
            self.route,
            fees=FeeSchedule(maker_bps=1.0, taker_bps=5.0, source="chosen"),
            network=Network.MAINNET,
            profile=profile,
            wire=NoWire(),
            seed=1,
        )
        self.recorder = Kept()
        venues = {"alpha": self.venue}
        self.trading = Trading(
            venues,
            strategy=strategy_of("buy", self._decide).build({}),
            planner=Planner(PlannerRules(), ClientOrderIds(lambda: RunNumber(7)).take),
            ledger=Ledger(Decimal(10_000)),
            safety=Safety(venues, OrderTracker(), context, self.recorder, cool_down_ns=0),
            sent_ids=sent_ids,
            recorder=self.recorder,
        )
        self.trading.begin(0)
        market = self.trading.define(self.venue, instrument("alpha"))
        market.book.apply(book("alpha"), 0)
        market.learn(0)
        self.venue.look(0)
        self.trading.step(0)
        (placed,) = self.route.sent
        assert isinstance(placed, PlaceOrder)
        self.order = placed

    def _decide(self, view: View, _at_ns: int) -> Sequence[Target]:
        return [
            Target(instrument=market.instrument.id, side=Side.BUY, price=9990.0, size_base=0.1)
            for market in view.markets
        ]

    def hear(self, *events: Event) -> None:
        """Let the venue answer, and take one step."""
        self.route.answers.extend(events)
        self.trading.step(1_000_000)

    def fill(self, trade_id: str, size: str, price: str = "9990", order: ClientOrderId | None = None) -> Fill:
        """Return a fill of the resting order, or of another one."""
        return Fill(
            instrument=BTC,
            client_order_id=self.order.client_order_id if order is None else order,
            venue_order_id=None,
            trade_id=trade_id,
            side=Side.BUY,
            price=Decimal(price),
            size=Decimal(size),
            fee=Decimal(0),
            liquidity=Liquidity.MAKER,
        )


@pytest.fixture
def desk() -> Desk:
    """Return a desk whose order the venue has accepted."""
    desk = Desk()
    desk.hear(OrderAccepted(instrument=BTC, client_order_id=desk.order.client_order_id, venue_order_id="1"))
    return desk


def test_f037_an_overfill_is_booked_and_halts(desk: Desk) -> None:
    """More than was ordered is a position all the same, and nothing but cancels leaves after it."""
    desk.hear(desk.fill("a", "0.3"))
    assert desk.trading.ledger.size(BTC) == Decimal("0.3")
    assert desk.trading.safety.state is TradingState.HALTED
    assert "overfill" in desk.trading.safety.reason
    assert "halt" in desk.recorder.kinds


def test_f033_a_repeated_fill_is_booked_once_and_one_that_contradicts_itself_halts(desk: Desk) -> None:
    """Same id and same data is a repetition; same id and other data is an alarm."""
    desk.hear(desk.fill("a", "0.05"), desk.fill("a", "0.05"))
    assert desk.trading.ledger.size(BTC) == Decimal("0.05")
    assert desk.trading.safety.state is TradingState.ACTIVE
    desk.hear(desk.fill("a", "0.04"))
    assert desk.trading.ledger.size(BTC) == Decimal("0.05")
    assert desk.trading.safety.state is TradingState.HALTED


def test_f039_a_fill_of_an_order_never_sent_is_booked_and_the_session_only_reduces(
    desk: Desk,
) -> None:
    """Somebody else trades on the account: counted, shown, and no new risk until a person has looked."""
    desk.hear(desk.fill("x", "0.2", order=ClientOrderId(5)))
    assert desk.trading.ledger.size(BTC) == Decimal("0.2")
    assert desk.trading.safety.state is TradingState.REDUCING
    assert any("nobody here sent" in notice for notice in desk.venue.notices)
    assert "reduce" in desk.recorder.kinds


def test_f039_the_end_of_an_order_that_nobody_knows_is_no_alarm(desk: Desk) -> None:
    """The venue may tell that it refused ours by its own id alone; nothing is open by that."""
    desk.hear(OrderCancelled(instrument=BTC, client_order_id=None, venue_order_id="77"))
    assert desk.trading.safety.state is TradingState.ACTIVE
    assert desk.trading.tracker.findings[Finding.EXTERNAL] == 1


def test_what_an_order_route_has_to_say_reaches_the_notices(desk: Desk) -> None:
    """A notice of the paper exchange is shown like one of the venue's stream."""
    desk.hear(VenueNotice(code="FUNDING_NOT_BOOKED", text="no price"))
    assert desk.venue.notices == ["FUNDING_NOT_BOOKED: no price"]


def test_a_wanted_side_without_an_order_says_why() -> None:
    """A refusal is remembered until the side is placed."""
    desk = Desk()
    desk.venue.health.disable("a test")
    desk.hear(desk.fill("a", "0.1"))
    assert desk.trading.wishes.not_quoted(BTC) == ("buy: VENUE_UNHEALTHY",)


# --- changes of orders --------------------------------------------------------------------------


class Mover(Desk):
    """A desk on a venue that changes orders in place; its strategy wants the buy where a test says."""

    wanted = 9990.0

    def __init__(self) -> None:
        super().__init__()
        spec = msgspec.structs.replace(
            self.venue.spec,
            capabilities={**self.venue.spec.capabilities, Capability.MODIFY: "in place"},
            changes_in_place=True,
        )
        self.venue.connector.spec = spec  # type: ignore[misc]  # a scripted venue that says so of itself

    def _decide(self, view: View, _at_ns: int) -> Sequence[Target]:
        return [
            msgspec.structs.replace(target, price=self.wanted) for target in super()._decide(view, _at_ns)
        ]

    def move(self, price: float, at_ms: int) -> Sequence[RouteCommand]:
        """Want another price, let the book be fresh, and return what leaves."""
        self.wanted = price
        before = len(self.route.sent)
        market = self.venue.markets[BTC]
        market.book.apply(book("alpha"), at_ms * NS_PER_MS)
        market.learn(at_ms * NS_PER_MS)
        self.venue.look(at_ms * NS_PER_MS)
        self.trading.step(at_ms * NS_PER_MS)
        return self.route.sent[before:]

    def accept(self) -> None:
        """Let the order rest."""
        number = self.order.client_order_id
        self.hear(OrderAccepted(instrument=BTC, client_order_id=number, venue_order_id="v1"))


def test_a_moved_quote_is_one_message_that_is_written_down_before_it_leaves() -> None:
    """Both terms count as exposure until the venue has answered."""
    desk = Mover()
    desk.accept()
    (change,) = desk.move(9992.0, 1_000)
    assert isinstance(change, ModifyOrder)
    assert (change.client_order_id, change.price) == (desk.order.client_order_id, Decimal(9992))
    assert desk.recorder.kinds[-1] == "modify"
    assert desk.trading.tracker.totals(BTC).buy_base == Decimal("0.2")
    assert desk.trading.changed == 1


def test_a_change_that_a_gate_refuses_becomes_a_cancel() -> None:
    """An order that may not stand where it is wanted does not stay where it is not."""
    desk = Mover()
    desk.accept()
    profile = msgspec.structs.replace(
        load_profile("paper"), max_order_notional_usd=100.0, base_order_notional_usd=50.0
    )
    desk.trading.safety.context.limits = profile
    (command,) = desk.move(9992.0, 1_000)
    assert isinstance(command, CancelOrder)
    assert desk.trading.refusals == {"NOTIONAL_ABOVE_MAXIMUM": 1}


def test_a_refused_change_pauses_its_side_like_a_refused_order() -> None:
    """The order is asked for meanwhile, since it may be gone with the change."""
    desk = Mover()
    desk.accept()
    desk.move(9992.0, 1_000)
    desk.route.answers.append(
        ModifyRejected(
            instrument=BTC,
            client_order_id=desk.order.client_order_id,
            venue_order_id="v1",
            code="NO",
            reason="no",
        )
    )
    assert desk.move(9994.0, 1_010) == []
    record = desk.trading.tracker.get(desk.order.client_order_id)
    assert record is not None
    assert record.state is OrderState.UNKNOWN

"""Orders arrive at the paper exchange late, meet the book as it is then, and pay what it shows."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from paper_world import PaperWorld, fills_of, kinds
from paraphina_core.domain import (
    NS_PER_MS,
    BookDelta,
    BookGap,
    CancelAll,
    CancelOrder,
    ClientOrderId,
    Fill,
    InstrumentDefined,
    InvariantError,
    Liquidity,
    LocalError,
    MarkPrice,
    OrderAccepted,
    OrderCancelled,
    Side,
    TimeInForce,
    TradingStatus,
)
from paraphina_core.execution import MAX_RESTING_ORDERS, PaperSettings, paper
from trading import BTC, ETH, levels, place, snapshot, trade

BUY, SELL, IOC = Side.BUY, Side.SELL, TimeInForce.IOC
BOOK = snapshot(((100.0, 2.0), (99.5, 4.0)), ((101.0, 1.0), (101.5, 3.0), (102.0, 5.0)))


def _world(**settings: Any) -> PaperWorld:
    world = PaperWorld(**settings)
    world.see(BOOK)
    return world


# --- taking liquidity ---------------------------------------------------------------------------


def test_an_order_that_crosses_takes_level_by_level_at_each_levels_price() -> None:
    """A buy up to 101.5 gets the better level first, and its rest waits at 101.5."""
    world = _world()
    events = world.send(place(1, BUY, 101.5, 6))
    assert kinds(events) == ["OrderAccepted", "Fill", "Fill"]
    assert fills_of(events) == [(1, 101.0, 1.0), (1, 101.5, 3.0)]
    assert {event.liquidity for event in events if isinstance(event, Fill)} == {Liquidity.TAKER}
    assert kinds(world.cancel(1)) == ["OrderCancelled"]


def test_a_sell_takes_from_the_bids() -> None:
    """The mirror image: best bid first, never below the limit."""
    assert fills_of(_world().send(place(1, SELL, 99.5, 3))) == [(1, 100.0, 2.0), (1, 99.5, 1.0)]


def test_an_immediate_order_cancels_what_it_cannot_take() -> None:
    """IOC never rests: the remainder is cancelled, and so is an order that takes nothing."""
    world = _world()
    assert kinds(world.send(place(1, BUY, 101, 5, time_in_force=IOC))) == [
        "OrderAccepted",
        "Fill",
        "OrderCancelled",
    ]
    assert kinds(world.send(place(2, BUY, 99, 5, time_in_force=IOC))) == ["OrderAccepted", "OrderCancelled"]
    assert kinds(world.send(place(3, BUY, "101.5", 3, time_in_force=IOC))) == ["OrderAccepted", "Fill"]
    assert kinds(world.send(CancelAll())) == []


def test_what_was_taken_cannot_be_taken_again_until_the_level_shows_another_size() -> None:
    """Nobody else sees our trades, so the exchange itself remembers what it gave away."""
    world = _world()
    assert fills_of(world.send(place(1, BUY, 101, "0.6", time_in_force=IOC))) == [(1, 101.0, 0.6)]
    assert fills_of(world.send(place(2, BUY, 101, 5, time_in_force=IOC))) == [(2, 101.0, 0.4)]
    assert fills_of(world.send(place(3, BUY, 101, 5, time_in_force=IOC))) == []
    world.see(BOOK)
    assert fills_of(world.send(place(4, BUY, 101, 5, time_in_force=IOC))) == []
    world.see(BookDelta(instrument=BTC.id, bids=(), asks=levels((101.0, 2.0))))
    assert fills_of(world.send(place(5, BUY, 101, 5, time_in_force=IOC))) == [(5, 101.0, 2.0)]


def test_part_of_a_lot_is_not_taken() -> None:
    """A level that shows less than a lot more than whole lots gives whole lots."""
    world = PaperWorld()
    world.see(snapshot(((100.0, 1.0),), ((101.0, 0.25),)))
    assert fills_of(world.send(place(1, BUY, 101, 5, time_in_force=IOC))) == [(1, 101.0, 0.2)]


def test_fees_are_those_of_the_schedule() -> None:
    """A taker pays five basis points of its notional here."""
    (_, event) = _world().send(place(1, BUY, 101, 1))
    assert isinstance(event, Fill)
    assert event.fee == Decimal("0.0505")


# --- time ---------------------------------------------------------------------------------------


def test_commands_and_answers_each_take_the_latency() -> None:
    """Nothing happens before the first delay, and nothing is heard before the second."""
    world = _world(latency_ms=50)
    assert world.exchange.next_due_ns() is None
    assert world.send(place(1, BUY, 101, 1)) == []
    assert world.exchange.next_due_ns() == 50 * NS_PER_MS
    assert world.wait(99) == []
    assert world.exchange.next_due_ns() == 100 * NS_PER_MS
    events = world.wait(1)
    assert kinds(events) == ["OrderAccepted", "Fill"]
    assert {event.exchange_ns for event in events} == {50 * NS_PER_MS}
    assert world.exchange.next_due_ns() is None


def test_an_order_meets_the_book_of_its_arrival_and_not_that_of_its_decision() -> None:
    """The ask that was aimed at is gone when the order comes, and the order rests."""
    world = _world(latency_ms=50)
    world.send(place(1, BUY, 101, 1))
    world.wait(40)
    world.see(snapshot(((100.0, 2.0),), ((101.5, 3.0),)))
    assert kinds(world.wait(100)) == ["OrderAccepted"]


def test_a_frame_later_than_the_arrival_does_not_change_what_the_order_met() -> None:
    """Time passes before the book moves: an order due before a frame meets the book before it."""
    world = _world(latency_ms=50)
    world.send(place(1, BUY, 101, 1))
    world.now_ms = 60
    world.see(snapshot(((100.0, 2.0),), ((101.5, 3.0),)))
    assert kinds(world.wait(100)) == ["OrderAccepted", "Fill"]


def test_an_order_due_before_a_trade_is_there_when_the_trade_comes() -> None:
    """Time passes with every market event, also without a word of whoever drives the exchange."""
    world = _world(latency_ms=50)
    world.send(place(1, BUY, 100, 1))
    world.exchange.on_market(trade(99.0, 9.0, SELL), world.books[BTC.id], 60 * NS_PER_MS)
    assert kinds(world.wait(200)) == ["OrderAccepted", "Fill"]


def test_nothing_overtakes_on_the_way() -> None:
    """With jitter, commands and answers keep their order, as on one connection."""
    world = _world(latency_ms=10, latency_jitter_ms=50)
    sent = list(range(1, 30))
    for number in sent:
        world.send(place(number, BUY, 99, "0.2"))
    world.send(CancelAll())
    events = world.wait(200)
    assert [event.client_order_id for event in events if isinstance(event, OrderAccepted)] == sent
    times = [event.exchange_ns for event in events if isinstance(event, OrderAccepted)]
    assert times == sorted(times)
    assert [event.client_order_id for event in events if isinstance(event, OrderCancelled)] == sent


def test_another_seed_gives_other_delays_and_the_same_seed_the_same() -> None:
    """Chance is decided by the seed alone."""

    def due(seed: int) -> int | None:
        world = _world(latency_jitter_ms=100, seed=seed)
        world.send(place(1, BUY, 101, 1))
        return world.exchange.next_due_ns()

    assert due(1) == due(1)
    assert due(1) != due(2)


# --- refusals -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("order", "code"),
    [
        (place(1, BUY, 101, 1, post_only=True), "POST_ONLY_WOULD_CROSS"),
        (place(1, SELL, 100, 1, post_only=True), "POST_ONLY_WOULD_CROSS"),
        (place(1, BUY, "100.2", 1), "PRICE_OFF_GRID"),
        (place(1, BUY, 100, "0.15"), "SIZE_OFF_GRID"),
        (place(1, BUY, 90, "0.1"), "NOTIONAL_BELOW_MINIMUM"),
        (place(1, BUY, 100, 1, reduce_only=True), "REDUCE_ONLY_WOULD_INCREASE"),
        (place(1, BUY, 100, 1_001), "INSUFFICIENT_MARGIN"),
        (place(1, BUY, 50, 1, ETH), "UNKNOWN_INSTRUMENT"),
    ],
)
def test_f045_what_a_venue_refuses_is_refused(order: Any, code: str) -> None:
    """Each refusal has its code, and the order never was live."""
    world = _world()
    assert kinds(world.send(order)) == [code]
    assert kinds(world.send(CancelAll())) == []


@pytest.mark.parametrize(
    ("rules", "order", "code"),
    [
        ({"min_size": Decimal(2)}, place(1, BUY, 100, 1), "SIZE_BELOW_MINIMUM"),
        ({"max_size": Decimal(2)}, place(1, BUY, 100, 3), "SIZE_ABOVE_MAXIMUM"),
        ({"min_size": Decimal(2), "max_size": Decimal(2)}, place(1, BUY, 100, 2), "OrderAccepted"),
        ({"min_notional": Decimal(99), "max_notional": Decimal(99)}, place(1, BUY, 99, 1), "OrderAccepted"),
        ({"max_notional": Decimal(99)}, place(1, BUY, 100, 1), "NOTIONAL_ABOVE_MAXIMUM"),
        ({"status": TradingStatus.HALTED}, place(1, BUY, 100, 1), "INSTRUMENT_STATUS"),
        ({"status": TradingStatus.CANCEL_ONLY}, place(1, BUY, 100, 1), "INSTRUMENT_STATUS"),
        ({"status": TradingStatus.POST_ONLY}, place(1, BUY, 100, 1), "INSTRUMENT_STATUS"),
        ({"status": TradingStatus.POST_ONLY}, place(1, BUY, 100, 1, post_only=True), "OrderAccepted"),
        ({"status": TradingStatus.REDUCE_ONLY}, place(1, BUY, 100, 1), "INSTRUMENT_STATUS"),
    ],
)
def test_f057_changed_rules_hold_from_the_moment_they_are_known(
    rules: dict[str, Any], order: Any, code: str
) -> None:
    """The venue may change sizes, limits and status while the session runs."""
    world = _world()
    world.see(InstrumentDefined(instrument=msgspec.structs.replace(BTC, **rules)))
    assert kinds(world.send(order)) == [code]


def test_a_client_order_id_that_is_live_is_refused() -> None:
    """The same id may be live once only."""
    world = _world()
    assert kinds(world.send(place(1, BUY, 99, 1), place(1, BUY, 99, 1)))[1:] == ["DUPLICATE_CLIENT_ORDER_ID"]


def test_f047_an_order_that_would_meet_an_own_one_is_refused() -> None:
    """The exchange prevents self-trades by refusing the newer order."""
    world = _world()
    world.send(place(1, SELL, "100.5", 1))
    assert kinds(world.send(place(2, BUY, "100.5", 1))) == ["SELF_TRADE"]
    assert kinds(world.send(place(3, BUY, 100, 1))) == ["OrderAccepted"]


def test_an_order_without_a_live_book_is_refused() -> None:
    """There is nothing to match against: refusing is the answer that claims least."""
    world = PaperWorld()
    assert kinds(world.send(place(1, BUY, 100, 1))) == ["BOOK_NOT_LIVE"]
    world.see(BOOK)
    world.see(BookGap(instrument=BTC.id, reason="sequence"))
    assert kinds(world.send(place(2, BUY, 100, 1))) == ["BOOK_NOT_LIVE"]


def test_margin_counts_position_open_orders_and_the_order_at_their_worst() -> None:
    """With 1,000 USD and leverage 2, a second order is refused where both together could exceed it."""
    world = _world(balance_usd=Decimal(1_000), max_leverage=2.0)
    assert kinds(world.send(place(1, BUY, 100, 12))) == ["OrderAccepted"]
    assert kinds(world.send(place(2, BUY, 100, 9))) == ["INSUFFICIENT_MARGIN"]
    assert kinds(world.send(place(3, SELL, 102, 9))) == ["OrderAccepted"]
    assert kinds(world.send(place(4, BUY, 100, 5))) == ["OrderAccepted"]


def test_margin_counts_every_instrument() -> None:
    """What one instrument may cost is not there for another."""
    world = PaperWorld(BTC, ETH, balance_usd=Decimal(1_000), max_leverage=2.0)
    world.see(BOOK)
    world.see(snapshot(((50.0, 9.0),), ((51.0, 9.0),), ETH.id))
    assert kinds(world.send(place(1, BUY, 100, 12), place(2, BUY, 50, 20, ETH))) == [
        "OrderAccepted",
        "INSUFFICIENT_MARGIN",
    ]


def test_margin_is_exact_at_its_limit_and_values_an_order_at_the_dearer_price() -> None:
    """Twenty at a mark of 100 use 2,000 USD; a buy that may pay 102 is valued at 102."""
    for order, code in (
        (place(1, BUY, 100, 20), "OrderAccepted"),
        (place(1, BUY, 100, "20.1"), "INSUFFICIENT_MARGIN"),
        (place(1, BUY, 102, "19.7"), "INSUFFICIENT_MARGIN"),
    ):
        world = _world(balance_usd=Decimal(1_000), max_leverage=2.0)
        world.see(MarkPrice(instrument=BTC.id, mark_price=100.0))
        assert kinds(world.send(order))[0] == code


def test_an_order_that_reduces_passes_whatever_the_equity_is() -> None:
    """A lost account can still close its position, by an order that closes it or by reduce-only ones."""
    world = _world(balance_usd=Decimal(60), max_leverage=2.0)
    world.send(place(1, BUY, 101, 1))
    world.see(snapshot(((50.0, 9.0),), ((51.0, 9.0),)))
    assert kinds(world.send(place(2, BUY, 50, 1))) == ["INSUFFICIENT_MARGIN"]
    assert kinds(world.send(place(3, SELL, 55, 1))) == ["OrderAccepted"]
    assert kinds(world.send(place(4, SELL, 55, 3))) == ["INSUFFICIENT_MARGIN"]
    assert kinds(world.send(place(5, SELL, 50, 3, reduce_only=True)))[:2] == ["OrderAccepted", "Fill"]


def test_one_order_more_than_the_maximum_is_refused() -> None:
    """The number of resting orders is bounded; at the bound all are taken."""
    world = PaperWorld(balance_usd=Decimal(10**9))
    world.see(BOOK)
    numbers = range(1, MAX_RESTING_ORDERS + 2)
    answers = kinds(world.send(*(place(number, BUY, 99, "0.2") for number in numbers)))
    assert answers == ["OrderAccepted"] * MAX_RESTING_ORDERS + ["OPEN_ORDERS_LIMIT"]


def test_more_commands_than_can_be_on_their_way_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """The queue of commands is bounded: at the bound they are taken, one more is not."""
    monkeypatch.setattr(paper, "MAX_COMMANDS_UNDER_WAY", 2)
    world = _world(latency_ms=1)
    world.send(CancelAll(), CancelAll())
    with pytest.raises(InvariantError, match="too many commands"):
        world.send(CancelAll())


@pytest.mark.parametrize(
    "settings",
    [
        {"latency_ms": -1},
        {"latency_jitter_ms": -1},
        {"balance_usd": Decimal(-1)},
        {"max_leverage": 0.0},
        {"max_leverage": float("nan")},
        {"max_leverage": 1_001.0},
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, Any]) -> None:
    """A negative delay or balance and an endless leverage are mistakes of ours."""
    with pytest.raises(LocalError, match="paper settings"):
        PaperSettings(**settings)


# --- cancels ------------------------------------------------------------------------------------


def test_a_cancel_of_an_order_that_is_not_there_is_rejected() -> None:
    """Unknown, already cancelled, filled, or of another instrument: there is nothing to cancel."""
    world = _world()
    assert kinds(world.cancel(1)) == ["ORDER_NOT_FOUND"]
    world.send(place(1, BUY, 99, 1))
    assert kinds(world.cancel(1, ETH)) == ["ORDER_NOT_FOUND"]
    assert kinds(world.cancel(1)) == ["OrderCancelled"]
    assert kinds(world.cancel(1)) == ["ORDER_NOT_FOUND"]


def test_f035_the_fill_comes_before_the_refused_cancel() -> None:
    """A cancel that loses the race is refused after the fill was told."""
    world = _world(latency_ms=50)
    world.send(place(1, BUY, 101, 1))
    world.now_ms = 10
    world.send(CancelOrder(instrument=BTC.id, client_order_id=ClientOrderId(1)))
    assert kinds(world.wait(500)) == ["OrderAccepted", "Fill", "ORDER_NOT_FOUND"]


def test_cancel_all_cancels_everything_or_one_instrument() -> None:
    """Every cancelled order is answered by name."""
    world = PaperWorld(BTC, ETH)
    world.see(BOOK)
    world.see(snapshot(((50.0, 9.0),), ((51.0, 9.0),), ETH.id))
    world.send(place(1, BUY, 99, 1), place(2, BUY, 49, 1, ETH), place(3, SELL, 103, 1))
    events = world.send(CancelAll(instrument=BTC.id))
    assert [event.client_order_id for event in events if isinstance(event, OrderCancelled)] == [1, 3]
    assert kinds(world.send(CancelAll())) == ["OrderCancelled"]
    assert kinds(world.send(CancelAll())) == []


# --- reduce-only --------------------------------------------------------------------------------


def test_a_reduce_only_order_takes_no_more_than_the_position() -> None:
    """It is capped when it matches, and what is left of it has nothing to do."""
    world = _world()
    world.send(place(1, BUY, 101, 1))
    events = world.send(place(2, SELL, "99.5", 3, reduce_only=True))
    assert kinds(events) == ["OrderAccepted", "Fill", "OrderCancelled"]
    assert fills_of(events) == [(2, 100.0, 1.0)]
    assert world.exchange.ledger.size(BTC.id) == 0


def test_f046_resting_reduce_only_orders_go_when_the_position_is_gone() -> None:
    """They are cancelled, as venues do, and do not wait for the next position."""
    world = _world()
    world.send(place(1, BUY, 101, 1), place(2, SELL, 105, 1, reduce_only=True))
    events = world.send(place(3, SELL, 100, 1))
    assert kinds(events) == ["OrderAccepted", "Fill", "OrderCancelled"]
    assert events[-1].client_order_id == 2


def test_the_exchanges_books_are_those_of_its_fills() -> None:
    """Whoever books the reported fills has the exchange's own position, to be compared."""
    world = _world()
    events = world.send(place(1, BUY, 102, 7), place(2, SELL, 99, 3))
    assert world.exchange.ledger.size(BTC.id) == sum(
        event.size * event.side.sign for event in events if isinstance(event, Fill)
    )

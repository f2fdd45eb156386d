"""Shadow orders are recorded with the market they would have met, acknowledged, and never filled."""

from __future__ import annotations

from decimal import Decimal

import pytest

from paraphina_core.domain import (
    BookGap,
    CancelAll,
    CancelOrder,
    ClientOrderId,
    Event,
    Level,
    OrderAccepted,
    OrderState,
    PlaceOrder,
    Side,
    Target,
    TimeInForce,
)
from paraphina_core.execution import (
    MAX_RESTING_ORDERS,
    OrderTracker,
    Planner,
    PlannerRules,
    ShadowOrder,
    ShadowRecorder,
)
from paraphina_core.market import Book
from trading import BTC, ETH, place, snapshot, trade

BUY, SELL = Side.BUY, Side.SELL
BOOK = snapshot(((100.0, 1.0),), ((101.0, 3.0),))


class _Shadow:
    """A shadow route with one book, and what it recorded."""

    def __init__(self) -> None:
        self.recorded: list[tuple[ShadowOrder, int]] = []
        self.route = ShadowRecorder(lambda order, at_ns: self.recorded.append((order, at_ns)))
        self.book = Book(BTC.id)

    def see_book(self) -> None:
        self.book.apply(BOOK, 1)
        assert list(self.route.on_market(BOOK, self.book, 1)) == []

    def send(self, *commands: PlaceOrder | CancelOrder | CancelAll) -> list[Event]:
        for command in commands:
            self.route.submit(command, 5)
        return list(self.route.advance(5))


def _names(events: list[Event]) -> list[str]:
    return [getattr(event, "code", "") or type(event).__name__ for event in events]


def _cancel(number: int) -> CancelOrder:
    return CancelOrder(instrument=BTC.id, client_order_id=ClientOrderId(number))


def test_an_order_is_recorded_with_the_market_it_would_have_met() -> None:
    """Best bid, best ask and microprice of that moment are what the order is judged by afterwards."""
    shadow = _Shadow()
    shadow.see_book()
    order = place(1, BUY, 100, 1)
    assert _names(shadow.send(order)) == ["OrderAccepted"]
    expected = ShadowOrder(
        order=order, best_bid=Level(100.0, 1.0), best_ask=Level(101.0, 3.0), fair_value=100.25
    )
    assert shadow.recorded == [(expected, 5)]


@pytest.mark.parametrize("gapped", [False, True])
def test_without_a_live_book_the_record_says_so(gapped: bool) -> None:
    """No price is recorded that nobody could believe."""
    shadow = _Shadow()
    if gapped:
        shadow.see_book()
        shadow.book.apply(BookGap(instrument=BTC.id, reason="sequence"), 2)
    shadow.send(place(1, BUY, 100, 1))
    record = shadow.recorded[0][0]
    assert (record.best_bid, record.best_ask, record.fair_value) == (None, None, None)


def test_answers_come_from_advance_and_never_from_submit() -> None:
    """The route says when it has something, and then has nothing more."""
    shadow = _Shadow()
    assert shadow.route.next_due_ns() is None
    shadow.route.submit(place(1, BUY, 100, 1), 7)
    assert shadow.route.next_due_ns() == 7
    assert _names(list(shadow.route.advance(7))) == ["OrderAccepted"]
    assert shadow.route.next_due_ns() is None


def test_a_shadow_order_never_fills() -> None:
    """Not by a trade through it, not by a book through it, not on arrival."""
    shadow = _Shadow()
    shadow.see_book()
    shadow.send(place(1, BUY, 101, 1))
    assert list(shadow.route.on_market(trade(90.0, 9.0, SELL), shadow.book, 6)) == []
    crossing = snapshot(((90.0, 1.0),), ((91.0, 1.0),))
    shadow.book.apply(crossing, 6)
    assert list(shadow.route.on_market(crossing, shadow.book, 6)) == []


def test_an_immediate_order_is_acknowledged_and_gone() -> None:
    """It neither rests nor fills."""
    shadow = _Shadow()
    order = place(1, BUY, 101, 1, time_in_force=TimeInForce.IOC)
    assert _names(shadow.send(order)) == ["OrderAccepted", "OrderCancelled"]
    assert _names(shadow.send(CancelAll())) == []


def test_cancels_are_answered_as_a_venue_would() -> None:
    """A live order is cancelled, an unknown one is not found, and all means all."""
    shadow = _Shadow()
    shadow.send(place(1, BUY, 100, 1), place(2, BUY, 99, 1), place(3, BUY, 50, 1, ETH))
    assert _names(shadow.send(_cancel(1), _cancel(1), _cancel(3))) == [
        "OrderCancelled",
        "ORDER_NOT_FOUND",
        "ORDER_NOT_FOUND",
    ]
    assert _names(shadow.send(CancelAll(instrument=BTC.id))) == ["OrderCancelled"]
    assert _names(shadow.send(CancelAll())) == ["OrderCancelled"]


def test_an_id_that_is_live_is_refused() -> None:
    """The same id may be live once only, as at a venue."""
    shadow = _Shadow()
    order = place(1, BUY, 100, 1)
    assert _names(shadow.send(order, order)) == ["OrderAccepted", "DUPLICATE_CLIENT_ORDER_ID"]


def test_one_order_more_than_the_maximum_is_refused() -> None:
    """The number of resting shadow orders is bounded."""
    shadow = _Shadow()
    orders = (place(number, BUY, 100, 1) for number in range(MAX_RESTING_ORDERS + 1))
    assert _names(shadow.send(*orders)) == ["OrderAccepted"] * MAX_RESTING_ORDERS + ["OPEN_ORDERS_LIMIT"]


def test_the_planner_keeps_a_shadow_order_as_it_would_keep_a_real_one() -> None:
    """Acknowledged orders rest, so that the same target is not recorded again and again."""
    shadow, tracker = _Shadow(), OrderTracker()
    planner = Planner(PlannerRules(), lambda: ClientOrderId(1))
    target = Target(instrument=BTC.id, side=BUY, price=100.0, size_base=1.0)
    (order,) = planner.plan([target], {BTC.id: BTC}, tracker, 5).places
    tracker.create(order, 5)
    tracker.sent(order.client_order_id, 5)
    for event in shadow.send(order):
        assert isinstance(event, OrderAccepted)
        tracker.apply(event, 5)
    assert planner.plan([target], {BTC.id: BTC}, tracker, 6).places == ()
    record = tracker.get(ClientOrderId(1))
    assert record is not None
    assert (record.state, record.filled_size) == (OrderState.LIVE, Decimal(0))

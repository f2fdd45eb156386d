"""What a venue says when it is asked ends doubts, never revives an order, and never takes back a fill."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from paraphina_core.domain import (
    CancelRejected,
    ClientOrderId,
    LocalError,
    ModifyOrder,
    ModifyRejected,
    OrderAccepted,
    OrderCancelled,
    OrderModified,
    OrderNotFound,
    OrderReport,
    OrderState,
    OutcomeUnknown,
    Side,
)
from paraphina_core.execution import SETTLE_NS, UNDER_WAY_NS, Finding, OrderRecord, OrderTracker, OrderUpdate
from trading import BTC, fill, place

ONE = ClientOrderId(1)
BUY, SELL = Side.BUY, Side.SELL
LATER = UNDER_WAY_NS


def _report(
    state: OrderState, filled: str = "0", *, size: str = "1", price: str = "100", venue_id: str = "v1"
) -> OrderReport:
    return OrderReport(
        instrument=BTC.id,
        client_order_id=ONE,
        venue_order_id=venue_id,
        side=BUY,
        price=Decimal(price),
        size=Decimal(size),
        filled_size=Decimal(filled),
        state=state,
    )


def _not_found() -> OrderNotFound:
    return OrderNotFound(instrument=BTC.id, client_order_id=ONE, venue_order_id=None)


def _unknown() -> OutcomeUnknown:
    return OutcomeUnknown(instrument=BTC.id, client_order_id=ONE, reason="timed out")


def _accepted(venue_id: str = "v1") -> OrderAccepted:
    return OrderAccepted(instrument=BTC.id, client_order_id=ONE, venue_order_id=venue_id)


def _cancelled(venue_id: str = "v1") -> OrderCancelled:
    return OrderCancelled(instrument=BTC.id, client_order_id=ONE, venue_order_id=venue_id)


def _change(price: str = "101", size: str = "2") -> ModifyOrder:
    return ModifyOrder(
        instrument=BTC.id,
        client_order_id=ONE,
        venue_order_id="v1",
        side=BUY,
        price=Decimal(price),
        size=Decimal(size),
    )


def _modified(price: str = "101", size: str = "2", venue_id: str = "v2") -> OrderModified:
    return OrderModified(
        instrument=BTC.id,
        client_order_id=ONE,
        venue_order_id=venue_id,
        price=Decimal(price),
        size=Decimal(size),
    )


def _refused() -> ModifyRejected:
    return ModifyRejected(
        instrument=BTC.id, client_order_id=ONE, venue_order_id=None, code="NO", reason="no such order"
    )


def _tracker(*events: OrderUpdate, size: str = "1") -> tuple[OrderTracker, OrderRecord]:
    """Return a tracker with a buy at 100 that was sent at 0, after some events."""
    tracker = OrderTracker()
    record = tracker.create(place(1, BUY, 100, size), 0)
    tracker.sent(ONE, 0)
    for event in events:
        tracker.apply(event, 1)
    return tracker, record


# --- answers to the question what became of an order --------------------------------------------


@pytest.mark.parametrize(
    ("said", "state", "exposed"),
    [
        (OrderState.LIVE, OrderState.LIVE, "1"),
        (OrderState.PARTIALLY_FILLED, OrderState.LIVE, "1"),
        (OrderState.REJECTED, OrderState.REJECTED, "0"),
        (OrderState.CANCELLED, OrderState.CANCELLED, "0"),
        (OrderState.EXPIRED, OrderState.EXPIRED, "0"),
        (OrderState.UNKNOWN, OrderState.UNKNOWN, "1"),
    ],
)
def test_f029_the_venues_own_word_ends_the_doubt(said: OrderState, state: OrderState, exposed: str) -> None:
    """An unknown order takes the state that the venue names, and counts accordingly."""
    tracker, record = _tracker(_unknown())
    tracker.apply(_report(said), 3, asked_ns=2)
    assert record.state is state
    assert tracker.totals(BTC.id).buy_base == Decimal(exposed)


def test_f031_an_order_that_is_filled_counts_until_its_fills_are_booked() -> None:
    """The venue says filled, the trades are not there yet: no exposure is lost, and no fill is made up."""
    tracker, record = _tracker(_unknown())
    tracker.apply(_report(OrderState.FILLED, "1"), 3, asked_ns=2)
    assert (record.state, record.filled_size, record.misses_fills) == (OrderState.FILLED, 0, True)
    tracker.settle(10 * SETTLE_NS)
    assert tracker.totals(BTC.id).buy_base == 1
    assert tracker.apply(fill(1, "a", BUY, 100, "1"), 11 * SETTLE_NS).is_new_fill
    assert tracker.totals(BTC.id).buy_base == 0
    assert not record.misses_fills


def test_f034_a_report_of_a_live_order_names_fills_that_are_missing() -> None:
    """What the venue says has filled is remembered, booked only with its trades, and forgotten by none."""
    tracker, record = _tracker(_accepted())
    tracker.apply(_report(OrderState.PARTIALLY_FILLED, "0.4"), 3, asked_ns=2)
    assert (record.filled_size, record.misses_fills) == (0, True)
    tracker.apply(_cancelled(), 4)
    tracker.settle(10 * SETTLE_NS)
    assert tracker.totals(BTC.id).buy_base == 1
    tracker.apply(fill(1, "a", BUY, 100, "0.4"), 11 * SETTLE_NS)
    assert tracker.totals(BTC.id).buy_base == 0


def test_f011_a_report_that_was_asked_for_before_something_else_happened_revives_nothing() -> None:
    """The question left before the cancel was refused: its answer may be older than the refusal."""
    tracker, record = _tracker(_accepted())
    tracker.cancel_sent(ONE, 5)
    tracker.apply(
        CancelRejected(
            instrument=BTC.id, client_order_id=ONE, venue_order_id="v1", code="ORDER_NOT_FOUND", reason="?"
        ),
        9,
    )
    tracker.apply(_report(OrderState.LIVE), 10, asked_ns=8)
    assert record.state is OrderState.UNKNOWN
    tracker.apply(_report(OrderState.LIVE), 12, asked_ns=11)
    assert record.state is OrderState.LIVE


def test_no_report_opens_a_final_order_again() -> None:
    """An answer that overtook nothing is worth nothing against an end."""
    tracker, record = _tracker(_accepted(), _cancelled())
    tracker.apply(_report(OrderState.LIVE), 9, asked_ns=8)
    assert (record.state, tracker.open_count) == (OrderState.CANCELLED, 0)


def test_f029_not_found_means_nothing_while_the_order_may_still_be_on_its_way() -> None:
    """A venue that does not know an order yet may know it a moment later."""
    tracker, record = _tracker(_unknown())
    tracker.apply(_not_found(), LATER + 5, asked_ns=LATER - 1)
    assert (record.state, tracker.totals(BTC.id).buy_base) == (OrderState.UNKNOWN, 1)
    tracker.apply(_not_found(), LATER + 5, asked_ns=LATER)
    assert (record.state, record.reason) == (OrderState.REJECTED, "never arrived at the venue")
    assert (tracker.totals(BTC.id).buy_base, tracker.open_count) == (0, 0)


def test_f035_an_order_that_was_there_and_is_not_found_is_gone_and_may_have_filled() -> None:
    """Its fills are waited for as after any end that does not name them."""
    tracker, record = _tracker(_accepted(), _unknown())
    tracker.apply(_not_found(), LATER, asked_ns=LATER)
    assert record.state is OrderState.CANCELLED
    assert tracker.totals(BTC.id).buy_base == 1
    tracker.settle(LATER + SETTLE_NS)
    assert tracker.totals(BTC.id).buy_base == 0


def test_a_question_about_nobodys_order_changes_nothing() -> None:
    """Not found, and not ours: there is nothing to say."""
    applied = OrderTracker().apply(_not_found(), LATER, asked_ns=LATER)
    assert (applied.record, applied.findings) == (None, ())


# --- new terms ----------------------------------------------------------------------------------


def test_f036_while_new_terms_are_under_way_the_old_and_the_new_both_count() -> None:
    """Both orders of a replacement may stand: sizes add up, and the price is the worse of the two."""
    tracker, record = _tracker(_accepted(), fill(1, "a", BUY, 100, "0.4"))
    tracker.modify_sent(_change("101", "2"), 2)
    totals = tracker.totals(BTC.id)
    assert record.state is OrderState.PENDING_MODIFY
    assert (totals.buy_base, totals.best_price(BUY)) == (Decimal("0.6") + Decimal("1.6"), 101)
    tracker.apply(_modified("101", "2"), 3)
    assert (record.state, record.order.price, record.order.size) == (OrderState.LIVE, 101, 2)
    assert (totals.buy_base, totals.best_price(BUY)) == (Decimal("1.6"), 101)


def test_f036_a_fill_of_the_replaced_order_is_booked_under_its_old_id() -> None:
    """The venue names a new id; a trade of the old one may still come, by the old id alone."""
    tracker, record = _tracker(_accepted("v1"))
    tracker.modify_sent(_change(), 2)
    tracker.apply(_modified(venue_id="v2"), 3)
    late = tracker.apply(fill(None, "a", BUY, 100, "0.3", venue_order_id="v1"), 4)
    new = tracker.apply(fill(None, "b", BUY, 101, "0.5", venue_order_id="v2"), 5)
    assert (late.record, late.findings, new.record, new.findings) == (record, (), record, ())
    assert record.filled_size == Decimal("0.8")


@pytest.mark.parametrize("when", ["before", "after"])
def test_f036_the_end_of_the_replaced_order_is_not_the_end_of_the_new_one(when: str) -> None:
    """The word that the old order is gone comes with every replacement, on either side of its answer."""
    tracker, record = _tracker(_accepted("v1"))
    tracker.modify_sent(_change(), 2)
    events = [_cancelled("v1"), _modified(venue_id="v2")]
    for event in events if when == "before" else reversed(events):
        tracker.apply(event, 3)
    assert (record.state, record.venue_order_id) == (OrderState.LIVE, "v2")
    tracker.apply(_cancelled("v2"), 4)
    assert record.state is OrderState.CANCELLED


def test_f036_a_lost_change_keeps_both_terms_until_the_venue_states_one() -> None:
    """Neither the early report of the old terms nor the one that the old order is gone is believed."""
    tracker, record = _tracker(_accepted("v1"))
    tracker.modify_sent(_change(), 2)
    tracker.apply(_unknown(), 3)
    for early in (_report(OrderState.LIVE), _report(OrderState.CANCELLED)):
        tracker.apply(early, 5, asked_ns=4)
        assert (record.state, tracker.totals(BTC.id).buy_base) == (OrderState.UNKNOWN, 3)
    late = _report(OrderState.LIVE, size="2", price="101", venue_id="v2")
    tracker.apply(late, LATER + 9, asked_ns=LATER + 2)
    assert (record.state, record.order.price, record.pending) == (OrderState.LIVE, 101, None)
    assert tracker.totals(BTC.id).buy_base == 2


def test_a_refused_change_leaves_the_old_terms_and_a_doubt() -> None:
    """The new terms are off the table; whether the old order survived must be asked."""
    tracker, record = _tracker(_accepted("v1"))
    tracker.modify_sent(_change(), 2)
    tracker.apply(_refused(), 3)
    assert (record.state, record.pending) == (OrderState.UNKNOWN, None)
    assert tracker.totals(BTC.id).buy_base == 1
    tracker.apply(_report(OrderState.CANCELLED), 5, asked_ns=4)
    assert record.state is OrderState.CANCELLED


def test_f037_only_more_than_the_larger_of_both_terms_is_an_overfill() -> None:
    """While a change to a larger size is under way, a fill up to that size is in order."""
    tracker, record = _tracker(_accepted("v1"))
    tracker.modify_sent(_change(size="2"), 2)
    assert tracker.apply(fill(1, "a", BUY, 100, "1.5"), 3).findings == ()
    assert record.state is OrderState.PENDING_MODIFY
    assert tracker.apply(fill(1, "b", BUY, 100, "1"), 4).findings == (Finding.OVERFILL,)
    assert record.state is OrderState.FILLED


def test_a_change_to_less_than_has_filled_ends_the_order() -> None:
    """The total is what counts: nothing is left to fill."""
    tracker, record = _tracker(_accepted("v1"), fill(1, "a", BUY, 100, "0.4"))
    tracker.modify_sent(_change(size="0.4"), 2)
    tracker.apply(_modified(size="0.4"), 3)
    assert (record.state, tracker.totals(BTC.id).buy_base) == (OrderState.FILLED, 0)


def test_one_change_at_a_time() -> None:
    """New terms wait until the last ones are certain, and a final order takes none."""
    tracker, _ = _tracker(_accepted("v1"))
    tracker.modify_sent(_change(), 2)
    with pytest.raises(LocalError, match="cannot be changed"):
        tracker.modify_sent(_change("102"), 3)
    tracker.apply(_modified(venue_id="v2"), 4)
    tracker.apply(_cancelled("v2"), 5)
    with pytest.raises(LocalError, match="cannot be changed"):
        tracker.modify_sent(_change("102"), 6)


# --- orders that this session never sent --------------------------------------------------------


def _leftover() -> OrderReport:
    return msgspec.structs.replace(_report(OrderState.LIVE, "0.4"), client_order_id=None, venue_order_id="x")


def test_f071_an_order_found_at_the_venue_counts_with_what_is_open_of_it() -> None:
    """What had filled before is in the position already; its next fill is no stranger's."""
    tracker = OrderTracker()
    record = tracker.adopt(_leftover(), ClientOrderId(9), 1, is_foreign=True)
    assert (record.state, tracker.totals(BTC.id).buy_base) == (OrderState.LIVE, Decimal("0.6"))
    applied = tracker.apply(fill(None, "a", BUY, 100, "0.6", venue_order_id="x"), 2)
    assert (applied.record, applied.is_new_fill, applied.findings) == (record, True, ())
    assert record.state is OrderState.FILLED


def test_what_is_not_open_cannot_be_adopted() -> None:
    """A report of an order without a rest is refused."""
    done = msgspec.structs.replace(_leftover(), filled_size=Decimal(1))
    with pytest.raises(LocalError):
        OrderTracker().adopt(done, ClientOrderId(9), 1, is_foreign=False)


def test_f071_fills_from_before_the_session_are_history_when_told_again() -> None:
    """Of orders never sent here, and no later than the baseline: known, not booked, nobody's alarm."""
    tracker = OrderTracker()
    tracker.since_ns = 100
    told = msgspec.structs.replace(fill(7, "a", BUY, 100, "1"), is_replay=True, exchange_ns=100)
    assert tracker.apply(told, 1).findings == (Finding.HISTORY,)
    for other in (
        msgspec.structs.replace(told, exchange_ns=101, trade_id="b"),
        msgspec.structs.replace(told, is_replay=False, trade_id="c"),
        msgspec.structs.replace(told, exchange_ns=None, trade_id="d"),
    ):
        applied = tracker.apply(other, 1)
        assert (applied.is_new_fill, applied.findings) == (True, (Finding.EXTERNAL,))


def test_f071_an_own_fill_is_booked_however_old_the_venue_says_it_is() -> None:
    """Clocks differ; an order of this session cannot have filled before it."""
    tracker, _ = _tracker(_accepted())
    tracker.since_ns = 100
    told = msgspec.structs.replace(fill(1, "a", BUY, 100, "1"), is_replay=True, exchange_ns=5)
    assert tracker.apply(told, 2).is_new_fill


def test_f039_an_earlier_runs_order_is_told_from_a_strangers() -> None:
    """Ids only rise: below the first of this run they are of an earlier one."""
    tracker = OrderTracker(first_id=100)
    assert tracker.apply(fill(99, "a", BUY, 100, "1"), 1).findings == (Finding.EARLIER_RUN,)
    assert tracker.apply(fill(100, "b", BUY, 100, "1"), 1).findings == (Finding.EXTERNAL,)
    assert tracker.apply(_report(OrderState.LIVE), 1).findings == (Finding.EARLIER_RUN,)


def test_a_report_that_is_not_a_number_is_refused_where_it_is_made() -> None:
    """Sums with it would never be right again."""
    with pytest.raises(LocalError, match="not usable"):
        _report(OrderState.LIVE, "NaN")


def _all_of(**changes: Any) -> OrderReport:
    return msgspec.structs.replace(_report(OrderState.LIVE), **changes)


def test_terms_that_no_order_can_have_are_not_taken_over() -> None:
    """A price of zero in a report leaves the terms as they were."""
    tracker, record = _tracker(_unknown())
    tracker.apply(_all_of(price=Decimal(0)), 3, asked_ns=2)
    assert (record.state, record.order.price) == (OrderState.LIVE, 100)

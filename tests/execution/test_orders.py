"""Order states follow one table, whatever comes late, twice or in the wrong order."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paraphina_core.domain import (
    CancelRejected,
    ClientOrderId,
    LocalError,
    OrderAccepted,
    OrderCancelled,
    OrderExpired,
    OrderRejected,
    OrderState,
    OutcomeUnknown,
    Side,
)
from paraphina_core.execution import (
    MAX_UNCLAIMED_FILLS,
    SETTLE_NS,
    TRANSITIONS,
    Finding,
    OrderInput,
    OrderTracker,
    OrderUpdate,
)
from trading import BTC, ETH, fill, place

ONE = ClientOrderId(1)
BUY, SELL = Side.BUY, Side.SELL


def _accepted(number: int | None = 1, venue_order_id: str | None = "v1") -> OrderAccepted:
    return OrderAccepted(instrument=BTC.id, client_order_id=_id(number), venue_order_id=venue_order_id)


def _rejected(number: int | None = 1) -> OrderRejected:
    return OrderRejected(instrument=BTC.id, client_order_id=_id(number), code="NO", reason="no")


def _cancelled(number: int | None = 1, venue_order_id: str | None = "v1") -> OrderCancelled:
    return OrderCancelled(instrument=BTC.id, client_order_id=_id(number), venue_order_id=venue_order_id)


def _expired(number: int | None = 1) -> OrderExpired:
    return OrderExpired(instrument=BTC.id, client_order_id=_id(number), venue_order_id="v1")


def _cancel_rejected(number: int | None = 1) -> CancelRejected:
    return CancelRejected(
        instrument=BTC.id,
        client_order_id=_id(number),
        venue_order_id=None,
        code="ORDER_NOT_FOUND",
        reason="?",
    )


def _unknown(number: int | None = 1) -> OutcomeUnknown:
    return OutcomeUnknown(instrument=BTC.id, client_order_id=_id(number), reason="timed out")


def _id(number: int | None) -> ClientOrderId | None:
    return None if number is None else ClientOrderId(number)


def _tracker_with_order(size: str = "1", **limits: int) -> OrderTracker:
    tracker = OrderTracker(**limits)
    tracker.create(place(1, BUY, 100, size), 0)
    tracker.sent(ONE, 0)
    return tracker


def _state_of(tracker: OrderTracker, number: int = 1) -> OrderState:
    record = tracker.get(ClientOrderId(number))
    assert record is not None
    return record.state


# --- the table ----------------------------------------------------------------------------------


@pytest.mark.parametrize("state", list(OrderState))
def test_every_state_answers_every_event(state: OrderState) -> None:
    """Whatever a venue says in whatever state has an answer; only sending twice has none."""
    without = set(OrderInput) - set(TRANSITIONS[state])
    assert without == (set() if state is OrderState.CREATED else {OrderInput.SENT})


def test_no_final_state_becomes_open_again() -> None:
    """A final order never turns into exposure again, and only a complete fill changes its name."""
    for state, row in TRANSITIONS.items():
        if state.is_final:
            assert set(row.values()) <= {state, OrderState.FILLED}
            assert {given for given, to in row.items() if to is not state} <= {OrderInput.FILL_COMPLETE}


def test_every_state_of_the_table_can_be_reached() -> None:
    """The table has no row that no history leads to."""
    reached, todo = {OrderState.CREATED}, [OrderState.CREATED]
    while todo:
        for state in set(TRANSITIONS[todo.pop()].values()) - reached:
            reached.add(state)
            todo.append(state)
    assert reached == set(TRANSITIONS)


def test_f035_a_refused_cancel_removes_nothing() -> None:
    """After a refused cancel every open order is still open, and in doubt."""
    for state, row in TRANSITIONS.items():
        to = row[OrderInput.CANCEL_REJECTED]
        assert to is (state if state.is_final else OrderState.UNKNOWN)


# --- single histories ---------------------------------------------------------------------------


def test_an_order_goes_from_created_to_filled() -> None:
    """The ordinary life: created, sent, _accepted, partly filled, filled."""
    tracker = OrderTracker()
    tracker.create(place(1, BUY, 100, "1"), 5)
    assert _state_of(tracker) is OrderState.CREATED
    tracker.sent(ONE, 6)
    assert _state_of(tracker) is OrderState.PENDING
    tracker.apply(_accepted(), 7)
    assert _state_of(tracker) is OrderState.LIVE
    tracker.apply(fill(1, "a", BUY, 100, "0.4"), 8)
    assert _state_of(tracker) is OrderState.PARTIALLY_FILLED
    tracker.apply(fill(1, "b", BUY, 100, "0.6"), 9)
    assert _state_of(tracker) is OrderState.FILLED
    record = tracker.get(ONE)
    assert record is not None
    assert (record.created_ns, record.changed_ns, record.venue_order_id) == (5, 9, "v1")
    assert not tracker.findings


def test_f031_a_fill_before_the_ack_counts_once() -> None:
    """The fill moves the order at once, and the late ack does not move it back."""
    tracker = _tracker_with_order()
    assert tracker.apply(fill(1, "a", BUY, 100, "0.4"), 1).is_new_fill
    assert _state_of(tracker) is OrderState.PARTIALLY_FILLED
    tracker.apply(_accepted(), 2)
    assert _state_of(tracker) is OrderState.PARTIALLY_FILLED
    assert tracker.totals(BTC.id).buy_base == Decimal("0.6")


def test_f031_a_fill_known_only_by_the_venues_id_is_counted_when_the_ack_names_it() -> None:
    """A fill that came under a foreign id is booked at once and joins its order with the ack."""
    tracker = _tracker_with_order()
    early = tracker.apply(fill(None, "a", BUY, 100, "0.4", venue_order_id="v1"), 1)
    assert (early.is_new_fill, early.findings) == (True, (Finding.UNCLAIMED,))
    assert tracker.strangers() == []
    tracker.apply(_accepted(), 2)
    assert tracker.strangers() == []
    record = tracker.get(ONE)
    assert record is not None
    assert (record.filled_size, record.state) == (Decimal("0.4"), OrderState.PARTIALLY_FILLED)
    again = tracker.apply(fill(None, "a", BUY, 100, "0.4", venue_order_id="v1"), 3)
    assert (again.is_new_fill, again.record) == (False, record)


def test_f039_a_fill_that_an_order_might_claim_is_a_strangers_once_that_order_has_another_id() -> None:
    """It is booked at once; who it belongs to is told once, and for good."""
    tracker = _tracker_with_order()
    assert tracker.apply(fill(None, "a", BUY, 100, "0.4", venue_order_id="v9"), 1).is_new_fill
    tracker.apply(_accepted(), 2)
    (stranger,) = tracker.strangers()
    assert (stranger.trade_id, tracker.findings[Finding.EXTERNAL]) == ("a", 1)
    assert tracker.strangers() == []


@pytest.mark.parametrize(("side", "price"), [(Side.SELL, 100), (BUY, 101)])
def test_f039_a_fill_that_no_order_can_claim_is_a_strangers_at_once(side: Side, price: int) -> None:
    """On the other side, or beyond the only limit price that waits for an id."""
    tracker = _tracker_with_order()
    applied = tracker.apply(fill(None, "a", side, price, "0.4", venue_order_id="v9"), 1)
    assert applied.findings == (Finding.EXTERNAL,)


def test_f032_f033_the_same_trade_told_twice_is_booked_once() -> None:
    """A repetition is recognised by instrument and trade id, also after the order is final."""
    tracker = _tracker_with_order()
    once = fill(1, "a", BUY, 100, "1")
    assert tracker.apply(once, 1).is_new_fill
    again = tracker.apply(once, 2)
    assert (again.is_new_fill, again.findings) == (False, (Finding.DUPLICATE_FILL,))
    assert tracker.findings[Finding.DUPLICATE_FILL] == 1


def test_the_same_trade_id_on_another_instrument_is_another_trade() -> None:
    """Trade ids are unique within an instrument only."""
    tracker = _tracker_with_order()
    tracker.create(place(2, SELL, 50, 3, ETH), 0)
    tracker.apply(fill(1, "a", BUY, 100, "1"), 1)
    assert tracker.apply(fill(2, "a", SELL, 50, 3, ETH), 2).is_new_fill


@pytest.mark.parametrize(
    "other", [fill(1, "a", BUY, 101, "0.5"), fill(1, "a", BUY, 100, "0.6"), fill(1, "a", SELL, 100, "0.5")]
)
def test_f033_one_trade_id_with_two_contents_is_an_alarm(other: Any) -> None:
    """The second story about a trade is reported and not booked."""
    tracker = _tracker_with_order()
    tracker.apply(fill(1, "a", BUY, 100, "0.5"), 1)
    applied = tracker.apply(other, 2)
    assert (applied.is_new_fill, applied.findings) == (False, (Finding.CONFLICTING_FILL,))


def test_a_fill_on_the_other_side_than_its_order_is_booked_and_flagged() -> None:
    """What contradicts the order is still money; it is booked as the venue says."""
    applied = _tracker_with_order().apply(fill(1, "a", SELL, 100, "0.5"), 1)
    assert (applied.is_new_fill, applied.findings) == (True, (Finding.CONFLICTING_FILL,))


def test_f034_a_cancel_after_a_partial_fill_leaves_the_fill() -> None:
    """Cancelling the rest does not take back what was filled."""
    tracker = _tracker_with_order()
    tracker.apply(_accepted(), 1)
    tracker.apply(fill(1, "a", BUY, 100, "0.4"), 2)
    tracker.cancel_sent(ONE, 3)
    assert _state_of(tracker) is OrderState.PENDING_CANCEL
    assert tracker.totals(BTC.id).buy_base == Decimal("0.6")
    tracker.apply(_cancelled(), 4)
    record = tracker.get(ONE)
    assert record is not None
    assert (record.state, record.filled_size) == (OrderState.CANCELLED, Decimal("0.4"))


def test_f035_a_fill_that_wins_the_race_against_the_cancel_ends_filled() -> None:
    """The refused cancel of a filled order changes nothing."""
    tracker = _tracker_with_order()
    tracker.cancel_sent(ONE, 1)
    tracker.apply(fill(1, "a", BUY, 100, "1"), 2)
    tracker.apply(_cancel_rejected(), 3)
    assert _state_of(tracker) is OrderState.FILLED


def test_f035_a_cancel_that_is_not_found_leaves_the_order_unknown_and_counted() -> None:
    """Not found is no evidence: the order keeps counting until there is some."""
    tracker = _tracker_with_order()
    tracker.apply(_accepted(), 1)
    tracker.cancel_sent(ONE, 2)
    tracker.apply(_cancel_rejected(), 3)
    assert _state_of(tracker) is OrderState.UNKNOWN
    assert tracker.totals(BTC.id).buy_base == 1
    assert tracker.open_count == 1


def test_f029_a_lost_answer_counts_as_live_until_there_is_evidence() -> None:
    """An order without an answer is exposure; a later ack makes it live, a rejection removes it."""
    tracker = _tracker_with_order()
    tracker.apply(_unknown(), 1)
    assert _state_of(tracker) is OrderState.UNKNOWN
    assert tracker.totals(BTC.id).buy_base == 1
    tracker.apply(fill(1, "a", BUY, 100, "0.4"), 2)
    assert _state_of(tracker) is OrderState.UNKNOWN
    tracker.apply(_rejected(), 3)
    assert _state_of(tracker) is OrderState.REJECTED
    assert tracker.totals(BTC.id).buy_base == 0


def test_f029_an_order_is_never_sent_twice() -> None:
    """A second sending is refused, also while the outcome of the first is unknown."""
    tracker = _tracker_with_order()
    tracker.apply(_unknown(), 1)
    with pytest.raises(LocalError, match="cannot be sent again"):
        tracker.sent(ONE, 2)


def test_f037_more_than_was_ordered_is_booked_and_flagged() -> None:
    """An overfill is real; what is left open is never below zero."""
    tracker = _tracker_with_order()
    tracker.apply(fill(1, "a", BUY, 100, "0.8"), 1)
    applied = tracker.apply(fill(1, "b", BUY, 100, "0.8"), 2)
    assert (applied.is_new_fill, applied.findings) == (True, (Finding.OVERFILL,))
    record = tracker.get(ONE)
    assert record is not None
    assert (record.filled_size, record.remaining_size) == (Decimal("1.6"), 0)
    assert tracker.totals(BTC.id).buy_base == 0


@pytest.mark.parametrize("end", [_cancelled(), _expired()])
def test_f038_an_order_that_is_gone_counts_until_no_fill_of_it_can_be_on_its_way(end: OrderUpdate) -> None:
    """Where the venue does not say what had filled, the rest counts as exposure for the settling time."""
    tracker = _tracker_with_order()
    tracker.apply(end, 1)
    totals = tracker.totals(BTC.id)
    assert (totals.buy_base, tracker.open_count, totals.best_price(BUY)) == (1, 0, None)
    tracker.apply(fill(1, "a", BUY, 100, "0.4"), 2)
    assert totals.buy_base == Decimal("0.6")
    assert list(tracker.settle(SETTLE_NS)) == []
    assert list(tracker.settle(1 + SETTLE_NS)) == [BTC.id]
    assert totals.buy_base == 0
    tracker.apply(fill(1, "b", BUY, 100, "0.1"), 3 + SETTLE_NS)
    assert totals.buy_base == 0


def test_an_order_whose_end_names_its_fills_counts_until_all_of_them_are_there() -> None:
    """A fill that the venue named and did not report is exposure however long it takes."""
    tracker = _tracker_with_order()
    totals = tracker.totals(BTC.id)
    tracker.apply(fill(1, "a", BUY, 100, "0.1"), 1)
    tracker.apply(msgspec.structs.replace(_cancelled(), filled_size=Decimal("0.4")), 2)
    tracker.settle(10 * SETTLE_NS)
    assert totals.buy_base == Decimal("0.9")
    tracker.apply(fill(1, "b", BUY, 100, "0.3"), 11 * SETTLE_NS)
    assert totals.buy_base == 0


def test_an_order_whose_fills_are_all_there_is_released_with_its_end() -> None:
    """The venue named what had filled, and it had been reported."""
    tracker = _tracker_with_order()
    tracker.apply(fill(1, "a", BUY, 100, "0.4"), 1)
    tracker.apply(msgspec.structs.replace(_cancelled(), filled_size=Decimal("0.4")), 2)
    assert tracker.totals(BTC.id).buy_base == 0


@pytest.mark.parametrize("end", [_cancelled(), _rejected(), _expired()])
def test_f038_a_fill_after_the_end_is_booked_and_the_order_stays_final(end: OrderUpdate) -> None:
    """A final state is no filter for fills, and no reason to count the order again."""
    tracker = _tracker_with_order()
    tracker.apply(end, 1)
    state = _state_of(tracker)
    late = tracker.apply(fill(1, "a", BUY, 100, "0.4"), 2)
    assert (late.is_new_fill, late.findings) == (True, (Finding.LATE_FILL,))
    assert _state_of(tracker) is state
    tracker.settle(1 + SETTLE_NS)
    assert (tracker.totals(BTC.id).buy_base, tracker.open_count) == (0, 0)


@pytest.mark.parametrize(
    "event",
    [
        _accepted(9),
        _rejected(9),
        _cancelled(9),
        _unknown(9),
        _rejected(None),
        _accepted(None),
        fill(9, "a", BUY, 1, 1),
    ],
)
def test_f039_events_of_orders_never_made_here_are_external(event: OrderUpdate) -> None:
    """A foreign order is reported and counted, and a fill of it is booked."""
    tracker = _tracker_with_order()
    applied = tracker.apply(event, 1)
    assert applied.record is None
    assert applied.findings == (Finding.EXTERNAL,)
    assert tracker.findings[Finding.EXTERNAL] == 1
    assert _state_of(tracker) is OrderState.PENDING


def test_an_order_is_not_found_under_another_instrument() -> None:
    """A known client order id with a foreign instrument does not move our order."""
    tracker = _tracker_with_order()
    assert tracker.apply(fill(1, "a", BUY, 50, 1, ETH), 1).findings == (Finding.EXTERNAL,)
    assert _state_of(tracker) is OrderState.PENDING


def test_a_client_order_id_is_used_once() -> None:
    """A second order under the same id is refused, also after the first is final."""
    tracker = _tracker_with_order()
    tracker.apply(_cancelled(), 1)
    with pytest.raises(LocalError, match="used before"):
        tracker.create(place(1, BUY, 100, 1), 2)


def test_only_own_orders_can_be_marked() -> None:
    """Sending or cancelling an order that was never created is a mistake of ours."""
    tracker = OrderTracker()
    with pytest.raises(LocalError, match="no such order"):
        tracker.sent(ONE, 0)
    with pytest.raises(LocalError, match="no such order"):
        tracker.cancel_sent(ONE, 0)


# --- sums and bounds ----------------------------------------------------------------------------


def test_the_sums_follow_every_order_and_every_fill() -> None:
    """Open sizes, the best own prices and the counts are those of the open orders, per instrument."""
    tracker = OrderTracker()
    for order in (
        place(1, BUY, 100, 1),
        place(2, BUY, 101, 2),
        place(3, SELL, 105, 4),
        place(4, SELL, 9, 8, ETH),
    ):
        tracker.create(order, 0)
    totals = tracker.totals(BTC.id)
    assert (totals.buy_base, totals.sell_base, len(totals.records), tracker.open_count) == (3, 4, 3, 4)
    assert (totals.best_price(BUY), totals.best_price(SELL)) == (101, 105)
    tracker.apply(_cancelled(2, None), 1)
    assert (totals.buy_base, totals.best_price(BUY)) == (3, 100)
    assert list(tracker.settle(1 + SETTLE_NS)) == [BTC.id]
    assert totals.buy_base == 1
    tracker.create(place(5, SELL, 104, 1), 2)
    assert totals.best_price(SELL) == 104
    tracker.apply(_rejected(1), 3)
    assert totals.best_price(BUY) is None
    assert [record.order.client_order_id for record in tracker.open_orders(BTC.id)] == [3, 5]
    assert [record.order.client_order_id for record in tracker.open_orders()] == [3, 5, 4]


def test_the_oldest_final_orders_are_forgotten_and_open_ones_never() -> None:
    """At the maximum all are remembered, one more forgets the oldest final one."""
    tracker = OrderTracker(max_final_orders=2)
    for number in range(1, 5):
        tracker.create(place(number, BUY, 100, 1), 0)
    for number in (2, 3):
        tracker.apply(_cancelled(number, f"v{number}"), 1)
    assert tracker.get(ClientOrderId(2)) is not None
    tracker.apply(_cancelled(4, "v4"), 2)
    assert tracker.get(ClientOrderId(2)) is None
    assert tracker.get(ClientOrderId(3)) is not None
    assert _state_of(tracker) is OrderState.CREATED
    assert tracker.apply(_cancelled(None, "v2"), 3).findings == (Finding.EXTERNAL,)


def test_the_oldest_fills_are_forgotten_beyond_the_maximum() -> None:
    """The memory of trade ids is bounded: at the maximum repetitions are known, beyond it not."""
    tracker = _tracker_with_order("9", max_remembered_fills=2)
    fills = [fill(1, name, BUY, 100, "1") for name in "abc"]
    for each in fills[:2]:
        tracker.apply(each, 1)
    assert not tracker.apply(fills[0], 2).is_new_fill
    tracker.apply(fills[2], 3)
    assert not tracker.apply(fills[1], 4).is_new_fill
    assert tracker.apply(fills[0], 5).is_new_fill


@pytest.mark.parametrize(("extra", "filled"), [(0, 1), (1, 0)])
def test_fills_that_nobody_claims_are_kept_up_to_a_maximum(extra: int, filled: int) -> None:
    """At the maximum the oldest fill still joins its order when the ack names it, one more drops it."""
    tracker = _tracker_with_order("2")
    tracker.apply(fill(None, "claimed", BUY, 100, "1", venue_order_id="v1"), 0)
    tracker.apply(_accepted(), 0)  # a claimed fill makes room again
    tracker.create(place(2, BUY, 100, 2), 0)
    tracker.apply(fill(None, "ours", BUY, 100, "1", venue_order_id="v2"), 0)
    for number in range(MAX_UNCLAIMED_FILLS - 1 + extra):
        tracker.apply(fill(None, f"t{number}", BUY, 100, "1", venue_order_id=f"x{number}"), 1)
    tracker.apply(_accepted(2, "v2"), 2)
    record = tracker.get(ClientOrderId(2))
    assert record is not None
    assert record.filled_size == filled


def test_the_venues_last_word_is_kept_as_the_reason() -> None:
    """Why an order was refused can be shown afterwards."""
    tracker = _tracker_with_order()
    tracker.apply(_rejected(), 1)
    record = tracker.get(ONE)
    assert record is not None
    assert record.reason == "no"


# --- any order of events ------------------------------------------------------------------------

SIZE = Decimal(4)


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[OrderUpdate], list[OrderUpdate]]:
    """A history that a venue can have, and the same events duplicated and in any order."""
    sizes = draw(st.lists(st.integers(1, 2), max_size=3).filter(lambda sizes: sum(sizes) <= SIZE))
    legal: list[OrderUpdate] = [_accepted()]
    legal += [fill(1, f"t{index}", BUY, 100, size) for index, size in enumerate(sizes)]
    if sum(sizes) < SIZE:
        legal += draw(st.sampled_from([[], [_cancelled()], [_expired()]]))
    copies = draw(st.lists(st.sampled_from(legal), max_size=4))
    return legal, draw(st.permutations([*legal, *copies]))


@given(histories())
def test_the_end_of_a_history_does_not_depend_on_the_order_of_its_events(
    history: tuple[list[OrderUpdate], list[OrderUpdate]],
) -> None:
    """Reordered and repeated events lead to the same state, filled size and sums as the legal history."""
    ends = []
    for events in history:
        tracker = _tracker_with_order(str(SIZE))
        booked = [event for event in events if tracker.apply(event, 1).is_new_fill]
        record = tracker.get(ONE)
        assert record is not None
        assert record.filled_size == sum(event.size for event in booked)
        ends.append((record.state, record.filled_size, tracker.totals(BTC.id).buy_base, tracker.open_count))
    assert ends[0] == ends[1]


class Model:
    """What a careful reader of the rules would note on paper: no table, only facts about one order."""

    def __init__(self, size: Decimal) -> None:
        self.size = size
        self.trades: dict[str, Decimal] = {}
        self.ended = False
        self.settles = False

    @property
    def filled(self) -> Decimal:
        return sum(self.trades.values(), Decimal(0))

    def see(self, event: OrderUpdate) -> None:
        if isinstance(event, OrderCancelled | OrderRejected | OrderExpired):
            self.settles = self.settles or not (self.ended or isinstance(event, OrderRejected))
            self.ended = True
        elif hasattr(event, "trade_id"):
            self.trades.setdefault(event.trade_id, event.size)
        self.ended = self.ended or self.filled >= self.size


steps = st.lists(
    st.one_of(
        st.tuples(st.integers(1, 3), st.sampled_from([_accepted, _rejected, _cancelled, _expired, _unknown])),
        st.tuples(st.integers(1, 3), st.just(_cancel_rejected)),
        st.tuples(st.integers(1, 3), st.just("cancel")),
        st.tuples(st.integers(1, 3), st.tuples(st.integers(0, 5), st.integers(1, 3))),
    ),
    max_size=40,
)


@given(steps)
def test_whatever_happens_open_sizes_and_fills_are_those_of_the_reference(
    events: list[tuple[int, Any]],
) -> None:
    """Against facts noted without any table: filled sizes, open sizes, counts and the final states agree."""
    tracker = OrderTracker()
    sides = {1: BUY, 2: BUY, 3: SELL}
    models = {number: Model(SIZE) for number in sides}
    for number, side in sides.items():
        tracker.create(place(number, side, 100 + number, SIZE), 0)
    position = Decimal(0)
    for number, what in events:
        if what == "cancel":
            tracker.cancel_sent(ClientOrderId(number), 1)
            continue
        if isinstance(what, tuple):
            event: OrderUpdate = fill(number, f"{number}-{what[0]}", sides[number], 100, what[0] + 1)
        else:
            event = what(number)
        applied = tracker.apply(event, 1)
        models[number].see(event)
        if applied.is_new_fill:
            position += event.size * sides[number].sign
    for number, model in models.items():
        record = tracker.get(ClientOrderId(number))
        assert record is not None
        assert record.filled_size == model.filled
        assert record.is_open == (not model.ended)
    assert position == sum(model.filled * sides[number].sign for number, model in models.items())
    open_models = {number: model for number, model in models.items() if not model.ended}
    settling = {number: model for number, model in models.items() if model.settles}
    totals = tracker.totals(BTC.id)

    def rest(counted: dict[int, Model], side: Side) -> Decimal:
        sizes = [model.size - model.filled for number, model in counted.items() if sides[number] is side]
        return sum((max(Decimal(0), size) for size in sizes), Decimal(0))

    for side, total in ((BUY, totals.buy_base), (SELL, totals.sell_base)):
        assert total == rest(open_models | settling, side)
    tracker.settle(1 + SETTLE_NS)
    for side, total in ((BUY, totals.buy_base), (SELL, totals.sell_base)):
        assert total == rest(open_models, side)
    assert tracker.open_count == len(totals.records) == len(open_models)
    assert totals.best_price(BUY) == max((100 + n for n in open_models if sides[n] is BUY), default=None)

"""A resting order's place in the queue is never better than what the market shows."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paraphina_core.config import QueueModel
from paraphina_core.execution.queue import QueuePosition

CONSERVATIVE, PROPORTIONAL = QueueModel.CONSERVATIVE, QueueModel.PROPORTIONAL
both_models = pytest.mark.parametrize("model", list(QueueModel))


@both_models
def test_an_order_joins_behind_everything_that_is_displayed(model: QueueModel) -> None:
    """Only what trades beyond the displayed size reaches the order."""
    queue = QueuePosition(model, 5.0, None)
    assert queue.on_trade(3.0, None) == 0.0
    assert queue.ahead == 2.0
    assert queue.on_trade(3.0, None) == 1.0
    assert queue.ahead == 0.0


@both_models
def test_beyond_the_visible_depth_nothing_reaches_the_order_until_its_level_is_seen(
    model: QueueModel,
) -> None:
    """The queue ahead is unknown there; once the level shows, the order stands behind all of it."""
    queue = QueuePosition(model, None, 1)
    assert queue.on_trade(1e9, 2) == 0.0
    queue.on_book(7.0, 5)
    assert queue.ahead == 7.0
    assert queue.predates(5)
    assert queue.on_trade(8.0, 6) == 1.0


def test_what_joins_later_stands_behind() -> None:
    """A growing level does not push the order back."""
    queue = QueuePosition(CONSERVATIVE, 5.0, None)
    queue.on_book(9.0, None)
    assert queue.ahead == 5.0


def test_the_conservative_model_believes_that_those_behind_cancel_first() -> None:
    """Cancels move the order forward only when fewer are left than stood ahead."""
    queue = QueuePosition(CONSERVATIVE, 5.0, None)
    queue.on_book(9.0, None)
    queue.on_book(6.0, None)
    assert queue.ahead == 5.0
    queue.on_book(4.0, None)
    assert queue.ahead == 4.0


def test_the_proportional_model_spreads_cancels_over_the_queue() -> None:
    """Half ahead, half behind: of four that leave, two stood ahead."""
    queue = QueuePosition(PROPORTIONAL, 5.0, None)
    queue.on_book(10.0, None)
    queue.on_book(6.0, None)
    assert queue.ahead == pytest.approx(3.0)


def test_the_proportional_model_does_not_take_a_printed_trade_for_a_cancel() -> None:
    """A smaller size that a trade explains moves the order once, by the trade."""
    queue = QueuePosition(PROPORTIONAL, 5.0, 1)
    queue.on_book(10.0, 2)
    queue.on_trade(4.0, 3)
    assert queue.ahead == 1.0
    queue.on_book(6.0, 4)
    assert queue.ahead == 1.0


@both_models
def test_a_trade_that_the_book_showed_first_is_not_counted_twice(model: QueueModel) -> None:
    """The print of a trade no newer than the book's drop explains that drop."""
    queue = QueuePosition(model, 10.0, 1)
    queue.on_book(6.0, 5)
    assert queue.on_trade(4.0, 5) == 0.0
    assert queue.ahead == 6.0
    assert queue.on_trade(4.0, 6) == 0.0
    assert queue.ahead == 2.0


@both_models
def test_late_prints_explain_a_drop_only_as_far_as_it_went(model: QueueModel) -> None:
    """Of two prints of three after a drop of four, the last two are news."""
    queue = QueuePosition(model, 10.0, 1)
    queue.on_book(6.0, 5)
    queue.on_trade(3.0, 5)
    assert queue.ahead == 6.0
    queue.on_trade(3.0, 5)
    assert queue.ahead == 4.0


def test_an_older_book_does_not_make_a_print_forgotten() -> None:
    """A print is seen as a smaller size by a book that is no older, and explains what it can until then."""
    queue = QueuePosition(PROPORTIONAL, 5.0, 1)
    queue.on_book(10.0, 2)
    queue.on_trade(2.0, 10)
    queue.on_book(10.0, 5)
    queue.on_book(8.0, 10)
    assert queue.ahead == 3.0


def test_a_print_explains_nothing_after_a_book_that_contains_it() -> None:
    """Two traded and two joined, so the level kept its size; the next two that leave are cancels."""
    queue = QueuePosition(PROPORTIONAL, 5.0, 1)
    queue.on_book(10.0, 2)
    queue.on_trade(2.0, 10)
    queue.on_book(10.0, 10)
    queue.on_book(8.0, 11)
    assert queue.ahead == pytest.approx(3.0 * (1 - 2 / 10))


def test_a_print_explains_a_drop_once() -> None:
    """A print of two explains one that left before an older book, then one more; the third was a cancel."""
    queue = QueuePosition(PROPORTIONAL, 6.0, 1)
    queue.on_book(12.0, 2)
    queue.on_trade(2.0, 10)
    queue.on_book(11.0, 5)
    assert queue.ahead == 4.0
    queue.on_book(9.0, 10)
    assert queue.ahead == pytest.approx(4.0 * (1 - 1 / 10))


@both_models
def test_a_trade_newer_than_the_drop_counts_in_full(model: QueueModel) -> None:
    """Cancels ahead do not swallow later trades."""
    queue = QueuePosition(model, 10.0, 1)
    queue.on_book(6.0, 5)
    queue.on_trade(4.0, 6)
    assert queue.ahead == 2.0


def test_without_the_venues_times_the_order_of_arrival_decides() -> None:
    """A trade that arrives after a drop is a new one when nobody says otherwise."""
    queue = QueuePosition(CONSERVATIVE, 10.0, None)
    queue.on_book(6.0, None)
    queue.on_trade(4.0, None)
    assert queue.ahead == 2.0


def test_trades_from_before_the_order_stood_there_are_known_by_the_venues_own_times() -> None:
    """Both times are the venue's, so this also holds for a recording of last year."""
    queue = QueuePosition(CONSERVATIVE, 5.0, 100)
    assert queue.predates(99)
    assert queue.predates(100)
    assert not queue.predates(101)
    assert not queue.predates(None)
    assert not QueuePosition(CONSERVATIVE, 5.0, None).predates(1)


def test_a_recording_that_begins_anew_does_not_make_all_its_trades_old() -> None:
    """When the venue's time runs back in the book, it runs back for trades too."""
    queue = QueuePosition(CONSERVATIVE, 5.0, 100)
    queue.on_book(5.0, 10)
    assert not queue.predates(11)


@both_models
def test_a_level_that_leaves_the_visible_depth_keeps_its_queue(model: QueueModel) -> None:
    """Out of sight nothing is assumed; back in sight fewer displayed means fewer ahead."""
    queue = QueuePosition(model, 5.0, None)
    queue.on_book(None, None)
    assert queue.ahead == 5.0
    queue.on_book(3.0, None)
    assert queue.ahead == 3.0


sizes = st.integers(0, 9).map(float)
times = st.one_of(st.none(), st.integers(0, 20))
steps = st.lists(
    st.one_of(
        st.tuples(st.just("book"), st.one_of(st.none(), sizes), times),
        st.tuples(st.just("trade"), sizes, times),
    ),
    max_size=30,
)


@given(st.sampled_from(QueueModel), st.one_of(st.none(), sizes), times, steps)
def test_the_queue_ahead_is_never_negative_and_never_grows(
    model: QueueModel,
    start: float | None,
    start_ns: int | None,
    events: list[tuple[str, float | None, int | None]],
) -> None:
    """Whatever happens, in whatever order: an order moves forward, and never gets more than traded."""
    queue = QueuePosition(model, start, start_ns)
    for kind, size, at_ns in events:
        before = queue.ahead
        if kind == "book":
            queue.on_book(size, at_ns)
            assert size is None or queue.ahead <= size
        elif size is not None:
            reaches = queue.on_trade(size, at_ns)
            assert 0.0 <= reaches <= size
            assert reaches == 0.0 or queue.ahead == 0.0
        assert queue.ahead >= 0.0
        assert queue.ahead <= before or before == math.inf


class Queue:
    """The queue as the venue knows it: everybody in line, and where we stand."""

    def __init__(self, ahead: list[int]) -> None:
        self.ahead = ahead
        self.behind: list[int] = []

    @property
    def displayed(self) -> float:
        return float(sum(self.ahead) + sum(self.behind))

    def cancel(self, index: int) -> None:
        line = self.ahead if index < len(self.ahead) else self.behind
        if line:
            line.pop(index % len(line))

    def trade(self, size: int) -> float:
        """Trade from the front up to what stands ahead of us; return what was traded."""
        wanted = size
        while wanted and self.ahead:
            taken = min(wanted, self.ahead[0])
            self.ahead[0] -= taken
            wanted -= taken
            if not self.ahead[0]:
                self.ahead.pop(0)
        return float(size - wanted)


happenings = st.lists(
    st.one_of(
        st.tuples(st.just("join"), st.integers(1, 5)),
        st.tuples(st.just("cancel"), st.integers(0, 9)),
        st.tuples(
            st.sampled_from(["trade, print first", "trade, book first", "trade, book late"]),
            st.integers(1, 5),
        ),
    ),
    max_size=25,
)


@given(st.lists(st.integers(1, 5), max_size=5), happenings)
def test_the_conservative_place_is_never_better_than_the_true_one(
    line: list[int], events: list[tuple[str, int]]
) -> None:
    """Against a queue in which everybody is known: cancels anywhere, prints before and after the book."""
    truth = Queue(list(line))
    queue = QueuePosition(CONSERVATIVE, truth.displayed, 0)
    for at_ns, (kind, number) in enumerate(events, start=1):
        if kind == "join":
            truth.behind.append(number)
        elif kind == "cancel":
            truth.cancel(number)
        else:
            traded = truth.trade(number)
            if kind == "trade, book first":
                queue.on_book(truth.displayed, at_ns)
            if traded:
                queue.on_trade(traded, at_ns)
        if kind not in {"trade, book first", "trade, book late"}:
            queue.on_book(truth.displayed, at_ns)
        assert queue.ahead >= sum(truth.ahead)

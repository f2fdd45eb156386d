"""The book is believed only while it is whole, two-sided and not crossed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paraphina_core.domain import (
    BestBidOffer,
    BookDelta,
    BookGap,
    BookSnapshot,
    InstrumentId,
    Level,
    PackedLevels,
    RemoteProtocolError,
    Side,
)
from paraphina_core.market import MAX_WAITING_TOUCHES, Book, BookState
from trading import levels, snapshot

BTC = InstrumentId("test:BTC")


Pairs = tuple[tuple[float, float], ...]


def _snapshot(bids: Pairs, asks: Pairs, exchange_ns: int | None = None) -> BookSnapshot:
    return snapshot(bids, asks, BTC, exchange_ns)


def _delta(bids: Pairs, asks: Pairs) -> BookDelta:
    return BookDelta(instrument=BTC, bids=levels(*bids), asks=levels(*asks))


def _touch(bid: Level | None, ask: Level | None, exchange_ns: int | None = None) -> BestBidOffer:
    return BestBidOffer(instrument=BTC, bid=bid, ask=ask, exchange_ns=exchange_ns)


def _live_book() -> Book:
    book = Book(BTC)
    book.apply(_snapshot(((99.0, 1.0), (98.0, 2.0)), ((101.0, 1.0), (102.0, 2.0))), 5)
    return book


def test_a_new_book_waits_and_ignores_changes_until_a_snapshot_makes_it_whole() -> None:
    """Nothing is believed before the first snapshot."""
    book = Book(BTC)
    book.apply(_delta(((99.0, 1.0),), ((101.0, 1.0),)), 1)
    book.apply(_touch(Level(99.0, 1.0), Level(101.0, 1.0)), 2)
    assert book.state is BookState.WAITING
    assert book.arrived_ns is None
    book.apply(_snapshot(((99.0, 1.0),), ((101.0, 1.0),)), 3)
    assert book.state is BookState.LIVE
    assert book.arrived_ns == 3


def test_f013_a_gap_makes_the_book_invalid_until_the_next_snapshot() -> None:
    """After a gap deltas are ignored; only a snapshot heals."""
    book = _live_book()
    book.apply(BookGap(instrument=BTC, reason="sequence"), 6)
    book.apply(_delta(((99.5, 1.0),), ()), 7)
    assert book.state is BookState.GAPPED
    assert book.best_bid == Level(99.0, 1.0)
    book.apply(_snapshot(((97.0, 1.0),), ((98.0, 1.0),)), 8)
    assert book.state is BookState.LIVE
    assert book.best_bid == Level(97.0, 1.0)


def test_f014_a_delta_applied_twice_changes_nothing_more() -> None:
    """Sizes are absolute, so a duplicate is harmless."""
    book = _live_book()
    change = _delta(((98.5, 3.0),), ((101.0, 0.0),))
    book.apply(change, 6)
    once = (list(book.bids), list(book.asks))
    book.apply(change, 7)
    assert (list(book.bids), list(book.asks)) == once


@pytest.mark.parametrize("touch", [99.0, 100.0])
def test_f022_a_locked_or_crossed_book_is_a_state_and_not_an_exception(touch: float) -> None:
    """Best bid at or above best ask is not believed, and heals by itself."""
    book = Book(BTC)
    book.apply(_snapshot(((touch, 1.0),), ((99.0, 1.0),)), 1)
    assert book.state is BookState.CROSSED
    book.apply(_snapshot(((98.0, 1.0),), ((99.0, 1.0),)), 2)
    assert book.state is BookState.LIVE


def test_f023_an_empty_side_leaves_no_mid() -> None:
    """A one-sided book has no mid and is not live."""
    book = Book(BTC)
    book.apply(_snapshot((), ((99.0, 1.0),)), 1)
    assert book.state is BookState.ONE_SIDED
    assert book.mid is None
    assert book.best_bid is None


@pytest.mark.parametrize(
    ("bids", "asks"),
    [
        (((99.0, 1.0), (99.0, 1.0)), ((101.0, 1.0),)),
        (((98.0, 1.0), (99.0, 1.0)), ((101.0, 1.0),)),
        (((99.0, 1.0),), ((102.0, 1.0), (101.0, 1.0))),
        (((99.0, 0.0),), ((101.0, 1.0),)),
        (((99.0, -1.0),), ((101.0, 1.0),)),
        (((0.0, 1.0),), ((101.0, 1.0),)),
        (((float("nan"), 1.0),), ((101.0, 1.0),)),
        (((99.0, float("nan")),), ((101.0, 1.0),)),
        (((99.0, 1.0),), ((101.0, 1.0), (float("inf"), 1.0))),
        (((99.0, 1.0),), ((101.0, float("inf")),)),
        (((99.0, 1.0),), ((101.0, 1.0), (102.0, 1.0), (102.0, 2.0))),
    ],
)
def test_f019_levels_that_no_book_can_have_are_refused_and_leave_it_gapped(bids: Pairs, asks: Pairs) -> None:
    """Unsorted, repeated, zero, negative, endless and NaN levels are the venue's error, on either side."""
    book = _live_book()
    book.apply(_snapshot(bids, asks), 6)
    with pytest.raises(RemoteProtocolError):
        book.verify()
    assert book.state is BookState.GAPPED
    assert (book.best_bid, book.best_ask) == (None, None)
    book.apply(_snapshot(((98.0, 1.0),), ((99.0, 1.0),)), 7)
    assert book.verify() is BookState.LIVE


@pytest.mark.parametrize("ask", ["state", "bids", "levels", "size_at", "covers"])
def test_f019_a_broken_depth_is_never_believed_though_its_touch_was_readable(ask: str) -> None:
    """The first question after the state or the depth finds it out; from then on there is no touch."""
    book = _live_book()
    book.apply(_snapshot(((99.0, 1.0), (98.0, 1.0), (98.5, 1.0)), ((101.0, 1.0),)), 6)
    assert book.best_bid == Level(99.0, 1.0)
    answers = {
        "state": lambda: book.state,
        "bids": lambda: tuple(book.bids),
        "levels": lambda: tuple(book.levels(Side.SELL)),
        "size_at": lambda: book.size_at(Side.BUY, 99.0),
        "covers": lambda: book.covers(Side.BUY, 98.5),
    }
    assert answers[ask]() in {BookState.GAPPED, (), 0.0}
    assert (book.state, book.best_bid, book.mid, tuple(book.asks)) == (BookState.GAPPED, None, None, ())


def test_f019_packed_levels_that_cannot_be_read_leave_the_book_gapped() -> None:
    """Its best level was readable and is gone; the next book heals it."""

    def unpack(_side: bytes) -> tuple[Level, ...]:
        raise RemoteProtocolError("levels cannot be read")

    book = _live_book()
    bids = PackedLevels(Level(99.0, 1.0), b"[", unpack)
    book.apply(BookSnapshot(instrument=BTC, bids=bids, asks=levels((101.0, 1.0))), 6)
    assert book.best_bid == Level(99.0, 1.0)
    with pytest.raises(RemoteProtocolError):
        book.verify()
    assert (book.state, book.best_bid, tuple(book.bids)) == (BookState.GAPPED, None, ())
    book.apply(_snapshot(((98.0, 1.0),), ((99.0, 1.0),)), 7)
    assert book.state is BookState.LIVE


def test_f019_a_touch_that_no_book_can_have_leaves_it_gapped() -> None:
    """A best offer is checked like any other level before the book is believed again."""
    for bad in (0.0, -1.0, float("nan"), float("inf")):
        book = _live_book()
        book.apply(_touch(Level(bad, 1.0), Level(101.0, 1.0)), 6)
        assert book.state is BookState.GAPPED


def test_a_book_at_its_limit_of_levels_is_kept_and_one_level_more_is_refused() -> None:
    """The number of levels is bounded, in snapshots and by deltas."""
    book = Book(BTC, max_levels=2)
    book.apply(_snapshot(((99.0, 1.0), (98.0, 1.0)), ((101.0, 1.0),)), 1)
    assert book.state is BookState.LIVE
    with pytest.raises(RemoteProtocolError, match="too many levels"):
        book.apply(_delta(((97.0, 1.0),), ()), 2)
    book.apply(_snapshot(((99.0, 1.0), (98.0, 1.0), (97.0, 1.0)), ((101.0, 1.0),)), 3)
    with pytest.raises(RemoteProtocolError, match="too many levels"):
        book.verify()


def test_a_newer_touch_replaces_better_levels_and_an_older_one_is_ignored() -> None:
    """A best-bid-offer corrects the touch of a slower book, never backwards in venue time."""
    book = Book(BTC)
    book.apply(_snapshot(((99.0, 1.0), (98.0, 2.0)), ((101.0, 1.0), (102.0, 2.0)), exchange_ns=10), 1)
    book.apply(_touch(Level(98.0, 5.0), Level(100.5, 1.0), exchange_ns=11), 2)
    assert tuple(book.bids) == levels((98.0, 5.0))
    assert tuple(book.asks) == levels((100.5, 1.0), (101.0, 1.0), (102.0, 2.0))
    book.apply(_touch(Level(97.0, 5.0), Level(103.0, 1.0), exchange_ns=9), 3)
    assert book.best_bid == Level(98.0, 5.0)
    assert book.arrived_ns == 2


def test_a_touch_between_two_changes_takes_nothing_out_of_the_depth() -> None:
    """A level that went and came back between two changes is in neither, and is there all the same."""
    book = _live_book()
    book.apply(_touch(Level(98.0, 2.0), Level(100.5, 3.0)), 6)
    assert tuple(book.bids) == levels((98.0, 2.0))
    book.apply(_delta(((97.0, 4.0),), ()), 7)
    assert tuple(book.bids) == levels((99.0, 1.0), (98.0, 2.0), (97.0, 4.0))
    assert tuple(book.asks) == levels((101.0, 1.0), (102.0, 2.0))
    assert (book.best_bid, book.best_ask) == levels((99.0, 1.0), (101.0, 1.0))


def test_a_touch_without_a_side_empties_that_side() -> None:
    """A side without a best offer is one-sided until it comes back."""
    book = _live_book()
    book.apply(_touch(None, Level(101.0, 1.0)), 6)
    assert book.state is BookState.ONE_SIDED


def test_size_and_cover_answer_by_price_on_each_side() -> None:
    """Inside the visible depth a missing level is empty; beyond it nothing is known."""
    book = _live_book()
    assert book.size_at(Side.BUY, 98.0) == 2.0
    assert book.size_at(Side.BUY, 98.5) == 0.0
    assert book.size_at(Side.SELL, 101.0) == 1.0
    assert book.covers(Side.BUY, 98.5)
    assert not book.covers(Side.BUY, 97.9)
    assert book.covers(Side.SELL, 100.5)
    assert not book.covers(Side.SELL, 102.1)


prices = st.integers(min_value=1, max_value=40).map(float)
sizes = st.integers(min_value=0, max_value=5).map(float)
changes = st.lists(st.tuples(prices, sizes), max_size=12)


touches = st.lists(st.tuples(prices, prices), max_size=MAX_WAITING_TOUCHES + 2)


@given(depth=st.lists(prices, min_size=1, unique=True), seen=touches, asked=st.booleans())
def test_touches_that_wait_leave_the_same_book_as_touches_that_are_worked_in_at_once(
    depth: list[float], seen: list[tuple[float, float]], *, asked: bool
) -> None:
    """It does not matter when the depth is asked for, and every touch proves better levels gone."""
    bids, asks = sorted(depth, reverse=True), sorted(price + 40.0 for price in depth)
    book = Book(BTC)
    book.apply(_snapshot(tuple((p, 1.0) for p in bids), tuple((p, 1.0) for p in asks)), 0)
    for bid, ask in seen:
        book.apply(_touch(Level(bid, 2.0), Level(ask + 40.0, 2.0)), 1)
        bids = [bid, *(price for price in bids if price < bid)]
        asks = [ask + 40.0, *(price for price in asks if price > ask + 40.0)]
        if asked:
            assert book.state is not BookState.GAPPED
    assert [level.price for level in book.bids] == bids
    assert [level.price for level in book.asks] == asks
    assert (book.touch(Side.BUY), book.touch(Side.SELL)) == (bids[0], asks[0])


@given(first=changes, second=changes)
def test_deltas_leave_the_same_levels_as_a_plain_dictionary(
    first: list[tuple[float, float]], second: list[tuple[float, float]]
) -> None:
    """Whatever the changes, the book equals a dictionary of price to size, sorted best first."""
    book = Book(BTC)
    book.apply(_snapshot(((20.0, 1.0),), ((21.0, 1.0),)), 0)
    bids, asks = {20.0: 1.0}, {21.0: 1.0}
    book.apply(_delta(tuple(first), tuple(second)), 1)
    for side, model in ((first, bids), (second, asks)):
        for price, size in side:
            if size == 0.0:
                model.pop(price, None)
            else:
                model[price] = size
    assert tuple(book.bids) == levels(*sorted(bids.items(), reverse=True))
    assert tuple(book.asks) == levels(*sorted(asks.items()))
    two_sided = bool(bids) and bool(asks)
    assert (book.state is BookState.LIVE) == (two_sided and max(bids) < min(asks))


def test_freshness_is_kept_in_three_figures() -> None:
    """The venue's time, the arrival and the application of the last message, each by itself."""
    book = Book(BTC)
    assert (book.exchange_ns, book.arrived_ns, book.applied_ns) == (None, None, None)
    book.apply(_snapshot(((100.0, 1.0),), ((101.0, 1.0),), exchange_ns=7), 20, 25)
    assert (book.exchange_ns, book.arrived_ns, book.applied_ns) == (7, 20, 25)
    book.apply(_touch(Level(100.5, 1.0), Level(101.0, 1.0), exchange_ns=8), 30)
    assert (book.exchange_ns, book.arrived_ns, book.applied_ns) == (8, 30, 30)
    book.apply(BookGap(instrument=BTC, reason="lost"), 40)
    assert (book.arrived_ns, book.applied_ns) == (30, 30)

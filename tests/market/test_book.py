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
    RemoteProtocolError,
    Side,
)
from paraphina_core.market import Book, BookState

BTC = InstrumentId("test:BTC")


def _snapshot(
    bids: tuple[Level, ...], asks: tuple[Level, ...], exchange_ns: int | None = None
) -> BookSnapshot:
    return BookSnapshot(instrument=BTC, bids=bids, asks=asks, exchange_ns=exchange_ns)


def _live_book() -> Book:
    book = Book(BTC)
    book.apply(_snapshot(((99.0, 1.0), (98.0, 2.0)), ((101.0, 1.0), (102.0, 2.0))), 5)
    return book


def test_a_new_book_waits_and_ignores_changes_until_a_snapshot_makes_it_whole() -> None:
    """Nothing is believed before the first snapshot."""
    book = Book(BTC)
    book.apply(BookDelta(instrument=BTC, bids=((99.0, 1.0),), asks=((101.0, 1.0),)), 1)
    book.apply(BestBidOffer(instrument=BTC, bid=(99.0, 1.0), ask=(101.0, 1.0)), 2)
    assert book.state is BookState.WAITING
    assert book.arrived_ns is None
    book.apply(_snapshot(((99.0, 1.0),), ((101.0, 1.0),)), 3)
    assert book.state is BookState.LIVE
    assert book.arrived_ns == 3


def test_f013_a_gap_makes_the_book_invalid_until_the_next_snapshot() -> None:
    """After a gap deltas are ignored; only a snapshot heals."""
    book = _live_book()
    book.apply(BookGap(instrument=BTC, reason="sequence"), 6)
    book.apply(BookDelta(instrument=BTC, bids=((99.5, 1.0),), asks=()), 7)
    assert book.state is BookState.GAPPED
    assert book.best_bid == (99.0, 1.0)
    book.apply(_snapshot(((97.0, 1.0),), ((98.0, 1.0),)), 8)
    assert book.state is BookState.LIVE
    assert book.best_bid == (97.0, 1.0)


def test_f014_a_delta_applied_twice_changes_nothing_more() -> None:
    """Sizes are absolute, so a duplicate is harmless."""
    book = _live_book()
    change = BookDelta(instrument=BTC, bids=((98.5, 3.0),), asks=((101.0, 0.0),))
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
    ],
)
def test_f019_levels_that_no_book_can_have_are_refused_and_leave_it_gapped(
    bids: tuple[Level, ...], asks: tuple[Level, ...]
) -> None:
    """Unsorted, repeated, zero, negative and NaN levels are the venue's error."""
    book = _live_book()
    with pytest.raises(RemoteProtocolError):
        book.apply(_snapshot(bids, asks), 6)
    assert book.state is BookState.GAPPED


def test_a_book_at_its_limit_of_levels_is_kept_and_one_level_more_is_refused() -> None:
    """The number of levels is bounded, in snapshots and by deltas."""
    book = Book(BTC, max_levels=2)
    book.apply(_snapshot(((99.0, 1.0), (98.0, 1.0)), ((101.0, 1.0),)), 1)
    assert book.state is BookState.LIVE
    with pytest.raises(RemoteProtocolError, match="too many levels"):
        book.apply(BookDelta(instrument=BTC, bids=((97.0, 1.0),), asks=()), 2)
    with pytest.raises(RemoteProtocolError, match="too many levels"):
        book.apply(_snapshot(((99.0, 1.0), (98.0, 1.0), (97.0, 1.0)), ((101.0, 1.0),)), 3)


def test_a_newer_touch_replaces_better_levels_and_an_older_one_is_ignored() -> None:
    """A best-bid-offer corrects the touch of a slower book, never backwards in venue time."""
    book = Book(BTC)
    book.apply(_snapshot(((99.0, 1.0), (98.0, 2.0)), ((101.0, 1.0), (102.0, 2.0)), exchange_ns=10), 1)
    book.apply(BestBidOffer(instrument=BTC, bid=(98.0, 5.0), ask=(100.5, 1.0), exchange_ns=11), 2)
    assert book.bids == [(98.0, 5.0)]
    assert list(book.asks) == [(100.5, 1.0), (101.0, 1.0), (102.0, 2.0)]
    book.apply(BestBidOffer(instrument=BTC, bid=(97.0, 5.0), ask=(103.0, 1.0), exchange_ns=9), 3)
    assert book.best_bid == (98.0, 5.0)
    assert book.arrived_ns == 2


def test_a_touch_without_a_side_empties_that_side() -> None:
    """A side without a best offer is one-sided until it comes back."""
    book = _live_book()
    book.apply(BestBidOffer(instrument=BTC, bid=None, ask=(101.0, 1.0)), 6)
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


@given(first=changes, second=changes)
def test_deltas_leave_the_same_levels_as_a_plain_dictionary(first: list[Level], second: list[Level]) -> None:
    """Whatever the changes, the book equals a dictionary of price to size, sorted best first."""
    book = Book(BTC)
    book.apply(_snapshot(((20.0, 1.0),), ((21.0, 1.0),)), 0)
    bids, asks = {20.0: 1.0}, {21.0: 1.0}
    book.apply(BookDelta(instrument=BTC, bids=tuple(first), asks=tuple(second)), 1)
    for side, model in ((first, bids), (second, asks)):
        for price, size in side:
            if size == 0.0:
                model.pop(price, None)
            else:
                model[price] = size
    assert list(book.bids) == sorted(bids.items(), reverse=True)
    assert list(book.asks) == sorted(asks.items())
    two_sided = bool(bids) and bool(asks)
    assert (book.state is BookState.LIVE) == (two_sided and max(bids) < min(asks))

"""A resting paper order fills only when the market shows that it would have: by a trade or by the book."""

from __future__ import annotations

from typing import Any

import pytest

from paper_world import PaperWorld, fills_of, kinds
from paraphina_core.config import QueueModel
from paraphina_core.domain import (
    BestBidOffer,
    BookDelta,
    BookGap,
    BookSnapshot,
    Fill,
    Level,
    Liquidity,
    Side,
)
from trading import BTC, levels, place, snapshot, trade

BUY, SELL = Side.BUY, Side.SELL


def _book(
    bid: float = 100.0, ask: float = 101.0, bid_size: float = 2.0, ask_size: float = 2.0
) -> BookSnapshot:
    """A book with one level in sight at each side, and one far behind it."""
    return snapshot(((bid, bid_size), (90.0, 1.0)), ((ask, ask_size), (110.0, 1.0)))


def _world(**settings: Any) -> PaperWorld:
    world = PaperWorld(**settings)
    world.see(_book())
    return world


# --- trades -------------------------------------------------------------------------------------


def test_a_trade_at_the_price_first_serves_the_queue_ahead() -> None:
    """Two were displayed before us: of three sold at the price, one reaches our order."""
    world = _world()
    world.send(place(1, BUY, 100, 5))
    events = world.see(trade(100.0, 3.0, SELL))
    assert fills_of(events) == [(1, 100.0, 1.0)]
    assert fills_of(world.see(trade(100.0, 3.0, SELL))) == [(1, 100.0, 3.0)]
    assert fills_of(world.see(trade(100.0, 3.0, SELL))) == [(1, 100.0, 1.0)]
    assert {event.liquidity for event in events if isinstance(event, Fill)} == {Liquidity.MAKER}


def test_a_trade_through_the_price_fills_at_our_price_as_far_as_it_goes() -> None:
    """Whoever sold at 99 would have met our 100 first; no queue is left before us then."""
    world = _world()
    world.send(place(1, BUY, 100, 5))
    assert fills_of(world.see(trade(99.0, 3.0, SELL))) == [(1, 100.0, 3.0)]
    assert fills_of(world.see(trade(100.0, 1.0, SELL))) == [(1, 100.0, 1.0)]


@pytest.mark.parametrize(
    "event",
    [
        trade(100.0, 9.0, BUY),
        trade(100.5, 9.0, SELL),
        trade(99.0, 9.0, SELL, is_replay=True),
        trade(100.0, 2.0, SELL),
        _book(),
        _book(bid=99.5, ask=100.5),
    ],
)
def test_what_does_not_reach_an_order_does_not_fill_it(event: Any) -> None:
    """The other direction, a better price, a replayed trade, the queue ahead, a book still away: no fill."""
    world = _world()
    world.send(place(1, BUY, 100, 5))
    assert fills_of(world.see(event)) == []


def test_sells_are_the_mirror_image() -> None:
    """A buyer at our price serves the queue first, a buyer through it fills us."""
    world = _world()
    world.send(place(1, SELL, 101, 5))
    assert fills_of(world.see(trade(101.0, 3.0, BUY))) == [(1, 101.0, 1.0)]
    assert fills_of(world.see(trade(102.0, 3.0, BUY))) == [(1, 101.0, 3.0)]
    assert fills_of(world.see(_book(bid=101.0, ask=102.0))) == [(1, 101.0, 1.0)]


def test_own_orders_share_a_trade_by_price_and_then_by_time() -> None:
    """One trade gives no more than its size: the better price first, then the older order."""
    world = _world()
    world.send(place(1, BUY, 100, 1), place(2, BUY, "100.5", 1), place(3, BUY, 100, 1))
    assert fills_of(world.see(trade(99.0, 2.5, SELL))) == [(2, 100.5, 1.0), (1, 100.0, 1.0), (3, 100.0, 0.5)]


def test_own_orders_at_one_price_share_what_the_queue_leaves() -> None:
    """Two ahead, then our first order, then our second."""
    world = _world()
    world.send(place(1, BUY, 100, 1), place(2, BUY, 100, 1))
    assert fills_of(world.see(trade(100.0, 3.5, SELL))) == [(1, 100.0, 1.0), (2, 100.0, 0.5)]


def test_what_an_own_order_had_of_a_trade_does_not_shorten_the_queue_of_the_next() -> None:
    """Our first order takes the trade, so the two that stand before our second one are still there."""
    world = PaperWorld()
    world.see(_book(bid=99.5))
    world.send(place(1, BUY, 100, 3))
    world.see(_book())
    world.send(place(2, BUY, 100, 1))
    assert fills_of(world.see(trade(100.0, 3.0, SELL))) == [(1, 100.0, 3.0)]
    assert fills_of(world.see(trade(100.0, 2.0, SELL))) == []
    assert fills_of(world.see(trade(100.0, 2.0, SELL))) == [(2, 100.0, 1.0)]


def test_an_order_alone_at_its_price_is_first_in_the_queue() -> None:
    """Inside the spread nothing is displayed, so nothing is ahead."""
    world = _world()
    world.send(place(1, BUY, "100.5", 1))
    assert fills_of(world.see(trade(100.5, 0.4, SELL))) == [(1, 100.5, 0.4)]


def test_beyond_the_visible_depth_only_a_trade_through_fills() -> None:
    """How long the queue at 80 is nobody can see: a trade there may all belong to others."""
    world = _world()
    world.send(place(1, BUY, 80, 1))
    assert fills_of(world.see(trade(80.0, 1e6, SELL))) == []
    assert fills_of(world.see(trade(79.5, 0.3, SELL))) == [(1, 80.0, 0.3)]


def test_an_order_joins_the_queue_when_its_level_comes_into_sight() -> None:
    """From then on it stands behind what is displayed there."""
    world = _world()
    world.send(place(1, BUY, 80, 1))
    world.see(snapshot(((100.0, 2.0), (80.0, 4.0)), ((101.0, 2.0),)))
    assert fills_of(world.see(trade(80.0, 4.5, SELL))) == [(1, 80.0, 0.5)]


def test_trades_from_before_the_orders_arrival_do_not_fill_it() -> None:
    """By the venue's own time: the book that the order met already contained them."""
    world = PaperWorld()
    world.see(snapshot(((100.0, 2.0),), ((101.0, 2.0),), exchange_ns=1_000))
    world.send(place(1, BUY, 100, 1))
    assert fills_of(world.see(trade(99.0, 9.0, SELL, exchange_ns=1_000))) == []
    assert fills_of(world.see(trade(99.0, 9.0, SELL, exchange_ns=1_001))) == [(1, 100.0, 1.0)]


def test_a_recording_of_another_year_fills_all_the_same() -> None:
    """Only the venue's times are compared with each other, never with the session's."""
    world = PaperWorld()
    world.now_ms = 1_800_000_000_000
    world.see(snapshot(((100.0, 2.0),), ((101.0, 2.0),), exchange_ns=5))
    world.send(place(1, BUY, 100, 1))
    assert fills_of(world.see(trade(99.0, 9.0, SELL, exchange_ns=6))) == [(1, 100.0, 1.0)]


# --- the book -----------------------------------------------------------------------------------


@pytest.mark.parametrize("ask", [100.0, 99.5])
def test_an_ask_at_or_through_a_resting_buy_fills_it_at_its_own_price(ask: float) -> None:
    """Whoever asks that much would have met our order; we pay our price and the maker's fee."""
    world = _world()
    world.send(place(1, BUY, 100, 5))
    events = world.see(snapshot(((99.0, 1.0),), ((ask, 3.0), (100.5, 9.0))))
    assert fills_of(events) == [(1, 100.0, 3.0)]
    assert {event.liquidity for event in events if isinstance(event, Fill)} == {Liquidity.MAKER}
    assert fills_of(world.see(snapshot(((99.0, 1.0),), ((ask, 3.0), (100.5, 9.0))))) == []
    delta = BookDelta(instrument=BTC.id, bids=(), asks=levels((ask, 4.0)))
    assert fills_of(world.see(delta)) == [(1, 100.0, 2.0)]


def test_a_touch_that_moves_through_an_order_fills_it() -> None:
    """The best bid and offer alone is evidence enough."""
    world = _world()
    world.send(place(1, BUY, 100, 5))
    touch = BestBidOffer(instrument=BTC.id, bid=Level(99.0, 1.0), ask=Level(99.5, 2.0))
    assert fills_of(world.see(touch)) == [(1, 100.0, 2.0)]


def test_a_shrinking_level_moves_the_order_forward() -> None:
    """Of two ahead one is left: of two sold, one reaches us."""
    world = _world()
    world.send(place(1, BUY, 100, 5))
    world.see(_book(bid_size=1.0))
    assert fills_of(world.see(trade(100.0, 2.0, SELL))) == [(1, 100.0, 1.0)]


def test_the_queue_model_is_a_setting() -> None:
    """Four joined behind two, three left: evenly spread, one of them stood ahead."""
    reached = {}
    for model in QueueModel:
        world = _world(queue_model=model)
        world.send(place(1, BUY, 100, 5))
        world.see(_book(bid_size=6.0))
        world.see(_book(bid_size=3.0))
        reached[model] = fills_of(world.see(trade(100.0, 3.0, SELL)))
    assert reached == {
        QueueModel.CONSERVATIVE: [(1, 100.0, 1.0)],
        QueueModel.PROPORTIONAL: [(1, 100.0, 2.0)],
    }


# --- a book that is not live --------------------------------------------------------------------


@pytest.mark.parametrize(
    "trouble",
    [
        BookGap(instrument=BTC.id, reason="sequence"),
        snapshot(((102.0, 1.0),), ((101.0, 1.0),)),
        snapshot((), ((101.0, 1.0),)),
    ],
)
def test_a_book_that_is_not_live_matches_nothing(trouble: Any) -> None:
    """Gapped, crossed and one-sided books fill nothing, by no event, and the order stays."""
    world = _world()
    world.send(place(1, BUY, 100, 1))
    assert fills_of(world.see(trouble)) == []
    assert fills_of(world.see(trade(90.0, 9.0, SELL))) == []
    assert kinds(world.cancel(1)) == ["OrderCancelled"]


def test_f013_after_a_gap_the_order_is_last_in_the_queue_again() -> None:
    """What happened meanwhile is not known, so nothing is claimed."""
    world = _world()
    world.send(place(1, BUY, 100, 1))
    world.see(trade(100.0, 2.0, SELL))
    world.see(BookGap(instrument=BTC.id, reason="sequence"))
    world.see(_book(bid_size=5.0))
    assert fills_of(world.see(trade(100.0, 5.0, SELL))) == []
    assert fills_of(world.see(trade(100.0, 1.0, SELL))) == [(1, 100.0, 1.0)]


def test_f002_a_book_that_was_lost_without_an_event_is_noticed_too() -> None:
    """A session forgets a book when its stream ends; the place in the queue goes with it."""
    world = _world()
    world.send(place(1, BUY, 100, 1))
    world.see(trade(100.0, 2.0, SELL))
    world.books[BTC.id].reset()
    world.wait(1)
    world.see(_book(bid_size=5.0))
    assert fills_of(world.see(trade(100.0, 5.0, SELL))) == []


def test_a_crossed_moment_does_not_cost_the_place_in_the_queue() -> None:
    """The sequence was not lost, so neither is the place."""
    world = _world()
    world.send(place(1, BUY, 100, 1))
    world.see(trade(100.0, 2.0, SELL))
    world.see(snapshot(((102.0, 1.0),), ((101.0, 1.0),)))
    world.see(_book(bid_size=5.0))
    assert fills_of(world.see(trade(100.0, 1.0, SELL))) == [(1, 100.0, 1.0)]


def test_a_filled_order_is_out_of_the_book() -> None:
    """Nothing is left that a later order of ours could meet, or that could be cancelled."""
    world = _world()
    world.send(place(1, SELL, "100.5", 1))
    assert fills_of(world.see(trade(102.0, 5.0, BUY))) == [(1, 100.5, 1.0)]
    assert kinds(world.send(place(2, BUY, "100.5", 1))) == ["OrderAccepted"]
    assert kinds(world.cancel(1)) == ["ORDER_NOT_FOUND"]


def test_a_cancelled_order_does_not_fill() -> None:
    """What is gone is gone."""
    world = _world()
    world.send(place(1, BUY, 100, 1))
    world.cancel(1)
    assert fills_of(world.see(trade(99.0, 9.0, SELL))) == []

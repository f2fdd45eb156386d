"""Books, touches, trades, marks and funding of the public market."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lighter_market import ETH, NOW, WHOLE, Sides, apply, book, read, ready
from paraphina_core.domain import (
    BestBidOffer,
    BookDelta,
    BookGap,
    BookSnapshot,
    FundingRate,
    Level,
    MarkPrice,
    RemoteError,
    Resubscribe,
    Side,
    SubscriptionLive,
    Trade,
    VenueNotice,
)
from paraphina_lighter import funding
from paraphina_lighter.connector import MARKET
from paraphina_lighter.twin.conformance import noted

VECTORS = Path(__file__).parent / "vectors"


# --- books --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=case["id"])
        for case in json.loads((VECTORS / "book_scenarios.json").read_text(encoding="utf-8"))["cases"]
    ],
)
def test_f013_a_book_is_followed_by_its_count(case: dict[str, Any]) -> None:
    """In every scenario changes are applied, ignored and refused as they must, and the same book is left."""
    client = ready()
    seen: Sides | None = None
    for frame, wanted in zip(case["frames"], case["expected"], strict=True):
        events = [event for event in read(client, frame) if not isinstance(event, SubscriptionLive)]
        kinds: list[type] = [type(event) for event in events]
        actions = wanted if isinstance(wanted, list) else [wanted]
        if BookGap in kinds:
            assert "resync" in actions
            assert [kind.__name__ for kind in kinds] == ["BookGap", "Resubscribe"]
        else:
            assert ("apply" if kinds else "ignore") in actions
        seen = apply(seen, events)
    if "final_book" in case:
        final = seen or ({}, {})
        for side, name in zip(final, ("bids", "asks"), strict=True):
            assert side == {Decimal(price): Decimal(size) for price, size in case["final_book"][name]}


@given(st.lists(st.integers(0, 3), min_size=1, max_size=20), st.integers(0, 19))
def test_f013_a_lost_change_is_never_passed_over(steps: list[int], lost: int) -> None:
    """Whichever change is lost, the next one tells it, and nothing counts after that."""
    client = ready()
    read(client, WHOLE)
    nonce, is_lost = 100, False
    for number, step in enumerate(steps):
        message = book("update", nonce + step, nonce, [("10.1", str(number + 1))])
        nonce += step
        if number == lost:
            is_lost = is_lost or step > 0
            continue
        events = read(client, message)
        if is_lost and events:
            assert [type(event).__name__ for event in events] == ["BookGap", "Resubscribe"]
            assert read(client, book("update", nonce + 1, nonce)) == []
            return
        assert [type(event) for event in events] == [BookDelta]


@pytest.mark.parametrize(
    "change",
    [
        book("update", 101, 100, [("1e3", "1")]),
        book("update", 101, 100, [("1\\u0030", "1")]),
        book("update", 101, 100, [("10", "-1")]),
        book("update", 101, 100, [("0", "1")]),
        book("update", 101, 100, [("nan", "1")]),
        book("update", 99, 100),
        book("update", 101, 100) | {"order_book": {}},
    ],
)
def test_f018_a_change_that_cannot_be_read_counts_for_nothing(change: dict[str, Any]) -> None:
    """It is refused whole, and the change that belongs in its place is applied."""
    client = ready()
    read(client, WHOLE)
    with pytest.raises(RemoteError):
        read(client, change)
    assert [type(event) for event in read(client, book("update", 101, 100))] == [BookDelta]


def test_a_whole_book_is_in_order_and_without_empty_levels() -> None:
    """Whatever order the venue lists it in; times are the venue's, in microseconds."""
    client = ready()
    bids, asks = [("9", "1"), ("10", "1"), ("8", "0")], [("12", "1"), ("11", "1")]
    live, event = read(client, book("subscribed", 1, 0, bids, asks))
    assert live == SubscriptionLive(topic="order_book:ETH")
    assert isinstance(event, BookSnapshot)
    assert event.bids == (Level(10, 1), Level(9, 1))
    assert event.asks == (Level(11, 1), Level(12, 1))
    assert event.exchange_ns == 1_785_252_530_119_936_000


def test_sides_that_are_null_have_not_changed() -> None:
    """Answers over HTTP write null for an empty list."""
    client = ready()
    read(client, WHOLE)
    change = book("update", 101, 100)
    change["order_book"] |= {"bids": None, "asks": None}
    (event,) = read(client, change)
    assert isinstance(event, BookDelta)
    assert (event.bids, event.asks) == ((), ())


def test_a_new_connection_begins_without_a_book() -> None:
    """What an earlier one counted is void."""
    client = ready()
    read(client, WHOLE)
    client.closed(MARKET)
    client.opened(MARKET, NOW)
    assert read(client, book("update", 101, 100)) == []


# --- the rest of the market ---------------------------------------------------------------------------------


def test_the_touch_has_the_time_at_which_it_was_true() -> None:
    """Its count is another one than the book's, so times alone put the two in order."""
    ticker = {"s": "ETH", "a": {"price": "10.3", "size": "2"}, "b": {"price": "10.1", "size": "0"}}
    message = {"channel": "ticker:0", "last_updated_at": 5, "nonce": 9, "ticker": ticker}
    live, first = read(ready(), message | {"type": "subscribed/ticker"})
    (event,) = read(ready(), message | {"type": "update/ticker"})
    assert live == SubscriptionLive(topic="ticker:ETH")
    assert first == event
    assert event == BestBidOffer(instrument=ETH, bid=None, ask=Level(10.3, 2), exchange_ns=5_000)


def trade(number: int, **changes: Any) -> dict[str, Any]:
    """Return a trade."""
    return {
        "trade_id": number,
        "price": "10.1",
        "size": "0.5",
        "is_maker_ask": True,
        "timestamp": 1_785_252_546_746,
    } | changes


def test_trades_of_before_the_subscription_are_marked_and_none_is_told_twice() -> None:
    """The taker buys where the maker asked; trades that liquidate are trades."""
    client = ready()
    old = {"channel": "trade:0", "trades": [trade(1)], "liquidation_trades": None, "type": "subscribed/trade"}
    live, first = read(client, old)
    assert live == SubscriptionLive(topic="trade:ETH")
    assert isinstance(first, Trade)
    assert first.is_replay
    assert (first.aggressor, first.trade_id) == (Side.BUY, "1")
    forced = trade(3, is_maker_ask=False, transaction_time=1_785_252_546_746_546)
    events = read(
        client,
        old | {"type": "update/trade", "trades": [trade(1), trade(2)], "liquidation_trades": [forced]},
    )
    found = [event for event in events if isinstance(event, Trade)]
    assert [(event.trade_id, event.aggressor, event.is_replay) for event in found] == [
        ("2", Side.BUY, False),
        ("3", Side.SELL, False),
    ]
    assert [event.exchange_ns for event in found] == [1_785_252_546_746_000_000, 1_785_252_546_746_546_000]


def test_a_message_with_one_bad_trade_tells_none_of_them() -> None:
    """And the good one is new when it comes again."""
    client = ready()
    message = {"channel": "trade:0", "trades": [trade(1), trade(2, price="0")], "type": "update/trade"}
    with pytest.raises(RemoteError):
        read(client, message)
    assert len(read(client, message | {"trades": [trade(1)]})) == 1


def test_messages_that_others_noted_are_read() -> None:
    """Of mainnet, November 2025: a mark, a rate of an hour, a trade; the change of a book follows nothing."""
    client = ready()
    events = [event for frame in noted() for event in client.read(MARKET, frame, 0)]
    assert [type(event) for event in events] == [SubscriptionLive, Trade, MarkPrice, FundingRate, VenueNotice]
    (rate,) = (event for event in events if isinstance(event, FundingRate))
    assert rate.rate == pytest.approx(1.2e-5)
    assert rate.interval_s == 3_600
    assert rate.next_funding_ns == 1_763_535_600_000_000_000


def test_f063_the_units_of_funding_agree_with_what_was_recorded() -> None:
    """One hour of ETH as three answers state it: percent an hour, twice, and a fraction of eight hours."""
    paid_usd, size, price = 0.02707872, 1.0, 2_256.0
    assert funding.of_market("0.0012") == pytest.approx(paid_usd / size / price, rel=0.01)
    assert funding.of_history("0.0012", "long") == pytest.approx(funding.of_market("0.0012"))
    assert funding.of_history("0.0012", "short") == -funding.of_history("0.0012", "long")
    assert funding.of_comparison(9.6e-05) == pytest.approx(funding.of_market("0.0012"))
    with pytest.raises(RemoteError):
        funding.of_history("0.0012", "both")


@pytest.mark.parametrize(
    "frame", [b'{"type":"ping"}', b'{"type":"pong"}', b'{"session_id":"x","type":"connected"}']
)
def test_words_about_the_connection_say_nothing_of_the_market(frame: bytes) -> None:
    """They are read and nothing follows."""
    assert ready().read(MARKET, frame, 0) == ()


def test_a_server_that_will_close_is_left_for_another_one() -> None:
    """It is announced."""
    (event,) = ready().read(MARKET, b'{"type":"shutdown","close_in_ms":30000}', 0)
    assert isinstance(event, Resubscribe)


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        b"[]",
        b"{}",
        b'{"type":"update/height","height":1}',
        b"\xff",
        b'{"channel":"order_book:1","type":"x"}',
    ],
)
def test_what_has_no_meaning_here_is_the_venues_error(frame: bytes) -> None:
    """Nothing was subscribed to that would say it."""
    with pytest.raises(RemoteError):
        ready().read(MARKET, frame, 0)


def test_a_market_that_was_not_subscribed_to_is_the_venues_error() -> None:
    """Its book is nobody's."""
    with pytest.raises(RemoteError, match="not subscribed"):
        read(ready(), WHOLE | {"channel": "order_book:1"})

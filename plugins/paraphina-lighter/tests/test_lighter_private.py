"""The account's stream: its subscriptions, its channels, and answers in between."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lighter_market import ETH, details
from paraphina_core.domain import (
    BalanceReport,
    Event,
    Fill,
    OrderAccepted,
    PositionReport,
    RemoteError,
    Resubscribe,
    SubscriptionLive,
    VenueNotice,
)
from paraphina_lighter.account import AccountReader
from paraphina_lighter.instruments import Listings
from paraphina_lighter.order_entry import Authority, OrderEntry
from paraphina_lighter.private_feed import CHANNELS, PrivateFeed
from paraphina_lighter.transactions import Spelling

ORDER = {
    "order_index": 281476929510110,
    "client_order_index": 42,
    "market_index": 0,
    "initial_base_amount": "0.0050",
    "price": "2352.74",
    "filled_base_amount": "0.0020",
    "is_ask": True,
    "status": "open",
    "transaction_time": 1777941383576735,
}
TRADE = {
    "trade_id": 19209006902,
    "market_id": 0,
    "size": "0.1336",
    "price": "2352.73",
    "usd_amount": "314.324728",
    "ask_id": 1,
    "bid_id": 2,
    "ask_client_id": 0,
    "bid_client_id": 42,
    "ask_account_id": 91249,
    "bid_account_id": 1234,
    "is_maker_ask": True,
    "timestamp": 1777941384181,
}
POSITION = {
    "market_id": 0,
    "symbol": "ETH",
    "sign": 1,
    "position": "1.5000",
    "avg_entry_price": "2350.10",
    "unrealized_pnl": "3.45",
    "liquidation_price": "1900.00",
}


def feed() -> PrivateFeed:
    """Return the stream of one account."""
    listings = Listings("lighter", ["ETH"])
    listings.read(json.dumps({"order_book_details": [details()]}).encode())
    entry = OrderEntry(
        "http://127.0.0.1:1",
        Authority(chain_id=304, account_index=1234, api_key_index=4),
        Spelling(listings),
    )
    return PrivateFeed("account", 1234, AccountReader(1234, listings.perpetuals.get), entry)


def read(kind: str, channel: str, **fields: Any) -> list[Event]:
    """Return what a message of a channel says."""
    message = {"type": f"{kind}/{channel}", "channel": f"{channel}:1234"} | fields
    return list(feed().read(json.dumps(message).encode()))


def test_every_channel_is_subscribed_to_with_the_token() -> None:
    """With a slash before the account; the venue answers with a colon."""
    sent = [json.loads(message) for message in feed().subscriptions("1:1234:4:ab")]
    assert sent == [
        {"type": "subscribe", "channel": f"{name}/1234", "auth": "1:1234:4:ab"} for name in CHANNELS
    ]


@pytest.mark.parametrize(
    ("channel", "fields", "kind"),
    [
        ("account_all_orders", {"orders": {"0": [ORDER]}}, OrderAccepted),
        ("account_all_trades", {"trades": {"0": [TRADE]}}, Fill),
        ("account_all_positions", {"positions": {"0": POSITION}}, PositionReport),
        (
            "user_stats",
            {"stats": {"portfolio_value": "40", "available_balance": "30"}, "timestamp": 1781161199649},
            BalanceReport,
        ),
    ],
)
def test_a_channel_begins_with_what_is_there(channel: str, fields: dict[str, Any], kind: type) -> None:
    """The first message acknowledges the subscription; fills in it are of before."""
    live, first = read("subscribed", channel, **fields)
    (later,) = read("update", channel, **fields)
    assert live == SubscriptionLive(topic=channel)
    assert isinstance(first, kind)
    assert isinstance(later, kind)
    assert getattr(first, "instrument", ETH) == ETH
    if isinstance(first, Fill) and isinstance(later, Fill):
        assert (first.is_replay, later.is_replay) == (True, False)


def test_an_account_without_orders_is_live_too() -> None:
    """Null and an empty map are both nothing."""
    assert read("subscribed", "account_all_orders", orders=None) == [
        SubscriptionLive(topic="account_all_orders")
    ]
    assert feed().read(b'{"channel": "account_all_positions:1234", "positions": {}}') == []


def test_answers_and_words_about_the_connection_come_in_between() -> None:
    """An answer that nobody waits for is a notice; an error names no channel."""
    assert isinstance(feed().read(b'{"type":"jsonapi/sendtx","data":{"id":"9","code":200}}')[0], VenueNotice)
    assert isinstance(feed().read(b'{"error":{"code":30005,"message":"Invalid Channel"}}')[0], VenueNotice)
    assert isinstance(feed().read(b'{"type":"shutdown","close_in_ms":5}')[0], Resubscribe)
    assert feed().read(b'{"type":"ping"}') == ()


def test_what_is_said_of_another_account_is_the_venues_error() -> None:
    """Its orders are none of ours."""
    with pytest.raises(RemoteError, match="another account"):
        feed().read(b'{"type":"update/account_all_orders","channel":"account_all_orders:5","orders":{}}')


@given(st.binary(max_size=200))
def test_no_bytes_do_more_than_be_refused(frame: bytes) -> None:
    """Whatever comes is read or is the venue's error."""
    try:
        feed().read(frame)
    except RemoteError:
        return

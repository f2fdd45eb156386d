"""Listings of the venue, and the plan that opens its market."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from lighter_market import ETH, NOW, WHOLE, connector, details, read, ready, told
from paraphina_core.connector import (
    Answer,
    Failure,
    FailureKind,
    HttpRequest,
    TradeMode,
    WebSocketSource,
)
from paraphina_core.domain import (
    CancelAll,
    ConfigError,
    FixedTick,
    InstrumentDefined,
    LocalError,
    QueryAccount,
    QueryInstruments,
    RemoteError,
    Resubscribe,
    TradingStatus,
    VenueNotice,
)
from paraphina_lighter.connector import MARKET
from paraphina_lighter.feed import CHANNELS
from paraphina_lighter.instruments import parse_symbols
from paraphina_lighter.limits import MAX_MARKETS, WS_MESSAGES_PER_MINUTE
from paraphina_lighter.twin.conformance import listings

# --- the plan -----------------------------------------------------------------------------------------------


def test_the_market_comes_over_one_connection_that_is_kept_alive_by_messages() -> None:
    """The venue hangs up on who sends nothing for two minutes; a protocol ping is no message to it."""
    client = connector(market="ETH,BTC")
    (stream,) = client.plan().streams
    assert isinstance(stream.source, WebSocketSource)
    assert stream.source.heartbeat is not None
    assert stream.source.heartbeat.payload == b'{"type":"ping"}'
    assert stream.source.heartbeat.interval_ms < 120_000
    assert stream.topics == tuple(f"{name}:{symbol}" for symbol in ("ETH", "BTC") for name in CHANNELS)
    assert MAX_MARKETS * len(CHANNELS) <= WS_MESSAGES_PER_MINUTE // 2


@pytest.mark.parametrize(
    ("mode", "settings", "url"),
    [
        (TradeMode.SHADOW, {}, "wss://mainnet.zklighter.elliot.ai/stream?readonly=true"),
        (
            TradeMode.PAPER,
            {"ws_url": "ws://127.0.0.1:1/stream?a=b"},
            "ws://127.0.0.1:1/stream?a=b&readonly=true",
        ),
        (
            TradeMode.LIVE,
            {"account_index": "1", "api_key_index": "4"},
            "wss://mainnet.zklighter.elliot.ai/stream",
        ),
    ],
)
def test_who_sends_nothing_asks_for_the_public_side_of_the_venue(
    mode: TradeMode, settings: dict[str, str], url: str
) -> None:
    """Regions that may not trade may read, at an address of their own."""
    for stream in connector(mode, **settings).plan().streams:
        assert isinstance(stream.source, WebSocketSource)
        assert stream.source.url == url


def test_what_is_listed_is_subscribed_to_by_number() -> None:
    """Names are the operator's, numbers the venue's; what is not listed is not subscribed to."""
    client = connector(market="ETH,BTC,DOGE")
    told(client, details("BTC", 1), details("ETH", 0))
    sent = [json.loads(message) for message in client.opened(MARKET, NOW)]
    assert sent == [
        {"type": "subscribe", "channel": f"{channel}/{number}"} for number in (0, 1) for channel in CHANNELS
    ]


def test_other_numbers_than_before_open_the_market_anew() -> None:
    """A market that is listed later, or under another number, is subscribed to then."""
    client = connector(market="ETH,BTC")
    told(client, details())
    client.opened(MARKET, NOW)
    assert not [event for event in told(client, details()) if isinstance(event, Resubscribe)]
    found = told(client, details(), details("BTC", 1))
    assert [event.stream for event in found if isinstance(event, Resubscribe)] == [MARKET]


# --- listings -----------------------------------------------------------------------------------------------


def test_decimals_and_minimums_are_the_venues() -> None:
    """A market is defined by what is stated of it."""
    (event,) = told(connector(market="ETH"), details())
    assert isinstance(event, InstrumentDefined)
    found = event.instrument
    assert (found.id, found.base, found.quote, found.status) == (ETH, "ETH", "USDC", TradingStatus.TRADING)
    assert found.price_rule == FixedTick(tick=Decimal("0.01"))
    assert (found.lot_size, found.min_size, found.min_notional) == (
        Decimal("0.0001"),
        Decimal("0.0050"),
        Decimal(10),
    )
    assert found.max_notional == Decimal("281474976.710655")
    assert found.max_size == Decimal("0.0001") * (2**48 - 1)


def test_the_documented_answer_is_read_and_spot_pairs_are_none_of_ours() -> None:
    """Its decimals are spelled as text, which the venue's own are not."""
    client = connector(market="ETH")
    request = client.ask(QueryInstruments(), NOW)
    assert isinstance(request, HttpRequest)
    assert request.url == "https://mainnet.zklighter.elliot.ai/api/v1/orderBookDetails?filter=perp"
    (event,) = client.read_answer(request, Answer(status=200, body=listings()), 0)
    assert isinstance(event, InstrumentDefined)
    assert event.instrument.price_rule == FixedTick(tick=Decimal("0.0001"))


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"status": "inactive"}, TradingStatus.HALTED),
        ({"market_config": {"force_reduce_only": True}}, TradingStatus.REDUCE_ONLY),
    ],
)
def test_a_market_that_is_closed_is_not_traded(changes: dict[str, Any], status: TradingStatus) -> None:
    """Whatever word is not the open market's closes it."""
    (event,) = told(connector(market="ETH"), details(**changes))
    assert isinstance(event, InstrumentDefined)
    assert event.instrument.status is status


def test_a_contract_on_a_thousand_coins_is_one_on_its_coin() -> None:
    """Markets are comparable within one underlying only."""
    (event,) = told(connector(market="1000PEPE"), details("1000PEPE", 4))
    assert isinstance(event, InstrumentDefined)
    assert (event.instrument.base, event.instrument.multiplier) == ("PEPE", Decimal(1000))


@pytest.mark.parametrize(
    ("settings", "listed", "code"),
    [
        ({"market": "ETC"}, details(), "unknown_symbol"),
        ({"market": "ETH"}, details(market_type="spot"), "unknown_symbol"),
        ({"market": "ETH"}, details(min_base_amount="-1"), "unusable_symbol"),
        ({"market": "ETH", "market_id": 1}, details(), "other_market"),
    ],
)
def test_what_cannot_be_traded_is_told_and_not_defined(
    settings: dict[str, Any], listed: dict[str, Any], code: str
) -> None:
    """One that is not listed, one without sense, and one whose number is not the operator's."""
    (event,) = told(connector(**settings), listed)
    assert isinstance(event, VenueNotice)
    assert event.code == code


@pytest.mark.parametrize("answer", [b"{}", b'{"code":20001,"message":"invalid param"}', b"<html>"])
def test_an_answer_that_is_none_changes_nothing(answer: bytes) -> None:
    """What is traded stays as it was."""
    client = ready()
    with pytest.raises(RemoteError):
        client.read_answer(client.ask(QueryInstruments(), NOW), Answer(status=200, body=answer), 0)
    assert read(client, WHOLE)


def test_a_list_that_names_a_market_twice_is_not_believed() -> None:
    """By symbol or by number: orders name markets by number alone."""
    for other in (details("ETH", 1), details("BTC", 0)):
        with pytest.raises(RemoteError, match="twice"):
            told(connector(market="ETH"), details(), other)


def test_a_failure_says_nothing() -> None:
    """Nor does a page for people."""
    client = connector()
    request = client.ask(QueryInstruments(), NOW)
    assert client.read_answer(request, Failure(kind=FailureKind.TIMED_OUT), 0) == ()
    with pytest.raises(RemoteError, match="502"):
        client.read_answer(request, Answer(status=502, body=b""), 0)


@pytest.mark.parametrize(
    "text", ["", "ETH,ETH", "ETH/USDC", "ETH,,BTC", ",".join(f"A{number}" for number in range(21))]
)
def test_markets_that_cannot_be_meant_are_refused(text: str) -> None:
    """None, one twice, a spot pair, too many."""
    with pytest.raises(ConfigError):
        parse_symbols(text)


def test_a_number_checks_one_market_only() -> None:
    """Of several nobody could tell which one it belongs to."""
    with pytest.raises(ConfigError, match="LIGHTER_MARKET_ID"):
        connector(market="ETH,BTC", market_id=1)


def test_orders_and_questions_about_an_account_are_refused() -> None:
    """There is no account."""
    with pytest.raises(LocalError):
        connector().write(CancelAll(), NOW)
    with pytest.raises(LocalError):
        connector().ask(QueryAccount(), NOW)

"""Listings, marks, touches, trades and questions of the public market, and the plan that opens it."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from paraphina_aster.connector import MARKET, AsterConnector
from paraphina_aster.feed import CHANNELS
from paraphina_aster.instruments import Listings, parse_symbols
from paraphina_aster.limits import MAX_MARKETS, MAX_STREAMS
from paraphina_aster.questions import DEPTH, FUNDING_TERMS
from paraphina_aster.twin.conformance import SYMBOLS, captured, exchange_info
from paraphina_core.connector import (
    Answer,
    ConnectorContext,
    Failure,
    FailureKind,
    HttpRequest,
    Network,
    TradeMode,
    WebSocketSource,
    WriteContext,
)
from paraphina_core.domain import (
    BestBidOffer,
    BookSnapshot,
    CancelAll,
    ConfigError,
    Event,
    FetchSnapshot,
    FixedTick,
    FundingRate,
    InstrumentDefined,
    Level,
    LocalError,
    MarkPrice,
    Query,
    QueryAccount,
    QueryBook,
    QueryInstruments,
    QueryTime,
    RemoteError,
    Side,
    SubscriptionLive,
    Trade,
    TradingStatus,
    VenueNotice,
    VenueTime,
    instrument_id,
)

VECTORS = Path(__file__).parent / "vectors"
NOW = WriteContext(nonce=7, at_ns=0, sign=lambda _: b"")
BTC, SUSHI = instrument_id("aster", "BTCUSDT"), instrument_id("aster", "SUSHIUSDT")
FILTERS = json.loads((VECTORS / "order_filters.json").read_text(encoding="utf-8"))["filters"]
ROUNDING = json.loads((VECTORS / "price_rounding.json").read_text(encoding="utf-8"))


def connector(mode: TradeMode = TradeMode.PAPER, **settings: str) -> AsterConnector:
    """Return a connector for some markets."""
    context = ConnectorContext(mode=mode, network=Network.MAINNET, settings=settings, seed=1)
    return AsterConnector(context)


def symbol(name: str, **changes: Any) -> dict[str, Any]:
    """Return what the venue lists of a symbol, with the filters of a recorded answer."""
    filters = [{"filterType": kind} | values for kind, values in FILTERS[name].items()]
    listed = {"symbol": name, "status": "TRADING", "contractType": "PERPETUAL", "filters": filters}
    return listed | {"baseAsset": name.removesuffix("USDT"), "quoteAsset": "USDT"} | changes


def info(*symbols: dict[str, Any]) -> bytes:
    """Return an answer that lists some symbols."""
    limits = [{"rateLimitType": "ORDERS", "interval": "MINUTE", "intervalNum": 1, "limit": 1200}]
    return json.dumps({"symbols": symbols, "rateLimits": limits}).encode()


def told(client: AsterConnector, query: Query, body: bytes, status: int = 200) -> list[Event]:
    """Ask something and return what the answer says."""
    return list(client.read_answer(client.ask(query, NOW), Answer(status=status, body=body), 0))


def ready(*names: str) -> AsterConnector:
    """Return a connector that has read its listings and opened its stream."""
    client = connector(market=",".join(names or ("BTCUSDT",)))
    told(client, QueryInstruments(), info(*(symbol(name) for name in names or ("BTCUSDT",))))
    client.opened(MARKET, NOW)
    return client


def frame(stream: str, data: dict[str, Any]) -> bytes:
    """Return a message as a combined stream carries it."""
    return json.dumps({"stream": stream, "data": data}).encode()


# --- the plan -----------------------------------------------------------------------------------------------


def test_one_connection_carries_all_streams_of_all_markets() -> None:
    """Symbols are in lower case there, and Chinese ones are percent-encoded."""
    (stream,) = connector(market="BTCUSDT,币安人生USDT", ws_url="ws://127.0.0.1:1/").plan().streams
    assert isinstance(stream.source, WebSocketSource)
    assert stream.source.url == (
        "ws://127.0.0.1:1/stream?streams=btcusdt@depth%40100ms".replace("%40", "@")
        + "/btcusdt@bookTicker/btcusdt@aggTrade/btcusdt@markPrice@1s"
        + "".join(f"/%E5%B8%81%E5%AE%89%E4%BA%BA%E7%94%9Fusdt@{channel}" for channel in CHANNELS)
    )
    assert stream.topics == ("btcusdt@markPrice@1s", "币安人生usdt@markPrice@1s")


def test_a_connection_is_replaced_before_the_venue_ends_it_and_stays_within_its_limit_of_streams() -> None:
    """A day, and two hundred."""
    (stream,) = connector().plan().streams
    assert 0 < (stream.max_lifetime_ms or 0) < 86_400_000
    assert MAX_MARKETS * len(CHANNELS) <= MAX_STREAMS


@pytest.mark.parametrize(
    "text", ["", "btcusdt", "BTC/USDT", "BTCUSDT,BTCUSDT", "A" * 33, "BTCUSDT,", "BTC@X"]
)
def test_what_cannot_be_a_symbol_is_refused(text: str) -> None:
    """It would stand in an address."""
    with pytest.raises(ConfigError):
        parse_symbols(text)
    with pytest.raises(ConfigError):
        connector(market=text)


def test_markets_are_limited() -> None:
    """As many as are named pass, one more does not."""
    names = [f"X{number}USDT" for number in range(MAX_MARKETS + 1)]
    assert len(parse_symbols(",".join(names[:-1]))) == MAX_MARKETS
    with pytest.raises(ConfigError):
        parse_symbols(",".join(names))


def test_the_network_is_the_one_that_the_operator_chose() -> None:
    """It decides the addresses where nothing is sent; what is no network is refused."""
    request = connector(network="testnet").ask(QueryTime(), NOW)
    assert isinstance(request, HttpRequest)
    assert request.url == "https://fapi.asterdex-testnet.com/fapi/v3/time"
    with pytest.raises(ConfigError):
        connector(network="devnet")
    with pytest.raises(ConfigError, match="ASTER_NETWORK"):
        connector(TradeMode.LIVE, network="testnet")


# --- instruments --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", ROUNDING["cases"], ids=lambda case: case["id"])
def test_prices_are_put_on_the_grid_that_begins_at_the_least_price(case: dict[str, Any]) -> None:
    """Bids round down and offers up, to multiples of the tick counted from the venue's least price."""
    filters = FILTERS["BTCUSDT"] | {"PRICE_FILTER": ROUNDING["filters"][case["symbol"]]}
    listed = symbol(
        "BTCUSDT", symbol=case["symbol"], filters=[{"filterType": kind} | of for kind, of in filters.items()]
    )
    events = told(connector(market=case["symbol"]), QueryInstruments(), info(listed))
    (instrument,) = (event.instrument for event in events if isinstance(event, InstrumentDefined))
    price, expected = Decimal(case["price"]), case["expected"]
    assert instrument.passive_price(price, Side.BUY) == Decimal(expected["floor"])
    assert instrument.passive_price(price, Side.SELL) == Decimal(expected["ceil"])


@pytest.mark.parametrize("name", FILTERS)
def test_an_instrument_has_the_filters_that_the_venue_states(name: str) -> None:
    """Of three symbols, two as they were recorded."""
    (defined,) = told(connector(market=name), QueryInstruments(), info(symbol(name)))
    assert isinstance(defined, InstrumentDefined)
    instrument, filters = defined.instrument, FILTERS[name]
    assert instrument.price_rule == FixedTick(tick=Decimal(filters["PRICE_FILTER"]["tickSize"]))
    assert instrument.lot_size == Decimal(filters["LOT_SIZE"]["stepSize"])
    assert instrument.min_size == Decimal(filters["LOT_SIZE"]["minQty"])
    assert instrument.max_size == Decimal(filters["LOT_SIZE"]["maxQty"])
    assert instrument.min_notional == Decimal(filters["MIN_NOTIONAL"]["notional"])
    assert instrument.id == instrument_id("aster", name)


def test_a_contract_on_a_thousand_is_one_on_its_coin() -> None:
    """1000PEPE and PEPE are comparable, and are not the same."""
    listed = symbol("BTCUSDT", symbol="1000PEPEUSDT", baseAsset="1000PEPE")
    (defined,) = told(connector(market="1000PEPEUSDT"), QueryInstruments(), info(listed))
    assert isinstance(defined, InstrumentDefined)
    assert (defined.instrument.underlying, defined.instrument.multiplier) == ("PEPE", Decimal(1000))


@pytest.mark.parametrize(
    ("status", "meant"),
    [
        ("TRADING", TradingStatus.TRADING),
        ("CLOSE", TradingStatus.DELISTED),
        ("SETTLING", TradingStatus.HALTED),
        ("A_NEW_WORD", TradingStatus.HALTED),
    ],
)
def test_a_status_that_nobody_knows_halts(status: str, meant: TradingStatus) -> None:
    """Unknown is no permission."""
    (defined,) = told(connector(), QueryInstruments(), info(symbol("BTCUSDT", status=status)))
    assert isinstance(defined, InstrumentDefined)
    assert defined.instrument.status is meant


@pytest.mark.parametrize(
    "changes",
    [
        {"filters": []},
        {"filters": [{"filterType": "PRICE_FILTER", "tickSize": "0", "minPrice": "0"}]},
        {
            "filters": [
                {"filterType": "PRICE_FILTER", "tickSize": "0.1", "minPrice": "0.05"},
                {"filterType": "LOT_SIZE", "stepSize": "1", "minQty": "1"},
            ]
        },
        {
            "filters": [
                {"filterType": "PRICE_FILTER", "tickSize": "nan", "minPrice": "0"},
                {"filterType": "LOT_SIZE", "stepSize": "1", "minQty": "1"},
            ]
        },
    ],
)
def test_a_symbol_whose_filters_make_no_grid_is_told_and_left_out(changes: dict[str, Any]) -> None:
    """The others are traded all the same."""
    client = connector(market="BTCUSDT,DOGEUSDT")
    answer = info(symbol("BTCUSDT", **changes), symbol("DOGEUSDT"))
    defined, notice = told(client, QueryInstruments(), answer)
    assert isinstance(defined, InstrumentDefined)
    assert isinstance(notice, VenueNotice)
    assert notice.code == "unusable_symbol"
    client.opened(MARKET, NOW)
    mark = {"e": "markPriceUpdate", "s": "BTCUSDT", "p": "1", "i": "1", "r": "0", "T": 2, "E": 1}
    assert client.read(MARKET, frame("btcusdt@markPrice@1s", mark), 0) == ()


def test_a_symbol_that_is_not_listed_is_told_with_the_nearest_one() -> None:
    """And nothing is defined for it; nor for a contract that ends."""
    (notice,) = told(connector(market="BTCUSD"), QueryInstruments(), info(symbol("BTCUSDT")))
    assert isinstance(notice, VenueNotice)
    assert "BTCUSDT" in notice.text
    ending = symbol("BTCUSDT", contractType="CURRENT_QUARTER")
    (notice,) = told(connector(), QueryInstruments(), info(ending))
    assert isinstance(notice, VenueNotice)


def test_filters_that_change_are_taken_over() -> None:
    """The listings are asked for again for as long as the session runs."""
    client = connector()
    assert QueryInstruments() in client.plan().bootstrap
    assert client.plan().poll_ms
    for tick in ("0.1", "0.5"):
        listed = symbol("BTCUSDT")
        listed["filters"][0] |= {"tickSize": tick}
        (defined,) = told(client, QueryInstruments(), info(listed))
        assert isinstance(defined, InstrumentDefined)
        assert defined.instrument.price_rule == FixedTick(tick=Decimal(tick))


def test_a_symbol_that_is_listed_twice_is_no_listing() -> None:
    """Nobody can tell which of the two filters hold."""
    with pytest.raises(RemoteError):
        told(connector(), QueryInstruments(), info(symbol("BTCUSDT"), symbol("BTCUSDT")))


# --- funding ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=case["id"])
        for case in json.loads((VECTORS / "funding.json").read_text(encoding="utf-8"))["cases"]
        if "fundingInfo" in case
    ],
)
def test_funding_is_told_with_the_interval_of_its_symbol(case: dict[str, Any]) -> None:
    """Four hours or eight, and eight where the venue names none."""
    name = case["symbol"]
    client = connector(market=name)
    told(client, QueryInstruments(), info(symbol("BTCUSDT", symbol=name)))
    terms = [case["fundingInfo"]] if case["fundingInfo"] else []
    assert told(client, FUNDING_TERMS, json.dumps(terms).encode()) == []
    client.opened(MARKET, NOW)
    mark = {"e": "markPriceUpdate", "s": name, "p": "2", "i": "3", "r": "-0.0002", "T": 9, "E": 8, "P": ""}
    stream = f"{name.lower()}@markPrice@1s"
    live, price, rate, asked = client.read(MARKET, frame(stream, mark), 0)
    assert isinstance(asked, FetchSnapshot)
    assert live == SubscriptionLive(topic=stream)
    assert isinstance(price, MarkPrice)
    assert (price.mark_price, price.index_price) == (2.0, 3.0)
    assert isinstance(rate, FundingRate)
    assert rate.interval_s == case["expected"]["interval_hours"] * 3600
    assert (rate.rate, rate.next_funding_ns) == (-0.0002, 9_000_000)
    assert len(client.read(MARKET, frame(stream, mark), 0)) == 2


# --- trades and touches -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("is_buyer_maker", "aggressor"), [(True, Side.SELL), (False, Side.BUY)])
def test_a_trade_names_who_took(is_buyer_maker: bool, aggressor: Side) -> None:  # a case
    """`m` says that the buyer was the maker."""
    trade = {"e": "aggTrade", "E": 2, "s": "BTCUSDT", "a": 5, "p": "1.5", "q": "2", "f": 1, "l": 2, "T": 1}
    stream = frame("btcusdt@aggTrade", trade | {"m": is_buyer_maker})
    (event,) = ready().read(MARKET, stream, 0)
    assert event == Trade(
        instrument=BTC, price=1.5, size=2.0, aggressor=aggressor, trade_id="5", exchange_ns=1_000_000
    )


def ticker(number: int, bid: str = "1", ask: str = "2", size: str = "1") -> bytes:
    """Return a touch as of an update."""
    data = {"e": "bookTicker", "u": number, "s": "BTCUSDT", "b": bid, "B": size, "a": ask, "A": "1"}
    return frame("btcusdt@bookTicker", data | {"T": number, "E": number})


def depth(first: int, last: int, before: int) -> bytes:
    """Return a change of the book."""
    data = {"e": "depthUpdate", "E": last, "T": last, "s": "BTCUSDT", "U": first, "u": last, "pu": before}
    return frame("btcusdt@depth@100ms", data | {"b": [], "a": []})


def book(last: int) -> bytes:
    """Return a whole book."""
    return json.dumps(
        {"lastUpdateId": last, "E": last, "T": last, "bids": [["1", "1"]], "asks": [["2", "1"]]}
    ).encode()


def kinds(events: Any) -> list[str]:
    """Name events."""
    return [type(event).__name__ for event in events]


def test_a_touch_is_told_while_it_is_newer_than_the_book() -> None:
    """Behind each change that arrives after it and is older; and never before there is a book."""
    client = ready()
    assert kinds(client.read(MARKET, ticker(100), 0)) == []
    assert kinds(client.read(MARKET, depth(90, 95, 89), 0)) == ["FetchSnapshot"]
    whole, *rest = told(client, QueryBook(instrument=BTC), book(92))
    assert isinstance(whole, BookSnapshot)
    assert kinds(rest) == ["BookDelta", "BestBidOffer"]
    assert kinds(client.read(MARKET, depth(96, 99, 95), 0)) == ["BookDelta", "BestBidOffer"]
    assert kinds(client.read(MARKET, ticker(100), 0)) == []
    assert kinds(client.read(MARKET, depth(100, 105, 99), 0)) == ["BookDelta"]
    assert kinds(client.read(MARKET, ticker(104), 0)) == []
    assert kinds(client.read(MARKET, ticker(106), 0)) == ["BestBidOffer"]


def test_a_side_on_which_nobody_quotes_is_empty() -> None:
    """All zeros; a zero on one of the two makes no sense."""
    client = ready()
    told(client, QueryBook(instrument=BTC), book(1))
    (touch,) = client.read(MARKET, ticker(2, bid="0", size="0"), 0)
    assert isinstance(touch, BestBidOffer)
    assert (touch.bid, touch.ask) == (None, Level(2.0, 1.0))
    with pytest.raises(RemoteError):
        client.read(MARKET, ticker(3, bid="0", size="1"), 0)


def test_a_new_connection_knows_no_book() -> None:
    """It asks for one, although the last connection had it."""
    client = ready()
    told(client, QueryBook(instrument=BTC), book(1))
    client.closed(MARKET)
    client.opened(MARKET, NOW)
    assert kinds(client.read(MARKET, depth(2, 3, 1), 0)) == ["FetchSnapshot"]


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"{}",
        b"[]",
        frame("x", {"e": "trade"}),
        frame("x", {"e": "bookTicker", "s": "BTCUSDT"}),
        ticker(1).replace(b"BTCUSDT", b"ETHUSDT"),
        ticker(1).replace(b'"1"', b'"nan"'),
        depth(5, 4, 3),
        depth(1, 2, 0).replace(b'"u": 2', b'"u": -2'),
    ],
)
def test_what_is_not_documented_is_the_venues_error(broken: bytes) -> None:
    """Whatever bytes come."""
    with pytest.raises(RemoteError):
        ready().read(MARKET, broken, 0)


# --- questions ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "path", "weight"),
    [
        (QueryInstruments(), "exchangeInfo", 1),
        (FUNDING_TERMS, "fundingInfo", 1),
        (QueryTime(), "time", 1),
        (QueryBook(instrument=BTC), f"depth?symbol=BTCUSDT&limit={DEPTH}", 20),
    ],
)
def test_questions_are_asked_at_the_documented_addresses(query: Query, path: str, weight: int) -> None:
    """Without a signature, at the documented weight."""
    request = ready().ask(query, NOW)
    assert isinstance(request, HttpRequest)
    assert (request.method, request.body) == ("GET", b"")
    assert request.url == f"https://fapi.asterdex.com/fapi/v3/{path}"
    assert request.cost == (("ip_weight", weight),)


def test_the_venues_clock_is_told() -> None:
    """In nanoseconds."""
    assert told(connector(), QueryTime(), b'{"serverTime":7}') == [VenueTime(exchange_ns=7_000_000)]


def test_a_page_for_people_is_no_answer() -> None:
    """The venue sends some with status 500; a failure says nothing at all."""
    client = connector()
    with pytest.raises(RemoteError, match="500"):
        told(client, QueryTime(), b"<html>", 500)
    with pytest.raises(RemoteError):
        told(client, QueryTime(), b"<html>")
    request = client.ask(QueryTime(), NOW)
    assert client.read_answer(request, Failure(kind=FailureKind.TIMED_OUT), 0) == ()


def test_nothing_of_an_account_is_offered() -> None:
    """Neither questions nor orders, and only its own stream is read."""
    client = ready()
    with pytest.raises(LocalError):
        client.ask(QueryAccount(), NOW)
    with pytest.raises(LocalError):
        client.write(CancelAll(), NOW)
    with pytest.raises(LocalError):
        client.ask(QueryBook(instrument=SUSHI), NOW)
    with pytest.raises(LocalError):
        client.opened("other", NOW)
    with pytest.raises(RemoteError):
        client.read("other", b"{}", 0)


def test_a_genuine_listing_of_the_same_format_is_read() -> None:
    """Of the other venue's capture; the limit on orders is read with it."""
    listings = Listings("aster", SYMBOLS)
    events = listings.read(exchange_info())
    assert len(events) == len(SYMBOLS)
    assert listings.orders_per_minute == 1200
    assert listings.symbol(SUSHI) == "SUSHIUSDT"


def test_every_genuine_frame_is_read() -> None:
    """All kinds that the other venue's capture holds, of all symbols, become events without a gap."""
    client = connector(market=",".join(SYMBOLS))
    told(client, QueryInstruments(), exchange_info())
    client.opened(MARKET, NOW)
    seen: list[str] = []
    for what, name, body in captured():
        if what == "frame":
            seen += kinds(client.read(MARKET, body, 0))
        else:
            seen += kinds(told(client, QueryBook(instrument=instrument_id("aster", name)), body))
    assert {kind: seen.count(kind) for kind in ("BookSnapshot", "FetchSnapshot", "BookGap")} == {
        "BookSnapshot": 4,
        "FetchSnapshot": 4,
        "BookGap": 0,
    }
    assert min(seen.count(kind) for kind in ("BookDelta", "BestBidOffer", "Trade")) >= 20

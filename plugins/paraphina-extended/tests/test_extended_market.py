"""The public market of Extended: what its frames and listings become, and what is made of a lost frame."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paraphina_core.connector import (
    Answer,
    ConnectorContext,
    Network,
    TradeMode,
    WebSocketSource,
    WriteContext,
)
from paraphina_core.domain import (
    BestBidOffer,
    BookDelta,
    BookGap,
    BookSnapshot,
    ConfigError,
    Event,
    FixedTick,
    FundingRate,
    InstrumentDefined,
    LocalError,
    MarkPrice,
    QueryBook,
    QueryInstruments,
    RemoteError,
    Resubscribe,
    Side,
    SubscriptionLive,
    Trade,
    TradingStatus,
    VenueNotice,
    exact,
    instrument_id,
)
from paraphina_extended.connector import MARKET, ExtendedConnector
from paraphina_extended.topics import Topic
from paraphina_extended.twin import conformance

NAME = conformance.MARKET_NAME
BTC = instrument_id("extended", NAME)
CONTEXT = WriteContext(nonce=1, at_ns=1, sign=bytes)
BOOK = Topic.BOOK.of(NAME)
CASES = json.loads((Path(__file__).parent / "vectors" / "book_scenarios.json").read_bytes())["cases"]
LISTED = json.loads(conformance.markets())["data"][0]


def connector(**settings: str) -> ExtendedConnector:
    """Make a connector without listings."""
    return ExtendedConnector(
        ConnectorContext(mode=TradeMode.PAPER, network=Network.MAINNET, settings=settings, seed=1)
    )


def listings(made: ExtendedConnector, *markets: dict[str, Any]) -> Sequence[Event]:
    """Answer what is listed."""
    body = msgspec.json.encode({"status": "OK", "data": markets or [LISTED]})
    request = made.ask(QueryInstruments(), CONTEXT)
    return made.read_answer(request, Answer(status=200, body=body), 1)


def live(version: str = "v2") -> ExtendedConnector:
    """Make a connector that knows its instruments and whose streams are open."""
    made = connector(stream=version)
    listings(made)
    for stream in made.plan().streams:
        made.opened(stream.name, CONTEXT)
    return made


def message(topic: Topic, kind: str, data: object, seq: int, at_ms: int = 1_000) -> bytes:
    """Spell a message of the second version."""
    return msgspec.json.encode(
        {"type": kind, "data": data, "ts": at_ms, "seq": seq, "subscription": topic.of(NAME)}
    )


def whole(seq: int = 0, at_ms: int = 1_000) -> bytes:
    """Spell a whole book."""
    data = {"m": NAME, "b": [{"p": "100", "q": "1"}], "a": [{"p": "101", "q": "1"}]}
    return message(Topic.BOOK, "ORDERBOOKS.SNAPSHOT", data, seq, at_ms)


def change(seq: int, at_ms: int = 1_000, **level: str) -> bytes:
    """Spell a change of one bid."""
    data = {"m": NAME, "b": [level] if level else [], "a": []}
    return message(Topic.BOOK, "ORDERBOOKS.DELTA", data, seq, at_ms)


def touch(seq: int, at_ms: int = 1_000) -> bytes:
    """Spell a touch."""
    data = {"m": NAME, "b": [{"p": "100.5", "q": "2"}], "a": []}
    return message(Topic.TOUCH, "ORDERBOOKS.SNAPSHOT", data, seq, at_ms)


def read(made: ExtendedConnector, *frames: bytes, stream: str = MARKET) -> list[Event]:
    """Read frames of a stream."""
    return [event for frame in frames for event in made.read(stream, frame, 1)]


def kinds(events: Sequence[Event]) -> tuple[type, ...]:
    """Return the types of events."""
    return tuple(type(event) for event in events)


# --- books ------------------------------------------------------------------------------------------


class Sides:
    """A plain book: sizes by price, None while it is not whole."""

    def __init__(self) -> None:
        self.bids: dict[float, float] | None = None
        self.asks: dict[float, float] | None = None

    def apply(self, event: Event) -> None:
        """Take over an event."""
        match event:
            case BookSnapshot():
                self.bids = {level.price: level.size for level in event.bids}
                self.asks = {level.price: level.size for level in event.asks}
            case BookDelta():
                for side, changes in ((self.bids, event.bids), (self.asks, event.asks)):
                    assert side is not None, "a change of a book that is not whole"
                    side.update({level.price: level.size for level in changes})
            case BookGap():
                self.bids = self.asks = None


def _walk(case: dict[str, Any]) -> Iterator[list[Event]]:
    is_v2 = "subscription" in case["frames"][0]
    made = live("v2" if is_v2 else "v1")
    for frame in case["frames"]:
        yield read(made, msgspec.json.encode(frame), stream=MARKET if is_v2 else BOOK)


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_f013_every_scenario_of_a_book_is_followed_as_the_venue_means_it(case: dict[str, Any]) -> None:
    """Applied, ignored or begun anew, frame by frame, and the book at the end is the right one."""
    book = Sides()
    for expected, events in zip(case["expected"], _walk(case), strict=True):
        for event in events:
            book.apply(event)
        found = "apply" if set(kinds(events)) - {SubscriptionLive} else "ignore"
        found = "resync" if Resubscribe in kinds(events) else found
        assert found in expected
    if "final_book" in case:
        for name, side in (("bids", book.bids), ("asks", book.asks)):
            wanted = {float(price): float(size) for price, size in case["final_book"][name]}
            assert {price: size for price, size in (side or {}).items() if size} == wanted
    else:
        assert book.bids is None


def test_a_level_is_one_level_however_its_price_is_spelled() -> None:
    """The venue writes 100, 100.0 and 100.000000 in one book."""
    book = Sides()
    for event in read(live(), whole(), change(1, p="100.000000", q="1", c="3")):
        book.apply(event)
    assert book.bids == {100.0: 3.0}


def test_a_change_without_its_new_size_is_not_believed() -> None:
    """What changed (`q`) is never taken for the size; the hole that is left voids the book."""
    made = live()
    read(made, whole())
    with pytest.raises(RemoteError):
        read(made, change(1, p="100", q="0.5"))
    assert kinds(read(made, change(2, p="100", q="1", c="2"))) == (BookGap, Resubscribe)


def test_f019_a_number_in_another_notation_is_refused() -> None:
    """An exponent is no number of this venue."""
    made = live()
    read(made, whole())
    with pytest.raises(RemoteError):
        read(made, change(1, p="1e2", q="1", c="2"))


def test_a_hole_voids_the_book_until_it_comes_whole_again() -> None:
    """Whichever topic the missing frame was of; the gap is told once."""
    made = live()
    read(made, whole())
    price = {"m": NAME, "p": "100.5", "ts": 0}
    lost = read(made, message(Topic.MARK, "PRICES.MP", price, 2))
    assert kinds(lost) == (BookGap, Resubscribe, MarkPrice)
    assert read(made, change(3, p="99", q="1", c="1")) == []
    assert kinds(read(made, whole(4), change(5, p="99", q="1", c="1"))) == (BookSnapshot, BookDelta)


def test_a_message_of_an_unknown_type_counts_and_is_noticed_once() -> None:
    """New topics of the venue make no hole."""
    made = live()
    read(made, whole())
    strange = [msgspec.json.encode({"type": "NEWS", "data": 1, "ts": 1, "seq": seq}) for seq in (1, 2)]
    assert kinds(read(made, *strange, change(3))) == (VenueNotice, BookDelta)


def test_a_touch_that_is_newer_than_a_change_is_told_again_behind_it() -> None:
    """The book comes ten times a second, the touch with every change."""
    made = live()
    assert kinds(read(made, touch(0))) == ()
    assert kinds(read(made, whole(1), touch(2, at_ms=1_050))) == (BookSnapshot, BestBidOffer)
    assert kinds(read(made, change(3, at_ms=1_040))) == (BookDelta, BestBidOffer)
    assert kinds(read(made, change(4, at_ms=1_060))) == (BookDelta,)


@given(st.binary(max_size=40), st.integers(min_value=0, max_value=3_000))
def test_f018_damaged_frames_raise_nothing_but_remote_errors(junk: bytes, place: int) -> None:
    """Any bytes whatever, in either version of the stream."""
    for frame in (whole(), change(1, p="1", q="1", c="1")):
        damaged = frame[: place % len(frame)] + junk + frame[place % len(frame) :]
        for made, stream in ((live(), MARKET), (live("v1"), BOOK)):
            try:
                made.read(stream, damaged, 1)
            except RemoteError:
                continue


# --- trades, prices, funding ------------------------------------------------------------------------


def _trade(number: int, at_ms: int) -> dict[str, object]:
    return {"i": number, "m": NAME, "S": "SELL", "tT": "TRADE", "T": at_ms, "p": "100", "q": "0.2"}


def test_trades_come_once_and_those_from_before_the_book_are_marked() -> None:
    """Fifty old ones come with each subscription."""
    made = live()
    first = read(made, whole(), message(Topic.TRADES, "TRADES", [_trade(1, 900), _trade(2, 1_001)], 1))
    trades = [event for event in first if isinstance(event, Trade)]
    assert [(trade.trade_id, trade.is_replay) for trade in trades] == [("1", True), ("2", False)]
    assert trades[0].aggressor is Side.SELL
    made.opened(MARKET, CONTEXT)
    assert read(made, message(Topic.TRADES, "TRADES", [_trade(2, 1_001)], 0)) == []


def test_mark_and_index_are_told_together_with_the_time_of_the_envelope() -> None:
    """The prices' own time is zero; an index alone says nothing yet."""
    made = live()
    price = {"m": NAME, "p": "100.5", "ts": 0}
    assert read(made, message(Topic.INDEX, "PRICES.IP", price, 0)) == []
    (mark,) = read(made, message(Topic.MARK, "PRICES.MP", {**price, "p": "100.25"}, 1, at_ms=7))
    assert mark == MarkPrice(instrument=BTC, mark_price=100.25, index_price=100.5, exchange_ns=7_000_000)


def test_funding_is_of_one_hour_and_paid_on_the_next_full_one() -> None:
    """The rate is a fraction per hour."""
    at_ms = 3_600_000 * 10 + 5
    funding = {"m": NAME, "f": "-0.000013", "T": at_ms}
    (rate,) = read(live(), message(Topic.FUNDING, "FUNDING_RATES", funding, 0, at_ms))
    assert isinstance(rate, FundingRate)
    assert (rate.rate, rate.interval_s) == (-0.000013, 3_600)
    assert rate.next_funding_ns == 11 * 3_600 * 10**9


# --- streams ----------------------------------------------------------------------------------------


def test_one_connection_subscribes_to_every_topic_and_its_answers_make_them_live() -> None:
    """Six topics of each market, each acknowledged by the venue's own name of it."""
    made = live()
    calls = [json.loads(call) for call in made.opened(MARKET, CONTEXT)]
    assert [call["id"] for call in calls] == ["1", "2", "3", "4", "5", "6"]
    assert calls[0]["params"] == {
        "scope": "orderbooks",
        "selector": {"market": NAME, "depth": "full", "rfqOnly": False},
    }
    acknowledged = [
        msgspec.json.encode(
            {"id": "1", "jsonrpc": "2.0", "result": {"method": "subscribe", "subscription": t}}
        )
        for t in made.plan().streams[0].topics
    ]
    live_topics = [event.topic for event in read(made, *acknowledged) if isinstance(event, SubscriptionLive)]
    assert tuple(live_topics) == made.plan().streams[0].topics


def test_a_refused_call_is_a_notice() -> None:
    """A key or a selector that the venue does not take."""
    refused = {"id": "1", "jsonrpc": "2.0", "error": {"code": -32001, "message": "Unauthorized"}}
    (notice,) = read(live(), msgspec.json.encode(refused))
    assert isinstance(notice, VenueNotice)
    assert "-32001 Unauthorized" in notice.text


def test_the_fallback_has_one_connection_for_each_topic() -> None:
    """Its addresses are the first version's; nothing is sent on them."""
    made = connector(stream="v1", ws_url="wss://127.0.0.1:1/stream")
    sources = [stream.source for stream in made.plan().streams]
    urls = [source.url for source in sources if isinstance(source, WebSocketSource)]
    assert urls == [
        f"wss://127.0.0.1:1/stream/v1/{path}"
        for path in (
            "orderbooks/BTC-USD",
            "orderbooks/BTC-USD?depth=1",
            "publicTrades/BTC-USD",
            "prices/mark/BTC-USD",
            "prices/index/BTC-USD",
            "funding/BTC-USD",
        )
    ]
    assert made.opened(BOOK, CONTEXT) == ()


def test_the_fallback_reads_trades_prices_and_funding_by_their_connection() -> None:
    """No message of it names its type; what a first message acknowledges is its topic."""
    made = live("v1")
    price = {"data": {"m": NAME, "p": "100"}, "ts": 5, "seq": 1}
    for topic, body, event in (
        (Topic.MARK, price, MarkPrice),
        (Topic.INDEX, price, MarkPrice),
        (Topic.TRADES, {"data": [_trade(1, 5)], "ts": 5, "seq": 1}, Trade),
        (Topic.FUNDING, {"data": {"m": NAME, "T": 5, "f": "0.1"}, "ts": 5, "seq": 1}, FundingRate),
    ):
        events = read(made, msgspec.json.encode(body), stream=topic.of(NAME))
        assert kinds(events) == (SubscriptionLive, event)


def test_a_message_about_what_was_not_subscribed_is_an_error() -> None:
    """Of another market, or of a topic that carries something else."""
    made = live()
    with pytest.raises(RemoteError, match="not subscribed"):
        read(made, whole().replace(b"orderbooks.BTC-USD", b"orderbooks.ETH-USD"))
    with pytest.raises(RemoteError, match="not what its topic carries"):
        read(made, whole().replace(b"orderbooks.BTC-USD", b"trades.BTC-USD"))


# --- listings and settings --------------------------------------------------------------------------


def test_a_market_has_the_grid_and_the_limits_that_the_venue_states() -> None:
    """`assetPrecision` is no step."""
    defined, funding = listings(connector())
    assert isinstance(defined, InstrumentDefined)
    instrument = defined.instrument
    assert instrument.price_rule == FixedTick(tick=exact("0.1"))
    assert (instrument.lot_size, instrument.min_size) == (exact("0.00001"), exact("0.0001"))
    assert (instrument.max_notional, instrument.status) == (exact("5000000"), TradingStatus.TRADING)
    assert isinstance(funding, FundingRate)
    assert (funding.rate, funding.next_funding_ns) == (-0.000034, 1_715_072_400_000 * 10**6)


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"status": "REDUCE_ONLY"}, TradingStatus.REDUCE_ONLY),
        ({"status": "DISABLED"}, TradingStatus.HALTED),
        ({"status": "DELISTED"}, TradingStatus.DELISTED),
        ({"status": "SOMETHING"}, TradingStatus.HALTED),
        ({"isOffHours": True}, TradingStatus.CANCEL_ONLY),
        ({"active": False}, TradingStatus.CANCEL_ONLY),
    ],
)
def test_a_market_is_traded_only_when_the_venue_says_so(
    changed: dict[str, object], status: TradingStatus
) -> None:
    """Perpetuals on equities close; what is unknown halts."""
    (defined, _) = listings(connector(), {**LISTED, **changed})
    assert isinstance(defined, InstrumentDefined)
    assert defined.instrument.status is status


def test_a_market_that_is_not_listed_or_has_no_book_is_a_notice() -> None:
    """With the nearest name; one for quotes on request is none of ours."""
    (unknown,) = listings(connector(market="BTX-USD"))
    assert isinstance(unknown, VenueNotice)
    assert "did you mean BTC-USD" in unknown.text
    (quotes,) = listings(connector(), {**LISTED, "isRfq": True})
    assert isinstance(quotes, VenueNotice)
    assert "request for quotes" in quotes.text


def test_an_error_in_a_fine_answer_is_an_error() -> None:
    """HTTP's status and the envelope's are both looked at."""
    made = connector()
    body = b'{"status":"ERROR","error":{"code":1010,"message":"Maintenance"}}'
    for status in (200, 503):
        with pytest.raises(RemoteError):
            made.read_answer(made.ask(QueryInstruments(), CONTEXT), Answer(status=status, body=body), 1)


def test_a_book_cannot_be_asked_for() -> None:
    """It could not be joined to the stream."""
    with pytest.raises(LocalError):
        connector().ask(QueryBook(instrument=BTC), CONTEXT)


@pytest.mark.parametrize(
    "settings",
    [{"market": "btc"}, {"market": "BTC-USD,BTC-USD"}, {"stream": "v3"}, {"network": "moon"}],
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, str]) -> None:
    """Before anything is opened."""
    with pytest.raises(ConfigError):
        connector(**settings)


def test_f015_a_quiet_book_is_as_it_was_while_the_connection_goes_on() -> None:
    """Frames are numbered together, so a mark price confirms the book, but not for ever."""
    made = live()

    def mark(seq: int, at_ms: int) -> list[Event]:
        return read(made, message(Topic.MARK, "PRICES.MP", {"m": NAME, "p": "100.5"}, seq, at_ms))

    assert kinds(mark(0, 500)) == (MarkPrice,)
    read(made, whole(1, 1_000))
    told = mark(2, 2_000)
    assert kinds(told) == (MarkPrice, BookDelta)
    assert told[1] == BookDelta(instrument=BTC, bids=(), asks=(), exchange_ns=2_000_000_000)
    assert kinds(mark(3, 91_001)) == (MarkPrice,)

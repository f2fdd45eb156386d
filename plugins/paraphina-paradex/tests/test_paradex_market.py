"""The plan, and the stream: books, touches, trades, marks and funding become events."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paradex_desk import BTC, NOW, T_US, book_frame, connector, frame, ready, units
from paraphina_core.connector import (
    HttpRequest,
    TradeMode,
    WebSocketSource,
)
from paraphina_core.domain import (
    BestBidOffer,
    BookDelta,
    BookGap,
    BookSnapshot,
    ConfigError,
    Event,
    FundingRate,
    Level,
    MarkPrice,
    QueryTime,
    RemoteError,
    Resubscribe,
    Side,
    SubscriptionLive,
    Trade,
    VenueNotice,
)
from paraphina_paradex.connector import MARKET
from paraphina_paradex.instruments import parse_markets
from paraphina_paradex.limits import MAX_MARKETS
from paraphina_paradex.sbe import Frame, RawLevel, Template, read
from paraphina_paradex.twin.conformance import RECORDED, captured
from paraphina_paradex.twin.sbe_encoder import encode

SCENARIOS = json.loads((Path(__file__).parent / "vectors" / "book_scenarios.json").read_text())["cases"]
BOOK, BBO, TRADES, SUMMARY, FUNDING = (
    f"order_book.{RECORDED}.deltas",
    *(f"{channel}.{RECORDED}" for channel in ("bbo", "trades", "markets_summary", "funding_data")),
)


# --- the plan -----------------------------------------------------------------------------------------------


def test_the_newest_schema_is_asked_for_and_everything_is_subscribed_to_at_once() -> None:
    """The venue closes a connection without subscriptions."""
    (stream,) = connector(market="BTC-USD-PERP,ETH-USD-PERP", ws_url="ws://127.0.0.1:1/v1").plan().streams
    assert isinstance(stream.source, WebSocketSource)
    assert stream.source.url == "ws://127.0.0.1:1/v1?sbeSchemaId=1&sbeSchemaVersion=2"
    asked = [json.loads(message) for message in stream.source.opening]
    assert [message["params"]["channel"] for message in asked] == list(stream.topics)
    assert [message["id"] for message in asked] == list(range(1, 11))
    assert stream.topics[:5] == (BOOK, BBO, TRADES, SUMMARY, FUNDING)
    assert stream.source.heartbeat is None  # clients that ping on their own are hung up on


def test_an_acknowledged_channel_is_live() -> None:
    """And one that nobody asked for is nonsense."""
    client = ready()
    assert list(client.read(MARKET, captured("bbo")[0], 0)) == [SubscriptionLive(topic=BBO)]
    with pytest.raises(RemoteError):
        client.read(MARKET, b'{"jsonrpc":"2.0","id":1,"result":{"channel":"bbo.ETH-USD-PERP"}}', 0)


def test_a_refused_channel_is_told_and_never_live() -> None:
    """As the venue refuses the name that its documentation has for the book."""
    refusal = {"code": -32600, "message": "invalid subscribe request", "data": "no parameters expected"}
    (notice,) = ready().read(MARKET, json.dumps({"jsonrpc": "2.0", "id": 1, "error": refusal}).encode(), 0)
    assert notice == VenueNotice(code="error -32600", text="invalid subscribe request")


def test_data_that_are_not_binary_are_refused() -> None:
    """A venue that has not understood what was negotiated tells nothing."""
    case = SCENARIOS[0]["frames"][0]
    with pytest.raises(RemoteError, match="negotiated"):
        ready().read(MARKET, json.dumps(case).encode(), 0)


@pytest.mark.parametrize(
    "text", ["", "BTC", "BTC-USD-96000-C", "BTC-USD-PERP,BTC-USD-PERP", "BTC-USD-PERP,", "A/B-USD-PERP"]
)
def test_what_cannot_be_a_perpetual_is_refused(text: str) -> None:
    """It would stand in an address."""
    with pytest.raises(ConfigError):
        connector(market=text)


def test_markets_are_limited() -> None:
    """As many as are named pass, one more does not."""
    names = [f"X{number}-USD-PERP" for number in range(MAX_MARKETS + 1)]
    assert len(parse_markets(",".join(names[:-1]))) == MAX_MARKETS
    with pytest.raises(ConfigError):
        parse_markets(",".join(names))


def test_the_network_is_the_trade_modes() -> None:
    """It decides the addresses; a kind of book that nobody has is refused."""
    request = connector(TradeMode.TESTNET, account_address="0x1").ask(QueryTime(), NOW)
    assert isinstance(request, HttpRequest)
    assert request.url == "https://api.testnet.paradex.trade/v1/system/time"
    with pytest.raises(ConfigError, match="book"):
        connector(book="interactive")


# --- books --------------------------------------------------------------------------------------------------


def followed(events: list[Event]) -> dict[Side, list[Level]]:
    """Return both sides of the book that events tell of, best first."""
    sides: dict[Side, dict[float, float]] = {Side.BUY: {}, Side.SELL: {}}
    for event in events:
        if isinstance(event, BookSnapshot):
            sides = {Side.BUY: {}, Side.SELL: {}}
        if isinstance(event, BookSnapshot | BookDelta):
            for side, changes in ((Side.BUY, event.bids), (Side.SELL, event.asks)):
                sides[side] |= {level.price: level.size for level in changes}
    return {
        side: [
            Level(price, levels[price]) for price in sorted(levels, reverse=side is Side.BUY) if levels[price]
        ]
        for side, levels in sides.items()
    }


@pytest.mark.parametrize("case", SCENARIOS, ids=lambda case: case["id"])
def test_every_scenario_of_the_book_ends_as_it_must(case: dict[str, Any]) -> None:
    """Loss is a gap and a new connection, repetition is nothing, and the last book is the expected one."""
    kind = "snapshots" if "snapshot@" in case["frames"][0]["params"]["channel"] else "deltas"
    client, all_events = ready(book=kind), list[Event]()
    for message, expected in zip(case["frames"], case["expected"], strict=True):
        data = message["params"]["data"]
        sides: dict[str, list[RawLevel]] = {"BUY": [], "SELL": []}
        for change in [*data["inserts"], *data["updates"], *data["deletes"]]:
            sides[change["side"]].append((units(change["price"]), units(change["size"])))
        whole = data["update_type"] == "s"
        events = client.read(MARKET, book_frame(data["seq_no"], sides["BUY"], sides["SELL"], whole=whole), 0)
        did = {BookSnapshot: "apply", BookDelta: "apply", BookGap: "resync"}
        assert (did[type(events[0])] if events else "ignore") in expected
        all_events += events
    if "final_book" in case:
        book = followed(all_events)
        for side, name in ((Side.BUY, "bids"), (Side.SELL, "asks")):
            assert book[side] == [
                Level(float(price), float(size)) for price, size in case["final_book"][name]
            ]


def test_the_recorded_book_is_the_one_that_was_decoded_then() -> None:
    """Best levels and depth after each frame of the venue's production."""
    path = (
        Path(__file__).parents[1] / "paraphina_paradex" / "twin" / "evidence" / "order_book_deltas_btc.json"
    )
    expected = json.loads(path.read_text())["frame"]["expected_book_after_each"]
    client, events = ready(), list[Event]()
    for number, raw in enumerate(captured("order_book_deltas")[1:]):
        (event,) = client.read(MARKET, raw, 0)
        assert isinstance(event, BookSnapshot | BookDelta)
        events.append(event)
        book, then = followed(events), expected[number]
        assert event.sequence == then["seq_no"]
        assert book[Side.BUY][0] == Level(*map(float, then["best_bid"]))
        assert book[Side.SELL][0] == Level(*map(float, then["best_ask"]))
        assert [len(book[side]) for side in (Side.BUY, Side.SELL)] == then["levels"]


def test_f013_behind_a_hole_nothing_is_believed_until_a_whole_book() -> None:
    """The hole is told once, and with it the wish for a new connection."""
    client = ready()
    client.read(MARKET, book_frame(10, [(100, 1)], [(200, 1)], whole=True), 0)
    gap, wish = client.read(MARKET, book_frame(12, [], []), 0)
    assert isinstance(gap, BookGap)
    assert isinstance(wish, Resubscribe)
    assert client.read(MARKET, book_frame(13, [], []), 0) == ()
    client.closed(MARKET)
    client.opened(MARKET, NOW)
    assert client.read(MARKET, book_frame(14, [], []), 0) == ()
    (whole,) = client.read(MARKET, book_frame(15, [(100, 1)], [(200, 1)], whole=True), 0)
    assert isinstance(whole, BookSnapshot)


@pytest.mark.parametrize(
    "level", [(0, 1), (-1, 1), (1, -1), (-(2**63), 1), (1, -(2**63))], ids=["0", "-", "size", "no", "none"]
)
def test_a_changed_level_that_is_none_is_refused(level: RawLevel) -> None:
    """Null stands for no number, and is far below zero."""
    client = ready()
    client.read(MARKET, book_frame(1, [(100, 1)], [(200, 1)], whole=True), 0)
    with pytest.raises(RemoteError):
        client.read(MARKET, book_frame(2, [level], []), 0)


def test_a_book_of_a_kind_that_nobody_knows_is_refused() -> None:
    """Neither a whole one nor a change."""
    raw = bytearray(book_frame(1, [(100, 1)], [(200, 1)]))
    raw[8 + 16] = 2
    with pytest.raises(RemoteError, match="kind"):
        ready().read(MARKET, bytes(raw), 0)


def test_every_truncation_of_a_recorded_book_is_refused() -> None:
    """Wherever the frame breaks off."""
    for raw in captured("order_book_deltas")[1:]:
        for length in range(len(raw)):
            with pytest.raises(RemoteError):
                ready_once.read(MARKET, raw[:length], 0)


ready_once = ready()


@given(st.data())
def test_any_change_of_a_recorded_frame_is_read_or_refused(data: st.DataObject) -> None:
    """Flipped bytes raise the venue's error and no other."""
    raw = bytearray(data.draw(st.sampled_from([*captured("order_book_deltas")[:4], *captured("bbo")])))
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(RemoteError):
        ready_once.read(MARKET, bytes(raw), 0)


# --- touches, trades, marks, funding ------------------------------------------------------------------------


def touch(sequence: int, bid: int | None = 100_00000000, ask: int | None = 101_00000000) -> bytes:
    """Spell a touch."""
    sizes = {"bidSize": None if bid is None else 1, "askSize": None if ask is None else 1}
    return frame(Template.BBO, seq=sequence, bidPrice=bid, askPrice=ask, **sizes)


def test_a_touch_is_told_while_it_is_newer_than_the_book() -> None:
    """Behind each change that arrives after it and is older; and never before there is a book."""
    client = ready()
    assert client.read(MARKET, touch(12), 0) == ()
    whole, newer = client.read(MARKET, book_frame(10, [(100, 1)], [(200, 1)], whole=True), 0)
    assert isinstance(whole, BookSnapshot)
    assert isinstance(newer, BestBidOffer)
    assert (newer.bid, newer.ask) == (Level(100.0, 1e-8), Level(101.0, 1e-8))
    assert [type(event) for event in client.read(MARKET, book_frame(11, [], []), 0)] == [
        BookDelta,
        BestBidOffer,
    ]
    assert [type(event) for event in client.read(MARKET, book_frame(12, [], []), 0)] == [BookDelta]
    assert client.read(MARKET, touch(11), 0) == ()
    assert [type(event) for event in client.read(MARKET, touch(13), 0)] == [BestBidOffer]


def test_a_side_on_which_nobody_quotes_is_empty() -> None:
    """It has no price and no size; a size without a price makes no sense, nor does a crossed touch."""
    client = ready()
    client.read(MARKET, book_frame(1, [(100, 1)], [(200, 1)], whole=True), 0)
    (event,) = client.read(MARKET, touch(2, bid=None), 0)
    assert isinstance(event, BestBidOffer)
    assert event.bid is None
    for broken in (
        frame(Template.BBO, seq=3, bidPrice=None, bidSize=1, askPrice=2, askSize=1),
        touch(3, bid=102_00000000),
    ):
        with pytest.raises(RemoteError):
            client.read(MARKET, broken, 0)


@pytest.mark.parametrize(("side", "aggressor"), [(1, Side.BUY), (2, Side.SELL)])
def test_a_trade_names_who_took(side: int, aggressor: Side) -> None:
    """With its whole id, and marked where it is older than the first book."""
    numbers = {"seq": 1, "tradeId": 5, "side": side, "price": 150000000, "size": 200000000, "tradeType": 1}
    plain = read(frame(Template.TRADE, createdAt=T_US, **numbers))
    assert plain is not None
    raw = encode(plain._replace(texts={**plain.texts, "tradeIdStr": "1790000000000201704842547250"}))
    client = ready()
    (event,) = client.read(MARKET, raw, 0)
    assert event == Trade(
        instrument=BTC,
        price=1.5,
        size=2.0,
        aggressor=aggressor,
        trade_id="1790000000000201704842547250",
        exchange_ns=T_US * 1_000,
    )
    client.read(MARKET, book_frame(1, [(100, 1)], [(200, 1)], whole=True), 0)
    (old,) = client.read(MARKET, raw, 0)
    assert isinstance(old, Trade)
    assert old.is_replay


@pytest.mark.parametrize(("kind", "count"), [(1, 1), (2, 1), (5, 1), (3, 0), (4, 0), (6, 0), (254, 0)])
def test_a_trade_that_did_not_meet_the_book_is_none(kind: int, count: int) -> None:
    """Blocks, settlements and unwinding would fill what rests on paper."""
    numbers = {"seq": 1, "tradeId": 5, "side": 1, "price": 1, "size": 1, "createdAt": T_US}
    assert len(ready().read(MARKET, frame(Template.TRADE, tradeType=kind, **numbers), 0)) == count


def test_a_summary_tells_mark_and_index() -> None:
    """Margin is computed with the one, funding with the other."""
    raw = frame(Template.SUMMARY, seq=1, markPrice=units("83472.25"), indexPrice=units("83470"))
    (event,) = ready().read(MARKET, raw, 0)
    assert event == MarkPrice(
        instrument=BTC, mark_price=83472.25, index_price=83470.0, exchange_ns=T_US * 1_000
    )


@pytest.mark.parametrize(("hours", "interval_s"), [(8, 28_800), (1, 3_600), (24, 86_400)])
def test_funding_is_told_with_the_period_of_its_market(hours: int, interval_s: int) -> None:
    """The raw rate belongs to that period; it accrues each second, so that none is the next payment."""
    raw = frame(Template.FUNDING, seq=1, fundingRate=-1234, fundingRate8h=-9, fundingPeriodHours=hours)
    (event,) = ready().read(MARKET, raw, 0)
    assert event == FundingRate(
        instrument=BTC, rate=-0.00001234, interval_s=interval_s, exchange_ns=T_US * 1_000
    )


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"{",
        b'{"jsonrpc":1}',
        b'{"a":1}',
        frame(Template.FUNDING, seq=1, fundingRate=1, fundingPeriodHours=0),
        frame(Template.FUNDING, seq=1, fundingPeriodHours=8),
        frame(Template.SUMMARY, seq=1, markPrice=0, indexPrice=1),
        frame(Template.SUMMARY, seq=1, markPrice=1),
        frame(Template.TRADE, seq=1, tradeId=1, side=254, price=1, size=1, createdAt=1, tradeType=1),
        frame(Template.TRADE, seq=1, tradeId=1, side=1, price=1, size=0, createdAt=1, tradeType=1),
        frame(Template.BBO, seq=1, ts=-1, bidPrice=1, bidSize=1, askPrice=2, askSize=1),
        frame(Template.BBO, "ETH-USD-PERP", seq=1, bidPrice=1, bidSize=1, askPrice=2, askSize=1),
        book_frame(1, [(1, 1)], [(2, 1)], whole=True, market="ETH-USD-PERP"),
        frame(Template.FUNDING_COMPARISON),
    ],
)
def test_what_the_venue_does_not_document_is_refused(broken: bytes) -> None:
    """With the venue's error."""
    with pytest.raises(RemoteError):
        ready().read(MARKET, broken, 0)


def test_signs_of_life_and_later_templates_say_nothing() -> None:
    """They are passed over whole."""
    client = ready()
    assert client.read(MARKET, encode(Frame(Template.HEARTBEAT, {"ts": 1, "seq": 1}, [], [], {})), 0) == ()
    later = bytearray(touch(1))
    later[2] = 99
    assert client.read(MARKET, bytes(later), 0) == ()

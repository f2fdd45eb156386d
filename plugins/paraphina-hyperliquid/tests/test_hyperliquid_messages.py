"""Messages of the venue are read strictly: what is not understood is refused, never guessed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paraphina_core.domain import (
    BestBidOffer,
    BookSnapshot,
    FundingRate,
    Level,
    MarkPrice,
    OpenOrdersListed,
    OrderReport,
    OrderState,
    RemoteError,
    Side,
    SubscriptionLive,
    Trade,
    VenueNotice,
    instrument_id,
    plain,
    to_hex128,
    written,
)
from paraphina_hyperliquid.account import READERS, read_open_orders
from paraphina_hyperliquid.channels import MAX_UNKNOWN_CHANNELS
from paraphina_hyperliquid.feed import REMEMBERED_TRADES, PublicFeed

FOLDER = Path(__file__).resolve().parents[3] / "tests" / "fixtures" / "hyperliquid"
FRAMES = [
    line.split(b" ", 1)[1]
    for name in ("BTC.frames", "HYPE.frames")
    for line in (FOLDER / name).read_bytes().splitlines()
]
ANSWERS = {
    kind: json.dumps(json.loads((FOLDER / path).read_bytes())["response"]).encode()
    for kind, path in (
        ("clearinghouseState", "info/clearinghouseState.json"),
        ("openOrders", "info/openOrders.json"),
        ("frontendOpenOrders", "other_accounts/frontendOpenOrders.json"),
    )
}


def feed() -> PublicFeed:
    """Return a feed that has subscribed to the two recorded coins."""
    return PublicFeed({coin: instrument_id("venue", coin) for coin in ("BTC", "HYPE")})


def message(channel: str, data: object) -> bytes:
    """Spell a stream message."""
    return json.dumps({"channel": channel, "data": data}).encode()


def book(time: int, bid: str = "100", ask: str = "101", size: str = "1") -> bytes:
    """Spell a book with one level a side."""
    levels = [[{"px": bid, "sz": size, "n": 1}], [{"px": ask, "sz": size, "n": 1}]]
    return message("l2Book", {"coin": "BTC", "time": time, "levels": levels})


def trade(time: int, tid: int, **changes: object) -> dict[str, object]:
    """Return one trade of a trades message."""
    return {"coin": "BTC", "side": "B", "px": "100", "sz": "1", "time": time, "tid": tid} | changes


def trades_of(events: object) -> list[tuple[str, bool]]:
    """Return id and mark of each trade."""
    assert isinstance(events, list)
    assert all(isinstance(event, Trade) for event in events)
    return [(event.trade_id, event.is_replay) for event in events]


def test_a_book_message_is_a_whole_book() -> None:
    """Bids first, asks second, with the venue's time in nanoseconds."""
    assert feed().read(book(5, "99.5", "101", "0.25")) == (
        BookSnapshot(
            instrument=instrument_id("venue", "BTC"),
            bids=(Level(99.5, 0.25),),
            asks=(Level(101.0, 0.25),),
            exchange_ns=5_000_000,
        ),
    )


def test_a_delisted_coin_has_an_empty_book() -> None:
    """Both sides may be empty; that is for the book to judge."""
    (event,) = feed().read(message("l2Book", {"coin": "BTC", "time": 1, "levels": [[], []]}))
    assert isinstance(event, BookSnapshot)
    assert (event.bids, event.asks) == ((), ())


def test_a_touch_message_is_the_best_bid_and_offer() -> None:
    """Bid first; a side that is empty is None, and so is its level."""
    levels = [{"px": "99.5", "sz": "0.25", "n": 2}, None]
    data = {"coin": "BTC", "time": 7, "bbo": levels}
    assert feed().read(message("bbo", data)) == (
        BestBidOffer(
            instrument=instrument_id("venue", "BTC"), bid=Level(99.5, 0.25), ask=None, exchange_ns=7_000_000
        ),
    )


def test_the_aggressor_of_a_trade_is_the_stated_side() -> None:
    """`B` bought and `A` sold."""
    events = feed().read(message("trades", [trade(1, 1, side="B"), trade(1, 2, side="A")]))
    assert [event.aggressor for event in events if isinstance(event, Trade)] == [Side.BUY, Side.SELL]


def test_trades_of_the_first_message_that_are_older_than_the_book_are_replays() -> None:
    """What happened before the subscription must fill nobody's paper order."""
    public = feed()
    public.read(book(100))
    assert trades_of(public.read(message("trades", [trade(99, 1), trade(100, 2)]))) == [
        ("99-1", True),
        ("100-2", False),
    ]
    assert trades_of(public.read(message("trades", [trade(98, 3)]))) == [("98-3", False)]


def test_a_first_trades_message_before_any_book_is_all_replays() -> None:
    """Nothing shows that any of it is new."""
    public = feed()
    assert trades_of(public.read(message("trades", [trade(99, 1)]))) == [("99-1", True)]
    assert trades_of(public.read(message("trades", [trade(100, 2)]))) == [("100-2", False)]


def test_f033_a_trade_that_comes_again_is_reported_once() -> None:
    """The same time, coin and id is the same trade; another coin with that id is not."""
    public = feed()
    public.read(message("trades", [trade(99, 1)]))
    again = public.read(message("trades", [trade(99, 1), trade(99, 1, coin="HYPE"), trade(98, 1)]))
    assert [(e.instrument, e.trade_id) for e in again if isinstance(e, Trade)] == [
        ("venue:HYPE", "99-1"),
        ("venue:BTC", "98-1"),
    ]


def test_the_memory_of_trades_is_bounded() -> None:
    """After so many others the oldest is forgotten, and no earlier."""
    public = feed()
    public.read(message("trades", [trade(1, n) for n in range(REMEMBERED_TRADES)]))
    assert public.read(message("trades", [trade(1, 0)])) == []
    public.read(message("trades", [trade(2, 0)]))
    assert trades_of(public.read(message("trades", [trade(1, 0)]))) == [("1-0", False)]


def test_a_message_with_one_bad_trade_counts_for_nothing() -> None:
    """Half a message is not believed: sent again without the fault, all of it is new."""
    public = feed()
    with pytest.raises(RemoteError):
        public.read(message("trades", [trade(99, 1), trade(99, 2, px="NaN")]))
    assert len(public.read(message("trades", [trade(99, 1), trade(99, 2)]))) == 2


def test_f015_a_book_older_than_the_last_one_is_refused() -> None:
    """The time of books never falls on one connection; an older book is never applied."""
    public = feed()
    public.read(book(100))
    public.read(book(100))
    with pytest.raises(RemoteError, match="time of books runs back"):
        public.read(book(99))
    assert len(public.read(book(101))) == 1


def test_an_acknowledged_subscription_is_reported_and_the_end_of_one_is_not() -> None:
    """Only `subscribe` makes a topic live."""
    echo = {"type": "l2Book", "coin": "BTC", "nSigFigs": None, "mantissa": None}
    answer = message("subscriptionResponse", {"method": "subscribe", "subscription": echo})
    assert feed().read(answer) == (SubscriptionLive(topic="l2Book:BTC"),)
    ended = message("subscriptionResponse", {"method": "unsubscribe", "subscription": echo})
    assert feed().read(ended) == ()


def test_f026_an_unknown_channel_is_noticed_once() -> None:
    """An operator learns of it, and is not flooded; even the number of channels is bounded."""
    public = feed()
    (notice,) = public.read(message("novelty", {}))
    assert isinstance(notice, VenueNotice)
    assert "novelty" in notice.text
    assert public.read(message("novelty", {})) == ()
    notices = [event for n in range(1_000) for event in public.read(message(f"c{n}", {}))]
    assert len(notices) == MAX_UNKNOWN_CHANNELS - 1


CONTEXT = {
    "funding": "0.0000018952",
    "markPx": "84148.0",
    "oraclePx": "84198.0",
    "midPx": None,
    "premium": None,
}


def test_the_context_of_a_coin_is_its_funding_of_one_hour_its_mark_and_its_oracle() -> None:
    """The rate is the hour's, not that of eight hours; the venue gives no time with it."""
    assert feed().read(message("activeAssetCtx", {"coin": "BTC", "ctx": CONTEXT})) == (
        FundingRate(instrument=instrument_id("venue", "BTC"), rate=0.0000018952, interval_s=3_600),
        MarkPrice(instrument=instrument_id("venue", "BTC"), mark_price=84148.0, index_price=84198.0),
    )
    for changes in ({"markPx": "0"}, {"funding": "1e-5"}, {"oraclePx": None}):
        with pytest.raises(RemoteError):
            feed().read(message("activeAssetCtx", {"coin": "BTC", "ctx": CONTEXT | changes}))
    with pytest.raises(RemoteError, match="not subscribed"):
        feed().read(message("activeAssetCtx", {"coin": "ETH", "ctx": CONTEXT}))


def test_an_answer_to_a_heartbeat_says_nothing() -> None:
    """It has no data, and shows that the stream is alive by coming."""
    assert feed().read(b'{"channel":"pong"}') == ()


BOOKS = json.loads((Path(__file__).parent / "vectors" / "book_frames.json").read_text(encoding="utf-8"))[
    "cases"
]


def told_level(level: dict[str, str] | None) -> Level | None:
    """Return a level of a frame as a level."""
    return None if level is None else Level(float(level["px"]), float(level["sz"]))


@pytest.mark.parametrize("case", BOOKS, ids=lambda case: case["id"])
def test_every_book_and_touch_of_the_scenarios_is_told_as_it_stands(case: dict[str, Any]) -> None:
    """Each book is whole, also the fast one with fewer levels; of a touch a side may be missing."""
    public = feed()
    for frame in case["frames"]:
        (event,) = public.read(json.dumps(frame).encode())
        data = frame["data"]
        sides = data["levels"] if "levels" in data else [[level] for level in data["bbo"]]
        expected = [
            [level and Level(float(level["px"]), float(level["sz"])) for level in side] for side in sides
        ]
        if isinstance(event, BookSnapshot):
            assert [list(event.bids), list(event.asks)] == expected
        else:
            assert isinstance(event, BestBidOffer)
            assert [[event.bid], [event.ask]] == expected
        assert event.exchange_ns == data["time"] * 1_000_000


def test_an_error_of_the_venue_is_for_the_operator() -> None:
    """Its text is passed on."""
    assert feed().read(message("error", "Already subscribed")) == (
        VenueNotice(code="error", text="Already subscribed"),
    )


def test_f026_unknown_keys_are_skipped_and_missing_ones_refused() -> None:
    """The venue adds keys without notice; it never drops one."""
    data = {"coin": "BTC", "time": 1, "levels": [[], []], "fast": True, "novelty": {"deep": []}}
    assert len(feed().read(message("l2Book", data))) == 1
    for key in ("coin", "time", "levels"):
        with pytest.raises(RemoteError):
            feed().read(message("l2Book", {k: v for k, v in data.items() if k != key}))


HOSTILE = {
    "deep": b"[" * 100_000,
    "deep in the data": b'{"channel":"l2Book","data":' + b"[" * 100_000,
    "deep in an unknown key": message("l2Book", {}).replace(b"{}", b'{"x":' + b"[" * 50_000),
    "long": FRAMES[0] + b" " * (4 * 1024 * 1024),
    "other coin": message("l2Book", {"coin": "ETH", "time": 1, "levels": [[], []]}),
    "three sides": message("l2Book", {"coin": "BTC", "time": 1, "levels": [[], [], []]}),
    "endless levels": message(
        "l2Book", {"coin": "BTC", "time": 1, "levels": [[{"px": "1", "sz": "1"}] * 101, []]}
    ),
    "negative time": book(-1),
    "endless time": book(10**30),
    "exponent": book(1, bid="1e2"),
    "nan": book(1, bid="NaN"),
    "foreign digits": book(1, bid="١٢"),
    "zero price": book(1, bid="0"),
    "zero size": book(1, size="0.0"),
    "price as a truth": book(1).replace(b'"100"', b"true"),
    "price as nothing": book(1).replace(b'"100"', b"null"),
    "price as a list": book(1).replace(b'"100"', b'["100"]'),
    "touch of one side": message("bbo", {"coin": "BTC", "time": 1, "bbo": [None]}),
    "touch of another coin": message("bbo", {"coin": "ETH", "time": 1, "bbo": [None, None]}),
    "unknown side": message("trades", [trade(1, 1, side="C")]),
    "negative id": message("trades", [trade(1, -1)]),
    "too many trades": message("trades", [trade(1, 1)] * 10_001),
    "number as error": message("error", 5),
    "half a character": b'{"channel":"\xc3","data":null}',
}


@pytest.mark.parametrize("frame", HOSTILE.values(), ids=HOSTILE.keys())
def test_f027_a_hostile_message_is_refused_as_remote(frame: bytes) -> None:
    """Depth, length, shapes and numbers that the venue does not have are its fault, not a crash."""
    with pytest.raises(RemoteError):
        _read_whole(feed(), frame)


@given(st.binary(max_size=300))
def test_f007_any_bytes_are_read_or_refused_as_remote(frame: bytes) -> None:
    """Garbage never raises anything but a remote error."""
    _attempt(feed(), frame)
    for kind, reader in READERS.items():
        _attempt_answer(kind, reader, frame)


@given(st.sampled_from(FRAMES), st.integers(0, 10_000), st.binary(max_size=4), st.integers(0, 4))
def test_f007_any_damage_to_a_recorded_frame_is_read_or_refused_as_remote(
    frame: bytes, position: int, inserted: bytes, removed: int
) -> None:
    """A real frame with bytes changed, lost or added never raises anything but a remote error."""
    at = position % len(frame)
    _attempt(feed(), frame[:at] + inserted + frame[at + removed :])


@given(st.sampled_from(sorted(ANSWERS)), st.integers(0, 30_000), st.binary(max_size=4), st.integers(0, 4))
def test_f007_any_damage_to_a_recorded_answer_is_read_or_refused_as_remote(
    kind: str, position: int, inserted: bytes, removed: int
) -> None:
    """Same for the account's answers."""
    body = ANSWERS[kind]
    at = position % len(body)
    _attempt_answer(kind, READERS[kind], body[:at] + inserted + body[at + removed :])


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["1", "B"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(st.sampled_from(FRAMES), st.data())
def test_f007_any_value_in_place_of_another_is_read_or_refused_as_remote(
    frame: bytes, data: st.DataObject
) -> None:
    """A well-formed message with one value of another kind never raises anything but a remote error."""
    parsed = json.loads(frame)
    node = parsed
    while True:
        keys = list(node) if isinstance(node, dict) else list(range(len(node)))
        if not keys:
            break
        key = data.draw(st.sampled_from(keys))
        if isinstance(node[key], dict | list) and node[key] and data.draw(st.booleans()):
            node = node[key]
            continue
        node[key] = data.draw(JSON)
        break
    _attempt(feed(), json.dumps(parsed).encode())


def _attempt(public: PublicFeed, frame: bytes) -> None:
    with suppress(RemoteError):
        _read_whole(public, frame)


def _read_whole(public: PublicFeed, frame: bytes) -> None:
    """Read a frame to its last level; levels are only read when somebody looks at them."""
    for event in public.read(frame):
        written(event)


def _attempt_answer(kind: str, reader: object, body: bytes) -> None:
    assert callable(reader), kind
    try:
        reader("venue", body)
    except RemoteError:
        return


def order(**changes: object) -> bytes:
    """Spell an answer with one open order."""
    values: dict[str, object] = {
        "coin": "BTC",
        "side": "A",
        "limitPx": "96161.0",
        "sz": "0.00015",
        "oid": 59534923953,
        "timestamp": 1788780014874,
        "origSz": "0.0004",
        "reduceOnly": True,
    }
    return json.dumps([values | changes]).encode()


def listed(body: bytes) -> Sequence[OrderReport]:
    """Return the orders of an answer."""
    (event,) = read_open_orders("venue", body)
    assert isinstance(event, OpenOrdersListed)
    return event.orders


def reported(body: bytes) -> OrderReport:
    """Return the one order of an answer."""
    (report,) = listed(body)
    return report


def test_an_open_order_states_what_is_filled_and_what_is_left() -> None:
    """The original size minus what is left was filled."""
    report = reported(order())
    assert (report.side, plain(report.price), plain(report.size)) == (Side.SELL, "96161", "0.0004")
    assert (plain(report.filled_size), report.state) == ("0.00025", OrderState.PARTIALLY_FILLED)
    assert (report.venue_order_id, report.reduce_only) == ("59534923953", True)
    assert reported(order(origSz="0.00015")).state is OrderState.LIVE


def test_an_order_without_its_original_size_counts_with_what_is_left() -> None:
    """Older answers state only what can still fill."""
    values = json.loads(order())
    del values[0]["origSz"]
    report = reported(json.dumps(values).encode())
    assert (plain(report.size), plain(report.filled_size), report.state) == ("0.00015", "0", OrderState.LIVE)


def test_an_order_of_this_program_is_recognised_by_its_id_and_a_foreign_one_is_not() -> None:
    """Only ids that this program made decode."""
    assert reported(order(cloid=to_hex128(77, "l"))).client_order_id == 77
    assert reported(order(cloid="0x00030050c6301a2b00000100000000d2")).client_order_id is None
    assert reported(order(cloid=None)).client_order_id is None


@pytest.mark.parametrize(
    "changes", [{"origSz": "0.0001"}, {"limitPx": "0"}, {"sz": "-1"}, {"side": "X"}, {"oid": -1}]
)
def test_an_order_that_cannot_be_is_refused(changes: dict[str, object]) -> None:
    """More left than there was, no price, or a side nobody knows: the whole answer is not believed."""
    with pytest.raises(RemoteError):
        read_open_orders("venue", order(**changes))


def test_a_recorded_answer_with_triggers_is_read() -> None:
    """Three real orders, two of them stops; nested copies of them are not counted again."""
    orders = listed(ANSWERS["frontendOpenOrders"])
    assert [(e.venue_order_id, e.side, e.reduce_only, plain(e.filled_size)) for e in orders] == [
        ("3184595907", Side.SELL, True, "0"),
        ("3184595906", Side.SELL, True, "0"),
        ("3184595905", Side.BUY, False, "0"),
    ]

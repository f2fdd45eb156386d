"""Every query has a request, and every answer of the venue becomes what was asked for."""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paraphina_core.connector import Answer, Failure, FailureKind
from paraphina_core.domain import (
    BalanceReport,
    BookSnapshot,
    ClientOrderId,
    DeadManReport,
    Event,
    FillsListed,
    FundingPayment,
    InstrumentDefined,
    LocalError,
    MessageBudgetReport,
    OpenOrdersListed,
    OrderNotFound,
    OrderReport,
    OrderState,
    PositionsListed,
    Query,
    QueryAccount,
    QueryBook,
    QueryFills,
    QueryFunding,
    QueryInstruments,
    QueryMessageBudget,
    QueryOpenOrders,
    QueryOrder,
    QueryTime,
    RemoteError,
    TradingStatus,
    VenueNotice,
    VenueTime,
    instrument_id,
    plain,
    to_hex128,
)
from paraphina_hyperliquid.info import MAX_LISTED_BLOCKS, MAX_LISTED_FILLS, Info
from paraphina_hyperliquid.instruments import Listings

VECTORS = Path(__file__).parent / "vectors"
BTC = instrument_id("hyperliquid", "BTC")
USER = "0x" + "ab" * 20
META = {
    "universe": [
        {"szDecimals": 4, "name": "ETH", "maxLeverage": 25},
        {"szDecimals": 1, "name": "LOOM", "maxLeverage": 3, "isDelisted": True, "novelty": []},
        {"szDecimals": 5, "name": "BTC", "maxLeverage": 40, "isDelisted": None},
    ],
    "marginTables": [],
    "collateralToken": 0,
}
OURS = to_hex128(7, "l")
ORDER = QueryOrder(instrument=BTC, client_order_id=ClientOrderId(7), venue_order_id="5")


def info(coins: Sequence[str] = ("BTC",), account: str | None = USER) -> Info:
    """Return what asks about an account and these coins, which the venue lists."""
    listings = Listings("hyperliquid", coins)
    listings.read(json.dumps(META).encode())
    return Info("hyperliquid", "https://venue.test/", listings=listings, account=account, mode="l")


def told(query: Query, body: object, status: int = 200) -> Sequence[Event]:
    """Return what an answer to a query means."""
    asked = info()
    return asked.read(asked.ask(query, 1), Answer(status=status, body=json.dumps(body).encode()))


def recorded(name: str) -> Any:
    """Return a recorded answer."""
    return json.loads((VECTORS / f"{name}.json").read_text(encoding="utf-8"))["response"]


BODIES: list[tuple[Query, dict[str, object], int]] = [
    (QueryInstruments(), {"type": "meta"}, 20),
    (QueryBook(instrument=BTC), {"type": "l2Book", "coin": "BTC"}, 2),
    (QueryTime(), {"type": "exchangeStatus"}, 2),
    (QueryAccount(), {"type": "clearinghouseState", "user": USER}, 2),
    (QueryOpenOrders(), {"type": "frontendOpenOrders", "user": USER}, 20),
    (ORDER, {"type": "orderStatus", "user": USER, "oid": OURS}, 2),
    (QueryFills(since_ns=1_999_999), {"type": "userFillsByTime", "user": USER, "startTime": 1}, 45),
    (QueryFunding(since_ns=-5), {"type": "userFunding", "user": USER, "startTime": 0}, 45),
    (QueryMessageBudget(), {"type": "userRateLimit", "user": USER}, 20),
]


@pytest.mark.parametrize(("query", "body", "weight"), BODIES, ids=lambda value: type(value).__name__)
def test_every_query_is_a_request_of_the_documented_shape(
    query: Query, body: dict[str, object], weight: int
) -> None:
    """One address, no signature, the documented weight; a list is reckoned at a full page."""
    request = info().ask(query, 9)
    assert (request.method, request.url) == ("POST", "https://venue.test/info")
    assert json.loads(request.body) == body
    assert request.cost == (("ip_weight", weight),)
    assert info().made(request)
    assert request.correlation != info().ask(query, 10).correlation


def test_an_account_that_is_not_named_is_not_asked_about() -> None:
    """The market is asked about all the same."""
    for query, body, _ in BODIES:
        if "user" in body:
            with pytest.raises(LocalError, match="HL_VAULT_ADDRESS"):
                info(account=None).ask(query, 1)
        else:
            info(account=None).ask(query, 1)


def test_a_book_of_an_unlisted_instrument_is_not_asked_for() -> None:
    """The venue would answer with nothing."""
    with pytest.raises(LocalError, match="no such instrument"):
        info().ask(QueryBook(instrument=instrument_id("hyperliquid", "ETH")), 1)


@pytest.mark.parametrize("query", [query for query, _, _ in BODIES], ids=lambda query: type(query).__name__)
def test_f030_no_answer_says_nothing_and_a_senseless_one_is_the_venues_fault(query: Query) -> None:
    """An empty list would be a statement, so none is made up."""
    asked = info()
    for kind in FailureKind:
        assert asked.read(asked.ask(query, 1), Failure(kind=kind)) == ()
    for status, body in ((500, "{}"), (429, "[]"), (200, ""), (200, "<html>"), (200, "null"), (200, "5")):
        with pytest.raises(RemoteError):
            asked.read(asked.ask(query, 1), Answer(status=status, body=body.encode()))


# --- instruments and books --------------------------------------------------------------------


def test_the_listings_define_what_is_traded_and_number_everything() -> None:
    """An asset's number is its place in the list, delisted ones included."""
    listings = Listings("hyperliquid", ("BTC", "LOOM"))
    btc, loom = listings.read(json.dumps(META).encode())
    assert isinstance(btc, InstrumentDefined)
    assert isinstance(loom, InstrumentDefined)
    assert (btc.instrument.id, plain(btc.instrument.lot_size)) == (BTC, "0.00001")
    assert (btc.instrument.status, loom.instrument.status) == (TradingStatus.TRADING, TradingStatus.DELISTED)
    assert listings.assets == {
        instrument_id("hyperliquid", coin): number for number, coin in enumerate(("ETH", "LOOM", "BTC"))
    }
    assert listings.coins == {"BTC": BTC, "LOOM": loom.instrument.id}


@pytest.mark.parametrize(("coin", "hint"), [("btc", "did you mean BTC?"), ("NOSUCHTHING", "")])
def test_a_coin_that_the_venue_does_not_list_is_named_and_not_traded(coin: str, hint: str) -> None:
    """Subscribing to it would cost the whole stream."""
    listings = Listings("hyperliquid", (coin, "ETH"))
    defined, notice = listings.read(json.dumps(META).encode())
    assert isinstance(defined, InstrumentDefined)
    assert isinstance(notice, VenueNotice)
    assert (notice.code, notice.text.endswith(hint)) == ("unknown_coin", True)
    assert list(listings.coins) == ["ETH"]


def test_listings_that_name_a_coin_twice_are_not_believed() -> None:
    """One of the two numbers would be another asset's."""
    listings = Listings("hyperliquid", ("BTC",))
    twice = {"universe": [*META["universe"], {"szDecimals": 5, "name": "BTC"}]}  # type: ignore[misc]  # a list
    with pytest.raises(RemoteError, match="twice"):
        listings.read(json.dumps(twice).encode())
    assert listings.assets == {}


def test_a_book_is_read_whole() -> None:
    """The answer has the shape of the stream's; one about another coin is refused."""
    levels = [[{"px": "113377.0", "sz": "7.6699", "n": 17}], [{"px": "113397.0", "sz": "0.1", "n": 3}]]
    (book,) = told(QueryBook(instrument=BTC), {"coin": "BTC", "time": 1754450974231, "levels": levels})
    assert isinstance(book, BookSnapshot)
    assert (book.instrument, book.exchange_ns) == (BTC, 1754450974231_000_000)
    with pytest.raises(RemoteError):
        told(QueryBook(instrument=BTC), {"coin": "ETH", "time": 1, "levels": levels})


def test_an_answer_that_pretends_to_be_another_message_is_no_book() -> None:
    """Only a book answers a question for a book."""
    asked = info()
    body = b'{"coin":"BTC","time":1,"levels":[[],[]]},"channel":"error","data":"x"'
    with pytest.raises(RemoteError):
        asked.read(asked.ask(QueryBook(instrument=BTC), 1), Answer(status=200, body=body))


def test_a_recorded_book_is_read() -> None:
    """One of mainnet of 2025."""
    answer = recorded("get_l2_snapshot_1")
    listings = Listings("hyperliquid", (answer["coin"],))
    listings.read(json.dumps({"universe": [{"szDecimals": 0, "name": answer["coin"]}]}).encode())
    asked = Info("hyperliquid", "https://venue.test", listings=listings, account=None, mode="l")
    request = asked.ask(QueryBook(instrument=instrument_id("hyperliquid", answer["coin"])), 1)
    (book,) = asked.read(request, Answer(status=200, body=json.dumps(answer).encode()))
    assert isinstance(book, BookSnapshot)
    assert (len(book.bids), len(book.asks)) == tuple(map(len, answer["levels"]))


# --- account ----------------------------------------------------------------------------------


def test_the_account_is_its_balance_and_every_position() -> None:
    """The documented example; who holds nothing has an empty list."""
    position = {
        "coin": "ETH",
        "entryPx": "2986.3",
        "leverage": {"rawUsd": "-95.059824", "type": "isolated", "value": 20},
        "liquidationPx": "2866.26936529",
        "marginUsed": "4.967826",
        "szi": "-0.0335",
        "unrealizedPnl": "-0.0134",
    }
    state = {
        "assetPositions": [{"position": position, "type": "oneWay"}],
        "marginSummary": {"accountValue": "13109.482328", "totalMarginUsed": "4.967826"},
        "time": 1708622398623,
        "withdrawable": "13104.514502",
    }
    balance, listed = told(QueryAccount(), state)
    assert isinstance(balance, BalanceReport)
    assert isinstance(listed, PositionsListed)
    assert (plain(balance.equity), plain(balance.available)) == ("13109.482328", "13104.514502")
    (held,) = listed.positions
    assert (held.instrument, plain(held.size)) == ("hyperliquid:ETH", "-0.0335")
    assert held.leverage == Decimal(20)
    assert listed.exchange_ns == balance.exchange_ns == 1708622398623_000_000
    _, nothing = told(QueryAccount(), state | {"assetPositions": []})
    assert nothing == PositionsListed(positions=(), exchange_ns=1708622398623_000_000)


def order(**changes: object) -> dict[str, Any]:
    """Return an order as the venue lists it."""
    values: dict[str, Any] = {
        "coin": "BTC",
        "side": "B",
        "limitPx": "100.0",
        "sz": "0.6",
        "oid": 5,
        "timestamp": 1,
        "origSz": "1.0",
        "cloid": OURS,
        "reduceOnly": False,
        "tif": "Gtc",
    }
    return values | changes


def test_open_orders_are_one_list_of_all_perpetuals() -> None:
    """An empty one is the venue's own word that nothing is open."""
    (listed,) = told(QueryOpenOrders(), [order(), order(coin="@107", oid=6), order(coin="ETH", oid=7)])
    assert isinstance(listed, OpenOrdersListed)
    assert [report.venue_order_id for report in listed.orders] == ["5", "7"]
    assert told(QueryOpenOrders(), []) == (OpenOrdersListed(orders=()),)


STATES = [
    ("open", "1.0", OrderState.LIVE, "0"),
    ("open", "0.6", OrderState.PARTIALLY_FILLED, "0.4"),
    ("triggered", "1.0", OrderState.LIVE, "0"),
    ("filled", "0.0", OrderState.FILLED, "1"),
    ("filled", "1.0", OrderState.FILLED, "1"),
    ("canceled", "0.6", OrderState.CANCELLED, "0.4"),
    ("marginCanceled", "1.0", OrderState.CANCELLED, "0"),
    ("badAloPxRejected", "1.0", OrderState.REJECTED, "0"),
]


@pytest.mark.parametrize(("status", "left", "state", "filled"), STATES)
def test_one_order_is_reported_in_whatever_state_it_is(
    status: str, left: str, state: OrderState, filled: str
) -> None:
    """With what of it has filled, and when that was so."""
    (report,) = told(ORDER, {"status": "order", "order": updated(status, sz=left)})
    assert isinstance(report, OrderReport)
    assert (report.state, plain(report.filled_size)) == (state, filled)
    assert (report.client_order_id, report.venue_order_id, report.exchange_ns) == (7, "5", 2_000_000)


def updated(status: str, **changes: object) -> dict[str, object]:
    """Return an order with its state."""
    return {"order": order(**changes), "status": status, "statusTimestamp": 2}


def test_an_order_that_the_venue_does_not_know_is_not_found() -> None:
    """It never arrived, or is forgotten; that is another thing than no answer."""
    assert told(ORDER, {"status": "unknownOid"}) == (
        OrderNotFound(instrument=BTC, client_order_id=ClientOrderId(7), venue_order_id="5"),
    )


@pytest.mark.parametrize(
    "answer",
    [
        {"status": "order"},
        {"status": "busy"},
        {"status": "order", "order": updated("mystery")},
        {"status": "order", "order": updated("open", cloid=to_hex128(8, "l"))},
        {"status": "order", "order": updated("open", cloid=None)},
        {"status": "order", "order": updated("open", coin="ETH")},
        {"status": "order", "order": updated("open", sz="1.5")},
    ],
)
def test_f026_an_answer_about_an_order_that_cannot_be_is_refused(answer: object) -> None:
    """A state nobody knows, another order, or more left than there was."""
    with pytest.raises(RemoteError):
        told(ORDER, answer)


def test_recorded_orders_are_reported() -> None:
    """Five of mainnet: two cancelled, three rejected because nothing matched."""
    states = [
        told(
            QueryOrder(
                instrument=instrument_id("hyperliquid", entry["order"]["coin"]),
                client_order_id=ClientOrderId(7),
            ),
            {"status": "order", "order": entry | {"order": entry["order"] | {"cloid": OURS}}},
        )
        for entry in recorded("historical_orders")
    ]
    assert sorted(report.state.value for (report,) in states if isinstance(report, OrderReport)) == [
        *["cancelled"] * 2,
        *["rejected"] * 3,
    ]


def fill(number: int, **changes: object) -> dict[str, Any]:
    """Return one of the account's fills."""
    values: dict[str, Any] = {"coin": "BTC", "px": "100", "sz": "1", "side": "A", "time": number, "oid": 5}
    return values | {"tid": number, "crossed": True, "fee": "0.045"} | changes


def test_fills_are_listed_oldest_first_with_all_of_them_marked_as_told_again() -> None:
    """Whatever order they come in; fills of spot pairs are none of them."""
    (listed,) = told(QueryFills(since_ns=5), [fill(3), fill(1), fill(2, coin="@107")])
    assert isinstance(listed, FillsListed)
    assert [entry.trade_id for entry in listed.fills] == ["1-1", "3-3"]
    assert all(entry.is_replay for entry in listed.fills)
    assert (listed.since_ns, listed.is_complete) == (5, True)


@pytest.mark.parametrize(
    ("fills", "complete"),
    [
        ([fill(n, time=n // 10) for n in range(MAX_LISTED_FILLS - 1)], True),
        ([fill(n, time=n // 10) for n in range(MAX_LISTED_FILLS)], False),
        ([fill(n) for n in range(MAX_LISTED_BLOCKS - 1)], True),
        ([fill(n) for n in range(MAX_LISTED_BLOCKS)], False),
    ],
    ids=["fills below", "fills at the limit", "blocks below", "blocks at the limit"],
)
def test_a_list_as_long_as_the_venue_makes_them_is_not_complete(
    fills: list[dict[str, Any]], complete: bool
) -> None:
    """Whether more fills would have followed cannot be seen, so they are asked for."""
    (listed,) = told(QueryFills(since_ns=0), fills)
    assert isinstance(listed, FillsListed)
    assert listed.is_complete is complete


def test_recorded_funding_is_reported() -> None:
    """Each hour and coin; positive was received."""
    answer = recorded("user_funding_history_without_end_time")
    payments = told(QueryFunding(since_ns=0), answer)
    assert len(payments) == len(answer)
    assert payments[0] == FundingPayment(
        instrument=instrument_id("hyperliquid", "APE"),
        amount=Decimal("0.145796"),
        rate=-0.00029319,
        exchange_ns=1681948800000_000_000,
    )


@pytest.mark.parametrize(("volume", "is_refused"), [("999999.99", True), ("1000000", False)])
def test_the_message_budget_tells_whether_there_is_a_dead_man_switch(volume: str, is_refused: bool) -> None:
    """The venue arms it from a million dollars of traded volume on, and says so nowhere else before."""
    answer = {"cumVlm": volume, "nRequestsUsed": 2890, "nRequestsCap": 1010000, "nRequestsSurplus": 0}
    budget, *reports = told(QueryMessageBudget(), answer)
    assert budget == MessageBudgetReport(used=2890, limit=1010000)
    assert len(reports) == is_refused
    for report in reports:
        assert isinstance(report, DeadManReport)
        assert (report.armed_until_ns, volume in report.reason) == (None, True)


def test_the_venues_clock_is_read_and_special_states_are_told() -> None:
    """Most of the time there is nothing special."""
    assert told(QueryTime(), {"specialStatuses": None, "time": 7}) == [VenueTime(exchange_ns=7_000_000)]
    assert told(QueryTime(), {"time": 7}) == [VenueTime(exchange_ns=7_000_000)]
    _, notice = told(QueryTime(), {"specialStatuses": {"upgrade": True}, "time": 7})
    assert isinstance(notice, VenueNotice)
    assert "upgrade" in notice.text


@given(st.sampled_from([query for query, _, _ in BODIES]), st.binary(max_size=200))
def test_f007_any_answer_is_read_or_refused_as_remote(query: Query, body: bytes) -> None:
    """Garbage never raises anything but a remote error."""
    asked = info()
    try:
        asked.read(asked.ask(query, 1), Answer(status=200, body=body))
    except RemoteError:
        return


ANSWERS: list[tuple[Query, object]] = [
    (QueryInstruments(), META),
    (ORDER, {"status": "order", "order": updated("open")}),
    (QueryFills(since_ns=0), [fill(1)]),
    (QueryFunding(since_ns=0), recorded("user_funding_history_without_end_time")[:2]),
    (QueryMessageBudget(), {"cumVlm": "1.5", "nRequestsUsed": 1, "nRequestsCap": 2}),
    (QueryTime(), {"specialStatuses": [], "time": 7}),
]


@given(st.sampled_from(ANSWERS), st.integers(0, 600), st.binary(max_size=4), st.integers(0, 4))
def test_f007_any_damage_to_an_answer_is_read_or_refused_as_remote(
    answer: tuple[Query, object], position: int, inserted: bytes, removed: int
) -> None:
    """Bytes changed, lost or added."""
    query, content = answer
    body = json.dumps(content).encode()
    at = position % len(body)
    asked = info()
    try:
        asked.read(asked.ask(query, 1), Answer(status=200, body=body[:at] + inserted + body[at + removed :]))
    except RemoteError:
        return

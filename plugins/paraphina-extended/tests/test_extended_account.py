"""What Extended states of an account becomes balance, positions, orders, fills and funding."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from extended_account import FRAMES, NAME, NOW_MS, NS_PER_MS, Desk, body, error, order, trade
from paraphina_core.connector import HttpRequest
from paraphina_core.domain import (
    AskNext,
    BalanceReport,
    ClientOrderId,
    ConfigError,
    Fill,
    FillsListed,
    FundingPayment,
    Liquidity,
    LocalError,
    OpenOrdersListed,
    OrderNotFound,
    OrderReport,
    OrderState,
    PlaceOrder,
    PositionReport,
    PositionsListed,
    QueryAccount,
    QueryFills,
    QueryFunding,
    QueryOpenOrders,
    QueryOrder,
    QueryTime,
    RemoteError,
    Side,
    VenueNotice,
    instrument_id,
    to_text,
)
from paraphina_extended.membership import WRONG_ACCOUNT
from paraphina_extended.questions import ACCOUNT as WHOSE
from paraphina_extended.questions import FEES, FUNDING, POSITIONS

BTC = instrument_id("extended", NAME)
PLACE = PlaceOrder(
    instrument=BTC,
    client_order_id=ClientOrderId(7),
    side=Side.BUY,
    price=Decimal(60_000),
    size=Decimal("0.002"),
)
BALANCE = {
    "collateralName": "USD",
    "balance": "100",
    "equity": "120.5",
    "availableForTrade": "90",
    "initialMargin": "30",
    "updatedTime": NOW_MS,
}


def frame(name: str) -> bytes:
    """Return a documented frame."""
    return msgspec.json.encode(FRAMES[name])


# --- questions --------------------------------------------------------------------------------------


def test_the_account_is_asked_for_in_two_parts() -> None:
    """The balance first, then the positions: the venue states them in two places."""
    desk = Desk()
    balance, following = desk.ask(QueryAccount(), body(BALANCE))
    assert following == AskNext(query=POSITIONS)
    assert balance == BalanceReport(
        asset="USD",
        equity=Decimal("120.5"),
        available=Decimal(90),
        margin_used=Decimal(30),
        exchange_ns=NOW_MS * NS_PER_MS,
    )
    (listed,) = desk.ask(POSITIONS, frame("positions"))
    assert isinstance(listed, PositionsListed)
    (position,) = listed.positions
    assert position == PositionReport(
        instrument=BTC,
        size=Decimal("0.1"),
        entry_price=Decimal(39_000),
        unrealised_pnl=Decimal(1_000),
        liquidation_price=Decimal(38_200),
        margin_used=Decimal(20),
        leverage=Decimal(10),
        exchange_ns=1_701_563_440_000 * NS_PER_MS,
    )


def test_no_balance_is_zero_in_the_venues_own_words_alone() -> None:
    """404 with the venue's envelope means an empty account; a page of something in between means nothing."""
    desk = Desk()
    balance = desk.ask(QueryAccount(), error(404, "Balance not found"), 404)[0]
    assert balance == BalanceReport(asset="USD", equity=Decimal(0), available=Decimal(0))
    for status, answer in ((404, b"<html>"), (500, error(500)), (401, error(401)), (200, error(1004))):
        with pytest.raises(RemoteError):
            desk.ask(QueryAccount(), answer, status)


def test_questions_about_the_account_carry_its_headers_and_public_ones_do_not() -> None:
    """What is private is marked, so that the core adds the key; the path is the venue's."""
    desk = Desk()
    for query, path in (
        (QueryAccount(), "/user/balance"),
        (POSITIONS, "/user/positions"),
        (QueryOpenOrders(), "/user/orders"),
        (QueryFills(since_ns=0), "/user/trades?limit=10000"),
        (QueryFunding(since_ns=5_000_000), "/user/funding/history?fromTime=5"),
        (FEES, "/user/fees?market=BTC-USD"),
        (WHOSE, "/user/account/info"),
        (
            QueryOrder(instrument=BTC, client_order_id=PLACE.client_order_id),
            "/user/orders/external/pa-t-000000000007",
        ),
    ):
        request = desk.request(query)
        assert (request.method, request.private) == ("GET", True)
        assert request.url == f"https://api.starknet.sepolia.extended.exchange/api/v1{path}"
        assert request.cost == (("requests", 1),)
    with pytest.raises(LocalError, match="no such query"):
        desk.request(QueryTime())


def test_open_orders_are_listed_with_what_has_filled() -> None:
    """A stranger's order is listed without one of our ids, one that is over is not."""
    desk = Desk()
    mine, over = order("pa-t-000000000007", id="2100000000000000009"), order("other", "CANCELLED")
    answer = body([*FRAMES["open_orders"]["data"], mine, over])
    (listed,) = desk.ask(QueryOpenOrders(), answer)
    assert isinstance(listed, OpenOrdersListed)
    theirs, ours = listed.orders
    assert (theirs.client_order_id, theirs.instrument) == (None, instrument_id("extended", "ETH-USD"))
    assert (theirs.filled_size, theirs.size, theirs.state) == (
        Decimal("0.1"),
        Decimal("0.2"),
        OrderState.PARTIALLY_FILLED,
    )
    assert (ours.client_order_id, ours.venue_order_id) == (7, "2100000000000000009")


def test_an_order_is_reported_or_not_known() -> None:
    """Both of the venue's ways to say that it knows none count, and nothing else does."""
    desk = Desk()
    query = QueryOrder(instrument=BTC, client_order_id=PLACE.client_order_id)
    (report,) = desk.ask(query, body([order("pa-t-000000000007", "FILLED", filledQty="0.002")]))
    assert isinstance(report, OrderReport)
    assert (report.state, report.filled_size, report.size) == (
        OrderState.FILLED,
        Decimal("0.002"),
        Decimal("0.002"),
    )
    for answer, status in ((body([]), 200), (error(404, "Order not found"), 404)):
        assert desk.ask(query, answer, status) == (
            OrderNotFound(instrument=BTC, client_order_id=PLACE.client_order_id, venue_order_id=None),
        )
    for answer, status in (
        (body([order("pa-t-000000000008")]), 200),
        (body([order("pa-t-000000000007", "NEW", market="ETH-USD")]), 200),
        (body([order("pa-t-000000000007", "MELTED")]), 200),
        (error(1004), 404),
        (b"{}", 404),
    ):
        with pytest.raises(RemoteError):
            desk.ask(query, answer, status)


def test_fills_are_listed_in_order_from_a_time_on() -> None:
    """The venue begins with the latest; older ones than were asked for are left out."""
    desk = Desk()
    rows = [trade(3, createdTime=30), trade(2, createdTime=20, side="SELL"), trade(1, createdTime=10)]
    (listed,) = desk.ask(QueryFills(since_ns=20 * NS_PER_MS), body(rows))
    assert isinstance(listed, FillsListed)
    assert [fill.trade_id for fill in listed.fills] == ["2-sell", "3-buy"]
    assert listed.is_complete
    (documented,) = desk.ask(QueryFills(since_ns=0), frame("trades"))
    assert isinstance(documented, FillsListed)
    (fill,) = documented.fills
    assert (fill.price, fill.size, fill.fee, fill.liquidity) == (
        Decimal(39_000),
        Decimal("0.2"),
        Decimal("1.3"),
        Liquidity.TAKER,
    )


@pytest.mark.parametrize(
    ("side", "rate", "paid"),
    [
        ("LONG", "0.00001", True),
        ("SHORT", "0.00001", False),
        ("LONG", "-0.00001", False),
        ("SHORT", "-0.1", True),
    ],
)
@pytest.mark.parametrize("sign", ["", "-"])
def test_who_is_long_pays_while_the_rate_is_above_zero(
    side: str, rate: str, sign: str, *, paid: bool
) -> None:
    """The documentation does not say which sign the amount has, so side and rate decide."""
    row = {"market": NAME, "side": side, "fundingFee": f"{sign}0.25", "fundingRate": rate, "paidTime": NOW_MS}
    (payment,) = Desk().ask(QueryFunding(since_ns=0), body([row]))
    assert isinstance(payment, FundingPayment)
    assert payment.amount == (Decimal("-0.25") if paid else Decimal("0.25"))


def test_funding_is_told_once_and_from_this_session_on() -> None:
    """The question is repeated; what was told, and what was paid before the first one, is not told again."""
    desk = Desk()

    def row(paid_ms: int) -> dict[str, object]:
        return {"market": NAME, "side": "LONG", "fundingFee": "1", "fundingRate": "0.1", "paidTime": paid_ms}

    first = desk.ask(FUNDING, body([row(NOW_MS + 5), row(NOW_MS - 5)]))
    again = desk.ask(FUNDING, body([row(NOW_MS + 9), row(NOW_MS + 5)]))
    times = [
        [p.exchange_ns // NS_PER_MS for p in told if isinstance(p, FundingPayment)] for told in (first, again)
    ]
    assert times == [[NOW_MS + 5], [NOW_MS + 9]]
    assert desk.request(FUNDING).url.endswith(f"fromTime={NOW_MS + 9 - 60_000}")


# --- whose account ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"l2Vault": 10_003}, "EXTENDED_VAULT is 10002"),
        ({"l2Key": "0x123"}, "EXTENDED_STARK_PRIVATE_KEY"),
        ({"l2Key": "0x"}, "EXTENDED_STARK_PRIVATE_KEY"),
        ({"status": "BLOCKED"}, "BLOCKED"),
    ],
)
def test_an_account_that_is_not_what_the_settings_say_takes_no_order(
    changes: dict[str, object], said: str
) -> None:
    """The vault, the public key and its state must be right; cancels leave all the same."""
    desk = Desk()
    (notice,) = desk.ask(WHOSE, body(desk.account(**changes)))
    assert isinstance(notice, VenueNotice)
    assert (notice.code, said in notice.text) == (WRONG_ACCOUNT, True)
    with pytest.raises(ConfigError, match="not what the settings say"):
        desk.write(PLACE)
    assert desk.ask(WHOSE, body(desk.account())) == ()
    assert desk.write(PLACE).method == "POST"


def test_nothing_is_placed_before_the_venue_has_said_whose_account_it_is() -> None:
    """Nor before it has stated the fees."""
    desk = Desk(confirmed=False)
    with pytest.raises(ConfigError, match="not said yet"):
        desk.write(PLACE)
    desk.ask(WHOSE, body(desk.account()))
    with pytest.raises(LocalError, match="fees"):
        desk.write(PLACE)


@pytest.mark.parametrize("vault", ["", "x", "0", "-1", "4294967296", "1.5"])
def test_a_vault_that_is_no_number_is_refused(vault: str) -> None:
    """It is signed as a number of 32 bits."""
    with pytest.raises(ConfigError, match="EXTENDED_VAULT"):
        Desk(vault=vault)


# --- hostile answers --------------------------------------------------------------------------------

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
_QUERIES = (
    QueryAccount(),
    POSITIONS,
    QueryOpenOrders(),
    QueryFills(since_ns=0),
    QueryFunding(since_ns=0),
    FEES,
    WHOSE,
    QueryOrder(instrument=BTC, client_order_id=PLACE.client_order_id),
)
DESK = Desk()


@given(st.sampled_from(_QUERIES), _JSON | st.binary(max_size=64), st.sampled_from((200, 404, 429, 502)))
def test_whatever_is_answered_is_read_or_the_venues_error(query: object, data: object, status: int) -> None:
    """No answer raises anything else, and none of another shape makes a list."""
    answer = data if isinstance(data, bytes) else body(data)
    request = DESK.request(query)  # type: ignore[arg-type]  # one of those above
    assert isinstance(request, HttpRequest)
    with suppress(RemoteError):
        DESK.answer(request, answer, status)


@pytest.mark.parametrize(
    "changes",
    [{"price": "0"}, {"qty": "-1"}, {"qty": "nan"}, {"side": "B"}, {"fee": None}, {"createdTime": -1}],
)
def test_a_fill_that_makes_no_sense_is_no_fill(changes: dict[str, object]) -> None:
    """Half a list is not believed."""
    with pytest.raises(RemoteError):
        Desk().ask(QueryFills(since_ns=0), body([trade(1), trade(2, **changes)]))


def test_versions_of_an_order_have_one_id_of_ours() -> None:
    """Fills of a changed order are ours as well."""
    text = to_text(7, "t", 1_800_000_000_123)
    (listed,) = Desk().ask(QueryFills(since_ns=0), body([trade(1, externalId=text)]))
    assert isinstance(listed, FillsListed)
    fill: Fill = listed.fills[0]
    assert fill.client_order_id == 7

"""The account is asked about and read as the venue documents it, in parts where it takes several answers."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest

from aster_desk import ASTER, BTC, ETH, START_NS, Desk
from paraphina_aster.account_feed import FUNDING, LISTEN_KEY
from paraphina_aster.account_questions import LISTEN_KEY_EVERY_MS, MAX_LISTED, POSITION_MODE, commission_of
from paraphina_aster.connector import ACCOUNT
from paraphina_core.connector import Answer, HttpRequest, WebSocketSource
from paraphina_core.domain import (
    NS_PER_S,
    AskAgain,
    AskNext,
    BalanceReport,
    CancelOrder,
    ClientOrderId,
    Event,
    Fill,
    FillsListed,
    FundingPayment,
    Liquidity,
    LocalError,
    OpenOrdersListed,
    OrderNotFound,
    OrderReport,
    OrderState,
    PositionReport,
    PositionsListed,
    Query,
    QueryAccount,
    QueryFills,
    QueryFunding,
    QueryOpenOrders,
    QueryOrder,
    QueryVenue,
    RemoteError,
    Resubscribe,
    Side,
    TimeInForce,
    VenueNotice,
)
from paraphina_core.twin import NewOrder, Order

#: Docs "Account trade list" and "Position information", futures V3 (the examples of JKorf/Aster.Net, MIT).
TRADE: dict[str, Any] = {
    "buyer": False,
    "commission": "-0.07819010",
    "commissionAsset": "USDT",
    "id": 698759,
    "maker": False,
    "orderId": 25851813,
    "price": "7819.01",
    "qty": "0.002",
    "quoteQty": "15.63802",
    "realizedPnl": "-0.91539999",
    "side": "SELL",
    "positionSide": "SHORT",
    "symbol": "BTCUSDT",
    "time": 1569514978020,
}
POSITION: dict[str, Any] = {
    "entryPrice": "0.00000",
    "marginType": "isolated",
    "isAutoAddMargin": "false",
    "isolatedMargin": "0.00000000",
    "leverage": "10",
    "liquidationPrice": "0",
    "markPrice": "6679.50671178",
    "maxNotionalValue": "20000000",
    "positionAmt": "0.000",
    "symbol": "BTCUSDT",
    "unRealizedProfit": "0.00000000",
    "positionSide": "BOTH",
    "updateTime": 0,
}


def said(desk: Desk, query: Query, body: object, status: int = 200) -> list[Event]:
    """Return what an answer of the venue to a query says."""
    request = desk.connector.ask(query, desk.context())
    answer = Answer(status=status, body=msgspec.json.encode(body))
    return list(desk.connector.read_answer(request, answer, desk.at_ns))


def meet(desk: Desk, instrument: Any, price: str, size: str) -> None:
    """Let the other account rest an order to sell."""
    terms = NewOrder(instrument=instrument, side=Side.SELL, price=Decimal(price), size=Decimal(size))
    exchange = desk.twin.exchange
    assert isinstance(exchange.place(exchange.account(desk.other.name), terms, desk.at_ns), Order)


def buy(desk: Desk, **terms: Any) -> None:
    """Take what is there."""
    desk.command(desk.order(time_in_force=TimeInForce.IOC, **terms))


# --- at the twin ------------------------------------------------------------------------------------


def test_balance_and_positions_are_one_question_in_two_parts() -> None:
    """The second one is asked by itself; only what is held is listed."""
    desk = Desk().start()
    meet(desk, BTC, "84000", "0.01")
    buy(desk, price="84000")
    balance, listed = desk.ask(QueryAccount())
    assert isinstance(balance, BalanceReport)
    assert (balance.asset, balance.equity) == ("USDT", Decimal("9999.706"))  # 3.5 basis points of 840
    assert isinstance(listed, PositionsListed)
    (position,) = listed.positions
    assert (position.instrument, position.size, position.entry_price) == (
        BTC,
        Decimal("0.01"),
        Decimal(84_000),
    )
    assert isinstance(desk.ask(QueryOpenOrders())[0], OpenOrdersListed)


def test_fills_are_asked_for_symbol_by_symbol_and_listed_together() -> None:
    """The same fills as the stream told, with the same ids, oldest first."""
    desk = Desk("BTCUSDT,ETHUSDT,ASTERUSDT").start()
    for instrument, price in ((ETH, "2800"), (BTC, "84000")):
        meet(desk, instrument, price, "0.01")
        desk.wait(10)
        buy(desk, instrument=instrument, price=price)
    (listed,) = desk.ask(QueryFills(since_ns=START_NS))
    assert isinstance(listed, FillsListed)
    assert listed.is_complete
    assert [fill.instrument for fill in listed.fills] == [ETH, BTC]
    streamed = [event for event in desk.told_events if isinstance(event, Fill)]
    assert [fill.trade_id for fill in streamed] == [fill.trade_id for fill in listed.fills]
    assert [fill.fee for fill in streamed] == [fill.fee for fill in listed.fills]
    assert all(fill.liquidity is Liquidity.TAKER for fill in listed.fills)
    (late,) = desk.ask(QueryFills(since_ns=desk.at_ns))
    assert isinstance(late, FillsListed)
    assert [fill.instrument for fill in late.fills] == [BTC]


def test_f064_funding_is_told_once_with_its_rate() -> None:
    """The stream says that there was some; the amount stands in the income, the rate elsewhere."""
    desk = Desk("ASTERUSDT").start()
    meet(desk, ASTER, "1.1", "100")
    buy(desk, instrument=ASTER, price="1.1", size="100")
    market = desk.twin.exchange.markets[ASTER]
    market.funding_rate_1h = 0.0001
    at_ns = market.next_funding_ns
    while at_ns > desk.at_ns:
        desk.wait(min(LISTEN_KEY_EVERY_MS, (at_ns - desk.at_ns) // 1_000_000))
        desk.ask(LISTEN_KEY)
    assert desk.told_events[-1] == AskAgain(query=FUNDING, reason="funding was booked")
    (payment,) = desk.ask(FUNDING)
    assert isinstance(payment, FundingPayment)
    assert (payment.amount, payment.rate, payment.exchange_ns) == (Decimal("-0.044"), 0.0004, at_ns)
    assert desk.ask(FUNDING) == []
    assert desk.ask(QueryFunding(since_ns=at_ns + NS_PER_S)) == []


def test_an_order_is_asked_for_by_our_id() -> None:
    """Open, gone, or never there."""
    desk = Desk().start()
    order = desk.order()
    query = QueryOrder(instrument=BTC, client_order_id=order.client_order_id)
    (unknown,) = desk.ask(query)
    assert isinstance(unknown, OrderNotFound)
    desk.command(order)
    (live,) = desk.ask(query)
    assert isinstance(live, OrderReport)
    assert (live.state, live.client_order_id) == (OrderState.LIVE, order.client_order_id)
    (listed,) = desk.ask(QueryOpenOrders())
    assert listed == OpenOrdersListed(orders=(live,))


def test_an_old_key_sees_the_same_account() -> None:
    """Balance, positions, orders, and the account's stream."""
    desk = Desk(old_key=True).start()
    order = desk.order()
    desk.command(order)
    assert [type(event).__name__ for event in desk.told_events] == ["OrderAccepted"]
    (listed,) = desk.ask(QueryOpenOrders())
    assert isinstance(listed, OpenOrdersListed)
    assert [report.client_order_id for report in listed.orders] == [order.client_order_id]
    balance, _ = desk.ask(QueryAccount())
    assert isinstance(balance, BalanceReport)


# --- the listen key ---------------------------------------------------------------------------------


def planned(desk: Desk) -> str:
    """Return the address of the account's stream as it is planned now."""
    (plan,) = (plan for plan in desk.connector.plan().streams if plan.name == ACCOUNT)
    assert isinstance(plan.source, WebSocketSource)
    return urlsplit(plan.source.url).path


def test_a_key_that_has_expired_is_asked_for_again_and_the_stream_opened_with_it() -> None:
    """The venue tells of its end; the next one is another, and the old connection hears nothing."""
    desk = Desk().start()
    before = planned(desk)
    assert desk.ask(LISTEN_KEY) == []  # the same one, for another hour
    assert planned(desk) == before
    desk.wait(3_600_000)
    (expired,) = (event for event in desk.told_events if isinstance(event, AskAgain))
    assert expired.query == LISTEN_KEY
    assert desk.ask(expired.query) == [Resubscribe(stream=ACCOUNT, reason="the stream has another key")]
    assert planned(desk) != before
    assert desk.open_account(3) is None
    desk.command(desk.order())
    assert desk.told[3][-1]["o"]["x"] == "NEW"


def test_a_key_is_renewed_within_its_hour() -> None:
    """As the plan says, long before it would expire."""
    (renewal,) = (one for one in Desk().connector.plan().renewals if one.query == LISTEN_KEY)
    assert renewal.every_ms == LISTEN_KEY_EVERY_MS == 1_800_000


# --- how the account must be set --------------------------------------------------------------------


def test_an_account_in_hedge_mode_is_not_traded() -> None:
    """Nor is one of which nothing is known yet; cancels leave all the same."""
    desk = Desk().start()
    order = desk.order()
    (notice,) = said(desk, POSITION_MODE, {"dualSidePosition": True})
    assert isinstance(notice, VenueNotice)
    cancel = CancelOrder(instrument=BTC, client_order_id=order.client_order_id)
    for one in (desk, Desk()):
        with pytest.raises(LocalError, match="cannot be traded"):
            one.connector.write(order, one.context())
        assert isinstance(one.connector.write(cancel, one.context()), HttpRequest)
    assert said(desk, POSITION_MODE, {"dualSidePosition": False}) == []
    assert isinstance(desk.connector.write(order, desk.context()), HttpRequest)


def test_the_account_is_told_what_it_pays() -> None:
    """The venue states fractions of the value."""
    desk = Desk().start()
    body = {"symbol": "BTCUSDT", "makerCommissionRate": "0.0002", "takerCommissionRate": "0.0004"}
    (notice,) = said(desk, commission_of("BTCUSDT"), body)
    assert isinstance(notice, VenueNotice)
    assert notice.text == "BTCUSDT: maker 2.0000, taker 4.0000 basis points"


# --- the documentation's examples -------------------------------------------------------------------


def test_a_documented_fill_is_read() -> None:
    """What was paid is a cost, whichever sign it has; one in another asset is not counted."""
    desk = Desk().start()
    (listed,) = said(desk, QueryFills(since_ns=0), [TRADE, TRADE | {"id": 1, "commissionAsset": "BNB"}])
    assert isinstance(listed, FillsListed)
    own, other = listed.fills
    assert (own.side, own.price, own.size) == (Side.SELL, Decimal("7819.01"), Decimal("0.002"))
    assert (own.trade_id, own.venue_order_id, own.fee) == ("698759", "25851813", Decimal("0.07819010"))
    assert other.fee == 0


def test_a_list_that_is_as_long_as_lists_can_be_is_not_the_whole() -> None:
    """So the rest must be asked for."""
    desk = Desk().start()
    many = [TRADE | {"id": number} for number in range(MAX_LISTED)]
    (listed,) = said(desk, QueryFills(since_ns=0), many)
    assert isinstance(listed, FillsListed)
    assert not listed.is_complete


def test_documented_positions_are_read_in_one_way_mode_alone() -> None:
    """A flat row is no position; margin of its own is told; two positions in a symbol are not believed."""
    desk = Desk().start()
    positions = QueryVenue(topic="positions", private=True)
    held = POSITION | {"positionAmt": "-0.5", "entryPrice": "7000", "liquidationPrice": "9000"}
    listed, notice = said(desk, positions, [held, POSITION | {"symbol": "ETHUSDT"}])
    assert isinstance(listed, PositionsListed)
    (position,) = listed.positions
    assert isinstance(position, PositionReport)
    assert (position.size, position.liquidation_price, position.leverage) == (
        Decimal("-0.5"),
        Decimal(9_000),
        Decimal(10),
    )
    assert isinstance(notice, VenueNotice)
    assert notice.code == "isolated_margin"
    with pytest.raises(RemoteError, match="side of its own"):
        said(desk, positions, [held | {"positionSide": "SHORT"}])


def test_what_is_no_answer_says_nothing() -> None:
    """Refusals, pages for people and nonsense are asked past; nothing of them is believed."""
    desk = Desk().start()
    queries: list[Query] = [QueryAccount(), QueryOpenOrders(), QueryFills(since_ns=0), LISTEN_KEY, FUNDING]
    queries.append(QueryOrder(instrument=BTC, client_order_id=ClientOrderId(9)))
    for query in queries:
        for status, body in (
            (400, {"code": -1000, "msg": "?"}),
            (500, "<html>"),
            (200, {"a": 1}),
            (200, [1]),
        ):
            with pytest.raises(RemoteError):
                said(desk, query, body, status)
    with pytest.raises(LocalError):
        desk.connector.ask(QueryVenue(topic="the weather", private=True), desk.context())


def test_a_part_leads_to_the_next_one() -> None:
    """With symbol and beginning in its name, so that nothing is remembered but what was answered."""
    desk = Desk("BTCUSDT,ETHUSDT").start()
    (following,) = said(desk, QueryFills(since_ns=5), [TRADE])
    assert following == AskNext(query=QueryVenue(topic="fills ETHUSDT 5", private=True))

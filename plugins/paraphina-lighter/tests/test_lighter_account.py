"""What the venue says of an account, as the authors of ccxt noted it, and what its refusals mean."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lighter_market import ETH, connector, details, told
from paraphina_core.domain import (
    BalanceReport,
    Event,
    Fill,
    FillsListed,
    FundingPayment,
    InstrumentId,
    Liquidity,
    NonceReport,
    OpenOrdersListed,
    OrderAccepted,
    OrderCancelled,
    OrderExpired,
    OrderRejected,
    OrderReport,
    OrderState,
    OutcomeUnknown,
    PositionReport,
    PositionsListed,
    RemoteError,
    Side,
)
from paraphina_lighter.account import AccountReader
from paraphina_lighter.instruments import Listings
from paraphina_lighter.refusals import ALARMING, NO_EVIDENCE, Code, code_of
from paraphina_lighter.statuses import state_of

ACCOUNT = 1077
SINCE_NS = 1_766_386_000_000_000_000
#: Of ccxt 4.5.90 (MIT), examples in comments of `lighter.py`, without what is not read.
POSITION = {
    "market_id": 0,
    "symbol": "ETH",
    "initial_margin_fraction": "5.00",
    "sign": 1,
    "position": "18.0193",
    "avg_entry_price": "2669.84",
    "position_value": "54306.566340",
    "unrealized_pnl": "6197.829558",
    "realized_pnl": "0.000000",
    "liquidation_price": "2191.1107231380406",
    "margin_mode": 0,
    "allocated_margin": "0.000000",
}
ORDER = {
    "order_index": 281474977354074,
    "client_order_index": 77,
    "market_index": 0,
    "owner_account_index": 1077,
    "initial_base_amount": "36.0386",
    "price": "2221.60",
    "nonce": 643418,
    "remaining_base_amount": "36.0386",
    "is_ask": True,
    "filled_base_amount": "0.0000",
    "side": "",
    "type": "limit",
    "time_in_force": "good-till-time",
    "reduce_only": False,
    "order_expiry": 0,
    "status": "open",
    "timestamp": 1766387932,
    "created_at": 1766387932,
    "updated_at": 1766387932,
}
TRADE = {
    "trade_id": 17609,
    "type": "trade",
    "market_id": 0,
    "size": "10.2304",
    "price": "2958.75",
    "usd_amount": "30269.196000",
    "ask_id": 281474977339869,
    "bid_id": 562949952870533,
    "ask_client_id": 0,
    "bid_client_id": 77,
    "ask_account_id": 20,
    "bid_account_id": 1077,
    "is_maker_ask": True,
    "timestamp": 1766386112741,
}


def eth(market: int) -> InstrumentId | None:
    """Name the only market that is listed."""
    return ETH if market == 0 else None


@pytest.fixture
def reader() -> AccountReader:
    """Return a reader of one account."""
    return AccountReader(ACCOUNT, eth)


def account(**changes: Any) -> bytes:
    """Return an answer about the account."""
    found = {
        "index": ACCOUNT,
        "available_balance": "12582.743947",
        "collateral": "9100.242706",
        "total_asset_value": "15298.072264000002",
        "positions": [POSITION],
    }
    return json.dumps({"code": 200, "total": 1, "accounts": [found | changes]}).encode()


def changed(**changes: Any) -> bytes:
    """Return a message about one order."""
    return json.dumps({"type": "update/account_all_orders", "orders": {"0": [ORDER | changes]}}).encode()


def test_an_account_is_its_collateral_and_every_position(reader: AccountReader) -> None:
    """Sizes come without a sign; a market that is not listed is not traded here."""
    body = account(
        positions=[POSITION, POSITION | {"market_id": 2048}], cross_initial_margin_requirement="27.5"
    )
    balance, positions = reader.account(body)
    assert balance == BalanceReport(
        asset="USDC",
        equity=Decimal("15298.072264000002"),
        available=Decimal("12582.743947"),
        margin_used=Decimal("27.5"),
    )
    assert positions == PositionsListed(
        positions=(
            PositionReport(
                instrument=ETH,
                size=Decimal("18.0193"),
                entry_price=Decimal("2669.84"),
                unrealised_pnl=Decimal("6197.829558"),
                liquidation_price=Decimal("2191.1107231380406"),
            ),
        )
    )


@pytest.mark.parametrize("sign", [-1, 0])
def test_a_short_position_is_below_zero_and_a_flat_one_has_no_price(reader: AccountReader, sign: int) -> None:
    """Zero is flat, and what nobody holds was not entered."""
    size = "2" if sign else "0.0000"
    _, listed = reader.account(account(positions=[POSITION | {"sign": sign, "position": size}]))
    assert isinstance(listed, PositionsListed)
    (position,) = listed.positions
    assert position.size == sign * 2
    assert (position.entry_price is None) == (sign == 0)


def test_numbers_spelled_as_text_are_numbers(reader: AccountReader) -> None:
    """Examples of the documentation do so; a list may be null."""
    _, listed = reader.account(account(index=str(ACCOUNT), positions=None))
    assert listed == PositionsListed(positions=())


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b'{"code":200,"accounts":[]}',
        account(index=1),
        account(total_asset_value="NaN"),
        account(positions=[POSITION | {"position": "-1"}]),
        account(positions=[POSITION | {"sign": 0}]),
        account(positions=[POSITION | {"sign": 7}]),
    ],
)
def test_an_account_that_cannot_be_read_is_no_empty_one(reader: AccountReader, body: bytes) -> None:
    """Nor is another one's."""
    with pytest.raises(RemoteError):
        reader.account(body)


def test_open_orders_are_listed_whole(reader: AccountReader) -> None:
    """What has ended is not open, and the answer gives times in seconds."""
    orders = [ORDER, ORDER | {"order_index": 5, "status": "canceled"}, ORDER | {"market_index": 7}]
    (listed,) = reader.open_orders(json.dumps({"code": 200, "orders": orders}).encode())
    assert listed == OpenOrdersListed(
        orders=(
            OrderReport(
                instrument=ETH,
                client_order_id=77,  # type: ignore[arg-type]  # an id is a number
                venue_order_id="281474977354074",
                side=Side.SELL,
                price=Decimal("2221.60"),
                size=Decimal("36.0386"),
                filled_size=Decimal("0.0000"),
                state=OrderState.LIVE,
                exchange_ns=1_766_387_932_000_000_000,
            ),
        )
    )
    assert reader.open_orders(b'{"code":200,"orders":null}') == (OpenOrdersListed(orders=()),)


@pytest.mark.parametrize(
    "answer",
    [
        b'{"code":29500,"message":"internal server error"}',
        json.dumps({"orders": [ORDER], "next_cursor": "more"}).encode(),
        json.dumps({"orders": [ORDER | {"status": "melted"}]}).encode(),
        json.dumps({"orders": [ORDER | {"filled_base_amount": "-1"}]}).encode(),
    ],
)
def test_a_list_that_cannot_be_read_whole_is_no_list(reader: AccountReader, answer: bytes) -> None:
    """An order that is left out would be taken for one that is gone."""
    with pytest.raises(RemoteError):
        reader.open_orders(answer)


@pytest.mark.parametrize(
    ("status", "filled", "kind"),
    [
        ("in-progress", "0", OrderAccepted),
        ("pending", "0", OrderAccepted),
        ("open", "1", OrderAccepted),
        ("filled", "36.0386", OrderAccepted),
        ("canceled", "1", OrderCancelled),
        ("canceled-self-trade", "0", OrderCancelled),
        ("canceled-something-new", "0", OrderCancelled),
        ("canceled-expired", "0", OrderExpired),
        ("canceled-post-only", "0", OrderRejected),
        ("canceled-post-only", "1", OrderCancelled),
        ("melted", "0", OutcomeUnknown),
    ],
)
def test_an_order_that_was_accepted_is_what_becomes_of_it(
    reader: AccountReader, status: str, filled: str, kind: type[Event]
) -> None:
    """Accepted is not executed: a post-only order that would have traded never rested."""
    (event,) = reader.orders_changed(changed(status=status, filled_base_amount=filled))
    assert isinstance(event, kind)
    assert getattr(event, "client_order_id", None) == 77
    if isinstance(event, OrderCancelled):
        assert event.filled_size == Decimal(filled)


def test_an_index_that_means_none_or_is_not_ours_is_no_id(reader: AccountReader) -> None:
    """Zero, and what has more than 48 bits."""
    for index in (0, 2**48):
        (event,) = reader.orders_changed(changed(client_order_index=index))
        assert isinstance(event, OrderAccepted)
        assert event.client_order_id is None


def test_a_fill_is_our_side_of_a_trade_with_its_fee(reader: AccountReader) -> None:
    """Fees are millionths of the value, the maker's or the taker's; a standard account has none."""
    message = {
        "type": "update/account_all_trades",
        "trades": {"0": [TRADE | {"taker_fee": 196, "maker_fee": 28}]},
    }
    (fill,) = reader.traded(json.dumps(message).encode(), is_replay=False)
    assert fill == Fill(
        instrument=ETH,
        client_order_id=77,  # type: ignore[arg-type]  # an id is a number
        venue_order_id="562949952870533",
        trade_id="17609-b",
        side=Side.BUY,
        price=Decimal("2958.75"),
        size=Decimal("10.2304"),
        fee=Decimal("30269.196000") * Decimal("0.000196"),
        liquidity=Liquidity.TAKER,
        exchange_ns=1_766_386_112_741_000_000,
    )
    (free,) = reader.traded(json.dumps({"trades": {"0": [TRADE]}}).encode(), is_replay=False)
    assert isinstance(free, Fill)
    assert free.fee == 0


def test_a_trade_with_oneself_fills_both_orders(reader: AccountReader) -> None:
    """One of them made it; the trade has one id, and its fills have two."""
    message = {"trades": {"0": [TRADE | {"ask_account_id": ACCOUNT, "ask_client_id": 78}]}}
    fills = reader.traded(json.dumps(message).encode(), is_replay=False)
    found = [fill for fill in fills if isinstance(fill, Fill)]
    assert {(fill.side, fill.liquidity, fill.client_order_id) for fill in found} == {
        (Side.SELL, Liquidity.MAKER, 78),
        (Side.BUY, Liquidity.TAKER, 77),
    }
    assert len({fill.trade_id for fill in found}) == 2


def test_a_trade_of_others_is_the_venues_error(reader: AccountReader) -> None:
    """Booked, it would be a position that nobody has."""
    message = json.dumps({"trades": {"0": [TRADE | {"bid_account_id": 3}]}}).encode()
    with pytest.raises(RemoteError, match="other accounts"):
        reader.traded(message, is_replay=False)


def test_fills_are_listed_from_a_time_on_and_say_whether_they_are_all(reader: AccountReader) -> None:
    """The latest come first; a page that reaches back far enough has all, and so has the last one."""
    later = TRADE | {"trade_id": 17610, "timestamp": 1766386112999}
    before = TRADE | {"trade_id": 1, "timestamp": SINCE_NS // 1_000_000 - 1}
    for trades, cursor, is_complete in (
        ([later, TRADE, before], "more", True),
        ([later, TRADE], None, True),
        ([later, TRADE], "more", False),
    ):
        body = json.dumps({"trades": trades, "next_cursor": cursor}).encode()
        (listed,) = reader.fills(body, SINCE_NS)
        assert isinstance(listed, FillsListed)
        assert [fill.trade_id for fill in listed.fills] == ["17609-b", "17610-b"]
        assert all(fill.is_replay for fill in listed.fills)
        assert listed.is_complete is is_complete


def test_f062_funding_that_was_received_is_above_zero(reader: AccountReader) -> None:
    """The rate is percent an hour, as everywhere in the account."""
    entry = {
        "timestamp": 1766386800,
        "market_id": 0,
        "change": "-0.5",
        "rate": "0.0012",
        "position_side": "long",
    }
    (payment,) = reader.fundings(
        json.dumps({"position_fundings": [entry, entry | {"market_id": 9}]}).encode()
    )
    assert isinstance(payment, FundingPayment)
    assert (payment.amount, payment.exchange_ns) == (Decimal("-0.5"), 1_766_386_800_000_000_000)
    assert payment.rate == pytest.approx(1.2e-5)


def test_the_rest_of_the_private_channels(reader: AccountReader) -> None:
    """Changed positions, a changed worth, and the next nonce."""
    (position,) = reader.positions_changed(json.dumps({"positions": {"0": POSITION | {"sign": -1}}}).encode())
    assert isinstance(position, PositionReport)
    assert position.size == Decimal("-18.0193")
    assert reader.positions_changed(b'{"channel":"account_all_positions:724450","positions":{}}') == []
    stats = {"collateral": "5000.00", "portfolio_value": "15000.00", "available_balance": "2000.00"}
    (balance,) = reader.worth_changed(json.dumps({"stats": stats, "timestamp": 1773158679717}).encode())
    assert isinstance(balance, BalanceReport)
    assert (balance.equity, balance.available) == (Decimal("15000.00"), Decimal("2000.00"))
    assert reader.nonce(b'{"code":200,"nonce":1234567890}') == (NonceReport(next_nonce=1_234_567_890),)
    with pytest.raises(RemoteError):
        reader.nonce(b'{"code":21101,"message":"account nonce not found"}')


@given(st.binary(max_size=200))
def test_no_bytes_do_more_than_be_refused(body: bytes) -> None:
    """Whatever comes is read or is the venue's error."""
    reader = AccountReader(ACCOUNT, eth)
    for read in (reader.account, reader.open_orders, reader.fundings, reader.nonce, reader.orders_changed):
        try:
            read(body)
        except RemoteError:
            continue


def test_every_perpetual_that_is_listed_has_a_name() -> None:
    """An account may hold what is not traded here."""
    listings = Listings("lighter", ["ETH"])
    body = {
        "order_book_details": [
            details(),
            details("1000PEPE", 4),
            details("ETHUSDC", 2048, market_type="spot"),
        ]
    }
    listings.read(json.dumps(body).encode())
    assert listings.perpetuals == {0: ETH, 4: "lighter:1000PEPE*1000"}
    assert told(connector(market="ETH"), details())


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (21104, Code.INVALID_NONCE),
        (21120, Code.SIGNER_REFUSED),
        (21136, Code.SIGNER_OUTDATED),
        (21600, Code.ORDER_GONE),
        (21728, Code.DUPLICATE_ID),
        (21733, Code.PRICE_TOO_FAR),
        (21739, Code.INSUFFICIENT_MARGIN),
        (23000, Code.RATE_LIMIT),
        (29500, Code.VENUE_TROUBLE),
        (21899, Code.OTHER),
        (41001, None),
        (0, None),
    ],
)
def test_a_refusal_is_known_by_its_number(number: int, code: Code | None) -> None:
    """A number of nobody's proves nothing."""
    assert code_of(number) is code


def test_what_leaves_a_doubt_is_no_evidence_and_what_stays_is_told_to_people() -> None:
    """Limits count what has left already; a nonce and an id may have been used by the same transaction."""
    assert {Code.RATE_LIMIT, Code.INVALID_NONCE, Code.DUPLICATE_ID, Code.VENUE_TROUBLE} <= NO_EVIDENCE
    assert not NO_EVIDENCE & {Code.BAD_PRICE, Code.INSUFFICIENT_MARGIN, Code.SIGNER_REFUSED}
    assert {Code.SIGNER_OUTDATED, Code.SIGNER_REFUSED, Code.INVALID_NONCE} <= ALARMING


def test_f026_a_word_of_nobodys_is_no_state() -> None:
    """Except for new ways to be cancelled."""
    assert state_of("melted") is None
    assert state_of("canceled-by-moonlight") is OrderState.CANCELLED

"""What the venue answers about an account, as typed values, and what of it means which event.

Names are as on the wire (docs "Account/Trades endpoints", futures V3, read 2026-10-08; those of the first
generation of the API are the same).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Annotated, Final, TypeAlias

import msgspec

from paraphina_core.domain import (
    NS_PER_MS,
    BalanceReport,
    Fill,
    InstrumentId,
    Liquidity,
    OrderReport,
    OrderState,
    PositionReport,
    RemoteProtocolError,
    Side,
    from_text,
    parse_decimal,
)

from .messages import MAX_SYMBOLS, Id, Milliseconds

#: Entries of one answer; the venue lists at most 1,000 fills, and open orders of every symbol.
MAX_LISTED: Final = 100_000

#: How the venue names the only side of a position in one-way mode.
ONE_WAY: Final = "BOTH"
#: What the account is worth is counted in this; margin in other assets is converted by the venue.
COLLATERAL: Final = "USDT"

SIDES: Final[Mapping[str, Side]] = {"BUY": Side.BUY, "SELL": Side.SELL}
#: Docs "Public endpoints info", order status; the last two are orders of the venue itself.
STATES: Final[Mapping[str, OrderState]] = {
    "NEW": OrderState.LIVE,
    "PARTIALLY_FILLED": OrderState.PARTIALLY_FILLED,
    "FILLED": OrderState.FILLED,
    "CANCELED": OrderState.CANCELLED,
    "REJECTED": OrderState.REJECTED,
    "EXPIRED": OrderState.EXPIRED,
    "NEW_INSURANCE": OrderState.LIVE,
    "NEW_ADL": OrderState.LIVE,
}

_ZERO: Final = Decimal(0)

#: Names the instrument of a symbol.
Names: TypeAlias = Callable[[str], InstrumentId]


class WireOrder(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """An own order; one that waits for a trigger may have no price."""

    symbol: str
    order_id: Id
    client_order_id: str
    side: str
    status: str
    price: str
    orig_qty: str
    executed_qty: str
    reduce_only: bool = False
    update_time: Milliseconds = 0


class WireOwnTrade(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """An own fill; which sign its commission has, two sources say differently."""

    id: Id
    symbol: str
    order_id: Id
    side: str
    price: str
    qty: str
    commission: str
    commission_asset: str
    maker: bool
    time: Milliseconds


class WirePosition(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """A position with signed size; one is listed for every symbol, flat or not."""

    symbol: str
    position_amt: str
    entry_price: str
    un_realized_profit: str
    leverage: str
    margin_type: str
    position_side: str = ONE_WAY
    liquidation_price: str = "0"
    update_time: Milliseconds = 0


class WireAccount(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """What the account is worth, and what of it is bound."""

    total_margin_balance: str
    available_balance: str
    total_initial_margin: str


class WireIncome(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """Something that was booked; negative was paid."""

    symbol: str
    income_type: str
    income: str
    asset: str
    time: Milliseconds


class WireFundingRate(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """The rate of one payment of funding."""

    symbol: str
    funding_rate: str
    funding_time: Milliseconds


class WireCommission(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """The account's fee rates of a symbol, fractions of the value."""

    symbol: str
    maker_commission_rate: str
    taker_commission_rate: str


class WirePositionMode(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """Whether there are two positions in a symbol, one for each side."""

    dual_side_position: bool


class WireListenKey(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """What opens the account's stream, for an hour."""

    listen_key: Annotated[str, msgspec.Meta(pattern=r"^[0-9A-Za-z_-]{16,256}$")]


Orders: TypeAlias = Annotated[tuple[WireOrder, ...], msgspec.Meta(max_length=MAX_LISTED)]

ORDER: Final = msgspec.json.Decoder(WireOrder)
ORDERS: Final[msgspec.json.Decoder[tuple[WireOrder, ...]]] = msgspec.json.Decoder(Orders)
TRADES: Final[msgspec.json.Decoder[tuple[WireOwnTrade, ...]]] = msgspec.json.Decoder(
    Annotated[tuple[WireOwnTrade, ...], msgspec.Meta(max_length=MAX_LISTED)]
)
POSITIONS: Final[msgspec.json.Decoder[tuple[WirePosition, ...]]] = msgspec.json.Decoder(
    Annotated[tuple[WirePosition, ...], msgspec.Meta(max_length=MAX_SYMBOLS)]
)
ACCOUNT: Final = msgspec.json.Decoder(WireAccount)
INCOME: Final[msgspec.json.Decoder[tuple[WireIncome, ...]]] = msgspec.json.Decoder(
    Annotated[tuple[WireIncome, ...], msgspec.Meta(max_length=MAX_LISTED)]
)
FUNDING_RATES: Final[msgspec.json.Decoder[tuple[WireFundingRate, ...]]] = msgspec.json.Decoder(
    Annotated[tuple[WireFundingRate, ...], msgspec.Meta(max_length=MAX_LISTED)]
)
COMMISSION: Final = msgspec.json.Decoder(WireCommission)
POSITION_MODE: Final = msgspec.json.Decoder(WirePositionMode)
LISTEN_KEY_ANSWER: Final = msgspec.json.Decoder(WireListenKey)


def order_report(name: Names, order: WireOrder) -> OrderReport:
    """Report one order in whatever state it is; one without a price has price zero.

    Raises:
        RemoteError: its state, side or numbers make no sense.
    """
    state = STATES.get(order.status)
    if state is None:
        raise RemoteProtocolError("status of an order has no meaning here", found=order.status[:64])
    price, size = parse_decimal(order.price, "price"), parse_decimal(order.orig_qty, "origQty")
    filled = parse_decimal(order.executed_qty, "executedQty")
    if not (price >= 0 and size >= 0 and filled >= 0):
        raise RemoteProtocolError(
            f"order {order.order_id} is not usable",
            found=f"{order.executed_qty} of {order.orig_qty} at {order.price}",
            wanted="nothing below zero",
        )
    if state is OrderState.LIVE and filled > 0:
        state = OrderState.PARTIALLY_FILLED
    return OrderReport(
        instrument=name(order.symbol),
        client_order_id=from_text(order.client_order_id),
        venue_order_id=str(order.order_id),
        side=_side(order.side),
        price=price,
        size=size,
        filled_size=filled,
        state=state,
        reduce_only=order.reduce_only,
        exchange_ns=order.update_time * NS_PER_MS or None,
    )


def fill(name: Names, trade: WireOwnTrade, quote_asset: str | None) -> Fill:
    """Report a fill that was asked for; a fee in another asset than the quote is not counted.

    Raises:
        RemoteError: a number makes no sense.
    """
    price, size = parse_decimal(trade.price, "price"), parse_decimal(trade.qty, "qty")
    if not (price > 0 and size > 0):
        raise RemoteProtocolError(
            f"fill {trade.id} is not usable", found=f"{trade.qty} at {trade.price}", wanted="above zero"
        )
    commission = parse_decimal(trade.commission, "commission")
    return Fill(
        instrument=name(trade.symbol),
        client_order_id=None,  # the venue names the order by its own id alone
        venue_order_id=str(trade.order_id),
        trade_id=str(trade.id),
        side=_side(trade.side),
        price=price,
        size=size,
        # In the docs' example what was paid is negative, in what ccxt recorded it is positive: it is a cost.
        fee=commission.copy_abs() if trade.commission_asset == quote_asset else _ZERO,
        liquidity=Liquidity.MAKER if trade.maker else Liquidity.TAKER,
        exchange_ns=trade.time * NS_PER_MS,
        is_replay=True,
    )


def position_report(name: Names, position: WirePosition) -> PositionReport:
    """Report a position of one-way mode.

    Raises:
        RemoteError: a number makes no sense, or it is one of two in its symbol.
    """
    if position.position_side != ONE_WAY:
        raise RemoteProtocolError(
            f"position in {position.symbol[:32]} has a side of its own",
            found=position.position_side[:32],
            wanted="one-way mode",
        )
    size = parse_decimal(position.position_amt, "positionAmt")
    liquidation = parse_decimal(position.liquidation_price, "liquidationPrice")
    return PositionReport(
        instrument=name(position.symbol),
        size=size,
        entry_price=parse_decimal(position.entry_price, "entryPrice") if size else None,
        unrealised_pnl=parse_decimal(position.un_realized_profit, "unRealizedProfit"),
        liquidation_price=liquidation or None,
        leverage=parse_decimal(position.leverage, "leverage"),
        exchange_ns=position.update_time * NS_PER_MS or None,
    )


def balance_report(account: WireAccount) -> BalanceReport:
    """Report what the account is worth, profit that is not realised included.

    Raises:
        RemoteError: a number makes no sense.
    """
    return BalanceReport(
        asset=COLLATERAL,
        equity=parse_decimal(account.total_margin_balance, "totalMarginBalance"),
        available=parse_decimal(account.available_balance, "availableBalance"),
        margin_used=parse_decimal(account.total_initial_margin, "totalInitialMargin"),
    )


def _side(text: str) -> Side:
    side = SIDES.get(text)
    if side is None:
        raise RemoteProtocolError("side is not usable", found=text[:32])
    return side

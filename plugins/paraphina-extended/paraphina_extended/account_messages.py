"""The venue's private messages as typed values: names as on the wire, no meaning yet.

Only what is read is named. Ids come as numbers or as text, depending on the answer.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal, TypeAlias

import msgspec

from .messages import Id, Milliseconds, WireSide

#: What one answer lists at most.
MAX_LISTED: Final = 10_000


class WireOrder(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """An own order; a take-profit or stop-loss of a whole position has no price."""

    id: Id
    external_id: str
    market: str
    side: WireSide
    status: str
    qty: str
    price: str | None = None
    filled_qty: str | None = None
    status_reason: str | None = None
    reduce_only: bool = False
    updated_time: Milliseconds = 0


class WireOwnTrade(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """An own fill. Our id stands under one name in answers, under another on the stream, or nowhere."""

    id: Id
    market: str
    order_id: Id
    side: WireSide
    price: str
    qty: str
    fee: str
    is_taker: bool
    created_time: Milliseconds
    trade_type: str = "TRADE"
    external_id: str | None = None
    external_order_id: str | None = None


class WirePosition(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """A position; `size` is never negative."""

    market: str
    side: Literal["LONG", "SHORT"]
    size: str
    open_price: str
    leverage: str
    unrealised_pnl: str | None = None
    liquidation_price: str | None = None
    margin: str | None = None
    status: str = "OPENED"
    updated_at: Milliseconds = 0


class WireBalance(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """The account's collateral."""

    collateral_name: str
    equity: str
    available_for_trade: str
    initial_margin: str | None = None
    updated_time: Milliseconds = 0


class WireFundingPayment(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """One hour's funding of one position; whether it was paid or received, side and rate tell."""

    market: str
    side: Literal["LONG", "SHORT"]
    funding_fee: str
    funding_rate: str
    paid_time: Milliseconds


class WireFees(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """Fee rates of a market, fractions of the value."""

    market: str
    maker_fee_rate: str
    taker_fee_rate: str


class WireAccount(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """Whose account it is; the vault comes as a number or as text."""

    l2_key: str
    l2_vault: Id
    status: str


class WirePlaced(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """What the venue calls an order that it has taken in."""

    id: Id
    external_id: str


class Pagination(msgspec.Struct, frozen=True, gc=False):
    """Where the next page begins."""

    cursor: Id | None = None
    count: int = 0


Orders: TypeAlias = Annotated[tuple[WireOrder, ...], msgspec.Meta(max_length=MAX_LISTED)]
Trades: TypeAlias = Annotated[tuple[WireOwnTrade, ...], msgspec.Meta(max_length=MAX_LISTED)]
Positions: TypeAlias = Annotated[tuple[WirePosition, ...], msgspec.Meta(max_length=MAX_LISTED)]


class OrdersAnswer(msgspec.Struct, frozen=True):
    """A list of orders."""

    data: Orders


class TradesAnswer(msgspec.Struct, frozen=True):
    """A page of fills, the latest first."""

    data: Trades
    pagination: Pagination | None = None


class PositionsAnswer(msgspec.Struct, frozen=True):
    """Every position."""

    data: Positions


class BalanceAnswer(msgspec.Struct, frozen=True):
    """The balance."""

    data: WireBalance


class FundingAnswer(msgspec.Struct, frozen=True):
    """Funding of the account."""

    data: Annotated[tuple[WireFundingPayment, ...], msgspec.Meta(max_length=MAX_LISTED)]


class FeesAnswer(msgspec.Struct, frozen=True):
    """Fee rates."""

    data: Annotated[tuple[WireFees, ...], msgspec.Meta(max_length=MAX_LISTED)]


class AccountAnswer(msgspec.Struct, frozen=True):
    """Whose key it is."""

    data: WireAccount


class PlacedAnswer(msgspec.Struct, frozen=True):
    """An order was taken in."""

    data: WirePlaced


#: Types of messages on the account's stream; the spot balances are of no use here.
ACCOUNT_TYPES: Final = frozenset({"ORDER", "TRADE", "BALANCE", "POSITION", "SPOT_BALANCE"})


class AccountData(msgspec.Struct, frozen=True, rename="camel"):
    """What a message of the account's stream holds; several of these may come in one."""

    orders: Orders | None = None
    trades: Trades | None = None
    positions: Positions | None = None
    balance: WireBalance | None = None
    is_snapshot: bool = False


class AccountMessage(msgspec.Struct, frozen=True):
    """One message of the account's stream, numbered for the connection."""

    type: str
    data: AccountData
    seq: Id
    ts: Milliseconds = 0


ORDERS: Final[msgspec.json.Decoder[OrdersAnswer]] = msgspec.json.Decoder(OrdersAnswer, strict=False)
TRADES: Final[msgspec.json.Decoder[TradesAnswer]] = msgspec.json.Decoder(TradesAnswer, strict=False)
POSITIONS: Final[msgspec.json.Decoder[PositionsAnswer]] = msgspec.json.Decoder(PositionsAnswer, strict=False)
BALANCE: Final[msgspec.json.Decoder[BalanceAnswer]] = msgspec.json.Decoder(BalanceAnswer, strict=False)
FUNDING: Final[msgspec.json.Decoder[FundingAnswer]] = msgspec.json.Decoder(FundingAnswer, strict=False)
FEES: Final[msgspec.json.Decoder[FeesAnswer]] = msgspec.json.Decoder(FeesAnswer, strict=False)
ACCOUNT: Final[msgspec.json.Decoder[AccountAnswer]] = msgspec.json.Decoder(AccountAnswer, strict=False)
PLACED: Final[msgspec.json.Decoder[PlacedAnswer]] = msgspec.json.Decoder(PlacedAnswer, strict=False)
ACCOUNT_MESSAGE: Final[msgspec.json.Decoder[AccountMessage]] = msgspec.json.Decoder(
    AccountMessage, strict=False
)

"""The account's messages and answers as typed values: names as on the wire, no meaning yet.

They come seldom, so they are read leniently where nothing is lost by it: examples of the documentation spell
whole numbers as text, and a list without entries may be null.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, TypeAlias

import msgspec

from .messages import Id, MarketId, Microseconds, Milliseconds

MAX_LISTED: Final = 10_000
MAX_MARKETS: Final = 10_000

#: Milliseconds since 1970 on mainnet, seconds in answers of 2025; whoever reads it tells them apart.
Time: TypeAlias = Milliseconds


class WireOrder(msgspec.Struct, frozen=True, gc=False):
    """One order of the account."""

    order_index: Id
    client_order_index: Id
    market_index: MarketId
    initial_base_amount: str
    price: str
    filled_base_amount: str
    is_ask: bool
    status: str
    reduce_only: bool = False
    timestamp: Time = 0
    updated_at: Time = 0
    transaction_time: Microseconds = 0


WireOrders: TypeAlias = Annotated[tuple[WireOrder, ...], msgspec.Meta(max_length=MAX_LISTED)] | None


class OrdersAnswer(msgspec.Struct, frozen=True, gc=False):
    """Orders that were asked for, a page of them."""

    orders: WireOrders
    next_cursor: str | None = None


class OrdersMessage(msgspec.Struct, frozen=True, gc=False):
    """Orders that changed, by market."""

    orders: Annotated[Mapping[str, WireOrders], msgspec.Meta(max_length=MAX_MARKETS)] | None = None


class WireOwnTrade(msgspec.Struct, frozen=True, gc=False):
    """One trade of the account; fees are millionths of its value, and left out where there are none."""

    trade_id: Id
    market_id: MarketId
    size: str
    price: str
    usd_amount: str
    ask_id: Id
    bid_id: Id
    ask_client_id: Id
    bid_client_id: Id
    ask_account_id: Id
    bid_account_id: Id
    is_maker_ask: bool
    timestamp: Milliseconds
    taker_fee: int = 0
    maker_fee: int = 0
    transaction_time: Microseconds = 0


WireOwnTrades: TypeAlias = Annotated[tuple[WireOwnTrade, ...], msgspec.Meta(max_length=MAX_LISTED)] | None


class TradesAnswer(msgspec.Struct, frozen=True, gc=False):
    """Trades that were asked for, the latest first, a page of them."""

    trades: WireOwnTrades
    next_cursor: str | None = None


class OwnTradesMessage(msgspec.Struct, frozen=True, gc=False):
    """Trades that happened, by market."""

    trades: Annotated[Mapping[str, WireOwnTrades], msgspec.Meta(max_length=MAX_MARKETS)] | None = None


class WirePosition(msgspec.Struct, frozen=True, gc=False):
    """One position: a size without a sign, and the sign."""

    market_id: MarketId
    symbol: str
    sign: Annotated[int, msgspec.Meta(ge=-1, le=1)]
    position: str
    avg_entry_price: str
    unrealized_pnl: str
    liquidation_price: str
    allocated_margin: str = "0"


class PositionsMessage(msgspec.Struct, frozen=True, gc=False):
    """Positions that changed, by market; the first message has all of them."""

    positions: Annotated[Mapping[str, WirePosition], msgspec.Meta(max_length=MAX_MARKETS)] | None = None


class WireAccount(msgspec.Struct, frozen=True, gc=False):
    """One account with its collateral and every position."""

    index: Id
    available_balance: str
    total_asset_value: str
    positions: Annotated[tuple[WirePosition, ...], msgspec.Meta(max_length=MAX_MARKETS)] | None
    cross_initial_margin_requirement: str | None = None


class AccountAnswer(msgspec.Struct, frozen=True, gc=False):
    """Accounts that were asked for: one."""

    accounts: Annotated[tuple[WireAccount, ...], msgspec.Meta(max_length=1_000)]


class UserStats(msgspec.Struct, frozen=True, gc=False):
    """What an account is worth."""

    portfolio_value: str
    available_balance: str


class UserStatsMessage(msgspec.Struct, frozen=True, gc=False):
    """A changed worth."""

    stats: UserStats
    timestamp: Milliseconds | None = None


class WireFunding(msgspec.Struct, frozen=True, gc=False):
    """Funding of one hour and position: `change` is what the account received."""

    timestamp: Time
    market_id: MarketId
    change: str
    rate: str


class FundingAnswer(msgspec.Struct, frozen=True, gc=False):
    """Funding that was asked for, the latest first, a page of it."""

    position_fundings: Annotated[tuple[WireFunding, ...], msgspec.Meta(max_length=MAX_LISTED)] | None
    next_cursor: str | None = None


class NonceAnswer(msgspec.Struct, frozen=True, gc=False):
    """The number that the next transaction of an API key must have."""

    nonce: Annotated[int, msgspec.Meta(ge=0, le=2**47 - 1)]


def _lenient(kind: type[msgspec.Struct]) -> msgspec.json.Decoder:  # type: ignore[type-arg]  # told by who uses it
    return msgspec.json.Decoder(kind, strict=False)


ORDERS_ANSWER: Final[msgspec.json.Decoder[OrdersAnswer]] = _lenient(OrdersAnswer)
ORDERS_MESSAGE: Final[msgspec.json.Decoder[OrdersMessage]] = _lenient(OrdersMessage)
TRADES_ANSWER: Final[msgspec.json.Decoder[TradesAnswer]] = _lenient(TradesAnswer)
OWN_TRADES_MESSAGE: Final[msgspec.json.Decoder[OwnTradesMessage]] = _lenient(OwnTradesMessage)
POSITIONS_MESSAGE: Final[msgspec.json.Decoder[PositionsMessage]] = _lenient(PositionsMessage)
ACCOUNT_ANSWER: Final[msgspec.json.Decoder[AccountAnswer]] = _lenient(AccountAnswer)
USER_STATS_MESSAGE: Final[msgspec.json.Decoder[UserStatsMessage]] = _lenient(UserStatsMessage)
FUNDING_ANSWER: Final[msgspec.json.Decoder[FundingAnswer]] = _lenient(FundingAnswer)
NONCE_ANSWER: Final[msgspec.json.Decoder[NonceAnswer]] = _lenient(NonceAnswer)

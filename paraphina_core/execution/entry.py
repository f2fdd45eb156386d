"""What an exchange refuses at its door, on paper and at a twin, with the codes a venue's refusals have.

The session's own gates have refused most of it before; here it is refused again, because a market
moves while an order is under way, and because a paper run should fail where a real one would.
"""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import Final, NamedTuple, Protocol

from paraphina_core.domain import CONTEXT, Instrument, Side, TradingStatus, plain

#: Orders of one connector that may rest at once; one more is rejected.
MAX_RESTING_ORDERS: Final = 1_000


class RejectCode(StrEnum):
    """Why a command is refused."""

    UNKNOWN_INSTRUMENT = "UNKNOWN_INSTRUMENT"
    DUPLICATE_CLIENT_ORDER_ID = "DUPLICATE_CLIENT_ORDER_ID"
    OPEN_ORDERS_LIMIT = "OPEN_ORDERS_LIMIT"
    INSTRUMENT_STATUS = "INSTRUMENT_STATUS"
    PRICE_OFF_GRID = "PRICE_OFF_GRID"
    SIZE_OFF_GRID = "SIZE_OFF_GRID"
    SIZE_BELOW_MINIMUM = "SIZE_BELOW_MINIMUM"
    SIZE_ABOVE_MAXIMUM = "SIZE_ABOVE_MAXIMUM"
    NOTIONAL_BELOW_MINIMUM = "NOTIONAL_BELOW_MINIMUM"
    NOTIONAL_ABOVE_MAXIMUM = "NOTIONAL_ABOVE_MAXIMUM"
    BOOK_NOT_LIVE = "BOOK_NOT_LIVE"
    REDUCE_ONLY_WOULD_INCREASE = "REDUCE_ONLY_WOULD_INCREASE"
    POST_ONLY_WOULD_CROSS = "POST_ONLY_WOULD_CROSS"
    SELF_TRADE = "SELF_TRADE"
    INSUFFICIENT_MARGIN = "INSUFFICIENT_MARGIN"
    ORDER_NOT_FOUND = "ORDER_NOT_FOUND"


class Rejection(NamedTuple):
    """A refusal: its code, and what was found."""

    code: RejectCode
    reason: str


class OrderTerms(Protocol):
    """What is judged of an order, whatever else it has."""

    @property
    def side(self) -> Side:
        """Buy or sell."""

    @property
    def price(self) -> Decimal:
        """Its limit."""

    @property
    def size(self) -> Decimal:
        """Base units."""

    @property
    def post_only(self) -> bool:
        """It must not take liquidity."""

    @property
    def reduce_only(self) -> bool:
        """It must not enlarge the position."""


class MarketTerms(Protocol):
    """What is asked of a market, as one account sees it."""

    @property
    def instrument(self) -> Instrument:
        """The rules in force."""

    @property
    def position(self) -> Decimal:
        """Signed position of the account, base units."""

    @property
    def is_live(self) -> bool:
        """True while there is a book to match against."""

    def reducible(self, side: Side) -> Decimal:
        """Return how much an order of that side can reduce the position by."""

    def crosses_book(self, order: OrderTerms) -> bool:
        """Tell whether the order would take liquidity now."""

    def crosses_own(self, order: OrderTerms) -> bool:
        """Tell whether the order would trade with one of the same account, and that is refused."""


def refuse(order: OrderTerms, market: MarketTerms) -> Rejection | None:
    """Judge an order by its own terms, the instrument's rules and the book; None lets it in."""
    return _by_rules(order, market.instrument) or _by_market(order, market)


def _by_rules(order: OrderTerms, rules: Instrument) -> Rejection | None:
    if not _status_allows(order, rules.status):
        return Rejection(RejectCode.INSTRUMENT_STATUS, f"instrument is {rules.status.value}")
    if not rules.price_on_grid(order.price):
        return Rejection(RejectCode.PRICE_OFF_GRID, f"price {plain(order.price)}")
    if not rules.size_on_grid(order.size):
        return Rejection(
            RejectCode.SIZE_OFF_GRID, f"size {plain(order.size)}, lot size {plain(rules.lot_size)}"
        )
    if not order.size >= rules.min_size:
        return Rejection(
            RejectCode.SIZE_BELOW_MINIMUM, f"size {plain(order.size)}, minimum {plain(rules.min_size)}"
        )
    if rules.max_size is not None and not order.size <= rules.max_size:
        return Rejection(
            RejectCode.SIZE_ABOVE_MAXIMUM, f"size {plain(order.size)}, maximum {plain(rules.max_size)}"
        )
    notional = CONTEXT.multiply(order.price, order.size)
    if not notional >= rules.min_notional:
        return Rejection(
            RejectCode.NOTIONAL_BELOW_MINIMUM,
            f"notional {plain(notional)}, minimum {plain(rules.min_notional)}",
        )
    if rules.max_notional is not None and not notional <= rules.max_notional:
        return Rejection(
            RejectCode.NOTIONAL_ABOVE_MAXIMUM,
            f"notional {plain(notional)}, maximum {plain(rules.max_notional)}",
        )
    return None


def _by_market(order: OrderTerms, market: MarketTerms) -> Rejection | None:
    if not market.is_live:
        return Rejection(RejectCode.BOOK_NOT_LIVE, "there is no live book to match against")
    if order.reduce_only and not market.reducible(order.side):
        return Rejection(
            RejectCode.REDUCE_ONLY_WOULD_INCREASE, f"{order.side}, position {plain(market.position)}"
        )
    if order.post_only and market.crosses_book(order):
        return Rejection(RejectCode.POST_ONLY_WOULD_CROSS, f"{order.side} at {plain(order.price)}")
    if market.crosses_own(order):
        return Rejection(RejectCode.SELF_TRADE, f"{order.side} at {plain(order.price)} meets an own order")
    return None


def _status_allows(order: OrderTerms, status: TradingStatus) -> bool:
    if status is TradingStatus.POST_ONLY:
        return order.post_only
    if status is TradingStatus.REDUCE_ONLY:
        return order.reduce_only
    return status is TradingStatus.TRADING

"""What a strategy sees and what it answers: plain values, so that deciding stays pure."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

import msgspec

from .events import Fill
from .ids import InstrumentId
from .instruments import Instrument, Side
from .levels import Level
from .orders import Purpose, TimeInForce

#: Levels of each side of a book that a strategy is shown.
VIEW_DEPTH: Final = 10


class TradingState(StrEnum):
    """What the session may do: anything, only reduce exposure, or only cancel."""

    ACTIVE = "active"
    REDUCING = "reducing"
    HALTED = "halted"

    def or_more_careful(self, other: TradingState) -> TradingState:
        """Return the more careful of two states."""
        return max(self, other, key=_BY_CAUTION.index)


_BY_CAUTION: Final = tuple(TradingState)


class MarketView(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One instrument at one moment, as far as a strategy may know it.

    Prices are in quote units, sizes in base units, `volatility` is the standard deviation of the
    log price for the square root of one second. `unusable` says why nothing may be quoted here;
    it is empty when the book is live, fresh and not crossed, and only then are bid and ask set.
    `state` is what may be done here: the session's state, or the venue's own where that is more careful.

    `bids` and `asks` are the best levels of the book, at most `VIEW_DEPTH` a side. `funding_rate` is the
    share of the notional that longs pay shorts every `funding_interval_s` seconds. `entry_price` is the
    average price of the position. `liquidation_price` and `available_usd`, the collateral that no margin
    ties up, are the venue's own words. What is not known is None.
    """

    instrument: Instrument
    unusable: str
    bid_price: float
    bid_size: float
    ask_price: float
    ask_size: float
    book_age_ms: float
    volatility: float | None
    position_base: float
    maker_fee_bps: float
    taker_fee_bps: float
    base_order_notional_usd: float
    max_order_notional_usd: float
    max_position_notional_usd: float
    state: TradingState = TradingState.ACTIVE
    bids: tuple[Level, ...] = ()
    asks: tuple[Level, ...] = ()
    entry_price: float | None = None
    funding_rate: float | None = None
    funding_interval_s: float | None = None
    mark_price: float | None = None
    liquidation_price: float | None = None
    available_usd: float | None = None

    @property
    def funding_rate_per_s(self) -> float:
        """Share of the notional that longs pay each second; zero where the rate is not known."""
        if self.funding_rate is None or not self.funding_interval_s:
            return 0.0
        return self.funding_rate / self.funding_interval_s

    @property
    def microprice(self) -> float:
        """Size-weighted mid: the bid weighted by the ask's size and the reverse."""
        total = self.bid_size + self.ask_size
        return (self.bid_price * self.ask_size + self.ask_price * self.bid_size) / total


class View(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Everything one decision is made of.

    `fills` are the own fills that were learned of since the decision before; `daily_pnl_usd` is what
    positions and fills have brought since midnight UTC, fees and funding in it.
    """

    markets: tuple[MarketView, ...]
    state: TradingState
    fills: tuple[Fill, ...] = ()
    daily_pnl_usd: float = 0.0


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """One order a strategy wants to have in the market; what is not wanted is cancelled.

    `terms` names the parts the price is made of (all in basis points unless the name says
    otherwise), so that a quote can be explained afterwards.
    """

    instrument: InstrumentId
    side: Side
    price: float
    size_base: float
    purpose: Purpose = Purpose.QUOTE
    time_in_force: TimeInForce = TimeInForce.GTC
    post_only: bool = True
    reduce_only: bool = False
    terms: Mapping[str, float] = msgspec.field(default_factory=dict)

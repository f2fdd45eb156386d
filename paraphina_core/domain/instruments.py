"""What is traded and on which grid: instruments and their exact price and size rules."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from typing import TypeAlias

import msgspec

from .errors import GridError, LocalError
from .ids import InstrumentId, instrument_id
from .numbers import ceil_to, floor_to, is_bounded, is_multiple, is_positive, plain


class Side(StrEnum):
    """Direction of an order, a trade's aggressor or a book side's owner."""

    BUY = "buy"
    SELL = "sell"

    @property
    def sign(self) -> int:
        """+1 for buy, -1 for sell."""
        return 1 if self is Side.BUY else -1

    @property
    def opposite(self) -> Side:
        """The other side."""
        return Side.SELL if self is Side.BUY else Side.BUY


class TradingStatus(StrEnum):
    """What a venue lets one do with an instrument now."""

    TRADING = "trading"
    POST_ONLY = "post_only"
    REDUCE_ONLY = "reduce_only"
    CANCEL_ONLY = "cancel_only"
    HALTED = "halted"
    DELISTED = "delisted"


class FixedTick(msgspec.Struct, frozen=True, kw_only=True, tag="fixed_tick"):
    """Price rule of most venues: every price is a multiple of one tick size."""

    tick: Decimal

    def __post_init__(self) -> None:
        if not is_positive(self.tick):
            raise LocalError("tick size is not usable", found=self.tick, wanted="above zero")

    def tick_at(self, price: Decimal) -> Decimal:  # same signature for every rule
        """Return the tick size in force at a price."""
        return self.tick


class SignificantFigures(msgspec.Struct, frozen=True, kw_only=True, tag="significant_figures"):
    """Price rule by magnitude: at most `figures` significant figures and `max_decimals` decimals.

    Integers are always allowed, however long. Hyperliquid's rule with figures 5 and decimals
    `6 - szDecimals` (docs "Tick and lot size", read 2026-08-22).
    """

    figures: int
    max_decimals: int

    def __post_init__(self) -> None:
        if not (self.figures >= 1 and self.max_decimals >= 0):
            raise LocalError("price rule is not usable", found=self, wanted="figures >= 1, max_decimals >= 0")

    def tick_at(self, price: Decimal) -> Decimal:
        """Return the tick size in force at a price."""
        decimals = min(self.max_decimals, max(0, self.figures - 1 - price.adjusted()))
        return Decimal(1).scaleb(-decimals)


PriceRule: TypeAlias = FixedTick | SignificantFigures


class Instrument(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """One perpetual contract of one venue, with the grid and limits its orders must respect.

    Sizes are in base units as the venue trades them; one of them is `multiplier` units of the
    underlying (1000 for 1000PEPE). Prices are in quote units for each such base unit.
    """

    venue: str
    native_id: str
    base: str
    quote: str
    price_rule: PriceRule
    lot_size: Decimal
    min_size: Decimal
    min_notional: Decimal
    multiplier: Decimal = Decimal(1)
    max_size: Decimal | None = None
    max_notional: Decimal | None = None
    status: TradingStatus = TradingStatus.TRADING

    def __post_init__(self) -> None:
        minimums = (self.min_size, self.min_notional)
        maximums = [limit for limit in (self.max_size, self.max_notional) if limit is not None]
        if not (
            all(is_positive(number) for number in (self.lot_size, self.multiplier, *maximums))
            and all(is_bounded(minimum) and minimum >= 0 for minimum in minimums)
        ):
            raise LocalError(
                f"instrument {self.venue}:{self.native_id} is not usable",
                found=f"lot {self.lot_size}, multiplier {self.multiplier}, minimums {minimums}, "
                f"maximums {maximums}",
                wanted="lot size, multiplier and maximums above zero, minimums not negative",
            )

    @cached_property
    def id(self) -> InstrumentId:
        """The instrument's name in this program."""
        return instrument_id(self.venue, self.native_id, plain(self.multiplier))

    @property
    def underlying(self) -> str:
        """The asset whose price the contract follows; markets are comparable only within one."""
        return self.base

    def passive_price(self, price: Decimal, side: Side) -> Decimal:
        """Put a price on the grid away from the market: buys round down, sells round up.

        Raises:
            GridError: the price is not above zero, or a buy rounds to zero.
        """
        if not is_positive(price):
            raise GridError("price is not usable", found=price, wanted="above zero")
        tick = self.price_rule.tick_at(price)
        rounded = floor_to(price, tick) if side is Side.BUY else ceil_to(price, tick)
        if not rounded > 0:
            raise GridError("price rounds to zero", found=price, wanted=f"at least one tick of {plain(tick)}")
        return rounded

    def round_size(self, size: Decimal) -> Decimal:
        """Put a size on the grid, never upwards; may be zero."""
        return floor_to(size, self.lot_size)

    def price_on_grid(self, price: Decimal) -> bool:
        """Tell whether the venue's price rule allows this price."""
        return is_positive(price) and is_multiple(price, self.price_rule.tick_at(price))

    def size_on_grid(self, size: Decimal) -> bool:
        """Tell whether the size is a positive multiple of the lot size."""
        return is_positive(size) and is_multiple(size, self.lot_size)

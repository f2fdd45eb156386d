"""The largest position that could result: the position, and every order that may still fill, side by side.

Buys and sells are kept apart, because the market may fill all of one side and none of the other. An
order whose outcome is unknown counts as open. Sizes are exact decimals, so that three thirds of a
position close it; notionals are floats, and anything that is not a number makes them NaN, which no
limit lets pass.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from paraphina_core.domain import PlaceOrder, Side

_ZERO: Final = Decimal(0)
_BUY: Final = Side.BUY  # a global is found faster than an enum's member


class Exposure:
    """Exposure on one instrument; flat and without a price until updated.

    Attributes:
        position_base: signed position, positive is long.
        open_buy_base: what all live, pending and unknown buys together may still fill.
        open_sell_base: the same for sells.
        reference_price: what a base unit is valued at, in quote units; NaN while it is not known.
        worst_base: largest position that could result, either way, in base units; NaN when not known.
    """

    __slots__ = (
        "_long_base",
        "_short_base",
        "open_buy_base",
        "open_sell_base",
        "position_base",
        "reference_price",
        "worst_base",
    )

    def __init__(self) -> None:
        self.reference_price = math.nan
        self.update(position_base=_ZERO, open_buy_base=_ZERO, open_sell_base=_ZERO)

    def update(self, *, position_base: Decimal, open_buy_base: Decimal, open_sell_base: Decimal) -> None:
        """State position and open orders anew.

        Args:
            position_base: signed position, positive is long.
            open_buy_base: remaining size of every buy that may still fill, unknown ones too.
            open_sell_base: the same for sells.
        """
        self.position_base = position_base
        self.open_buy_base = open_buy_base
        self.open_sell_base = open_sell_base
        usable = (
            position_base.is_finite()
            and open_buy_base.is_finite()
            and open_sell_base.is_finite()
            and open_buy_base >= 0
            and open_sell_base >= 0
        )
        self._long_base = float(position_base + open_buy_base) if usable else math.nan
        self._short_base = float(open_sell_base - position_base) if usable else math.nan
        self.worst_base = _larger(self._long_base, self._short_base)

    @property
    def worst_notional_usd(self) -> float:
        """`worst_base` at the reference price; NaN when either is not known, zero without exposure."""
        return self.worst_base * self.reference_price if self.worst_base != 0.0 else 0.0

    def worst_base_with(self, order: PlaceOrder) -> float:
        """Return what `worst_base` would be with one more order."""
        size = float(order.size)
        if order.side is _BUY:
            return _larger(self._long_base + size, self._short_base)
        return _larger(self._long_base, self._short_base + size)

    def only_reduces(self, order: PlaceOrder) -> bool:
        """Tell whether the order can only shrink the position, whatever else fills.

        It is opposite to the position, and no larger than what is left of it once every open order
        on the order's own side has filled.
        """
        if self._long_base != self._long_base:  # NaN: nothing is known to shrink
            return False
        if order.side is _BUY:
            return order.size <= -self.position_base - self.open_buy_base
        return order.size <= self.position_base - self.open_sell_base


def total_notional_usd(exposures: Iterable[Exposure]) -> float:
    """Return the sum of the worst-case notionals.

    Positions of different venues are not netted: they do not margin each other, and the one that was
    meant to be the hedge may be the one that fails.
    """
    total = 0.0
    for exposure in exposures:
        total += exposure.worst_notional_usd
    return total


def _larger(one: float, other: float) -> float:
    """Return the larger; NaN if either is, which `max` would hide."""
    if one >= other:
        return one
    if other > one:
        return other
    return math.nan

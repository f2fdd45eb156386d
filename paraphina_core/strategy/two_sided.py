"""The simple strategy: one bid and one ask around the microprice, shifted against inventory.

For every usable market, in basis points of the microprice:

    half = half_spread_bps + volatility_multiple * volatility * sqrt(horizon_s) * 10^4
    shift = -inventory_shift_bps * position / max position
    bid = microprice * (1 + (shift - half) / 10^4),  ask = microprice * (1 + (shift + half) / 10^4)

A side that would enlarge a position already at its limit is not quoted, and neither price ever
crosses the touch.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

from paraphina_core.connector import StrategySpec
from paraphina_core.domain import MarketView, Side, Target, TradingState, View

from .placing import passive, room_base

BPS: Final = 1e4

PARAMETERS: Final[Mapping[str, float]] = {
    "half_spread_bps": 0.2,
    "volatility_multiple": 1.0,
    "horizon_s": 1.0,
    "inventory_shift_bps": 3.0,
}


class TwoSided:
    """See the module. Parameters are the names of `PARAMETERS`; all must be finite, not negative."""

    def __init__(self, parameters: Mapping[str, float]) -> None:
        self._half_spread_bps = parameters["half_spread_bps"]
        self._volatility_bps = parameters["volatility_multiple"] * math.sqrt(parameters["horizon_s"]) * BPS
        self._inventory_shift_bps = parameters["inventory_shift_bps"]

    def decide(self, view: View, at_ns: int) -> Sequence[Target]:  # a quote here does not depend on the time
        """Return the wanted quotes; none where trading is halted."""
        targets: list[Target] = []
        for market in view.markets:
            if not market.unusable and market.state is not TradingState.HALTED:
                targets.extend(self._quote(market, reducing=market.state is TradingState.REDUCING))
        return targets

    def _quote(self, market: MarketView, *, reducing: bool) -> list[Target]:
        price = market.microprice
        volatility_bps = self._volatility_bps * (market.volatility or 0.0)
        half_bps = self._half_spread_bps + volatility_bps
        limit_base = market.max_position_notional_usd / price
        filled = market.position_base / limit_base if limit_base > 0.0 else 0.0
        shift_bps = -self._inventory_shift_bps * max(-1.0, min(1.0, filled))
        quotes: list[Target] = []
        for side in (Side.BUY, Side.SELL):
            size = self._size(market, side, price, reducing=reducing)
            if not size > 0.0:
                continue
            wanted = price * (1.0 + (shift_bps - side.sign * half_bps) / BPS)
            quotes.append(
                Target(
                    instrument=market.instrument.id,
                    side=side,
                    price=passive(market, side, wanted),
                    size_base=size,
                    reduce_only=reducing,
                    terms={
                        "microprice_usd": price,
                        "half_spread_bps": self._half_spread_bps,
                        "volatility_bps": volatility_bps,
                        "inventory_shift_bps": shift_bps,
                    },
                )
            )
        return quotes

    @staticmethod
    def _size(market: MarketView, side: Side, price: float, *, reducing: bool) -> float:
        wanted = min(market.base_order_notional_usd, market.max_order_notional_usd) / price
        return min(wanted, room_base(market, side, price, reducing=reducing))


SPEC: Final = StrategySpec(
    name="two_sided",
    summary="one bid and one ask around the microprice, wider with volatility, shifted against inventory",
    parameters=PARAMETERS,
    build=TwoSided,
)

"""The strategy `join_touch`: one order at the best bid and one at the best ask, while the spread pays.

The smallest strategy that is still worth reading: it shows what a strategy sees (a view), what it
answers (targets), and which questions it has to ask first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from paraphina_core.connector import StrategySpec
from paraphina_core.domain import MarketView, Side, Target, TradingState, View

BPS: Final = 1e4

PARAMETERS: Final[Mapping[str, float]] = {
    "min_spread_bps": 0.5,  # narrower markets are left alone
    "size_fraction": 1.0,  # of the risk profile's base order
}


class JoinTouch:
    """Keeps no state: the same view gives the same targets, which is what lets a run be replayed."""

    def __init__(self, parameters: Mapping[str, float]) -> None:
        self._min_spread_bps = parameters["min_spread_bps"]
        self._size_fraction = parameters["size_fraction"]

    def decide(self, view: View, at_ns: int) -> Sequence[Target]:
        """Return the wanted orders. What is not returned is cancelled, so no answer means no order."""
        if view.state is TradingState.HALTED:
            return ()
        reducing = view.state is TradingState.REDUCING
        return tuple(
            target
            for market in view.markets
            if not market.unusable  # no live book, or one that is too old: bid and ask mean nothing then
            for target in self._join(market, reducing=reducing)
        )

    def _join(self, market: MarketView, *, reducing: bool) -> Iterator[Target]:
        middle = (market.bid_price + market.ask_price) / 2
        if not (market.ask_price - market.bid_price) / middle * BPS >= self._min_spread_bps:
            return
        wanted_base = self._size_fraction * market.base_order_notional_usd / middle
        limit_base = market.max_position_notional_usd / middle
        for side, price in ((Side.BUY, market.bid_price), (Side.SELL, market.ask_price)):
            held_base = market.position_base * side.sign  # positive: this side would make it larger
            room_base = -held_base if reducing else limit_base - held_base
            size_base = min(wanted_base, room_base)
            if size_base > 0:
                yield Target(
                    instrument=market.instrument.id,
                    side=side,
                    price=price,
                    size_base=size_base,
                    reduce_only=reducing,
                )


STRATEGY: Final = StrategySpec(
    name="join_touch",
    summary="one order at the best bid and one at the best ask, while the spread is wide enough",
    parameters=PARAMETERS,
    build=JoinTouch,
)

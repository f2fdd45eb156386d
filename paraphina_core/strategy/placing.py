"""What every quote must respect, whoever wants it: it stays passive, and within the limit of its market."""

from __future__ import annotations

import math

from paraphina_core.domain import MarketView, Side


def passive(market: MarketView, side: Side, price: float) -> float:
    """Return the price, or the nearest to it that does not reach the other side of the book."""
    if side is Side.BUY:
        return min(price, math.nextafter(market.ask_price, 0.0))
    return max(price, math.nextafter(market.bid_price, math.inf))


def room_base(market: MarketView, side: Side, price: float, *, reducing: bool) -> float:
    """Return the largest size that a side may fill, base units, not below zero.

    Args:
        market: whose limit and position.
        side: of the order.
        price: what a base unit is worth.
        reducing: only less may be held.
    """
    signed = market.position_base * side.sign
    room = -signed if reducing else market.max_position_notional_usd / price - signed
    return max(0.0, room)

"""The order gate `SPREAD_TOO_WIDE`: no new risk while nobody agrees on the price."""

from __future__ import annotations

from typing import Final

from paraphina_core.connector import OrderFacts, OrderGate
from paraphina_core.domain import PlaceOrder

BPS: Final = 1e4
MAX_SPREAD_BPS: Final = 20.0


def refuses(order: PlaceOrder, facts: OrderFacts) -> str | None:
    """Return why the order is refused, None if it is not. Orders that only reduce always pass."""
    if order.reduce_only:
        return None
    if facts.best_bid is None or facts.best_ask is None:
        return "one side of the book is empty"
    spread_bps = (facts.best_ask - facts.best_bid) / facts.best_bid * BPS
    if not spread_bps <= MAX_SPREAD_BPS:  # written so that a spread that is not a number is refused too
        return f"the spread is {spread_bps:.1f} bps, at most {MAX_SPREAD_BPS:g} are allowed"
    return None


GATE: Final = OrderGate(
    code="SPREAD_TOO_WIDE",
    summary=f"refuse orders that add risk while the spread is over {MAX_SPREAD_BPS:g} bps",
    refuses=refuses,
)

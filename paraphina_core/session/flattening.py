"""Closes positions after the kill switch, where an operator wants that.

An order leaves for a position only while no other order of its instrument may fill, so that what is closed
is what is there. Every order is immediate-or-cancel and reduce-only, and priced no further from the touch
and from fair value than the risk profile's collars let any order be: a market that has gone is not sold into.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Final

from paraphina_core.config import RiskProfile
from paraphina_core.domain import (
    CONTEXT,
    NS_PER_MS,
    ClientOrderId,
    InstrumentId,
    PlaceOrder,
    Purpose,
    Side,
    TimeInForce,
    exact,
)
from paraphina_core.execution import Ledger, OrderTracker

from .venue import Market, Venue

_BPS: Final = 1e-4

#: Share of the largest order that is used: a sell may be valued higher than the price it was sized at.
_ROOM: Final = 0.98

#: A position is tried again after so much session time.
AGAIN_NS: Final = 500 * NS_PER_MS


class Flattening:
    """The positions of one run, and the orders that close them.

    Args:
        venues: by connector.
        tracker: every order that is known.
        ledger: the positions.
        limits: the risk profile in force.
        take_id: gives the client order id of each new order.
    """

    def __init__(
        self,
        venues: Mapping[str, Venue],
        tracker: OrderTracker,
        ledger: Ledger,
        limits: RiskProfile,
        take_id: Callable[[], ClientOrderId],
    ) -> None:
        self._venues = venues
        self._tracker = tracker
        self._ledger = ledger
        self._limits = limits
        self._take_id = take_id
        self._tried_ns: dict[InstrumentId, int] = {}

    def orders(self, at_ns: int) -> Iterator[PlaceOrder]:
        """Yield the orders that are due; the order gates judge each of them."""
        for venue in self._venues.values():
            for name, market in venue.markets.items():
                tried_ns = self._tried_ns.get(name)
                if tried_ns is not None and at_ns - tried_ns < AGAIN_NS:
                    continue
                if self._tracker.totals(name).records or venue.unusable(market, at_ns):
                    continue
                order = self._order(market)
                if order is not None:
                    self._tried_ns[name] = at_ns
                    yield order

    def is_done(self, venue: Venue) -> bool:
        """Tell whether nothing is left on a venue that an order could close."""
        return all(
            not self._closable(market) and not self._tracker.totals(name).records
            for name, market in venue.markets.items()
        )

    def _order(self, market: Market) -> PlaceOrder | None:
        size = self._closable(market)
        if not size:
            return None
        held = self._ledger.size(market.instrument.id)
        side = Side.SELL if held > 0 else Side.BUY
        limit = self._limit(market, side)
        if not limit > 0.0:
            return None
        return PlaceOrder(
            instrument=market.instrument.id,
            client_order_id=self._take_id(),
            side=side,
            price=market.instrument.passive_price(exact(limit), side),
            size=size,
            time_in_force=TimeInForce.IOC,
            reduce_only=True,
            purpose=Purpose.FLATTEN,
        )

    def _limit(self, market: Market, side: Side) -> float:
        """Return the worst price that both collars let pass."""
        collars = (
            (market.book.touch(side.opposite), self._limits.collar_book_bps),
            (market.context.fair_value, self._limits.collar_fair_value_bps),
        )
        worst = [price * (1.0 + side.sign * collar_bps * _BPS) for price, collar_bps in collars]
        return min(worst) if side is Side.BUY else max(worst)

    def _closable(self, market: Market) -> Decimal:
        """Return how much of a position one order may close; zero for what the venue takes no order for."""
        instrument = market.instrument
        held = abs(self._ledger.size(instrument.id))
        if not held:
            return held
        price = market.context.exposure.reference_price
        if not price > 0.0:
            return held  # its worth is not known: the gates refuse for now, and it is still there to close
        largest = exact(self._limits.max_order_notional_usd / price * _ROOM)
        size = instrument.round_size(min(held, largest, instrument.max_size or held))
        too_little = size < instrument.min_size or (
            CONTEXT.multiply(size, exact(price)) < instrument.min_notional
        )
        return Decimal(0) if too_little else size

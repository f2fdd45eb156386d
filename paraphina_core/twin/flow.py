"""The other participants: makers who keep up a live-like book, and takers who trade against it.

What they want is a synthetic market's; what they get is the engine's. A client's order in between is
met in its turn, by price and time, like any other, so a quoting client is filled as its queue moves.
Makers put back what clients have taken from them after a short while.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Final, NamedTuple, TypeAlias

from paraphina_core.connector import synthetic
from paraphina_core.domain import CONTEXT, NS_PER_MS, Side, TimeInForce, exact

from .account import Account, NewOrder, Order
from .engine import Engine
from .events import ExchangeEvent, Traded
from .market import TwinMarket

#: How long makers leave a hole that a client has made in the book.
RESILIENCE_NS: Final = 500 * NS_PER_MS

#: Orders of the makers at one price; more are joined into one.
MAX_ORDERS_AT_LEVEL: Final = 4

#: Price and oracle in ticks are kept to this many decimals of a tick.
_MARK_DECIMALS: Final = 1

#: The grid is taken at this multiple of the first price, so that it also fits what the price grows to.
_GRID_REACH: Final = Decimal("1.5")

#: A price of the book in ticks, above zero for bids and below for asks.
_Place: TypeAlias = int


class NewMark(NamedTuple):
    """Prices and hourly funding rate that the flow has come to."""

    mark_price: Decimal
    index_price: Decimal
    funding_rate_1h: float


class Flow:
    """Background participants of one market.

    Attributes:
        market: the market.
        due_ns: the world's time of their next action.
    """

    def __init__(
        self, engine: Engine, market: TwinMarket, makers: Account, takers: Account, seed: int, start_ns: int
    ) -> None:
        self.market = market
        self._engine = engine
        self._makers = makers
        self._takers = takers
        instrument, price = market.instrument, market.listing.price
        self._tick = instrument.price_rule.tick_at(CONTEXT.multiply(price, _GRID_REACH))
        self._lot = instrument.lot_size
        self._synthetic = synthetic.SyntheticMarket(
            seed=seed,
            start_ns=start_ns,
            price_ticks=round(CONTEXT.divide(price, self._tick)),
            lots_per_quote=float(CONTEXT.divide(Decimal(1), CONTEXT.multiply(price, self._lot))),
            annual_volatility=market.listing.annual_volatility,
            levels=market.listing.levels,
        )
        self._wanted: dict[_Place, int] = {}
        self._orders: dict[_Place, list[Order]] = {}
        self._lots: dict[_Place, int] = {}  # what rests of the makers, except where something traded since
        self._traded: set[_Place] = set()
        self._holes: dict[_Place, int] = {}  # where clients took, and when
        self._updates = self._synthetic.updates(start_ns)
        self.due_ns, self._update = next(self._updates)
        engine.listeners.append(self._listen)

    def advance(self, at_ns: int) -> NewMark | None:
        """Do what is due next, at the venue's time; return new prices where those are it."""
        update = self._update
        self.due_ns, self._update = next(self._updates)
        if isinstance(update, synthetic.Mark):
            return self._mark(update)
        if isinstance(update, synthetic.MarketOrder):
            if not self._engine.is_frozen:
                self._take(update, at_ns)
        else:
            changed = dict(update.bids)
            changed.update((-ticks, lots) for ticks, lots in update.asks.items())
            self._wanted.update(changed)
            if self._engine.is_frozen:
                self._holes.update(dict.fromkeys(changed, 0))  # made up for after the freeze
            else:
                self._make(changed, at_ns)
        self._engine.publish(self.market, at_ns)
        return None

    def _mark(self, mark: synthetic.Mark) -> NewMark:
        return NewMark(self._quote(mark.mark_ticks), self._quote(mark.index_ticks), mark.funding_rate_1h)

    def _quote(self, ticks: float) -> Decimal:
        return CONTEXT.multiply(exact(round(ticks, _MARK_DECIMALS)), self._tick)

    def _take(self, order: synthetic.MarketOrder, at_ns: int) -> None:
        """Send a market order that goes no further than the synthetic one went."""
        terms = NewOrder(
            instrument=self.market.id,
            side=order.aggressor,
            price=self._price(order.trades[-1][0]),
            size=self._size(sum(lots for _, lots in order.trades)),
            time_in_force=TimeInForce.IOC,
        )
        self._engine.enter(self._takers, terms, at_ns)

    def _make(self, changed: Iterable[_Place], at_ns: int) -> None:
        """Bring the makers' orders at changed prices to what is wanted there, cancels first."""
        places = dict.fromkeys(changed)
        places |= dict.fromkeys(
            place for place, hole_ns in self._holes.items() if at_ns - hole_ns >= RESILIENCE_NS
        )
        missing = []
        for place in places:
            self._holes.pop(place, None)
            wanted = self._wanted.get(place, 0)
            if not wanted:
                self._wanted.pop(place, None)
            lots = wanted - self._count(place)
            if lots < 0:
                self._withdraw(place, -lots, at_ns)
            elif lots > 0:
                missing.append((place, lots))
        for place, lots in missing:
            self._add(place, lots, at_ns)

    def _count(self, place: _Place) -> int:
        """Return what rests of the makers at a place, and forget their orders that are gone."""
        if place in self._traded:
            self._traded.discard(place)
            orders = [order for order in self._orders.pop(place, ()) if order.is_open]
            if orders:
                self._orders[place] = orders
            self._lots[place] = sum(map(self._rest, orders))
        return self._lots.get(place, 0)

    def _withdraw(self, place: _Place, lots: int, at_ns: int) -> None:
        """Cancel so many lots at a place, the newest orders first."""
        orders = self._orders[place]
        self._lots[place] -= lots
        while lots > 0 and orders:
            newest = orders[-1]
            rest = self._rest(newest)
            if rest <= lots:
                self._engine.take_out(orders.pop(), "", at_ns)
            else:
                left = CONTEXT.subtract(newest.size, self._size(lots))
                self._engine.amend(newest, self._terms(place, left), at_ns)
            lots -= rest
        if not orders:
            del self._orders[place], self._lots[place]

    def _add(self, place: _Place, lots: int, at_ns: int) -> None:
        orders = self._orders.setdefault(place, [])
        self._lots[place] = self._lots.get(place, 0) + lots
        if len(orders) >= MAX_ORDERS_AT_LEVEL:
            newest = orders.pop()
            lots += self._rest(newest)
            self._engine.take_out(newest, "", at_ns)
        order = self._engine.enter(self._makers, self._terms(place, self._size(lots)), at_ns)
        orders.append(order)
        if order.filled_size:
            self._traded.add(place)
            self._holes[place] = at_ns

    def _listen(self, event: ExchangeEvent) -> None:
        """See where makers have traded, and where it was a client who took what they had."""
        if not isinstance(event, Traded) or event.instrument != self.market.id:
            return
        bids = event.aggressor is Side.SELL
        maker, taker = (event.buyer, event.seller) if bids else (event.seller, event.buyer)
        if maker == self._makers.name:
            ticks = int(CONTEXT.divide_int(event.price, self._tick))
            place = ticks if bids else -ticks
            self._traded.add(place)
            if taker != self._takers.name:
                self._holes[place] = event.at_ns

    def _rest(self, order: Order) -> int:
        return int(CONTEXT.divide_int(order.remaining, self._lot))

    def _terms(self, place: _Place, size: Decimal) -> NewOrder:
        side = Side.BUY if place > 0 else Side.SELL
        return NewOrder(instrument=self.market.id, side=side, price=self._price(abs(place)), size=size)

    def _price(self, ticks: int) -> Decimal:
        return CONTEXT.multiply(Decimal(ticks), self._tick)

    def _size(self, lots: int) -> Decimal:
        return CONTEXT.multiply(Decimal(lots), self._lot)

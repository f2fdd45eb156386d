"""One instrument of the paper exchange: own orders against the displayed book and the public trades.

Nobody else sees our paper orders, so the market does not react to them. What we took from a level is
remembered until the level shows another size, so that it cannot be taken twice.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from decimal import Decimal
from typing import Final, NamedTuple

from paraphina_core.config import QueueModel
from paraphina_core.domain import CONTEXT, Instrument, Liquidity, PlaceOrder, Side, Trade, exact
from paraphina_core.gates import Exposure
from paraphina_core.market import Book, BookState

from .entry import OrderTerms
from .queue import QueuePosition
from .resting import RestingOrders, reaches

_ZERO: Final = Decimal(0)

#: Part of a lot by which float arithmetic may miss a whole number of lots.
_LOT_TOLERANCE: Final = 1e-6

#: States in which the book's sequence was lost, and with it every place in a queue.
_LOST: Final = frozenset({BookState.WAITING, BookState.GAPPED})


class RestingOrder:
    """An own order in the paper book, with what is left of it and its place in the queue."""

    __slots__ = ("order", "price", "queue", "remaining", "side", "venue_order_id")

    def __init__(self, order: PlaceOrder, venue_order_id: str, remaining: Decimal | None = None) -> None:
        self.order = order
        self.side = order.side
        self.venue_order_id = venue_order_id
        self.price = float(order.price)
        self.remaining = order.size if remaining is None else remaining
        self.queue: QueuePosition


class Execution(NamedTuple):
    """One match of an own order."""

    order: RestingOrder
    price: Decimal
    size: Decimal
    liquidity: Liquidity


class PaperMarket:
    """The matching of one instrument.

    Attributes:
        instrument: rules in force; replaced when the venue redefines it.
        mark_price: the venue's mark price, None until it states one.
        position: signed size of all executions, base units.
        resting: own orders by price, then time.
    """

    def __init__(self, instrument: Instrument, book: Book, model: QueueModel) -> None:
        self.instrument = instrument
        self.mark_price: float | None = None
        self.position = _ZERO
        self.resting: RestingOrders[RestingOrder] = RestingOrders()
        self._book = book
        self._model = model
        self._lost = False
        self._consumed: dict[tuple[Side, float], tuple[float, float]] = {}

    @property
    def is_live(self) -> bool:
        """True while the book can be matched against."""
        return self._book.state is BookState.LIVE

    @property
    def price(self) -> float:
        """What the position is valued at: mark price, else the mid of a live book, else NaN."""
        if self.mark_price is not None:
            return self.mark_price
        mid = self._book.mid if self.is_live else None
        return math.nan if mid is None else mid

    def exposure(self) -> Exposure:
        """Return position and open orders side by side, valued at `price`."""
        exposure = Exposure()
        exposure.reference_price = self.price
        exposure.update(
            position_base=self.position,
            open_buy_base=self.resting.open_base(Side.BUY),
            open_sell_base=self.resting.open_base(Side.SELL),
        )
        return exposure

    def crosses_book(self, order: OrderTerms) -> bool:
        """Tell whether the order would take liquidity now."""
        return reaches(order.side, float(order.price), self._book.touch(order.side.opposite))

    def crosses_own(self, order: OrderTerms) -> bool:
        """Tell whether the order would trade with an own one."""
        own = self.resting.best(order.side.opposite)
        return own is not None and reaches(order.side, float(order.price), own.price)

    def reducible(self, side: Side) -> Decimal:
        """Return how much an order of that side can reduce the position by."""
        return max(_ZERO, self.position.copy_negate() if side is Side.BUY else self.position)

    def take(self, incoming: RestingOrder) -> list[Execution]:
        """Fill an arriving order from the displayed levels up to its limit, each at its own price."""
        return [
            self._execute(incoming, exact(price), size, Liquidity.TAKER)
            for price, size in self._reachable(incoming)
        ]

    def rest(self, order: RestingOrder) -> None:
        """Put what is left of an order at the back of the queue at its price."""
        order.queue = QueuePosition(self._model, self._displayed(order), self._book.exchange_ns)
        self.resting.add(order)

    def put_back(self, order: RestingOrder) -> None:
        """Put an order back that was taken out for a moment: its place in the queue is what it was."""
        self.resting.add(order)

    def remove(self, order: RestingOrder) -> None:
        """Take an order out of the book."""
        self.resting.remove(order)

    def look(self) -> None:
        """Notice a book that was lost, also when no event told of it."""
        if self._book.state in _LOST:
            self._lost = True

    def on_book(self) -> list[Execution]:
        """See the book's new levels: queues move up, and orders that it now crosses are filled."""
        executions: list[Execution] = []
        if not self.is_live:
            return executions
        if self._consumed:
            self._forget_changed_levels()
        for resting in tuple(self.resting):  # a copy: filled orders leave
            update = resting.queue.join if self._lost else resting.queue.on_book
            update(self._displayed(resting), self._book.exchange_ns)
            for _, size in self._reachable(resting):
                executions.append(self._execute(resting, resting.order.price, size, Liquidity.MAKER))
        self._lost = False
        return executions

    def on_trade(self, trade: Trade) -> list[Execution]:
        """Let a public trade fill the own orders that it would have met."""
        if not self.resting[trade.aggressor.opposite] or trade.is_replay or not self.is_live:
            return []
        executions: list[Execution] = []
        left = trade.size  # what one own order had of the trade never reaches the next
        for resting in self.resting.reached(trade.aggressor, trade.price):
            if resting.queue.predates(trade.exchange_ns):
                continue
            if resting.price == trade.price:
                reaches = resting.queue.on_trade(left, trade.exchange_ns)
            else:
                resting.queue.front()
                reaches = left
            filled = min(self._fillable(resting), self._whole_lots(reaches))
            if filled > 0:
                executions.append(self._execute(resting, resting.order.price, filled, Liquidity.MAKER))
                left = max(0.0, left - float(filled))
        return executions

    def useless_reduce_only(self) -> list[RestingOrder]:
        """Return the resting reduce-only orders that have nothing left to reduce."""
        return [
            resting
            for resting in self.resting
            if resting.order.reduce_only and not self.reducible(resting.side)
        ]

    def _reachable(self, order: RestingOrder) -> Iterator[tuple[float, Decimal]]:
        """Take, level by level, what the order may have of the other side; the caller executes each."""
        side = order.side.opposite
        for level in self._book.levels(side):
            price, displayed = level.price, level.size
            if not reaches(order.side, order.price, price):
                return
            wanted = self._fillable(order)
            if not wanted:
                return
            consumed = self._consumed.get((side, price), (displayed, 0.0))[1]
            size = min(wanted, self._whole_lots(displayed - consumed))
            if size > 0:
                self._consumed[side, price] = (displayed, consumed + float(size))
                yield price, size

    def _fillable(self, order: RestingOrder) -> Decimal:
        if order.order.reduce_only:
            return min(order.remaining, self.reducible(order.side))
        return order.remaining

    def _execute(self, order: RestingOrder, price: Decimal, size: Decimal, liquidity: Liquidity) -> Execution:
        order.remaining = CONTEXT.subtract(order.remaining, size)
        change = CONTEXT.add if order.side is Side.BUY else CONTEXT.subtract
        self.position = change(self.position, size)
        if liquidity is Liquidity.MAKER and not order.remaining:
            self.remove(order)
        return Execution(order, price, size, liquidity)

    def _displayed(self, order: RestingOrder) -> float | None:
        side = order.side
        return self._book.size_at(side, order.price) if self._book.covers(side, order.price) else None

    def _forget_changed_levels(self) -> None:
        self._consumed = {
            (side, price): memory
            for (side, price), memory in self._consumed.items()
            if self._book.size_at(side, price) == memory[0]
        }

    def _whole_lots(self, size_base: float) -> Decimal:
        lots = math.floor(size_base / float(self.instrument.lot_size) + _LOT_TOLERANCE)
        return CONTEXT.multiply(Decimal(lots), self.instrument.lot_size)

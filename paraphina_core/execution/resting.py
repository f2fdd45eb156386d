"""Orders that rest in one book, by price and then by time: who is met first, on paper and at a twin."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final, Generic, Protocol, TypeVar

from paraphina_core.domain import CONTEXT, Side

_ZERO: Final = Decimal(0)
_BUY: Final = Side.BUY  # a global is found faster than an enum's member


class Resting(Protocol):
    """An order as its place in a book needs it.

    `price` is a float where a displayed book is matched and a decimal where orders meet orders; one
    book holds one kind.
    """

    @property
    def side(self) -> Side:
        """Which side it rests on."""

    @property
    def price(self) -> Any:  # noqa: ANN401  # a float or a decimal, see above
        """Its limit."""

    @property
    def remaining(self) -> Decimal:
        """What is left of it, base units."""


OrderT = TypeVar("OrderT", bound=Resting)


class RestingOrders(Generic[OrderT]):
    """Both sides of one book, each best price first, then oldest first.

    An order's price and side do not change while it rests.
    """

    __slots__ = ("_buys", "_sells")

    def __init__(self) -> None:
        self._buys: list[OrderT] = []
        self._sells: list[OrderT] = []

    def __getitem__(self, side: Side) -> list[OrderT]:
        """Return one side, in order of priority; to be read only."""
        return self._buys if side is _BUY else self._sells

    def __iter__(self) -> Iterator[OrderT]:
        """Yield every order, buys first."""
        yield from self._buys
        yield from self._sells

    def best(self, side: Side) -> OrderT | None:
        """Return the order that is met first, None on an empty side."""
        orders = self[side]
        return orders[0] if orders else None

    def add(self, order: OrderT) -> None:
        """Put an order behind all others at its price."""
        price = order.price
        if order.side is _BUY:
            self._buys.insert(bisect_left(self._buys, x=True, key=lambda one: one.price < price), order)
        else:
            self._sells.insert(bisect_left(self._sells, x=True, key=lambda one: one.price > price), order)

    def remove(self, order: OrderT) -> None:
        """Take an order out."""
        self[order.side].remove(order)

    def reached(self, side: Side, limit: Any) -> Iterator[OrderT]:  # noqa: ANN401  # as `Resting.price`
        """Yield what an order of that side and limit would meet, in order; orders may leave meanwhile."""
        orders = self._sells if side is _BUY else self._buys
        if not orders or not reaches(side, limit, orders[0].price):
            return
        for order in tuple(orders):
            if not reaches(side, limit, order.price):
                return
            yield order

    def open_base(self, side: Side) -> Decimal:
        """Return what all orders of a side may still fill, base units."""
        total = _ZERO
        for order in self[side]:
            total = CONTEXT.add(total, order.remaining)
        return total


def reaches(side: Side, limit: Any, price: Any) -> bool:  # noqa: ANN401  # floats or decimals
    """Tell whether an order with that limit may trade at that price."""
    return bool(price <= limit if side is _BUY else price >= limit)

"""One instrument of a twin's exchange: the book of real orders, and what each account may do in it."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from itertools import groupby, islice
from operator import attrgetter
from typing import Final

from paraphina_core.domain import CONTEXT, NS_PER_S, Instrument, InstrumentId, Side
from paraphina_core.execution import OrderTerms, RestingOrders

from .account import Account, Order
from .events import BookLevel
from .listing import Listing

_ZERO: Final = Decimal(0)

_price_of = attrgetter("price")


class _Totals:
    """What rests at each price of one side, and which prices have changed."""

    __slots__ = ("changed", "sizes")

    def __init__(self) -> None:
        self.sizes: dict[Decimal, Decimal] = {}
        self.changed: set[Decimal] = set()


class TwinMarket:
    """The book and the prices of one instrument.

    Attributes:
        listing: what it was listed with; the instrument's own rules may be replaced while it runs.
        resting: every order of every account by price, then time.
        mark_price: what margin and funding are computed with.
        true_mark: what the mark price would be without the shift.
        mark_shift: factor by which a fault has the mark price off.
        index_price: the price of the underlying.
        funding_rate_1h: hourly rate in force; positive means longs pay.
        last_price: of the last trade, the first price before it.
        volume_base: traded since the start.
    """

    def __init__(self, listing: Listing) -> None:
        self.listing = listing
        self.instrument: Instrument = listing.instrument
        self.resting: RestingOrders[Order] = RestingOrders()
        self.mark_price = self.true_mark = self.index_price = self.last_price = listing.price
        self.mark_shift = Decimal(1)
        self.funding_rate_1h = 0.0
        self.volume_base = _ZERO
        self.next_funding_ns = 0
        self._buys = _Totals()
        self._sells = _Totals()

    @property
    def id(self) -> InstrumentId:
        """The instrument's name in this program."""
        return self.instrument.id

    @property
    def funding_rate(self) -> float:
        """The rate of one whole interval."""
        return self.funding_rate_1h * self.listing.funding_interval_s / 3_600

    def best_price(self, side: Side) -> Decimal | None:
        """Return the best price of a side, None while it is empty."""
        best = self.resting.best(side)
        return None if best is None else best.price

    def levels(self, side: Side, depth: int | None = None) -> tuple[BookLevel, ...]:
        """Return the best levels of a side, best first."""
        totals = self._of(side).sizes
        groups = groupby(self.resting[side], key=_price_of)
        return tuple(
            BookLevel(price, totals[price], sum(1 for _ in orders)) for price, orders in islice(groups, depth)
        )

    def size_at(self, side: Side, price: Decimal) -> Decimal:
        """Return what rests at a price, base units."""
        return self._of(side).sizes.get(price, _ZERO)

    def add(self, order: Order) -> None:
        """Rest an order at the back of its price."""
        self.resting.add(order)
        self.resized(order, order.remaining)

    def remove(self, order: Order) -> None:
        """Take an order out of the book."""
        self.resting.remove(order)
        self.resized(order, order.remaining.copy_negate())

    def resized(self, order: Order, change: Decimal) -> None:
        """Count a change of what rests at an order's price."""
        totals = self._of(order.side)
        price = order.price
        total = CONTEXT.add(totals.sizes.get(price, _ZERO), change)
        if total:
            totals.sizes[price] = total
        else:
            totals.sizes.pop(price, None)
        totals.changed.add(price)

    def take_changes(self, side: Side) -> tuple[tuple[Decimal, Decimal], ...]:
        """Return the levels that changed since the last call, with what rests there now."""
        totals = self._of(side)
        if not totals.changed:
            return ()
        changed, totals.changed = totals.changed, set()
        return tuple((price, totals.sizes.get(price, _ZERO)) for price in sorted(changed))

    def _of(self, side: Side) -> _Totals:
        return self._buys if side is Side.BUY else self._sells

    def schedule_funding(self, venue_ns: int) -> None:
        """Set the next funding to the next whole interval of the venue's time."""
        interval_ns = self.listing.funding_interval_s * NS_PER_S
        self.next_funding_ns = (venue_ns // interval_ns + 1) * interval_ns


class AccountMarket:
    """A market as one account sees it, for the shared rules of entry."""

    def __init__(self, market: TwinMarket, account: Account, *, refuse_self_trade: bool) -> None:
        self._market = market
        self._account = account
        self._refuse_self_trade = refuse_self_trade
        self.instrument = market.instrument
        self.is_live = True

    @property
    def position(self) -> Decimal:
        """Signed position of the account, base units."""
        return self._account.ledger.size(self.instrument.id)

    def reducible(self, side: Side) -> Decimal:
        """Return how much an order of that side can reduce the position by."""
        return max(_ZERO, self.position.copy_negate() if side is Side.BUY else self.position)

    def crosses_book(self, order: OrderTerms) -> bool:
        """Tell whether the order would take liquidity now."""
        return next(self._market.resting.reached(order.side, order.price), None) is not None

    def crosses_own(self, order: OrderTerms) -> bool:
        """Tell whether the order would meet one of its own account, where that is refused."""
        return self._refuse_self_trade and any(
            resting.account == self._account.name for resting in self._reached(order)
        )

    def _reached(self, order: OrderTerms) -> Iterator[Order]:
        return self._market.resting.reached(order.side, order.price)

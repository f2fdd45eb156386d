"""What a connector said at a rig, taken in as the core takes it: books, orders, fills, instruments."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Final, TypeVar, cast, get_args

from paraphina_core.domain import (
    BestBidOffer,
    BookDelta,
    BookGap,
    BookSnapshot,
    ClientOrderId,
    Event,
    Fill,
    FillsListed,
    Instrument,
    InstrumentDefined,
    InstrumentId,
    SubscriptionLive,
)
from paraphina_core.execution import OrderTracker, OrderUpdate
from paraphina_core.market import Book

from .card import check
from .validity import check_events

_UPDATES: Final = get_args(OrderUpdate)
_BOOK: Final = (BookSnapshot, BookDelta, BookGap, BestBidOffer)

_Event = TypeVar("_Event")


class Heard:
    """Everything that was said, and what follows from it.

    Attributes:
        events: what was said, with the time.
        books: as the core keeps them.
        instruments: as they were defined last.
        orders: as the core keeps them.
        fills: each one once, by instrument and the venue's trade id.
        live: topics that are acknowledged on their present connection.
    """

    def __init__(self) -> None:
        self.events: list[tuple[int, Event]] = []
        self.books: dict[InstrumentId, Book] = {}
        self.instruments: dict[InstrumentId, Instrument] = {}
        self.orders = OrderTracker()
        self.fills: dict[tuple[InstrumentId, str], Fill] = {}
        self.live: set[str] = set()

    def take(self, events: Iterable[Event], at_ns: int) -> None:
        """Take in what was said, each event valid by itself.

        Raises:
            Broken: one is not, or contradicts another.
        """
        for event in events:
            check_events((event,))
            self.events.append((at_ns, event))
            self._take(event, at_ns)

    def distrust(self) -> None:
        """Believe no book before its next snapshot."""
        for book in self.books.values():
            book.reset()

    def told(self, kind: type[_Event], since: int = 0) -> list[_Event]:
        """Return the events of one kind since the one of that number."""
        return [event for _, event in self.events[since:] if isinstance(event, kind)]

    def told_of(self, client_order_id: ClientOrderId) -> list[Event]:
        """Return what was said of one order, by our id."""
        return [e for _, e in self.events if getattr(e, "client_order_id", None) == client_order_id]

    def position(self, instrument: InstrumentId) -> Decimal:
        """Return the position that the distinct fills make, signed, base units."""
        fills = [fill for (of, _), fill in self.fills.items() if of == instrument]
        return sum((fill.size * fill.side.sign for fill in fills), Decimal(0))

    def _take(self, event: Event, at_ns: int) -> None:
        if isinstance(event, _UPDATES):
            self.orders.apply(cast("OrderUpdate", event), at_ns)
        elif isinstance(event, _BOOK):
            book = self.books.setdefault(event.instrument, Book(event.instrument))
            book.apply(event, at_ns)
        match event:
            case Fill():
                self._count(event)
            case FillsListed():
                for fill in event.fills:
                    self._count(fill)
            case InstrumentDefined():
                self.instruments[event.instrument.id] = event.instrument
            case SubscriptionLive():
                self.live.add(event.topic)
            case _:
                pass

    def _count(self, fill: Fill) -> None:
        """Count a fill once; what is told again under its trade id must be the same."""
        known = self.fills.setdefault((fill.instrument, fill.trade_id), fill)
        for name in ("side", "price", "size", "fee"):
            check(
                getattr(known, name) == getattr(fill, name),
                f"a fill is told again with another {name}",
                found=fill,
                wanted=repr(known),
            )

"""A paper exchange with one book, driven as a session drives it."""

from __future__ import annotations

from typing import Any

from paraphina_core.connector import FeeSchedule
from paraphina_core.domain import (
    NS_PER_MS,
    BestBidOffer,
    BookDelta,
    BookGap,
    BookSnapshot,
    CancelAll,
    CancelOrder,
    ClientOrderId,
    Event,
    Fill,
    Instrument,
    InstrumentDefined,
    InstrumentId,
    MarketEvent,
    PlaceOrder,
)
from paraphina_core.execution import PaperExchange, PaperSettings
from paraphina_core.market import Book
from trading import BTC

FEES = FeeSchedule(maker_bps=1.0, taker_bps=5.0, source="chosen for tests")
BOOK_EVENTS = (BookSnapshot, BookDelta, BestBidOffer, BookGap)


class PaperWorld:
    """One paper exchange and the books it sees; time is in milliseconds and without delays unless told."""

    def __init__(self, *instruments: Instrument, seed: int = 1, **settings: Any) -> None:
        self.exchange = PaperExchange(
            PaperSettings(**({"latency_ms": 0, "latency_jitter_ms": 0} | settings)), FEES, seed
        )
        self.books: dict[InstrumentId, Book] = {}
        self.now_ms = 0
        for instrument in instruments or (BTC,):
            self.books[instrument.id] = Book(instrument.id)
            self.see(InstrumentDefined(instrument=instrument))

    @property
    def now_ns(self) -> int:
        """The time now, nanoseconds."""
        return self.now_ms * NS_PER_MS

    def see(self, event: MarketEvent) -> list[Event]:
        """Let the exchange see a market event, in the order of calls that the route asks for."""
        events = list(self.exchange.advance(self.now_ns))
        name = event.instrument.id if isinstance(event, InstrumentDefined) else event.instrument
        book = self.books[name]
        if isinstance(event, BOOK_EVENTS):
            book.apply(event, self.now_ns)
        return events + list(self.exchange.on_market(event, book, self.now_ns))

    def send(self, *commands: PlaceOrder | CancelOrder | CancelAll) -> list[Event]:
        """Send commands and return what is answered at once, which is all of it when nothing takes time."""
        for command in commands:
            self.exchange.submit(command, self.now_ns)
        return list(self.exchange.advance(self.now_ns))

    def cancel(self, number: int, instrument: Instrument = BTC) -> list[Event]:
        """Cancel one order."""
        return self.send(CancelOrder(instrument=instrument.id, client_order_id=ClientOrderId(number)))

    def wait(self, milliseconds: int) -> list[Event]:
        """Let time pass."""
        self.now_ms += milliseconds
        return list(self.exchange.advance(self.now_ns))


def fills_of(events: list[Event]) -> list[tuple[int | None, float, float]]:
    """Return order number, price and size of every fill among events."""
    return [
        (event.client_order_id, float(event.price), float(event.size))
        for event in events
        if isinstance(event, Fill)
    ]


def kinds(events: list[Event]) -> list[str]:
    """Return the names of the events, and the codes of refusals."""
    return [getattr(event, "code", "") or type(event).__name__ for event in events]

"""The public stream of the venue: books, touches, trades, marks and funding become events.

Touches come with every change, the book ten times a second; both carry ids of the same count. A touch that
is newer than the change of the book that arrives after it is therefore told again behind that change, and one
that is older than the book is dropped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final
from urllib.parse import quote

from paraphina_core.connector import decode_json
from paraphina_core.domain import (
    NS_PER_MS,
    BestBidOffer,
    Event,
    FundingRate,
    InstrumentId,
    Level,
    MarkPrice,
    RemoteProtocolError,
    Side,
    SubscriptionLive,
    Trade,
    parse_float,
    parse_price,
    parse_size,
)

from .book_sync import BookSync
from .messages import (
    COMBINED,
    DEPTH_SNAPSHOT,
    AggregateTrade,
    BookTicker,
    DepthSnapshot,
    DepthUpdate,
    MarketMessage,
    MarkPriceUpdate,
)

#: What is subscribed to for each symbol; the book comes ten times a second, the mark price once.
CHANNELS: Final = ("depth@100ms", "bookTicker", "aggTrade", "markPrice@1s")
#: Of these something is heard within seconds, however quiet the market is.
_REGULAR: Final = "markPrice@1s"


def stream_name(symbol: str, channel: str) -> str:
    """Name a stream as the venue does in addresses and messages: symbols are in lower case there."""
    return f"{symbol.lower()}@{channel}"


def stream_path(symbols: Sequence[str]) -> str:
    """Return path and query of one connection that carries every stream of some symbols."""
    names = (stream_name(symbol, channel) for symbol in symbols for channel in CHANNELS)
    return "/stream?streams=" + "/".join(quote(name, safe="@") for name in names)


def topics(symbols: Sequence[str]) -> tuple[str, ...]:
    """Return what must be heard of before the connection counts as live.

    Nothing acknowledges a stream that is named in the address; its first message does.
    """
    return tuple(stream_name(symbol, _REGULAR) for symbol in symbols)


class PublicFeed:
    """Reads the messages of one connection, of the symbols it is told about.

    Args:
        symbols: those that were asked for, whether or not the venue lists them.
        instruments: gives the instrument of each that is listed.
        funding_interval_s: gives the time between two funding payments of a symbol.
    """

    def __init__(
        self,
        symbols: Sequence[str],
        instruments: Callable[[], Mapping[str, InstrumentId]],
        funding_interval_s: Callable[[str], int],
    ) -> None:
        self._symbols = frozenset(symbols)
        self._instruments = instruments
        self._funding_interval_s = funding_interval_s
        self._books: dict[str, _SymbolBook] = {}
        self._awaited = set(topics(symbols))

    def read(self, frame: bytes, at_ns: int) -> Sequence[Event]:
        """Turn one message into events.

        Raises:
            RemoteError: the message is not what the venue documents; then nothing was learned from it.
        """
        combined = decode_json(COMBINED, frame, "message")
        return self._events(combined.stream, combined.data, at_ns)

    def read_book(self, symbol: str, body: bytes, at_ns: int) -> Sequence[Event]:
        """Turn the answer to a question for the book of a symbol into events.

        Raises:
            RemoteError: the answer is not what the venue documents.
        """
        snapshot = decode_json(DEPTH_SNAPSHOT, body, "depth")
        return self._book(symbol).snapshot(snapshot, at_ns)

    def _events(self, stream: str, message: MarketMessage, at_ns: int) -> Sequence[Event]:
        symbol = message.s
        if symbol not in self._symbols:
            raise RemoteProtocolError("message about a symbol that was not subscribed", found=symbol[:64])
        instrument = self._instruments().get(symbol)
        if instrument is None:
            return ()  # listed no more, or without filters that we understand; a notice has told
        events = self._of(message, instrument, at_ns)
        if stream in self._awaited:
            self._awaited.discard(stream)
            return (SubscriptionLive(topic=stream), *events)
        return events

    def _of(self, message: MarketMessage, instrument: InstrumentId, at_ns: int) -> Sequence[Event]:
        match message:
            case DepthUpdate():
                book = self._book(message.s)
                return (*book.sync.update(message, at_ns), *book.newer_touch())
            case BookTicker():
                return self._book(message.s).touch(message)
            case AggregateTrade():
                return (_trade(instrument, message, self._book(message.s).begun_ms),)
            case MarkPriceUpdate():
                told = _mark(instrument, message, self._funding_interval_s(message.s))
                return (*told, *self._book(message.s).sync.ask(at_ns))

    def _book(self, symbol: str) -> _SymbolBook:
        book = self._books.get(symbol)
        if book is None:
            book = self._books[symbol] = _SymbolBook(self._instruments()[symbol])
        return book


class _SymbolBook:
    """The book of one symbol, and the newest touch beside it.

    Attributes:
        begun_ms: the venue's time of the first snapshot, zero before there is one.
    """

    def __init__(self, instrument: InstrumentId) -> None:
        self.sync = BookSync(instrument)
        self.begun_ms = 0
        self._instrument = instrument
        self._touch: BestBidOffer | None = None
        self._touch_id = -1

    def snapshot(self, snapshot: DepthSnapshot, at_ns: int) -> Sequence[Event]:
        """Join a snapshot to what is known."""
        events = self.sync.snapshot(snapshot, at_ns)
        self.begun_ms = self.begun_ms or snapshot.T
        return [*events, *self.newer_touch()]

    def touch(self, ticker: BookTicker) -> Sequence[Event]:
        """Return the touch, if it is newer than all that is known."""
        if ticker.u <= self._touch_id:
            return ()
        touch = BestBidOffer(
            instrument=self._instrument,
            bid=_level(ticker.b, ticker.B),
            ask=_level(ticker.a, ticker.A),
            exchange_ns=ticker.T * NS_PER_MS,
        )
        self._touch, self._touch_id = touch, ticker.u
        return self.newer_touch()

    def newer_touch(self) -> Sequence[Event]:
        """Return the touch while it is newer than a book that is known."""
        known = self.sync.last_id
        if self._touch is None or known is None or self._touch_id <= known:
            return ()
        return (self._touch,)


def _level(price: str, size: str) -> Level | None:
    """Read one side of a touch, which is all zeros where nobody quotes.

    Raises:
        RemoteError: it is not what the venue documents.
    """
    if parse_size(size, "size") == 0.0 and parse_size(price, "price") == 0.0:
        return None
    return Level(parse_price(price, "price"), parse_price(size, "size"))


def _trade(instrument: InstrumentId, trade: AggregateTrade, begun_ms: int) -> Trade:
    # What traded before the first book was in none of ours, and fills nothing that rests in it.
    return Trade(
        instrument=instrument,
        price=parse_price(trade.p, "p"),
        size=parse_price(trade.q, "q"),
        aggressor=Side.SELL if trade.m else Side.BUY,
        trade_id=str(trade.a),
        exchange_ns=trade.T * NS_PER_MS,
        is_replay=begun_ms > trade.T,
    )


def _mark(instrument: InstrumentId, mark: MarkPriceUpdate, interval_s: int) -> Sequence[Event]:
    at_ns = mark.E * NS_PER_MS
    price = MarkPrice(
        instrument=instrument,
        mark_price=parse_price(mark.p, "p"),
        index_price=parse_price(mark.i, "i"),
        exchange_ns=at_ns,
    )
    rate = FundingRate(
        instrument=instrument,
        rate=parse_float(mark.r, "r"),
        interval_s=interval_s,
        next_funding_ns=mark.T * NS_PER_MS,
        exchange_ns=at_ns,
    )
    return (price, rate)

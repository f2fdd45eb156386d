"""The public market: books, touches, trades, prices and funding become events, from both stream versions.

Frames are numbered for each connection, all topics together. A hole voids every book of the connection until
its next snapshot, which the venue sends again every minute. A touch that is newer than the change of the book
that arrives after it is told again behind that change.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, TypeAlias

import msgspec

from paraphina_core.connector import MAX_FRAME_BYTES, decode_json, is_plain
from paraphina_core.domain import (
    NS_PER_MS,
    BestBidOffer,
    BookDelta,
    BookGap,
    BookSnapshot,
    Event,
    FundingRate,
    InstrumentId,
    MarkPrice,
    RemoteProtocolError,
    Resubscribe,
    Side,
    SubscriptionLive,
    Trade,
    VenueNotice,
    parse_float,
    parse_price,
    parse_size,
)

from . import messages as wire
from .topics import Topic
from .words import clean

#: Docs "Funding" (read 2026-11): paid every hour on the hour, at the rate of one hour.
FUNDING_INTERVAL_S: Final = 3_600
_HOUR_MS: Final = FUNDING_INTERVAL_S * 1_000
#: A book comes whole every minute (capture of 2026-09); one that does not for half as long again is stale.
MAX_UNCHANGED_MS: Final = 90_000
#: Trades remembered per market, far more than the fifty that come again with a subscription.
REMEMBERED_TRADES: Final = 5_000
#: Types of messages that are noticed because nothing reads them.
MAX_UNKNOWN_TYPES: Final = 100

SIDES: Final[Mapping[wire.WireSide, Side]] = {"BUY": Side.BUY, "SELL": Side.SELL}

#: Gives the instrument of each market that the venue lists.
Instruments: TypeAlias = Callable[[], Mapping[str, InstrumentId]]

# On the way of every frame, and a global is found faster than a module's attribute.
_decode_market: Final = wire.MARKET.decode
_DeltaMessage: Final = wire.DeltaMessage
_SPELLED: Final = frozenset({wire.BookMessage, wire.DeltaMessage})

_Message: TypeAlias = wire.MarketMessage | wire.V1Message
_V1_DECODERS: Final[Mapping[Topic, msgspec.json.Decoder[wire.V1Message]]] = {
    Topic.BOOK: wire.BOOK_V1,
    Topic.TOUCH: wire.BOOK_V1,
    Topic.TRADES: wire.TRADES_V1,
    Topic.MARK: wire.PRICE_V1,
    Topic.INDEX: wire.PRICE_V1,
    Topic.FUNDING: wire.FUNDING_V1,
}


def next_funding_ns(at_ms: int) -> int | None:
    """Return when funding is paid next after a time, None where the time is not known."""
    return (at_ms // _HOUR_MS + 1) * _HOUR_MS * NS_PER_MS if at_ms else None


class MarketFeed:
    """Everything heard of one market over its connections, whichever they are.

    Args:
        instrument: whose market it is.
    """

    def __init__(self, instrument: InstrumentId) -> None:
        self.instrument = instrument
        self._is_whole = False
        self._begun_ms = 0
        self._book_ms = 0
        self._touch: BestBidOffer | None = None
        self._index_price: float | None = None
        self._mark_price: float | None = None
        self._seen: set[int] = set()
        self._seen_in_order: deque[int] = deque()

    def book(self, book: wire.WireBook, at_ms: int) -> Iterator[Event]:
        """Take over a whole book."""
        self._is_whole = True
        self._begun_ms = self._begun_ms or at_ms
        self._book_ms = at_ms
        at_ns = at_ms * NS_PER_MS if at_ms else None
        yield BookSnapshot(instrument=self.instrument, bids=book.b, asks=book.a, exchange_ns=at_ns)
        yield from self._newer_touch(at_ns)

    def delta(self, delta: wire.WireDelta, at_ms: int) -> Iterator[Event]:
        """Take over changes; those of a book that is not whole say nothing."""
        if self._is_whole:
            self._book_ms = at_ms
            at_ns = at_ms * NS_PER_MS if at_ms else None
            yield BookDelta(instrument=self.instrument, bids=delta.b, asks=delta.a, exchange_ns=at_ns)
            yield from self._newer_touch(at_ns)

    def unchanged(self, at_ms: int) -> Iterator[Event]:
        """Tell that the book is as it was: the connection goes on, and none of its frames was missed.

        Not for longer than the venue may leave a book without repeating it whole.
        """
        if self._is_whole and 0 < at_ms - self._book_ms < MAX_UNCHANGED_MS:
            yield BookDelta(instrument=self.instrument, bids=(), asks=(), exchange_ns=at_ms * NS_PER_MS)

    def touch(self, book: wire.WireBook, at_ms: int) -> Iterator[Event]:
        """Take over a touch: the best level of each side that has one."""
        touch = BestBidOffer(
            instrument=self.instrument,
            bid=book.b[0] if book.b else None,
            ask=book.a[0] if book.a else None,
            exchange_ns=at_ms * NS_PER_MS if at_ms else None,
        )
        self._touch = touch
        if self._is_whole:
            yield touch

    def lost(self, reason: str) -> Iterator[Event]:
        """Void the book until its next snapshot."""
        if self._is_whole:
            yield BookGap(instrument=self.instrument, reason=reason)
        self.begin_book()

    def begin_book(self) -> None:
        """Begin anew, as on another connection: what an earlier one said of the book is void."""
        self._is_whole = False
        self._touch = None

    def begin_trades(self) -> None:
        """Begin anew: trades older than the next book come again."""
        self._begun_ms = 0

    def trades(self, trades: Iterable[wire.WireTrade]) -> Iterator[Event]:
        """Take over trades, each once; half a message is not believed."""
        read = [(trade.i, self._trade(trade)) for trade in trades]
        for trade_id, event in read:
            if trade_id not in self._seen:
                self._seen.add(trade_id)
                self._seen_in_order.append(trade_id)
                yield event
        while len(self._seen_in_order) > REMEMBERED_TRADES:
            self._seen.discard(self._seen_in_order.popleft())

    def mark(self, price: wire.WirePrice, at_ms: int) -> Iterator[Event]:
        """Take over a mark price."""
        self._mark_price = parse_price(price.p, "p")
        yield from self._prices(at_ms)

    def index(self, price: wire.WirePrice, at_ms: int) -> Iterator[Event]:
        """Take over an index price, which is told beside the mark price once that is known."""
        self._index_price = parse_price(price.p, "p")
        yield from self._prices(at_ms)

    def funding(self, funding: wire.WireFunding, at_ms: int) -> Iterator[Event]:
        """Take over the rate that was applied last."""
        yield FundingRate(
            instrument=self.instrument,
            rate=parse_float(funding.f, "f"),
            interval_s=FUNDING_INTERVAL_S,
            next_funding_ns=next_funding_ns(at_ms),
            exchange_ns=at_ms * NS_PER_MS if at_ms else None,
        )

    def _newer_touch(self, at_ns: int | None) -> Iterator[Event]:
        touch = self._touch
        if touch is not None and at_ns is not None and (touch.exchange_ns or 0) > at_ns:
            yield touch

    def _prices(self, at_ms: int) -> Iterator[Event]:
        if self._mark_price is not None:
            yield MarkPrice(
                instrument=self.instrument,
                mark_price=self._mark_price,
                index_price=self._index_price,
                exchange_ns=at_ms * NS_PER_MS if at_ms else None,
            )

    def _trade(self, trade: wire.WireTrade) -> Trade:
        # What traded before the first book was in none of ours, and fills nothing that rests in it.
        return Trade(
            instrument=self.instrument,
            price=parse_price(trade.p, "p"),
            size=parse_price(trade.q, "q"),
            aggressor=SIDES[trade.S],
            trade_id=str(trade.i),
            exchange_ns=trade.T * NS_PER_MS,
            is_replay=self._begun_ms > trade.T or not self._begun_ms,
        )


class FeedV2:
    """Reads the one connection that carries every topic.

    Args:
        stream: its name in the plan.
        markets: those that were asked for, whether or not the venue lists them.
        instruments: gives the instrument of each that is listed.
    """

    def __init__(self, stream: str, markets: Sequence[str], instruments: Instruments) -> None:
        self._stream = stream
        self._instruments = instruments
        self._topics = {topic.of(market): (topic, market) for market in markets for topic in Topic}
        self._feeds: dict[str, MarketFeed] = {}
        self._last: int | None = None
        self._unknown: set[str] = set()

    def begin(self) -> None:
        """Begin anew: the connection is another one."""
        self._last = None
        for feed in self._feeds.values():
            feed.begin_book()
            feed.begin_trades()

    def read(self, frame: bytes) -> Sequence[Event]:
        """Turn one message into events; one that nothing can be read of leaves a hole behind.

        Raises:
            RemoteError: the message is not what the venue documents.
        """
        try:
            if len(frame) > MAX_FRAME_BYTES:
                return self._read_other(frame)
            message = _decode_market(frame)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return self._read_other(frame)
        topic, market = self._topic(message.subscription)
        if type(message) in _SPELLED:
            check_spelling(frame, is_delta=type(message) is _DeltaMessage)
        last, seq = self._last, message.seq
        if last is not None and seq <= last:
            return ()  # the same frame again, or one that a later one has overtaken
        events: list[Event] = []
        if last is not None and seq > last + 1:
            events += self._lost(f"frame {last + 1} of the connection is missing, {seq} came")
        feed = self._feed(market)
        if feed is not None:  # listed no more, or never: a notice has told
            events += _events(feed, topic, message, message.ts)
            if topic is Topic.MARK:  # every second, and numbered with the books
                events += feed.unchanged(message.ts)
        self._last = seq
        return events

    def _topic(self, subscription: str) -> tuple[Topic, str]:
        try:
            return self._topics[subscription]
        except KeyError:
            raise RemoteProtocolError(
                "message of a topic that was not subscribed", found=subscription[:64]
            ) from None

    def _feed(self, market: str) -> MarketFeed | None:
        feed = self._feeds.get(market)
        if feed is None:
            instrument = self._instruments().get(market)
            if instrument is None:
                return None
            feed = self._feeds[market] = MarketFeed(instrument)
        return feed

    def _lost(self, reason: str) -> Iterator[Event]:
        for feed in self._feeds.values():
            yield from feed.lost(reason)
        yield Resubscribe(stream=self._stream, reason=reason)

    def _read_other(self, frame: bytes) -> Sequence[Event]:
        """Read what is no market message, or say what is wrong with one."""
        answer = decode_json(wire.RPC_ANSWER, frame, "Extended message")
        if answer.id is None:
            return self._unread(answer, frame)
        if answer.error is not None:
            text = clean(f"call {answer.id} was refused: {answer.error.code} {answer.error.message}")
            return (VenueNotice(code="error", text=text),)
        result = answer.result
        if result is None or result.method != "subscribe" or result.subscription not in self._topics:
            return ()
        return (SubscriptionLive(topic=result.subscription),)

    def _unread(self, message: wire.RpcAnswer, frame: bytes) -> Sequence[Event]:
        if message.type in wire.MARKET_TYPES or message.type is None:
            decode_json(wire.MARKET, frame, "Extended message")  # raises, and says what is wrong
            raise RemoteProtocolError("message has no type that is known", found=frame[:120])
        if message.seq is None or (self._last is not None and message.seq <= self._last):
            return ()
        events: list[Event] = []
        if self._last is not None and message.seq > self._last + 1:
            events += self._lost(f"frame {self._last + 1} of the connection is missing")
        self._last = message.seq
        if message.type not in self._unknown and len(self._unknown) < MAX_UNKNOWN_TYPES:
            self._unknown.add(message.type)
            events.append(VenueNotice(code="unknown_type", text=clean(f"{message.type!r} is not read")))
        return events


class FeedV1:
    """Reads one connection of the first version: one topic of one market.

    Args:
        stream: its name in the plan.
        topic: what it carries.
        feed: gives what is known of the market, None while the venue does not list it.
    """

    def __init__(self, stream: str, topic: Topic, market: str, feed: Callable[[], MarketFeed | None]) -> None:
        self._stream = stream
        self._topic = topic
        self._market = market
        self._feed = feed
        self._last: int | None = None

    def begin(self) -> None:
        """Begin anew: the connection is another one."""
        self._last = None
        feed = self._feed()
        if feed is not None and self._topic is Topic.BOOK:
            feed.begin_book()
        if feed is not None and self._topic is Topic.TRADES:
            feed.begin_trades()

    def read(self, frame: bytes) -> Sequence[Event]:
        """Turn one message into events.

        Raises:
            RemoteError: the message is not what the venue documents.
        """
        message = decode_json(_V1_DECODERS[self._topic], frame, f"Extended {self._topic.value}")
        if isinstance(message, wire.BookV1 | wire.DeltaV1):
            check_spelling(frame, is_delta=isinstance(message, wire.DeltaV1))
        data = message.data
        markets = {trade.m for trade in data} if isinstance(data, tuple) else {data.m}
        if markets - {self._market}:
            raise RemoteProtocolError(
                "message about another market", found=", ".join(markets)[:64], wanted=self._market
            )
        last, seq = self._last, message.seq
        if last is not None and seq <= last:
            return ()
        events: list[Event] = []
        if last is None:
            events.append(SubscriptionLive(topic=self._topic.of(self._market)))
        feed = self._feed()
        if feed is not None:
            if last is not None and seq > last + 1 and self._topic is Topic.BOOK:
                reason = f"frame {last + 1} of the connection is missing, {seq} came"
                events += [*feed.lost(reason), Resubscribe(stream=self._stream, reason=reason)]
            events += _events(feed, self._topic, message, message.ts)
        self._last = seq
        return events


def _events(feed: MarketFeed, topic: Topic, message: _Message, at_ms: int) -> Iterable[Event]:
    """Hand a message to its market.

    Raises:
        RemoteError: it is not what the topic carries.
    """
    match topic, message.data:
        case Topic.BOOK, wire.WireDelta() as delta:
            return feed.delta(delta, at_ms)
        case Topic.BOOK, wire.WireBook() as book:
            return feed.book(book, at_ms)
        case Topic.TOUCH, wire.WireBook() as book:
            return feed.touch(book, at_ms)
        case Topic.TRADES, tuple() as trades:
            return feed.trades(trades)
        case Topic.MARK, wire.WirePrice() as price:
            return feed.mark(price, at_ms)
        case Topic.INDEX, wire.WirePrice() as price:
            return feed.index(price, at_ms)
        case Topic.FUNDING, wire.WireFunding() as funding:
            return feed.funding(funding, at_ms)
        case _:
            raise RemoteProtocolError(
                "message is not what its topic carries", found=type(message).__name__, wanted=topic.value
            )


def check_spelling(frame: bytes, *, is_delta: bool) -> None:
    """Hold every number of a book against the strict parser, where a glance is not enough.

    Raises:
        RemoteError: one of them is spelled in a way that the venue does not.
    """
    if is_plain(frame[frame.find(b"[") : frame.rfind(b"]")]):
        return
    spelled = decode_json(wire.SPELLED, frame, "Extended book").data
    for level in (*spelled.b, *spelled.a):
        parse_price(level.p, "p")
        if is_delta:
            parse_size(level.c, "c")
        else:
            parse_price(level.q, "q")

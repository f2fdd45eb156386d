"""The public stream of the venue: books, touches, trades, marks and funding become events.

A book comes whole with its subscription and then as changes, each of which begins at the count at which the
one before ended. `offset`, which looks like a count, has holes; and a side without levels has not changed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from paraphina_core.connector import MAX_FRAME_BYTES, decode_json
from paraphina_core.domain import (
    NS_PER_MS,
    BestBidOffer,
    BookDelta,
    BookGap,
    BookSnapshot,
    Event,
    FundingRate,
    InstrumentId,
    Level,
    MarkPrice,
    RemoteProtocolError,
    Resubscribe,
    Side,
    SubscriptionLive,
    Trade,
    VenueNotice,
    parse_price,
    parse_size,
)

from . import funding
from . import messages as wire
from .instruments import Market
from .words import clean

#: What is subscribed to for each market.
CHANNELS: Final = ("order_book", "ticker", "trade", "market_stats")
#: Trades remembered per market, far more than come again with a subscription.
REMEMBERED_TRADES: Final = 5_000

_NS_PER_US: Final = 1_000
_decode: Final = wire.MARKET.decode
_BookMessage: Final = wire.BookMessage


def topic(channel: str, symbol: str) -> str:
    """Name a subscription: by symbol, because numbers of markets are known only when listings were read."""
    return f"{channel}:{symbol}"


class PublicFeed:
    """Reads the messages of one connection, of the markets it is told about.

    Args:
        stream: name of the stream in the plan.
        markets: those that are subscribed to.
    """

    def __init__(self, stream: str, markets: Iterable[Market]) -> None:
        self._stream = stream
        self._by_channel: dict[str, _MarketFeed] = {}
        self._topics: dict[str, str] = {}
        for market in markets:
            feed = _MarketFeed(stream, market.instrument)
            for channel in CHANNELS:
                # Messages name a market by number, after a colon; what subscribes has a slash instead.
                name = f"{channel}:{market.market_id}"
                self._by_channel[name], self._topics[name] = feed, topic(channel, market.symbol)

    def read(self, frame: bytes) -> Sequence[Event]:
        """Turn one message into events.

        Raises:
            RemoteError: the message is not what the venue documents; then nothing was learned from it.
        """
        if len(frame) > MAX_FRAME_BYTES:
            return self._other(frame)
        try:
            message = _decode(frame)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return self._other(frame)
        feed = self._by_channel.get(message.channel)
        if feed is None:
            raise RemoteProtocolError(
                "message of a channel that was not subscribed", found=message.channel[:64]
            )
        if type(message) is _BookMessage:
            return feed.change(message, frame)
        events = feed.read(message, frame)
        if isinstance(message, wire.FIRST_MESSAGES):
            return (SubscriptionLive(topic=self._topics[message.channel]), *events)
        return events

    def _other(self, frame: bytes) -> Sequence[Event]:
        """Read what says nothing of a market, or say what is wrong with a message that does."""
        envelope = decode_json(wire.ENVELOPE, frame, "message")
        if envelope.channel in self._by_channel and envelope.error is None:
            decode_json(wire.MARKET, frame, "message")
        return read_notice(envelope, self._stream)


def read_notice(envelope: wire.Envelope, stream: str) -> Sequence[Event]:
    """Turn what the venue says of the connection itself into events.

    Raises:
        RemoteError: it is neither that nor an error.
    """
    if envelope.error is not None:
        text = clean(f"{envelope.error.code} {envelope.error.message}")
        return (VenueNotice(code="error", text=text),)
    match envelope.type:
        # The venue hangs up on who sends nothing for two minutes (docs, read 2026-07-19); heartbeats are
        # sent more often, so that its pings need no answer of their own.
        case "connected" | "ping" | "pong" | "unsubscribed":
            return ()
        case "shutdown":
            # A new connection is made to a server that stays.
            return (Resubscribe(stream=stream, reason=f"the venue closes it in {envelope.close_in_ms} ms"),)
        case other:
            raise RemoteProtocolError("message has no meaning here", found=other[:64])


class _MarketFeed:
    """What has been seen of one market on this connection."""

    def __init__(self, stream: str, instrument: InstrumentId) -> None:
        self._stream = stream
        self._instrument = instrument
        self._nonce: int | None = None
        self._plain = -1
        self._seen: set[int] = set()
        self._seen_in_order: deque[int] = deque()

    def read(self, message: wire.MarketMessage, frame: bytes) -> Sequence[Event]:
        match message:
            case wire.WholeBookMessage():
                wire.check_spelling(frame)
                return (self._whole(message),)
            case wire.BookMessage():
                return self.change(message, frame)
            case wire.TouchMessage():
                return (self._touch(message),)
            case wire.TradesMessage():
                return self._trades(message)
            case wire.StatsMessage():
                return self._stats(message)

    def _whole(self, message: wire.BookMessage) -> BookSnapshot:
        book = message.order_book
        event = BookSnapshot(
            instrument=self._instrument,
            bids=tuple(sorted(_there(book.bids), key=_by_price, reverse=True)),
            asks=tuple(sorted(_there(book.asks), key=_by_price)),
            exchange_ns=_ns(message.last_updated_at),
            sequence=book.nonce,
        )
        self._nonce = book.nonce
        return event

    def change(self, message: wire.BookMessage, frame: bytes) -> Sequence[Event]:
        """Take a change of the book: it follows the last one, or the book is not known any more."""
        book = message.order_book
        known = self._nonce
        if known is None:
            return ()  # a gap was told, and the whole book will come with the next connection
        bids, asks = book.bids or (), book.asks or ()
        # A level has one `e` in each of its keys and an envelope always as many; one more is an exponent.
        envelope = frame.count(b"e") - 2 * (len(bids) + len(asks))
        if envelope != self._plain or b"E" in frame or b"\\" in frame:
            wire.check_spelling(frame)
            self._plain = envelope
        delta = BookDelta(
            instrument=self._instrument,
            bids=bids,
            asks=asks,
            exchange_ns=_ns(message.last_updated_at),
            sequence=book.nonce,
        )
        if book.begin_nonce != known:
            self._nonce = None
            reason = f"change begins at {book.begin_nonce}, wanted {known}"
            return (
                BookGap(instrument=self._instrument, reason=reason),
                Resubscribe(stream=self._stream, reason=reason),
            )
        if book.nonce < known:
            raise RemoteProtocolError("change runs back", found=book.nonce, wanted=f"at least {known}")
        self._nonce = book.nonce
        return (delta,)

    def _touch(self, message: wire.TouchMessage) -> BestBidOffer:
        return BestBidOffer(
            instrument=self._instrument,
            bid=_quote(message.ticker.b),
            ask=_quote(message.ticker.a),
            exchange_ns=_ns(message.last_updated_at),
        )

    def _trades(self, message: wire.TradesMessage) -> Sequence[Event]:
        is_replay = isinstance(message, wire.FirstTradesMessage)
        told = (*(message.trades or ()), *(message.liquidation_trades or ()))
        # All of them are read before one is remembered: half a message is not believed.
        trades = [(trade.trade_id, self._trade(trade, is_replay)) for trade in told]
        return [event for trade_id, event in trades if self._is_new(trade_id)]

    def _trade(self, trade: wire.WireTrade, is_replay: bool) -> Trade:  # noqa: FBT001  # as in the event
        at_ns = _ns(trade.transaction_time)
        return Trade(
            instrument=self._instrument,
            price=parse_price(trade.price, "price"),
            size=parse_price(trade.size, "size"),
            aggressor=Side.BUY if trade.is_maker_ask else Side.SELL,
            trade_id=str(trade.trade_id),
            exchange_ns=trade.timestamp * NS_PER_MS if at_ns is None else at_ns,
            is_replay=is_replay,
        )

    def _is_new(self, trade_id: int) -> bool:
        if trade_id in self._seen:
            return False
        self._seen.add(trade_id)
        self._seen_in_order.append(trade_id)
        if len(self._seen_in_order) > REMEMBERED_TRADES:
            self._seen.discard(self._seen_in_order.popleft())
        return True

    def _stats(self, message: wire.StatsMessage) -> Sequence[Event]:
        stats = message.market_stats
        at_ns = None if message.timestamp is None else message.timestamp * NS_PER_MS
        mark = MarkPrice(
            instrument=self._instrument,
            mark_price=parse_price(stats.mark_price, "mark_price"),
            index_price=parse_price(stats.index_price, "index_price"),
            exchange_ns=at_ns,
        )
        rate = FundingRate(
            instrument=self._instrument,
            rate=funding.of_market(stats.current_funding_rate),
            interval_s=funding.INTERVAL_S,
            next_funding_ns=funding.next_ms(stats.funding_timestamp) * NS_PER_MS,
            exchange_ns=at_ns,
        )
        return (mark, rate)


def _there(side: Sequence[Level] | None) -> Sequence[Level]:
    """Return the levels of a whole book, of which an empty one is none."""
    return [level for level in side or () if level.size]


def _by_price(level: Level) -> float:
    return level.price


def _quote(quote: wire.Quote | None) -> Level | None:
    """Read one side of a touch; nobody quotes where there is none, or one of size zero.

    Raises:
        RemoteError: a number makes no sense.
    """
    if quote is None or parse_size(quote.size, "size") == 0.0:
        return None
    return Level(parse_price(quote.price, "price"), parse_price(quote.size, "size"))


def _ns(microseconds: int | None) -> int | None:
    return None if microseconds is None else microseconds * _NS_PER_US

"""The public stream of the venue: books, trades and acknowledgements become events.

Every book is whole and there is no sequence number, so a lost book heals with the next one. Trades
that happened before the subscription come first and without a mark; they are marked here.

Books, touches and trades are decoded in one pass, of a book only the best levels. Whatever that pass
cannot read is read again by its envelope, to say what it is or what is wrong with it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from paraphina_core.connector import MAX_FRAME_BYTES, is_plain
from paraphina_core.domain import (
    NS_PER_MS,
    BestBidOffer,
    BookSnapshot,
    Event,
    FundingRate,
    InstrumentId,
    Level,
    MarkPrice,
    PackedLevels,
    RemoteProtocolError,
    Side,
    SubscriptionLive,
    Trade,
    VenueNotice,
    parse_float,
    parse_price,
)

from . import messages as wire
from .channels import UnknownChannels
from .words import clean

#: Trades remembered per coin, far more than the about 30 that come again with a subscription.
REMEMBERED_TRADES: Final = 5_000
#: Docs "Funding" (read 2026-08-22): paid every hour, at the rate of one hour.
FUNDING_INTERVAL_S: Final = 3_600

# On the way of every frame, and a global is found faster than a module's attribute.
_decode_market: Final = wire.MARKET.decode
_decode_level: Final = wire.LEVEL.decode
_TradesMessage: Final = wire.TradesMessage
_WireBook: Final = wire.WireBook

_SIDES: Final[Mapping[wire.WireSide, Side]] = {"B": Side.BUY, "A": Side.SELL}


def topic(channel: str, coin: str) -> str:
    """Name a subscription, as in `SubscriptionLive` and a stream's topics."""
    return f"{channel}:{coin}"


class PublicFeed:
    """Reads the public messages of one connection, of the coins it is told about.

    Args:
        instruments: instrument of each subscribed coin; a message about another coin is an error.
    """

    def __init__(self, instruments: Mapping[str, InstrumentId]) -> None:
        self._coins = {coin: _CoinFeed(coin, instrument) for coin, instrument in instruments.items()}
        self._unknown_channels = UnknownChannels()

    def read(self, frame: bytes) -> Sequence[Event]:
        """Turn one message into events.

        Raises:
            RemoteError: the message is not what the venue documents.
        """
        if len(frame) > MAX_FRAME_BYTES:
            return self._read_other(frame)
        try:
            message = _decode_market(frame)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return self._read_other(frame)
        if isinstance(message, _TradesMessage):
            return self._trades(message.data)
        data = message.data
        feed = self._coins.get(data.coin) or self._coin(data.coin)
        if isinstance(data, _WireBook):
            return (feed.book(data),)
        return (feed.touch(data, frame),)

    def _read_other(self, frame: bytes) -> Sequence[Event]:
        """Read what is no market message, or say what is wrong with one."""
        envelope = wire.decode(wire.ENVELOPE, frame, "message")
        match envelope.channel:
            case channel if channel in wire.MARKET_CHANNELS:
                wire.decode(wire.MARKET, frame, "market message")
                return ()
            case "activeAssetCtx":
                context = wire.decode(wire.ASSET_CONTEXT, envelope.data, "activeAssetCtx")
                return self._coin(context.coin).context(context.ctx)
            case "pong":
                return ()
            case "subscriptionResponse":
                answer = wire.decode(wire.SUBSCRIBED, envelope.data, "acknowledgement")
                subscription = answer.subscription
                if answer.method != "subscribe" or subscription.coin is None:
                    return ()
                return (SubscriptionLive(topic=topic(subscription.type, subscription.coin)),)
            case "error":
                text = wire.decode(wire.TEXT, envelope.data, "error")
                return (VenueNotice(code="error", text=clean(text)),)
            case other:
                return self._unknown_channels.notice(other)

    def _coin(self, coin: str) -> _CoinFeed:
        feed = self._coins.get(coin)
        if feed is None:
            raise RemoteProtocolError(
                "message about a coin that was not subscribed", found=coin, wanted=", ".join(self._coins)
            )
        return feed

    def _trades(self, trades: tuple[wire.WireTrade, ...]) -> Sequence[Event]:
        read: list[tuple[_CoinFeed, Trade]] = []
        for trade in trades:
            feed = self._coin(trade.coin)
            read.append((feed, feed.trade(trade)))
        # Nothing is remembered before all of the message is read: half a message is not believed.
        fresh = [event for feed, event in read if feed.is_new(event)]
        for feed, _ in read:
            feed.has_trades = True
        return fresh


class _CoinFeed:
    """What has been seen of one coin on this connection."""

    def __init__(self, coin: str, instrument: InstrumentId) -> None:
        self._instrument = instrument
        spelled = msgspec.json.encode(coin)
        self._bbo_head = b'{"channel":"bbo","data":{"coin":' + spelled + b',"time":'
        self._first_book_ms: int | None = None
        self._last_book_ms = 0
        self.has_trades = False
        self._seen: set[str] = set()
        self._seen_in_order: deque[str] = deque()

    def book(self, book: wire.WireBook) -> BookSnapshot:
        bids, asks = book.levels
        event = BookSnapshot(
            instrument=self._instrument,
            bids=_side(bids),
            asks=_side(asks),
            exchange_ns=book.time * NS_PER_MS,
        )
        time_ms = book.time
        # The time of books never falls on one connection (docs, read 2026-08-22).
        if time_ms < self._last_book_ms:
            raise RemoteProtocolError(
                "time of books runs back", found=time_ms, wanted=f"at least {self._last_book_ms}"
            )
        self._last_book_ms = time_ms
        if self._first_book_ms is None:
            self._first_book_ms = time_ms
        return event

    def touch(self, bbo: wire.WireBbo, frame: bytes) -> BestBidOffer:
        head = self._bbo_head
        if not (frame.startswith(head) and is_plain(frame[len(head) :])):
            spelled = wire.decode(wire.SPELLED_BBO, frame, "touch").data.bbo
            _check_spelling(level for level in spelled if level is not None)
        bid, ask = bbo.bbo
        return BestBidOffer(instrument=self._instrument, bid=bid, ask=ask, exchange_ns=bbo.time * NS_PER_MS)

    def context(self, context: wire.WireAssetContext) -> Sequence[Event]:
        funding = FundingRate(
            instrument=self._instrument,
            rate=parse_float(context.funding, "funding"),
            interval_s=FUNDING_INTERVAL_S,
        )
        mark = MarkPrice(
            instrument=self._instrument,
            mark_price=parse_price(context.markPx, "markPx"),
            index_price=parse_price(context.oraclePx, "oraclePx"),
        )
        return (funding, mark)

    def trade(self, trade: wire.WireTrade) -> Trade:
        # The first trades message holds about the last 30 trades, with nothing to tell them from new
        # ones (docs and captures, read 2026-11). Only what is newer than a book that was already
        # here can have happened since.
        is_replay = not self.has_trades and (self._first_book_ms is None or trade.time < self._first_book_ms)
        return Trade(
            instrument=self._instrument,
            price=parse_price(trade.px, "px"),
            size=parse_price(trade.sz, "sz"),
            aggressor=_SIDES[trade.side],
            trade_id=f"{trade.time}-{trade.tid}",
            exchange_ns=trade.time * NS_PER_MS,
            is_replay=is_replay,
        )

    def is_new(self, trade: Trade) -> bool:
        """Tell whether the trade was not seen before, and remember it."""
        if trade.trade_id in self._seen:
            return False
        self._seen.add(trade.trade_id)
        self._seen_in_order.append(trade.trade_id)
        if len(self._seen_in_order) > REMEMBERED_TRADES:
            self._seen.discard(self._seen_in_order.popleft())
        return True


def _side(raw: msgspec.Raw) -> Sequence[Level]:
    """Read the best level of a side; the others are read when they are asked for."""
    packed = bytes(raw)
    end = packed.find(b"}")
    if end < 0:  # no level, or something else than levels
        return _unpack(packed)
    try:
        best = _decode_level(packed[1 : end + 1])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _unpack(packed)
    return PackedLevels(best, packed, _unpack)


def _unpack(packed: bytes) -> tuple[Level, ...]:
    """Read all levels of a side.

    Raises:
        RemoteError: they are not what the venue documents.
    """
    levels = wire.decode(wire.LEVELS, packed, "levels")
    if not is_plain(packed):
        spelled = wire.decode(wire.SPELLED_LEVELS, packed, "levels")
        _check_spelling(spelled)
    return levels


def _check_spelling(levels: Iterable[wire.SpelledLevel]) -> None:
    """Hold every number against the strict parser, where a glance was not enough."""
    for level in levels:
        parse_price(level.px, "px")
        parse_price(level.sz, "sz")

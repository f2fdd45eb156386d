"""The public stream of the venue: books, trades and acknowledgements become events.

Every book is whole and there is no sequence number, so a lost book heals with the next one. Trades
that happened before the subscription come first and without a mark; they are marked here.

Books, touches and trades are decoded in one pass. Whatever that pass cannot read is read again by its
envelope, to say what it is or what is wrong with it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
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
    MarkPrice,
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

#: How many digits a time has that stands before the levels, from 2001 to 2286.
_TIME_DIGITS: Final = 13
_BEFORE_LEVELS: Final = b',"levels":[['
#: What a fast book says after its levels (docs, read 2026-08-22; where it says so was not recorded).
_AFTER_FAST_LEVELS: Final = b',"fast":true}}'

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
            message = wire.MARKET.decode(frame)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return self._read_other(frame)
        if isinstance(message, wire.BookMessage):
            book = message.data
            return (self._coin(book.coin).book(book, frame),)
        if isinstance(message, wire.BboMessage):
            bbo = message.data
            return (self._coin(bbo.coin).touch(bbo, frame),)
        return self._trades(message.data)

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
        feeds = [self._coin(trade.coin) for trade in trades]
        events = [feed.trade(trade) for feed, trade in zip(feeds, trades, strict=True)]
        # Nothing is remembered before all of the message is read: half a message is not believed.
        fresh = [event for feed, event in zip(feeds, events, strict=True) if feed.is_new(event)]
        for feed in feeds:
            feed.has_trades = True
        return fresh


class _CoinFeed:
    """What has been seen of one coin on this connection."""

    def __init__(self, coin: str, instrument: InstrumentId) -> None:
        self._instrument = instrument
        spelled = msgspec.json.encode(coin)
        self._book_head = b'{"channel":"l2Book","data":{"coin":' + spelled + b',"time":'
        self._bbo_head = b'{"channel":"bbo","data":{"coin":' + spelled + b',"time":'
        self._levels_key = len(self._book_head) + _TIME_DIGITS
        self._levels = self._levels_key + len(_BEFORE_LEVELS)
        self._first_book_ms: int | None = None
        self._last_book_ms = 0
        self.has_trades = False
        self._seen: set[str] = set()
        self._seen_in_order: deque[str] = deque()

    def book(self, book: wire.WireBook, frame: bytes) -> BookSnapshot:
        if not self._is_plain_book(frame):
            _check_spelling(frame)
        time_ms = book.time
        # The time of books never falls on one connection (docs, read 2026-08-22).
        if time_ms < self._last_book_ms:
            raise RemoteProtocolError(
                "time of books runs back", found=time_ms, wanted=f"at least {self._last_book_ms}"
            )
        self._last_book_ms = time_ms
        if self._first_book_ms is None:
            self._first_book_ms = time_ms
        bids, asks = book.levels
        return BookSnapshot(
            instrument=self._instrument, bids=bids, asks=asks, exchange_ns=time_ms * NS_PER_MS
        )

    def touch(self, bbo: wire.WireBbo, frame: bytes) -> BestBidOffer:
        head = self._bbo_head
        if not (frame.startswith(head) and is_plain(frame[len(head) :])):
            _check_spelling(frame)
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

    def _is_plain_book(self, frame: bytes) -> bool:
        """Tell whether the frame has the venue's usual layout, and no number in it is spelled oddly.

        Before the levels stand a head that is known to the byte and a time, too short to hide a level;
        what follows holds no letter of an exponent, in keys neither.
        """
        if frame[self._levels_key : self._levels] != _BEFORE_LEVELS or not frame.startswith(self._book_head):
            return False
        levels = frame[self._levels :]
        return is_plain(levels) or (
            levels.endswith(_AFTER_FAST_LEVELS) and is_plain(levels[: -len(_AFTER_FAST_LEVELS)])
        )

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


def _check_spelling(frame: bytes) -> None:
    """Hold every number of a book or touch against the strict parser, where a glance was not enough."""
    data = wire.decode(wire.SPELLED, frame, "book").data
    for side in (*data.levels, data.bbo):
        for level in side:
            if level is not None:
                parse_price(level.px, "px")
                parse_price(level.sz, "sz")

"""The public stream of the venue: books, trades and acknowledgements become events.

Every book is whole and there is no sequence number, so a lost book heals with the next one. Trades
that happened before the subscription come first and without a mark; they are marked here.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Final

from paraphina_core.domain import (
    NS_PER_MS,
    BookSnapshot,
    Event,
    InstrumentId,
    Level,
    RemoteProtocolError,
    Side,
    SubscriptionLive,
    Trade,
    VenueNotice,
    parse_price,
)

from . import messages as wire

#: Trades remembered per coin, far more than the about 30 that come again with a subscription.
REMEMBERED_TRADES: Final = 5_000
#: Channels worth a notice that nothing here reads them; a venue has a few dozen.
MAX_UNKNOWN_CHANNELS: Final = 100

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
        self._coins = {coin: _CoinFeed(instrument) for coin, instrument in instruments.items()}
        self._unknown_channels: set[str] = set()

    def read(self, frame: bytes) -> Sequence[Event]:
        """Turn one message into events.

        Raises:
            RemoteError: the message is not what the venue documents.
        """
        envelope = wire.decode(wire.ENVELOPE, frame, "message")
        match envelope.channel:
            case "l2Book":
                book = wire.decode(wire.BOOK, envelope.data, "book")
                return (self._coin(book.coin).book(book),)
            case "trades":
                return self._trades(wire.decode(wire.TRADES, envelope.data, "trades"))
            case "subscriptionResponse":
                answer = wire.decode(wire.SUBSCRIBED, envelope.data, "acknowledgement")
                subscription = answer.subscription
                if answer.method != "subscribe" or subscription.coin is None:
                    return ()
                return (SubscriptionLive(topic=topic(subscription.type, subscription.coin)),)
            case "error":
                return (VenueNotice(code="error", text=wire.decode(wire.TEXT, envelope.data, "error")),)
            case _:
                return self._unknown(envelope.channel)

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

    def _unknown(self, channel: str) -> Sequence[Event]:
        if channel in self._unknown_channels or len(self._unknown_channels) >= MAX_UNKNOWN_CHANNELS:
            return ()
        self._unknown_channels.add(channel)
        return (VenueNotice(code="unknown_channel", text=f"channel {channel[:64]!r} is not read"),)


class _CoinFeed:
    """What has been seen of one coin on this connection."""

    def __init__(self, instrument: InstrumentId) -> None:
        self._instrument = instrument
        self._first_book_ms: int | None = None
        self._last_book_ms = 0
        self.has_trades = False
        self._seen: set[str] = set()
        self._seen_in_order: deque[str] = deque()

    def book(self, book: wire.WireBook) -> BookSnapshot:
        bids, asks = book.levels
        event = BookSnapshot(
            instrument=self._instrument,
            bids=_levels(bids),
            asks=_levels(asks),
            exchange_ns=book.time * NS_PER_MS,
        )
        # The time of books never falls on one connection (docs, read 2026-08-22).
        if book.time < self._last_book_ms:
            raise RemoteProtocolError(
                "time of books runs back", found=book.time, wanted=f"at least {self._last_book_ms}"
            )
        self._last_book_ms = book.time
        if self._first_book_ms is None:
            self._first_book_ms = book.time
        return event

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


def _levels(levels: Sequence[wire.WireLevel]) -> tuple[Level, ...]:
    return tuple((parse_price(level.px, "px"), parse_price(level.sz, "sz")) for level in levels)

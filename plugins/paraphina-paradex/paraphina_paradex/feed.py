"""The public stream of the venue: binary books, touches, trades, marks and funding become events.

A book begins whole, and each frame after that counts exactly one higher; many frames change no level. Touches
carry the same count: one that is older than the book is dropped, and one that is newer than the change of the
book that arrives after it is told again behind that change.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import msgspec

from paraphina_core.connector import MAX_FRAME_BYTES, decode_json
from paraphina_core.domain import (
    BestBidOffer,
    BookDelta,
    BookGap,
    BookSnapshot,
    Event,
    FundingRate,
    InstrumentId,
    Level,
    MarkPrice,
    RemoteNumberError,
    RemoteProtocolError,
    Resubscribe,
    Side,
    SubscriptionLive,
    Trade,
    VenueNotice,
)

from . import sbe
from .messages import CONTROL

#: What is subscribed to for each market beside its book.
CHANNELS: Final = ("bbo", "trades", "markets_summary", "funding_data")
#: Books that the venue streams: every change of the whole book, or fifteen levels twenty times a second.
DELTAS: Final = "deltas"
SNAPSHOTS: Final = "snapshot@15@50ms"

#: Trades that met the book: ordinary ones, liquidations, and those with retail flow (enumeration FillType).
#: Unwinding, settlement and block trades did not.
_OF_THE_BOOK: Final = frozenset({1, 2, 5})
#: Changes that may come before the whole book; after as many it was lost on its way.
_MAX_EARLY: Final = 20
#: Frames after which an answer to a subscription that has not come was lost, and data are the answer.
_MAX_UNANSWERED: Final = 100
_TOPICS: Final = {
    sbe.Template.BBO: "bbo",
    sbe.Template.TRADE: "trades",
    sbe.Template.SUMMARY: "markets_summary",
    sbe.Template.FUNDING: "funding_data",
}
_AGGRESSORS: Final = {1: Side.BUY, 2: Side.SELL}

_NS_PER_US: Final = 1_000
#: A whole number on the wire is divided by this, which is exact to the nearest float.
_SCALE: Final = 10**-sbe.EXPONENT
_LAST_US: Final = 4_102_444_800_000_000  # the year 2100
_SECONDS_AN_HOUR: Final = 3_600
_MAX_FUNDING_HOURS: Final = 24 * 7


def channels(market: str, book: str) -> tuple[str, ...]:
    """Return the channels of a market, its book first."""
    return (f"order_book.{market}.{book}", *(f"{channel}.{market}" for channel in CHANNELS))


def subscriptions(topics: Sequence[str]) -> tuple[bytes, ...]:
    """Spell the messages that subscribe to channels."""
    return tuple(
        msgspec.json.encode(
            {"jsonrpc": "2.0", "method": "subscribe", "params": {"channel": topic}, "id": number}
        )
        for number, topic in enumerate(topics, 1)
    )


class PublicFeed:
    """Reads the frames of one connection, of the markets it is told about.

    Args:
        stream: name of the stream in the plan.
        markets: those that were asked for, whether or not the venue lists them.
        book: the kind of book that is subscribed to.
        instruments: gives the instrument of each that is listed.
    """

    def __init__(
        self,
        stream: str,
        markets: Sequence[str],
        book: str,
        instruments: Callable[[], Mapping[str, InstrumentId]],
    ) -> None:
        self._topics = frozenset(topic for market in markets for topic in channels(market, book))
        self._waits_for = set(self._topics)
        self._unanswered = 0
        self._book = book
        self._feeds = {
            market: _MarketFeed(stream, market, instruments, follows=book == DELTAS) for market in markets
        }
        self._by_bytes = {market.encode(): feed for market, feed in self._feeds.items()}

    def read(self, frame: bytes) -> Sequence[Event]:
        """Turn one frame into events.

        Raises:
            RemoteError: the frame is not what the venue documents; then nothing was learned from it.
        """
        if len(frame) > MAX_FRAME_BYTES:
            raise RemoteProtocolError("frame is too long", found=f"{len(frame)} bytes")
        book = sbe.read_book(frame)
        if book is not None:
            feed = self._by_bytes.get(book.market)
            if feed is None:
                return self._stranger(book.market)
            events = feed.book(book)
            return self._first("order_book", feed, events) if self._waits_for and events else events
        if frame.startswith(b'{"'):  # as a header of a binary frame it would be a block of 8,827 bytes
            return self._control(frame)
        other = sbe.read(frame)
        if other is None or "market" not in other.texts:
            return ()  # a template of later versions, or a sign of life
        by_name = self._feeds.get(other.texts["market"])
        if by_name is None:
            return self._stranger(other.texts["market"])
        events = by_name.other(other)
        return self._first(_TOPICS[other.template], by_name, events) if self._waits_for else events

    def _first(self, channel: str, feed: _MarketFeed, events: Sequence[Event]) -> Sequence[Event]:
        """Say that a channel is live whose data come though the answer to its subscription was lost."""
        self._unanswered += 1
        if self._unanswered <= _MAX_UNANSWERED:
            return events
        topic = f"{channel}.{feed.market}" + (f".{self._book}" if channel == "order_book" else "")
        if topic not in self._waits_for:
            return events
        self._waits_for.discard(topic)
        return (SubscriptionLive(topic=topic), *events)

    def _control(self, frame: bytes) -> Sequence[Event]:
        control = decode_json(CONTROL, frame, "control message")
        if control.method is not None:
            raise RemoteProtocolError(
                "data are not binary, which was negotiated", found=frame[:80], wanted="frames of schema 1"
            )
        if control.error is not None:
            text = "".join(letter for letter in control.error.message if letter.isprintable())
            return (VenueNotice(code=f"error {control.error.code}", text=text[:200]),)
        if control.result is None or control.result.channel not in self._topics:
            raise RemoteProtocolError("answer to nothing that was asked", found=frame[:80])
        self._waits_for.discard(control.result.channel)
        return (SubscriptionLive(topic=control.result.channel),)

    def _stranger(self, market: bytes | str) -> Sequence[Event]:
        raise RemoteProtocolError("frame about a market that was not subscribed", found=market[:64])


class _MarketFeed:
    """What one connection has told of one market."""

    def __init__(
        self,
        stream: str,
        market: str,
        instruments: Callable[[], Mapping[str, InstrumentId]],
        *,
        follows: bool,
    ) -> None:
        self.market = market
        self._stream, self._instruments, self._follows = stream, instruments, follows
        self._sequence: int | None = None
        self._early = 0
        self._is_lost = False
        self._begun_us = 0
        self._touch: tuple[int, BestBidOffer] | None = None

    def book(self, frame: sbe.BookFrame) -> Sequence[Event]:
        """Take a whole book, or a change that must count one higher than the last frame."""
        instrument = self._instruments().get(self.market)
        if instrument is None:
            return ()  # listed no more, or without a grid that we understand; a notice has told
        at_ns = _nanoseconds(frame.at_us)
        event: BookSnapshot | BookDelta
        if frame.is_whole:
            event = BookSnapshot(
                instrument=instrument,
                bids=_levels(frame.bids) if frame.bids else (),
                asks=_levels(frame.asks) if frame.asks else (),
                exchange_ns=at_ns,
                sequence=frame.sequence,
            )
            self._begun_us = self._begun_us or frame.at_us
        elif self._sequence is None:
            return self._before_the_whole(instrument)
        elif frame.sequence <= self._sequence or self._is_lost:
            return ()  # twice, or behind a hole that only a new connection fills
        elif frame.sequence != self._sequence + 1 or not self._follows:
            self._is_lost, self._touch = True, None
            reason = f"book counts {frame.sequence}, wanted {self._sequence + 1}"
            return (
                BookGap(instrument=instrument, reason=reason),
                Resubscribe(stream=self._stream, reason=reason),
            )
        else:
            event = BookDelta(
                instrument=instrument,
                bids=_changes(frame.bids) if frame.bids else (),
                asks=_changes(frame.asks) if frame.asks else (),
                exchange_ns=at_ns,
                sequence=frame.sequence,
            )
        self._sequence, self._is_lost = frame.sequence, False
        if self._touch is None:
            return (event,)
        return (event, *self._newer_touch())

    def _before_the_whole(self, instrument: InstrumentId) -> Sequence[Event]:
        self._early += 1
        if self._early != _MAX_EARLY:
            return ()
        reason = f"no whole book before {_MAX_EARLY} changes"
        return (
            BookGap(instrument=instrument, reason=reason),
            Resubscribe(stream=self._stream, reason=reason),
        )

    def other(self, frame: sbe.Frame) -> Sequence[Event]:
        """Take a touch, a trade, a summary or a rate."""
        instrument = self._instruments().get(self.market)
        if instrument is None:
            return ()
        match frame.template:
            case sbe.Template.BBO:
                return self._best(instrument, frame)
            case sbe.Template.TRADE:
                return _trade(instrument, frame, self._begun_us)
            case sbe.Template.SUMMARY:
                return _mark(instrument, frame)
            case sbe.Template.FUNDING:
                return _funding(instrument, frame)
            case _:
                raise RemoteProtocolError("frame of a channel that was not subscribed", found=frame.template)

    def _best(self, instrument: InstrumentId, frame: sbe.Frame) -> Sequence[Event]:
        sequence = _whole(frame, "seq")
        if self._touch is not None and sequence <= self._touch[0]:
            return ()
        touch = BestBidOffer(
            instrument=instrument,
            bid=_side(frame, "bidPrice", "bidSize"),
            ask=_side(frame, "askPrice", "askSize"),
            exchange_ns=_time(frame, "ts"),
        )
        if touch.bid is not None and touch.ask is not None and touch.bid.price >= touch.ask.price:
            raise RemoteProtocolError("touch is crossed", found=(touch.bid.price, touch.ask.price))
        self._touch = sequence, touch
        return self._newer_touch()

    def _newer_touch(self) -> Sequence[Event]:
        """Return the touch while it is newer than a book that is known, and forget it otherwise."""
        if self._touch is None or self._sequence is None or self._is_lost:
            return ()
        if self._touch[0] <= self._sequence:
            self._touch = None
            return ()
        return (self._touch[1],)


def _levels(packed: bytes) -> tuple[Level, ...]:
    """Read the levels of a whole book, none of which is gone.

    Raises:
        RemoteError: one is empty or has no price.
    """
    prices, sizes = sbe.columns(packed)
    if min(prices) <= 0 or min(sizes) <= 0:
        raise RemoteNumberError("level of a whole book is not usable", found=(min(prices), min(sizes)))
    return _scaled_levels(prices, sizes)


def _changes(packed: bytes) -> tuple[Level, ...]:
    """Read changed levels, of which those of size zero are gone.

    Raises:
        RemoteError: one has no price, or a negative size, which also stands for none.
    """
    prices, sizes = sbe.columns(packed)
    if min(prices) <= 0 or min(sizes) < 0:
        raise RemoteNumberError("changed level is not usable", found=(min(prices), min(sizes)))
    return _scaled_levels(prices, sizes)


def _scaled_levels(prices: Sequence[int], sizes: Sequence[int]) -> tuple[Level, ...]:
    scale = _SCALE
    return tuple(map(Level, [price / scale for price in prices], [size / scale for size in sizes]))


def _whole(frame: sbe.Frame, field: str) -> int:
    """Return a number that must be there.

    Raises:
        RemoteError: it is not.
    """
    number = frame.numbers[field]
    if not isinstance(number, int):
        raise RemoteNumberError(f"{field} is missing", found=number)
    return number


def _scaled(frame: sbe.Frame, field: str) -> float:
    return _whole(frame, field) / _SCALE


def _above_zero(frame: sbe.Frame, field: str) -> float:
    number = _whole(frame, field)
    if number <= 0:
        raise RemoteNumberError(f"{field} is not usable", found=number, wanted="above zero")
    return number / _SCALE


def _nanoseconds(at_us: int) -> int:
    if not 0 < at_us < _LAST_US:
        raise RemoteNumberError("time is not usable", found=at_us, wanted="microseconds since 1970")
    return at_us * _NS_PER_US


def _time(frame: sbe.Frame, field: str) -> int:
    return _nanoseconds(_whole(frame, field))


def _side(frame: sbe.Frame, price: str, size: str) -> Level | None:
    """Read one side of a touch, which has no price where nobody quotes."""
    if frame.numbers[price] is None and not frame.numbers[size]:
        return None
    return Level(_above_zero(frame, price), _above_zero(frame, size))


def _trade(instrument: InstrumentId, frame: sbe.Frame, begun_us: int) -> Sequence[Event]:
    aggressor = _AGGRESSORS.get(_whole(frame, "side"))
    if aggressor is None:
        raise RemoteProtocolError("trade has no side", found=frame.numbers["side"])
    if frame.numbers["tradeType"] not in _OF_THE_BOOK:
        return ()
    created_ns = _time(frame, "createdAt")
    trade = Trade(
        instrument=instrument,
        price=_above_zero(frame, "price"),
        size=_above_zero(frame, "size"),
        aggressor=aggressor,
        # The number is cut to 64 bits, so that two trades can share it (remark in the schema).
        trade_id=frame.texts.get("tradeIdStr") or str(_whole(frame, "tradeId")),
        exchange_ns=created_ns,
        # What traded before the first book was in none of ours, and fills nothing that rests in it.
        is_replay=begun_us * _NS_PER_US > created_ns,
    )
    return (trade,)


def _mark(instrument: InstrumentId, frame: sbe.Frame) -> Sequence[Event]:
    mark = MarkPrice(
        instrument=instrument,
        mark_price=_above_zero(frame, "markPrice"),
        index_price=_above_zero(frame, "indexPrice"),
        exchange_ns=_time(frame, "ts"),
    )
    return (mark,)


def _funding(instrument: InstrumentId, frame: sbe.Frame) -> Sequence[Event]:
    """Read the rate of one period of the market; it accrues each second, so that no payment is the next."""
    hours = _whole(frame, "fundingPeriodHours")
    if not 0 < hours <= _MAX_FUNDING_HOURS:
        raise RemoteNumberError("fundingPeriodHours is not usable", found=hours, wanted="1 to 168")
    rate = FundingRate(
        instrument=instrument,
        rate=_scaled(frame, "fundingRate"),
        interval_s=hours * _SECONDS_AN_HOUR,
        exchange_ns=_time(frame, "ts"),
    )
    return (rate,)

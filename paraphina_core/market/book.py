"""One instrument's book: levels best first, and a state that says whether it may be believed.

A book is believed only while it is `live`. A gap, a crossed or an empty side are states, not
exceptions: whoever quotes asks for the state first. Levels are keyed by number, because a venue may
spell one price in several ways.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from enum import StrEnum

from paraphina_core.domain import (
    BestBidOffer,
    BookDelta,
    BookGap,
    BookSnapshot,
    InstrumentId,
    Level,
    RemoteProtocolError,
    Side,
)


class BookState(StrEnum):
    """Whether a book may be believed, and if not, why."""

    WAITING = "waiting"
    LIVE = "live"
    GAPPED = "gapped"
    CROSSED = "crossed"
    ONE_SIDED = "one_sided"


def _bid_key(level: Level) -> float:
    return -level[0]


def _ask_key(level: Level) -> float:
    return level[0]


class Book:
    """The visible book of one instrument.

    Attributes:
        state: see `BookState`; only `live` may be quoted on.
        bids: `(price, size)` with falling prices, quote units and base units.
        asks: `(price, size)` with rising prices.
        arrived_ns: session time at which the last believed message arrived, None before the first.
        exchange_ns: the venue's own time of that message, None where it gives none.
    """

    __slots__ = ("arrived_ns", "asks", "bids", "exchange_ns", "instrument", "max_levels", "state")

    def __init__(self, instrument: InstrumentId, max_levels: int = 1000) -> None:
        self.instrument = instrument
        self.max_levels = max_levels
        self.state = BookState.WAITING
        self.bids: Sequence[Level] = ()
        self.asks: Sequence[Level] = ()
        self.arrived_ns: int | None = None
        self.exchange_ns: int | None = None

    @property
    def best_bid(self) -> Level | None:
        """Highest bid, None when there is none."""
        return self.bids[0] if self.bids else None

    @property
    def best_ask(self) -> Level | None:
        """Lowest ask, None when there is none."""
        return self.asks[0] if self.asks else None

    @property
    def mid(self) -> float | None:
        """Mean of the touch, None unless both sides have one."""
        if not self.bids or not self.asks:
            return None
        return (self.bids[0][0] + self.asks[0][0]) / 2

    @property
    def microprice(self) -> float | None:
        """Size-weighted mid: the bid weighted by the ask's size and the reverse, None without both."""
        if not self.bids or not self.asks:
            return None
        (bid, bid_size), (ask, ask_size) = self.bids[0], self.asks[0]
        return (bid * ask_size + ask * bid_size) / (bid_size + ask_size)

    def reset(self) -> None:
        """Forget everything, as after a lost connection; the next snapshot starts anew."""
        self.state = BookState.WAITING
        self.bids = ()
        self.asks = ()
        self.exchange_ns = None

    def apply(self, event: BookSnapshot | BookDelta | BookGap | BestBidOffer, at_ns: int) -> None:
        """Apply one event that arrived at `at_ns`.

        Deltas and best offers are ignored until a snapshot has made the book whole.

        Raises:
            RemoteProtocolError: levels are out of order, repeated, not above zero or too many. The
                book is gapped then.
        """
        if isinstance(event, BookSnapshot):
            self._snapshot(event)
        elif isinstance(event, BookGap):
            self.state = BookState.GAPPED
            return
        elif self.state in {BookState.WAITING, BookState.GAPPED}:
            return
        elif isinstance(event, BookDelta):
            self._delta(event)
        else:
            if event.exchange_ns is not None and event.exchange_ns < (self.exchange_ns or 0):
                return
            self.bids = _with_touch(self.bids, event.bid, _bid_key)
            self.asks = _with_touch(self.asks, event.ask, _ask_key)
        self.arrived_ns = at_ns
        self.exchange_ns = event.exchange_ns
        self._judge()

    def levels(self, side: Side) -> Sequence[Level]:
        """Return the levels that rest on one side, best first."""
        return self.bids if side is Side.BUY else self.asks

    def size_at(self, side: Side, price: float) -> float:
        """Return the displayed size at a price, 0.0 where there is no such level."""
        levels, key = (self.bids, _bid_key) if side is Side.BUY else (self.asks, _ask_key)
        index = bisect_left(levels, key((price, 0.0)), key=key)
        if index < len(levels) and levels[index][0] == price:
            return levels[index][1]
        return 0.0

    def covers(self, side: Side, price: float) -> bool:
        """Tell whether the price lies within the visible depth, so that size zero means empty."""
        levels = self.levels(side)
        if not levels:
            return False
        return price >= levels[-1][0] if side is Side.BUY else price <= levels[-1][0]

    def _snapshot(self, event: BookSnapshot) -> None:
        try:
            _check(event.bids, -1, self.max_levels)
            _check(event.asks, 1, self.max_levels)
        except RemoteProtocolError:
            self.state = BookState.GAPPED
            raise
        self.bids = event.bids
        self.asks = event.asks

    def _delta(self, event: BookDelta) -> None:
        try:
            self.bids = _merged(self.bids, event.bids, _bid_key, self.max_levels)
            self.asks = _merged(self.asks, event.asks, _ask_key, self.max_levels)
        except RemoteProtocolError:
            self.state = BookState.GAPPED
            raise

    def _judge(self) -> None:
        if not self.bids or not self.asks:
            self.state = BookState.ONE_SIDED
        elif self.bids[0][0] < self.asks[0][0]:
            self.state = BookState.LIVE
        else:
            self.state = BookState.CROSSED


def _check(levels: Sequence[Level], direction: int, max_levels: int) -> None:
    if len(levels) > max_levels:
        raise RemoteProtocolError(
            "book has too many levels", found=len(levels), wanted=f"at most {max_levels}"
        )
    last = None
    for price, size in levels:
        if not (price > 0.0 and size > 0.0):
            raise RemoteProtocolError(
                "book level is not usable", found=(price, size), wanted="both above zero"
            )
        if last is not None and not (price - last) * direction > 0.0:
            raise RemoteProtocolError(
                "book levels are out of order", found=(last, price), wanted="best first"
            )
        last = price


def _merged(
    levels: Sequence[Level], changes: Sequence[Level], key: Callable[[Level], float], max_levels: int
) -> list[Level]:
    merged = levels if isinstance(levels, list) else list(levels)
    for change in changes:
        price, size = change
        if not (price > 0.0 and size >= 0.0):
            raise RemoteProtocolError(
                "book change is not usable", found=change, wanted="price above zero, size not below"
            )
        index = bisect_left(merged, key(change), key=key)
        present = index < len(merged) and merged[index][0] == price
        if size == 0.0:
            if present:
                del merged[index]
        elif present:
            merged[index] = change
        else:
            merged.insert(index, change)
    if len(merged) > max_levels:
        raise RemoteProtocolError(
            "book has too many levels", found=len(merged), wanted=f"at most {max_levels}"
        )
    return merged


def _with_touch(
    levels: Sequence[Level], touch: Level | None, key: Callable[[Level], float]
) -> Sequence[Level]:
    """Make `touch` the best level: anything better is gone, the rest stays."""
    if touch is None:
        return ()
    index = bisect_left(levels, key(touch), key=key)
    rest = levels[index:]
    if rest and rest[0][0] == touch[0]:
        rest = rest[1:]
    return [touch, *rest]

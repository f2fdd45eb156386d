"""One instrument's book: levels best first, and a state that says whether it may be believed.

A book is believed only while it is `live`. A gap, a crossed or an empty side are states, not
exceptions: whoever quotes asks for the state first. Levels are keyed by number, because a venue may
spell one price in several ways.

Taking over a message costs the same for one level as for a hundred: levels are kept as they came and
only the touch is looked at. The depth is read and checked once, when the state or the depth is first
asked for, so a touch can be read from a message that turns out to be broken, but never be believed.

A touch that comes between two changes of the depth is shown over it and never written into it: what went and
came back in between is in no change, and would be missing for good.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Final

from paraphina_core.domain import (
    BestBidOffer,
    BookDelta,
    BookGap,
    BookSnapshot,
    InstrumentId,
    Level,
    RemoteError,
    RemoteProtocolError,
    Side,
    read_levels,
)

_ENDLESS: Final = math.inf

#: Best offers that may wait to be worked into the depth.
MAX_WAITING_TOUCHES: Final = 100

#: Levels a side: whoever follows every change of a large venue comes to know thousands (capture of 2024-08).
MAX_LEVELS: Final = 50_000


class BookState(StrEnum):
    """Whether a book may be believed, and if not, why."""

    WAITING = "waiting"
    LIVE = "live"
    GAPPED = "gapped"
    CROSSED = "crossed"
    ONE_SIDED = "one_sided"


def _bid_key(level: Level) -> float:
    return -level.price


def _ask_key(level: Level) -> float:
    return level.price


class Book:
    """The visible book of one instrument.

    Attributes:
        best_bid: highest bid, None when there is none; to be believed only while the state is live.
        best_ask: lowest ask, likewise.
        arrived_ns: session time at which the last believed message arrived, None before the first.
        exchange_ns: the venue's own time of that message, None where it gives none.
        applied_ns: when it was applied, which is later than it arrived when there was much to do; for
            whoever watches, no decision is made by it.
    """

    best_bid: Level | None
    best_ask: Level | None
    _bids: Sequence[Level]
    _asks: Sequence[Level]
    #: Keys of the levels of a side, in their order; None until a change is worked into levels that are new.
    _bid_keys: list[float] | None
    _ask_keys: list[float] | None
    _touches: list[tuple[Level | None, Level | None]] | None
    _depth: tuple[Sequence[Level], Sequence[Level]] | None  # what lies under the touches that are shown
    _state: BookState | None

    __slots__ = (
        "_ask_keys",
        "_asks",
        "_bid_keys",
        "_bids",
        "_depth",
        "_is_checked",
        "_state",
        "_touches",
        "applied_ns",
        "arrived_ns",
        "best_ask",
        "best_bid",
        "exchange_ns",
        "instrument",
        "max_levels",
    )

    def __init__(self, instrument: InstrumentId, max_levels: int = MAX_LEVELS) -> None:
        self.instrument = instrument
        self.max_levels = max_levels
        self.arrived_ns: int | None = None
        self.applied_ns: int | None = None
        self.exchange_ns: int | None = None
        self._forget(BookState.WAITING)

    @property
    def state(self) -> BookState:
        """See `BookState`; only `live` may be quoted on, and only what was checked whole is live."""
        state = self._state
        if state is None:
            try:
                state = self.verify()
            except RemoteError:
                return BookState.GAPPED
        return state

    @property
    def bids(self) -> Sequence[Level]:
        """Levels with falling prices; none of a book that is broken."""
        return self.levels(Side.BUY)

    @property
    def asks(self) -> Sequence[Level]:
        """Levels with rising prices; none of a book that is broken."""
        return self.levels(Side.SELL)

    @property
    def mid(self) -> float | None:
        """Mean of the touch, None unless both sides have one."""
        bid, ask = self.best_bid, self.best_ask
        if bid is None or ask is None:
            return None
        return (bid.price + ask.price) / 2

    @property
    def microprice(self) -> float | None:
        """Size-weighted mid: the bid weighted by the ask's size and the reverse, None without both."""
        bid, ask = self.best_bid, self.best_ask
        if bid is None or ask is None:
            return None
        return (bid.price * ask.size + ask.price * bid.size) / (bid.size + ask.size)

    def reset(self) -> None:
        """Forget everything, as after a lost connection; the next snapshot starts anew."""
        self._forget(BookState.WAITING)
        self.exchange_ns = None

    def apply(
        self,
        event: BookSnapshot | BookDelta | BookGap | BestBidOffer,
        at_ns: int,
        applied_ns: int | None = None,
    ) -> None:
        """Apply one event that arrived at `at_ns`, now or at `applied_ns`.

        Deltas and best offers are ignored until a snapshot has made the book whole. What a delta
        changes is checked here, everything else by `verify`.

        Raises:
            RemoteError: a delta, or the book that it changes, is not usable.
        """
        if isinstance(event, BookSnapshot):
            self._bids, self._asks = bids, asks = event.bids, event.asks
            self._bid_keys = self._ask_keys = None
            self.best_bid = bids[0] if bids else None
            self.best_ask = asks[0] if asks else None
            self._is_checked = False
            self._touches = None
            self._depth = None
            self._state = None
        elif isinstance(event, BookGap):
            self._state = BookState.GAPPED
            return
        elif self._state is BookState.WAITING or self._state is BookState.GAPPED:
            return
        elif isinstance(event, BestBidOffer):
            if event.exchange_ns is not None and event.exchange_ns < (self.exchange_ns or 0):
                return
            self._touch(event)
        else:
            self._delta(event)
        self.arrived_ns = at_ns
        self.applied_ns = at_ns if applied_ns is None else applied_ns
        self.exchange_ns = event.exchange_ns

    def verify(self) -> BookState:
        """Check what was applied and not checked yet, every level of it, and return the state.

        Raises:
            RemoteError: levels cannot be read, are out of order, repeated, not above zero or too many.
                The book is gapped and empty then.
        """
        if self._state is not None:
            return self._state
        try:
            if not self._is_checked:
                self._bids = read_levels(self._bids)
                self._asks = read_levels(self._asks)
                _check(self._bids[::-1], self.max_levels)
                _check(self._asks, self.max_levels)
                self._is_checked = True
            if self._touches and self._depth is None:
                self._depth = (self._bids, self._asks)
            for bid, ask in self._touches or ():
                self._bids = _with_touch(self._bids, bid, _bid_key)
                self._asks = _with_touch(self._asks, ask, _ask_key)
        except RemoteError:
            self._forget(BookState.GAPPED)
            raise
        self._touches = None
        if self.best_bid is None or self.best_ask is None:
            state = BookState.ONE_SIDED
        elif self.best_bid.price < self.best_ask.price:
            state = BookState.LIVE
        else:
            state = BookState.CROSSED
        self._state = state
        return state

    def touch(self, side: Side) -> float:
        """Return the best price that rests on one side, NaN when there is none."""
        best = self.best_bid if side is Side.BUY else self.best_ask
        return math.nan if best is None else best.price

    def levels(self, side: Side) -> Sequence[Level]:
        """Return the levels that rest on one side, best first; none of a book that is broken."""
        if self._state is None:
            _ = self.state
        return self._bids if side is Side.BUY else self._asks

    def size_at(self, side: Side, price: float) -> float:
        """Return the displayed size at a price, 0.0 where there is no such level."""
        levels = self.levels(side)
        if side is Side.BUY:
            index = bisect_left(levels, -price, key=_bid_key)
        else:
            index = bisect_left(levels, price, key=_ask_key)
        if index < len(levels) and levels[index].price == price:
            return levels[index].size
        return 0.0

    def covers(self, side: Side, price: float) -> bool:
        """Tell whether the price lies within the visible depth, so that size zero means empty."""
        levels = self.levels(side)
        if not levels:
            return False
        return price >= levels[-1].price if side is Side.BUY else price <= levels[-1].price

    def _touch(self, event: BestBidOffer) -> None:
        if self._touches is None:
            self._touches = []
        elif len(self._touches) >= MAX_WAITING_TOUCHES:
            self.verify()
            self._touches = []
        self._touches.append((event.bid, event.ask))
        self.best_bid = event.bid
        self.best_ask = event.ask
        self._state = None

    def _delta(self, event: BookDelta) -> None:
        self.verify()
        if self._depth is not None:
            self._bids, self._asks = self._depth
            self._depth = None
        try:
            if event.bids:
                self._bids, self._bid_keys = _merged(
                    self._bids, self._bid_keys, event.bids, -1.0, self.max_levels
                )
            if event.asks:
                self._asks, self._ask_keys = _merged(
                    self._asks, self._ask_keys, event.asks, 1.0, self.max_levels
                )
        except RemoteProtocolError:
            self._forget(BookState.GAPPED)
            raise
        self.best_bid = self._bids[0] if self._bids else None
        self.best_ask = self._asks[0] if self._asks else None
        self._state = None

    def _forget(self, state: BookState) -> None:
        self._state = state
        self._bids = ()
        self._asks = ()
        self._bid_keys = self._ask_keys = None
        self._touches = None
        self._depth = None
        self._is_checked = True
        self.best_bid = None
        self.best_ask = None


def _check(rising: Sequence[Level], max_levels: int) -> None:
    """Refuse levels that no book can have; their prices must rise, so bids are shown worst first."""
    if len(rising) > max_levels:
        raise RemoteProtocolError(
            "book has too many levels", found=len(rising), wanted=f"at most {max_levels}"
        )
    endless = _ENDLESS
    last = 0.0
    for level in rising:
        price = level.price
        if last < price < endless and 0.0 < level.size < endless:
            last = price
            continue
        raise RemoteProtocolError(
            "book level is not usable",
            found=(price, level.size),
            wanted=f"finite, above zero, and best first (beside the price {last})",
        )


def _merged(
    levels: Sequence[Level],
    keys: list[float] | None,
    changes: Sequence[Level],
    sign: float,
    max_levels: int,
) -> tuple[list[Level], list[float]]:
    """Work changes into a side; levels are found by `keys`, their prices with a sign that makes them rise."""
    merged = levels if isinstance(levels, list) else list(levels)
    if keys is None:
        keys = [sign * level.price for level in merged]
    for change in changes:
        price, size = change.price, change.size
        if not (price > 0.0 and size >= 0.0):
            raise RemoteProtocolError(
                "book change is not usable", found=change, wanted="price above zero, size not below"
            )
        key = sign * price
        index = bisect_left(keys, key)
        present = index < len(keys) and keys[index] == key
        if size == 0.0:
            if present:
                del merged[index], keys[index]
        elif present:
            merged[index] = change
        else:
            merged.insert(index, change)
            keys.insert(index, key)
    if len(merged) > max_levels:
        raise RemoteProtocolError(
            "book has too many levels", found=len(merged), wanted=f"at most {max_levels}"
        )
    return merged, keys


def _with_touch(
    levels: Sequence[Level], touch: Level | None, key: Callable[[Level], float]
) -> Sequence[Level]:
    """Make `touch` the best level: anything better is gone, the rest stays."""
    if touch is None:
        return ()
    _check((touch,), 1)
    index = bisect_left(levels, key(touch), key=key)
    rest = levels[index:]
    if rest and rest[0].price == touch.price:
        rest = rest[1:]
    return [touch, *rest]

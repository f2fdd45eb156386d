"""One book out of a stream of changes and a snapshot that is asked for beside it.

Docs "How to manage a local order book correctly" (read 2026-06-30): what ended before the snapshot is
dropped; the first change that is applied must span the snapshot's id; every later one must name the one
before it. Ids have holes: the first id of a change tells whether it spans the snapshot, and nothing else.

The newest changes are kept also when they have been applied: a snapshot can be joined at any time, when the
core has asked for one because it believes the book no more.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Final

from paraphina_core.domain import (
    NS_PER_MS,
    NS_PER_S,
    BookDelta,
    BookGap,
    BookSnapshot,
    Event,
    FetchSnapshot,
    InstrumentId,
    Level,
    RemoteProtocolError,
)

from .messages import DepthSnapshot, DepthUpdate, read_changes

#: Changes that are kept for a snapshot: more than a minute and a half of them, ten a second.
MAX_KEPT: Final = 1_000
#: A snapshot that was too old is asked for again after this, because it costs 20 of 2,400 units a minute.
PAUSE_NS: Final = NS_PER_S

_TOO_OLD: Final = "the snapshot does not meet the changes that are known"


class BookSync:
    """Follows the book of one instrument over one connection.

    Attributes:
        last_id: the id up to which the book was told, None while it is not known.
    """

    def __init__(self, instrument: InstrumentId) -> None:
        self._instrument = instrument
        self._kept: deque[tuple[DepthUpdate, BookDelta]] = deque(maxlen=MAX_KEPT)
        self._ask_from_ns: int | None = 0
        self._is_joining = False
        self.last_id: int | None = None

    def update(self, update: DepthUpdate, at_ns: int) -> Sequence[Event]:
        """Take a message of the stream.

        Args:
            update: the message.
            at_ns: when it arrived.

        Raises:
            RemoteError: its levels or ids are not what the venue documents; then nothing was learned from it.
        """
        delta = self._delta(update)
        runs_back = bool(self._kept) and update.u <= self._kept[-1][0].u
        if runs_back and any(update.u == known.u for known, _ in self._kept):
            return ()  # comes twice
        if self._kept and update.pu != self._kept[-1][0].u:
            self._kept.clear()  # nothing from before a hole can be joined to what follows it
        self._kept.append((update, delta))
        if self.last_id is None:
            return self.ask(at_ns)
        if self._is_joining and update.u <= self.last_id and not runs_back:
            return ()
        # A venue that was restarted may count from the beginning again; what comes too late looks alike.
        if runs_back or not self._follows(update, self.last_id):
            reason = f"change {update.u} follows {update.pu}, wanted {self.last_id}"
            self.last_id, self._ask_from_ns = None, at_ns
            return (BookGap(instrument=self._instrument, reason=reason), *self.ask(at_ns))
        self._is_joining, self.last_id = False, update.u
        return (delta,)

    def snapshot(self, snapshot: DepthSnapshot, at_ns: int) -> Sequence[Event]:
        """Take the answer to a question for the whole book.

        Raises:
            RemoteError: its levels are not what the venue documents.
        """
        whole = BookSnapshot(
            instrument=self._instrument,
            bids=_whole(read_changes(snapshot.bids)),
            asks=_whole(read_changes(snapshot.asks)),
            exchange_ns=snapshot.T * NS_PER_MS,
            sequence=snapshot.lastUpdateId,
        )
        self.last_id, self._is_joining = snapshot.lastUpdateId, True
        events: list[Event] = [whole]
        for update, delta in self._kept:
            if update.u <= self.last_id:
                continue
            if not self._follows(update, self.last_id):
                self.last_id, self._ask_from_ns = None, at_ns + PAUSE_NS
                return (BookGap(instrument=self._instrument, reason=_TOO_OLD),)
            self._is_joining, self.last_id = False, update.u
            events.append(delta)
        return events

    def ask(self, at_ns: int) -> Sequence[Event]:
        """Ask once for a snapshot if the book is not known; the core repeats the question.

        Whatever a connection says shows that its changes arrive too, so a market in which nothing changes
        need not be waited for.
        """
        if self._ask_from_ns is None or at_ns < self._ask_from_ns:
            return ()
        self._ask_from_ns = None
        return (FetchSnapshot(instrument=self._instrument, reason="the book is not known"),)

    def _follows(self, update: DepthUpdate, last_id: int) -> bool:
        # What follows the snapshot's own change directly spans no id of it, and misses nothing.
        spans = self._is_joining and last_id >= update.U
        return spans or update.pu == last_id

    def _delta(self, update: DepthUpdate) -> BookDelta:
        if update.u < update.U:
            raise RemoteProtocolError("change runs back", found=update.u, wanted=f"at least {update.U}")
        return BookDelta(
            instrument=self._instrument,
            bids=read_changes(update.b),
            asks=read_changes(update.a),
            exchange_ns=update.T * NS_PER_MS,
            sequence=update.u,
        )


def _whole(levels: Sequence[Level]) -> Sequence[Level]:
    """Return the levels of a snapshot, in which none is gone.

    Raises:
        RemoteError: one is.
    """
    if not all(level.size > 0 for level in levels):
        raise RemoteProtocolError("snapshot has an empty level", wanted="sizes above zero")
    return levels

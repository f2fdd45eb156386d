"""What the venue tells by itself: market streams by name, and each account's own behind its key.

A change of a book counts its updates; each speed of a stream tells what has changed since it spoke last, and
names the last update that it told before.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

import msgspec

from paraphina_core.domain import NS_PER_MS, InstrumentId, Side, plain
from paraphina_core.twin import BookChanged, Exchange, SessionId, Traded, TwinMarket, Wire

from .spelling import FIRST_ID, Json, milliseconds
from .universe import Universe

#: Names of streams of changes, and how often each speaks (docs "Diff. book depth streams", read 2026-06-30).
DEPTHS: Final[Mapping[str, int]] = {
    "depth@100ms": 100 * NS_PER_MS,
    "depth": 250 * NS_PER_MS,
    "depth@500ms": 500 * NS_PER_MS,
}
#: Levels of the streams that tell the best of a book whole (same).
PARTIAL: Final = (5, 10, 20)
MARK_NS: Final = 1_000 * NS_PER_MS
_SLOW_MARK: Final = 3
#: Docs "Websocket market streams" (read 2026-10-08).
MAX_STREAMS: Final = 200


class Session:
    """One connection.

    Attributes:
        number: its number.
        is_combined: messages are wrapped with the name of their stream.
        names: streams that it hears.
        account: whose events it hears, None for none.
    """

    def __init__(self, number: SessionId, *, is_combined: bool) -> None:
        self.number = number
        self.is_combined = is_combined
        self.names: dict[str, None] = {}
        self.account: str | None = None


class _Speed:
    """What one speed of a book's stream has told."""

    def __init__(self, update_id: int) -> None:
        self.changed: set[tuple[Side, Decimal]] = set()
        self.first: int | None = None
        self.last = update_id


class _Book:
    """The counted updates of one book."""

    def __init__(self, update_id: int) -> None:
        self.update_id = update_id
        self.speeds = {name: _Speed(update_id) for name in DEPTHS}
        self.touch: Json = None


class Streams:
    """Sends every connection what it has asked for.

    Args:
        wire: where messages go.
        exchange: what there is.
        universe: how it is named.
        start_ns: when the clocks of all streams begin.

    Attributes:
        sessions: open connections.
    """

    def __init__(self, wire: Wire, exchange: Exchange, universe: Universe, start_ns: int) -> None:
        self.sessions: dict[SessionId, Session] = {}
        self._wire = wire
        self._exchange = exchange
        self._universe = universe
        self._books = {instrument: _Book(FIRST_ID) for instrument in exchange.markets}
        self._due_ns = {name: start_ns + every_ns for name, every_ns in DEPTHS.items()}
        self._mark_due_ns = start_ns + MARK_NS
        self._marks = 0

    # --- what is heard ----------------------------------------------------------------------------

    def heard_book(self, event: BookChanged, at_ns: int) -> None:
        """Count an update, and tell the touch if it has changed."""
        book = self._books[event.instrument]
        book.update_id += 1
        for speed in book.speeds.values():
            speed.first = book.update_id if speed.first is None else speed.first
            speed.changed.update((Side.BUY, price) for price, _ in event.bids)
            speed.changed.update((Side.SELL, price) for price, _ in event.asks)
        name = self._name(event.instrument, "bookTicker")
        touch = self.touch(event.instrument)
        if touch != book.touch:
            book.touch = touch
            ms = self._venue_ms(at_ns)
            self._tell(name, {"e": "bookTicker", "u": book.update_id, **touch, "T": ms, "E": ms})

    def heard_trade(self, event: Traded) -> None:
        """Tell of a trade; each is one of its own here."""
        message = {
            "e": "aggTrade",
            "E": milliseconds(event.at_ns),
            "a": event.trade_id,
            "s": self._universe.symbol(event.instrument),
            "p": plain(event.price),
            "q": plain(event.size),
            "f": event.trade_id,
            "l": event.trade_id,
            "T": milliseconds(event.at_ns),
            "m": event.aggressor is Side.SELL,
        }
        self._tell(self._name(event.instrument, "aggTrade"), message)

    # --- time -------------------------------------------------------------------------------------

    def next_due_ns(self) -> int | None:
        """Return when something is to be told next."""
        if not self.sessions:
            return None
        return min(self._mark_due_ns, *self._due_ns.values())

    def advance(self, at_ns: int) -> None:
        """Tell what is due; clocks that nobody heard are set."""
        for name, due_ns in self._due_ns.items():
            if due_ns <= at_ns:
                self._due_ns[name] = _next(due_ns, DEPTHS[name], at_ns)
                for instrument in self._books:
                    self._tell_changes(instrument, name, at_ns)
        if self._mark_due_ns <= at_ns:
            self._mark_due_ns = _next(self._mark_due_ns, MARK_NS, at_ns)
            self._marks += 1
            for market in self._exchange.markets.values():
                self._tell_mark(market, at_ns)

    # --- what there is ----------------------------------------------------------------------------

    def snapshot(self, instrument: InstrumentId, limit: int, at_ns: int) -> dict[str, Json]:
        """Return a book as it is now, with the number of its last update."""
        market, ms = self._exchange.markets[instrument], self._venue_ms(at_ns)
        return {
            "lastUpdateId": self._books[instrument].update_id,
            "E": ms,
            "T": ms,
            "bids": _levels(market, Side.BUY, limit),
            "asks": _levels(market, Side.SELL, limit),
        }

    def touch(self, instrument: InstrumentId) -> dict[str, Json]:
        """Return the best level of each side; one that is empty is zero."""
        market = self._exchange.markets[instrument]
        told: dict[str, Json] = {"s": self._universe.symbol(instrument)}
        for side, price, size in ((Side.BUY, "b", "B"), (Side.SELL, "a", "A")):
            best = market.levels(side, 1)
            told |= (
                {price: plain(best[0].price), size: plain(best[0].size)} if best else {price: "0", size: "0"}
            )
        return told

    def mark(self, market: TwinMarket, at_ns: int) -> dict[str, Json]:
        """Return mark and index price and the rate of funding, as their stream spells them."""
        return {
            "e": "markPriceUpdate",
            "E": self._venue_ms(at_ns),
            "s": self._universe.symbol(market.id),
            "p": plain(market.mark_price),
            "i": plain(market.index_price),
            "P": plain(market.mark_price),
            "r": f"{market.funding_rate:.8f}",
            "T": milliseconds(market.next_funding_ns),
        }

    # --- telling ----------------------------------------------------------------------------------

    def to_account(self, name: str, message: Json) -> None:
        """Tell an account something."""
        for session in tuple(self.sessions.values()):
            if session.account == name:
                self._wire.send(session.number, msgspec.json.encode(message))

    def answer(self, session: Session, answer: Json) -> None:
        """Answer a call."""
        self._wire.send(session.number, msgspec.json.encode(answer))

    def _tell_changes(self, instrument: InstrumentId, name: str, at_ns: int) -> None:
        book, market = self._books[instrument], self._exchange.markets[instrument]
        speed = book.speeds[name]
        if speed.first is None:
            return
        first, before, changed = speed.first, speed.last, speed.changed
        speed.first, speed.last, speed.changed = None, book.update_id, set()
        ms = self._venue_ms(at_ns)
        head = {"e": "depthUpdate", "E": ms, "T": ms, "s": self._universe.symbol(instrument)}
        head |= {"U": first, "u": book.update_id, "pu": before}
        stream = self._name(instrument, name)
        if self._is_heard(stream):
            sides: dict[Side, list[Json]] = {Side.BUY: [], Side.SELL: []}
            for side, price in sorted(changed):
                sides[side].append([plain(price), plain(market.size_at(side, price))])
            self._tell(stream, head | {"b": sides[Side.BUY], "a": sides[Side.SELL]})
        for levels in PARTIAL:
            stream = self._name(instrument, f"depth{levels}{name.removeprefix('depth')}")
            if self._is_heard(stream):
                self._tell(
                    stream,
                    head | {"b": _levels(market, Side.BUY, levels), "a": _levels(market, Side.SELL, levels)},
                )

    def _tell_mark(self, market: TwinMarket, at_ns: int) -> None:
        for channel, every in (("markPrice@1s", 1), ("markPrice", _SLOW_MARK)):
            name = self._name(market.id, channel)
            if self._marks % every == 0 and self._is_heard(name):
                self._tell(name, self.mark(market, at_ns))

    def _name(self, instrument: InstrumentId, channel: str) -> str:
        return f"{self._universe.symbol(instrument).lower()}@{channel}"

    def _is_heard(self, name: str) -> bool:
        return any(name in session.names for session in self.sessions.values())

    def _tell(self, name: str, message: Json) -> None:
        for session in tuple(self.sessions.values()):
            if name in session.names:
                wrapped = {"stream": name, "data": message} if session.is_combined else message
                self._wire.send(session.number, msgspec.json.encode(wrapped))

    def _venue_ms(self, at_ns: int) -> int:
        return milliseconds(self._exchange.clock.venue_ns(at_ns))


def _levels(market: TwinMarket, side: Side, limit: int) -> list[Json]:
    return [[plain(one.price), plain(one.size)] for one in market.levels(side, limit)]


def _next(due_ns: int, every_ns: int, at_ns: int) -> int:
    return due_ns + ((at_ns - due_ns) // every_ns + 1) * every_ns

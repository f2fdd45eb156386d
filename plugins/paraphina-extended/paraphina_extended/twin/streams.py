"""What the venue tells by itself, over both versions of its stream and the account's.

Books speak ten times a second in changes and once a minute whole; touches, prices and trades when there are
any. Every connection numbers its messages, all topics together: from 0 in the second version, from 1 in the
first. An account hears of its orders and fills at once.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Final

import msgspec

from paraphina_core.domain import CONTEXT, NS_PER_MS, InstrumentId, Side, plain
from paraphina_core.twin import BookChanged, Exchange, Marked, SessionId, Traded, TwinMarket, Wire
from paraphina_extended.topics import Topic

from .members import Member
from .spelling import FIRST_ID, Json, milliseconds, price, rate, side
from .universe import Universe

BOOK_NS: Final = 100 * NS_PER_MS
TOUCH_NS: Final = 10 * NS_PER_MS
WHOLE_NS: Final = 60_000 * NS_PER_MS
#: Trades that come again with a subscription (capture of 2026-09).
RECENT_TRADES: Final = 50

_ZERO: Final = Decimal(0)
_V1_TYPES: Final = {
    "ORDERBOOKS.SNAPSHOT": "SNAPSHOT",
    "ORDERBOOKS.DELTA": "DELTA",
    "PRICES.MP": "MP",
    "PRICES.IP": "IP",
}
_Sides = dict[Side, dict[Decimal, Decimal]]


class Session:
    """One connection.

    Attributes:
        peer: where it comes from.
        is_rpc: it carries many topics; else one, and that is not named in its messages.
        member: whose account it tells of, None for the public ones.
        feeds: what it is told, by the venue's name of the subscription.
        seq: number of the next message.
    """

    def __init__(
        self, number: SessionId, peer: str, *, is_rpc: bool = False, member: Member | None = None
    ) -> None:
        self.number = number
        self.peer = peer
        self.is_rpc = is_rpc
        self.member = member
        self.feeds: dict[str, tuple[Topic, str]] = {}
        self.seq = 0 if is_rpc else 1


class Streams:
    """Sends every connection what it has asked for.

    Args:
        wire: where messages go.
        exchange: what there is.
        universe: how it is named.

    Attributes:
        sessions: open connections.
    """

    def __init__(self, wire: Wire, exchange: Exchange, universe: Universe) -> None:
        self.sessions: dict[SessionId, Session] = {}
        self._wire = wire
        self._exchange = exchange
        self._universe = universe
        self._told: dict[InstrumentId, _Sides] = {
            instrument: {Side.BUY: {}, Side.SELL: {}} for instrument in exchange.markets
        }
        self._changed: dict[InstrumentId, set[tuple[Side, Decimal]]] = {
            one: set() for one in exchange.markets
        }
        self._touches: dict[InstrumentId, Json] = {}
        self._trades: dict[InstrumentId, deque[Json]] = {
            one: deque(maxlen=RECENT_TRADES) for one in exchange.markets
        }
        self._book_due_ns: int | None = None
        self._touch_due_ns: int | None = None
        self._whole_due_ns: int | None = None
        self._spelled = 0

    # --- what is heard ----------------------------------------------------------------------------

    def heard_book(self, event: BookChanged, at_ns: int) -> None:
        """Tell of changed levels with the next beat."""
        changed = self._changed[event.instrument]
        changed.update((Side.BUY, level) for level, _ in event.bids)
        changed.update((Side.SELL, level) for level, _ in event.asks)
        self._book_due_ns = self._book_due_ns or _next(at_ns, BOOK_NS)
        self._touch_due_ns = self._touch_due_ns or _next(at_ns, TOUCH_NS)

    def heard_trade(self, event: Traded, at_ns: int) -> None:
        """Tell of a trade."""
        spelled = {
            "i": FIRST_ID + event.trade_id,
            "m": self._universe.name(event.instrument),
            "S": side(event.aggressor),
            "tT": "TRADE",
            "T": milliseconds(event.at_ns),
            "p": plain(event.price),
            "q": plain(event.size),
        }
        self._trades[event.instrument].append(spelled)
        self._to_all(Topic.TRADES, event.instrument, "TRADES", [spelled], at_ns)

    def heard_mark(self, event: Marked, at_ns: int) -> None:
        """Tell mark and index price; a mark's own time is zero, as the venue has it."""
        name = self._universe.name(event.instrument)
        for topic, kind, number in (
            (Topic.MARK, "PRICES.MP", event.mark_price),
            (Topic.INDEX, "PRICES.IP", event.index_price),
        ):
            data = {"m": name, "p": plain(number), "ts": 0}
            self._to_all(topic, event.instrument, kind, data, at_ns)

    def heard_funding(self, instrument: InstrumentId, at_ns: int) -> None:
        """Tell the rate that was applied."""
        data = self._funding(self._exchange.markets[instrument], at_ns)
        self._to_all(Topic.FUNDING, instrument, "FUNDING_RATES", data, at_ns)

    # --- time -------------------------------------------------------------------------------------

    def next_due_ns(self) -> int | None:
        """Return when something is to be told next."""
        if not self.sessions:
            return None
        due = (self._book_due_ns, self._touch_due_ns, self._whole_due_ns)
        return min((at_ns for at_ns in due if at_ns is not None), default=None)

    def advance(self, at_ns: int) -> None:
        """Tell what is due."""
        if self._touch_due_ns is not None and self._touch_due_ns <= at_ns:
            self._touch_due_ns = None
            for instrument in self._exchange.markets:
                self._tell_touch(instrument, at_ns)
        if self._book_due_ns is not None and self._book_due_ns <= at_ns:
            self._book_due_ns = None
            for instrument in self._exchange.markets:
                self._tell_changes(instrument, at_ns)
        if self._whole_due_ns is not None and self._whole_due_ns <= at_ns:
            self._whole_due_ns = at_ns + WHOLE_NS
            for instrument in self._exchange.markets:
                self._to_all(Topic.BOOK, instrument, "ORDERBOOKS.SNAPSHOT", self._whole(instrument), at_ns)

    # --- connections ------------------------------------------------------------------------------

    def begin(self, session: Session, topic: Topic, market: str, at_ns: int) -> None:
        """Let a connection hear a topic, beginning with what there is."""
        instrument = self._universe.instruments[market]
        subscription = topic.of(market)
        session.feeds[subscription] = (topic, market)
        self._whole_due_ns = self._whole_due_ns or at_ns + WHOLE_NS
        for kind, data in self._first(topic, instrument, at_ns):
            self._send(session, subscription, kind, data, at_ns)

    def to_account(self, name: str, kind: str, data: Json, at_ns: int) -> None:
        """Tell an account something."""
        for session in tuple(self.sessions.values()):
            if session.member is not None and session.member.name == name:
                self._send(session, "account", kind, data, at_ns)

    def answer(self, session: Session, answer: Json) -> None:
        """Answer a call; answers have no number."""
        self._wire.send(session.number, msgspec.json.encode(answer))

    # --- telling ----------------------------------------------------------------------------------

    def _first(self, topic: Topic, instrument: InstrumentId, at_ns: int) -> Iterator[tuple[str, Json]]:
        market = self._exchange.markets[instrument]
        name = self._universe.name(instrument)
        match topic:
            case Topic.BOOK:
                self._tell_changes(instrument, at_ns)
                yield "ORDERBOOKS.SNAPSHOT", self._whole(instrument)
            case Topic.TOUCH:
                yield "ORDERBOOKS.SNAPSHOT", self._touch(instrument)
            case Topic.TRADES:
                if self._trades[instrument]:
                    yield "TRADES", list(self._trades[instrument])
            case Topic.MARK:
                yield "PRICES.MP", {"m": name, "p": plain(market.mark_price), "ts": 0}
            case Topic.INDEX:
                yield "PRICES.IP", {"m": name, "p": plain(market.index_price), "ts": 0}
            case Topic.FUNDING:
                yield "FUNDING_RATES", self._funding(market, at_ns)

    def _tell_changes(self, instrument: InstrumentId, at_ns: int) -> None:
        changed, self._changed[instrument] = self._changed[instrument], set()
        market, told = self._exchange.markets[instrument], self._told[instrument]
        sides: dict[Side, list[Json]] = {Side.BUY: [], Side.SELL: []}
        for side_, level in sorted(changed):
            before, now = told[side_].get(level, _ZERO), market.size_at(side_, level)
            if before == now:
                continue
            if now:
                told[side_][level] = now
            else:
                del told[side_][level]
            by = CONTEXT.subtract(now, before)
            sides[side_].append({"q": plain(by), "p": self._price(level), "c": plain(now)})
        if sides[Side.BUY] or sides[Side.SELL]:
            data = self._sides("DELTA", instrument, sides, "f")
            self._to_all(Topic.BOOK, instrument, "ORDERBOOKS.DELTA", data, at_ns)

    def _tell_touch(self, instrument: InstrumentId, at_ns: int) -> None:
        market = self._exchange.markets[instrument]
        best = [market.levels(side_, 1) for side_ in Side]
        if self._touches.get(instrument) != best:
            self._touches[instrument] = best
            self._to_all(Topic.TOUCH, instrument, "ORDERBOOKS.SNAPSHOT", self._touch(instrument), at_ns)

    def _whole(self, instrument: InstrumentId) -> Json:
        told = self._told[instrument]
        sides = {
            side_: [
                {"q": plain(told[side_][level]), "p": self._price(level)}
                for level in sorted(told[side_], reverse=side_ is Side.BUY)
            ]
            for side_ in Side
        }
        return self._sides("SNAPSHOT", instrument, sides, "f")

    def _touch(self, instrument: InstrumentId) -> Json:
        market = self._exchange.markets[instrument]
        sides = {
            side_: [{"q": plain(level.size), "p": plain(level.price)} for level in market.levels(side_, 1)]
            for side_ in Side
        }
        return self._sides("SNAPSHOT", instrument, sides, "1")

    def _sides(self, kind: str, instrument: InstrumentId, sides: dict[Side, list[Json]], depth: str) -> Json:
        name = self._universe.name(instrument)
        return {"t": kind, "m": name, "b": sides[Side.BUY], "a": sides[Side.SELL], "d": depth}

    def _funding(self, market: TwinMarket, at_ns: int) -> Json:
        spelled = rate(market.funding_rate_1h)
        return {"m": self._universe.name(market.id), "f": spelled, "T": self._venue_ms(at_ns)}

    def _price(self, level: Decimal) -> str:
        self._spelled += 1
        return price(level, self._spelled)

    # --- sending ----------------------------------------------------------------------------------

    def _to_all(self, topic: Topic, instrument: InstrumentId, kind: str, data: Json, at_ns: int) -> None:
        subscription = topic.of(self._universe.name(instrument))
        for session in self._subscribers(subscription):
            self._send(session, subscription, kind, data, at_ns)

    def _subscribers(self, subscription: str) -> Iterable[Session]:
        return [session for session in self.sessions.values() if subscription in session.feeds]

    def _send(self, session: Session, subscription: str, kind: str, data: Json, at_ns: int) -> None:
        message = {"data": data, "ts": self._venue_ms(at_ns), "seq": session.seq}
        if session.is_rpc:
            message |= {"type": kind, "subscription": subscription}
        elif session.member is not None:
            message["type"] = kind
        elif kind in _V1_TYPES:
            message["type"] = _V1_TYPES[kind]
        session.seq += 1
        self._wire.send(session.number, msgspec.json.encode(message))

    def _venue_ms(self, at_ns: int) -> int:
        return milliseconds(self._exchange.clock.venue_ns(at_ns))


def _next(at_ns: int, beat_ns: int) -> int:
    return (at_ns // beat_ns + 1) * beat_ns

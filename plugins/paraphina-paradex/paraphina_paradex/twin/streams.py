"""What the venue tells by itself: binary frames of markets, JSON of accounts.

A book begins whole and then counts one higher with each frame, whether or not a level has changed. Touches,
trades, prices and funding come as they change, under the count of the book. A connection without any
subscription is hung up on.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Final

import msgspec

from paraphina_core.domain import CONTEXT, NS_PER_MS, InstrumentId, Side
from paraphina_core.twin import BookChanged, Exchange, SessionId, Traded, TwinMarket, Wire
from paraphina_paradex.sbe import EXPONENT, LAYOUTS, Frame, RawLevel, Template

from .members import Member
from .refusals import Json
from .sbe_encoder import encode
from .universe import Universe

BEAT_NS: Final = 200 * NS_PER_MS
#: Code of the closure, and how long a connection may hear nothing (seen by others, 2026).
NO_SUBSCRIPTION: Final = 4031
MAX_IDLE_NS: Final = 10_000 * NS_PER_MS

PUBLIC: Final = ("order_book", "bbo", "trades", "markets_summary", "funding_data")
PRIVATE: Final = ("orders.ALL", "fills.ALL", "positions", "account", "funding_payments.ALL")
_FUNDING_HOURS: Final = 8
_NS_PER_US: Final = 1_000
_ZERO: Final = Decimal(0)

_Changes = dict[Side, dict[Decimal, Decimal]]


class Session:
    """One connection.

    Attributes:
        is_binary: it has asked for binary frames.
        channels: what it is told.
        member: whose account it has logged in to.
        idle_ns: since when it hears nothing; None while it does.
    """

    def __init__(self, number: SessionId, peer: str, at_ns: int, *, is_binary: bool) -> None:
        self.number = number
        self.peer = peer
        self.is_binary = is_binary
        self.channels: set[str] = set()
        self.member: Member | None = None
        self.idle_ns: int | None = at_ns


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
        self._changes: dict[InstrumentId, _Changes] = {
            one: {Side.BUY: {}, Side.SELL: {}} for one in exchange.markets
        }
        self._counts: dict[InstrumentId, int] = dict.fromkeys(exchange.markets, 14_000_000)
        self._touches: dict[InstrumentId, tuple[Json, ...]] = {}
        self._beat_ns: int | None = None

    # --- what is heard ----------------------------------------------------------------------------

    def heard_book(self, event: BookChanged) -> None:
        """Tell of changed levels with the next beat."""
        changes = self._changes[event.instrument]
        changes[Side.BUY].update(event.bids)
        changes[Side.SELL].update(event.asks)

    def heard_trade(self, event: Traded, at_ns: int) -> None:
        """Tell of a trade."""
        numbers: dict[str, int | str | None] = {
            "tradeId": event.trade_id,
            "side": 1 if event.aggressor is Side.BUY else 2,
            "price": _raw(event.price),
            "size": _raw(event.size),
            "createdAt": event.at_ns // _NS_PER_US,
            "tradeType": 1,
        }
        symbol = self._universe.symbol(event.instrument)
        texts = {"market": symbol, "tradeIdStr": str(event.trade_id)}
        frame = self._frame(Template.TRADE, event.instrument, numbers, at_ns, texts=texts)
        self._to_all(f"trades.{symbol}", frame)

    def heard_mark(self, instrument: InstrumentId, at_ns: int) -> None:
        """Tell prices and the funding rate."""
        symbol, market = self._universe.symbol(instrument), self._exchange.markets[instrument]
        self._to_all(f"markets_summary.{symbol}", self._summary(market, at_ns))
        self._to_all(f"funding_data.{symbol}", self._funding(market, at_ns))

    # --- time -------------------------------------------------------------------------------------

    def next_due_ns(self) -> int | None:
        """Return when something is to be told next, or an idle connection is hung up on."""
        due = [one.idle_ns + MAX_IDLE_NS for one in self.sessions.values() if one.idle_ns is not None]
        if self._beat_ns is not None:
            due.append(self._beat_ns)
        return min(due, default=None)

    def advance(self, at_ns: int) -> None:
        """Tell what is due."""
        for session in tuple(self.sessions.values()):
            if session.idle_ns is not None and session.idle_ns + MAX_IDLE_NS <= at_ns:
                del self.sessions[session.number]
                self._wire.close(session.number, NO_SUBSCRIPTION, "no subscription")
        if self._beat_ns is not None and self._beat_ns <= at_ns:
            heard = {channel for one in self.sessions.values() for channel in one.channels}
            books = [one for one in self._exchange.markets if self._book_channel(one) in heard]
            self._beat_ns = (at_ns // BEAT_NS + 1) * BEAT_NS if books else None
            for instrument in books:
                self._tell_book(instrument, at_ns)
                self._tell_touch(instrument, at_ns)

    # --- connections ------------------------------------------------------------------------------

    def begin(self, session: Session, channel: str, name: str, instrument: InstrumentId, at_ns: int) -> None:
        """Let a connection hear a public channel, beginning with what there is."""
        session.channels.add(channel)
        session.idle_ns = None
        market = self._exchange.markets[instrument]
        match name:
            case "order_book":
                if self._beat_ns is None:
                    self._beat_ns = (at_ns // BEAT_NS + 1) * BEAT_NS
                if not any(channel in one.channels for one in self.sessions.values() if one is not session):
                    self._changes[instrument] = {Side.BUY: {}, Side.SELL: {}}  # nobody has to hear of them
                else:
                    self._tell_book(instrument, at_ns)  # or the whole one would not continue the others'
                levels = {side: [(one.price, one.size) for one in market.levels(side)] for side in Side}
                self._send(session, self._book(instrument, levels, at_ns, is_whole=True))
            case "bbo":
                self._send(session, self._touch(instrument, at_ns))
            case "markets_summary":
                self._send(session, self._summary(market, at_ns))
            case "funding_data":
                self._send(session, self._funding(market, at_ns))

    def to_account(self, member: Member, channel: str, data: Json) -> None:
        """Tell an account something."""
        params = {"channel": channel, "data": data}
        message = msgspec.json.encode({"jsonrpc": "2.0", "method": "subscription", "params": params})
        for session in tuple(self.sessions.values()):
            if session.member is member and channel in session.channels:
                self._wire.send(session.number, message)

    def answer(self, session: Session, number: Json, result: Json, at_ns: int) -> None:
        """Answer a call."""
        at_us = self._exchange.clock.venue_ns(at_ns) // _NS_PER_US
        body = {"jsonrpc": "2.0", "id": number, "result": result, "usIn": at_us, "usDiff": 1, "usOut": at_us}
        self._wire.send(session.number, msgspec.json.encode(body))

    def refuse(self, session: Session, number: Json, code: int, message: str) -> None:
        """Refuse a call."""
        error = {"code": code, "message": message}
        self._wire.send(session.number, msgspec.json.encode({"jsonrpc": "2.0", "id": number, "error": error}))

    # --- telling ----------------------------------------------------------------------------------

    def _tell_book(self, instrument: InstrumentId, at_ns: int) -> None:
        changes = self._changes[instrument]
        self._changes[instrument] = {Side.BUY: {}, Side.SELL: {}}
        self._counts[instrument] += 1
        levels = {side: sorted(found.items(), reverse=side is Side.BUY) for side, found in changes.items()}
        frame = self._book(instrument, levels, at_ns, is_whole=False)
        self._to_all(self._book_channel(instrument), frame)

    def _tell_touch(self, instrument: InstrumentId, at_ns: int) -> None:
        market = self._exchange.markets[instrument]
        best = tuple(market.levels(side, 1) for side in Side)
        if self._touches.get(instrument) != best:
            self._touches[instrument] = best
            self._to_all(f"bbo.{self._universe.symbol(instrument)}", self._touch(instrument, at_ns))

    def _book(
        self,
        instrument: InstrumentId,
        levels: dict[Side, list[tuple[Decimal, Decimal]]],
        at_ns: int,
        *,
        is_whole: bool,
    ) -> bytes:
        market = self._exchange.markets[instrument]
        numbers: dict[str, int | str | None] = {"pkgType": 0 if is_whole else 1, "relativeSpread": None}
        for name, side in (("Bid", Side.BUY), ("Ask", Side.SELL)):
            best = next(iter(market.levels(side, 1)), None)
            for what in ("", "Api"):
                numbers[f"best{name}{what}Price"] = None if best is None else _raw(best.price)
                numbers[f"best{name}{what}Size"] = None if best is None else _raw(best.size)
        sides = {side: [(_raw(price), _raw(size)) for price, size in found] for side, found in levels.items()}
        return self._frame(
            Template.BOOK, instrument, numbers, at_ns, bids=sides[Side.BUY], asks=sides[Side.SELL]
        )

    def _touch(self, instrument: InstrumentId, at_ns: int) -> bytes:
        market = self._exchange.markets[instrument]
        numbers: dict[str, int | str | None] = {}
        for name, side in (("bid", Side.BUY), ("ask", Side.SELL)):
            best = next(iter(market.levels(side, 1)), None)
            numbers[f"{name}Price"] = None if best is None else _raw(best.price)
            numbers[f"{name}Size"] = None if best is None else _raw(best.size)
        return self._frame(Template.BBO, instrument, numbers, at_ns)

    def _summary(self, market: TwinMarket, at_ns: int) -> bytes:
        numbers: dict[str, int | str | None] = dict.fromkeys(LAYOUTS[Template.SUMMARY].names)
        numbers |= {
            "markPrice": _raw(market.mark_price),
            "indexPrice": _raw(market.index_price),
            "lastPrice": _raw(market.last_price),
        }
        return self._frame(Template.SUMMARY, market.id, numbers, at_ns)

    def _funding(self, market: TwinMarket, at_ns: int) -> bytes:
        rate = round(market.funding_rate_1h * _FUNDING_HOURS * 10**-EXPONENT)
        numbers: dict[str, int | str | None] = {
            "fundingRate": rate,
            "fundingIndex": 0,
            "createdAt": self._exchange.clock.venue_ns(at_ns) // _NS_PER_US,
            "fundingPremium": 0,
            "fundingRate8h": rate,
            "fundingPeriodHours": _FUNDING_HOURS,
            "impactPremiumRate": None,
        }
        return self._frame(Template.FUNDING, market.id, numbers, at_ns)

    def _frame(
        self,
        template: Template,
        instrument: InstrumentId,
        numbers: dict[str, int | str | None],
        at_ns: int,
        *,
        bids: Sequence[RawLevel] = (),
        asks: Sequence[RawLevel] = (),
        texts: dict[str, str] | None = None,
    ) -> bytes:
        at_us = self._exchange.clock.venue_ns(at_ns) // _NS_PER_US
        whole = numbers | {"ts": at_us, "seq": self._counts[instrument]}
        named = texts or {"market": self._universe.symbol(instrument)}
        return encode(Frame(template, whole, list(bids), list(asks), named))

    # --- sending ----------------------------------------------------------------------------------

    def _book_channel(self, instrument: InstrumentId) -> str:
        return f"order_book.{self._universe.symbol(instrument)}.deltas"

    def _to_all(self, channel: str, frame: bytes) -> None:
        for session in self._listeners(channel):
            self._send(session, frame)

    def _listeners(self, channel: str) -> Iterable[Session]:
        return [session for session in self.sessions.values() if channel in session.channels]

    def _send(self, session: Session, frame: bytes) -> None:
        self._wire.send(session.number, frame, binary=True)


def _raw(amount: Decimal) -> int:
    return int(CONTEXT.scaleb(amount, -EXPONENT))

"""What the venue tells by itself: books every 50 ms, touches, trades and prices as they come, and accounts.

A book comes whole with its subscription and then as changes, each of which begins at the count at which the
one before ended. An account hears of its orders, fills, positions and worth at once.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from decimal import Decimal
from typing import Final

import msgspec

from paraphina_core.domain import NS_PER_MS, InstrumentId, Side, plain
from paraphina_core.twin import BookChanged, Exchange, SessionId, Traded, Wire

from .refusals import Json
from .spelling import HOUSE, micros
from .universe import Universe

BOOK_NS: Final = 50 * NS_PER_MS
#: A client that sends nothing for so long is hung up on (docs, read 2026-07-19).
MAX_SILENCE_NS: Final = 120_000 * NS_PER_MS
#: Trades that come with a subscription.
RECENT_TRADES: Final = 50
PUBLIC: Final = ("order_book", "ticker", "trade", "market_stats")

_Changes = dict[Side, dict[Decimal, Decimal]]


class Session:
    """One connection: whom it hears, and when it last said something.

    Attributes:
        channels: what it is told, with a colon between name and number.
        heard_ns: when its client last sent anything.
    """

    def __init__(self, number: SessionId, peer: str, at_ns: int) -> None:
        self.number = number
        self.peer = peer
        self.channels: set[str] = set()
        self.heard_ns = at_ns


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
            instrument: {Side.BUY: {}, Side.SELL: {}} for instrument in exchange.markets
        }
        self._nonces: dict[InstrumentId, int] = dict.fromkeys(exchange.markets, 9_000_000_000)
        self._offsets: dict[InstrumentId, int] = dict.fromkeys(exchange.markets, 1_000)
        self._touches: dict[InstrumentId, Json] = {}
        self._trades: dict[InstrumentId, deque[Json]] = {
            one: deque(maxlen=RECENT_TRADES) for one in exchange.markets
        }
        self._book_due_ns: int | None = None

    # --- what is heard ----------------------------------------------------------------------------

    def heard_book(self, event: BookChanged, at_ns: int) -> None:
        """Tell of changed levels with the next beat."""
        changes = self._changes[event.instrument]
        changes[Side.BUY].update(event.bids)
        changes[Side.SELL].update(event.asks)
        if self._book_due_ns is None:
            self._book_due_ns = (at_ns // BOOK_NS + 1) * BOOK_NS

    def heard_trade(self, event: Traded, at_ns: int) -> None:
        """Tell of a trade."""
        spelled = {
            "trade_id": event.trade_id,
            "type": "trade",
            "market_id": self._universe.of(event.instrument).number,
            "size": plain(event.size),
            "price": plain(event.price),
            "usd_amount": plain(event.price * event.size),
            "ask_account_id": HOUSE,
            "bid_account_id": HOUSE,
            "is_maker_ask": event.aggressor is Side.BUY,
            "timestamp": event.at_ns // NS_PER_MS,
            "transaction_time": micros(event.at_ns),
        }
        self._trades[event.instrument].append(spelled)
        self._to_all("trade", event.instrument, {"trades": [spelled], "liquidation_trades": []}, at_ns)

    def heard_mark(self, instrument: InstrumentId, at_ns: int) -> None:
        """Tell prices and funding."""
        self._to_all("market_stats", instrument, self._first("market_stats", instrument, at_ns), at_ns)

    # --- time -------------------------------------------------------------------------------------

    def next_due_ns(self) -> int | None:
        """Return when something is to be told next, or a silent client is hung up on."""
        if not self.sessions:
            return None
        due = [session.heard_ns + MAX_SILENCE_NS for session in self.sessions.values()]
        if self._book_due_ns is not None:
            due.append(self._book_due_ns)
        return min(due)

    def advance(self, at_ns: int) -> None:
        """Tell what is due."""
        for session in tuple(self.sessions.values()):
            if session.heard_ns + MAX_SILENCE_NS <= at_ns:
                del self.sessions[session.number]
                self._wire.close(session.number, 1000, "no message for two minutes")
        if self._book_due_ns is not None and self._book_due_ns <= at_ns:
            self._book_due_ns = None
            for instrument in self._exchange.markets:
                self._tell_changes(instrument, at_ns)
                self._tell_touch(instrument, at_ns)

    # --- connections ------------------------------------------------------------------------------

    def begin(self, session: Session, name: str, instrument: InstrumentId, at_ns: int) -> None:
        """Let a connection hear a public channel, beginning with what there is."""
        if name == "order_book":
            self._tell_changes(instrument, at_ns)  # the whole book continues what others have heard
        channel = self._channel(name, instrument)
        session.channels.add(channel)
        body = self._first(name, instrument, at_ns)
        self._send(session, f"subscribed/{name}", channel, body, at_ns)

    def begin_account(self, session: Session, name: str, account: int, body: Json, at_ns: int) -> None:
        """Let a connection hear a channel of an account, beginning with what there is."""
        channel = f"{name}:{account}"
        session.channels.add(channel)
        self._send(session, f"subscribed/{name}", channel, body, at_ns)

    def to_account(self, name: str, account: int, body: Json, at_ns: int) -> None:
        """Tell an account something."""
        channel = f"{name}:{account}"
        for session in self._listeners(channel):
            self._send(session, f"update/{name}", channel, body, at_ns)

    def say(self, session: Session, message: Json) -> None:
        """Send one message that is of no channel."""
        self._wire.send(session.number, msgspec.json.encode(message))

    # --- telling ----------------------------------------------------------------------------------

    def _first(self, name: str, instrument: InstrumentId, at_ns: int) -> Json:
        market = self._exchange.markets[instrument]
        match name:
            case "order_book":
                whole = {side: [(one.price, one.size) for one in market.levels(side)] for side in Side}
                return self._book(instrument, whole, 0, at_ns)
            case "ticker":
                return self._ticker(instrument, at_ns)
            case "trade":
                return {"trades": list(self._trades[instrument]), "liquidation_trades": []}
            case _:
                return {"market_stats": self._universe.stats(market)}

    def _tell_changes(self, instrument: InstrumentId, at_ns: int) -> None:
        changes = self._changes[instrument]
        if not (changes[Side.BUY] or changes[Side.SELL]):
            return
        self._changes[instrument] = {Side.BUY: {}, Side.SELL: {}}
        begin = self._nonces[instrument]
        self._nonces[instrument] += sum(len(levels) for levels in changes.values())
        self._offsets[instrument] += 2  # as at the venue: it rises, with holes
        sides = {side: sorted(levels.items(), reverse=side is Side.BUY) for side, levels in changes.items()}
        self._to_all("order_book", instrument, self._book(instrument, sides, begin, at_ns), at_ns)

    def _tell_touch(self, instrument: InstrumentId, at_ns: int) -> None:
        ticker = self._ticker(instrument, at_ns)
        touch = (ticker["ticker"]["a"], ticker["ticker"]["b"])
        if self._touches.get(instrument) != touch:
            self._touches[instrument] = touch
            self._to_all("ticker", instrument, ticker, at_ns)

    def _book(
        self,
        instrument: InstrumentId,
        sides: dict[Side, list[tuple[Decimal, Decimal]]],
        begin_nonce: int,
        at_ns: int,
    ) -> Json:
        spelled = {
            side: [{"price": plain(price), "size": plain(size)} for price, size in levels]
            for side, levels in sides.items()
        }
        at_us = micros(self._exchange.clock.venue_ns(at_ns))
        offset = self._offsets[instrument]
        book = {
            "code": 0,
            "asks": spelled[Side.SELL],
            "bids": spelled[Side.BUY],
            "offset": offset,
            "nonce": self._nonces[instrument],
            "last_updated_at": at_us,
            "begin_nonce": begin_nonce,
        }
        return {"order_book": book, "offset": offset, "last_updated_at": at_us}

    def _ticker(self, instrument: InstrumentId, at_ns: int) -> Json:
        market = self._exchange.markets[instrument]
        best = {side: next(iter(market.levels(side, 1)), None) for side in Side}
        quotes = {
            side: {"price": "", "size": ""}
            if level is None
            else {"price": plain(level.price), "size": plain(level.size)}
            for side, level in best.items()
        }
        at_us = micros(self._exchange.clock.venue_ns(at_ns))
        ticker: Json = {"s": self._universe.of(instrument).symbol, "last_updated_at": at_us}
        for key, side in (("a", Side.SELL), ("b", Side.BUY)):
            ticker[key] = quotes[side] if best[side] is not None else None
        return {"nonce": self._nonces[instrument], "ticker": ticker, "last_updated_at": at_us}

    # --- sending ----------------------------------------------------------------------------------

    def _channel(self, name: str, instrument: InstrumentId) -> str:
        return f"{name}:{self._universe.of(instrument).number}"

    def _to_all(self, name: str, instrument: InstrumentId, body: Json, at_ns: int) -> None:
        channel = self._channel(name, instrument)
        for session in self._listeners(channel):
            self._send(session, f"update/{name}", channel, body, at_ns)

    def _listeners(self, channel: str) -> Iterable[Session]:
        return [session for session in self.sessions.values() if channel in session.channels]

    def _send(self, session: Session, kind: str, channel: str, body: Json, at_ns: int) -> None:
        venue_ms = self._exchange.clock.venue_ns(at_ns) // NS_PER_MS
        self.say(session, {"channel": channel, **body, "timestamp": venue_ms, "type": kind})

"""What the venue tells by itself: who has subscribed to what, and when each of it is due.

Three rhythms, as measured on 2026-08-19 and 2026-09-24: an account hears of its orders and fills at once,
markets speak with every block in which they changed, and whole pictures are sent again and again, changed
or not. No message is ever repeated or made up for; a new subscriber gets a picture to start from, except
of orders.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

import msgspec

from paraphina_core.domain import NS_PER_MS, NS_PER_S, InstrumentId
from paraphina_core.twin import SessionId, Wire

from .history import NEVER_OPEN, Record
from .info import Info
from .spelling import Json, milliseconds
from .state import FAST_DEPTH, Views
from .subscriptions import Feed

BLOCK_NS: Final = 100 * NS_PER_MS
#: How often each picture is sent, in nanoseconds; a fast book is a feed of its own here.
PERIODS_NS: Final = {
    "l2Book": 5_300 * NS_PER_MS,
    "fastBook": 540 * NS_PER_MS,
    "activeAssetCtx": NS_PER_S,
    "allMids": 5 * NS_PER_S,
    "clearinghouseState": 5 * NS_PER_S,
    "openOrders": 5 * NS_PER_S,
    "spotState": 5 * NS_PER_S,
    "webData3": 5 * NS_PER_S,
    "activeAssetData": 5 * NS_PER_S,
}
#: Seen on 2026-09-24: a connection to which nothing was sent for so long is closed.
IDLE_NS: Final = 60 * NS_PER_S
#: How a connection ends that the venue drops without a word.
ABNORMAL: Final = 1006

_JSON: Final = msgspec.json.Encoder()


def message(channel: str, data: Json) -> bytes:
    """Spell a message."""
    return _JSON.encode({"channel": channel, "data": data})


def rhythm(feed: Feed) -> str:
    """Return after which rhythm a feed goes: a key of `PERIODS_NS`, or its own type."""
    return "fastBook" if feed.type == "l2Book" and feed.fast else feed.type


class Session:
    """One connection.

    Attributes:
        peer: where it comes from.
        feeds: what it has subscribed to, by key.
        last_sent_ns: when anything was last sent to it, the world's time.
    """

    def __init__(self, number: SessionId, peer: str, at_ns: int) -> None:
        self.number = number
        self.peer = peer
        self.feeds: dict[bytes, Feed] = {}
        self.last_sent_ns = at_ns


class Streams:
    """Sends every subscriber what it has asked for.

    Args:
        wire: where messages go.
        views: markets and accounts.
        info: lists that are also answers to questions.

    Attributes:
        sessions: open connections.
    """

    def __init__(self, wire: Wire, views: Views, info: Info) -> None:
        self.sessions: dict[SessionId, Session] = {}
        self._wire = wire
        self._views = views
        self._info = info
        self._clock = views.exchange.clock
        self._due_ns: dict[str, int] = {}
        self._block_due_ns: int | None = None
        self._trades: dict[InstrumentId, list[dict[str, Json]]] = {}
        self._touched: set[InstrumentId] = set()
        self._best: dict[InstrumentId, Json] = {}
        self._orders: dict[str, list[Record]] = {}
        self._fills: dict[str, list[dict[str, Json]]] = {}
        self._fundings: dict[str, list[dict[str, Json]]] = {}
        self._events: list[tuple[str, Json]] = []
        self._pictures: dict[str, Callable[[Feed, int], Json]] = {
            "l2Book": self._book,
            "fastBook": self._book,
            "activeAssetCtx": self._context,
            "allMids": lambda _, __: {"mids": self._views.mids()},
            "clearinghouseState": self._clearinghouse,
            "openOrders": self._open_orders,
            "spotState": lambda feed, _: {"user": feed.user, "spotState": {"balances": []}},
            "webData3": self._web_data,
            "activeAssetData": self._active_asset,
        }

    # --- what is heard --------------------------------------------------------------------------

    def heard_trade(self, instrument: InstrumentId, spelled: dict[str, Json], at_ns: int) -> None:
        """Tell of a trade with the next block, if there is anybody to tell."""
        if not self.sessions:
            return
        self._trades.setdefault(instrument, []).append(spelled)
        self._await_block(at_ns)

    def heard_book(self, instrument: InstrumentId, at_ns: int) -> None:
        """Tell of a changed best price with the next block, if there is anybody to tell."""
        if not self.sessions:
            return
        self._touched.add(instrument)
        self._await_block(at_ns)

    def heard_order(self, record: Record) -> None:
        """Tell an account of its order with the next `flush`."""
        self._orders.setdefault(record.account, []).append(record)
        order = record.order
        if record.status.endswith("Canceled"):  # by the venue, not on request
            cancelled = {"nonUserCancel": [{"coin": order["coin"], "oid": order["oid"]}]}
            self._events.append((record.account, cancelled))

    def heard_fill(self, account: str, spelled: dict[str, Json]) -> None:
        """Tell an account of its fill with the next `flush`."""
        self._fills.setdefault(account, []).append(spelled)

    def heard_funding(self, account: str, spelled: dict[str, Json]) -> None:
        """Tell an account of its funding with the next `flush`."""
        self._fundings.setdefault(account, []).append(spelled)
        self._events.append((account, {"funding": spelled}))

    def heard_liquidation(self, account: str, spelled: dict[str, Json]) -> None:
        """Tell an account that it is liquidated with the next `flush`."""
        self._events.append((account, {"liquidation": spelled}))

    # --- subscribers ----------------------------------------------------------------------------

    def begin(self, session: Session, feed: Feed, at_ns: int) -> None:
        """Add a subscription and send what it begins with."""
        session.feeds[feed.key] = feed
        venue_ns = self._clock.venue_ns(at_ns)
        self._schedule(rhythm(feed), at_ns)
        first = self._first(feed, venue_ns)
        if first is not None:
            self.send(session, first, at_ns)

    def send(self, session: Session, payload: bytes, at_ns: int) -> None:
        """Send one message."""
        session.last_sent_ns = at_ns
        self._wire.send(session.number, payload)

    def drop(self, session: Session) -> None:
        """End a connection without a word."""
        self.sessions.pop(session.number, None)
        self._wire.close(session.number, ABNORMAL)

    # --- time -----------------------------------------------------------------------------------

    def next_due_ns(self) -> int | None:
        """Return the world's time at which something is due next."""
        due = list(self._due_ns.values())
        due += [session.last_sent_ns + IDLE_NS for session in self.sessions.values()]
        if self._block_due_ns is not None:
            due.append(self._block_due_ns)
        if self._orders or self._fills or self._fundings or self._events:
            due.append(0)  # happened between two calls, and has waited long enough
        return min(due, default=None)

    def advance(self, at_ns: int) -> None:
        """Send what is due, and close connections that were silent for too long."""
        if self._block_due_ns is not None and self._block_due_ns <= at_ns:
            self._block_due_ns = None
            self._block(at_ns)
        for name in [name for name, due_ns in self._due_ns.items() if due_ns <= at_ns]:
            if self._picture_all(name, at_ns):
                self._due_ns[name] += PERIODS_NS[name] * (
                    (at_ns - self._due_ns[name]) // PERIODS_NS[name] + 1
                )
            else:
                del self._due_ns[name]
        for session in list(self.sessions.values()):
            if session.last_sent_ns + IDLE_NS <= at_ns:
                self.drop(session)

    def flush(self, at_ns: int) -> None:
        """Tell accounts what has happened to them since the last time."""
        orders, self._orders = self._orders, {}
        for account, records in orders.items():
            updates = [_update(record) for record in _without_false_starts(records)]
            self._to_user("orderUpdates", account, message("orderUpdates", updates), at_ns)
        fills, self._fills = self._fills, {}
        for account, spelled in fills.items():
            data = {"user": account, "fills": spelled}
            self._to_user("userFills", account, message("userFills", data), at_ns)
            self._to_user("userEvents", account, message("user", {"fills": spelled}), at_ns)
        fundings, self._fundings = self._fundings, {}
        for account, paid in fundings.items():
            data = {"user": account, "fundings": paid}
            self._to_user("userFundings", account, message("userFundings", data), at_ns)
        events, self._events = self._events, []
        for account, event in events:
            self._to_user("userEvents", account, message("user", event), at_ns)

    # --- sending --------------------------------------------------------------------------------

    def _await_block(self, at_ns: int) -> None:
        if self._block_due_ns is None:
            self._block_due_ns = (at_ns // BLOCK_NS + 1) * BLOCK_NS

    def _schedule(self, name: str, at_ns: int) -> None:
        if name in PERIODS_NS:
            self._due_ns.setdefault(name, at_ns + PERIODS_NS[name])

    def _block(self, at_ns: int) -> None:
        venue_ns = self._clock.venue_ns(at_ns)
        trades, self._trades = self._trades, {}
        for instrument, spelled in trades.items():
            coin = self._views.universe.coin(instrument).name
            self._to_coin("trades", coin, message("trades", spelled), at_ns)
            for session, feed in self._subscribers("candle"):
                candle = self._views.history.markets[instrument].candles.last(feed.interval)
                if feed.coin == coin and candle is not None:
                    self.send(session, message("candle", candle), at_ns)
        touched, self._touched = self._touched, set()
        for instrument in sorted(touched):
            best = self._views.bbo(instrument, venue_ns)
            if self._best.get(instrument) != best["bbo"]:
                self._best[instrument] = best["bbo"]
                self._to_coin("bbo", best["coin"], message("bbo", best), at_ns)

    def _picture_all(self, name: str, at_ns: int) -> bool:
        """Send a kind of picture to all who want it; tell whether there is anybody."""
        venue_ns = self._clock.venue_ns(at_ns)
        drawn: dict[bytes, bytes] = {}
        for session, feed in self._subscribers(name):
            if feed.key not in drawn:
                drawn[feed.key] = message(feed.type, self._pictures[name](feed, venue_ns))
            self.send(session, drawn[feed.key], at_ns)
        return bool(drawn)

    def _subscribers(self, name: str) -> Iterable[tuple[Session, Feed]]:
        return [
            (session, feed)
            for session in self.sessions.values()
            for feed in session.feeds.values()
            if rhythm(feed) == name
        ]

    def _to_coin(self, type_: str, coin: str, payload: bytes, at_ns: int) -> None:
        for session, feed in self._subscribers(type_):
            if feed.coin == coin:
                self.send(session, payload, at_ns)

    def _to_user(self, type_: str, user: str, payload: bytes, at_ns: int) -> None:
        for session, feed in self._subscribers(type_):
            if feed.user == user:
                self.send(session, payload, at_ns)

    # --- pictures -------------------------------------------------------------------------------

    def _first(self, feed: Feed, venue_ns: int) -> bytes | None:
        name, instrument = rhythm(feed), self._views.universe.instrument(feed.coin or "")
        if name in self._pictures:
            return message(feed.type, self._pictures[name](feed, venue_ns))
        if instrument is not None and name == "bbo":
            return message("bbo", self._views.bbo(instrument, venue_ns))
        if instrument is not None and name == "trades":
            return message("trades", list(self._views.history.markets[instrument].trades))
        if instrument is not None and name == "candle":
            candle = self._views.history.markets[instrument].candles.last(feed.interval)
            return None if candle is None else message("candle", candle)
        user = feed.user or ""
        lists: dict[str, tuple[str, Callable[[], list[dict[str, Json]]]]] = {
            "userFills": ("fills", lambda: self._info.fills(user)),
            "userFundings": ("fundings", lambda: list(self._info.fundings(user))),
            "userNonFundingLedgerUpdates": ("nonFundingLedgerUpdates", list),
        }
        if name not in lists:
            return None
        key, entries = lists[name]
        return message(name, {"isSnapshot": True, "user": user, key: entries()})

    def _book(self, feed: Feed, venue_ns: int) -> Json:
        instrument = self._instrument(feed)
        if not feed.fast:
            return self._views.book(instrument, venue_ns, feed.figures, feed.mantissa)
        book = self._views.book(instrument, venue_ns, feed.figures, feed.mantissa, FAST_DEPTH)
        return book | {"fast": True}

    def _context(self, feed: Feed, venue_ns: int) -> Json:
        return {"coin": feed.coin, "ctx": self._views.context(self._instrument(feed))}

    def _clearinghouse(self, feed: Feed, venue_ns: int) -> Json:
        state = self._views.clearinghouse(self._info.account(feed.user or ""), venue_ns)
        return {"dex": "", "user": feed.user, "clearinghouseState": state}

    def _open_orders(self, feed: Feed, venue_ns: int) -> Json:
        orders = self._info.open_orders(feed.user or "", in_full=True)
        return {"dex": "", "user": feed.user, "orders": orders}

    def _web_data(self, feed: Feed, venue_ns: int) -> Json:
        account = self._info.account(feed.user or "")
        value = self._views.clearinghouse(account, venue_ns)["marginSummary"]["accountValue"]
        return {
            "userState": {
                "abstraction": "default",
                "agentAddress": None,
                "agentValidUntil": None,
                "cumLedger": value,
                "serverTime": milliseconds(venue_ns),
                "isVault": False,
                "user": feed.user,
            },
            "perpDexStates": [{"totalVaultEquity": "0.0"}],
        }

    def _active_asset(self, feed: Feed, venue_ns: int) -> Json:
        user = feed.user or ""
        return self._views.active_asset(self._info.account(user), user, self._instrument(feed))

    def _instrument(self, feed: Feed) -> InstrumentId:
        instrument = self._views.universe.instrument(feed.coin or "")
        assert instrument is not None, feed  # noqa: S101  # checked when it was subscribed to
        return instrument


def _update(record: Record) -> dict[str, Json]:
    order = record.order
    short = {key: order[key] for key in ("coin", "side", "limitPx", "sz", "oid", "timestamp", "origSz")} | (
        {"reduceOnly": True} if order["reduceOnly"] else {}
    )
    if order["cloid"] is not None:
        short["cloid"] = order["cloid"]
    return {"order": short, "status": record.status, "statusTimestamp": record.at_ms}


def _without_false_starts(records: list[Record]) -> list[Record]:
    """Leave out that an order was open which never was: the venue tells of its refusal alone."""
    refused = {record.order["oid"] for record in records if record.status == NEVER_OPEN}
    return [record for record in records if record.status != "open" or record.order["oid"] not in refused]

"""The twin: the venue's API and its streams, before an exchange of its own.

See `docs/venues/aster-twin.md` for what it models and what it does not.
"""

from __future__ import annotations

from typing import Final, Literal
from urllib.parse import parse_qsl, unquote

import msgspec

from paraphina_aster.limits import IP_WEIGHT, MAX_BATCH, ORDERS, ORDERS_BURST
from paraphina_aster.spec import VENUE
from paraphina_core.connector import Answer
from paraphina_core.domain import NS_PER_MS, NS_PER_S, ConfigError
from paraphina_core.twin import (
    BookChanged,
    Exchange,
    ExchangeEvent,
    HouseRules,
    Meters,
    Refusal,
    SessionId,
    Traded,
    TwinContext,
    TwinLogin,
    TwinRequest,
)

from .api import DEPTH_WEIGHTS, Api, depth_of
from .authority import Authority, Parameters
from .listen_keys import ListenKeys
from .members import Member, members
from .news import News
from .refusals import Refused, fine
from .spelling import Json
from .streams import MAX_STREAMS, Session, Streams
from .trading import Trading
from .universe import Universe

_API: Final = "/fapi/"
#: Where the spot markets are; none is part of this twin, but clients ask for both.
_SPOT: Final = "/api/v3/exchangeInfo"
_HTML: Final = {"content-type": "text/html"}
_SETTINGS: Final = "flow, metered and deposited, yes or no"
_MOST_DEPTH_WEIGHT: Final = 20
_VERSIONS: Final = frozenset({"v1", "v2", "v3", "v4"})

#: Requests that are turned away before whoever goes on asking is shut out, and for how long at first (docs
#: "Limits", read 2026-10-08: from two minutes to three days).
PATIENCE: Final = 10
BAN_NS: Final = 120 * NS_PER_S

#: What a request weighs (docs, read 2026-10-08); every other one 1.
_WEIGHTS: Final = {
    "account": 5,
    "balance": 5,
    "positionRisk": 5,
    "userTrades": 5,
    "allOrders": 5,
    "income": 30,
    "commissionRate": 20,
    "positionSide/dual": 30,
    "countdownCancelAll": 10,
}


class AsterTwin:
    """Aster as its clients see it.

    Args:
        context: seed, time, network, where messages go. Settings: `flow`, whether others than clients
            trade, `metered`, whether an address may ask so much and no more, and `deposited`, without which
            nothing that is signed is done.

    Attributes:
        exchange: what is behind the doors.
        members: accounts that can be logged in with; the keys are worth nothing anywhere else.
    """

    def __init__(self, context: TwinContext) -> None:
        self._settings = _read(context)
        fees = VENUE.fees
        assert fees is not None  # noqa: S101  # written down beside the connector
        self._universe = Universe(VENUE.name, has_flow=self._settings.flow == "yes")
        self.exchange = Exchange(
            HouseRules(fees=fees),
            self._universe.listings,
            clock=context.clock,
            seed=context.seed,
            start_ns=context.start_ns,
        )
        self.members = members(context.seed)
        for member in self.members:
            self.exchange.open_account(member.name, context.balance_usd)
        self._authority = Authority(context.network, self.members)
        self._trading = Trading(self.exchange, self._universe)
        self._streams = Streams(context.wire, self.exchange, self._universe, context.start_ns)
        self._listen_keys = ListenKeys(context.seed)
        self._api = Api(self.exchange, self._universe, self._trading, self._streams, self._listen_keys)
        names = [member.name for member in self.members]
        self._news = News(names, self.exchange, self._universe, self._trading, self._streams)
        self._meters = Meters(VENUE.rate_limits, is_counting=self._settings.metered == "yes")
        self._turned_away: dict[str, int] = {}
        self._banned_ns: dict[str, int] = {}
        self._funding_ns = {market.id: market.next_funding_ns for market in self.exchange.markets.values()}
        self._now_ns = context.start_ns
        self.exchange.subscribe(self._hear)

    @property
    def logins(self) -> tuple[TwinLogin, ...]:
        """Each account, as an operator would trade it: with an agent."""
        return tuple(
            TwinLogin(
                account=member.name,
                settings={"user_address": member.user},
                secrets={"agent_private_key": member.agent_key},
            )
            for member in self.members
        )

    def is_heard(self, account: str) -> bool:
        """Tell whether a connection is open that hears an account's events."""
        return any(session.account == account for session in self._streams.sessions.values())

    # --- doors ------------------------------------------------------------------------------------

    def request(self, request: TwinRequest, at_ns: int) -> Answer:
        """Answer one HTTP request."""
        self._now_ns = at_ns
        try:
            return self._answer(request, at_ns)
        except Refused as why:
            return why.answer

    def connect(self, session: SessionId, request: TwinRequest, at_ns: int) -> Answer | None:
        """Take a new WebSocket: its address names streams, or the key of an account's."""
        self._now_ns = at_ns
        root, _, name = request.path.strip("/").partition("/")
        if root not in {"ws", "stream"}:
            return Answer(status=404, body=b"", headers=_HTML)
        opened = Session(session, is_combined=root == "stream")
        streams = dict(parse_qsl(request.query)).get("streams", "") if root == "stream" else unquote(name)
        if root == "ws" and "@" not in streams and streams:
            opened.account = self._listen_keys.owner(streams, at_ns)
            if opened.account is None:
                return Refused(-1125).answer
        elif streams:
            opened.names = dict.fromkeys(streams.split("/"))
        if len(opened.names) > MAX_STREAMS:
            return Answer(status=400, body=b"", headers=_HTML)
        self._streams.sessions[session] = opened
        return None

    def receive(self, session: SessionId, message: bytes, at_ns: int) -> None:
        """Take one message of an open WebSocket."""
        self._now_ns = at_ns
        known = self._streams.sessions.get(session)
        if known is None:
            return
        try:
            call = _CALL.decode(message)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            self._streams.answer(known, {"error": {"code": 2, "msg": "Invalid request"}})
            return
        self._streams.answer(known, {"result": _called(known, call), "id": call.id})

    def disconnected(self, session: SessionId, at_ns: int) -> None:
        """Forget a WebSocket."""
        self._streams.sessions.pop(session, None)

    def refuse(self, why: Refusal, retry_after_s: int) -> Answer:
        """Spell the answer with which the venue turns a request away unseen."""
        again = {"retry-after": str(retry_after_s)}
        if why is Refusal.RATE_LIMITED:
            return Refused(-1003, again).answer
        if why is Refusal.BANNED:
            return Answer(status=418, body=Refused(-1003).answer.body, headers=again)
        return Answer(status=503, body=b"<html>Service Unavailable</html>", headers=_HTML)

    # --- time -------------------------------------------------------------------------------------

    def advance(self, at_ns: int) -> None:
        """Let the exchange live, switches fire and streams speak, each in its turn."""
        while (due_ns := self.next_due_ns()) is not None and due_ns <= at_ns:
            due_ns = self._now_ns = max(due_ns, self._now_ns)
            self.exchange.advance(due_ns)
            self._note_funding(due_ns)
            self._trading.advance(due_ns)
            self._streams.advance(due_ns)
            for name in self._listen_keys.take_expired(due_ns):
                venue_ms = self.exchange.clock.venue_ns(due_ns) // NS_PER_MS
                self._streams.to_account(name, {"e": "listenKeyExpired", "E": venue_ms})
                self._forget_account(name)

    def next_due_ns(self) -> int | None:
        """Return when something is due next."""
        due = (
            self.exchange.next_due_ns(),
            self._trading.next_due_ns(),
            self._streams.next_due_ns(),
            self._listen_keys.next_due_ns(),
        )
        return min((at_ns for at_ns in due if at_ns is not None), default=None)

    def _forget_account(self, name: str) -> None:
        """Let connections stay open and hear nothing more (docs "Event: User data stream expired")."""
        for session in self._streams.sessions.values():
            if session.account == name:
                session.account = None

    def _note_funding(self, at_ns: int) -> None:
        for market in self.exchange.markets.values():
            if self._funding_ns[market.id] != market.next_funding_ns:
                self._api.paid(market.id, market.funding_rate, self._funding_ns[market.id])
                self._funding_ns[market.id] = market.next_funding_ns

    # --- requests ---------------------------------------------------------------------------------

    def _answer(self, request: TwinRequest, at_ns: int) -> Answer:
        if request.path == _SPOT:
            return fine({"timezone": "UTC", "symbols": []})
        version, _, path = request.path.removeprefix(_API).partition("/")
        if not request.path.startswith(_API) or version not in _VERSIONS:
            return Answer(status=404, body=b"", headers=_HTML)
        given = dict(parse_qsl(request.query, keep_blank_values=True))
        banned = self._shut_out(request.peer, path, given, at_ns)
        if banned is not None:
            return banned
        body = self._api.public(path, given, at_ns) if request.method == "GET" else None
        orders: dict[str, str] = {}
        if body is None:
            member, given = self._authority.judge(request, self.exchange.clock.venue_ns(at_ns))
            if self.exchange.account(member.name).expired:
                raise Refused(-2015)
            if self._settings.deposited == "no":
                raise Refused(-5050)
            orders = self._count_orders(member, request.method, path, given, at_ns)
            body = self._api.private(request.method, path, member, given, at_ns)
        if body is None:
            return Answer(status=404, body=b"", headers=_HTML)
        used = {"x-mbx-used-weight-1m": str(self._meters.used(IP_WEIGHT, request.peer, at_ns))}
        answer = fine(body)
        return msgspec.structs.replace(answer, headers={**answer.headers, **used, **orders})

    def _shut_out(self, peer: str, path: str, given: Parameters, at_ns: int) -> Answer | None:
        """Return how an address is turned away: asked to wait, and shut out if it does not."""
        until_ns = self._banned_ns.get(peer, 0)
        if at_ns < until_ns:
            return self.refuse(Refusal.BANNED, _seconds(until_ns - at_ns))
        ready_ns = self._meters.over_ns(IP_WEIGHT, peer, _weight(path, given), at_ns)
        if ready_ns is None:
            self._turned_away.pop(peer, None)
            return None
        self._turned_away[peer] = self._turned_away.get(peer, 0) + 1
        if self._turned_away[peer] > PATIENCE:
            self._banned_ns[peer] = at_ns + BAN_NS
            return self.refuse(Refusal.BANNED, _seconds(BAN_NS))
        return self.refuse(Refusal.RATE_LIMITED, _seconds(ready_ns - at_ns))

    def _count_orders(
        self, member: Member, method: str, path: str, given: Parameters, at_ns: int
    ) -> dict[str, str]:
        """Count the orders of a request, and return what the venue says of its counts.

        Raises:
            Refused: there are too many.
        """
        if method not in {"POST", "PUT"} or path not in {"order", "batchOrders"}:
            return {}
        count = 1 if path == "order" else min(MAX_BATCH, max(1, given.get("batchOrders", "").count("{")))
        for scope in (ORDERS_BURST, ORDERS):
            if self._meters.over_ns(scope, member.name, count, at_ns) is not None:
                raise Refused(-1015)
        return {
            "x-mbx-order-count-1m": str(self._meters.used(ORDERS, member.name, at_ns)),
            "x-mbx-order-count-10s": str(self._meters.used(ORDERS_BURST, member.name, at_ns)),
        }

    # --- what the exchange tells ------------------------------------------------------------------

    def _hear(self, event: ExchangeEvent) -> None:
        match event:
            case BookChanged():
                self._streams.heard_book(event, self._now_ns)
            case Traded():
                self._streams.heard_trade(event)
            case _:
                self._news.hear(event)


class _Call(msgspec.Struct, frozen=True):
    """A call on an open connection."""

    method: str
    id: int | str | None = None
    params: list[str | bool] = []


_CALL: Final = msgspec.json.Decoder(_Call)


def _called(session: Session, call: _Call) -> Json:
    names = [name for name in call.params if isinstance(name, str)]
    match call.method, call.params:
        case "SUBSCRIBE", _:
            session.names.update(dict.fromkeys(names[:MAX_STREAMS]))
        case "UNSUBSCRIBE", _:
            for name in names:
                session.names.pop(name, None)
        case "LIST_SUBSCRIPTIONS", _:
            return list(session.names)
        case "SET_PROPERTY", ["combined", bool(is_combined)]:
            session.is_combined = is_combined
        case "GET_PROPERTY", _:
            return session.is_combined
        case _:
            pass
    return None


def _weight(path: str, given: Parameters) -> int:
    if path == "depth":
        return DEPTH_WEIGHTS.get(depth_of(given), _MOST_DEPTH_WEIGHT)
    if path == "openOrders":
        return 1 if "symbol" in given else 40
    if path == "batchOrders":
        return MAX_BATCH
    return _WEIGHTS.get(path, 1)


def _seconds(span_ns: int) -> int:
    return max(1, -(-span_ns // NS_PER_S))


class _Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an operator may set, as text."""

    flow: Literal["yes", "no"] = "yes"
    metered: Literal["yes", "no"] = "yes"
    deposited: Literal["yes", "no"] = "yes"


def _read(context: TwinContext) -> _Settings:
    try:
        return msgspec.convert(dict(context.settings), _Settings)
    except msgspec.ValidationError as e:
        raise ConfigError("setting of the twin is not usable", found=str(e), wanted=_SETTINGS) from e

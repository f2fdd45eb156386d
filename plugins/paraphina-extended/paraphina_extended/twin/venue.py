"""The twin: the venue's API and both versions of its stream, before an exchange of its own.

See `docs/venues/extended-twin.md` for what it models and what it does not.
"""

from __future__ import annotations

from typing import Final, Literal
from urllib.parse import parse_qs

import msgspec

from paraphina_core.connector import Answer
from paraphina_core.domain import ConfigError
from paraphina_core.twin import (
    BookChanged,
    Exchange,
    ExchangeEvent,
    Filled,
    FundingPaid,
    HouseRules,
    Marked,
    Meters,
    OrderChanged,
    Refusal,
    SessionId,
    Traded,
    TwinContext,
    TwinLogin,
    TwinRequest,
)
from paraphina_extended.limits import REQUESTS
from paraphina_extended.spec import VENUE
from paraphina_extended.topics import Topic

from . import spelling, wire
from .api import API, Api
from .members import Member, members
from .records import Record, Records
from .refusals import Refused, refusal
from .spelling import FIRST_ID, Json
from .streams import Session, Streams
from .trading import Trading
from .universe import Universe

STREAM: Final = "/stream.extended.exchange"
_ACCOUNT: Final = "account"
_PATHS: Final = {
    "orderbooks": Topic.BOOK,
    "publicTrades": Topic.TRADES,
    "prices/mark": Topic.MARK,
    "prices/index": Topic.INDEX,
    "funding": Topic.FUNDING,
}
_UNAUTHORIZED: Final = Refused(401, "Unauthorized", 401)
_SETTINGS: Final = "flow and metered, yes or no"
_HTML: Final = {"content-type": "text/html"}


class ExtendedTwin:
    """Extended as its clients see it.

    Args:
        context: seed, time, network, where messages go. Settings: `flow`, whether others than clients
            trade, and `metered`, whether an address may ask so much and no more.

    Attributes:
        exchange: what is behind the doors.
        members: accounts that can be logged in with; the keys are worth nothing anywhere else.
    """

    def __init__(self, context: TwinContext) -> None:
        settings = _settings(context)
        fees = VENUE.fees
        assert fees is not None  # noqa: S101  # written down beside the connector
        universe = Universe(VENUE.name, has_flow=settings.flow == "yes")
        self.exchange = Exchange(
            HouseRules(fees=fees),
            universe.listings,
            clock=context.clock,
            seed=context.seed,
            start_ns=context.start_ns,
        )
        self.members = members(context.seed)
        for member in self.members:
            self.exchange.open_account(member.name, context.balance_usd)
        self._by_name = {member.name: member for member in self.members}
        self._universe = universe
        self._records = Records(FIRST_ID)
        self._trading = Trading(self.exchange, universe, self._records, context.network, self._told)
        self._api = Api(self.exchange, universe, self._records, self._trading)
        self._streams = Streams(context.wire, self.exchange, universe)
        self._wire = context.wire
        self._meters = Meters(VENUE.rate_limits, is_counting=settings.metered == "yes")
        self._news: dict[str, dict[str, list[Json]]] = {}
        self._funding_ns = {market.id: market.next_funding_ns for market in self.exchange.markets.values()}
        self._now_ns = context.start_ns
        self.exchange.subscribe(self._hear)

    @property
    def logins(self) -> tuple[TwinLogin, ...]:
        """Each account, as an operator would trade it."""
        return tuple(
            TwinLogin(
                account=member.name,
                settings={"vault": str(member.vault)},
                secrets={"api_key": member.api_key, "stark_private_key": member.stark_key},
            )
            for member in self.members
        )

    # --- doors ------------------------------------------------------------------------------------

    def request(self, request: TwinRequest, at_ns: int) -> Answer:
        """Answer one HTTP request."""
        self._now_ns = at_ns
        try:
            return self._answer(request, at_ns)
        except Refused as why:
            return refusal(why)
        finally:
            self._flush(at_ns)

    def connect(self, session: SessionId, request: TwinRequest, at_ns: int) -> Answer | None:
        """Take a new WebSocket: in the first version, its path says what it carries."""
        self._now_ns = at_ns
        path = request.path.removeprefix(STREAM)
        if path == request.path:
            return Answer(status=404, body=b"", headers=_HTML)
        try:
            _agent(request)
            opened = self._opened(session, path, request)
        except Refused as why:
            return refusal(why)
        self._streams.sessions[session] = opened
        if opened.member is not None:
            self._tell_all(opened.member, at_ns)
        for topic, market in tuple(opened.feeds.values()):
            self._streams.begin(opened, topic, market, at_ns)
        return None

    def receive(self, session: SessionId, message: bytes, at_ns: int) -> None:
        """Take one message of an open WebSocket; only the second version takes any."""
        self._now_ns = at_ns
        known = self._streams.sessions.get(session)
        if known is None or not known.is_rpc:
            return
        try:
            call = wire.CALL.decode(message)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            error = {"code": -32700, "message": "Parse error"}
            self._streams.answer(known, {"jsonrpc": "2.0", "id": None, "error": error})
            return
        self._call(known, call, at_ns)
        self._flush(at_ns)

    def disconnected(self, session: SessionId, at_ns: int) -> None:
        """Forget a WebSocket."""
        self._streams.sessions.pop(session, None)

    def refuse(self, why: Refusal, retry_after_s: int) -> Answer:
        """Spell the answer with which the venue turns a request away unseen."""
        if why is Refusal.RATE_LIMITED:
            return refusal(Refused(429, "Too many requests", 429))
        return Answer(status=403 if why is Refusal.BANNED else 502, body=b"", headers=_HTML)

    # --- time -------------------------------------------------------------------------------------

    def advance(self, at_ns: int) -> None:
        """Let the exchange live, the engine act and streams speak, each in its turn."""
        while (due_ns := self.next_due_ns()) is not None and due_ns <= at_ns:
            due_ns = self._now_ns = max(due_ns, self._now_ns)
            self.exchange.advance(due_ns)
            self._trading.advance(due_ns)
            self._tell_funding(due_ns)
            self._streams.advance(due_ns)
            self._flush(due_ns)

    def next_due_ns(self) -> int | None:
        """Return when something is due next."""
        if self._news:  # of what a fault did, which nobody has been told
            return self._now_ns
        due = (self.exchange.next_due_ns(), self._trading.next_due_ns(), self._streams.next_due_ns())
        return min((at_ns for at_ns in due if at_ns is not None), default=None)

    # --- requests ---------------------------------------------------------------------------------

    def _answer(self, request: TwinRequest, at_ns: int) -> Answer:
        _agent(request)
        if self._meters.over_ns(REQUESTS, request.peer, 1, at_ns) is not None:
            raise Refused(429, "Too many requests", 429)
        path = request.path.removeprefix(API)
        if path == request.path:
            return Answer(status=404, body=b"", headers=_HTML)
        parts = path.strip("/").split("/")
        if parts[0] == "info":
            if request.method != "GET":
                raise Refused(404, "Not found", 404)
            return self._api.public(parts, parse_qs(request.query))
        return self._api.private(request, parts, self._member(request), at_ns)

    def _member(self, request: TwinRequest) -> Member:
        key = request.headers.get("x-api-key", "")
        for member in self.members:
            if member.api_key == key and not self.exchange.account(member.name).expired:
                return member
        raise _UNAUTHORIZED

    # --- connections ------------------------------------------------------------------------------

    def _opened(self, session: SessionId, path: str, request: TwinRequest) -> Session:
        if path == "/v2/rpc":
            return Session(session, request.peer, is_rpc=True)
        if path == "/v1/account":
            return Session(session, request.peer, member=self._member(request))
        kind, _, market = path.removeprefix("/v1/").rpartition("/")
        topic = _PATHS.get(kind)
        if topic is None or market not in self._universe.instruments:
            raise Refused(404, "Not found", 404)
        if topic is Topic.BOOK and parse_qs(request.query).get("depth") == ["1"]:
            topic = Topic.TOUCH
        opened = Session(session, request.peer)
        opened.feeds[topic.of(market)] = (topic, market)
        return opened

    def _call(self, session: Session, call: wire.Call, at_ns: int) -> None:
        result: dict[str, Json] = {"method": call.method, "status": "OK"}
        begun: tuple[Topic, str] | None = None
        match call.method:
            case "ping":
                pass
            case "list-subscriptions":
                result["subscriptions"] = sorted(session.feeds)
            case "subscribe" | "unsubscribe":
                begun = _topic(call.params)
                if begun is None or begun[1] not in self._universe.instruments:
                    return  # seen in September 2026: a selector that selects nothing gets no answer at all
                result["subscription"] = begun[0].of(begun[1])
            case _:
                error = {"code": -32601, "message": "Method not found"}
                self._streams.answer(session, {"id": call.id, "error": error, "jsonrpc": "2.0"})
                return
        self._streams.answer(session, {"id": call.id, "result": result, "jsonrpc": "2.0"})
        if begun is not None and call.method == "subscribe":
            self._streams.begin(session, *begun, at_ns)
        elif begun is not None:
            session.feeds.pop(begun[0].of(begun[1]), None)

    # --- what the exchange tells ------------------------------------------------------------------

    def _hear(self, event: ExchangeEvent) -> None:
        match event:
            case BookChanged():
                self._streams.heard_book(event, self._now_ns)
            case Traded():
                self._streams.heard_trade(event, self._now_ns)
            case Marked():
                self._streams.heard_mark(event, self._now_ns)
            case OrderChanged(order=order) if order.account in self._by_name:
                self._told(self._trading.changed(order, self._by_name[order.account], event.at_ns))
            case Filled(fill=told) if told.account in self._by_name:
                self._heard_fill(event)
            case FundingPaid(account=name) if name in self._by_name:
                self._news.setdefault(name, {})
            case _:
                pass

    def _heard_fill(self, event: Filled) -> None:
        told = event.fill
        member, account = self._by_name[told.account], self.exchange.account(told.account)
        name = self._universe.name(told.fill.instrument)
        order = account.find(told.order_id)
        assert order is not None, told  # noqa: S101  # the exchange has just filled it
        record = self._records.for_order(account, order, member.account_id, name, event.at_ns)
        record.fee += told.fill.fee
        record.value += told.fill.price * told.fill.size
        spelled = spelling.trade(told, record, member.account_id, name) | {"externalOrderId": record.text}
        news = self._news.setdefault(told.account, {})
        news.setdefault("TRADE", []).append(spelled)
        position = spelling.position(self.exchange, account, told.fill.instrument, name, member.account_id)
        news.setdefault("POSITION", []).append(position)

    def _told(self, record: Record) -> None:
        self._news.setdefault(record.account, {}).setdefault("ORDER", []).append(spelling.order(record))

    def _tell_funding(self, at_ns: int) -> None:
        for market in self.exchange.markets.values():
            if self._funding_ns[market.id] != market.next_funding_ns:
                self._funding_ns[market.id] = market.next_funding_ns
                self._streams.heard_funding(market.id, at_ns)

    def _tell_all(self, member: Member, at_ns: int) -> None:
        """Begin an account's connection with everything that there is."""
        account, venue_ns = self.exchange.account(member.name), self.exchange.clock.venue_ns(at_ns)
        orders = [spelling.order(one) for one in self._api.open_orders(member)]
        for kind, data in (
            ("BALANCE", {"balance": spelling.balance(self.exchange, account, venue_ns)}),
            ("POSITION", {"positions": self._api.positions(member, account)}),
            ("ORDER", {"orders": orders}),
        ):
            self._streams.to_account(member.name, kind, data | {"isSnapshot": True}, at_ns)

    def _flush(self, at_ns: int) -> None:
        """Tell each account what has happened to it."""
        news, self._news = self._news, {}
        for name, told in news.items():
            for kind, key in (("ORDER", "orders"), ("TRADE", "trades"), ("POSITION", "positions")):
                if kind in told:
                    self._streams.to_account(name, kind, {key: told[kind], "isSnapshot": False}, at_ns)
            venue_ns = self.exchange.clock.venue_ns(at_ns)
            balance = spelling.balance(self.exchange, self.exchange.account(name), venue_ns)
            data = {"balance": balance, "isSnapshot": False}
            self._streams.to_account(name, "BALANCE", data, at_ns)


def _topic(params: wire.Params) -> tuple[Topic, str] | None:
    selector = params.selector
    topic = {
        ("orderbooks", "full"): Topic.BOOK,
        ("orderbooks", "1"): Topic.TOUCH,
        ("trades", "full"): Topic.TRADES,
        ("funding-rates", "full"): Topic.FUNDING,
        ("prices", "full"): {"mark": Topic.MARK, "index": Topic.INDEX}.get(selector.type or ""),
    }.get((params.scope, selector.depth))
    return None if topic is None or selector.market is None else (topic, selector.market)


def _agent(request: TwinRequest) -> None:
    """Refuse whoever does not say what it is (docs, read 2026-11)."""
    if not request.headers.get("user-agent"):
        raise Refused(403, "User-Agent is required", 403)


class _Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an operator may set, as text."""

    flow: Literal["yes", "no"] = "yes"
    metered: Literal["yes", "no"] = "yes"


def _settings(context: TwinContext) -> _Settings:
    try:
        return msgspec.convert(dict(context.settings), _Settings)
    except msgspec.ValidationError as e:
        raise ConfigError("setting of the twin is not usable", found=str(e), wanted=_SETTINGS) from e

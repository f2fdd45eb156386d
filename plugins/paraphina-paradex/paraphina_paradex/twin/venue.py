"""Paradex as its clients see it: an API with logins, and one address for binary and JSON streams."""

from __future__ import annotations

from typing import Final, Literal
from urllib.parse import parse_qs

import msgspec

from paraphina_core.connector import Answer
from paraphina_core.domain import ConfigError, InstrumentId
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
from paraphina_paradex.limits import IP_REQUESTS
from paraphina_paradex.spec import VENUE

from . import spelling, wire
from .api import API, Api
from .members import members
from .records import Record, Records
from .refusals import Json, Refused, fine, refusal
from .sessions import Logins
from .streams import PRIVATE, PUBLIC, Session, Streams
from .trading import Trading
from .universe import Universe

_HTML: Final = {"content-type": "text/html"}
_SETTINGS: Final = "flow and metered, yes or no"
_BAD_TOKEN: Final = 40_111
_NOT_LOGGED_IN: Final = 40_300
_BAD_CHANNEL: Final = -32_600


class ParadexTwin:
    """The venue.

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
        self._records = Records()
        self._logins = Logins(self.exchange, self.members, context.network, context.seed)
        self._trading = Trading(self.exchange, universe, self._records, self._logins, self._told)
        self._api = Api(self.exchange, universe, self._records, self._trading)
        self._streams = Streams(context.wire, self.exchange, universe)
        self._meters = Meters(VENUE.rate_limits, is_counting=settings.metered == "yes")
        self._news: dict[str, list[tuple[str, Json]]] = {}
        self._now_ns = context.start_ns
        self.exchange.subscribe(self._hear)

    @property
    def logins(self) -> tuple[TwinLogin, ...]:
        """Each account, as an operator would trade it."""
        return tuple(
            TwinLogin(
                account=member.name,
                settings={"account_address": member.address},
                secrets={"subkey_private_key": member.subkey},
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
        """Take a new WebSocket; its address says whether data are binary."""
        self._now_ns = at_ns
        if request.path != API:
            return Answer(status=404, body=b"", headers=_HTML)
        is_binary = "sbeSchemaId" in parse_qs(request.query)
        self._streams.sessions[session] = Session(session, request.peer, at_ns, is_binary=is_binary)
        return None

    def receive(self, session: SessionId, message: bytes, at_ns: int) -> None:
        """Take one call of an open WebSocket."""
        self._now_ns = at_ns
        known = self._streams.sessions.get(session)
        if known is None:
            return
        try:
            call = wire.CALL.decode(message)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            self._streams.refuse(known, None, -32_700, "parse error")
            return
        self._call(known, call, at_ns)
        self._flush(at_ns)

    def disconnected(self, session: SessionId, at_ns: int) -> None:
        """Forget a WebSocket."""
        self._streams.sessions.pop(session, None)

    def refuse(self, why: Refusal, retry_after_s: int) -> Answer:
        """Spell the answer with which the venue turns a request away unseen."""
        if why is Refusal.RATE_LIMITED:
            return refusal(Refused("RATE_LIMIT_EXCEEDED", "too many requests", 429))
        return Answer(status=403 if why is Refusal.BANNED else 503, body=b"", headers=_HTML)

    # --- time -------------------------------------------------------------------------------------

    def advance(self, at_ns: int) -> None:
        """Let the exchange live, the engine act and streams speak, each in its turn."""
        while (due_ns := self.next_due_ns()) is not None and due_ns <= at_ns:
            due_ns = self._now_ns = max(due_ns, self._now_ns)
            self.exchange.advance(due_ns)
            self._trading.advance(due_ns)
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
        path = request.path.removeprefix(f"{API}/")
        if path == request.path:
            return Answer(status=404, body=b"", headers=_HTML)
        if self._meters.over_ns(IP_REQUESTS, request.peer, 1, at_ns) is not None:
            raise Refused("RATE_LIMIT_EXCEEDED", "too many requests", 429)
        parts = path.split("/")
        if parts[0] == "auth" and request.method == "POST":
            return fine({"jwt_token": self._logins.log_in(request, parts[-1], at_ns)})
        if parts[0] in {"markets", "system"}:
            return self._api.public(parts, parse_qs(request.query), at_ns)
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        member = self._logins.whose(token if scheme == "Bearer" else "", at_ns)
        return self._api.private(request, parts, member, at_ns)

    # --- calls ------------------------------------------------------------------------------------

    def _call(self, session: Session, call: wire.Call, at_ns: int) -> None:
        match call.method:
            case "auth":
                try:
                    session.member = self._logins.whose(call.params.bearer, at_ns)
                except Refused:
                    self._streams.refuse(session, call.id, _BAD_TOKEN, "invalid bearer jwt")
                    return
                self._streams.answer(session, call.id, {"node_id": "twin"}, at_ns)
            case "subscribe":
                self._subscribe(session, call, at_ns)
            case "unsubscribe":
                session.channels.discard(call.params.channel)
                session.idle_ns = session.idle_ns if session.channels else at_ns
                self._streams.answer(session, call.id, {"channel": call.params.channel}, at_ns)
            case _:
                self._streams.refuse(session, call.id, -32_601, "method not found")

    def _subscribe(self, session: Session, call: wire.Call, at_ns: int) -> None:
        channel = call.params.channel
        if channel in PRIVATE:
            if session.member is None:
                self._streams.refuse(session, call.id, _NOT_LOGGED_IN, "not authenticated")
                return
            session.channels.add(channel)
            session.idle_ns = None
            self._streams.answer(session, call.id, {"channel": channel}, at_ns)
            return
        name, _, rest = channel.partition(".")
        symbol = rest.removesuffix(".deltas") if name == "order_book" else rest
        instrument = self._universe.instruments.get(symbol)
        if name not in PUBLIC or instrument is None or not session.is_binary:
            self._streams.refuse(session, call.id, _BAD_CHANNEL, "invalid subscribe request")
            return
        self._streams.answer(session, call.id, {"channel": channel}, at_ns)
        self._streams.begin(session, channel, name, instrument, at_ns)

    # --- what the exchange tells ------------------------------------------------------------------

    def _hear(self, event: ExchangeEvent) -> None:
        match event:
            case BookChanged():
                self._streams.heard_book(event)
            case Traded():
                self._streams.heard_trade(event, self._now_ns)
            case Marked():
                self._streams.heard_mark(event.instrument, self._now_ns)
            case OrderChanged(order=order) if order.account in self._by_name:
                account = self.exchange.account(order.account)
                symbol = self._universe.symbol(order.instrument)
                record = self._records.for_order(account, order, symbol, event.at_ns)
                record.take(order, event.at_ns)
                self._told(record, None)
            case Filled() if event.fill.account in self._by_name:
                self._heard_fill(event)
            case FundingPaid(account=name) if name in self._by_name:
                count = len(self.exchange.account(name).payments)
                symbol = self._universe.symbol(event.payment.instrument)
                self._tell(name, "funding_payments.ALL", spelling.payment(count, event.payment, symbol))
            case _:
                pass

    def _heard_fill(self, event: Filled) -> None:
        told = event.fill
        account = self.exchange.account(told.account)
        order = account.find(told.order_id)
        assert order is not None, told  # noqa: S101  # the exchange has just filled it
        symbol = self._universe.symbol(told.fill.instrument)
        record = self._records.for_order(account, order, symbol, event.at_ns)
        self._tell(told.account, "fills.ALL", spelling.fill(told, record))
        self._tell(told.account, "positions", told.fill.instrument)

    def _told(self, record: Record, asked: dict[str, str] | None) -> None:
        self._tell(record.account, "orders.ALL", spelling.order(record, asked))

    def _tell(self, name: str, channel: str, data: Json) -> None:
        self._news.setdefault(name, []).append((channel, data))

    def _flush(self, at_ns: int) -> None:
        """Tell each account what has happened to it."""
        news, self._news = self._news, {}
        venue_ns = self.exchange.clock.venue_ns(at_ns)
        for name, told in news.items():
            member, account = self._by_name[name], self.exchange.account(name)
            moved: dict[InstrumentId, None] = {}
            for channel, data in told:
                if channel == "positions":
                    moved[data] = None
                else:
                    self._streams.to_account(member, channel, data)
            for instrument in moved:
                symbol = self._universe.symbol(instrument)
                position = spelling.position(self.exchange, account, instrument, symbol)
                self._streams.to_account(member, "positions", position)
            worth = spelling.account(self.exchange, account, venue_ns)
            self._streams.to_account(member, "account", worth)


class _Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an operator may set, as text."""

    flow: Literal["yes", "no"] = "yes"
    metered: Literal["yes", "no"] = "yes"


def _settings(context: TwinContext) -> _Settings:
    try:
        return msgspec.convert(dict(context.settings), _Settings)
    except msgspec.ValidationError as e:
        raise ConfigError("setting of the twin is not usable", found=str(e), wanted=_SETTINGS) from e

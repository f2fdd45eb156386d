"""Lighter as its clients see it: one API, one stream, tokens, and transactions instead of orders."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal
from urllib.parse import parse_qs

import msgspec

from paraphina_core.connector import Answer
from paraphina_core.domain import NS_PER_MS, NS_PER_S, ConfigError
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
from paraphina_lighter.crypto import verify
from paraphina_lighter.limits import REQUESTS, WS_MESSAGES
from paraphina_lighter.signer import token_digest
from paraphina_lighter.spec import VENUE
from paraphina_lighter.tokens import MAX_LIFE_S

from . import spelling, wire
from .api import Api
from .members import Member, members
from .records import Record, Records
from .refusals import INVALID_AUTH, INVALID_CHANNEL, INVALID_PARAM, TOO_MANY, Json, Refused, fine, refusal
from .streams import PUBLIC, Session, Streams
from .trading import Trading
from .universe import Universe

API: Final = "/api/v1/"
STREAM: Final = "/stream"
PRIVATE: Final = ("account_all_orders", "account_all_trades", "account_all_positions", "user_stats")
#: Transactions of one message (docs, read 2026-07-19, name 15 and 50).
MAX_BATCH: Final = 15

_HTML: Final = {"content-type": "text/html"}
_SETTINGS: Final = "flow and metered, yes or no"


class LighterTwin:
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
        self._trading = Trading(self.exchange, universe, self._records, context.network, self._told)
        self._api = Api(self.exchange, universe, self._records, self._trading)
        self._streams = Streams(context.wire, self.exchange, universe)
        self._meters = Meters(VENUE.rate_limits, is_counting=settings.metered == "yes")
        self._news: dict[str, dict[str, list[Json]]] = {}
        self._now_ns = context.start_ns
        self.exchange.subscribe(self._hear)

    @property
    def logins(self) -> tuple[TwinLogin, ...]:
        """Each account, as an operator would trade it."""
        return tuple(
            TwinLogin(
                account=member.name,
                settings={
                    "account_index": str(member.index),
                    "api_key_index": str(member.api_key_index),
                },
                secrets={"api_private_key": member.secret},
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
        """Take a new WebSocket."""
        self._now_ns = at_ns
        if request.path != STREAM:
            return Answer(status=404, body=b"", headers=_HTML)
        opened = self._streams.sessions[session] = Session(session, request.peer, at_ns)
        self._streams.say(opened, {"session_id": f"{session}", "type": "connected"})
        return None

    def receive(self, session: SessionId, message: bytes, at_ns: int) -> None:
        """Take one message of an open WebSocket."""
        self._now_ns = at_ns
        known = self._streams.sessions.get(session)
        if known is None:
            return
        known.heard_ns = at_ns
        try:
            self._take(known, wire.MESSAGE.decode(message), at_ns)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            self._streams.say(known, {"error": {"code": 30000, "message": "Invalid Message"}})
        except Refused as why:
            self._streams.say(known, {"error": why.spelled})
        self._flush(at_ns)

    def disconnected(self, session: SessionId, at_ns: int) -> None:
        """Forget a WebSocket."""
        self._streams.sessions.pop(session, None)

    def refuse(self, why: Refusal, retry_after_s: int) -> Answer:
        """Spell the answer with which the venue turns a request away unseen."""
        if why is Refusal.RATE_LIMITED:
            return refusal(TOO_MANY)
        return Answer(status=403 if why is Refusal.BANNED else 502, body=b"", headers=_HTML)

    # --- time -------------------------------------------------------------------------------------

    def advance(self, at_ns: int) -> None:
        """Let the exchange live, the sequencer act and streams speak, each in its turn."""
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
        if not request.path.startswith(API):
            return Answer(status=404, body=b"", headers=_HTML)
        if self._meters.over_ns(REQUESTS, request.peer, 1, at_ns) is not None:
            raise TOO_MANY
        name, fields = request.path.removeprefix(API), parse_qs(request.query)
        if request.method == "POST":
            form = parse_qs(request.body.decode("utf-8", "replace"))
            return self._send(name, form, at_ns)
        if name in self._api.public:
            return self._api.public[name](fields)
        member = self._member(fields)
        if name == "account":
            return self._api.account(member)
        if name == "nextNonce":
            return fine(nonce=self._trading.next_nonce(member))
        private = self._api.private.get(name)
        if private is None:
            raise Refused(404, "not found", 404)
        self._prove(member, request.headers.get("authorization", ""), at_ns)
        return private(member, fields)

    def _send(self, name: str, form: dict[str, list[str]], at_ns: int) -> Answer:
        try:
            if name == "sendTx":
                return fine(**self._accept(int(form["tx_type"][0]), form["tx_info"][0].encode(), at_ns))
            if name == "sendTxBatch":
                kinds = wire.TYPES.decode(form["tx_types"][0])
                infos = wire.INFOS.decode(form["tx_infos"][0])
                return fine(**self._accept_all(kinds, [info.encode() for info in infos], at_ns))
        except (KeyError, ValueError, msgspec.DecodeError):
            raise INVALID_PARAM from None
        raise Refused(404, "not found", 404)

    def _member(self, fields: dict[str, list[str]]) -> Member:
        index = (fields.get("account_index") or fields.get("value") or [""])[0]
        for member in self.members:
            if str(member.index) == index:
                return member
        raise INVALID_PARAM

    def _prove(self, member: Member, token: str, at_ns: int) -> None:
        """Check who asks: a token that is alive, of this account, signed by its key.

        Raises:
            Refused: it is none.
        """
        message, _, signature = token.rpartition(":")
        parts = message.split(":")
        try:
            deadline_s, account, key = (int(part) for part in parts)
            spelt = bytes.fromhex(signature)
        except ValueError:
            raise INVALID_AUTH from None
        now_s = self.exchange.clock.venue_ns(at_ns) // NS_PER_S
        is_alive = now_s < deadline_s <= now_s + MAX_LIFE_S
        is_mine = (account, key) == (member.index, member.api_key_index)
        is_valid = is_alive and is_mine and not self.exchange.account(member.name).expired
        if not (is_valid and verify(member.public_key, token_digest(message.encode()), spelt)):
            raise INVALID_AUTH

    # --- transactions -----------------------------------------------------------------------------

    def _accept(self, kind: int, info: bytes, at_ns: int) -> dict[str, Json]:
        tx_hash = self._trading.send(self.members, kind, info, at_ns)
        venue_ms = self.exchange.clock.venue_ns(at_ns) // NS_PER_MS
        return {
            "message": '{"ratelimit": "didn\'t use volume quota"}',
            "tx_hash": tx_hash,
            "predicted_execution_time_ms": venue_ms + 5,
        }

    def _accept_all(self, kinds: list[int], infos: list[bytes], at_ns: int) -> dict[str, Json]:
        """Take several transactions: up to the first that is refused."""
        if len(kinds) != len(infos) or not 0 < len(kinds) <= MAX_BATCH:
            raise Refused(21514, "invalid batch")
        answers = [
            self._accept(kind, info, at_ns)["tx_hash"] for kind, info in zip(kinds, infos, strict=True)
        ]
        return {"tx_hash": answers}

    # --- the stream -------------------------------------------------------------------------------

    def _take(self, session: Session, message: wire.Message, at_ns: int) -> None:
        if message.type.startswith("jsonapi/"):
            self._take_transaction(session, message, at_ns)
            return
        if self._meters.over_ns(WS_MESSAGES, session.peer, 1, at_ns) is not None:
            raise Refused(30009, "Too many websocket messages")
        match message.type:
            case "ping":
                self._streams.say(session, {"type": "pong"})
            case "pong":
                pass
            case "subscribe":
                self._subscribe(session, message, at_ns)
            case "unsubscribe":
                session.channels.discard(message.channel.replace("/", ":"))
                self._streams.say(session, {"type": "unsubscribed", "channel": message.channel})
            case _:
                raise Refused(30000, "Invalid Message")

    def _take_transaction(self, session: Session, message: wire.Message, at_ns: int) -> None:
        """Answer a transaction under the id that it was sent with."""
        number: str | None = None
        try:
            if self._meters.over_ns(REQUESTS, session.peer, 1, at_ns) is not None:
                number = wire.SEND.decode(message.data).id
                raise TOO_MANY
            if message.type == "jsonapi/sendtx":
                single = wire.SEND.decode(message.data)
                number = single.id
                data = self._accept(single.tx_type, bytes(single.tx_info), at_ns)
            else:
                batch = wire.SEND_BATCH.decode(message.data)
                number = batch.id
                infos = [info.encode() for info in wire.INFOS.decode(batch.tx_infos)]
                data = self._accept_all(wire.TYPES.decode(batch.tx_types), infos, at_ns)
        except Refused as why:
            self._streams.say(session, {"type": message.type, "id": number, "error": why.spelled})
            return
        self._streams.say(session, {"type": message.type, "data": {"code": 200, "id": number} | data})

    def _subscribe(self, session: Session, message: wire.Message, at_ns: int) -> None:
        name, _, number = message.channel.partition("/")
        if f"{name}:{number}" in session.channels:
            raise Refused(30003, f"Already Subscribed: {message.channel}")
        if not number.isdecimal():
            raise INVALID_CHANNEL
        if name in PUBLIC and int(number) in self._universe.instruments:
            self._streams.begin(session, name, self._universe.instruments[int(number)], at_ns)
            return
        member = next((one for one in self.members if str(one.index) == number), None)
        if name not in PRIVATE or member is None:
            raise INVALID_CHANNEL
        self._prove(member, message.auth, at_ns)
        self._streams.begin_account(session, name, member.index, self._all(name, member), at_ns)

    def _all(self, name: str, member: Member) -> Json:
        """Return what a channel of an account begins with."""
        account = self.exchange.account(member.name)
        match name:
            case "account_all_orders":
                orders = [
                    spelling.order(one, member.index) for one in self._records.of(member.name) if one.is_open
                ]
                return {"orders": _by_market(orders, "market_index")}
            case "account_all_trades":
                return {"trades": _by_market(self._api.trades(member)[:100], "market_id")}
            case "account_all_positions":
                return {"positions": self._positions(member, self.exchange.markets)}
            case _:
                return {"stats": _stats(spelling.worth(self.exchange, account))}

    def _positions(self, member: Member, instruments: Iterable[str]) -> Json:
        account = self.exchange.account(member.name)
        spelled = [
            spelling.position(self.exchange, account, self._universe, one)
            for one in self.exchange.markets
            if one in instruments and (one in account.ledger.positions)
        ]
        return {str(one["market_id"]): one for one in spelled}

    # --- what the exchange tells ------------------------------------------------------------------

    def _hear(self, event: ExchangeEvent) -> None:
        match event:
            case BookChanged():
                self._streams.heard_book(event, self._now_ns)
            case Traded():
                self._streams.heard_trade(event, self._now_ns)
            case Marked():
                self._streams.heard_mark(event.instrument, self._now_ns)
            case OrderChanged(order=order) if order.account in self._by_name:
                account = self.exchange.account(order.account)
                market = self._universe.of(order.instrument).number
                record = self._records.for_order(account, order, market, event.at_ns)
                record.take(order, event.at_ns)
                self._told(record)
            case Filled() if event.fill.account in self._by_name:
                self._heard_fill(event)
            case FundingPaid(account=name) if name in self._by_name:
                self._news.setdefault(name, {})
            case _:
                pass

    def _heard_fill(self, event: Filled) -> None:
        told = event.fill
        member, account = self._by_name[told.account], self.exchange.account(told.account)
        order = account.find(told.order_id)
        assert order is not None, told  # noqa: S101  # the exchange has just filled it
        market = self._universe.of(told.fill.instrument).number
        record = self._records.for_order(account, order, market, event.at_ns)
        news = self._news.setdefault(told.account, {})
        news.setdefault("trades", []).append(spelling.trade(told, record, member.index))
        news.setdefault("positions", []).append(told.fill.instrument)

    def _told(self, record: Record) -> None:
        self._news.setdefault(record.account, {}).setdefault("orders", []).append(record)

    def _flush(self, at_ns: int) -> None:
        """Tell each account what has happened to it."""
        news, self._news = self._news, {}
        for name, told in news.items():
            member, account = self._by_name[name], self.exchange.account(name)
            if "orders" in told:
                latest = {record.index: record for record in told["orders"]}
                orders = [spelling.order(record, member.index) for record in latest.values()]
                body = {"orders": _by_market(orders, "market_index")}
                self._streams.to_account("account_all_orders", member.index, body, at_ns)
            if "trades" in told:
                body = {"trades": _by_market(told["trades"], "market_id")}
                self._streams.to_account("account_all_trades", member.index, body, at_ns)
                body = {"positions": self._positions(member, told["positions"])}
                self._streams.to_account("account_all_positions", member.index, body, at_ns)
            stats = {"stats": _stats(spelling.worth(self.exchange, account))}
            self._streams.to_account("user_stats", member.index, stats, at_ns)


def _by_market(entries: list[Json], key: str) -> dict[str, list[Json]]:
    found: dict[str, list[Json]] = {}
    for entry in entries:
        found.setdefault(str(entry[key]), []).append(entry)
    return found


def _stats(worth: dict[str, str]) -> dict[str, str]:
    return {
        "collateral": worth["cash"],
        "portfolio_value": worth["equity"],
        "available_balance": worth["available"],
        "leverage": "0.00",
        "margin_usage": "0.00",
        "buying_power": "0",
    }


class _Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an operator may set, as text."""

    flow: Literal["yes", "no"] = "yes"
    metered: Literal["yes", "no"] = "yes"


def _settings(context: TwinContext) -> _Settings:
    try:
        return msgspec.convert(dict(context.settings), _Settings)
    except msgspec.ValidationError as e:
        raise ConfigError("setting of the twin is not usable", found=str(e), wanted=_SETTINGS) from e

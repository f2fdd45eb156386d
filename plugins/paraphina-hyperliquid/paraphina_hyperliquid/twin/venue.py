"""The twin: the venue's three doors, `/info`, `/exchange` and `/ws`, before an exchange of its own.

See `docs/venues/hyperliquid-twin.md` for what it models and what it does not.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Final, Literal, TypeAlias

import msgspec

from paraphina_core.connector import Answer, RateLimit
from paraphina_core.domain import CONTEXT, ConfigError, RemoteProtocolError
from paraphina_core.twin import (
    BookChanged,
    Exchange,
    ExchangeEvent,
    Filled,
    FundingPaid,
    HouseRules,
    Liquidated,
    Meters,
    OrderChanged,
    Refusal,
    SessionId,
    Traded,
    TwinContext,
    TwinLogin,
    TwinRequest,
)
from paraphina_hyperliquid.spec import VENUE

from . import entry, info, spelling, wire
from .budget import MAX_OPEN_ORDERS, Budget
from .entry import Entry
from .history import History
from .info import Info
from .members import FundedAccount, Members, funded_accounts
from .spelling import Json, milliseconds
from .state import Views
from .streams import Session, Streams, message
from .subscriptions import (
    MAX_ECHO,
    Feed,
    ImpossibleError,
    Message,
    UnreadableError,
    read_feed,
    read_message,
)
from .trading import Trading
from .universe import Universe

#: Docs "Rate limits and user limits" (read 2026-08-22); all are counted by IP address.
MAX_CONNECTIONS: Final = 10
MAX_SUBSCRIPTIONS: Final = 1_000
MAX_USERS: Final = 10
_CONNECTS: Final = RateLimit(scope="ws_connects", limit=30, window_ms=60_000)

#: Accounts that sign for themselves; the first one also owns a subaccount.
MASTERS: Final = 2

_UNREADABLE: Final = b"Failed to deserialize the JSON body into the target type"
_NO_JSON: Final = b"Failed to parse the request body as JSON"
_TEXT: Final = {"content-type": "text/plain; charset=utf-8"}
_JSON_TYPE: Final = {"content-type": "application/json"}
_TOO_MANY: Final = Answer(status=429, body=b"null", headers=_JSON_TYPE)

_JSON: Final = msgspec.json.Encoder()
_SETTINGS: Final = "whole numbers traded_usd and requests_used; flow and metered, yes or no"
_Count: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=10**12)]


class HyperliquidTwin:
    """Hyperliquid as its clients see it.

    Args:
        context: seed, time, network, where messages go. Settings: `traded_usd`, the volume that every
            account has behind it, `requests_used`, the requests that it has already spent, `flow`, whether
            others than clients trade, and `metered`, whether addresses may ask so much and no more.

    Attributes:
        exchange: what is behind the doors.
        accounts: what can be logged in with; the keys are worth nothing anywhere else.
        members: who may act for whom.
        budgets: what each account may still ask.
        subaccount: address of the first account's subaccount.
    """

    def __init__(self, context: TwinContext) -> None:
        self._network = context.network
        self._clock = context.clock
        settings = _settings(context)
        self._universe = Universe(VENUE.name, context.network, has_flow=settings.flow == "yes")
        fees = VENUE.fees
        assert fees is not None  # noqa: S101  # written down beside the connector
        self.exchange = Exchange(
            HouseRules(fees=fees, max_open_orders=MAX_OPEN_ORDERS),
            self._universe.listings,
            clock=context.clock,
            seed=context.seed,
            start_ns=context.start_ns,
        )
        self.members = Members()
        self.accounts = funded_accounts(context.seed, MASTERS)
        self.subaccount = "0x" + spelling.hash_of(f"subaccount {context.seed}")[-40:]
        self.budgets: dict[str, Budget] = {}
        opened_ms = milliseconds(context.clock.venue_ns(context.start_ns))
        for account in self.accounts:
            self._open(account, context.balance_usd, opened_ms)
        self.members.subaccounts[self.subaccount] = self.accounts[0].address
        self.exchange.open_account(self.subaccount, context.balance_usd)
        for name in self.exchange.accounts:
            self.budgets[name] = Budget(Decimal(settings.traded_usd), settings.requests_used)
        self._history = History(self.exchange, self._universe)
        views = Views(self.exchange, self._universe, self._history)
        self._info = Info(views, self.members, self.budgets, opened_ms)
        self._streams = Streams(context.wire, views, self._info)
        self._trading = Trading(
            self.exchange, self._universe, self._history, self.budgets, self._streams.heard_order
        )
        self._entry = Entry(self.exchange, self.members, self._trading, self.budgets, context.network)
        self._meters = Meters((*VENUE.rate_limits, _CONNECTS), is_counting=settings.metered == "yes")
        self._coins = frozenset(coin.name for coin in self._universe.coins)
        self._now_ns = context.start_ns
        self.exchange.subscribe(self._hear)

    @property
    def logins(self) -> tuple[TwinLogin, ...]:
        """Each account, through the key of its agent, as an operator would trade."""
        return tuple(
            TwinLogin(
                account=account.address,
                settings={"vault_address": account.address, "account_address": account.address},
                secrets={"private_key": account.agent_key},
            )
            for account in self.accounts
        )

    @property
    def sessions(self) -> Mapping[SessionId, Session]:
        """The open connections."""
        return self._streams.sessions

    @property
    def questions(self) -> frozenset[str]:
        """The kinds of question that `/info` has an answer to."""
        return self._info.questions

    # --- doors ----------------------------------------------------------------------------------

    def request(self, request: TwinRequest, at_ns: int) -> Answer:
        """Answer one HTTP request."""
        self._now_ns = at_ns
        if request.path not in {"/info", "/exchange"}:
            return Answer(status=404, body=b"", headers=_TEXT)
        if request.method != "POST":
            return Answer(status=405, body=b"", headers={"allow": "POST"})
        ask = self._ask if request.path == "/info" else self._act
        try:
            said = ask(request.body, request.peer, at_ns)
        except wire.NoJsonError:
            return Answer(status=400, body=_NO_JSON, headers=_TEXT)
        except RemoteProtocolError:
            return Answer(status=422, body=_UNREADABLE, headers=_TEXT)
        finally:
            self._streams.flush(at_ns)
        return _TOO_MANY if said is None else Answer(status=200, body=said, headers=_JSON_TYPE)

    def connect(self, session: SessionId, request: TwinRequest, at_ns: int) -> Answer | None:
        """Take a new WebSocket, if it comes to the right door and its address has not too many."""
        if request.path != "/ws":
            return Answer(status=404, body=b"", headers=_TEXT)
        open_ = sum(1 for known in self._streams.sessions.values() if known.peer == request.peer)
        too_fast = self._meters.over_ns(_CONNECTS.scope, request.peer, 1, at_ns) is not None
        if open_ >= MAX_CONNECTIONS or too_fast:
            return _TOO_MANY
        self._streams.sessions[session] = Session(session, request.peer, at_ns)
        return None

    def receive(self, session: SessionId, message: bytes, at_ns: int) -> None:
        """Take one message of an open WebSocket."""
        self._now_ns = at_ns
        known = self._streams.sessions.get(session)
        if known is None:
            return
        if self._meters.over_ns("ws_messages", known.peer, 1, at_ns) is not None:
            self._streams.drop(known)
            return
        try:
            self._obey(known, read_message(message), at_ns)
        except UnreadableError:
            shown = message[:MAX_ECHO].decode("utf-8", "replace")
            self._error(known, f"Error parsing JSON into valid websocket request: {shown}", at_ns)
        except ImpossibleError:
            self._streams.drop(known)
        self._streams.flush(at_ns)

    def disconnected(self, session: SessionId, at_ns: int) -> None:
        """Forget a WebSocket."""
        self._streams.sessions.pop(session, None)

    def refuse(self, why: Refusal, retry_after_s: int) -> Answer:
        """Spell the answer with which the venue turns a request away unseen."""
        if why is Refusal.RATE_LIMITED:
            return _TOO_MANY
        status = 403 if why is Refusal.BANNED else 502
        return Answer(status=status, body=b"", headers=_TEXT)

    # --- time -----------------------------------------------------------------------------------

    def advance(self, at_ns: int) -> None:
        """Let the exchange live, scheduled cancels strike and feeds speak, each in its turn."""
        while (due_ns := self.next_due_ns()) is not None and due_ns <= at_ns:
            due_ns = self._now_ns = max(due_ns, self._now_ns)
            self.exchange.advance(due_ns)
            self._history.note_fundings()
            self._trading.strike(due_ns)
            self._streams.advance(due_ns)
            self._streams.flush(due_ns)

    def next_due_ns(self) -> int | None:
        """Return when something is due next."""
        due = (self.exchange.next_due_ns(), self._trading.next_strike_ns(), self._streams.next_due_ns())
        return min((at_ns for at_ns in due if at_ns is not None), default=None)

    # --- requests -------------------------------------------------------------------------------

    def _ask(self, body: bytes | msgspec.Raw, peer: str, at_ns: int) -> bytes | None:
        """Answer a question; None where the address has asked too much."""
        ask = info.read_ask(body)
        if self._meters.over_ns("ip_weight", peer, info.weight(ask, None), at_ns) is not None:
            return None
        answer = self._info.answer(ask, self._clock.venue_ns(at_ns))
        extra = info.weight(ask, answer) - info.weight(ask, None)
        if extra:
            self._meters.over_ns("ip_weight", peer, extra, at_ns)
        return _JSON.encode(answer)

    def _act(self, body: bytes | msgspec.Raw, peer: str, at_ns: int) -> bytes | None:
        """Do what is asked; None where the address has asked too much."""
        read = wire.read_body(body)
        if self._meters.over_ns("ip_weight", peer, entry.weight(read.action), at_ns) is not None:
            return None
        return _JSON.encode(self._entry.take(read, at_ns))

    # --- messages -------------------------------------------------------------------------------

    def _obey(self, session: Session, read: Message, at_ns: int) -> None:
        if read.method == "ping":
            self._streams.send(session, b'{"channel":"pong"}', at_ns)
        elif read.method == "post":
            self._post(session, read, at_ns)
        else:
            feed = read_feed(read.subscription, self._coins)
            if read.method == "subscribe":
                self._subscribe(session, feed, at_ns)
            else:
                self._unsubscribe(session, feed, at_ns)

    def _subscribe(self, session: Session, feed: Feed, at_ns: int) -> None:
        spelled = feed.key.decode()
        mine = [known for known in self._streams.sessions.values() if known.peer == session.peer]
        feeds = [known for other in mine for known in other.feeds.values()]
        users = {known.user for known in feeds if known.user is not None}
        if feed.key in session.feeds:
            self._error(session, f"Already subscribed: {spelled}", at_ns)
        elif len(feeds) >= MAX_SUBSCRIPTIONS:
            self._error(session, f"Cannot subscribe to more than {MAX_SUBSCRIPTIONS} channels.", at_ns)
        elif feed.user is not None and feed.user not in users and len(users) >= MAX_USERS:
            self._error(session, f"Cannot track more than {MAX_USERS} total users.", at_ns)
        else:
            self._confirm(session, "subscribe", feed, at_ns)
            self._streams.begin(session, feed, at_ns)

    def _unsubscribe(self, session: Session, feed: Feed, at_ns: int) -> None:
        if session.feeds.pop(feed.key, None) is None:
            self._error(session, f"Already unsubscribed: {feed.key.decode()}", at_ns)
        else:
            self._confirm(session, "unsubscribe", feed, at_ns)

    def _confirm(self, session: Session, method: str, feed: Feed, at_ns: int) -> None:
        data = {"method": method, "subscription": feed.echo}
        self._streams.send(session, message("subscriptionResponse", data), at_ns)

    def _post(self, session: Session, read: Message, at_ns: int) -> None:
        post = read.request
        if post is None:
            return
        said: Json
        try:
            if post.type == "action":
                answer = self._act(post.payload, session.peer, at_ns)
                said = None if answer is None else msgspec.Raw(answer)
            else:
                answer = self._ask(post.payload, session.peer, at_ns)
                kind = info.read_ask(post.payload).type
                said = None if answer is None else {"type": kind, "data": msgspec.Raw(answer)}
        except RemoteProtocolError as e:
            raise UnreadableError(str(e)) from e
        response = (
            {"type": "error", "payload": "429 Too Many Requests"}
            if said is None
            else {"type": post.type, "payload": said}
        )
        self._streams.send(session, message("post", {"id": read.id, "response": response}), at_ns)

    def _error(self, session: Session, sentence: str, at_ns: int) -> None:
        self._streams.send(session, message("error", sentence), at_ns)

    # --- what the exchange tells ----------------------------------------------------------------

    def _hear(self, event: ExchangeEvent) -> None:
        match event:
            case BookChanged(instrument=instrument):
                self._streams.heard_book(instrument, self._now_ns)
            case Traded(instrument=instrument):
                self._streams.heard_trade(instrument, self._history.traded(event), self._now_ns)
            case OrderChanged():
                self._streams.heard_order(self._history.changed(event))
            case Filled(fill=told):
                notional = CONTEXT.multiply(told.fill.price, told.fill.size)
                self.budgets[told.account].trade(notional)
                market = self.exchange.markets[told.fill.instrument]
                coin = self._universe.coin(market.id).name
                self._streams.heard_fill(told.account, spelling.fill(coin, told, market.mark_price))
            case FundingPaid(account=name):
                self._streams.heard_funding(name, self._history.paid(event))
            case Liquidated(account=name):
                self._streams.heard_liquidation(name, self._liquidation(name))
            case _:
                pass

    def _liquidation(self, name: str) -> dict[str, Json]:
        ledger = self.exchange.account(name).ledger
        worth = sum(
            (abs(position.size) * position.mark for position in ledger.positions.values()), Decimal(0)
        )
        return {
            "lid": int.from_bytes(bytes.fromhex(spelling.hash_of(name)[2:18])) >> 1,
            "liquidator": spelling.address_of("liquidator"),
            "liquidated_user": name,
            "liquidated_ntl_pos": spelling.money(worth),
            "liquidated_account_value": spelling.money(ledger.equity),
        }

    def _open(self, account: FundedAccount, balance_usd: Decimal, venue_ms: int) -> None:
        self.exchange.open_account(account.address, balance_usd)
        self.members.masters.add(account.address)
        self.members.enlist(account.address, account.agent, venue_ms)


class _Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an operator may set, as text."""

    traded_usd: _Count = 10_000_000
    requests_used: _Count = 0
    flow: Literal["yes", "no"] = "yes"
    metered: Literal["yes", "no"] = "yes"


def _settings(context: TwinContext) -> _Settings:
    try:
        return msgspec.convert(dict(context.settings), _Settings, strict=False)
    except msgspec.ValidationError as e:
        raise ConfigError("setting of the twin is not usable", found=str(e), wanted=_SETTINGS) from e

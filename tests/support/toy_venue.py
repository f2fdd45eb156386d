"""The smallest whole twin: a venue that exists nowhere, with signed orders, a book stream and private fills.

It is the example to start from. REST: `GET /book?coin=BTC`, `POST /order`, `POST /cancel`, `GET /account`.
WebSocket: `{"subscribe": "book"}` or `{"subscribe": "fills", "account": ...}`; every frame of the book has
a sequence number. Orders carry a nonce that rises and a keyed hash of the body.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from decimal import Decimal
from typing import Any

from paraphina_core.connector import (
    Answer,
    Capability,
    ConnectorSpec,
    Endpoint,
    FeeSchedule,
    Network,
    RateLimit,
    Setting,
    SettingKind,
)
from paraphina_core.domain import (
    NS_PER_MS,
    FixedTick,
    Instrument,
    RemoteError,
    Side,
    TimeInForce,
    parse_decimal,
    plain,
)
from paraphina_core.twin import (
    BookChanged,
    Exchange,
    ExchangeEvent,
    Filled,
    HouseRules,
    Listing,
    Meters,
    NewOrder,
    Order,
    Refusal,
    SessionId,
    TwinContext,
    TwinLogin,
    TwinRequest,
)

FEES = FeeSchedule(maker_bps=1.0, taker_bps=5.0, source="chosen for tests")
KEY = b"the toy venue knows only this key"
BTC = Instrument(
    venue="toy",
    native_id="BTC",
    base="BTC",
    quote="USD",
    price_rule=FixedTick(tick=Decimal("0.5")),
    lot_size=Decimal("0.001"),
    min_size=Decimal("0.001"),
    min_notional=Decimal(10),
)
ETH = Instrument(
    venue="toy",
    native_id="ETH",
    base="ETH",
    quote="USD",
    price_rule=FixedTick(tick=Decimal("0.05")),
    lot_size=Decimal("0.01"),
    min_size=Decimal("0.01"),
    min_notional=Decimal(10),
)
SPEC = ConnectorSpec(
    name="toy",
    venue="Toy",
    feature_flag=None,
    capabilities={Capability.MARKET: "a book"},
    trade_modes=frozenset(),
    factory=None,
    endpoints={
        Network.TESTNET: (
            Endpoint(purpose="rest", url="https://api.toy.example", setting="rest_url"),
            Endpoint(purpose="ws", url="wss://stream.toy.example/ws", setting="ws_url"),
        )
    },
    rate_limits=(RateLimit(scope="ip", limit=100, window_ms=1_000, cancel_reserve=10),),
    settings=(
        Setting(name="rest_url", env="TOY_REST_URL", kind=SettingKind.TEXT, help="other address"),
        Setting(name="ws_url", env="TOY_WS_URL", kind=SettingKind.TEXT, help="other address"),
    ),
    twin="toy_venue:ToyTwin",
)


def sign(body: bytes) -> str:
    """Sign a body as the venue wants it."""
    return hmac.new(KEY, body, hashlib.sha256).hexdigest()


class ToyTwin:
    """The venue."""

    def __init__(self, context: TwinContext) -> None:
        self.exchange = Exchange(
            HouseRules(fees=FEES),
            (Listing(instrument=BTC, price=Decimal(50_000)), Listing(instrument=ETH, price=Decimal(3_000))),
            clock=context.clock,
            seed=context.seed,
            start_ns=context.start_ns,
        )
        self._context = context
        self._meters = Meters(SPEC.rate_limits)
        self._books: dict[SessionId, int] = {}  # next sequence number by session
        self._fills: dict[SessionId, str] = {}
        self._nonces: dict[str, int] = {}
        self.exchange.subscribe(self._listen)

    # --- VenueTwin ------------------------------------------------------------------------------

    @property
    def logins(self) -> tuple[TwinLogin, ...]:
        return tuple(
            TwinLogin(account=name, settings={"account": name}, secrets={"key": KEY.decode()})
            for name in ("alice", "bob")
        )

    def request(self, request: TwinRequest, at_ns: int) -> Answer:
        over_ns = self._meters.over_ns("ip", request.peer, 1, at_ns)
        if over_ns is not None:
            return self.refuse(Refusal.RATE_LIMITED, 1)
        try:
            match request.method, request.path:
                case "GET", "/book":
                    return _answer(self._book())
                case "GET", "/account":
                    return _answer(self._account(request.query.removeprefix("name=")))
                case "POST", "/order":
                    return _answer(self._order(self._signed(request), at_ns))
                case "POST", "/cancel":
                    return _answer(self._cancel(self._signed(request), at_ns))
        except (ValueError, KeyError, TypeError, AttributeError, RemoteError) as e:
            return _answer({"error": str(e)}, 400)
        return _answer({"error": "no such thing"}, 404)

    def connect(self, session: SessionId, request: TwinRequest, at_ns: int) -> Answer | None:
        return None if request.path == "/ws" else _answer({"error": "no such stream"}, 404)

    def receive(self, session: SessionId, message: bytes, at_ns: int) -> None:
        try:
            wish = json.loads(message)
            if wish["subscribe"] == "book":
                self._books[session] = 1
                self._send(session, {"sequence": 0, **self._book()})
            else:
                self._fills[session] = wish["account"]
                self._send(session, {"subscribed": "fills"})
        except (ValueError, KeyError, TypeError):
            self._context.wire.close(session, 1008, "not understood")
            self.disconnected(session, at_ns)

    def disconnected(self, session: SessionId, at_ns: int) -> None:
        self._books.pop(session, None)
        self._fills.pop(session, None)

    def advance(self, at_ns: int) -> None:
        self.exchange.advance(at_ns)

    def next_due_ns(self) -> int | None:
        return self.exchange.next_due_ns()

    def refuse(self, why: Refusal, retry_after_s: int) -> Answer:
        status = {Refusal.RATE_LIMITED: 429, Refusal.BANNED: 418, Refusal.UNAVAILABLE: 503}[why]
        body = json.dumps({"error": why.value}).encode()
        return Answer(status=status, body=body, headers={"Retry-After": str(retry_after_s)})

    # --- the venue's own words ------------------------------------------------------------------

    def _signed(self, request: TwinRequest) -> dict[str, Any]:
        body: dict[str, Any] = json.loads(request.body)
        account = body["account"]
        if not hmac.compare_digest(sign(request.body), request.headers.get("x-signature", "")):
            raise ValueError("signature")
        if account in self.exchange.accounts and self.exchange.account(account).expired:
            raise ValueError("key expired")
        if body["nonce"] <= self._nonces.get(account, 0):
            raise ValueError("nonce")
        self._nonces[account] = body["nonce"]
        if account not in self.exchange.accounts:
            self.exchange.open_account(account, self._context.balance_usd)
        return body

    def _order(self, body: dict[str, Any], at_ns: int) -> object:
        terms = NewOrder(
            instrument=BTC.id,
            side=Side(body["side"]),
            price=parse_decimal(body["price"], "price"),
            size=parse_decimal(body["size"], "size"),
            time_in_force=TimeInForce(body.get("tif", "gtc")),
            post_only=body.get("post_only", False),
            client_id=body.get("client_id"),
        )
        order = self.exchange.place(self.exchange.account(body["account"]), terms, at_ns)
        if isinstance(order, Order):
            return {"id": order.id, "state": order.state, "filled": plain(order.filled_size)}
        return {"error": order.code}

    def _cancel(self, body: dict[str, Any], at_ns: int) -> object:
        order = self.exchange.cancel(self.exchange.account(body["account"]), body["id"], at_ns)
        return {"state": order.state} if isinstance(order, Order) else {"error": order.code}

    def _account(self, name: str) -> object:
        account = self.exchange.accounts[name]
        return {
            "position": plain(account.ledger.size(BTC.id)),
            "equity": plain(account.ledger.equity),
            "orders": list(account.orders),
        }

    def _book(self) -> dict[str, Any]:
        market = self.exchange.markets[BTC.id]
        return {
            side: [[plain(level.price), plain(level.size)] for level in market.levels(Side(side), 5)]
            for side in ("buy", "sell")
        }

    def _listen(self, event: ExchangeEvent) -> None:
        if isinstance(event, BookChanged) and event.instrument == BTC.id:
            for session, sequence in self._books.items():
                self._books[session] = sequence + 1
                self._send(session, {"sequence": sequence, "ms": event.at_ns // NS_PER_MS, **self._book()})
        elif isinstance(event, Filled):
            for session, account in self._fills.items():
                if account == event.fill.account:
                    fill = event.fill.fill
                    told = {"order": event.fill.order_id, "trade": fill.trade_id}
                    self._send(session, {**told, "price": plain(fill.price), "size": plain(fill.size)})

    def _send(self, session: SessionId, message: object) -> None:
        self._context.wire.send(session, json.dumps(message).encode())


def _answer(body: object, status: int = 200) -> Answer:
    headers = {"Content-Type": "application/json"}
    return Answer(status=status, body=json.dumps(body).encode(), headers=headers)

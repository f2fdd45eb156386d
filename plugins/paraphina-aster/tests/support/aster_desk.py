"""A connector at its twin without a network: each request is answered at once, each message read at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import msgspec

from paraphina_aster.connector import ACCOUNT, MARKET, AsterConnector
from paraphina_aster.signer import signing_key
from paraphina_aster.twin import AsterTwin
from paraphina_core.connector import (
    Answer,
    ConnectorContext,
    Failure,
    HttpRequest,
    Network,
    TradeMode,
    WebSocketSource,
    WriteContext,
)
from paraphina_core.domain import (
    NS_PER_MS,
    AskNext,
    ClientOrderId,
    Command,
    Event,
    PlaceOrder,
    Query,
    Side,
    instrument_id,
)
from paraphina_core.twin import TwinContext, TwinRequest, VenueClock

START_NS = 1_800_000_000_000 * NS_PER_MS
BTC, ETH, ASTER = (instrument_id("aster", symbol) for symbol in ("BTCUSDT", "ETHUSDT", "ASTERUSDT"))


class Desk:
    """One connector with an account at a twin.

    Args:
        market: symbols to trade.
        old_key: sign with the account's old API key, and not with its agent.
        settings: of the twin.

    Attributes:
        told: messages of each connection.
        told_events: events of the account's stream.
        requests: everything that was asked, and what was answered.
    """

    def __init__(self, market: str = "BTCUSDT", *, old_key: bool = False, **settings: str) -> None:
        self.at_ns = START_NS
        self.told: dict[int, list[Any]] = {}
        self.told_events: list[Event] = []
        self.requests: list[tuple[HttpRequest, Answer]] = []
        self.twin = AsterTwin(
            TwinContext(
                seed=7,
                start_ns=START_NS,
                network=Network.TESTNET,
                clock=VenueClock(),
                wire=self,
                settings={"flow": "no"} | settings,
            )
        )
        self.member, self.other = self.twin.members
        secrets = {"agent_private_key": self.member.agent_key}
        if old_key:
            secrets = {"api_key": self.member.api_key, "api_secret": self.member.api_secret}
        self._secrets = secrets
        self._key = signing_key(secrets)
        self.connector = AsterConnector(
            ConnectorContext(
                mode=TradeMode.TESTNET, network=Network.TESTNET, settings={"market": market}, seed=1
            )
        )
        self._nonce = START_NS // 1_000
        self._ids = 0
        self.account_session: int | None = None

    # --- the twin's wire --------------------------------------------------------------------------

    def send(self, session: int, payload: bytes, *, binary: bool = False) -> None:
        """Take a message of the venue; one of the account goes to the connector."""
        assert not binary
        self.told.setdefault(session, []).append(msgspec.json.decode(payload))
        if session == self.account_session:
            self.told_events += self.connector.read(ACCOUNT, payload, self.at_ns)

    def close(self, session: int, code: int = 1000, reason: str = "") -> None:
        """Be hung up on."""

    # --- acting -----------------------------------------------------------------------------------

    def start(self) -> Desk:
        """Ask what the plan asks, and open the account's stream."""
        for query in self.connector.plan().bootstrap:
            self.ask(query)
        self.open_account()
        return self

    def open_account(self, session: int = 1) -> Answer | None:
        """Open the account's stream as it is planned now."""
        (plan,) = (plan for plan in self.connector.plan().streams if plan.name == ACCOUNT)
        assert isinstance(plan.source, WebSocketSource)
        self.account_session = session
        return self.open(session, urlsplit(plan.source.url).path)

    def open_market(self, session: int = 2) -> None:
        """Open the market's stream."""
        (plan,) = (plan for plan in self.connector.plan().streams if plan.name == MARKET)
        assert isinstance(plan.source, WebSocketSource)
        url = urlsplit(plan.source.url)
        assert self.open(session, f"{url.path}?{url.query}") is None

    def open(self, session: int, target: str) -> Answer | None:
        """Open a connection."""
        return self.twin.connect(session, TwinRequest(method="GET", target=target), self.at_ns)

    def wait(self, ms: int) -> None:
        """Let time pass."""
        self.at_ns += ms * NS_PER_MS
        self.twin.advance(self.at_ns)

    def context(self) -> WriteContext:
        """Return what the next request may use."""
        self._nonce = max(self._nonce + 1, self.at_ns // 1_000)
        return WriteContext(
            nonce=self._nonce, at_ns=self.at_ns, sign=self._key.sign, identity=self._key.identity
        )

    def carry(self, request: HttpRequest) -> Answer:
        """Let the twin answer a request."""
        url = urlsplit(request.url)
        headers: Mapping[str, str] = {name.lower(): value for name, value in request.headers.items()}
        if request.private and "api_key" in self._secrets:
            headers = {**headers, "x-mbx-apikey": self._secrets["api_key"]}
        asked = TwinRequest(
            method=request.method,
            target=url.path + (f"?{url.query}" if url.query else ""),
            headers=headers,
            body=request.body,
        )
        answer = self.twin.request(asked, self.at_ns)
        self.requests.append((request, answer))
        return answer

    def ask(self, query: Query) -> list[Event]:
        """Ask a question, in all its parts, and return what is said."""
        request = self.connector.ask(query, self.context())
        assert isinstance(request, HttpRequest)
        events = list(self.connector.read_answer(request, self.carry(request), self.at_ns))
        for event in tuple(events):
            if isinstance(event, AskNext):
                events.remove(event)
                events += self.ask(event.query)
        return events

    def command(self, command: Command, answer: Answer | Failure | None = None) -> Sequence[Event]:
        """Send a command, and return what is said of it; with `answer` that takes the place of the twin's."""
        request = self.connector.write(command, self.context())
        assert isinstance(request, HttpRequest)
        found = self.carry(request) if answer is None else answer
        return self.connector.read_answer(request, found, self.at_ns)

    def order(
        self, side: Side = Side.BUY, price: str = "83000", size: str = "0.01", **more: Any
    ) -> PlaceOrder:
        """Return an order with an id of its own."""
        self._ids += 1
        terms = {"instrument": BTC} | more
        return PlaceOrder(
            client_order_id=ClientOrderId(self._ids),
            side=side,
            price=Decimal(price),
            size=Decimal(size),
            **terms,
        )

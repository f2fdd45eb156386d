"""A venue that does not exist, on real sockets: a loopback server, and a connector that speaks to it.

The wire format is the events themselves, so that a test writes down what arrives. Questions go over
HTTP and are answered one by one; the stream wants to be subscribed and acknowledges it.
"""

from __future__ import annotations

import asyncio
import contextlib
import http
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any, Self

import msgspec
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request as UpgradeRequest
from websockets.http11 import Response

from paraphina_core.connector import (
    Answer,
    Capability,
    ConnectorContext,
    ConnectorSpec,
    Endpoint,
    Failure,
    FeeSchedule,
    HttpRequest,
    MarketDataOnly,
    Network,
    Plan,
    RateLimit,
    RegisterConnector,
    Request,
    Setting,
    SettingKind,
    StreamPlan,
    StreamRequest,
    TradeMode,
    WebSocketSource,
    WriteContext,
    hookimpl,
)
from paraphina_core.domain import (
    Event,
    FetchSnapshot,
    LocalError,
    MarkPrice,
    Query,
    QueryBook,
    QueryInstruments,
    QueryTime,
    RemoteProtocolError,
    SubscriptionLive,
)
from scripted import book, defined

HOST = "127.0.0.1"
STREAM = "market"
TOPIC = "book:BTC"
SUBSCRIBE = b'{"subscribe":"book:BTC"}'

_EVENTS = msgspec.json.Decoder(list[Event])


def encoded(events: Sequence[Event]) -> bytes:
    """Spell events as the venue sends them."""
    return msgspec.json.encode(list(events))


class QuayConnector(MarketDataOnly):
    """Asks for the instruments, then reads one stream."""

    def __init__(self, spec: ConnectorSpec, context: ConnectorContext) -> None:
        self.spec = spec
        self._settings = context.settings
        self._asked = 0

    def plan(self) -> Plan:
        source = WebSocketSource(url=str(self._settings["ws_url"]), headers={"Authorization": "hidden-token"})
        return Plan(
            streams=(
                StreamPlan(
                    name=STREAM,
                    source=source,
                    max_silence_ms=int(self._settings["max_silence_ms"]),
                    topics=(TOPIC,),
                ),
            ),
            bootstrap=(QueryInstruments(),),
        )

    def opened(self, stream: str, context: WriteContext) -> Sequence[bytes]:
        return (SUBSCRIBE,)

    def ask(self, query: Query, context: WriteContext) -> Request:
        if isinstance(query, QueryTime):
            raise LocalError("the venue tells no time")
        self._asked += 1
        correlation = f"q{self._asked}"
        if isinstance(query, QueryBook) and self._settings.get("books_on_stream"):
            return StreamRequest(stream=STREAM, payload=b"book", correlation=correlation, deadline_ms=200)
        path = "book" if isinstance(query, QueryBook) else "instruments"
        return HttpRequest(
            method="GET",
            url=f"{self._settings['rest_url']}/{path}",
            body=b"",
            correlation=correlation,
            deadline_ms=1000,
            cost=(("weight", 1),),
        )

    def read(self, stream: str, frame: bytes, at_ns: int) -> Sequence[Event]:
        try:
            return _EVENTS.decode(frame)
        except msgspec.DecodeError as e:
            raise RemoteProtocolError(f"frame cannot be read: {e}") from e

    def read_answer(self, request: Request, answer: Answer | Failure, at_ns: int) -> Sequence[Event]:
        if isinstance(answer, Failure):
            return ()
        if answer.status != http.HTTPStatus.OK:
            raise RemoteProtocolError("answer cannot be read", found=answer.status)
        return self.read("", answer.body, at_ns)


def plugin(*names: str, **changes: Any) -> ModuleType:
    """Return a plugin module with a connector of this kind for each name."""

    def spec(name: str) -> ConnectorSpec:
        def build(context: ConnectorContext) -> QuayConnector:
            return QuayConnector(made, context)

        prefix = name.upper()
        made = ConnectorSpec(
            **{
                "name": name,
                "venue": name.title(),
                "feature_flag": None,
                "capabilities": {Capability.MARKET: "over loopback"},
                "trade_modes": frozenset({TradeMode.SHADOW, TradeMode.PAPER}),
                "factory": build,
                "fees": FeeSchedule(maker_bps=1.0, taker_bps=5.0, source="chosen"),
                "rate_limits": (RateLimit(scope="weight", limit=100, window_ms=1000),),
                "endpoints": {
                    Network.MAINNET: (
                        Endpoint(purpose="rest", url=f"https://api.{name}.example", setting="rest_url"),
                        Endpoint(purpose="ws", url=f"wss://ws.{name}.example/ws", setting="ws_url"),
                    )
                },
                "settings": (
                    _setting("rest_url", prefix, default=f"https://api.{name}.example"),
                    _setting("ws_url", prefix, default=f"wss://ws.{name}.example/ws"),
                    _setting("max_silence_ms", prefix, kind=SettingKind.INTEGER, default="5000"),
                    _setting("books_on_stream", prefix, kind=SettingKind.FLAG),
                    _setting("private_key", prefix, kind=SettingKind.SECRET),
                ),
                **changes,
            }
        )
        return made

    module = ModuleType("quay_plugin")
    module.__file__ = __file__

    @hookimpl
    def paraphina_register_connectors(register: RegisterConnector) -> None:
        for name in names:
            register(spec(name))

    module.__dict__["paraphina_register_connectors"] = paraphina_register_connectors
    return module


def _setting(name: str, prefix: str, **changes: Any) -> Setting:
    values = {"name": name, "env": f"{prefix}_{name.upper()}", "kind": SettingKind.TEXT, "help": name}
    return Setting(**(values | changes))


class QuayServer:
    """The venue's side, on one port for HTTP and WebSocket.

    Attributes:
        name: the venue.
        every_s: pause between two books.
        is_sending: books are sent.
        acknowledges: subscriptions are acknowledged.
        snapshots: a subscription is answered with a wish to fetch the book.
        connection: the stream that was opened last.
        refusal: status of every HTTP answer and upgrade instead of what was asked for.
        retry_after: value of that header, with a refusal.
        asked: paths of the questions, in order.
        received: messages on streams, in order.
        openings: streams that were opened.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.every_s = 0.02
        self.is_sending = True
        self.acknowledges = True
        self.snapshots = False
        self.connection: ServerConnection | None = None
        self.refusal: int | None = None
        self.retry_after = ""
        self.asked: list[str] = []
        self.received: list[str] = []
        self.openings = 0
        self.on_message: Callable[[str], Sequence[Event]] = lambda _: ()
        self.port = 0
        self._server: Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await serve(self._stream, HOST, self.port, process_request=self._request)
        self.port = next(iter(self._server.sockets)).getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    def settings(self, port: int | None = None) -> dict[str, object]:
        """Return the connector's settings that lead here, or to a proxy in front of it."""
        where = f"{HOST}:{port or self.port}"
        return {"rest_url": f"http://{where}", "ws_url": f"ws://{where}/ws"}

    def _request(self, connection: ServerConnection, request: UpgradeRequest) -> Response | None:
        if self.refusal is not None:
            answer = connection.respond(http.HTTPStatus(self.refusal), "no")
            if self.retry_after:
                answer.headers["Retry-After"] = self.retry_after
            return answer
        if request.path == "/ws":
            return None
        self.asked.append(request.path)
        events = [defined(self.name)] if request.path == "/instruments" else [book(self.name)]
        return connection.respond(http.HTTPStatus.OK, encoded(events).decode())

    async def _stream(self, connection: ServerConnection) -> None:
        self.openings += 1
        self.connection = connection
        with contextlib.suppress(ConnectionClosed):
            await self._converse(connection)

    async def _converse(self, connection: ServerConnection) -> None:
        async for message in connection:
            text = message if isinstance(message, str) else message.decode()
            self.received.append(text)
            if text != SUBSCRIBE.decode():
                await connection.send(encoded(self.on_message(text)).decode())
                continue
            if self.acknowledges:
                await connection.send(encoded([SubscriptionLive(topic=TOPIC)]).decode())
            if self.snapshots:
                wish = FetchSnapshot(instrument=book(self.name).instrument, reason="subscribed")
                mark = MarkPrice(instrument=wish.instrument, mark_price=10_000.0)
                await connection.send(encoded([wish, mark]).decode())
            while not self.snapshots:
                if self.is_sending:
                    await connection.send(encoded([book(self.name)]).decode())
                await asyncio.sleep(self.every_s)

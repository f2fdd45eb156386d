"""A host behind real sockets: Starlette's routes on Uvicorn's server, with a hand on each connection.

A fault needs more than ASGI gives: a connection cut without a word, a message in fragments, a socket
that is open and never read. So each connection's protocol is kept by the client's address.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from typing import Any, Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import Scope
from starlette.websockets import WebSocket
from uvicorn import Config, Server
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from paraphina_core.connector import Answer
from paraphina_core.domain import NS_PER_S

from .control import control, is_control
from .host import TwinHost
from .outbox import Closed, Cut, Delivery, Message, Muted
from .protocol import SessionId, TwinRequest

#: Largest request body, and what may wait for a client that does not read before it is cut.
MAX_BODY_BYTES: Final = 1024 * 1024
MAX_UNSENT_BYTES: Final = 16 * 1024 * 1024

#: Longest sleep of the venue's life; only keeps an idle loop from sleeping past a change it was not told of.
_MAX_SLEEP_S: Final = 1.0

_METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")

_Peer = tuple[str, int]


class _Socket:
    """One WebSocket; what is sent before it is accepted waits."""

    def __init__(self) -> None:
        self.protocol: WebSocketsSansIOProtocol | None = None
        self.is_muted = False
        self._early: list[Delivery] = []

    def accepted(self, protocol: WebSocketsSansIOProtocol) -> None:
        self.protocol = protocol
        early, self._early = self._early, []
        for delivery in early:
            self.deliver(delivery)

    def deliver(self, delivery: Delivery) -> None:
        protocol = self.protocol
        if protocol is None:
            self._early.append(delivery)
            return
        if protocol.transport.is_closing() or protocol.close_sent:
            return
        match delivery:
            case Message():
                if protocol.transport.get_write_buffer_size() > MAX_UNSENT_BYTES:
                    protocol.transport.abort()
                    return
                _write(protocol, delivery)
            case Closed():
                protocol.conn.send_close(delivery.code, delivery.reason)
                protocol.transport.write(b"".join(protocol.conn.data_to_send()))
                protocol.close_sent = True
                protocol.loop.call_later(1.0, protocol.transport.close)
            case Cut():
                protocol.transport.abort()
            case Muted():
                self.is_muted = True
                protocol.transport.pause_reading()


def _write(protocol: WebSocketsSansIOProtocol, message: Message) -> None:
    """Write a message in as many fragments as it says, each its own write."""
    size = -(-len(message.payload) // message.parts) or 1
    pieces = [message.payload[at : at + size] for at in range(0, len(message.payload), size)] or [b""]
    for index, piece in enumerate(pieces):
        fin = index == len(pieces) - 1
        if index:
            protocol.conn.send_continuation(piece, fin)
        elif message.binary:
            protocol.conn.send_binary(piece, fin)
        else:
            protocol.conn.send_text(piece, fin)
        protocol.transport.write(b"".join(protocol.conn.data_to_send()))


class _QuietServer(Server):
    """A server that leaves the process's signals alone, and says when it listens."""

    def __init__(self, config: Config, listening: asyncio.Event) -> None:
        super().__init__(config)
        self._listening = listening

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: Any = None) -> None:  # noqa: ANN401  # sockets, which this room may not name
        await super().startup(sockets)
        self._listening.set()


class AsgiTwin:
    """Serves a host until it is told to stop.

    Args:
        host: the twin.
        now_ns: the world's time.
        address: loopback address to listen on.
        port: port to listen on, 0 for any.

    Attributes:
        listening: set once it is.
    """

    def __init__(self, host: TwinHost, *, now_ns: Callable[[], int], address: str, port: int) -> None:
        self._host = host
        self._now_ns = now_ns
        self._http: dict[_Peer, H11Protocol] = {}
        self._ws: dict[_Peer, WebSocketsSansIOProtocol] = {}
        self._sockets: dict[SessionId, _Socket] = {}
        self._wake = asyncio.Event()
        self._stopping = asyncio.Event()
        self.listening = asyncio.Event()
        app = Starlette(
            routes=[
                Route("/{path:path}", self._request, methods=list(_METHODS)),
                WebSocketRoute("/{path:path}", self._websocket),
            ]
        )
        http, websocket = _protocols(self._http, self._ws)
        self._server = _QuietServer(
            Config(
                app,
                host=address,
                port=port,
                http=http,
                ws=websocket,
                loop="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                ws_ping_interval=None,
                ws_per_message_deflate=False,
                timeout_keep_alive=60,
                timeout_graceful_shutdown=1,
            ),
            self.listening,
        )

    @property
    def port(self) -> int:
        """The port it listens on."""
        bound: int = self._server.servers[0].sockets[0].getsockname()[1]
        return bound

    async def run(self) -> None:
        """Serve until `stop`.

        Raises:
            SystemExit: the port is taken.
        """
        life = asyncio.create_task(self._live())
        try:
            await self._server.serve()
        finally:
            self._stopping.set()
            life.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await life

    def stop(self) -> None:
        """Ask for the end: connections are closed, `run` returns within about a second."""
        self._stopping.set()
        self._server.should_exit = True

    def call(self, what: Callable[[TwinHost, int], None]) -> None:
        """Do something with the host now, and let what follows from it leave."""
        what(self._host, self._now_ns())
        self._flush()

    # --- time -----------------------------------------------------------------------------------

    async def _live(self) -> None:
        """Advance the host whenever something is due."""
        while True:
            at_ns = self._now_ns()
            self._host.advance(at_ns)
            self._flush()
            self._wake.clear()
            due_ns = self._host.next_due_ns()
            wait_s = _MAX_SLEEP_S if due_ns is None else (due_ns - self._now_ns()) / NS_PER_S
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(_MAX_SLEEP_S, max(0.0, wait_s))):
                    await self._wake.wait()

    def _flush(self) -> None:
        for _, delivery in self._host.take(self._now_ns()):
            socket = self._sockets.get(delivery.session)
            if socket is not None:
                socket.deliver(delivery)
        self._wake.set()

    # --- doors ----------------------------------------------------------------------------------

    async def _request(self, request: Request) -> Response:
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_BODY_BYTES:
                return Response(status_code=413)
        asked = _twin_request(request.scope, request.method, bytes(body))
        at_ns = self._now_ns()
        if is_control(asked):
            answer = control(self._host, asked, at_ns)
            self._flush()
            return _response(answer)
        reply = self._host.request(asked, at_ns)
        self._flush()
        if reply.hangs:
            await self._hang(request)
        elif reply.due_ns > at_ns:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout((reply.due_ns - self._now_ns()) / NS_PER_S):
                    await self._stopping.wait()
        if reply.answer is None:
            protocol = self._http.get(_peer(request.scope))
            if protocol is not None:
                protocol.transport.abort()
            return Response(status_code=500)  # goes nowhere
        return _response(reply.answer)

    async def _hang(self, request: Request) -> None:
        """Wait until the client gives up, or the server ends."""
        gone = asyncio.ensure_future(request.receive())  # after the body only the end can come
        stopping = asyncio.ensure_future(self._stopping.wait())
        await asyncio.wait({gone, stopping}, return_when=asyncio.FIRST_COMPLETED)
        for task in (gone, stopping):
            task.cancel()

    async def _websocket(self, websocket: WebSocket) -> None:
        asked = _twin_request(websocket.scope, "GET", b"")
        outcome = self._host.connect(asked, self._now_ns())
        if isinstance(outcome, Answer):
            await websocket.send_denial_response(_response(outcome))
            return
        socket = self._sockets[outcome] = _Socket()
        try:
            await websocket.accept()
            socket.accepted(self._ws[_peer(websocket.scope)])
            self._flush()
            while True:
                message = await websocket.receive()
                if message["type"] != "websocket.receive":
                    break
                text, data = message.get("text"), message.get("bytes")
                self._host.receive(
                    outcome, text.encode() if text is not None else data or b"", self._now_ns()
                )
                self._flush()
                if socket.is_muted and socket.protocol is not None:
                    socket.protocol.transport.pause_reading()  # the receive above resumed it
        finally:
            del self._sockets[outcome]
            self._host.disconnected(outcome, self._now_ns())
            self._flush()


def _protocols(
    https: dict[_Peer, H11Protocol], sockets: dict[_Peer, WebSocketsSansIOProtocol]
) -> tuple[type[asyncio.Protocol], type[asyncio.Protocol]]:
    """Make Uvicorn's two protocols note themselves under the address of their client."""

    class Http(H11Protocol):
        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # Uvicorn's own narrowing
            super().connection_made(transport)
            if self.client is not None:
                https[self.client] = self

        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            if self.client is not None:
                https.pop(self.client, None)

    class Ws(WebSocketsSansIOProtocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            super().connection_made(transport)
            if self.client is not None:
                https.pop(self.client, None)
                sockets[self.client] = self

        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            if self.client is not None:
                sockets.pop(self.client, None)

    return Http, Ws


def _twin_request(scope: Scope, method: str, body: bytes) -> TwinRequest:
    target = scope["raw_path"].decode("ascii")
    if scope["query_string"]:
        target += "?" + scope["query_string"].decode("ascii")
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    return TwinRequest(method=method, target=target, headers=headers, body=body, peer=_peer(scope)[0])


def _peer(scope: Scope) -> _Peer:
    host, port = scope["client"]
    return host, port


def _response(answer: Answer) -> Response:
    return Response(content=answer.body, status_code=answer.status, headers=dict(answer.headers))

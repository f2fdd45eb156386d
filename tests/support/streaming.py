"""What tests of connections share: clocks, a log of what a stream reported, servers that misbehave."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import socket
import time
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import TYPE_CHECKING, Any

import trustme

from paraphina_core.connector import Heartbeat, StreamPlan, WebSocketSource
from paraphina_core.domain import NS_PER_S
from paraphina_core.transport import (
    Backoff,
    CloseReason,
    Engine,
    EventLoop,
    Stream,
    StreamEvents,
    StreamLimits,
    WebSocketLibrary,
    choose,
    connect_budget,
)
from paraphina_core.transport import run as run_on

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Callable, Coroutine, Iterator

HOST = "127.0.0.1"
PORTABLE = choose(WebSocketLibrary.WEBSOCKETS, EventLoop.ASYNCIO)
#: Both ways to carry a stream, the one that is always there first.
ENGINES = [PORTABLE, choose()] if choose().websocket.is_fast else [PORTABLE]
QUICK = StreamLimits(connect_timeout_ms=300, pong_timeout_ms=100, close_timeout_ms=100)


class UnderTest:
    """The engine that `stream_to` and `run` use; the fixture `engine` sets it."""

    engine: Engine = PORTABLE


@contextmanager
def using(engine: Engine) -> Iterator[None]:
    """Let `stream_to` and `run` use an engine."""
    before, UnderTest.engine = UnderTest.engine, engine
    try:
        yield
    finally:
        UnderTest.engine = before


class RealClock:
    """The time of this machine."""

    def now_ns(self) -> int:
        return time.time_ns()


class VirtualTime:
    """Time that stands still while anything else happens, and then jumps to the next one who sleeps."""

    def __init__(self) -> None:
        self.ns = 1_800_000_000 * NS_PER_S
        self._due: list[int] = []

    def now_ns(self) -> int:
        return self.ns

    async def sleep(self, seconds: float) -> None:
        due_ns = self.ns + int(seconds * NS_PER_S)
        self._due.append(due_ns)
        try:
            while self.ns < due_ns:
                await asyncio.sleep(0.001)  # room for what really happens meanwhile, such as a refusal
                if due_ns == min(self._due):
                    self.ns = due_ns
        finally:
            self._due.remove(due_ns)


class Log:
    """What a stream reported, in order."""

    def __init__(self, clock: Any = None) -> None:
        self.clock = clock or RealClock()
        self.opened: list[int] = []
        self.frames: list[bytes] = []
        self.at_ns: list[int] = []
        self.closed: list[tuple[CloseReason, str, int]] = []
        self.order: list[str] = []
        self.on_frame: Callable[[bytes], None] = lambda _: None

    @property
    def reasons(self) -> list[CloseReason]:
        return [reason for reason, _, _ in self.closed]

    @property
    def events(self) -> StreamEvents:
        return StreamEvents(opened=self._opened, frame=self._frame, closed=self._closed)

    def _opened(self, stream: str, at_ns: int) -> None:
        self.order.append("opened")
        self.opened.append(at_ns)

    def _frame(self, stream: str, frame: bytes, at_ns: int) -> None:
        self.order.append("frame")
        self.frames.append(frame)
        self.at_ns.append(at_ns)
        self.on_frame(frame)

    def _closed(self, stream: str, reason: CloseReason, detail: str, at_ns: int) -> None:
        self.order.append("closed")
        self.closed.append((reason, detail, at_ns))


def stream_to(
    port: int,
    log: Log,
    *,
    scheme: str = "ws",
    host: str = HOST,
    path: str = "/ws",
    opening: tuple[bytes, ...] = (),
    headers: dict[str, str] | None = None,
    heartbeat: Heartbeat | None = None,
    max_silence_ms: int = 60_000,
    max_lifetime_ms: int | None = None,
    **options: Any,
) -> Stream:
    """Make a stream to a port of this machine, quick to give up and to come back."""
    plan = StreamPlan(
        name="books",
        source=WebSocketSource(
            url=f"{scheme}://{host}:{port}{path}", opening=opening, headers=headers or {}, heartbeat=heartbeat
        ),
        max_silence_ms=max_silence_ms,
        max_lifetime_ms=max_lifetime_ms,
    )
    options = {
        "clock": log.clock,
        "backoff": Backoff(1, first_ms=10, max_ms=20),
        "budget": connect_budget(1000),
        "limits": QUICK,
        "engine": UnderTest.engine,
        **options,
    }
    return Stream(plan, events=log.events, **options)


@asynccontextmanager
async def running(stream: Stream) -> AsyncIterator[asyncio.Task[None]]:
    """Run a stream for as long as the body takes, then stop it."""
    task = asyncio.create_task(stream.run())
    try:
        yield task
    finally:
        stream.stop()
        with suppress(asyncio.CancelledError):
            await task


async def until(true: Callable[[], object], within_s: float = 2.0) -> None:
    """Wait until something holds."""
    deadline_s = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < deadline_s, "it did not come true in time"
        await asyncio.sleep(0.002)


def run(test: Coroutine[Any, Any, None]) -> None:
    """Run a test on an event loop of its own, for at most ten seconds."""

    async def bounded() -> None:
        async with asyncio.timeout(10):
            await test
        await asyncio.sleep(0.005)  # transports that were hung up are closed in the loop's next turns

    run_on(bounded(), UnderTest.engine)


@asynccontextmanager
async def raw_server(serve: Any, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """Serve plain TCP; gives the port. What the server leaves open is closed when `serve` returns."""
    tasks: set[asyncio.Task[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await serve(reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(handle, HOST, 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def free_port() -> int:
    """Return a port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


async def mute(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    """Accept a connection and never say a word."""
    await asyncio.sleep(60)


async def upgrade(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer a WebSocket handshake by hand, so that anything may follow."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    (key,) = (line.split(": ")[1] for line in head.split("\r\n") if line.startswith("Sec-WebSocket-Key"))
    writer.write(upgrade_answer(key))


def upgrade_answer(key: str) -> bytes:
    """Return the server's half of the handshake."""
    accept = base64.b64encode(
        hashlib.sha1(f"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest()  # noqa: S324  # RFC 6455
    )
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
    )


def message(payload: bytes, *, opcode: int = 1, fin: bool = True, reserved: int = 0) -> bytes:
    """Spell a frame as a server does, without mask."""
    first = bytes([fin << 7 | reserved << 4 | opcode])
    if len(payload) < 126:
        return first + bytes([len(payload)]) + payload
    if len(payload) < 65536:
        return first + b"\x7e" + len(payload).to_bytes(2) + payload
    return first + b"\x7f" + len(payload).to_bytes(8) + payload


def authority() -> trustme.CA:
    """Make a certificate authority that nobody knows."""
    return trustme.CA()

"""What moves the bytes is chosen in one place; the slow choice is always there."""

from __future__ import annotations

import asyncio
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from paraphina_core.domain import LocalError
from paraphina_core.transport import CloseReason, EventLoop, WebSocketLibrary, choose, parse_address
from paraphina_core.transport import run as run_on
from paraphina_core.transport.connection import Callbacks
from streaming import Log, RealClock, UnderTest, raw_server, run, running, stream_to, until, upgrade_answer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


def hide(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Make modules as if they were not installed."""
    for name in names:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.delitem(sys.modules, "paraphina_core.transport.picows_connection", raising=False)


def test_without_the_wheels_everything_runs_on_what_is_always_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """A platform without `picows` and `uvloop` is served by `websockets` and `asyncio`, and told so."""
    hide(monkeypatch, "picows", "uvloop")
    engine = choose()
    assert (engine.websocket.name, engine.event_loop.name) == ("websockets", "asyncio")
    assert not engine.websocket.is_fast
    assert not engine.event_loop.is_fast
    assert "picows is not used" in engine.websocket.why
    assert "uvloop is not used" in engine.event_loop.why
    assert run_on(asyncio.sleep(0, "done"), engine) == "done"


def test_with_the_wheels_the_fast_choices_are_made() -> None:
    """`auto` takes `picows` and `uvloop`; the coroutine really runs on that loop."""
    pytest.importorskip("picows")
    pytest.importorskip("uvloop")
    engine = choose()
    assert (engine.websocket.name, engine.event_loop.name) == ("picows", "uvloop")
    assert engine.websocket.version
    assert engine.websocket.is_fast
    assert engine.event_loop.is_fast

    async def loop() -> str:
        return type(asyncio.get_running_loop()).__module__

    assert run_on(loop(), engine) == "uvloop"


def test_each_choice_can_be_forced() -> None:
    """An operator who doubts the fast one can do without it."""
    engine = choose(WebSocketLibrary.WEBSOCKETS, EventLoop.ASYNCIO)
    assert (engine.websocket.name, engine.event_loop.name) == ("websockets", "asyncio")
    assert engine.websocket.why == engine.event_loop.why == "asked for"


def test_what_is_asked_for_by_name_is_used_or_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is replaced by something weaker without being asked; the error says how to get it."""
    hide(monkeypatch, "picows", "uvloop")
    with pytest.raises(LocalError, match=r"picows does not work here.*pip install"):
        choose(WebSocketLibrary.PICOWS)
    with pytest.raises(LocalError, match=r"uvloop does not work here.*pip install"):
        choose(event_loop=EventLoop.UVLOOP)


def test_a_wheel_that_breaks_on_import_is_as_good_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another platform's or version's wheel may fail in its own way; that costs speed, not the run."""
    pytest.importorskip("picows")
    import picows.picows  # noqa: PLC0415  # only where it is installed

    hide(monkeypatch)
    monkeypatch.delattr(picows.picows, "WSProtocol")
    engine = choose()
    assert engine.websocket.name == "websockets"
    assert "ImportError" in engine.websocket.why


@asynccontextmanager
async def answering(make_answer: Any) -> AsyncIterator[int]:
    """Serve one answer to every handshake; gives the port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        (key,) = (line.split(": ")[1] for line in head.split("\r\n") if line.startswith("Sec-WebSocket-Key"))
        writer.write(make_answer(upgrade_answer(key)))
        await reader.read()

    async with raw_server(serve) as port:
        yield port


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"\r\n\r\n", b"\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n"),
        (b"\r\n\r\n", b"\r\nSec-WebSocket-Protocol: v2\r\n\r\n"),
        (b"Sec-WebSocket-Accept: ", b"Sec-WebSocket-Accept: A"),
        (b"Upgrade: websocket\r\n", b""),
        (b"Connection: Upgrade\r\n", b""),
        (b"HTTP/1.1 101 ", b"HTTP/1.1 301 Moved\r\nLocation: ws://127.0.0.1:9/\r\nX-"),
        (b"HTTP/1.1", b"HTTP/9.9"),
    ],
)
def test_f012_a_handshake_that_agrees_on_something_else_is_refused(old: bytes, new: bytes) -> None:
    """Compression or a protocol nobody offered, a wrong key, a redirect: no connection, on any engine."""

    async def test() -> None:
        log = Log()
        answer = answering(lambda sound: sound.replace(old, new, 1))
        async with answer as port, running(stream_to(port, log)):
            await until(lambda: log.closed)
        assert log.reasons[0] is CloseReason.HANDSHAKE_REFUSED
        assert not log.opened

    run(test())


@pytest.mark.usefixtures("engine")
def test_f012_a_status_that_no_standard_knows_is_told_with_its_headers() -> None:
    """A proxy in front of a venue has numbers of its own; what it says of the next attempt is heard."""

    async def test() -> None:
        log = Log()
        busy = answering(lambda _: b"HTTP/1.1 521 Down\r\nRetry-After: 30\r\nContent-Length: 0\r\n\r\n")
        async with busy as port, running(stream_to(port, log)):
            await until(lambda: log.closed)
            await asyncio.sleep(0.1)
        assert log.closed[0][:2] == (CloseReason.HANDSHAKE_REFUSED, "HTTP status 521")
        assert len(log.closed) == 1

    run(test())


@pytest.mark.usefixtures("engine")
def test_headers_and_target_reach_the_venue_as_they_were_planned() -> None:
    """Host, query and own headers stand in the request once and unchanged; no compression is offered."""
    heads = []

    async def listen(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        heads.append((await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n"))

    async def test() -> int:
        log = Log()
        async with raw_server(listen) as port:
            stream = stream_to(port, log, path="/ws;v=1?token=a%20b&x", headers={"X-Key": "k"})
            async with running(stream):
                await until(lambda: heads)
            return port

    ports = []

    async def keep() -> None:
        ports.append(await test())

    run(keep())
    first, *lines = heads[0]
    names = [line.partition(":")[0].lower() for line in lines if line]
    assert first == "GET /ws;v=1?token=a%20b&x HTTP/1.1"
    assert f"Host: 127.0.0.1:{ports[0]}" in lines
    assert "X-Key: k" in lines
    assert names.count("user-agent") == names.count("host") == 1
    assert "sec-websocket-extensions" not in names


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("early", ["bytes", "end"])
def test_what_comes_before_the_connection_is_handed_over_is_survived(early: str) -> None:
    """A peer may speak or hang up while TLS is put on top; that ends the connection and nothing else."""

    async def test() -> None:
        url = "ws://127.0.0.1:9/"
        callbacks = Callbacks(
            opened=lambda _: None, message=lambda *_: None, pong=lambda _: None, ended=lambda: None
        )
        connection = UnderTest.engine.make_connection(
            url,
            parse_address(url, "ws"),
            {},
            clock=RealClock(),
            callbacks=callbacks,
            max_message_bytes=1000,
            max_unsent_bytes=1000,
        )
        protocol: Any = connection.make_protocol()
        if early == "end":
            protocol.connection_lost(ConnectionResetError("gone"))
        elif isinstance(protocol, asyncio.BufferedProtocol):
            protocol.get_buffer(-1)[:4] = b"\r\n\r\n"  # type: ignore[index]  # a writable buffer
            protocol.buffer_updated(4)
        else:
            protocol.data_received(b"\r\n\r\n")
        assert not connection.is_open
        assert connection.ending is not None
        assert connection.ending.reason in {CloseReason.HANDSHAKE_REFUSED, CloseReason.CONNECTION_LOST}

    run(test())

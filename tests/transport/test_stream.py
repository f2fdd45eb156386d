"""A stream hands on every frame as it arrives, keeps its connection alive, and ends in good order."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve

from paraphina_core.connector import FailureKind, Heartbeat, LocalSource, StreamPlan, WebSocketSource
from paraphina_core.domain import LocalError
from paraphina_core.transport import Backoff, CloseReason, Stream, StreamLimits, connect_budget
from paraphina_core.transport.address import parse_address, verified_tls
from paraphina_core.transport.connection import Callbacks
from streaming import (
    HOST,
    QUICK,
    Log,
    RealClock,
    UnderTest,
    VirtualTime,
    free_port,
    mute,
    raw_server,
    run,
    running,
    stream_to,
    until,
    upgrade,
)

pytestmark = pytest.mark.usefixtures("engine")


def port_of(server: Any) -> int:
    """Return the port that a WebSocket server listens on."""
    (listening,) = server.sockets
    port: int = listening.getsockname()[1]
    return port


async def keep_open(connection: ServerConnection) -> None:
    """Serve one connection: read and ignore."""
    async for _ in connection:
        pass


def test_frames_are_handed_on_in_order_with_their_time_and_without_a_task_between() -> None:
    """A frame is delivered by the call that read its bytes: no queue, no task of ours in between."""
    tasks = []

    async def talk(connection: ServerConnection) -> None:
        for number in range(200):
            await connection.send(str(number) if number % 2 else str(number).encode())
        await keep_open(connection)

    async def test() -> None:
        log = Log()
        log.on_frame = lambda _: tasks.append(asyncio.current_task())
        before_ns = time.time_ns()
        async with serve(talk, HOST, 0) as server, running(stream_to(port_of(server), log)):
            await until(lambda: len(log.frames) == 200)
        assert log.frames == [str(number).encode() for number in range(200)]
        assert log.at_ns == sorted(log.at_ns)
        assert before_ns <= log.opened[0] <= log.at_ns[0] <= log.at_ns[-1] <= time.time_ns()
        assert set(tasks) == {None}
        assert log.order == ["opened", *["frame"] * 200, "closed"]

    run(test())


def test_a_frame_that_comes_with_the_handshake_is_not_before_the_opening() -> None:
    """A venue may greet in the very packet that accepts; the stream is open by then."""

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await upgrade(reader, writer)
        writer.write(b"\x81\x02hi")
        await reader.read()

    async def test() -> None:
        log = Log()
        async with raw_server(greet) as port, running(stream_to(port, log)):
            await until(lambda: log.frames)
        assert log.order[:2] == ["opened", "frame"]
        assert log.frames == [b"hi"]

    run(test())


def test_opening_messages_and_headers_are_sent_on_every_connection() -> None:
    """After a reconnect the venue hears the same subscriptions, as text, in the plan's order."""
    heard: list[list[str | bytes]] = []
    agents = []

    async def listen(connection: ServerConnection) -> None:
        assert connection.request is not None
        agents.append((connection.request.headers["X-Key"], connection.request.headers["User-Agent"]))
        heard.append([await connection.recv(), await connection.recv()])

    async def test() -> None:
        log = Log()
        async with serve(listen, HOST, 0) as server:
            stream = stream_to(port_of(server), log, opening=(b"a", b"b"), headers={"X-Key": "k"})
            async with running(stream):
                await until(lambda: len(heard) >= 2)
        assert heard[:2] == [["a", "b"], ["a", "b"]]
        assert agents[0][0] == "k"
        assert agents[0][1].startswith("paraphina/")

    run(test())


def test_what_is_sent_arrives_and_what_cannot_be_sent_is_proven_unsent() -> None:
    """While the stream is not open, the failure says that nothing left."""
    heard = []

    async def listen(connection: ServerConnection) -> None:
        heard.append(await connection.recv())
        await keep_open(connection)

    async def test() -> None:
        log = Log()
        async with serve(listen, HOST, 0) as server:
            stream = stream_to(port_of(server), log)
            early = stream.send(b"too early")
            async with running(stream):
                await until(lambda: log.opened)
                assert stream.send(b"order") is None
                await until(lambda: heard)
            late = stream.send(b"too late")
        assert early is not None
        assert late is not None
        assert {early.kind, late.kind} == {FailureKind.NOT_SENT}
        assert heard == ["order"]

    run(test())


@pytest.mark.parametrize("payload", [b'{"op":"ping"}', None])
def test_heartbeats_leave_every_interval(payload: bytes | None) -> None:
    """With a payload they are messages, without one protocol pings; an answered one keeps the stream."""
    heard = []

    async def listen(connection: ServerConnection) -> None:
        async for text in connection:
            heard.append(text)
            await connection.send("pong")

    async def test() -> None:
        log = Log()
        async with serve(listen, HOST, 0, ping_interval=None) as server:
            heartbeat = Heartbeat(interval_ms=20, payload=payload)
            async with running(stream_to(port_of(server), log, heartbeat=heartbeat)) as task:
                await asyncio.sleep(0.25)
                assert not log.closed
                assert not task.done()
        count = len(heard)
        assert (6 <= count <= 13) if payload else count == 0

    run(test())


def test_a_connection_is_replaced_when_its_lifetime_is_over() -> None:
    """Before the venue does it at a moment of its choice; the venue is told in good order."""
    codes = []

    async def listen(connection: ServerConnection) -> None:
        await keep_open(connection)
        codes.append(connection.close_code)

    async def test() -> None:
        log = Log()
        async with (
            serve(listen, HOST, 0) as server,
            running(stream_to(port_of(server), log, max_lifetime_ms=50)),
        ):
            await until(lambda: len(log.opened) >= 3)
        assert set(log.reasons[:2]) == {CloseReason.LIFETIME_OVER}
        assert set(codes[:2]) == {1000}

    run(test())


def test_a_wish_to_reopen_brings_a_new_connection() -> None:
    """What the session cannot read on is opened anew; with no connection open, the wish is met anyway."""

    async def test() -> None:
        log = Log()
        async with serve(keep_open, HOST, 0) as server:
            stream = stream_to(port_of(server), log)
            stream.reopen()
            async with running(stream):
                await until(lambda: stream.is_open)
                stream.reopen()
                await until(lambda: len(log.opened) == 2)
        assert log.reasons == [CloseReason.REOPENED, CloseReason.STOPPED]
        assert stream.closures == {CloseReason.REOPENED: 1, CloseReason.STOPPED: 1}

    run(test())


def test_each_connection_is_opened_from_the_source_of_its_moment() -> None:
    """An address that carries what a venue has lent is looked up anew, so that no old one is tried again."""
    paths: list[str] = []

    async def note(connection: ServerConnection) -> None:
        assert connection.request is not None
        paths.append(connection.request.path)
        await keep_open(connection)

    async def test() -> None:
        log = Log()
        async with serve(note, HOST, 0) as server:
            port = port_of(server)
            lent = iter(("first", "second"))
            stream = stream_to(
                port, log, source=lambda: WebSocketSource(url=f"ws://{HOST}:{port}/{next(lent)}")
            )
            async with running(stream):
                await until(lambda: stream.is_open)
                stream.reopen()
                await until(lambda: len(log.opened) == 2)
        assert paths == ["/first", "/second"]

    run(test())


def test_counters_say_how_often_why_and_since_when() -> None:
    """Reasons are counted apart, attempts that failed among them; the latest is told with its detail."""

    async def test() -> None:
        log = Log()
        port = free_port()
        stream = stream_to(port, log)
        before = stream.counters
        assert (before.openings, before.last_reason, before.changed_ns) == (0, None, None)
        async with running(stream):
            await until(lambda: len(log.closed) >= 2)
            refused = stream.counters
            async with serve(keep_open, HOST, port):
                await until(lambda: stream.is_open)
                stream.reopen()
                await until(lambda: len(log.opened) == 2)
                now = stream.counters
        assert refused.last_reason is CloseReason.CONNECT_FAILED
        assert refused.last_detail
        assert refused.changed_ns == log.closed[refused.closures[CloseReason.CONNECT_FAILED] - 1][2]
        assert not refused.is_open
        assert now.is_open
        assert (now.openings, now.reconnects) == (2, 1)
        assert now.closures[CloseReason.REOPENED] == 1
        assert now.last_reason is CloseReason.REOPENED
        assert now.changed_ns == log.opened[1]

    run(test())


def test_stopping_is_orderly_and_loses_no_frame_on_its_way() -> None:
    """The venue is told, and what it sent before it heard is still handed on."""
    codes = []

    async def listen(connection: ServerConnection) -> None:
        await keep_open(connection)
        codes.append(connection.close_code)

    async def late(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await upgrade(reader, writer)
        head = await reader.readexactly(2)
        assert head[0] == 0x88  # the stream's close frame
        writer.write(b"\x81\x04fill" + b"\x88\x02\x03\xe8")

    async def test() -> None:
        log = Log()
        async with serve(listen, HOST, 0) as server, running(stream_to(port_of(server), log)):
            await until(lambda: log.opened)
        assert codes == [1000]
        log = Log()
        async with raw_server(late) as port, running(stream_to(port, log)):
            await until(lambda: log.opened)
        assert log.frames == [b"fill"]
        assert log.order == ["opened", "frame", "closed"]

    run(test())


def test_stopping_ends_in_time_whatever_the_stream_is_doing() -> None:
    """Connecting, waiting for the next attempt, or open to a venue that no longer answers."""

    async def deaf(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await upgrade(reader, writer)
        await asyncio.sleep(10)

    async def stop_quickly(stream: Stream, ready: Any) -> None:
        task = asyncio.create_task(stream.run())
        await until(ready)
        stream.stop()
        async with asyncio.timeout(0.6):
            await task

    async def test() -> None:
        patient = StreamLimits(connect_timeout_ms=10_000, close_timeout_ms=100)
        async with raw_server(mute) as port:
            log = Log()
            await stop_quickly(stream_to(port, log, limits=patient), lambda: True)
            log = Log()
            stream = stream_to(port, log, limits=patient)
            await stop_quickly(stream, lambda: stream._attempts._opening)  # noqa: SLF001  # nothing else shows it
            assert log.reasons == [CloseReason.STOPPED]
        async with raw_server(deaf) as port:
            log = Log()
            await stop_quickly(stream_to(port, log), lambda: log.opened)
            assert log.reasons == [CloseReason.STOPPED]
        log = Log()
        slow = Backoff(1, first_ms=30_000)
        await stop_quickly(stream_to(port, log, backoff=slow), lambda: log.closed)
        assert log.reasons == [CloseReason.CONNECT_FAILED]

    run(test())


def test_a_connection_that_is_given_up_in_the_turn_in_which_it_comes_about_is_gone() -> None:
    """`uvloop` closes it and tells nobody: the end must not wait to be told, and no other file is closed."""

    async def test() -> None:
        async with raw_server(mute) as port:
            url = f"ws://127.0.0.1:{port}/"
            callbacks = Callbacks(lambda _: None, lambda _, __: None, lambda _: None, lambda: None)
            limits = {"max_message_bytes": 1_000, "max_unsent_bytes": 1_000}
            connection = UnderTest.engine.make_connection(
                url, parse_address(url, "ws"), {}, clock=RealClock(), callbacks=callbacks, **limits
            )
            make_protocol = connection.make_protocol

            def made() -> asyncio.BaseProtocol:
                protocol = make_protocol()

                class Watched(type(protocol)):  # type: ignore[misc]  # whichever it is
                    def connection_made(self, transport: asyncio.BaseTransport) -> None:
                        super().connection_made(transport)
                        opening.cancel()

                protocol.__class__ = Watched
                return protocol

            connection.make_protocol = made  # type: ignore[method-assign]  # the moment cannot be met otherwise
            opening = asyncio.ensure_future(connection.open(verified_tls(None)))
            await asyncio.wait({opening})
            assert opening.cancelled()
            async with asyncio.timeout(1):
                await connection.finish(0.05)

    run(test())


def test_an_error_of_the_reader_ends_the_stream_and_is_raised() -> None:
    """An error of our own is never swallowed in an event loop, and no further frame is handed on."""

    class OurError(Exception):
        pass

    def fail(_frame: bytes) -> None:
        raise OurError

    async def talk(connection: ServerConnection) -> None:
        await connection.send("one")
        await connection.send("two")
        await keep_open(connection)

    async def test() -> None:
        log = Log()
        log.on_frame = fail
        async with serve(talk, HOST, 0) as server:
            stream = stream_to(port_of(server), log)
            with pytest.raises(OurError):
                await stream.run()
        assert log.frames == [b"one"]
        assert not stream.is_open

    run(test())


def test_a_cancelled_stream_leaves_no_connection_behind() -> None:
    """Cancelling is rougher than stopping, but the venue sees the end at once."""
    ended = []

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await upgrade(reader, writer)
        await reader.read()
        ended.append(True)

    async def test() -> None:
        log = Log()
        async with raw_server(listen) as port:
            task = asyncio.create_task(stream_to(port, log).run())
            await until(lambda: log.opened)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await until(lambda: ended, 0.5)

    run(test())


def test_proxies_of_the_environment_are_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where orders and account data pass is no matter of a variable."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)

    async def test() -> None:
        log = Log()
        async with serve(keep_open, HOST, 0) as server, running(stream_to(port_of(server), log)):
            await until(lambda: log.opened)

    run(test())


@pytest.mark.parametrize(
    "source",
    [
        LocalSource(frames=lambda _: iter(())),
        WebSocketSource(url="ws://venue.example/"),
        WebSocketSource(url="https://venue.example/"),
        WebSocketSource(url="wss://venue.example/", headers={"A": "1\r\nB: 2"}),
    ],
)
def test_a_plan_that_cannot_be_opened_safely_is_refused(source: Any) -> None:
    """Before anything is connected."""
    log = Log(VirtualTime())
    plan = StreamPlan(name="books", source=source, max_silence_ms=1)
    with pytest.raises(LocalError):
        Stream(
            plan,
            events=log.events,
            clock=log.clock,
            backoff=Backoff(1),
            budget=connect_budget(),
            limits=QUICK,
        )

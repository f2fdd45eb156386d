"""What networks and venues do to a stream, and what it does then; ids are those of the fault catalogue."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from websockets.asyncio.server import ServerConnection, serve

from faulty_proxy import FaultyProxy
from paraphina_core.connector import FailureKind, Heartbeat
from paraphina_core.domain import NS_PER_S
from paraphina_core.transport import (
    Backoff,
    CloseReason,
    Limiter,
    StreamLimits,
    connect_budget,
    parse_address,
)
from paraphina_core.transport.connection import Callbacks
from streaming import (
    HOST,
    PORTABLE,
    Log,
    RealClock,
    UnderTest,
    VirtualTime,
    authority,
    free_port,
    message,
    mute,
    raw_server,
    run,
    running,
    stream_to,
    until,
    upgrade,
    upgrade_answer,
    using,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.usefixtures("engine")


async def talk(connection: ServerConnection) -> None:
    """Send a frame every few milliseconds, until the other side has gone."""
    while True:
        await connection.send("tick")
        await asyncio.sleep(0.005)


async def listen(connection: ServerConnection) -> None:
    """Answer pings, send nothing."""
    async for _ in connection:
        pass


@asynccontextmanager
async def behind_proxy(handler: Any = talk) -> AsyncIterator[FaultyProxy]:
    """Serve WebSocket connections behind a faulty proxy."""
    async with (
        serve(handler, HOST, 0, ping_interval=None, close_timeout=0.1) as server,
        FaultyProxy(next(iter(server.sockets)).getsockname()[1]) as proxy,
    ):
        yield proxy


async def one_ending(serve_one: Any, **options: Any) -> tuple[Log, CloseReason, str]:
    """Run a stream against a raw server until its first connection has ended."""
    log = Log()
    async with raw_server(serve_one) as port, running(stream_to(port, log, **options)):
        await until(lambda: log.closed)
    return log, log.closed[0][0], log.closed[0][1]


def after_upgrade(data: bytes) -> Any:
    """Make a server that accepts the handshake and then sends these bytes."""

    async def serve_one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await upgrade(reader, writer)
        writer.write(data)
        await reader.read()

    return serve_one


def test_f001_a_closed_port_is_tried_with_growing_pauses_and_for_ever() -> None:
    """In an hour of refusals there are some 150 attempts: no busy loop, and no giving up."""

    async def test() -> None:
        clock = VirtualTime()
        log = Log(clock)
        stream = stream_to(free_port(), log, backoff=Backoff(3), budget=connect_budget(), sleep=clock.sleep)
        began_ns = clock.ns
        async with running(stream):
            await until(lambda: clock.ns - began_ns > 3600 * NS_PER_S, 8)
        in_hour = [at_ns for _, _, at_ns in log.closed if at_ns - began_ns <= 3600 * NS_PER_S]
        assert 120 <= len(in_hour) <= 250
        *failed, last = log.reasons
        assert set(failed) == {CloseReason.CONNECT_FAILED}
        assert last in {CloseReason.CONNECT_FAILED, CloseReason.STOPPED}
        assert sum(stream.closures.values()) == len(log.closed)
        assert not log.opened

    run(test())


def test_f001_a_name_that_cannot_be_looked_up_is_a_failed_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    """The name service being down is met like a closed port."""

    def look_up(*_args: object, **_options: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)

    async def test() -> None:
        log = Log()
        async with running(stream_to(443, log, scheme="wss", host="venue.example")):
            await until(lambda: len(log.closed) >= 2)
        assert log.reasons[0] is CloseReason.CONNECT_FAILED

    run(test())


def test_f001_a_venue_that_comes_back_is_found_again() -> None:
    """After refusals the stream opens, and after an opening that did not last it waits longer again."""

    async def test() -> None:
        log = Log()
        async with behind_proxy() as proxy:
            await proxy.refuse()
            async with running(stream_to(proxy.port, log)):
                await until(lambda: len(log.closed) >= 3)
                await proxy.accept()
                await until(lambda: log.frames)
        assert set(log.reasons[:3]) == {CloseReason.CONNECT_FAILED}

    run(test())


def test_f001_a_venue_that_accepts_and_says_nothing_is_given_up() -> None:
    """The connect time-out covers the handshake too."""

    async def test() -> None:
        _, reason, detail = await one_ending(mute)
        assert reason is CloseReason.CONNECT_TIMED_OUT
        assert "300 ms" in detail

    run(test())


def test_f002_a_reset_is_noticed_at_once() -> None:
    """The stream closes within milliseconds, sends nothing more, and comes back."""

    async def test() -> None:
        log = Log()
        async with behind_proxy() as proxy:
            stream = stream_to(proxy.port, log, backoff=Backoff(1, first_ms=100, max_ms=100))
            async with running(stream):
                await until(lambda: log.frames)
                proxy.reset()
                began = time.monotonic()
                await until(lambda: log.closed)
                assert time.monotonic() - began < 0.2
                refused = stream.send(b"order")
                assert refused is not None
                assert refused.kind is FailureKind.NOT_SENT
                await until(lambda: len(log.opened) == 2)
        assert log.reasons[0] is CloseReason.CONNECTION_LOST

    run(test())


@pytest.mark.parametrize("cut_after", [1, 100, 300])
def test_f002_a_connection_cut_anywhere_is_a_lost_one(cut_after: int) -> None:
    """In the middle of the handshake or of a frame: an end without a closing message is no good end."""

    async def test() -> None:
        log = Log()
        async with behind_proxy() as proxy:
            proxy.cut_after = cut_after
            async with running(stream_to(proxy.port, log)):
                await until(lambda: log.closed)
        assert log.reasons[0] in {CloseReason.CONNECTION_LOST, CloseReason.HANDSHAKE_REFUSED}
        assert set(log.frames) <= {b"tick"}

    run(test())


def test_f003_silence_is_ended_by_the_data_deadline() -> None:
    """A connection on which nothing comes any more is replaced, although nobody closed it."""

    async def test() -> None:
        log = Log()
        async with behind_proxy() as proxy, running(stream_to(proxy.port, log, max_silence_ms=100)):
            await until(lambda: log.frames)
            proxy.silent = True
            began = time.monotonic()
            await until(lambda: log.closed)
            assert 0.08 <= time.monotonic() - began < 0.5
        assert log.reasons[0] is CloseReason.DATA_OVERDUE

    run(test())


@pytest.mark.parametrize("payload", [b"ping", None])
def test_f003_silence_is_ended_by_the_pong_deadline(payload: bytes | None) -> None:
    """A quiet market may be silent for long; a heartbeat without an answer tells the difference."""

    async def echo(connection: ServerConnection) -> None:
        async for text in connection:
            await connection.send(text)

    async def test() -> None:
        log = Log()
        heartbeat = Heartbeat(interval_ms=50, payload=payload)
        async with behind_proxy(echo) as proxy, running(stream_to(proxy.port, log, heartbeat=heartbeat)):
            await until(lambda: log.opened)
            await asyncio.sleep(0.25)
            assert not log.closed
            proxy.silent = True
            began = time.monotonic()
            await until(lambda: log.closed)
            assert 0.09 <= time.monotonic() - began < 0.6
        assert log.reasons[0] is CloseReason.PONG_OVERDUE

    run(test())


def test_f003_data_alone_does_not_answer_a_ping() -> None:
    """When our messages no longer arrive, data that still comes hides it; the missing pong does not."""

    async def half_deaf(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await upgrade(reader, writer)
        while True:
            writer.write(message(b"tick") + message(b"wrong", opcode=10))
            await asyncio.sleep(0.01)

    async def test() -> None:
        log, reason, _ = await one_ending(half_deaf, heartbeat=Heartbeat(interval_ms=20))
        assert reason is CloseReason.PONG_OVERDUE
        assert log.frames

    run(test())


def test_f004_answered_pings_are_no_data() -> None:
    """A venue whose socket lives but whose feed is dead is given up by the data deadline."""

    async def test() -> None:
        log = Log()
        heartbeat = Heartbeat(interval_ms=20)
        async with behind_proxy(listen) as proxy:
            stream = stream_to(proxy.port, log, heartbeat=heartbeat, max_silence_ms=150)
            async with running(stream):
                await until(lambda: log.closed)
        assert log.reasons[0] is CloseReason.DATA_OVERDUE

    run(test())


def test_f005_a_slow_reader_slows_the_venue_down_and_loses_nothing() -> None:
    """Frames wait in the kernel and at the sender; none is dropped and our memory holds one read of them."""
    unsent = []

    async def burst(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await upgrade(reader, writer)
        for number in range(400):
            writer.write(message(number.to_bytes(4) * 8000, opcode=2))
        unsent.append(writer.transport.get_write_buffer_size())
        await reader.read()

    async def test() -> None:
        log = Log()
        log.on_frame = lambda _: time.sleep(0.0005)
        async with raw_server(burst) as port, running(stream_to(port, log)):
            await until(lambda: len(log.frames) == 400, 5)
        assert [int.from_bytes(frame[:4]) for frame in log.frames] == list(range(400))
        assert {len(frame) for frame in log.frames} == {32_000}
        assert unsent[0] > 1_000_000

    run(test())


def test_f005_a_venue_that_does_not_read_cannot_fill_our_memory() -> None:
    """Beyond the limit nothing is buffered: the message is proven unsent and the connection given up."""

    async def deaf(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await upgrade(reader, writer)
        await asyncio.sleep(60)

    async def test() -> None:
        log = Log()
        limits = StreamLimits(max_unsent_bytes=100_000, close_timeout_ms=50)
        async with raw_server(deaf) as port:
            stream = stream_to(port, log, limits=limits)
            async with running(stream):
                await until(lambda: log.opened)
                results = [stream.send(b"x" * 50_000) for _ in range(400)]
                await until(lambda: log.closed)
        assert results[0] is None
        assert results[-1] is not None
        assert results[-1].kind is FailureKind.NOT_SENT
        assert log.reasons[0] is CloseReason.SEND_OVERFLOW

    run(test())


@pytest.mark.parametrize(
    ("host", "trusted", "reason"),
    [
        ("localhost", True, None),
        ("localhost", False, CloseReason.TLS_REFUSED),
        ("127.0.0.1", True, CloseReason.TLS_REFUSED),
    ],
)
def test_f006_only_a_trusted_certificate_of_the_right_host_is_accepted(
    host: str, trusted: bool, reason: CloseReason | None
) -> None:
    """An unknown authority and another host's certificate are refused; there is no way around."""
    ca = authority()
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("localhost").configure_cert(server_side)
    client_side = ssl.create_default_context()
    if trusted:
        ca.configure_trust(client_side)

    async def test() -> None:
        log = Log()
        async with serve(talk, HOST, 0, ssl=server_side) as server:
            port = next(iter(server.sockets)).getsockname()[1]
            async with running(stream_to(port, log, scheme="wss", host=host, tls=client_side)):
                await until(lambda: log.frames if reason is None else log.closed)
        assert bool(log.frames) is (reason is None)
        assert log.reasons[0] is (reason or CloseReason.STOPPED)

    run(test())


def test_f007_a_frame_that_arrives_byte_by_byte_is_one_frame() -> None:
    """How the network slices a message changes nothing."""

    async def once(connection: ServerConnection) -> None:
        await connection.send("x" * 300)
        await connection.send(["frag", "men", "ted"])
        await listen(connection)

    async def test() -> None:
        log = Log()
        async with behind_proxy(once) as proxy:
            proxy.slice_bytes = 1
            async with running(stream_to(proxy.port, log)):
                await until(lambda: len(log.frames) == 2)
        assert log.frames == [b"x" * 300, b"fragmented"]

    run(test())


LIMIT = StreamLimits(max_message_bytes=1000, close_timeout_ms=50)


@pytest.mark.parametrize(
    ("data", "reason", "frames"),
    [
        (message(b"x" * 1000), None, [b"x" * 1000]),
        (message(b"x" * 1001), CloseReason.FRAME_TOO_BIG, []),
        (b"\x81\x7f" + (2**40).to_bytes(8), CloseReason.FRAME_TOO_BIG, []),
        (message(b"x" * 600, fin=False) + message(b"x" * 600, opcode=0), CloseReason.FRAME_TOO_BIG, []),
        (message(b"ok") + message(b"\xff\xfe"), CloseReason.FRAME_INVALID, [b"ok"]),
        (message(b"\xc3", fin=False) + message(b"\xa9", opcode=0), None, ["é".encode()]),
        (message(b"\xff\xfe", opcode=2), None, [b"\xff\xfe"]),
        (message(b"x\x9c", reserved=4), CloseReason.FRAME_INVALID, []),
        (message(b"x", opcode=3), CloseReason.FRAME_INVALID, []),
        (message(b"x", opcode=0), CloseReason.FRAME_INVALID, []),
        (b"\x81\x82mask", CloseReason.FRAME_INVALID, []),
        (message(b"\x03\xe9bye", opcode=8) + message(b"after"), CloseReason.REMOTE_CLOSED, []),
    ],
)
def test_f007_bytes_that_break_the_protocol_end_the_connection(
    data: bytes, reason: CloseReason | None, frames: list[bytes]
) -> None:
    """Giant frames, bad UTF-8, unannounced compression: nothing of them is handed on, nothing raised."""

    async def test() -> None:
        log = Log()
        async with (
            raw_server(after_upgrade(data)) as port,
            running(stream_to(port, log, limits=LIMIT, backoff=Backoff(1))),
        ):
            await until(lambda: log.closed if reason else log.frames)
        assert log.frames == frames
        assert log.reasons[0] is (reason or CloseReason.STOPPED)

    run(test())


class Wire(asyncio.Transport):
    """The end of a connection that a test holds in its hand."""

    def __init__(self) -> None:
        super().__init__({"socket": socket.socket()})
        self.sent = b""
        self.gone = False

    def write(self, data: Any) -> None:
        self.sent += bytes(data)

    def is_closing(self) -> bool:
        return self.gone

    def close(self) -> None:
        self.gone = True

    abort = close

    def get_write_buffer_size(self) -> int:
        return 1  # so that nobody writes to the socket past this object


def feed(protocol: Any, data: bytes) -> None:
    """Hand bytes to a protocol as an event loop does."""
    if isinstance(protocol, asyncio.BufferedProtocol):
        while data:
            room = protocol.get_buffer(-1)
            piece, data = data[: len(room)], data[len(room) :]
            room[: len(piece)] = piece  # type: ignore[index]  # a writable buffer
            protocol.buffer_updated(len(piece))
    else:
        protocol.data_received(data)


async def received(pieces: list[bytes]) -> tuple[list[bytes], CloseReason | None]:
    """Feed an open connection and return what it handed on, and how it ended."""
    frames: list[bytes] = []
    url, wire = "ws://127.0.0.1:9/", Wire()
    callbacks = Callbacks(
        opened=lambda _: None,
        message=lambda frame, _: frames.append(frame),
        pong=lambda _: None,
        ended=lambda: None,
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
    protocol.connection_made(wire)
    key = wire.sent.split(b"Sec-WebSocket-Key: ")[1].split(b"\r\n")[0].decode()
    feed(protocol, upgrade_answer(key))
    assert connection.is_open
    for piece in pieces:
        feed(protocol, piece)
    assert connection.error is None
    ending = connection.ending
    protocol.connection_lost(None)
    await connection.finish(0)
    wire.get_extra_info("socket").close()
    return frames, ending and ending.reason


frames = st.builds(
    message,
    st.binary(max_size=200) | st.just(b"x" * 900),
    opcode=st.sampled_from([0, 1, 2, 8, 9, 10]),
    fin=st.booleans(),
    reserved=st.sampled_from([0, 0, 0, 1, 4]),
)
frames_or_noise = st.lists(st.binary(max_size=30) | frames, max_size=8).map(b"".join)


@given(frames_or_noise)
@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_f007_any_bytes_are_understood_alike_whole_and_one_by_one(data: bytes) -> None:
    """Whatever a server sends, it is frames or an ending, never an exception, however it was sliced."""

    async def test() -> None:
        assert await received([data]) == await received([data[i : i + 1] for i in range(len(data))])

    asyncio.run(test())


@given(st.lists(frames, max_size=8).map(b"".join))
@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_f007_any_frames_are_understood_alike_by_every_implementation(data: bytes) -> None:
    """Messages and reason of the ending are those that `websockets` finds."""

    async def test() -> None:
        found, reason = await received([data])
        with using(PORTABLE):
            wanted, wanted_reason = await received([data])
        assert found == wanted
        # A frame with two faults is refused for the one that is found first.
        broken = {CloseReason.FRAME_TOO_BIG, CloseReason.FRAME_INVALID}
        assert reason is wanted_reason or {reason, wanted_reason} == broken

    asyncio.run(test())


def test_f008_many_streams_that_come_back_together_keep_the_connect_budget() -> None:
    """Ten streams against a dead venue make at most thirty attempts in any minute, and each has its turn."""

    class Witnessed(Limiter):
        def take(self, units: int, at_ns: int, *, cancel: bool = False) -> bool:
            taken = super().take(units, at_ns, cancel=cancel)
            began.extend([at_ns] * taken)
            return taken

    began: list[int] = []

    async def test() -> None:
        clock = VirtualTime()
        start_ns = clock.ns
        budget = Witnessed(connect_budget(30).limit, jitter_ms=0)
        port = free_port()
        logs = [Log(clock) for _ in range(10)]
        streams = [
            stream_to(
                port, log, budget=budget, sleep=clock.sleep, backoff=Backoff(seed, first_ms=1, max_ms=2)
            )
            for seed, log in enumerate(logs)
        ]
        tasks = [asyncio.create_task(stream.run()) for stream in streams]
        await until(lambda: clock.ns - start_ns > 600 * NS_PER_S, 8)
        for stream in streams:
            stream.stop()
        await asyncio.gather(*tasks)
        # At most 300; fewer under load, because virtual time does not wait for real connections.
        assert len(began) == sum(len(log.closed) for log in logs) > 100
        assert all(b - a >= 60 * NS_PER_S for a, b in zip(began, began[30:], strict=False))
        assert all(log.closed for log in logs)

    run(test())


def refusal(head: str) -> Any:
    """Make a server that answers every handshake with plain HTTP."""

    async def serve_one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"HTTP/1.1 {head}\r\nContent-Length: 6\r\n\r\n<html>".encode())
        await reader.read()

    return serve_one


@pytest.mark.parametrize("status", ["200 OK", "302 Found\r\nLocation: /login", "403 Forbidden", "502 Bad"])
def test_f012_a_web_page_in_place_of_the_venue_is_no_connection(status: str) -> None:
    """A captive portal answers everything; it is refused by its status, and never followed."""

    async def test() -> None:
        log, reason, detail = await one_ending(refusal(status))
        assert reason is CloseReason.HANDSHAKE_REFUSED
        assert status[:3] in detail
        assert not log.opened

    run(test())


def test_f012_what_is_no_http_at_all_is_no_connection_either() -> None:
    """Noise on the port is a refused handshake."""

    async def noise(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"\x00\x01SSH-2.0-x\r\n\r\n")
        await reader.read()

    async def test() -> None:
        _, reason, _ = await one_ending(noise)
        assert reason is CloseReason.HANDSHAKE_REFUSED

    run(test())


def test_retry_after_of_a_refused_handshake_is_honoured() -> None:
    """A venue that says when it wants to hear from us again is not asked before."""

    async def test() -> None:
        clock = VirtualTime()
        log = Log(clock)
        stays_away = refusal("429 Too Many\r\nRetry-After: 120")
        async with raw_server(stays_away) as port, running(stream_to(port, log, sleep=clock.sleep)):
            await until(lambda: len(log.closed) >= 3)
        times = [at_ns for _, _, at_ns in log.closed]
        assert times[1] - times[0] >= 120 * NS_PER_S
        assert times[2] - times[1] >= 120 * NS_PER_S

    run(test())


@pytest.mark.parametrize("hang_up", ["slowly", "with a reset"])
def test_a_venue_that_closes_is_believed_at_once_however_it_hangs_up(hang_up: str) -> None:
    """The closing message ends the stream; what TCP does later changes neither time nor reason."""

    async def bye(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await upgrade(reader, writer)
        writer.write(message(b"\x03\xf4maintenance", opcode=8))
        await reader.readexactly(2)
        if hang_up == "with a reset":
            linger = struct.pack("ii", 1, 0)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            writer.transport.abort()
        else:
            await asyncio.sleep(60)

    async def test() -> None:
        began = time.monotonic()
        log, reason, detail = await one_ending(bye)
        assert reason is CloseReason.REMOTE_CLOSED
        assert "1012" in detail
        assert "maintenance" in detail
        assert (log.closed[0][2] - log.opened[0]) < 0.05 * NS_PER_S
        assert time.monotonic() - began < 1

    run(test())

"""Each toxic of the faulty proxy does what it says, measured on the wire; else other tests prove nothing."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

import pytest

from faulty_proxy import HOST, FaultyProxy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

Wire = tuple[FaultyProxy, asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def wire() -> AsyncIterator[Wire]:
    """Open a connection through a proxy to a server that sends every line back and ends on `bye`."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while (line := await reader.readline()) and line != b"bye\n":
                writer.write(line)
        writer.close()

    server = await asyncio.start_server(echo, HOST, 0)
    async with FaultyProxy(server.sockets[0].getsockname()[1]) as proxy:
        reader, writer = await asyncio.open_connection(HOST, proxy.port)
        yield proxy, reader, writer
        writer.transport.abort()
    server.close()
    await asyncio.sleep(0.01)  # the server's side ends too


def on_wire(body: Callable[[Wire], Awaitable[None]]) -> None:
    """Run a test on an open connection, for at most five seconds."""

    async def run() -> None:
        async with asyncio.timeout(5), wire() as opened:
            await body(opened)

    asyncio.run(run())


def test_without_a_toxic_everything_passes() -> None:
    """Bytes and the end arrive as they were sent."""

    async def body(opened: Wire) -> None:
        _, reader, writer = opened
        writer.write(b"hello\nbye\n")
        assert await reader.read() == b"hello\n"

    on_wire(body)


def test_latency_delays_each_way() -> None:
    """A round trip takes twice the latency."""

    async def body(opened: Wire) -> None:
        proxy, reader, writer = opened
        proxy.latency_s = 0.05
        began = time.monotonic()
        writer.write(b"hello\n")
        await reader.readline()
        assert 0.1 <= time.monotonic() - began < 0.5

    on_wire(body)


def test_silence_swallows_data_and_ends() -> None:
    """Nothing comes, not even the end, although the connection stands."""

    async def body(opened: Wire) -> None:
        proxy, reader, writer = opened
        proxy.silent = True
        writer.write(b"hello\nbye\n")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(1), 0.1)
        assert not writer.is_closing()

    on_wire(body)


def test_reset_is_an_rst_and_no_orderly_end() -> None:
    """The reader gets a connection reset, not an end of file."""

    async def body(opened: Wire) -> None:
        proxy, reader, writer = opened
        writer.write(b"hello\n")
        await reader.readline()
        proxy.reset()
        with pytest.raises(ConnectionResetError):
            await reader.read(1)

    on_wire(body)


def test_slow_close_holds_the_end_back() -> None:
    """Data comes at once, the end so much later."""

    async def body(opened: Wire) -> None:
        proxy, reader, writer = opened
        proxy.slow_close_s = 0.1
        writer.write(b"hello\nbye\n")
        await reader.readline()
        began = time.monotonic()
        assert await reader.read() == b""
        assert 0.09 <= time.monotonic() - began < 0.5

    on_wire(body)


def test_slicing_delivers_tiny_fragments() -> None:
    """Most reads return fewer bytes than were sent at once."""

    async def body(opened: Wire) -> None:
        proxy, reader, writer = opened
        proxy.slice_bytes = 1
        writer.write(b"h" * 50 + b"\n")
        pieces = []
        while sum(map(len, pieces)) < 51:
            pieces.append(await reader.read(100))
        assert b"".join(pieces) == b"h" * 50 + b"\n"
        assert len(pieces) > 20

    on_wire(body)


def test_cutting_ends_after_so_many_bytes() -> None:
    """Exactly so many bytes come, then the end."""

    async def body(opened: Wire) -> None:
        proxy, reader, writer = opened
        proxy.cut_after = 8
        writer.write(b"hello\nhello\n")
        assert await reader.read() == b"hello\nhe"

    on_wire(body)


def test_refusing_turns_new_connections_away_until_it_accepts_again() -> None:
    """An open connection stays; a new one is refused; later the same port works."""

    async def body(opened: Wire) -> None:
        proxy, reader, writer = opened
        await proxy.refuse()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(HOST, proxy.port)
        writer.write(b"hello\n")
        assert await reader.readline() == b"hello\n"
        await proxy.accept()
        _, again = await asyncio.open_connection(HOST, proxy.port)
        again.transport.abort()

    on_wire(body)

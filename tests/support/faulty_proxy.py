"""A TCP proxy on loopback that does to a connection what bad networks do.

Each toxic may be set and taken away while connections are open. It works on bytes and knows nothing
of what they mean.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType

HOST = "127.0.0.1"


class FaultyProxy:
    """Forwards to a port of this machine; use as an asynchronous context manager.

    Attributes:
        latency_s: every piece waits so long, in both directions.
        silent: nothing is passed on in either direction, and nobody is told.
        slice_bytes: what comes from the server arrives in pieces of so many bytes.
        cut_after: the connection ends in good order after so many bytes from the server.
        slow_close_s: the end of the server's side is passed on so much later.
    """

    def __init__(self, upstream_port: int) -> None:
        self._upstream_port = upstream_port
        self._server: asyncio.Server | None = None
        self._transports: set[asyncio.WriteTransport] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0
        self.accepted = 0
        self.latency_s = 0.0
        self.silent = False
        self.slice_bytes: int | None = None
        self.cut_after: int | None = None
        self.slow_close_s = 0.0

    async def __aenter__(self) -> Self:
        await self.accept()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.refuse()
        self.reset()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(0)  # what was aborted is closed in the next turn of the loop

    async def accept(self) -> None:
        """Listen, again on the same port after `refuse`."""
        self._server = await asyncio.start_server(self._serve, HOST, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def refuse(self) -> None:
        """Stop listening: whoever connects now is refused; open connections stay."""
        if self._server is not None:
            self._server.close()
            self._server = None

    def reset(self) -> None:
        """End every open connection with an RST."""
        linger = struct.pack("ii", 1, 0)  # discard what is unsent, and say so with an RST
        for transport in self._transports:
            found = transport.get_extra_info("socket")
            if found is not None:  # else it is closed already
                with contextlib.suppress(OSError):
                    found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            transport.abort()
        self._transports.clear()

    async def _serve(self, client_in: asyncio.StreamReader, client_out: asyncio.StreamWriter) -> None:
        self.accepted += 1
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        client = client_out.transport
        self._transports.add(client)
        try:
            server_in, server_out = await asyncio.open_connection(HOST, self._upstream_port)
            self._transports.add(server_out.transport)
            try:
                await asyncio.gather(
                    self._to_server(client_in, server_out), self._to_client(server_in, client_out)
                )
            finally:
                server_out.transport.abort()
        except OSError:
            pass  # either side is gone, so the other one goes too
        finally:
            client.abort()

    async def _to_server(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while data := await source.read(65536):
            await self._pass(data, sink)
        if not self.silent:
            sink.write_eof()

    async def _to_client(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        passed = 0
        while data := await source.read(65536):
            if self.cut_after is not None and passed + len(data) >= self.cut_after:
                await self._pass(data[: self.cut_after - passed], sink)
                sink.close()
                return
            passed += len(data)
            size = self.slice_bytes or len(data)
            for begin in range(0, len(data), size):
                await self._pass(data[begin : begin + size], sink)
                if self.slice_bytes is not None:
                    await asyncio.sleep(0)  # else the kernel would join the pieces again
        await asyncio.sleep(self.slow_close_s)
        if not self.silent:
            sink.close()

    async def _pass(self, data: bytes, sink: asyncio.StreamWriter) -> None:
        if self.latency_s:
            await asyncio.sleep(self.latency_s)
        if not self.silent:
            sink.write(data)
            await sink.drain()

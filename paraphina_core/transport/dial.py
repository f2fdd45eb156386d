"""From an address to a connected socket, on every event loop alike.

A host may have several addresses of which some lead nowhere. The next one is tried while the one before
is still silent, and the first to answer is taken ("Happy Eyeballs", RFC 8305); `uvloop` has no such thing.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from functools import partial
from itertools import chain, zip_longest
from typing import Final, TypeAlias

from .address import Address, is_numeric

#: How long an address may be silent before the next one is tried beside it (RFC 8305, 5).
STAGGER_S: Final = 0.25
#: Addresses of one host that are tried.
MAX_ADDRESSES: Final = 8

#: Address family, and what the system takes for an address of it.
_Place: TypeAlias = tuple[socket.AddressFamily, tuple[str | int | bytes, ...]]


async def connect(
    make_protocol: Callable[[], asyncio.BaseProtocol], address: Address, tls: ssl.SSLContext
) -> None:
    """Open a connection and hand it to a protocol.

    What the protocol writes goes to the kernel within the call, over TLS as well: `uvloop` puts off what
    does not exceed the transport's limit, and the limit is 0 from before TLS is put on top.

    Raises:
        OSError: no address of the host could be reached, or TLS was refused.
        UnicodeError: the host's name cannot be looked up.
    """
    loop = asyncio.get_running_loop()
    found = await _dial(address)
    try:
        transport, _ = await loop.create_connection(
            asyncio.Protocol if address.secure else make_protocol, sock=found
        )
    except BaseException:
        _abandon(found, loop)
        raise
    transport.set_write_buffer_limits(high=0)
    if not address.secure:
        return
    protocol = make_protocol()
    try:
        secured = await loop.start_tls(transport, protocol, tls, server_hostname=address.host)
    except BaseException:
        transport.abort()
        raise
    if secured is None or secured.is_closing():
        raise ConnectionResetError("the connection ended while TLS was put on top")
    protocol.connection_made(secured)


async def _dial(address: Address) -> socket.socket:
    look_up = partial(socket.getaddrinfo, address.host, address.port, type=socket.SOCK_STREAM)
    if is_numeric(address.host):
        found = look_up(flags=socket.AI_NUMERICHOST)
    else:
        found = await asyncio.get_running_loop().run_in_executor(None, look_up)
    waiting = _alternate([(family, place) for family, _, _, _, place in found])[:MAX_ADDRESSES]
    running: set[asyncio.Task[socket.socket]] = set()
    error: BaseException = OSError(f"{address.host} has no address")
    try:
        while waiting or running:
            if waiting:
                running.add(asyncio.ensure_future(_reach(*waiting.pop(0))))
            patience_s = STAGGER_S if waiting else None
            done, _ = await asyncio.wait(running, timeout=patience_s, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                failed = task.exception()
                if failed is None:
                    running.discard(task)
                    return task.result()
                running.discard(task)
                error = failed
        raise error
    finally:
        for task in running:
            task.add_done_callback(_drop)
            task.cancel()


async def _reach(family: socket.AddressFamily, place: object) -> socket.socket:
    found = socket.socket(family, socket.SOCK_STREAM)
    try:
        found.settimeout(0)
        await asyncio.get_running_loop().sock_connect(found, place)  # type: ignore[arg-type]  # as looked up
    except BaseException:
        found.close()
        raise
    return found


def _abandon(found: socket.socket, loop: asyncio.AbstractEventLoop) -> None:
    """Close a socket that no transport came of.

    `uvloop` has closed the descriptor itself by then, and its number may be that of another file already.
    """
    if type(loop).__module__.partition(".")[0] == "uvloop":
        found.detach()
    else:
        found.close()


def _drop(task: asyncio.Task[socket.socket]) -> None:
    """Close what came too late."""
    if not task.cancelled() and task.exception() is None:
        task.result().close()


def _alternate(places: list[_Place]) -> list[_Place]:
    """Put addresses of the two families in turns, beginning with the family that was named first."""
    first = [place for place in places if place[0] is places[0][0]]
    other = [place for place in places if place[0] is not places[0][0]]
    return [place for place in chain.from_iterable(zip_longest(first, other)) if place is not None]

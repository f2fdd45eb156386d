"""A host with several addresses is reached by the one that answers."""

from __future__ import annotations

import asyncio
import socket
import time
from typing import TYPE_CHECKING

import pytest

from paraphina_core.transport import CloseReason
from streaming import HOST, Log, free_port, raw_server, run, running, stream_to, until, upgrade

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.usefixtures("engine")


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that neither accepts nor refuses: its queue of connections is full."""
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        listener.listen(0)
        port: int = listener.getsockname()[1]
        queued = [socket.socket() for _ in range(3)]
        for one in queued:
            one.settimeout(0)
            one.connect_ex((HOST, port))
        yield port
        for one in queued:
            one.close()


def known_as(monkeypatch: pytest.MonkeyPatch, *ports: int) -> None:
    """Let every name stand for these ports of this machine."""
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (HOST, port)) for port in ports]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_a, **_k: found)


async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Accept and wait."""
    await upgrade(reader, writer)
    await reader.read()


@pytest.mark.parametrize("first", ["silent", "refusing"])
def test_f001_an_address_that_leads_nowhere_does_not_keep_us_from_the_next(
    monkeypatch: pytest.MonkeyPatch, silent_port: int, first: str
) -> None:
    """A silent one costs a quarter of a second, one that refuses nothing."""
    bad = silent_port if first == "silent" else free_port()

    async def test() -> None:
        log = Log()
        async with raw_server(greet) as port:
            known_as(monkeypatch, bad, port)
            began = time.monotonic()
            async with running(stream_to(port, log, host="localhost")):
                await until(lambda: log.opened or log.closed)
            assert log.reasons == [CloseReason.STOPPED]
            assert time.monotonic() - began < 1

    run(test())


def test_f001_a_host_none_of_whose_addresses_answers_is_a_failed_attempt(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """All are tried, and the attempt ends with the last one's error."""

    async def test() -> None:
        log = Log()
        known_as(monkeypatch, free_port(), free_port())
        async with running(stream_to(1, log, host="localhost")):
            await until(lambda: log.closed)
        assert log.reasons[0] is CloseReason.CONNECT_FAILED

    run(test())

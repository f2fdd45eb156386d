"""Requests in no hurry: same verdicts as for orders, nothing from the environment, nothing kept."""

from __future__ import annotations

import asyncio
import ssl
from typing import Any

import pytest

from faulty_proxy import FaultyProxy
from paraphina_core.connector import Answer, Failure, FailureKind, HttpRequest
from paraphina_core.domain import LocalError
from paraphina_core.transport import HttpClient
from streaming import HOST, authority, mute, raw_server, run


def request(port: int, *, scheme: str = "http", host: str = HOST, **options: Any) -> HttpRequest:
    """Make a request to a port of this machine."""
    values = {"method": "GET", "body": b"", "correlation": "", "deadline_ms": 300, **options}
    return HttpRequest(url=f"{scheme}://{host}:{port}/info?x=1", **values)


def answering(wire: bytes, seen: list[bytes] | None = None) -> Any:
    """Make a server that gives every request this answer."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            if seen is not None:
                seen.append(head)
            writer.write(wire)

    return serve


async def one(server: Any, *, options: dict[str, Any] | None = None, **values: Any) -> Answer | Failure:
    """Send one request to a server and return what came of it."""
    async with raw_server(server) as port, HttpClient(**(options or {})) as client:
        return await client.fetch(request(port, **values))


def kind_of(result: Answer | Failure) -> FailureKind:
    """Return the kind of a failure."""
    assert isinstance(result, Failure)
    return result.kind


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Count: 7\r\n\r\nok"


def test_an_answer_comes_with_status_headers_and_body() -> None:
    """Whatever the status is; header names are in lower case."""

    async def test() -> None:
        answer = await one(answering(OK))
        assert answer == Answer(status=200, body=b"ok", headers={"content-length": "2", "x-count": "7"})
        answer = await one(answering(b"HTTP/1.1 429 Too Many\r\nRetry-After: 3\r\nContent-Length: 0\r\n\r\n"))
        assert isinstance(answer, Answer)
        assert (answer.status, answer.headers["retry-after"]) == (429, "3")

    run(test())


def test_a_request_carries_what_it_was_given_and_nothing_kept_from_before() -> None:
    """Headers arrive; a cookie that the venue sets does not come back; bodies are not asked for packed."""
    seen: list[bytes] = []
    wire = b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n"

    async def test() -> None:
        async with raw_server(answering(wire, seen)) as port, HttpClient() as client:
            for _ in range(2):
                await client.fetch(request(port, headers={"X-Key": "k"}))

    run(test())
    for head in map(bytes.lower, seen):
        assert head.startswith(b"get /info?x=1 http/1.1\r\n")
        assert b"\r\nx-key: k\r\n" in head
        assert b"\r\nuser-agent: paraphina/" in head
        assert b"\r\naccept-encoding: identity\r\n" in head
        assert b"cookie" not in head
    assert len(seen) == 2


def test_nothing_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """Neither a proxy, nor credentials of a netrc file."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    netrc = tmp_path / "netrc"
    netrc.write_text(f"machine {HOST} login me password s3cret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    seen: list[bytes] = []

    async def test() -> None:
        assert isinstance(await one(answering(OK, seen)), Answer)

    run(test())
    assert b"uthorization" not in seen[0]


def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    """Who follows sends account data wherever a page says."""
    seen: list[bytes] = []

    async def test() -> None:
        wire = b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n"
        answer = await one(answering(wire, seen))
        assert isinstance(answer, Answer)
        assert answer.status == 302
        assert len(seen) == 1

    run(test())


def test_f001_without_a_connection_nothing_was_sent() -> None:
    """A refused connection proves that the venue saw nothing."""

    async def test() -> None:
        async with raw_server(mute) as upstream, FaultyProxy(upstream) as proxy, HttpClient() as client:
            await proxy.refuse()
            assert kind_of(await client.fetch(request(proxy.port))) is FailureKind.NOT_SENT

    run(test())


def test_f002_a_connection_that_dies_leaves_the_outcome_unknown() -> None:
    """Before the answer, in its middle, or by a reset: never `not_sent`, and never asked again."""
    seen = []

    async def die(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.readuntil(b"\r\n\r\n"))
        if len(seen) == 2:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")
        if len(seen) == 3:
            writer.transport.abort()

    async def test() -> None:
        async with raw_server(die) as port, HttpClient() as client:
            for number in (1, 2, 3):
                assert kind_of(await client.fetch(request(port))) is FailureKind.DISCONNECTED
                assert len(seen) == number

    run(test())


def test_f003_silence_ends_at_the_deadline() -> None:
    """Also when a byte comes now and then, which a time-out between reads would never notice."""

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while True:
            writer.write(b"x")
            await asyncio.sleep(0.02)

    async def test() -> None:
        for server in (mute, drip):
            began = asyncio.get_running_loop().time()
            assert kind_of(await one(server, deadline_ms=150)) is FailureKind.TIMED_OUT
            assert asyncio.get_running_loop().time() - began < 0.6

    run(test())


@pytest.mark.parametrize(("host", "trusted", "accepted"), [
    ("localhost", True, True), ("localhost", False, False), (HOST, True, False),
])  # fmt: skip
def test_f006_only_a_trusted_certificate_of_the_right_host_is_accepted(
    host: str, trusted: bool, accepted: bool
) -> None:
    """To anybody else not one byte of a request is sent."""
    ca = authority()
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("localhost").configure_cert(server_side)
    client_side = ssl.create_default_context()
    if trusted:
        ca.configure_trust(client_side)

    async def test() -> None:
        async with raw_server(answering(OK), server_side) as port, HttpClient(tls=client_side) as client:
            result = await client.fetch(request(port, scheme="https", host=host))
            assert isinstance(result, Answer) is accepted
            assert accepted or kind_of(result) is FailureKind.NOT_SENT

    run(test())


@pytest.mark.parametrize(
    "wire",
    [
        b"\x00\x01 nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n" + b"x" * 1001,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\n\x1f\x8b\x00",
    ],
)
def test_f007_an_answer_that_breaks_the_protocol_or_a_limit_is_no_answer(wire: bytes) -> None:
    """Noise, too many bytes, and a packed body, which could unpack to anything."""

    async def test() -> None:
        result = await one(answering(wire), options={"max_body_bytes": 1000})
        assert kind_of(result) is FailureKind.DISCONNECTED

    run(test())


@pytest.mark.parametrize(
    "change",
    [
        {"url": "http://venue.example/"},
        {"url": "https://user:secret@venue.example/"},
        {"url": "https://venue.example/\r\nX-Evil: 1"},
        {"headers": {"X": "1\r\nY: 2"}},
        {"headers": {"Host": "elsewhere.example"}},
        {"method": "GET /"},
        {"deadline_ms": 0},
    ],
)
def test_f007_a_request_that_is_not_one_clean_message_is_our_error(change: dict[str, Any]) -> None:
    """Plain text beyond this machine, an injected line: refused before a connection is made."""
    values = {
        "method": "GET",
        "url": "https://venue.example/",
        "body": b"",
        "correlation": "",
        "deadline_ms": 9,
    }

    async def test() -> None:
        async with HttpClient() as client:
            with pytest.raises(LocalError):
                await client.fetch(HttpRequest(**{**values, **change}))

    run(test())

"""Orders leave at once on a warm connection, are never sent twice, and doubt is never called certainty."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import h11
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faulty_proxy import FaultyProxy
from paraphina_core.connector import Answer, Failure, FailureKind, HttpRequest
from paraphina_core.domain import LocalError
from paraphina_core.transport import Backoff, HttpLimits, OrderEntry, connect_budget
from streaming import HOST, RealClock, authority, mute, raw_server, run, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.usefixtures("engine")

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
TLS = ssl.create_default_context()  # loading the system's roots takes longer than a whole exchange
CLOSING = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"


def request(port: int, path: str = "/order", *, deadline_ms: int = 1000, **options: Any) -> HttpRequest:
    """Make a request to a port of this machine."""
    values = {"method": "POST", "body": b'{"a":1}', "correlation": path, **options}
    return HttpRequest(url=f"http://{HOST}:{port}{path}", deadline_ms=deadline_ms, **values)


async def read_request(reader: asyncio.StreamReader) -> tuple[str, dict[str, str], bytes]:
    """Read one request: its first line, its headers and its body."""
    first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("ascii").split("\r\n")[:-2]
    headers = dict(line.split(": ", 1) for line in lines)
    return first, headers, await reader.readexactly(int(headers.get("Content-Length", "0")))


def answering(*answers: bytes) -> Any:
    """Make a server that gives these answers, one for each request, the last one for all others."""
    row = list(answers)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await read_request(reader)
            answer = row.pop(0) if len(row) > 1 else row[0]
            writer.write(answer)
            if answer is CLOSING:
                return

    return serve


@asynccontextmanager
async def order_entry(
    port: int, *, scheme: str = "http", host: str = HOST, **options: Any
) -> AsyncIterator[OrderEntry]:
    """Run a client and wait until it is warm."""
    options = {
        "clock": RealClock(),
        "backoff": Backoff(1, first_ms=5, max_ms=10),
        "budget": connect_budget(1000),
        **options,
    }
    client = OrderEntry(f"{scheme}://{host}:{port}", **options)
    task = asyncio.create_task(client.run())
    try:
        await until(lambda: client.is_ready or client.endings)
        yield client
    finally:
        client.stop()
        await task


async def one(server: Any, *, deadline_ms: int = 300, **options: Any) -> Answer | Failure:
    """Send one request to a server and return what came of it."""
    async with raw_server(server) as port, order_entry(port, **options) as client:
        return await client.fetch(request(port, deadline_ms=deadline_ms))


def kind_of(result: Answer | Failure) -> FailureKind:
    """Return the kind of a failure."""
    assert isinstance(result, Failure)
    return result.kind


def test_a_request_is_one_clean_message_on_one_warm_connection() -> None:
    """Line, host, headers, length and body are as they should be; ten requests share one connection."""
    seen = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            seen.append(await read_request(reader))
            writer.write(OK)

    async def test() -> None:
        async with raw_server(serve) as port, order_entry(port) as client:
            for _ in range(10):
                answer = await client.fetch(request(port, "/order?x=%20", headers={"X-Key": "k"}))
                assert answer == Answer(status=200, body=b"ok", headers={"content-length": "2"})
            await client.fetch(request(port, "", method="GET", body=b""))
            await client.fetch(request(port, "/all", method="DELETE", body=b""))
            assert client.connections == 1
            first, headers, body = seen[0]
            assert first == "POST /order?x=%20 HTTP/1.1"
            assert headers.pop("User-Agent").startswith("paraphina/")
            assert headers == {"Host": f"{HOST}:{port}", "X-Key": "k", "Content-Length": "7"}
            assert body == b'{"a":1}'
            assert seen[-2][0] == "GET / HTTP/1.1"
            assert "Content-Length" not in seen[-2][1]
            assert seen[-1][1]["Content-Length"] == "0"

    run(test())


def test_a_request_leaves_within_the_call_that_makes_it() -> None:
    """No task switch stands between a decision and the kernel: the venue has the bytes by then."""

    async def test() -> None:
        with socket.create_server((HOST, 0)) as listener:
            port = listener.getsockname()[1]
            async with order_entry(port) as client:
                venue, _ = listener.accept()
                with venue:
                    answers: list[Answer | Failure] = []
                    client.submit(request(port), lambda answer, _: answers.append(answer))
                    assert venue.recv(65536, socket.MSG_DONTWAIT).startswith(b"POST /order ")
                    assert not answers
                    venue.sendall(OK)
                    await until(lambda: answers)

    run(test())


@pytest.mark.parametrize(
    ("wire", "status", "body"),
    [
        (OK, 200, b"ok"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b""),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1;x=y\r\nc\r\n0\r\n\r\n",
            200,
            b"abc",
        ),
        (b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + OK, 200, b"ok"),
        (b"HTTP/1.1 503 Unavailable\r\nContent-Length: 6\r\nRetry-After: 5\r\n\r\n<html>", 503, b"<html>"),
        (b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n", 302, b""),
    ],
)
@pytest.mark.parametrize("slice_bytes", [None, 1])
def test_answers_are_read_however_they_are_framed_and_sliced(
    wire: bytes, status: int, body: bytes, slice_bytes: int | None
) -> None:
    """By length or in chunks, whole or byte by byte; and the connection serves the next request too."""

    async def test() -> None:
        async with (
            raw_server(answering(wire, OK)) as port,
            FaultyProxy(port) as proxy,
            order_entry(proxy.port) as client,
        ):
            proxy.slice_bytes = slice_bytes
            answer = await client.fetch(request(proxy.port))
            assert isinstance(answer, Answer)
            assert (answer.status, answer.body) == (status, body)
            assert await client.fetch(request(proxy.port)) == Answer(
                status=200, body=b"ok", headers={"content-length": "2"}
            )
            assert client.connections == 1

    run(test())


def test_an_answer_that_ends_with_its_connection_is_read_and_another_connection_opened() -> None:
    """`Connection: close`, and an answer without a length, both cost one connection and no answer."""

    async def until_end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\nall of it")

    async def test() -> None:
        for server, body in ((answering(CLOSING), b"ok"), (until_end, b"all of it")):
            async with raw_server(server) as port, order_entry(port) as client:
                for number in (1, 2):
                    await until(lambda: client.is_ready)
                    assert client.connections == number
                    answer = await client.fetch(request(port))
                    assert isinstance(answer, Answer)
                    assert answer.body == body

    run(test())


def test_headers_that_come_twice_are_joined() -> None:
    """Names are in lower case, values in one line, as RFC 9110 allows."""

    async def test() -> None:
        answer = await one(answering(b"HTTP/1.1 200 OK\r\nX-A: 1\r\nx-a: 2\r\nContent-Length: 0\r\n\r\n"))
        assert isinstance(answer, Answer)
        assert answer.headers["x-a"] == "1, 2"

    run(test())


def test_requests_wait_for_each_other_in_order_and_are_never_pipelined() -> None:
    """The second leaves when the first is answered; more than the limit are refused unsent."""
    order = []
    overlapping = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            first, _, _ = await read_request(reader)
            order.append(first.split()[1])
            await asyncio.sleep(0.01)
            overlapping.append(len(reader._buffer))  # type: ignore[attr-defined]  # noqa: SLF001  # what came too early
            writer.write(OK)

    async def test() -> None:
        async with raw_server(serve) as port, order_entry(port, limits=HttpLimits(max_waiting=3)) as client:
            results = await asyncio.gather(*(client.fetch(request(port, f"/{n}")) for n in range(6)))
        assert order == ["/0", "/1", "/2", "/3"]
        assert set(overlapping) == {0}
        assert [isinstance(result, Answer) for result in results] == [True] * 4 + [False] * 2
        assert {kind_of(result) for result in results[4:]} == {FailureKind.NOT_SENT}

    run(test())


def test_f001_without_a_connection_nothing_is_sent_and_that_is_known() -> None:
    """An order does not wait for the venue to come back, to be sent when its price is old."""

    async def test() -> None:
        async with raw_server(answering(OK)) as upstream, FaultyProxy(upstream) as proxy:
            await proxy.refuse()
            async with order_entry(proxy.port) as client:
                assert not client.is_ready
                assert kind_of(await client.fetch(request(proxy.port))) is FailureKind.NOT_SENT
                await proxy.accept()
                await until(lambda: client.is_ready)
                assert isinstance(await client.fetch(request(proxy.port)), Answer)

    run(test())


def test_f002_a_connection_that_dies_after_sending_leaves_the_outcome_unknown() -> None:
    """What was written may have been executed; what waited behind it was not written. Nothing is resent."""
    seen = []

    async def die(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        seen.append(await read_request(reader))

    async def test() -> None:
        async with raw_server(die) as port, order_entry(port) as client:
            first, second = await asyncio.gather(client.fetch(request(port)), client.fetch(request(port)))
            await until(lambda: client.connections == 2)
            await asyncio.sleep(0.02)
        assert (kind_of(first), kind_of(second)) == (FailureKind.DISCONNECTED, FailureKind.NOT_SENT)
        assert len(seen) == 1

    run(test())


@pytest.mark.parametrize("fault", ["reset", "cut"])
def test_f002_an_answer_that_breaks_off_is_no_answer(fault: str) -> None:
    """Half a body is not handed on, although its head said that all is well."""

    async def half(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + b"x" * 50)
        await reader.read()

    async def test() -> None:
        async with raw_server(half) as port, FaultyProxy(port) as proxy, order_entry(proxy.port) as client:
            if fault == "cut":
                proxy.cut_after = 60
            asking = asyncio.create_task(client.fetch(request(proxy.port)))
            await asyncio.sleep(0.05)
            if fault == "reset":
                proxy.reset()
            assert kind_of(await asking) is FailureKind.DISCONNECTED

    run(test())


def test_f002_a_venue_that_hung_up_unnoticed_gets_nothing() -> None:
    """If the end waits in the kernel while we are busy, the order is proven unsent instead of lost."""
    seen = []

    async def test() -> None:
        hang_up = asyncio.Event()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await hang_up.wait()
            with socket.socket(fileno=os.dup(writer.get_extra_info("socket").fileno())) as kernel:
                kernel.shutdown(socket.SHUT_WR)  # a writer may put it off
            seen.append(await reader.read())

        async with raw_server(serve) as port, order_entry(port) as client:
            hang_up.set()
            await asyncio.sleep(0)  # the server writes its end in this turn; we would read it in the next
            results: list[Answer | Failure] = []
            client.submit(request(port), lambda result, _: results.append(result))
            await until(lambda: results and seen)
        assert kind_of(results[0]) is FailureKind.NOT_SENT
        assert seen == [b""]

    run(test())


def test_f003_silence_ends_at_the_deadline_and_a_late_answer_is_nobodys() -> None:
    """The connection goes with it, so the answer to one order can never be taken for another's."""

    async def late(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first, _, _ = await read_request(reader)
        await asyncio.sleep(0.15 if "slow" in first else 0)
        body = first.split()[1].encode()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        await reader.read()

    async def test() -> None:
        async with raw_server(late) as port, order_entry(port) as client:
            slow = client.fetch(request(port, "/slow", deadline_ms=80))
            behind = client.fetch(request(port, "/behind", deadline_ms=30))
            results = await asyncio.gather(slow, behind)
            assert [kind_of(result) for result in results] == [FailureKind.TIMED_OUT, FailureKind.NOT_SENT]
            await until(lambda: client.is_ready)
            answer = await client.fetch(request(port, "/quick"))
            assert isinstance(answer, Answer)
            assert answer.body == b"/quick"

    run(test())


@pytest.mark.parametrize(("host", "trusted", "accepted"), [
    ("localhost", True, True), ("localhost", False, False), (HOST, True, False),
])  # fmt: skip
def test_f006_only_a_trusted_certificate_of_the_right_host_is_accepted(
    host: str, trusted: bool, accepted: bool
) -> None:
    """To anybody else not one byte of an order is sent."""
    ca = authority()
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("localhost").configure_cert(server_side)
    client_side = ssl.create_default_context()
    if trusted:
        ca.configure_trust(client_side)

    async def test() -> None:
        async with (
            raw_server(answering(OK), server_side) as port,
            order_entry(port, scheme="https", host=host, tls=client_side) as client,
        ):
            order = HttpRequest(
                method="POST", url=f"https://{host}:{port}/", body=b"{}", correlation="", deadline_ms=500
            )
            result = await client.fetch(order)
            assert isinstance(result, Answer) is accepted
            assert accepted or kind_of(result) is FailureKind.NOT_SENT
            assert accepted or "ertificate" in client.endings[0]

    run(test())


@pytest.mark.parametrize(
    "wire",
    [
        b"\x00\x01\x02 nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nokk",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nx",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 2000,
        b"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n" + b"x" * 1001,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + (b"200\r\n" + b"x" * 512 + b"\r\n") * 2,
    ],
)  # fmt: skip
def test_f007_an_answer_that_breaks_the_protocol_or_a_limit_is_no_answer(wire: bytes) -> None:
    """After a request it proves nothing, so the outcome is unknown; the connection is not used again."""

    async def test() -> None:
        limits = HttpLimits(max_head_bytes=1000, max_body_bytes=1000)
        result = await one(answering(wire), limits=limits)
        assert kind_of(result) is FailureKind.DISCONNECTED

    run(test())


def test_f007_an_answer_at_the_limit_passes() -> None:
    """A thousand bytes are not more than a thousand."""

    async def test() -> None:
        wire = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b"x" * 1000
        answer = await one(answering(wire), limits=HttpLimits(max_body_bytes=1000))
        assert isinstance(answer, Answer)

    run(test())


@pytest.mark.parametrize("extra", [b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nbad", b"\r\n", b"x"])
@pytest.mark.parametrize("together", [True, False])
def test_f007_an_answer_nobody_asked_for_is_never_taken_for_one(extra: bytes, together: bool) -> None:
    """What follows an answer, at once or later, ends the connection."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(OK)
        if not together:
            await asyncio.sleep(0.02)
        writer.write(extra)
        await reader.read()

    async def test() -> None:
        async with raw_server(serve) as port, order_entry(port) as client:
            for number in (1, 2):
                answer = await client.fetch(request(port))
                assert isinstance(answer, Answer)
                assert answer.body == b"ok"
                await until(lambda: client.connections == number + 1 and client.is_ready)  # noqa: B023  # awaited at once

    run(test())


@given(st.binary(max_size=300), st.sampled_from([b"", b"HTTP/1.1 200 OK\r\n", OK[:-2]]))
@settings(max_examples=60)
def test_f007_whatever_a_venue_answers_is_an_answer_or_an_unknown_outcome(noise: bytes, head: bytes) -> None:
    """No bytes raise, and none turn a request that was sent into one that was not."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(head + noise)

    async def test() -> None:
        result = await one(serve, tls=TLS)
        assert isinstance(result, Answer) or result.kind is FailureKind.DISCONNECTED

    run(test())


def test_f012_a_web_page_with_status_200_is_handed_on_as_it_is() -> None:
    """Whether that page is the venue's answer, only the connector can tell; it calls it unknown."""

    async def test() -> None:
        page = b"<html>Log in</html>"
        wire = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n" % len(page) + page
        answer = await one(answering(wire))
        assert isinstance(answer, Answer)
        assert (answer.status, answer.body) == (200, page)

    run(test())


@pytest.mark.parametrize(
    "change",
    [
        {"url": "https://elsewhere.example/order"},
        {"url": "http://127.0.0.1:1@elsewhere.example/"},
        {"path": "/a\r\nX-Evil: 1"},
        {"path": "/a b"},
        {"path": "/a#b"},
        {"path": "1/"},
        {"headers": {"X": "1\r\nY: 2"}},
        {"headers": {"Content-Length": "0"}},
        {"headers": {"Transfer-Encoding": "chunked"}},
        {"method": "GET /\r\n"},
        {"method": "HEAD"},
        {"method": "get"},
        {"deadline_ms": 0},
    ],
)
def test_f007_a_request_that_is_not_one_clean_message_is_our_error(change: dict[str, Any]) -> None:
    """Another host, an injected line or a framing header never reaches the connection."""

    async def test() -> None:
        async with raw_server(mute) as port, order_entry(port) as client:
            values = {"method": "POST", "body": b"", "correlation": "", "deadline_ms": 100, **change}
            path = values.pop("path", "/")
            url = values.pop("url", f"http://{HOST}:{port}{path}")
            with pytest.raises(LocalError):
                client.submit(HttpRequest(url=url, **values), lambda *_: None)

    run(test())


SPELLING = OrderEntry("https://venue.example", clock=RealClock(), backoff=Backoff(1), budget=connect_budget())


@given(
    st.text("/?&=%ab[]~", max_size=20),
    st.dictionaries(st.text("abX-", min_size=1, max_size=8), st.text("ab :;\t", max_size=12), max_size=4),
    st.binary(max_size=200),
)
def test_a_request_that_passes_is_understood_by_a_strict_parser(
    path: str, headers: dict[str, str], body: bytes
) -> None:
    """A server that takes HTTP by the letter reads exactly one request with exactly these parts."""
    order = HttpRequest(
        method="POST",
        url=f"https://venue.example/{path}",
        body=body,
        correlation="",
        deadline_ms=1,
        headers=headers,
    )
    try:
        wire = SPELLING._spell(order)  # noqa: SLF001  # the bytes alone are what is checked
    except LocalError:
        return
    server = h11.Connection(h11.SERVER)
    server.receive_data(wire)
    head = server.next_event()
    assert isinstance(head, h11.Request)
    assert head.target.decode() == f"/{path}"
    got = [(name.decode(), value.decode()) for name, value in head.headers]
    for name, value in headers.items():
        assert (name.lower(), value) in got
    received = b""
    while not isinstance(event := server.next_event(), h11.EndOfMessage):
        assert isinstance(event, h11.Data)
        received += event.data
    assert received == body
    assert server.trailing_data == (b"", False)


def test_stopping_waits_for_the_answer_under_way_and_sends_nothing_more() -> None:
    """The order that left is settled; the one behind it is proven unsent."""

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        await asyncio.sleep(0.05)
        writer.write(OK)
        await reader.read()

    async def test() -> None:
        async with raw_server(slow) as port, order_entry(port) as client:
            results = asyncio.gather(client.fetch(request(port)), client.fetch(request(port)))
            await asyncio.sleep(0.01)
            client.stop()
            first, second = await results
            assert isinstance(first, Answer)
            assert kind_of(second) is FailureKind.NOT_SENT
            assert kind_of(await client.fetch(request(port))) is FailureKind.NOT_SENT

    run(test())


def test_an_error_of_whoever_takes_the_answer_ends_the_client_and_is_raised() -> None:
    """An error of our own is never swallowed in an event loop."""

    class OurError(Exception):
        pass

    def fail(_result: object, _at_ns: int) -> None:
        raise OurError

    async def test() -> None:
        async with raw_server(answering(OK)) as port:
            client = OrderEntry(
                f"http://{HOST}:{port}", clock=RealClock(), backoff=Backoff(1), budget=connect_budget()
            )
            task = asyncio.create_task(client.run())
            await until(lambda: client.is_ready)
            client.submit(request(port), fail)
            with pytest.raises(OurError):
                await task

    run(test())


@pytest.mark.parametrize(
    "origin", ["http://venue.example", "https://venue.example/", "https://a.example/x", "ftp://a"]
)
def test_an_origin_is_scheme_host_and_port_and_secure(origin: str) -> None:
    """Anything else is refused before a connection is made."""
    with pytest.raises(LocalError):
        OrderEntry(origin, clock=RealClock(), backoff=Backoff(1), budget=connect_budget())

"""A twin behind real sockets: the same host, reached by the transport room, blocking clients and curl."""

from __future__ import annotations

import asyncio
import http.client
import json
import sys
from typing import Any

import pytest

from paraphina_core.connector import (
    Answer,
    Failure,
    FailureKind,
    HttpRequest,
    Network,
)
from paraphina_core.domain import LocalError
from paraphina_core.transport import CloseReason, HttpClient
from paraphina_core.twin import TwinServer, TwinThread, parse_fault, truth
from toy_venue import SPEC, sign
from twin_sockets import Listener, make_server, run

NAME = "client"


def order(nonce: int, deadline_ms: int = 2_000, origin: str = "") -> HttpRequest:
    """Spell a signed order."""
    terms = {"side": "buy", "price": "40000", "size": "0.1"}
    body = json.dumps({"account": NAME, "nonce": nonce, **terms}).encode()
    return HttpRequest(
        method="POST",
        url=f"{origin}/order",
        body=body,
        headers={"X-Signature": sign(body)},
        correlation="1",
        deadline_ms=deadline_ms,
    )


def test_an_order_and_a_stream_over_real_sockets() -> None:
    """The transport room cannot tell a twin from a venue."""

    async def test(server: TwinServer) -> None:
        listener = Listener(server)
        await listener.until(lambda: len(listener.frames) >= 3)
        assert [frame["sequence"] for frame in listener.frames[:3]] == [0, 1, 2]
        async with HttpClient() as client:
            answer = await client.fetch(order(1, origin=server.origin))
        assert isinstance(answer, Answer)
        assert json.loads(answer.body)["state"] == "live"
        assert len(truth(server.host.exchange)[NAME].open_orders) == 1
        await listener.stop()

    run(test)


def test_an_answer_keeps_its_status_its_headers_and_its_bytes() -> None:
    """What the twin spells is what arrives."""

    async def test(server: TwinServer) -> None:
        server.arm(parse_fault("rate_limit:retry_after_s=9"))
        async with HttpClient() as client:
            answer = await client.fetch(order(1, origin=server.origin))
        assert isinstance(answer, Answer)
        assert (answer.status, answer.headers["retry-after"]) == (429, "9")
        assert answer.body == b'{"error": "rate_limited"}'

    run(test)


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("lose_request", FailureKind.DISCONNECTED),
        ("lose_answer", FailureKind.DISCONNECTED),
        ("lose_answer:hangs=true", FailureKind.TIMED_OUT),
        ("slow_answer:ms=60000", FailureKind.TIMED_OUT),
    ],
)
def test_f029_a_lost_answer_on_real_sockets_is_what_the_link_says(fault: str, kind: FailureKind) -> None:
    """The client's failure is the same as in virtual time."""

    async def test(server: TwinServer) -> None:
        server.arm(parse_fault(fault))
        async with HttpClient() as client:
            result = await client.fetch(order(1, deadline_ms=300, origin=server.origin))
            assert isinstance(result, Failure)
            assert result.kind is kind
            orders = truth(server.host.exchange).get(NAME)
            assert (orders is None) is (fault == "lose_request")
            assert isinstance(await client.fetch(order(2, origin=server.origin)), Answer)

    run(test)


def test_f002_kill_resets_the_connection() -> None:
    """The stream ends without a closing handshake and comes back."""

    async def test(server: TwinServer) -> None:
        listener = Listener(server)
        await listener.until(lambda: bool(listener.frames))
        server.arm(parse_fault("kill"))
        await listener.until(lambda: bool(listener.endings))
        assert listener.endings == [CloseReason.CONNECTION_LOST]
        count = len(listener.frames)
        await listener.until(lambda: len(listener.frames) > count)
        assert listener.frames[count]["sequence"] == 0
        await listener.stop()

    run(test)


def test_f003_half_open_sends_nothing_and_answers_no_ping() -> None:
    """The connection stays, in silence."""

    async def test(server: TwinServer) -> None:
        listener = Listener(server)
        await listener.until(lambda: bool(listener.frames))
        server.arm(parse_fault("half_open"))
        await asyncio.sleep(0.1)
        count = len(listener.frames)
        pings = listener.stream
        await asyncio.sleep(0.5)
        assert (len(listener.frames), listener.endings) == (count, [])
        assert pings._unanswered_ns is not None  # noqa: SLF001  # a ping has been waiting for its pong
        await listener.stop()

    run(test)


def test_f007_split_sends_fragments_that_make_one_message() -> None:
    """The wire carries many WebSocket frames, the client gets one message."""

    async def test(server: TwinServer) -> None:
        server.arm(parse_fault("split:parts=50,count=1"))
        listener = Listener(server)
        await listener.until(lambda: len(listener.frames) >= 2)
        assert [frame["sequence"] for frame in listener.frames[:2]] == [0, 1]
        assert server.host.faults.happened["split"] == 1
        await listener.stop()

    run(test)


def test_a_refused_handshake_and_a_closing_of_the_venues_own() -> None:
    """Both reach the client as the venue means them."""

    async def test(server: TwinServer) -> None:
        listener = Listener(server)
        await listener.until(lambda: bool(listener.frames))
        listener.stream.send(b"what?")
        await listener.until(lambda: bool(listener.endings))
        assert listener.endings == [CloseReason.REMOTE_CLOSED]
        server.arm(parse_fault("ban:ms=60000"), parse_fault("kill"))
        await listener.until(lambda: CloseReason.HANDSHAKE_REFUSED in listener.endings)
        await listener.stop()

    run(test)


def test_the_back_door_arms_heals_and_tells_the_truth() -> None:
    """Everything that the API does can be done with curl."""

    async def test(server: TwinServer) -> None:
        async with HttpClient() as client:

            async def ask(method: str, path: str, body: bytes = b"") -> tuple[int, Any]:
                answer = await client.fetch(
                    HttpRequest(
                        method=method,
                        url=f"{server.origin}/_twin/{path}",
                        body=body,
                        correlation="",
                        deadline_ms=2_000,
                    )
                )
                assert isinstance(answer, Answer)
                return answer.status, json.loads(answer.body)

            assert (await ask("GET", "menu"))[1][0]["name"] == "drop"
            status, faults = await ask("POST", "faults", b"drop:count=3\nban")
            assert (status, faults["happened"]) == (200, {"ban": 1})
            assert faults["armed"][0]["fault"] == "drop"
            assert (await ask("POST", "faults", b'[{"fault": "html"}, {"fault": "gap", "frames": 2}]'))[
                0
            ] == 200
            for nonsense in (b"dorp", b"drop\ndorp", b"{", b'{"fault": 1}', b"[" * 5_000):
                status, problem = await ask("POST", "faults", nonsense)
                assert (status, "error" in problem) == (400, True)
            assert len((await ask("GET", "faults"))[1]["armed"]) == 3
            assert (await ask("DELETE", "faults"))[1]["armed"] == []
            assert isinstance(await client.fetch(order(1, origin=server.origin)), Answer)
            assert (await ask("GET", "truth"))[1][NAME]["open_orders"][0]["price"] == "40000"
            assert (await ask("GET", "state"))[1]["markets"][0]["instrument"] == "toy:BTC"
            assert (await ask("GET", "nothing"))[0] == 404

    run(test)


def test_a_body_that_is_too_long_is_refused() -> None:
    """Nobody fills the twin's memory."""

    async def test(server: TwinServer) -> None:
        async with HttpClient() as client:
            request = HttpRequest(
                method="POST",
                url=f"{server.origin}/order",
                body=b"x" * (1024 * 1024 + 1),
                correlation="",
                deadline_ms=5_000,
            )
            answer = await client.fetch(request)
        assert isinstance(answer, Answer)
        assert answer.status == 413

    run(test)


def test_the_addresses_are_those_of_the_connectors_own_variables() -> None:
    """Setting them leads the connector to the twin, with the venue's own paths."""

    async def test(server: TwinServer) -> None:
        assert server.addresses(SPEC, Network.TESTNET) == {
            "TOY_REST_URL": server.origin,
            "TOY_WS_URL": f"{server.websocket_origin}/ws",
        }

    run(test)


@pytest.mark.parametrize("address", ["0.0.0.0", "192.168.1.1", "::", "example.com", "localhost", ""])  # noqa: S104  # they are what is refused
def test_a_twin_listens_on_loopback_alone(address: str) -> None:
    """No other address is taken, and no name is looked up."""
    with pytest.raises(LocalError, match="this machine alone"):
        make_server(address=address)


def test_a_port_that_is_taken_is_said_so() -> None:
    """The second twin on a port does not start."""

    async def test(server: TwinServer) -> None:
        port = int(server.origin.rpartition(":")[2])
        with pytest.raises(LocalError, match="cannot listen"):
            async with make_server(port=port):
                pass

    run(test)


def test_a_missing_extra_names_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has not installed the server learns how."""
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    monkeypatch.delitem(sys.modules, "paraphina_core.twin.asgi", raising=False)

    async def start() -> None:
        async with make_server():
            pass

    with pytest.raises(LocalError, match=r"pip install 'paraphina\[twin\]'"):
        asyncio.run(start())


def test_a_blocking_client_reaches_a_twin_in_a_thread() -> None:
    """Official SDKs block; the twin runs beside them."""
    with TwinThread(make_server) as twin:
        host, _, port = twin.server.origin.removeprefix("http://").partition(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=5)
        connection.request("GET", "/book")
        assert set(json.loads(connection.getresponse().read())) == {"buy", "sell"}
        twin.arm(parse_fault("server_error:status=500"))
        connection.request("GET", "/book")
        assert connection.getresponse().status == 500
        connection.close()
        assert twin.call(lambda host, _: len(host.exchange.markets)) == 2


def test_a_thread_that_cannot_start_raises_what_went_wrong() -> None:
    """The error is the caller's to see."""
    with pytest.raises(LocalError, match="this machine alone"), TwinThread(lambda: make_server(address="::")):
        pass

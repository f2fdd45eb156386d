"""What happens in virtual time is what happens on real sockets, reason for reason."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from paraphina_core.connector import Answer, Failure, Heartbeat, HttpRequest
from paraphina_core.transport import Backoff, CloseReason, OrderEntry, StreamLimits, connect_budget
from paraphina_core.twin import TwinServer, parse_fault
from twin_network import TwinNetwork
from twin_sockets import Listener, WallClock, run

LIMITS = StreamLimits(close_timeout_ms=50, pong_timeout_ms=150, max_message_bytes=50_000)
PLAN = {"max_silence_ms": 5_000, "heartbeat": Heartbeat(interval_ms=100)}

SCENARIOS = {
    "cut": (["kill"], {}, b"", CloseReason.CONNECTION_LOST),
    "closed by the venue": ([], {}, b"what?", CloseReason.REMOTE_CLOSED),
    "maintenance": (["maintenance"], {}, b"", CloseReason.REMOTE_CLOSED),
    "nothing is ponged": (["half_open"], {}, b"", CloseReason.PONG_OVERDUE),
    "nothing comes": (["drop:for_ms=60000"], {"max_silence_ms": 400}, b"", CloseReason.DATA_OVERDUE),
    "its time is over": ([], {"max_lifetime_ms": 300}, b"", CloseReason.LIFETIME_OVER),
    "a frame too big": (["garble:how=deep"], {}, b"", CloseReason.FRAME_TOO_BIG),
    "a ban": (["ban:ms=60000", "kill"], {}, b"", CloseReason.HANDSHAKE_REFUSED),
}


def in_virtual_time(faults: list[str], plan: dict[str, Any], message: bytes) -> list[CloseReason]:
    """Return how the stream's connections ended over a link."""
    net = TwinNetwork()
    stream = net.listen(limits=LIMITS, **(PLAN | plan))
    net.arm(*faults)
    if message:
        stream.send(message)
    net.wait(3_000)
    return [reason for _, _, reason in net.endings]


def on_sockets(
    faults: list[str], plan: dict[str, Any], message: bytes, until: CloseReason
) -> list[CloseReason]:
    """Return how the stream's connections ended behind a server."""
    endings: list[CloseReason] = []

    async def test(server: TwinServer) -> None:
        listener = Listener(server, limits=LIMITS, **(PLAN | plan))
        await listener.until(lambda: bool(listener.frames))
        server.arm(*map(parse_fault, faults))
        if message:
            listener.stream.send(message)
        await listener.until(lambda: until in listener.endings)
        endings.extend(listener.endings)
        await listener.stop()

    run(test)
    return endings


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS)
def test_a_stream_ends_for_the_same_reasons_in_the_same_order(
    scenario: tuple[list[str], dict[str, Any], bytes, CloseReason],
) -> None:
    """Link and transport room tell one story."""
    faults, plan, message, reason = scenario
    real = on_sockets(faults, plan, message, reason)
    virtual = in_virtual_time(faults, plan, message)
    assert real[-1] is reason
    assert virtual[: len(real)] == real


#: What is armed, and what comes of two requests that leave one after the other.
REQUESTS = {
    "all is well": ([], ["200", "200"]),
    "too many": (["rate_limit"], ["429", "200"]),
    "no answer, and the connection ends": (["lose_answer"], ["disconnected", "not_sent"]),
    "not executed, and the connection ends": (["lose_request"], ["disconnected", "not_sent"]),
    "no answer ever": (["lose_answer:hangs=true"], ["timed_out", "not_sent"]),
    "too late an answer": (["slow_answer:ms=5000"], ["timed_out", "not_sent"]),
    "a page in its place": (["html"], ["200", "200"]),
}


def ask(origin: str) -> HttpRequest:
    """Spell a request for the book."""
    return HttpRequest(method="GET", url=f"{origin}/book", body=b"", correlation="", deadline_ms=250)


def told(result: Answer | Failure) -> str:
    """Say what came of a request in a word."""
    return str(result.status) if isinstance(result, Answer) else result.kind.value


@pytest.mark.parametrize("scenario", REQUESTS.values(), ids=REQUESTS)
def test_a_request_on_the_warm_connection_comes_to_the_same_end(
    scenario: tuple[list[str], list[str]],
) -> None:
    """`LinkEntry` and `OrderEntry` tell one story, also of who waited behind."""
    faults, expected = scenario
    real: list[str] = []
    virtual: list[str] = []

    async def test(server: TwinServer) -> None:
        entry = OrderEntry(server.origin, clock=WallClock(), backoff=Backoff(1), budget=connect_budget())
        running = asyncio.ensure_future(entry.run())
        while not entry.is_ready:  # noqa: ASYNC110  # nothing tells when it is
            await asyncio.sleep(0.005)
        server.arm(*map(parse_fault, faults))
        results = [entry.fetch(ask(server.origin)) for _ in range(2)]
        real.extend(map(told, await asyncio.gather(*results)))
        entry.stop()
        await running

    run(test)
    net = TwinNetwork()
    entry = net.entry()
    net.arm(*faults)
    for _ in range(2):
        entry.submit(ask("https://api.toy.example"), lambda result, _: virtual.append(told(result)))
    net.wait(1_000)
    assert real == expected
    assert sorted(virtual) == sorted(real)

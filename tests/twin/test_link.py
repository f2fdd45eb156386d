"""A link in virtual time carries requests and streams as the transport room would, in its words."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from paraphina_core.connector import Answer, Failure, FailureKind, Heartbeat, LocalSource, StreamPlan
from paraphina_core.domain import LocalError
from paraphina_core.transport import Backoff, CloseReason, StreamEvents, connect_budget
from paraphina_core.twin import Latency, LinkStream, TwinRequest
from twin_network import NAME, TwinNetwork


def test_an_order_goes_the_way_there_is_executed_and_answered_the_way_back() -> None:
    """The answer comes after both ways, and the twin's truth has the order."""
    net = TwinNetwork()
    took_ms, answer = net.fetch(
        net.request("POST", "/order", {"side": "buy", "price": "40000", "size": "0.1"})
    )
    assert took_ms == 20
    assert isinstance(answer, Answer)
    assert json.loads(answer.body)["state"] == "live"
    (order,) = net.truth().open_orders
    assert (order.price, order.size, order.filled_size) == (40_000, Decimal("0.1"), 0)


def test_a_stream_is_opened_greeted_and_told_the_book_with_every_number() -> None:
    """Frames come in order, without a gap, late by the way back."""
    net = TwinNetwork()
    net.listen()
    assert net.openings == [20]
    net.wait(20_000)
    assert net.frames[0][0] == 40  # there and back for the handshake, and again for the subscription
    numbers = net.sequences()
    assert numbers == list(range(len(numbers)))
    assert len(numbers) > 60


def test_the_same_seed_is_the_same_hour_byte_for_byte() -> None:
    """Market, latencies and faults come from the seed."""

    def story(seed: int) -> str:
        net = TwinNetwork(seed=seed, latency=Latency(out_ms=5, back_ms=5, jitter_ms=20))
        net.arm("drop:probability=0.2,for_ms=20000", "delay:probability=0.1,for_ms=20000,ms=300")
        net.listen()
        net.listen("fills")
        for _ in range(10):
            net.fetch(net.request("POST", "/order", {"side": "buy", "price": "50100", "size": "0.01"}))
        return repr((net.frames, net.endings, net.truth()))

    assert story(5) == story(5)
    assert story(5) != story(6)


def test_jitter_never_overtakes_on_one_connection() -> None:
    """Whatever chance adds, a connection keeps its order."""
    net = TwinNetwork(latency=Latency(out_ms=1, back_ms=1, jitter_ms=400))
    net.listen()
    net.wait(30_000)
    numbers = net.sequences()
    assert numbers == sorted(numbers)


def test_f001_during_an_outage_nothing_is_sent_and_attempts_are_bounded_afterwards_it_heals() -> None:
    """Connections are lost, requests are not sent, attempts back off, and then the stream is back."""
    net = TwinNetwork()
    stream = net.listen()
    net.link.outage(60_000)
    assert not stream.is_open
    assert net.endings[0][2] is CloseReason.CONNECTION_LOST
    _, result = net.fetch(net.request("GET", "/book"))
    assert isinstance(result, Failure)
    assert result.kind is FailureKind.NOT_SENT
    net.wait(100_000)
    failed = [reason for _, _, reason in net.endings[1:]]
    assert set(failed) == {CloseReason.CONNECT_FAILED}
    assert 3 <= len(failed) <= 10
    assert stream.is_open


def test_a_request_under_way_when_the_network_goes_is_disconnected() -> None:
    """Nobody knows whether it arrived; here it did."""
    net = TwinNetwork()
    results: list[Answer | Failure] = []
    request = net.request("POST", "/order", {"side": "buy", "price": "40000", "size": "0.1"})
    net.link.fetch(request, lambda result, _: results.append(result))
    net.wait(15)
    net.link.outage(1_000)
    net.wait(5_000)
    assert [result.kind for result in results if isinstance(result, Failure)] == [FailureKind.DISCONNECTED]
    assert len(results) == 1
    assert len(net.truth().open_orders) == 1


def test_order_entry_sends_one_request_after_the_other() -> None:
    """The second leaves when the first is answered."""
    net = TwinNetwork()
    entry = net.entry()
    answered: list[float] = []
    for _ in range(3):
        entry.submit(net.request("GET", "/book"), lambda _, at_ns: answered.append(net._ms(at_ns)))  # noqa: SLF001  # the test's own world
    net.wait(100)
    assert answered == [70, 90, 110]


def test_order_entry_without_a_connection_sends_nothing_and_comes_back() -> None:
    """Who waited behind a lost answer was not sent, and later requests are again."""
    net = TwinNetwork()
    entry = net.entry()
    net.arm("lose_answer")
    results: list[Answer | Failure] = []
    for _ in range(2):
        entry.submit(net.request("GET", "/book"), lambda result, _: results.append(result))
    net.wait(25)
    entry.submit(net.request("GET", "/book"), lambda result, _: results.append(result))
    net.wait(1)
    kinds = [result.kind for result in results if isinstance(result, Failure)]
    assert sorted(kinds) == sorted([FailureKind.DISCONNECTED, FailureKind.NOT_SENT, FailureKind.NOT_SENT])
    net.wait(2_000)
    assert entry.is_ready
    entry.submit(net.request("GET", "/book"), lambda result, _: results.append(result))
    net.wait(25)
    assert isinstance(results[-1], Answer)


def test_a_stream_is_replaced_at_the_end_of_its_lifetime_and_on_request() -> None:
    """The reasons are the transport's."""
    net = TwinNetwork()
    stream = net.listen(max_lifetime_ms=10_000)
    net.wait(12_000)
    stream.reopen()
    net.wait(5_000)
    stream.stop()
    assert [reason for _, _, reason in net.endings] == [
        CloseReason.LIFETIME_OVER,
        CloseReason.REOPENED,
        CloseReason.STOPPED,
    ]
    net.wait(20_000)
    assert len(net.openings) == 3
    assert net.host.sessions == ()


def test_a_heartbeat_of_the_clients_own_is_answered_by_any_frame() -> None:
    """A message as heartbeat counts as answered once data has come."""
    net = TwinNetwork()
    net.listen(heartbeat=Heartbeat(interval_ms=1_000, payload=b'{"subscribe": "book"}'))
    net.wait(20_000)
    assert net.endings == []


def test_a_refused_handshake_is_told_with_its_reason() -> None:
    """The venue's answer to the opening request ends the attempt."""
    net = TwinNetwork()
    net.arm("ban:ms=60000")
    net.listen()
    assert [reason for _, _, reason in net.endings] == [CloseReason.HANDSHAKE_REFUSED]
    net.wait(59_000)
    assert len(net.endings) == 1  # it stays away for as long as it was asked to
    net.wait(5_000)
    assert len(net.openings) == 1


def test_a_message_that_the_venue_does_not_understand_may_end_the_session() -> None:
    """A closing of the venue's own is told as such."""
    net = TwinNetwork()
    stream = net.listen()
    assert stream.send(b"what?") is None
    net.wait(30)
    assert [reason for _, _, reason in net.endings] == [CloseReason.REMOTE_CLOSED]
    assert isinstance(stream.send(b"anybody?"), Failure)


def test_a_stream_that_is_here_already_needs_no_link() -> None:
    """Only WebSockets lead to a twin."""
    net = TwinNetwork()
    plan = StreamPlan(name="x", source=LocalSource(frames=lambda _: iter(())), max_silence_ms=1)
    nobody = StreamEvents(opened=lambda *_: None, frame=lambda *_: None, closed=lambda *_: None)
    with pytest.raises(LocalError, match="needs no connection"):
        LinkStream(plan, net.link, events=nobody, backoff=Backoff(1), budget=connect_budget())


def test_f048_the_venue_meters_what_it_is_asked() -> None:
    """One request over the declared budget is turned away, and after the window all is well."""
    net = TwinNetwork()
    statuses = []
    for _ in range(101):
        reply = net.host.request(TwinRequest(method="GET", target="/book"), net.clock.at_ns)
        statuses.append(reply.answer.status if reply.answer else 0)
    assert statuses == [200] * 100 + [429]
    net.wait(1_000)
    assert net.host.request(TwinRequest(method="GET", target="/book"), net.clock.at_ns).answer != 429
    assert NAME not in net.host.exchange.accounts


def test_a_latency_below_zero_is_refused() -> None:
    """Nothing arrives before it was sent."""
    with pytest.raises(LocalError, match="latency"):
        Latency(out_ms=-1)

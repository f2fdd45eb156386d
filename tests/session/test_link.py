"""Commands leave at once or not at all, questions wait their turn, and every request is answered once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest

from paraphina_core.connector import (
    Answer,
    Failure,
    FailureKind,
    HttpRequest,
    RateLimit,
    StreamPlan,
    StreamRequest,
    WebSocketSource,
)
from paraphina_core.domain import LocalError
from paraphina_core.session.link import Access, Link, World
from paraphina_core.transport import HttpClient, StreamLimits, check_confined, choose, connect_budget
from streaming import HOST, RealClock, mute, raw_server, until
from streaming import run as bounded

_OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
_TOO_MUCH = b"HTTP/1.1 429 Too Many\r\nRetry-After: 60\r\nContent-Length: 0\r\n\r\n"
_LIMITS = (RateLimit(scope="orders", limit=3, window_ms=60_000, cancel_reserve=1),)


class _Session:
    """Takes what a link hands in."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer | Failure] = {}
        self.expected: set[str] = set()
        self.error: Exception | None = None

    def stream_opened(self, connector: str, stream: str, at_ns: int) -> tuple[bytes, ...]:
        return ()

    def stream_ended(self, connector: str, stream: str, reason: str, at_ns: int) -> None:
        pass

    def frame(self, connector: str, stream: str, frame: bytes, at_ns: int) -> None:
        pass

    def answered(self, connector: str, correlation: str, result: Answer | Failure, at_ns: int) -> None:
        if self.error is not None:
            raise self.error
        assert correlation not in self.answers, "a request is answered once"
        self.answers[correlation] = result
        self.expected.discard(correlation)

    def source(self, connector: str, stream: str) -> None:
        pass

    def expects(self, connector: str, correlation: str) -> bool:
        return correlation in self.expected


class _Bench:
    """A link with everything around it."""

    def __init__(self, port: int, *, confined: bool = False, streams: tuple[StreamPlan, ...] = ()) -> None:
        self.origin = f"http://{HOST}:{port}"
        self.session = _Session()
        self.tasks: set[asyncio.Task[None]] = set()
        self.client = HttpClient()
        world = World(
            clock=RealClock(),
            budget=connect_budget(1000),
            pool=lambda: self.client,
            stream_limits=StreamLimits(connect_timeout_ms=300, close_timeout_ms=100),
            engine=choose(),
            confined=confined,
            spawn=self._spawn,
            follow_up=lambda: None,
        )
        access = Access(rate_limits=_LIMITS, order_entry=(self.origin,), seed=1)
        self.link = Link("reef", access, streams, self.session, world)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.add(task)
        return task

    def request(self, correlation: str, **changes: Any) -> HttpRequest:
        return HttpRequest(
            **{
                "method": "POST",
                "url": f"{self.origin}/order",
                "body": b"{}",
                "correlation": correlation,
                "deadline_ms": 500,
                "cost": (("orders", 1),),
                **changes,
            }
        )


@asynccontextmanager
async def _bench(answer: Callable[[bytes], bytes] = lambda _: _OK, **options: Any) -> AsyncIterator[_Bench]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            if b"Content-Length: 2" in head:
                await reader.readexactly(2)
            writer.write(answer(head))

    async with raw_server(serve) as port:
        bench = _Bench(port, **options)
        try:
            yield bench
        finally:
            bench.link.stop()
            await asyncio.gather(*bench.tasks, return_exceptions=True)
            await bench.client.close()


async def _send(bench: _Bench, correlation: str, *, cancel: bool = False, **changes: Any) -> Answer | Failure:
    bench.link.send(bench.request(correlation, **changes), cancel=cancel)
    assert correlation not in bench.session.answers, "never within the call"
    await until(lambda: correlation in bench.session.answers)
    return bench.session.answers[correlation]


async def _warm(bench: _Bench) -> None:
    """Wait for the connection of the order entry, which is opened before it is needed."""
    (entry,) = bench.link._entries.values()  # noqa: SLF001  # nothing else says when it is there
    await until(lambda: entry.is_ready)


def test_commands_go_over_the_warm_connection_until_the_reserve_which_is_for_cancels() -> None:
    """Without budget an order fails at once with the reason; a cancel still leaves."""

    async def story() -> None:
        async with _bench() as bench:
            await _warm(bench)
            for correlation in ("1", "2"):
                assert await _send(bench, correlation) == Answer(
                    status=200, body=b"ok", headers={"content-length": "2"}
                )
            refused = await _send(bench, "3")
            assert isinstance(refused, Failure)
            assert refused.kind is FailureKind.NOT_SENT
            assert "limit leaves no room for" in refused.detail
            assert isinstance(await _send(bench, "4", cancel=True), Answer)
            assert isinstance(await _send(bench, "5", cancel=True), Failure)

    bounded(story())


def test_a_venue_that_says_too_much_stops_its_scope_even_for_cancels() -> None:
    """After 429 nothing leaves: who sends on is banned for longer."""

    async def story() -> None:
        async with _bench(lambda _: _TOO_MUCH) as bench:
            await _warm(bench)
            answer = await _send(bench, "1")
            assert isinstance(answer, Answer)
            assert answer.status == 429
            refused = await _send(bench, "2", cancel=True)
            assert isinstance(refused, Failure)
            assert refused.kind is FailureKind.NOT_SENT

    bounded(story())


@pytest.mark.parametrize(
    "changes",
    [
        {"url": "http://127.0.0.1:1/order"},
        {"cost": (("unheard_of", 1),)},
        {"cost": (("orders", 99),)},
        {"method": "BREW"},
    ],
)
def test_a_command_that_cannot_be_sent_says_that_it_was_not(changes: dict[str, Any]) -> None:
    """Another host, an unknown budget, one that never suffices, and nonsense: nothing of them leaves."""

    async def story() -> None:
        async with _bench() as bench:
            await _warm(bench)
            failure = await _send(bench, "1", **changes)
            assert isinstance(failure, Failure)
            assert failure.kind is FailureKind.NOT_SENT

    bounded(story())


def test_a_question_waits_for_its_budget_and_is_dropped_at_the_end() -> None:
    """It is asked late, not refused; a session that is over hears nothing of it."""

    async def story() -> None:
        async with _bench() as bench:
            for correlation in ("1", "2", "3"):
                bench.link.ask(bench.request(correlation))
            await until(lambda: len(bench.session.answers) == 2)
            await asyncio.sleep(0.05)
            assert "3" not in bench.session.answers
        assert "3" not in bench.session.answers

    bounded(story())


def test_a_message_for_a_stream_that_is_not_open_was_not_sent() -> None:
    """That is known for sure, and said later, not within the call."""

    async def story() -> None:
        async with _bench() as bench:
            request = StreamRequest(stream="orders", payload=b"{}", correlation="1", deadline_ms=100)
            bench.link.send(request, cancel=False)
            assert bench.session.answers == {}
            await until(lambda: bench.session.answers)
            failure = bench.session.answers["1"]
            assert isinstance(failure, Failure)
            assert failure.kind is FailureKind.NOT_SENT

    bounded(story())


def test_an_error_of_the_session_ends_the_run_wherever_it_was_raised() -> None:
    """Also a failure that is told from a callback of the event loop is heard."""

    async def story() -> None:
        async with _bench() as bench:
            await _warm(bench)
            bench.session.error = RuntimeError("the journal is full")
            bench.link.send(bench.request("1", cost=(("orders", 99),)), cancel=False)
            await until(
                lambda: any(
                    task.done() and not task.cancelled() and task.exception() is bench.session.error
                    for task in bench.tasks
                )
            )

    bounded(story())


@pytest.mark.parametrize(
    "url", ["https://api.reef.example", "http://10.0.0.1:80", "ws://nowhere", "http://127.0.0.1.reef.example"]
)
def test_a_confined_session_reaches_no_other_machine(url: str) -> None:
    """The address is refused before any socket is opened, whoever names it."""
    with pytest.raises(LocalError):
        check_confined(url)

    async def story() -> None:
        plan = StreamPlan(name="s", source=WebSocketSource(url="wss://ws.reef.example"), max_silence_ms=100)
        async with raw_server(mute) as port:
            with pytest.raises(LocalError, match="leave this machine"):
                _Bench(port, confined=True, streams=(plan,))
        async with _bench(confined=True) as bench:
            bench.link.ask(bench.request("1", url="https://api.reef.example/x"))
            await until(lambda: bench.session.answers)
            failure = bench.session.answers["1"]
            assert isinstance(failure, Failure)
            assert "leave this machine" in failure.detail
            assert isinstance(await _send(bench, "2", url="https://api.reef.example/x"), Failure)

    bounded(story())


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000", "ws://localhost:1/ws", "http://[::1]:8000/x"])
def test_a_confined_session_reaches_this_machine(url: str) -> None:
    """By number and by name."""
    check_confined(url)

"""Writes down what a venue says: opens a connector's public streams and asks its bootstrap, and records all.

No key is used and no order can leave: whatever would have to be signed is left out. The connector reads
along only to learn what else must be asked, such as the snapshot of a book.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Coroutine, Iterable
from contextlib import suppress
from typing import Any, Final, NoReturn

from paraphina_core.connector import (
    Answer,
    Connector,
    HttpRequest,
    StreamPlan,
    WebSocketSource,
    WriteContext,
)
from paraphina_core.domain import (
    NS_PER_S,
    Clock,
    Event,
    FetchSnapshot,
    LocalError,
    Query,
    QueryBook,
    QueryInstruments,
    QueryTime,
    QueryVenue,
    RemoteError,
    Resubscribe,
)

from .backoff import Backoff
from .connection import CloseReason
from .engine import Engine
from .http import HttpClient
from .limiter import Limiters, connect_budget, retry_after_ns
from .recorder import Recorder, question_of
from .stream import Stream, StreamCounters, StreamEvents

#: Statuses by which a venue says that it was asked too much.
_TOO_MUCH: Final = frozenset({418, 429})
_GOOD: Final = range(200, 300)
#: Questions that need no account.
_PUBLIC: Final = (QueryInstruments, QueryBook, QueryTime)


class Capture:
    """One venue being recorded.

    Args:
        connector: plans, spells the questions and reads the answers.
        recorder: takes all that arrives.
        clock: session time, which is real.
        seed: of the pauses between attempts.
        tls: other roots than the system's; it must verify.
        engine: carries the connections; None for the fastest that works here.

    Raises:
        LocalError: the connector has no public stream that is connected to somewhere.
    """

    def __init__(
        self,
        connector: Connector,
        recorder: Recorder,
        *,
        clock: Clock,
        seed: int,
        tls: ssl.SSLContext | None = None,
        engine: Engine | None = None,
    ) -> None:
        self._connector = connector
        self._recorder = recorder
        self._clock = clock
        self._plan = connector.plan()
        self._limiters = Limiters(connector.spec.rate_limits)
        self._tls = tls
        self._stopped = asyncio.Event()
        self._asking: set[Query] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._error: BaseException | None = None
        self._backoff = Backoff(seed)
        budget = connect_budget()
        self._streams = {
            plan.name: Stream(
                plan,
                events=StreamEvents(opened=self._opened, frame=self._frame, closed=self._closed),
                clock=clock,
                backoff=Backoff(seed + number),
                budget=budget,
                tls=tls,
                engine=engine,
            )
            for number, plan in enumerate(self._plan.streams, 1)
            if _is_public(plan)
        }
        if not self._streams:
            raise LocalError(
                f"connector {connector.spec.name} has nothing to record",
                wanted="a public stream that is connected to somewhere",
            )
        self.frames = 0
        self.answers = 0

    @property
    def streams(self) -> tuple[StreamCounters, ...]:
        """What became of each stream so far."""
        return tuple(stream.counters for stream in self._streams.values())

    def stop(self) -> None:
        """Ask for an orderly end; callable from a signal handler of the event loop."""
        self._stopped.set()

    async def run(self) -> None:
        """Record until `stop`.

        Raises:
            OSError: the recording cannot be written.
            Exception: whatever else went wrong on our side.
        """
        async with HttpClient(tls=self._tls) as client:
            self._client = client
            try:
                self._spawn(self._bootstrap())
                await self._stopped.wait()
            finally:
                for stream in self._streams.values():
                    stream.stop()
                for task in self._tasks:
                    if task.get_name() == "question":
                        task.cancel()
                await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._error is not None:
            raise self._error

    async def _bootstrap(self) -> None:
        for query in self._plan.bootstrap:
            if not (isinstance(query, _PUBLIC) or (isinstance(query, QueryVenue) and not query.private)):
                continue
            await self._until_answered(query)
        for stream in self._streams.values():
            self._spawn(stream.run(), name="stream")

    async def _until_answered(self, query: Query) -> None:
        while not await self._ask(query):
            now_ns = self._clock.now_ns()
            await asyncio.sleep((self._backoff.next_ns(now_ns) - now_ns) / NS_PER_S)
        self._asking.discard(query)

    async def _ask(self, query: Query) -> bool:
        """Ask once and record what comes back; True if it is an answer."""
        request = self._connector.ask(query, self._context())
        if not isinstance(request, HttpRequest):
            raise LocalError("a question goes over a stream, which recording does not do", found=str(query))
        while not self._limiters.take(request.cost, self._clock.now_ns()):
            now_ns = self._clock.now_ns()
            await asyncio.sleep(max(0, self._limiters.ready_ns(request.cost, now_ns) - now_ns) / NS_PER_S)
        result = await self._client.fetch(request)
        at_ns = self._clock.now_ns()
        if isinstance(result, Answer) and result.status in _TOO_MUCH:
            for scope, _ in request.cost:
                self._limiters[scope].ban(at_ns, retry_after_ns(result.headers, at_ns))
        self._recorder.result(question_of(request), result, at_ns)
        self.answers += 1
        try:
            self._follow(self._connector.read_answer(request, result, at_ns))
        except RemoteError:
            return False
        return isinstance(result, Answer) and result.status in _GOOD

    def _follow(self, events: Iterable[Event]) -> None:
        """Do what the connector asks for."""
        for event in events:
            if isinstance(event, Resubscribe) and event.stream in self._streams:
                self._streams[event.stream].reopen()
            elif isinstance(event, FetchSnapshot):
                query = QueryBook(instrument=event.instrument)
                if query not in self._asking:
                    self._asking.add(query)
                    self._spawn(self._until_answered(query))

    # What the streams call.

    def _opened(self, stream: str, at_ns: int) -> None:
        self._recorder.opened(stream, at_ns)
        for message in self._connector.opened(stream, self._context()):
            self._streams[stream].send(message)

    def _frame(self, stream: str, frame: bytes, at_ns: int) -> None:
        self._recorder.frame(stream, frame, at_ns)
        self.frames += 1
        with suppress(RemoteError):  # it is recorded; what it means is for whoever replays it
            self._follow(self._connector.read(stream, frame, at_ns))

    def _closed(self, stream: str, reason: CloseReason, detail: str, at_ns: int) -> None:
        self._recorder.closed(stream, f"{reason.value}: {detail}", at_ns)
        self._connector.closed(stream)

    # The rest.

    def _context(self) -> WriteContext:
        at_ns = self._clock.now_ns()
        return WriteContext(nonce=at_ns, at_ns=at_ns, sign=_unsigned)

    def _spawn(self, work: Coroutine[Any, Any, None], name: str = "question") -> None:
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._error = self._error or error
            self.stop()


def _is_public(plan: StreamPlan) -> bool:
    return isinstance(plan.source, WebSocketSource) and not plan.private


def _unsigned(_payload: bytes) -> NoReturn:
    raise LocalError("a recording signs nothing", wanted="public streams and questions only")

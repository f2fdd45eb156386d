"""One connector's connections: its streams, its order entry, its questions, all within the venue's limits.

A command leaves at once or not at all; a question waits for its budget. What the venue calls too much
stops everything of that scope for as long as the venue says.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Iterator
from functools import partial
from typing import Any, Final, TypeAlias
from urllib.parse import urlsplit

import msgspec

from paraphina_core.connector import (
    Answer,
    Failure,
    FailureKind,
    RateLimit,
    Request,
    StreamPlan,
    StreamRequest,
    WebSocketSource,
)
from paraphina_core.domain import NS_PER_MS, NS_PER_S, Clock, LocalError
from paraphina_core.execution import Inputs
from paraphina_core.transport import (
    Backoff,
    CloseReason,
    Engine,
    HttpClient,
    Limiter,
    Limiters,
    OrderEntry,
    Stream,
    StreamEvents,
    StreamLimits,
    check_confined,
    retry_after_ns,
)

from .snapshot import ConnectionSnapshot

#: Statuses by which venues say that they were asked too much; the second is a ban (Aster, read 2026-11).
_TOO_MUCH: Final = frozenset({429, 418})
_FIRST_ERROR: Final = 400

#: An order entry connection that lasted so long starts its pauses anew: servers end idle ones as they like.
_ENTRY_HEALTHY_MS: Final = 1_000

Result: TypeAlias = Answer | Failure


class _NoOne:
    """Takes everything and makes nothing of it: the session is over."""

    def stream_opened(self, connector: str, stream: str, at_ns: int) -> Iterable[bytes]:
        return ()

    def stream_ended(self, connector: str, stream: str, reason: str, at_ns: int) -> None:
        pass

    def frame(self, connector: str, stream: str, frame: bytes, at_ns: int) -> None:
        pass

    def answered(self, connector: str, correlation: str, result: Result, at_ns: int) -> None:
        pass

    def expects(self, connector: str, correlation: str) -> bool:
        return False

    def source(self, connector: str, stream: str) -> None:
        pass


class Access(msgspec.Struct, frozen=True, kw_only=True):
    """What one connector may reach.

    Args:
        rate_limits: the venue's budgets.
        order_entry: origins to which commands go, such as `https://api.venue.example`.
        seed: of the pauses between attempts.
    """

    rate_limits: tuple[RateLimit, ...]
    order_entry: tuple[str, ...]
    seed: int


class World(msgspec.Struct, frozen=True, kw_only=True):
    """What all connections of a run share.

    Args:
        clock: session time, which is real.
        budget: of connection attempts.
        pool: gives the client for questions.
        stream_limits: what no stream may exceed.
        engine: carries the streams.
        confined: nothing may leave this machine.
        spawn: runs something beside the session; an error of it ends the run.
        follow_up: is called after every input.
    """

    clock: Clock
    budget: Limiter
    pool: Callable[[], HttpClient]
    stream_limits: StreamLimits
    engine: Engine
    confined: bool
    spawn: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]]
    follow_up: Callable[[], None]


class Link:
    """The connections of one connector.

    Args:
        name: of the connector.
        access: what it may reach.
        plans: its streams that are connected to somewhere.
        session: takes what arrives.
        world: what all connections share.

    Raises:
        LocalError: an address or a limit makes no sense, or would leave this machine where it must not.
    """

    def __init__(
        self, name: str, access: Access, plans: Iterable[StreamPlan], session: Inputs, world: World
    ) -> None:
        self._name = name
        self._session: Inputs = session
        self._world = world
        self._seed = access.seed
        self._limiters = Limiters(access.rate_limits)
        self._streams = {plan.name: self._stream(plan) for plan in plans}
        self._kept: list[str] = []
        self._faults: dict[str, str] = {}
        self._open: set[str] = set()
        self._on_streams: dict[str, tuple[str, asyncio.TimerHandle]] = {}
        self._asking: set[asyncio.Task[None]] = set()
        self._entries = {origin: self._entry(origin) for origin in dict.fromkeys(access.order_entry)}
        for entry in self._entries.values():
            world.spawn(entry.run())

    # --- streams --------------------------------------------------------------------------------

    def keep_open(self, name: str) -> None:
        """Open a stream and keep it open from now on."""
        self._kept.append(name)
        self._world.spawn(self._streams[name].run())

    def reopen(self, name: str) -> bool:
        """Replace a stream's connection; False if it is none of these."""
        stream = self._streams.get(name)
        if stream is None:
            return False
        stream.reopen()
        return True

    def stop(self) -> None:
        """Ask every connection for an orderly end, and tell the session nothing any more."""
        self._session = _NoOne()
        for stream in self._streams.values():
            stream.stop()
        for entry in self._entries.values():
            entry.stop()
        for _, timer in self._on_streams.values():
            timer.cancel()
        for task in self._asking:
            task.cancel()

    def connections(self) -> Iterator[ConnectionSnapshot]:
        """Show every stream that shall be open."""
        at_ns = self._world.clock.now_ns()
        for name in self._kept:
            stream = self._streams[name]
            source = stream.plan.source
            wait_ns = stream.next_attempt_ns - at_ns
            fault = "" if stream.is_open else self._faults.get(name, "")
            yield ConnectionSnapshot(
                what=f"stream {name}",
                where=urlsplit(source.url).netloc if isinstance(source, WebSocketSource) else "",
                is_open=stream.is_open,
                fault=fault,
                next_attempt_s=wait_ns / NS_PER_S if fault and wait_ns > 0 else None,
                closures={reason.value: count for reason, count in stream.closures.items()},
            )

    def _opened(self, name: str, at_ns: int) -> None:
        self._open.add(name)
        for message in self._session.stream_opened(self._name, name, at_ns):
            self._streams[name].send(message)
        self._world.follow_up()

    def _frame(self, name: str, frame: bytes, at_ns: int) -> None:
        self._session.frame(self._name, name, frame, at_ns)
        self._world.follow_up()

    def _closed(self, name: str, reason: CloseReason, detail: str, at_ns: int) -> None:
        fault = f"{reason.value}: {detail}" if detail else reason.value
        self._faults[name] = "" if reason is CloseReason.STOPPED else fault
        if name not in self._open:
            return
        self._open.remove(name)
        self._session.stream_ended(self._name, name, fault, at_ns)
        for correlation in [key for key, (stream, _) in self._on_streams.items() if stream == name]:
            _, timer = self._on_streams.pop(correlation)
            timer.cancel()
            self._fail_if_expected(correlation, FailureKind.DISCONNECTED, fault)
        self._world.follow_up()

    # --- requests -------------------------------------------------------------------------------

    def send(self, request: Request, *, cancel: bool) -> None:
        """Send a command at once, or tell soon why not."""
        at_ns = self._world.clock.now_ns()
        try:
            if not self._limiters.take(request.cost, at_ns, cancel=cancel):
                wait_ns = self._limiters.ready_ns(request.cost, at_ns, cancel=cancel) - at_ns
                self._refuse(request, f"the venue's limit leaves no room for {wait_ns // NS_PER_MS + 1} ms")
            elif isinstance(request, StreamRequest):
                self._send_on_stream(request)
            else:
                self._check(request.url)
                self._entry_for(request.url).submit(request, partial(self._answered, request))
        except LocalError as e:
            self._refuse(request, str(e))

    def ask(self, request: Request) -> None:
        """Send a query as soon as there is room for it."""
        task = self._world.spawn(self._ask(request))
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)

    async def _ask(self, request: Request) -> None:
        try:
            await self._until_affordable(request)
            if isinstance(request, StreamRequest):
                self._send_on_stream(request)
                return
            self._check(request.url)
            result = await self._world.pool().fetch(request)
        except LocalError as e:
            result = Failure(kind=FailureKind.NOT_SENT, detail=str(e))
        self._answered(request, result, self._world.clock.now_ns())

    async def _until_affordable(self, request: Request) -> None:
        """Wait for the budget of a request and spend it."""
        clock = self._world.clock
        while not self._limiters.take(request.cost, clock.now_ns()):
            wait_ns = self._limiters.ready_ns(request.cost, clock.now_ns()) - clock.now_ns()
            await asyncio.sleep(max(0, wait_ns) / NS_PER_S)

    def _send_on_stream(self, request: StreamRequest) -> None:
        stream = self._streams.get(request.stream)
        failure = (
            Failure(kind=FailureKind.NOT_SENT, detail=f"stream {request.stream} is not open")
            if stream is None
            else stream.send(request.payload)
        )
        loop = asyncio.get_running_loop()
        if failure is not None:
            self._refuse(request, failure.detail)
            return
        timer = loop.call_later(request.deadline_ms / 1000, self._overdue, request.correlation)
        self._on_streams[request.correlation] = (request.stream, timer)

    def _overdue(self, correlation: str) -> None:
        del self._on_streams[correlation]
        self._guarded(
            lambda: self._fail_if_expected(
                correlation, FailureKind.TIMED_OUT, "no answer within the deadline"
            )
        )

    def _fail_if_expected(self, correlation: str, kind: FailureKind, detail: str) -> None:
        if self._session.expects(self._name, correlation):
            failure = Failure(kind=kind, detail=detail)
            self._session.answered(self._name, correlation, failure, self._world.clock.now_ns())

    def _refuse(self, request: Request, detail: str) -> None:
        """Say, from the event loop, that nothing was sent."""
        failure = Failure(kind=FailureKind.NOT_SENT, detail=detail)
        asyncio.get_running_loop().call_soon(
            self._guarded, lambda: self._answered(request, failure, self._world.clock.now_ns())
        )

    def _answered(self, request: Request, result: Result, at_ns: int) -> None:
        if isinstance(result, Answer):
            self._heed(request, result, at_ns)
        self._session.answered(self._name, request.correlation, result, at_ns)
        self._world.follow_up()

    def _heed(self, request: Request, answer: Answer, at_ns: int) -> None:
        """Take the venue's own counts, and stay away for as long as it says."""
        self._limiters.told(answer.headers, at_ns)
        until_ns = retry_after_ns(answer.headers, at_ns) if answer.status >= _FIRST_ERROR else None
        if until_ns is not None or answer.status in _TOO_MUCH:
            for scope, _ in request.cost:
                self._limiters[scope].ban(at_ns, until_ns)

    def _guarded(self, deliver: Callable[[], None]) -> None:
        """Deliver from a callback of the event loop, where an error would get lost."""

        async def failed(error: BaseException) -> None:
            raise error

        try:
            deliver()
            self._world.follow_up()
        except Exception as e:  # noqa: BLE001  # whatever it is, it ends the run
            self._world.spawn(failed(e))

    # --- the rest -------------------------------------------------------------------------------

    def _stream(self, plan: StreamPlan) -> Stream:
        if isinstance(plan.source, WebSocketSource):
            self._check(plan.source.url)
        return Stream(
            plan,
            events=StreamEvents(opened=self._opened, frame=self._frame, closed=self._closed),
            clock=self._world.clock,
            backoff=Backoff(self._next_seed()),
            budget=self._world.budget,
            limits=self._world.stream_limits,
            engine=self._world.engine,
            source=partial(self._source, plan),
        )

    def _source(self, plan: StreamPlan) -> WebSocketSource:
        """Return what a stream is opened from now; where it may lead was checked with the plan."""
        source = self._session.source(self._name, plan.name) or plan.source
        assert isinstance(source, WebSocketSource)  # noqa: S101  # `Stream` takes no other, and none becomes one
        return source

    def _entry(self, origin: str) -> OrderEntry:
        self._check(origin)
        return OrderEntry(
            origin,
            clock=self._world.clock,
            backoff=Backoff(self._next_seed(), healthy_ms=_ENTRY_HEALTHY_MS),
            budget=self._world.budget,
        )

    def _entry_for(self, url: str) -> OrderEntry:
        for origin, entry in self._entries.items():
            if url.startswith(f"{origin}/"):
                return entry
        raise LocalError("no order entry has this address", found=urlsplit(url).netloc)

    def _check(self, url: str) -> None:
        if self._world.confined:
            check_confined(url)

    def _next_seed(self) -> int:
        """Give each connection a seed of its own, so that what was cut together comes back apart."""
        self._seed += 1
        return self._seed

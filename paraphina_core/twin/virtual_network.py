"""The connections of a session in virtual time: each connector is led to its twin, and nowhere else.

It takes the part of the real network: commands leave at once or not at all, questions wait for their
budget, what a venue calls too much stops that scope, and everything that comes back is an input of the
session. Whoever owns the virtual time advances it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Final

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
from paraphina_core.domain import NS_PER_MS, LocalError
from paraphina_core.execution import Inputs
from paraphina_core.transport import (
    Backoff,
    CloseReason,
    Limiter,
    Limiters,
    StreamEvents,
    connect_budget,
    retry_after_ns,
)

from .link import TwinLink
from .link_entry import LinkEntry
from .link_stream import LinkStream

_TOO_MUCH: Final = frozenset({429, 418})
_FIRST_ERROR: Final = 400


class VirtualNetwork:
    """The connections of a run, and the wire of its session.

    Args:
        links: the way to the twin of each connector.
        rate_limits: the budgets of each connector.
        seed: of the pauses between attempts.
    """

    def __init__(
        self, links: Mapping[str, TwinLink], rate_limits: Mapping[str, tuple[RateLimit, ...]], seed: int
    ) -> None:
        budget = connect_budget()
        self._ends = {
            name: _End(name, link, rate_limits[name], budget, seed + 1_000 * number)
            for number, (name, link) in enumerate(links.items())
        }

    def begin(self, session: Inputs, streams: Iterable[tuple[str, StreamPlan]]) -> None:
        """Connect a session that is about to start."""
        for connector, plan in streams:
            self._ends[connector].add(plan)
        for end in self._ends.values():
            end.begin(session)

    def keep_open(self, connector: str) -> None:
        """Open every stream of a connector and keep it open from now on; again is harmless."""
        self._ends[connector].keep_open()

    def reopen(self, connector: str, stream: str) -> None:
        """Replace a stream's connection."""
        self._ends[connector].streams[stream].reopen()

    def is_open(self, connector: str) -> bool:
        """Tell whether every stream of a connector is open."""
        return all(stream.is_open for stream in self._ends[connector].streams.values())

    def streams(self, connector: str) -> Iterator[LinkStream]:
        """Return the streams of a connector."""
        return iter(self._ends[connector].streams.values())

    # --- the wire -------------------------------------------------------------------------------

    def send(self, connector: str, request: Request, cancel: bool) -> None:  # noqa: FBT001  # see `Wire`
        """Send a command now, or not at all."""
        self._ends[connector].send(request, cancel=cancel)

    def ask(self, connector: str, request: Request) -> None:
        """Send a query as soon as there is room for it."""
        self._ends[connector].ask(request)

    # --- time -----------------------------------------------------------------------------------

    def next_due_ns(self) -> int | None:
        """Return when something arrives or happens next, here or at a venue."""
        due = (end.link.next_due_ns() for end in self._ends.values())
        return min((due_ns for due_ns in due if due_ns is not None), default=None)

    def advance(self, at_ns: int) -> None:
        """Let everything happen that is due by `at_ns`."""
        for end in self._ends.values():
            end.link.advance(at_ns)


class _End:
    """One connector's end of its link."""

    def __init__(
        self, name: str, link: TwinLink, rate_limits: tuple[RateLimit, ...], budget: Limiter, seed: int
    ) -> None:
        self.link = link
        self.streams: dict[str, LinkStream] = {}
        self._name = name
        self._limiters = Limiters(rate_limits)
        self._budget = budget
        self._seed = seed
        self._entry = LinkEntry(link, backoff=Backoff(self._next_seed(), healthy_ms=1_000), budget=budget)
        self._session: Inputs | None = None
        self._on_streams: dict[str, tuple[str, StreamRequest]] = {}
        self._is_kept_open = False

    def add(self, plan: StreamPlan) -> None:
        events = StreamEvents(opened=self._opened, frame=self._frame, closed=self._closed)
        backoff = Backoff(self._next_seed())
        self.streams[plan.name] = LinkStream(
            plan,
            self.link,
            events=events,
            backoff=backoff,
            budget=self._budget,
            source=partial(self._source, plan),
        )

    def _source(self, plan: StreamPlan) -> WebSocketSource:
        known = None if self._session is None else self._session.source(self._name, plan.name)
        source = known or plan.source
        assert isinstance(source, WebSocketSource)  # noqa: S101  # `LinkStream` takes no other
        return source

    def begin(self, session: Inputs) -> None:
        self._session = session
        self._entry.start()

    def keep_open(self) -> None:
        if not self._is_kept_open:
            self._is_kept_open = True
            for stream in self.streams.values():
                stream.start()

    # --- streams --------------------------------------------------------------------------------

    def _opened(self, name: str, at_ns: int) -> None:
        if self._session is not None:
            for message in self._session.stream_opened(self._name, name, at_ns):
                self.streams[name].send(message)

    def _frame(self, name: str, frame: bytes, at_ns: int) -> None:
        if self._session is not None:
            self._session.frame(self._name, name, frame, at_ns)

    def _closed(self, name: str, reason: CloseReason, detail: str, at_ns: int) -> None:
        if self._session is None:
            return
        fault = f"{reason.value}: {detail}" if detail else reason.value
        self._session.stream_ended(self._name, name, fault, at_ns)
        for correlation in [key for key, (stream, _) in self._on_streams.items() if stream == name]:
            self._settle_on_stream(correlation, FailureKind.DISCONNECTED, fault, at_ns)

    # --- requests -------------------------------------------------------------------------------

    def send(self, request: Request, *, cancel: bool) -> None:
        at_ns = self.link.clock.now_ns()
        try:
            if not self._limiters.take(request.cost, at_ns, cancel=cancel):
                self._refuse(request, "the venue's limit leaves no room")
            elif isinstance(request, StreamRequest):
                self._send_on_stream(request)
            else:
                self._entry.submit(request, partial(self._answered, request))
        except LocalError as e:
            self._refuse(request, str(e))

    def ask(self, request: Request) -> None:
        at_ns = self.link.clock.now_ns()
        if not self._limiters.take(request.cost, at_ns):
            self.link.at(self._limiters.ready_ns(request.cost, at_ns), lambda _: self.ask(request))
        elif isinstance(request, StreamRequest):
            self._send_on_stream(request)
        else:
            self.link.fetch(request, partial(self._answered, request))

    def _send_on_stream(self, request: StreamRequest) -> None:
        stream = self.streams.get(request.stream)
        failure = None if stream is None else stream.send(request.payload)
        if stream is None or failure is not None:
            self._refuse(request, f"stream {request.stream} is not open")
            return
        self._on_streams[request.correlation] = (request.stream, request)
        due_ns = self.link.clock.now_ns() + request.deadline_ms * NS_PER_MS
        overdue: Callable[[int], None] = partial(
            self._settle_on_stream,
            request.correlation,
            FailureKind.TIMED_OUT,
            "no answer within the deadline",
        )
        self.link.at(due_ns, overdue)

    def _settle_on_stream(self, correlation: str, kind: FailureKind, detail: str, at_ns: int) -> None:
        """Tell that no answer came, unless it came as a frame."""
        _, request = self._on_streams.pop(correlation, ("", None))
        if request is None or self._session is None:
            return
        if self._session.expects(self._name, correlation):
            failure = Failure(kind=kind, detail=detail)
            self._session.answered(self._name, correlation, failure, at_ns)

    def _refuse(self, request: Request, detail: str) -> None:
        failure = Failure(kind=FailureKind.NOT_SENT, detail=detail)
        self.link.at(self.link.clock.now_ns(), partial(self._answered, request, failure))

    def _answered(self, request: Request, result: Answer | Failure, at_ns: int) -> None:
        if isinstance(result, Answer):
            until_ns = retry_after_ns(result.headers, at_ns) if result.status >= _FIRST_ERROR else None
            if until_ns is not None or result.status in _TOO_MUCH:
                for scope, _ in request.cost:
                    self._limiters[scope].ban(at_ns, until_ns)
        if self._session is not None:
            self._session.answered(self._name, request.correlation, result, at_ns)

    def _next_seed(self) -> int:
        self._seed += 1
        return self._seed

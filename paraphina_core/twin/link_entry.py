"""The connection that commands leave on, in virtual time: warm, one request after the other."""

from __future__ import annotations

from collections import deque

from paraphina_core.connector import Answer, Failure, FailureKind, HttpRequest
from paraphina_core.domain import NS_PER_MS
from paraphina_core.transport import Backoff, HttpLimits, Limiter

from .link import Done, Path, RoundTrip, TwinLink


class _Waiting:
    """A request that waits for the one before it."""

    __slots__ = ("done", "request")

    def __init__(self, request: HttpRequest, done: Done) -> None:
        self.request = request
        self.done = done


class LinkEntry:
    """Behaves as `OrderEntry`: what is not sent now, or right after the one before, is not sent.

    Args:
        link: the network.
        backoff: of this connection alone.
        budget: asked before every connection attempt, shared by all.
        limits: how long an attempt may take, and how many requests may wait.
    """

    def __init__(
        self, link: TwinLink, *, backoff: Backoff, budget: Limiter, limits: HttpLimits | None = None
    ) -> None:
        self.number = link.next_number()
        self._link = link
        self._backoff = backoff
        self._budget = budget
        self._limits = limits or HttpLimits()
        self._path: Path | None = None
        self._busy = False
        self._waiting: deque[_Waiting] = deque()
        self._stopped = False

    @property
    def is_ready(self) -> bool:
        """True while the connection is open; a request may still have to wait for one before it."""
        return self._path is not None and not self._stopped

    def start(self) -> None:
        """Begin to keep the connection open."""
        at_ns = self._link.clock.now_ns()
        self._link.at(at_ns, self._attempt)

    def stop(self) -> None:
        """Send nothing new; what is under way is still settled."""
        self._stopped = True

    def submit(self, request: HttpRequest, done: Done) -> None:
        """Send a request now, or as soon as the one before it is answered; `done` is called later, once."""
        if not self.is_ready:
            self._refuse(done, "no connection")
        elif not self._busy:
            self._send(request, done)
        elif len(self._waiting) < self._limits.max_waiting:
            waiting = _Waiting(request, done)
            self._waiting.append(waiting)
            due_ns = self._link.clock.now_ns() + request.deadline_ms * NS_PER_MS
            self._link.at(due_ns, lambda at_ns: self._expire(waiting, at_ns))
        else:
            self._refuse(done, f"{len(self._waiting)} requests are waiting")

    def lose(self, at_ns: int) -> None:
        """Be cut by the network."""
        self._end("connection reset", at_ns)

    # --- the inside -----------------------------------------------------------------------------

    def _attempt(self, at_ns: int) -> None:
        if self._stopped:
            return
        if not self._budget.take(1, at_ns):
            self._link.at(self._budget.ready_ns(1, at_ns), self._attempt)
        elif self._link.is_out(at_ns):
            self._link.at(self._backoff.next_ns(at_ns), self._attempt)
        else:
            path = Path(self._link)
            self._link.at(path.back_ns(path.out_ns(at_ns)), lambda now_ns: self._open(path, now_ns))

    def _open(self, path: Path, at_ns: int) -> None:
        if self._link.is_out(at_ns):
            self._link.at(self._backoff.next_ns(at_ns), self._attempt)
            return
        self._path = path
        self._backoff.opened(at_ns)
        self._link.connections.add(self)

    def _send(self, request: HttpRequest, done: Done) -> None:
        path = self._path
        if path is None:
            self._refuse(done, "no connection")
            return
        self._busy = True

        def settled(result: Answer | Failure, at_ns: int) -> None:
            if path is self._path:
                self._busy = False
                if isinstance(result, Failure):
                    self._end(result.detail, at_ns)
                elif self._waiting:
                    following = self._waiting.popleft()
                    self._send(following.request, following.done)
            done(result, at_ns)

        RoundTrip(self._link, path, request, settled)

    def _expire(self, waiting: _Waiting, at_ns: int) -> None:
        if waiting in self._waiting:
            self._waiting.remove(waiting)
            detail = "the deadline passed before it could be sent"
            waiting.done(Failure(kind=FailureKind.NOT_SENT, detail=detail), at_ns)

    def _end(self, detail: str, at_ns: int) -> None:
        """Give the connection up, settle who waits, and try again later."""
        if self._path is None:
            return
        self._path = None
        self._busy = False
        self._link.connections.discard(self)
        waiting, self._waiting = self._waiting, deque()
        for one in waiting:
            one.done(Failure(kind=FailureKind.NOT_SENT, detail=detail), at_ns)
        self._link.at(self._backoff.next_ns(at_ns), self._attempt)

    def _refuse(self, done: Done, detail: str) -> None:
        failure = Failure(kind=FailureKind.NOT_SENT, detail=detail)
        self._link.at(self._link.clock.now_ns(), lambda at_ns: done(failure, at_ns))

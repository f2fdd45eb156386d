"""A network in virtual time: streams and requests reach a twin in process, late by a seeded latency.

It says what the transport room would say, in the same words and by the same callbacks: answers and
failures of requests, openings, frames and endings of streams. Nothing waits and nothing runs by itself:
whoever owns the virtual time advances the link to each time at which something is due.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping
from random import Random
from typing import Protocol, TypeAlias
from urllib.parse import urlsplit

import msgspec

from paraphina_core import __version__
from paraphina_core.connector import Answer, Failure, FailureKind, HttpRequest
from paraphina_core.domain import NS_PER_MS, Clock, LocalError

from .host import Reply, TwinHost
from .outbox import Delivery
from .protocol import SessionId, TwinRequest

#: Takes the answer, or why there is none, and when that was known.
Done: TypeAlias = Callable[[Answer | Failure, int], None]


class Latency(msgspec.Struct, frozen=True, kw_only=True):
    """How long the way is: to the venue and back, each, and what chance adds to each.

    The order on one connection is kept, as TCP keeps it.
    """

    out_ms: float = 20.0
    back_ms: float = 20.0
    jitter_ms: float = 10.0

    def __post_init__(self) -> None:
        if not (self.out_ms >= 0 and self.back_ms >= 0 and self.jitter_ms >= 0):
            raise LocalError("latency is not usable", found=self, wanted="nothing below zero")


class Path:
    """One connection's two ways; what is sent later arrives later."""

    __slots__ = ("_back_ns", "_link", "_out_ns")

    def __init__(self, link: TwinLink) -> None:
        self._link = link
        self._out_ns = self._back_ns = 0

    def out_ns(self, at_ns: int) -> int:
        """Return when something that leaves for the venue arrives."""
        self._out_ns = max(self._out_ns, at_ns + self._link.way_ns(self._link.latency.out_ms))
        return self._out_ns

    def back_ns(self, at_ns: int) -> int:
        """Return when something that the venue sends arrives here."""
        self._back_ns = max(self._back_ns, at_ns + self._link.way_ns(self._link.latency.back_ms))
        return self._back_ns


class Losable(Protocol):
    """A connection that an outage cuts."""

    number: int

    def lose(self, at_ns: int) -> None:
        """Be cut by the network."""


class TwinLink:
    """The way between one session and one twin.

    Args:
        host: the twin.
        clock: virtual session time; it may only be moved to the time that the link is then advanced to.
        seed: of the latencies.
        latency: how long the way is.
        peer: the address that the twin sees.

    Attributes:
        connections: everything that an outage would cut.
    """

    def __init__(
        self,
        host: TwinHost,
        *,
        clock: Clock,
        seed: int,
        latency: Latency | None = None,
        peer: str = "127.0.0.1",
    ) -> None:
        self.host = host
        self.clock = clock
        self.latency = latency or Latency()
        self.peer = peer
        self._random = Random(seed)
        self._events: list[tuple[int, int, Callable[[int], None]]] = []
        self._number = 0
        self._out_until_ns = 0
        self.connections: set[Losable] = set()
        self._listeners: dict[SessionId, Callable[[int, Delivery], None]] = {}

    # --- time -----------------------------------------------------------------------------------

    def next_due_ns(self) -> int | None:
        """Return when the link is to be advanced next; None if nothing is ever due."""
        due = (self._events[0][0] if self._events else None, self.host.next_due_ns())
        return min((due_ns for due_ns in due if due_ns is not None), default=None)

    def advance(self, at_ns: int) -> None:
        """Let happen everything that is due by `at_ns`, here and at the venue, each at its own time."""
        while (due_ns := self.next_due_ns()) is not None and due_ns <= at_ns:
            host_ns = self.host.next_due_ns()
            if host_ns is not None and host_ns <= due_ns:
                self.host.advance(due_ns)
                self.collect()
            else:
                _, _, call = heapq.heappop(self._events)
                call(due_ns)

    def at(self, due_ns: int, call: Callable[[int], None]) -> None:
        """Let something happen here at a time."""
        self._number += 1
        heapq.heappush(self._events, (due_ns, self._number, call))

    def way_ns(self, ms: float) -> int:
        """Return what a way of so much takes this time."""
        return int((ms + self._random.random() * self.latency.jitter_ms) * NS_PER_MS)

    # --- the network ----------------------------------------------------------------------------

    def outage(self, for_ms: int) -> None:
        """Cut every connection now, and let none come about for so long."""
        at_ns = self.clock.now_ns()
        self._out_until_ns = max(self._out_until_ns, at_ns + for_ms * NS_PER_MS)
        for connection in sorted(self.connections, key=lambda one: one.number):
            connection.lose(at_ns)

    def is_out(self, at_ns: int) -> bool:
        """Tell whether nothing can be connected."""
        return at_ns < self._out_until_ns

    def next_number(self) -> int:
        """Give each connection a number, by which they are lost in order."""
        self._number += 1
        return self._number

    # --- requests -------------------------------------------------------------------------------

    def fetch(self, request: HttpRequest, done: Done) -> None:
        """Send a request over a pool of connections; `done` is called once and never within this call.

        As `HttpClient.fetch`: the failure is `not_sent` only if no connection came about.
        """
        at_ns = self.clock.now_ns()
        if self.is_out(at_ns):
            failure = Failure(kind=FailureKind.NOT_SENT, detail="ConnectError: the network is out")
            self.at(at_ns, lambda now_ns: done(failure, now_ns))
            return
        RoundTrip(self, Path(self), request, done)

    # --- for streams ----------------------------------------------------------------------------

    def listen(self, session: SessionId, call: Callable[[int, Delivery], None]) -> None:
        """Hand on what leaves the venue for a session, with the time at which it leaves."""
        self._listeners[session] = call

    def forget(self, session: SessionId, at_ns: int) -> None:
        """Let the venue know that a connection is gone; what it still sends is lost."""
        self._listeners.pop(session, None)
        self.host.disconnected(session, at_ns)
        self.collect()

    def collect(self) -> None:
        """Hand on what has left the venue; called after everything that the venue was told."""
        for left_ns, delivery in self.host.take(self.host.now_ns):
            call = self._listeners.get(delivery.session)
            if call is not None:
                call(left_ns, delivery)


class RoundTrip:
    """One request on its way, until its answer or what takes its place; settles exactly once.

    Args:
        link: the network.
        path: the connection's ways.
        request: what is asked.
        done: told what came of it.
    """

    def __init__(self, link: TwinLink, path: Path, request: HttpRequest, done: Done) -> None:
        self._link = link
        self._path = path
        self._request = request
        self._done: Done | None = done
        at_ns = link.clock.now_ns()
        link.at(path.out_ns(at_ns), self._arrive)
        link.at(at_ns + request.deadline_ms * NS_PER_MS, self._expire)
        self.number = link.next_number()
        link.connections.add(self)

    def _arrive(self, at_ns: int) -> None:
        """Reach the venue, whether or not somebody still waits here."""
        reply = self._link.host.request(twin_request(self._request, self._link.peer), at_ns)
        self._link.collect()
        if not reply.hangs:
            self._link.at(self._path.back_ns(reply.due_ns), lambda now_ns: self._return(reply, now_ns))

    def _return(self, reply: Reply, at_ns: int) -> None:
        lost = Failure(kind=FailureKind.DISCONNECTED, detail="the venue hung up")
        self.settle(lost if reply.answer is None else reply.answer, at_ns)

    def _expire(self, at_ns: int) -> None:
        self.settle(Failure(kind=FailureKind.TIMED_OUT, detail="no answer within the deadline"), at_ns)

    def lose(self, at_ns: int) -> None:
        """Be cut by the network."""
        self.settle(Failure(kind=FailureKind.DISCONNECTED, detail="connection reset"), at_ns)

    def settle(self, result: Answer | Failure, at_ns: int) -> None:
        """Tell what came of it, the first time."""
        self._link.connections.discard(self)
        done, self._done = self._done, None
        if done is not None:
            done(result, at_ns)


def twin_request(request: HttpRequest, peer: str) -> TwinRequest:
    """Return a request as the venue sees it."""
    headers = sent_headers(request.headers)
    return TwinRequest(
        method=request.method,
        target=target_of(request.url),
        headers=headers,
        body=request.body,
        peer=peer,
    )


def sent_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return headers as the transport sends them, by lower-case name: it always says what it is."""
    return {"user-agent": f"paraphina/{__version__}"} | {name.lower(): v for name, v in headers.items()}


def target_of(url: str) -> str:
    """Return path and query of a URL; whichever host it names, it is the twin that is reached."""
    parts = urlsplit(url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")

"""What a connector is asked: all of its bootstrap before streams open, again at intervals, and missing books.

A question is repeated for ever, with growing pauses, until it is answered; nothing is guessed meanwhile.
Everything here follows from the inputs of the session, so that a replay asks the same at the same time.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from typing import Final
from urllib.parse import urlsplit

import msgspec

from paraphina_core.connector import (
    Answer,
    Connector,
    Failure,
    FailureKind,
    HttpRequest,
    Plan,
    Request,
    StreamRequest,
)
from paraphina_core.domain import NS_PER_MS, AskNext, Event, LocalError, Query, QueryVenue, RemoteError
from paraphina_core.execution import Signatory, Wire
from paraphina_core.transport import Backoff

#: Longest part of a fault that is shown.
_SHOWN: Final = 200


class Unanswered(msgspec.Struct, frozen=True, kw_only=True):
    """A question that was last asked in vain.

    Args:
        what: the question, in a word.
        where: the host that was asked, or the stream.
        fault: what came instead of an answer.
        again_ns: when it is asked again, session time.
    """

    what: str
    where: str
    fault: str
    again_ns: int


class _Asked(msgspec.Struct, frozen=True):
    query: Query
    request: Request
    at_ns: int


class Inquiries:
    """The questions to one connector.

    Args:
        connector: spells them and reads the answers.
        plan: its plan.
        wire: carries them.
        seed: of the pauses between vain attempts; each question has pauses of its own.
        signatory: makes what one request may use of the world, and adds the headers that no connector sees.
    """

    def __init__(
        self,
        connector: Connector,
        plan: Plan,
        wire: Wire,
        *,
        seed: int,
        signatory: Signatory,
    ) -> None:
        self._connector = connector
        self._bootstrap = plan.bootstrap
        self.nonce = plan.nonce
        self._every_ms = {
            **({} if plan.poll_ms is None else dict.fromkeys(plan.bootstrap, plan.poll_ms)),
            **{renewal.query: renewal.every_ms for renewal in plan.renewals},
        }
        self._lasting_ms = {
            renewal.query: (renewal.every_ms + renewal.lasts_ms) // 2
            for renewal in plan.renewals
            if renewal.lasts_ms is not None
        }
        self._lent_ns: dict[Query, int] = {}
        self._wire = wire
        self._seed = seed
        self._backoffs: dict[Query, Backoff] = {}
        self._signatory = signatory
        self._due: dict[Query, int] = {}
        self._asked: dict[str, _Asked] = {}
        self._faults: dict[Query, Unanswered] = {}
        self._first = list(plan.bootstrap)
        self._is_stopped = False

    @property
    def is_bootstrapped(self) -> bool:
        """True once every question of the bootstrap has been answered for the first time."""
        return not self._first

    @property
    def unanswered(self) -> tuple[Unanswered, ...]:
        """What was asked in vain and will be asked again."""
        return tuple(self._faults.values())

    def expiring(self, at_ns: int) -> tuple[str, ...]:
        """Name what the venue has lent that ends soon, or has ended, because nobody renews it."""
        return tuple(
            _what(query)
            for query, lent_ns in self._lent_ns.items()
            if at_ns - lent_ns > self._lasting_ms[query] * NS_PER_MS
        )

    def begin(self, at_ns: int) -> None:
        """Ask the first question of the bootstrap; each of the others follows the answer before it."""
        if self._first:
            self._due[self._first[0]] = at_ns
        self.advance(at_ns)

    def want(self, query: Query, at_ns: int) -> None:
        """Ask something once, unless it is being asked already; again only as long as no answer comes."""
        if self._is_stopped:
            return
        if query not in self._due and all(asked.query != query for asked in self._asked.values()):
            self._due[query] = at_ns
            self.advance(at_ns)

    def hasten(self, query: Query, at_ns: int) -> None:
        """Ask a question of the plan now and not when it is due; one that goes unanswered keeps its pauses.

        Raises:
            LocalError: it is not of the plan.
        """
        if query not in self._bootstrap:
            raise LocalError("question to ask again is not of the plan", found=_what(query))
        if self.is_bootstrapped and query not in self._faults:
            self._due.pop(query, None)
            self.want(query, at_ns)

    def is_of_bootstrap(self, correlation: str) -> bool:
        """Tell whether a request that is without an answer asks a question of the bootstrap."""
        asked = self._asked.get(correlation)
        return asked is not None and asked.query in self._bootstrap

    def stop(self) -> None:
        """Ask nothing any more."""
        self._is_stopped = True
        self._due.clear()
        self._faults.clear()

    def next_due_ns(self) -> int | None:
        """Return when there is something to ask, None while there is not."""
        return min(self._due.values(), default=None)

    def advance(self, at_ns: int) -> None:
        """Ask whatever is due.

        Raises:
            LocalError: the connector cannot spell a question that it planned itself.
        """
        for query in [query for query, due_ns in self._due.items() if due_ns <= at_ns]:
            del self._due[query]
            self._send(query, query, at_ns, at_ns)

    def expects(self, correlation: str) -> bool:
        """Tell whether a request of that correlation is without an answer."""
        return correlation in self._asked

    def asked_ns(self, correlation: str) -> int | None:
        """Return when a request left that is without an answer, None for any other."""
        asked = self._asked.get(correlation)
        return None if asked is None else asked.at_ns

    def closed(self, stream: str, at_ns: int) -> None:
        """Ask again what was to be answered on a stream that is closed."""
        for correlation, asked in tuple(self._asked.items()):
            if isinstance(asked.request, StreamRequest) and asked.request.stream == stream:
                failure = Failure(kind=FailureKind.DISCONNECTED, detail=f"stream {stream} has closed")
                with suppress(RemoteError):  # it is asked again all the same
                    self.answered(correlation, failure, at_ns)

    def answered(self, correlation: str, result: Answer | Failure, at_ns: int) -> Sequence[Event]:
        """Take what came back for an expected request, and return what the connector makes of it.

        Raises:
            RemoteError: the answer is unreadable; the question will be asked again.
        """
        asked = self._asked.pop(correlation)
        try:
            events = self._connector.read_answer(asked.request, result, at_ns)
        except RemoteError as e:
            self._repeat(asked, str(e), at_ns)
            raise
        if isinstance(result, Failure):
            self._repeat(asked, result.detail or result.kind.value, at_ns)
        else:
            following = next((event.query for event in events if isinstance(event, AskNext)), None)
            if following is None:
                self._settle(asked.query, at_ns)
            else:
                self._send(following, asked.query, asked.at_ns, at_ns)
        return events

    def answered_on_stream(self, correlation: str, at_ns: int) -> None:
        """Take note that the answer came as a frame of a stream, if the request is one of these."""
        asked = self._asked.pop(correlation, None)
        if asked is not None:
            self._settle(asked.query, at_ns)

    def _send(self, query: Query, part_of: Query, since_ns: int, at_ns: int) -> None:
        """Ask something, or the next part of it; what is asked in parts is as old as its first one."""
        request = self._connector.ask(query, self._signatory.for_question(at_ns))
        self._asked[request.correlation] = _Asked(part_of, request, since_ns)
        self._wire.ask(self._connector.spec.name, self._signatory.outgoing(request))

    def _settle(self, query: Query, at_ns: int) -> None:
        self._faults.pop(query, None)
        self._backoffs.pop(query, None)
        if query in self._lasting_ms:
            self._lent_ns[query] = at_ns
        if self._is_stopped:
            return
        if self._first and query == self._first[0]:
            del self._first[0]
            if self._first:
                self._due[self._first[0]] = at_ns
                self.advance(at_ns)
        if query in self._every_ms:
            self._due[query] = at_ns + self._every_ms[query] * NS_PER_MS

    def _repeat(self, asked: _Asked, fault: str, at_ns: int) -> None:
        if self._is_stopped:
            return
        if asked.query not in self._backoffs:
            self._seed += 1
            self._backoffs[asked.query] = Backoff(self._seed)
        again_ns = self._backoffs[asked.query].next_ns(at_ns)
        self._due[asked.query] = again_ns
        self._faults[asked.query] = Unanswered(
            what=_what(asked.query),
            where=_where(asked.request),
            fault=fault[:_SHOWN],
            again_ns=again_ns,
        )


def _what(query: Query) -> str:
    """Name a question in words: `QueryOpenOrders` asks for open orders."""
    if isinstance(query, QueryVenue):
        return query.topic
    return re.sub("([A-Z])", r" \1", type(query).__name__.removeprefix("Query")).strip().lower()


def _where(request: Request) -> str:
    if isinstance(request, HttpRequest):
        return urlsplit(request.url).netloc
    return f"stream {request.stream}"

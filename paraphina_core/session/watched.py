"""A connector whose calls are timed: one that blocks holds up every venue, and must be told apart.

A call in this process cannot be interrupted. It is noticed when it has returned, and the session then
quarantines the connector, so that it happens once and not with every frame.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from paraphina_core.domain import NS_PER_MS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from paraphina_core.connector import (
        Answer,
        Connector,
        ConnectorSpec,
        Failure,
        Plan,
        Request,
        WriteContext,
    )
    from paraphina_core.domain import Command, Event, Query


class Block(NamedTuple):
    """A call that took too long."""

    call: str
    took_ms: int


class Watched:
    """A connector that remembers the first of its calls that took longer than allowed.

    Args:
        connector: does the work.
        clock_ns: a monotonic clock of real time, which is no input of the session.
        limit_ms: what a call may take.
    """

    def __init__(self, connector: Connector, clock_ns: Callable[[], int], limit_ms: int) -> None:
        self._connector = connector
        self._clock_ns = clock_ns
        self._limit_ns = limit_ms * NS_PER_MS
        self.block: Block | None = None

    @property
    def spec(self) -> ConnectorSpec:
        """See `Connector`."""
        return self._connector.spec

    def plan(self) -> Plan:
        """See `Connector`."""
        with self._timed("plan"):
            return self._connector.plan()

    def opened(self, stream: str, context: WriteContext) -> Sequence[bytes]:
        """See `Connector`."""
        with self._timed("opened"):
            return self._connector.opened(stream, context)

    def closed(self, stream: str) -> None:
        """See `Connector`."""
        with self._timed("closed"):
            self._connector.closed(stream)

    def read(self, stream: str, frame: bytes, at_ns: int) -> Sequence[Event]:
        """See `Connector`; without a context manager, since every frame comes by."""
        began_ns = self._clock_ns()
        try:
            return self._connector.read(stream, frame, at_ns)
        finally:
            took_ns = self._clock_ns() - began_ns
            if not took_ns <= self._limit_ns:
                self._remember("read", took_ns)

    def write(self, command: Command, context: WriteContext) -> Request:
        """See `Connector`."""
        with self._timed("write"):
            return self._connector.write(command, context)

    def ask(self, query: Query, context: WriteContext) -> Request:
        """See `Connector`."""
        with self._timed("ask"):
            return self._connector.ask(query, context)

    def read_answer(self, request: Request, answer: Answer | Failure, at_ns: int) -> Sequence[Event]:
        """See `Connector`."""
        with self._timed("read_answer"):
            return self._connector.read_answer(request, answer, at_ns)

    def take_block(self) -> Block | None:
        """Return a call that took too long, once."""
        block, self.block = self.block, None
        return block

    @contextmanager
    def _timed(self, call: str) -> Iterator[None]:
        began_ns = self._clock_ns()
        try:
            yield
        finally:
            took_ns = self._clock_ns() - began_ns
            if not took_ns <= self._limit_ns:
                self._remember(call, took_ns)

    def _remember(self, call: str, took_ns: int) -> None:
        if self.block is None:
            self.block = Block(call, took_ns // NS_PER_MS)

"""Feeds a session in the order of time: frames, ticks and what the order routes have due.

The driver owns the waiting and the sources that are here already, the network the connections; the
session owns every decision. One input at a time goes the whole way before the next is taken.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from enum import StrEnum
from typing import Final, Protocol

import msgspec

from paraphina_core.connector import LocalSource, StreamPlan
from paraphina_core.domain import NS_PER_S, LocalError, TradingState

from .clock import Pacer
from .network import Network
from .session import Session

#: Quiet between the end of a repeated recording and its next beginning, like a reconnect.
REOPEN_AFTER_NS: Final = 1 * NS_PER_S


#: How long the disk may take for the latch, in real seconds.
LATCH_S: Final = 5.0


class StopReason(StrEnum):
    """Why a run ended."""

    OPERATOR = "stopped by the operator"
    DURATION = "the duration has passed"
    MAX_TICKS = "the number of ticks is reached"
    STREAMS_ENDED = "every stream has ended"
    JOURNAL_FAILED = "the journal takes no record"
    KILLED = "the kill switch fired"


class Until(msgspec.Struct, frozen=True, kw_only=True):
    """When a run ends by itself.

    Args:
        duration_ns: after so much session time, None for no limit.
        max_ticks: after so many ticks, None for no limit.
    """

    duration_ns: int | None = None
    max_ticks: int | None = None


class Latch(Protocol):
    """Where a kill is kept beyond this process, and where it may come from."""

    def read(self) -> str | None:
        """Return why the switch has fired, None if it has not.

        Raises:
            LocalError: nobody can tell.
        """

    def fire(self, reason: str) -> None:
        """Keep it; may wait for a disk.

        Raises:
            LocalError: it cannot be kept.
        """

    def wants_flat(self) -> bool:
        """Tell whether an operator wants positions closed; may wait for a disk."""


class Operator(Protocol):
    """What an operator asks of a running session."""

    def look(self, session: Session, at_ns: int) -> None:
        """Do and answer what was asked since the last look; never waits."""


class Chores(Protocol):
    """Work beside the session, such as syncing the journal."""

    def due_ns(self) -> int | None:
        """Return when there is something to do, None while there is not."""

    def do(self, at_ns: int) -> None:
        """Do whatever is due."""


class _Feed:
    """One local stream and its next frame."""

    __slots__ = ("connector", "due_ns", "frame", "frames", "plan", "source")

    def __init__(self, connector: str, plan: StreamPlan, source: LocalSource) -> None:
        self.connector = connector
        self.plan = plan
        self.source = source
        self.frames: Iterator[tuple[int, bytes]] | None = None
        self.due_ns = 0
        self.frame = b""

    def open(self, at_ns: int) -> None:
        self.frames = self.source.frames(at_ns)

    def advance(self) -> bool:
        """Fetch the next frame; False at the end of the stream."""
        item = None if self.frames is None else next(self.frames, None)
        if item is None:
            self.frames = None
            return False
        self.due_ns, self.frame = item
        return True


class Driver:
    """Runs one session to its end.

    Args:
        session: takes the inputs.
        pacer: real or virtual time.
        network: the connections, not yet begun.
        tick_ns: period of the session's own tick.
        until: when the run ends by itself.
        chores: what must be done in time beside the session, and is no input of it.
        latch: looked at before each tick, fired with the kill switch; None where nothing outlives the run.
        operator: looked at before each tick; None where nobody asks.

    Attributes:
        latch_fault: why the latch could not be fired; empty if it could, or had not to.
    """

    def __init__(
        self,
        session: Session,
        pacer: Pacer,
        *,
        network: Network,
        tick_ns: int,
        until: Until | None = None,
        chores: Chores | None = None,
        latch: Latch | None = None,
        operator: Operator | None = None,
    ) -> None:
        self._session = session
        self._pacer = pacer
        self._network = network
        self._tick_ns = tick_ns
        self._ends = until or Until()
        self._chores = chores
        self._reason: StopReason | None = None
        self._open: list[_Feed] = []
        self._waiting: list[tuple[int, _Feed]] = []
        self._until_ns = 0
        self._latch = latch
        self._latching: asyncio.Task[None] | None = None
        self._kill_first = ""
        self._flatten_first = False
        self._operator = operator
        self._has_begun = False
        self.latch_fault = ""

    def request_stop(self) -> None:
        """Ask for an orderly end; callable from a signal handler of the event loop."""
        self._stop(StopReason.OPERATOR)

    def kill(self, reason: str, *, flatten: bool = False) -> None:
        """Fire the kill switch: cancels leave within this call; callable from the event loop only.

        Before the run it makes one that only cancels. The latch follows on disk: a disk that hangs must not
        keep the cancels here. What the latch says of flattening is looked up then, and again whenever the
        switch is fired again.
        """
        if not self._has_begun:
            self._kill_first = self._kill_first or reason
            self._flatten_first = self._flatten_first or flatten
            return
        if not self._session.killed:
            self._session.kill(reason, self._pacer.now_ns())
        elif self._latch is not None:
            self._begin_latching(self._latch)
        if flatten:
            self._flatten()
        self._heed_kill()

    def set_state(self, state: TradingState, reason: str, connector: str = "") -> None:
        """Set the session's state, or a venue's, as an operator wishes; callable from the event loop only.

        Raises:
            LocalError: nothing can be raised any more, or there is no such connector.
        """
        self._session.set_state(state, reason, connector, self._pacer.now_ns())

    async def run(self) -> StopReason:
        """Drive the session until a reason to stop, then until its orders are gone or time is up.

        Raises:
            LocalError: a connection makes no sense, or needs real time.
            Exception: whatever the session raised.
        """
        try:
            self._network.begin(self._session, self._follow_up)
            if self._network.is_used and not self._pacer.is_real:
                raise LocalError("a venue's time cannot be hurried", wanted="real time at speed 1")
            return await self._drive(self._pacer.now_ns())
        finally:
            await self._network.close()

    async def _drive(self, start_ns: int) -> StopReason:
        self._session.start(start_ns)
        self._has_begun = True
        if self._kill_first:
            self.kill(self._kill_first, flatten=self._flatten_first)
        for connector, plan in self._session.streams():
            if isinstance(plan.source, LocalSource):
                self._waiting.append((start_ns, _Feed(connector, plan, plan.source)))
        self._network.open_what_may_be()
        next_tick_ns = start_ns + self._tick_ns
        end_ns = None if self._ends.duration_ns is None else start_ns + self._ends.duration_ns
        while self._reason is None:
            next_tick_ns = await self._one(next_tick_ns)
            self._heed_kill()
            if end_ns is not None and self._pacer.now_ns() >= end_ns:
                self._stop(StopReason.DURATION)
            elif self._ends.max_ticks is not None and self._session.ticks >= self._ends.max_ticks:
                self._stop(StopReason.MAX_TICKS)
            elif self._session.safety.record_lost:
                self._stop(StopReason.JOURNAL_FAILED)
            elif not (self._open or self._waiting or self._network.is_used):
                self._stop(StopReason.STREAMS_ENDED)
        at_ns = self._pacer.now_ns()
        self._session.stop(self._reason, at_ns)
        deadline_ns = at_ns + self._session.stop_deadline_ns
        while not self._is_done and self._pacer.now_ns() < deadline_ns:
            next_tick_ns = await self._one(next_tick_ns)
            self._heed_kill()
        self._session.finish(self._pacer.now_ns())
        if self._latching is not None:
            await self._latching
        return self._reason

    @property
    def _is_done(self) -> bool:
        """True once nothing is left, and the latch has said whether positions are to be closed as well."""
        return self._session.quiet and (self._latching is None or self._latching.done())

    async def _one(self, next_tick_ns: int) -> int:
        """Deliver whatever is due next; return when the next tick is due."""
        feed = min(self._open, key=lambda item: item.due_ns, default=None)
        opening = min(self._waiting, key=lambda item: item[0], default=None)
        route_ns = self._session.next_due_ns()
        chores_ns = None if self._chores is None else self._chores.due_ns()
        due_ns = min(
            next_tick_ns,
            next_tick_ns if feed is None else feed.due_ns,
            next_tick_ns if opening is None else opening[0],
            next_tick_ns if route_ns is None else route_ns,
            next_tick_ns if chores_ns is None else chores_ns,
        )
        self._until_ns = due_ns
        await self._pacer.until(due_ns)
        if self._network.error is not None:
            raise self._network.error
        at_ns = self._pacer.now_ns()
        if at_ns < due_ns:
            return next_tick_ns
        if self._chores is not None and chores_ns is not None and chores_ns <= at_ns:
            self._chores.do(at_ns)
        if opening is not None and opening[0] <= due_ns:
            self._open_feed(opening, at_ns)
        elif feed is not None and feed.due_ns <= due_ns:
            self._session.frame(feed.connector, feed.plan.name, feed.frame, at_ns)
            self._fetch(feed, at_ns)
            self._reopen(at_ns)
        elif next_tick_ns <= due_ns:
            self._look_at_latch()
            if self._operator is not None:
                self._operator.look(self._session, at_ns)
            self._session.tick(at_ns)
            self._reopen(at_ns)
            late = (at_ns - next_tick_ns) // self._tick_ns
            return next_tick_ns + (late + 1) * self._tick_ns
        elif route_ns is not None and route_ns <= due_ns:
            self._session.wake(at_ns)
        return next_tick_ns

    def _open_feed(self, opening: tuple[int, _Feed], at_ns: int) -> None:
        self._waiting.remove(opening)
        feed = opening[1]
        feed.open(at_ns)
        self._session.stream_opened(feed.connector, feed.plan.name, at_ns)
        self._open.append(feed)
        self._fetch(feed, at_ns)

    def _fetch(self, feed: _Feed, at_ns: int) -> None:
        if feed.advance():
            return
        self._open.remove(feed)
        self._session.stream_ended(feed.connector, feed.plan.name, "the source has ended", at_ns)
        if feed.source.repeat and not feed.source.is_over():
            self._waiting.append((at_ns + REOPEN_AFTER_NS, feed))

    def _reopen(self, at_ns: int) -> None:
        """Close and open again what the session cannot read on."""
        while (wish := self._session.take_reopen()) is not None:
            if self._network.reopen(*wish):
                continue
            for feed in [item for item in self._open if (item.connector, item.plan.name) == wish]:
                self._open.remove(feed)
                self._session.stream_ended(feed.connector, feed.plan.name, "to be opened anew", at_ns)
                self._waiting.append((at_ns + REOPEN_AFTER_NS, feed))

    def _follow_up(self) -> None:
        """Do at once what an input from the network calls for, and look again at what is due."""
        self._reopen(self._pacer.now_ns())
        self._network.open_what_may_be()
        route_ns = self._session.next_due_ns()
        chores_ns = None if self._chores is None else self._chores.due_ns()
        is_news = self._session.killed and self._reason is not StopReason.KILLED
        if (
            is_news
            or self._network.error is not None
            or any(due_ns is not None and due_ns < self._until_ns for due_ns in (route_ns, chores_ns))
        ):
            self._pacer.wake()

    def _look_at_latch(self) -> None:
        if self._latch is None or self._session.killed:
            return
        try:
            reason = self._latch.read()
        except LocalError as e:
            reason = str(e)  # a switch that cannot be seen is not one that has not fired
        if reason is not None:
            self.kill(reason)

    def _heed_kill(self) -> None:
        """End the run once the switch has fired, whoever fired it, and keep that on disk."""
        if not self._session.killed or self._reason is StopReason.KILLED:
            return
        self._reason = StopReason.KILLED
        self._pacer.wake()
        if self._latch is not None:
            self._begin_latching(self._latch)

    def _begin_latching(self, latch: Latch) -> None:
        if self._latching is None or self._latching.done():
            self._latching = asyncio.get_running_loop().create_task(self._keep(latch))

    async def _keep(self, latch: Latch) -> None:
        def fire() -> bool:
            latch.fire(self._session.safety.reason)
            return latch.wants_flat()

        try:
            if await asyncio.wait_for(asyncio.to_thread(fire), LATCH_S):
                self._flatten()
        except (LocalError, TimeoutError) as e:
            self.latch_fault = str(e) or f"the disk did not answer within {LATCH_S:g} s"
        finally:
            self._pacer.wake()

    def _flatten(self) -> None:
        if not self._session.safety.is_flattening:
            self._session.flatten(self._pacer.now_ns())
            self._pacer.wake()

    def _stop(self, reason: StopReason) -> None:
        if self._reason is None:
            self._reason = reason
            self._pacer.wake()

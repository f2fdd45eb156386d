"""Everything of one run that is connected to somewhere: opened when the session allows, closed with it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Mapping
from typing import Any, Final

from paraphina_core.connector import Request, StreamPlan, WebSocketSource
from paraphina_core.domain import Clock
from paraphina_core.transport import Engine, HttpClient, StreamLimits, choose, connect_budget

from .answers import MAX_BODY_BYTES
from .link import Access, Link, World
from .session import Session
from .snapshot import ConnectionSnapshot

#: How long connections may take to close before they are cut, in real seconds.
CLOSE_S: Final = 5.0


class Network:
    """The connections of a run, and the wire of its session.

    What arrives goes into the session within the call that read it. An error that the session raises
    there, or any other, is kept in `error` and ends the run.

    Args:
        clock: session time, which must be real where anything is connected.
        access: what each connector may reach.
        engine: carries the streams; None for the fastest that works here.
        confined: nothing may leave this machine.
        stream_limits: what no stream may exceed.
    """

    def __init__(
        self,
        clock: Clock,
        access: Mapping[str, Access],
        *,
        engine: Engine | None = None,
        confined: bool = False,
        stream_limits: StreamLimits | None = None,
    ) -> None:
        self._clock = clock
        self._access = access
        self._engine = engine or choose()
        self._confined = confined
        self._stream_limits = stream_limits or StreamLimits()
        self._budget = connect_budget()
        self._is_used = False
        self._client: HttpClient | None = None
        self._session: Session | None = None
        self._links: dict[str, Link] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._follow_up: Callable[[], None] = lambda: None
        self._unopened: list[tuple[str, StreamPlan]] = []
        self.error: BaseException | None = None

    # --- for the driver -------------------------------------------------------------------------

    @property
    def is_used(self) -> bool:
        """True if the session has a stream that is connected to somewhere."""
        return self._is_used

    def begin(self, session: Session, follow_up: Callable[[], None]) -> None:
        """Connect a session that is about to start.

        Args:
            session: takes what arrives.
            follow_up: is called after every input and every error.

        Raises:
            LocalError: an address or a limit of a connector makes no sense.
        """
        self._session, self._follow_up = session, follow_up
        world = World(
            clock=self._clock,
            budget=self._budget,
            pool=self._pool,
            stream_limits=self._stream_limits,
            engine=self._engine,
            confined=self._confined,
            spawn=self._spawn,
            follow_up=follow_up,
        )
        self._unopened = [
            (connector, plan)
            for connector, plan in session.streams()
            if isinstance(plan.source, WebSocketSource)
        ]
        for name, access in self._access.items():
            plans = [plan for connector, plan in self._unopened if connector == name]
            self._links[name] = Link(name, access, plans, session, world)
        self._is_used = bool(self._unopened)

    def open_what_may_be(self) -> None:
        """Open the streams of every connector whose bootstrap is answered."""
        if self._session is None or not self._unopened:
            return
        for connector, plan in list(self._unopened):
            if self._session.may_open(connector):
                self._unopened.remove((connector, plan))
                self._links[connector].keep_open(plan.name)

    def reopen(self, connector: str, stream: str) -> bool:
        """Replace a stream's connection; False if it is none of these."""
        link = self._links.get(connector)
        return link is not None and link.reopen(stream)

    def connections(self, connector: str) -> Iterator[ConnectionSnapshot]:
        """Show a connector's streams."""
        link = self._links.get(connector)
        return iter(()) if link is None else link.connections()

    async def close(self) -> None:
        """End every connection and leave nothing running; the session gets no further input."""
        for link in self._links.values():
            link.stop()
        await self._end_tasks()
        if self._client is not None:
            await self._client.close()

    async def _end_tasks(self) -> None:
        """Wait for every task, and cancel those that do not end."""
        for _ in range(2):
            if not self._tasks:
                return
            _, pending = await asyncio.wait(tuple(self._tasks), timeout=CLOSE_S)
            for task in pending:
                task.cancel()

    # --- the wire -------------------------------------------------------------------------------

    def send(self, connector: str, request: Request, cancel: bool) -> None:  # noqa: FBT001  # see `Wire`
        """Send a command now, or not at all."""
        self._links[connector].send(request, cancel=cancel)

    def ask(self, connector: str, request: Request) -> None:
        """Send a query as soon as there is room for it."""
        self._links[connector].ask(request)

    # --- for the links --------------------------------------------------------------------------

    def _pool(self) -> HttpClient:
        """Return the client for questions, made when the first one is asked."""
        if self._client is None:
            self._client = HttpClient(max_body_bytes=MAX_BODY_BYTES)
        return self._client

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.error = self.error or error
            self._follow_up()

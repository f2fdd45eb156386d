"""The toy venue's twin behind real sockets, and the transport room's streams that listen to it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from typing import Any

from paraphina_core.connector import Heartbeat, StreamPlan, WebSocketSource
from paraphina_core.transport import (
    Backoff,
    CloseReason,
    Stream,
    StreamEvents,
    StreamLimits,
    connect_budget,
)
from paraphina_core.twin import TwinHost, TwinServer, wall_clock
from toy_venue import ToyTwin


class WallClock:
    """Real time."""

    def __init__(self) -> None:
        self.now_ns = wall_clock()


def make_server(**more: Any) -> TwinServer:
    """Make a server of the toy venue."""
    now_ns = wall_clock()
    return TwinServer(TwinHost(ToyTwin, seed=1, start_ns=now_ns()), now_ns=now_ns, **more)


def run(test: Callable[[TwinServer], Coroutine[Any, Any, None]]) -> None:
    """Run a test beside a server."""

    async def whole() -> None:
        async with asyncio.timeout(20), make_server() as server:
            await test(server)

    asyncio.run(whole())


class Listener:
    """A stream of the transport room on the twin's book."""

    def __init__(self, server: TwinServer, *, limits: StreamLimits | None = None, **plan: Any) -> None:
        self.frames: list[dict[str, Any]] = []
        self.endings: list[CloseReason] = []
        self._changed = asyncio.Event()
        self.stream = Stream(
            StreamPlan(
                name="book",
                source=WebSocketSource(
                    url=f"{server.websocket_origin}/ws",
                    opening=(b'{"subscribe": "book"}',),
                    heartbeat=plan.pop("heartbeat", Heartbeat(interval_ms=100)),
                ),
                **({"max_silence_ms": 5_000} | plan),
            ),
            events=StreamEvents(
                opened=lambda *_: self._changed.set(),
                frame=lambda _, frame, __: self._frame(frame),
                closed=lambda _, reason, *__: self._closed(reason),
            ),
            clock=WallClock(),
            backoff=Backoff(1, first_ms=1, max_ms=2),
            budget=connect_budget(),
            limits=limits or StreamLimits(close_timeout_ms=100),
        )
        self._running = asyncio.ensure_future(self.stream.run())

    def _frame(self, frame: bytes) -> None:
        self.frames.append(json.loads(frame))
        self._changed.set()

    def _closed(self, reason: CloseReason) -> None:
        self.endings.append(reason)
        self._changed.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until something holds."""
        while not condition():
            self._changed.clear()
            await self._changed.wait()

    async def stop(self) -> None:
        """End the stream."""
        self.stream.stop()
        await self._running

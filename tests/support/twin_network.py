"""The toy venue's twin at the end of a link in virtual time, with one client who sends orders and listens."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from paraphina_core.connector import Answer, Failure, Heartbeat, HttpRequest, StreamPlan, WebSocketSource
from paraphina_core.domain import NS_PER_MS
from paraphina_core.transport import Backoff, CloseReason, StreamEvents, StreamLimits, connect_budget
from paraphina_core.twin import (
    AccountTruth,
    Fault,
    Latency,
    LinkEntry,
    LinkStream,
    TwinHost,
    TwinLink,
    parse_fault,
    truth,
)
from toy_venue import ToyTwin, sign
from twin_world import START_NS

NAME = "client"


class VirtualClock:
    """Session time that stands until it is moved."""

    def __init__(self) -> None:
        self.at_ns = START_NS

    def now_ns(self) -> int:
        return self.at_ns


class TwinNetwork:
    """A host, a link and a client; times are milliseconds since the start."""

    def __init__(self, *, seed: int = 1, latency: Latency | None = None, **host: Any) -> None:
        self.host = TwinHost(ToyTwin, seed=seed, start_ns=START_NS, **host)
        self.clock = VirtualClock()
        self.link = TwinLink(
            self.host,
            clock=self.clock,
            seed=seed,
            latency=latency or Latency(out_ms=10, back_ms=10, jitter_ms=0),
        )
        self.frames: list[tuple[float, str, dict[str, Any]]] = []
        self.endings: list[tuple[float, str, CloseReason]] = []
        self.openings: list[float] = []
        self.read: Callable[[bytes], dict[str, Any]] = json.loads
        self._nonce = 0

    @property
    def now_ms(self) -> float:
        """Virtual time."""
        return (self.clock.at_ns - START_NS) / NS_PER_MS

    def wait(self, ms: float) -> None:
        """Let time pass, event by event."""
        end_ns = self.clock.at_ns + int(ms * NS_PER_MS)
        while (due_ns := self.link.next_due_ns()) is not None and due_ns <= end_ns:
            self.clock.at_ns = max(self.clock.at_ns, due_ns)
            self.link.advance(self.clock.at_ns)
        self.clock.at_ns = end_ns
        self.link.advance(end_ns)

    def arm(self, *faults: str | Fault) -> None:
        """Arm faults now."""
        for fault in faults:
            self.host.arm(parse_fault(fault) if isinstance(fault, str) else fault, self.clock.at_ns)
            self.link.collect()

    def happened(self, name: str) -> int:
        """Tell how often a fault has happened."""
        return self.host.faults.happened[name]

    # --- streams --------------------------------------------------------------------------------

    def listen(self, topic: str = "book", *, limits: StreamLimits | None = None, **plan: Any) -> LinkStream:
        """Open a stream of the book, or of the client's fills."""
        wish = {"subscribe": topic} | ({"account": NAME} if topic == "fills" else {})
        stream = LinkStream(
            StreamPlan(
                name=topic,
                source=WebSocketSource(
                    url="wss://stream.toy.example/ws",
                    opening=(json.dumps(wish).encode(),),
                    heartbeat=plan.pop("heartbeat", Heartbeat(interval_ms=5_000)),
                ),
                **({"max_silence_ms": 30_000} | plan),
            ),
            self.link,
            events=StreamEvents(
                opened=lambda _, at_ns: self.openings.append(self._ms(at_ns)),
                frame=lambda name, frame, at_ns: self.frames.append(
                    (self._ms(at_ns), name, self.read(frame))
                ),
                closed=lambda name, reason, _, at_ns: self.endings.append((self._ms(at_ns), name, reason)),
            ),
            backoff=Backoff(1),
            budget=connect_budget(),
            limits=limits,
        )
        stream.start()
        self.wait(50)
        return stream

    def sequences(self) -> list[int]:
        """Return the sequence numbers of the book frames that have come, and forget them."""
        found = [frame["sequence"] for _, name, frame in self.frames if name == "book"]
        self.frames.clear()
        return found

    def fills(self) -> list[dict[str, Any]]:
        """Return the fills that the client was told of, and forget them."""
        found = [frame for _, name, frame in self.frames if name == "fills" and "trade" in frame]
        self.frames.clear()
        return found

    # --- requests -------------------------------------------------------------------------------

    def entry(self) -> LinkEntry:
        """Open the connection of commands."""
        entry = LinkEntry(self.link, backoff=Backoff(2), budget=connect_budget())
        entry.start()
        self.wait(50)
        return entry

    def request(self, method: str, path: str, body: dict[str, Any] | None = None) -> HttpRequest:
        """Spell a request, signed where it has a body."""
        content = b""
        if body is not None:
            self._nonce += 1
            content = json.dumps({"account": NAME, "nonce": self._nonce, **body}).encode()
        return HttpRequest(
            method=method,
            url=f"https://api.toy.example{path}",
            body=content,
            headers={"X-Signature": sign(content)},
            correlation=str(self._nonce),
            deadline_ms=2_000,
        )

    def fetch(self, request: HttpRequest, wait_ms: float = 2_100) -> tuple[float, Answer | Failure]:
        """Send a request and wait; return what came of it and after how many milliseconds."""
        began, results = self.now_ms, []
        self.link.fetch(request, lambda result, at_ns: results.append((self._ms(at_ns) - began, result)))
        assert results == []
        self.wait(wait_ms)
        (result,) = results
        return result

    def post(self, path: str, **body: Any) -> dict[str, Any]:
        """Send a signed request that must be answered."""
        _, answer = self.fetch(self.request("POST", path, body), wait_ms=25)
        assert isinstance(answer, Answer), answer
        decoded: dict[str, Any] = json.loads(answer.body)
        return decoded

    def place(self, side: str = "buy", price: str = "40000", size: str = "0.100") -> dict[str, Any]:
        """Place an order, by default one that stays."""
        return self.post("/order", side=side, price=price, size=size)

    def truth(self) -> AccountTruth:
        """Return the truth about the client's account."""
        return truth(self.host.exchange)[NAME]

    def _ms(self, at_ns: int) -> float:
        return (at_ns - START_NS) / NS_PER_MS

"""One session on several ports in virtual time, each of which may hang, err or price its collateral apart."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

import msgspec

from paraphina_core.config import resolve
from paraphina_core.connector import (
    Answer,
    ConnectorSpec,
    Failure,
    FailureKind,
    HttpRequest,
    Request,
    hookimpl,
    load_plugins,
    mock,
)
from paraphina_core.domain import Event, RunNumber, Side, Target, TradingState, View
from paraphina_core.execution import NonceSource, Signatory
from paraphina_core.session.compose import compose
from port import ACCOUNT, DEADLINE_MS, MARKET, MS, NAME, START_NS, Kept, Key, PortConnector, Venue, port_spec
from scripted import book, strategy_of

_ENCODE = msgspec.json.Encoder().encode
_LATENCY_MS = 20


class Fleet:
    """A session with two quotes on each of its venues.

    Set `faults` to "hang" or "500" by name, and `worth` to what a venue's collateral is worth in that of the
    others.

    Args:
        names: of the connectors; each has a venue of its own, which speaks as the port does.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)
        self.now_ns = START_NS
        self.faults: dict[str, str] = {}
        self.worth: dict[str, float] = {}
        self.sent_ns: list[tuple[str, int]] = []  # connector and time of each command
        self.venues = {name: Venue(self._teller(name)) for name in names}
        self._due: list[tuple[int, int, Callable[[], None]]] = []
        self._count = itertools.count()
        wishes = strategy_of("wishes", self._decide)
        plugins = load_plugins([mock, self._plugin(wishes)], candidates=(), flags=())
        cli = {"--trade-mode": "testnet", "--connectors": ",".join(names), "--canary-profile": "prod_canary"}
        config = resolve(cli={**cli, "--strategy": "wishes"}, env={}, file=None, plugins=plugins)
        signatories = {
            name: Signatory.of(Key(), NonceSource(plugins.connectors[name].nonce)) for name in names
        }
        self.session = compose(config, plugins, Kept(), self, lambda: RunNumber(50), {}, signatories)

    def _plugin(self, wishes: Any) -> ModuleType:
        module = ModuleType("fleet_plugin")
        module.__file__ = __file__

        @hookimpl
        def paraphina_register_connectors(register: Callable[[ConnectorSpec], None]) -> None:
            for name in self.names:
                spec = port_spec(name=name, cancel_all_command=name == self.names[0])
                register(msgspec.structs.replace(spec, factory=_builder(spec)))

        @hookimpl
        def paraphina_register_strategies(register: Callable[[Any], None]) -> None:
            register(wishes)

        for hook in (paraphina_register_connectors, paraphina_register_strategies):
            setattr(module, hook.__name__, hook)
        return module

    def _decide(self, view: View, _at_ns: int) -> Sequence[Target]:
        if view.state is not TradingState.ACTIVE:
            return ()
        return [
            Target(instrument=market.instrument.id, side=side, price=price, size_base=0.002)
            for market in view.markets
            if not market.unusable
            for side, price in ((Side.BUY, 9_995.0), (Side.SELL, 10_005.0))
        ]

    # --- the wire -------------------------------------------------------------------------------

    def send(self, connector: str, request: Request, cancel: bool) -> None:
        """Take a command to its venue, as the fault has it."""
        self.sent_ns.append((connector, self.now_ns))
        self.ask(connector, request)

    def ask(self, connector: str, request: Request) -> None:
        """Take a request to its venue, as the fault has it."""
        assert isinstance(request, HttpRequest)
        fault = self.faults.get(connector)
        if fault == "hang":
            failure = Failure(kind=FailureKind.TIMED_OUT, detail="no answer")
            self._at(DEADLINE_MS, lambda: self._answer(connector, request, failure))
        elif fault == "500":
            self._at(_LATENCY_MS, lambda: self._answer(connector, request, Answer(status=500, body=b"")))
        else:
            self._at(_LATENCY_MS, lambda: self._arrive(connector, request))

    def _arrive(self, connector: str, request: HttpRequest) -> None:
        body = request.body.replace(f'"{connector}'.encode(), f'"{NAME}'.encode())
        answer = Answer(status=200, body=_named(connector, self.venues[connector].handle(body, self.now_ns)))
        self._at(_LATENCY_MS, lambda: self._answer(connector, request, answer))

    def _answer(self, connector: str, request: Request, result: Answer | Failure) -> None:
        if self.session.expects(connector, request.correlation):
            self.session.answered(connector, request.correlation, result, self.now_ns)

    def _teller(self, name: str) -> Callable[[Sequence[Event]], None]:
        return lambda events: self._at(_LATENCY_MS, lambda: self._frame(name, ACCOUNT, _named(name, events)))

    def _frame(self, name: str, stream: str, frame: bytes) -> None:
        self.session.frame(name, stream, frame, self.now_ns)

    def _at(self, ms: float, what: Callable[[], None]) -> None:
        heapq.heappush(self._due, (self.now_ns + int(ms * MS), next(self._count), what))

    # --- time -----------------------------------------------------------------------------------

    def begin(self) -> Fleet:
        """Start and let every venue rest two quotes."""
        self.session.start(self.now_ns)
        self.advance(100)
        for name in self.names:
            self.session.stream_opened(name, MARKET, self.now_ns)
            self.session.stream_opened(name, ACCOUNT, self.now_ns)
        self._pulse()
        self.advance(4_000)
        return self

    def _pulse(self) -> None:
        for name in self.names:
            worth = self.worth.get(name, 1.0)
            shown = book(NAME, bid=9999.5 / worth, ask=10000.5 / worth)
            self._frame(name, MARKET, _named(name, [shown]))
        self.session.tick(self.now_ns)
        self._at(250, self._pulse)

    def advance(self, ms: float) -> None:
        """Let time pass."""
        until_ns = self.now_ns + int(ms * MS)
        while True:
            session_ns = self.session.next_due_ns()
            wire_ns = self._due[0][0] if self._due else until_ns + 1
            due_ns = min(wire_ns, until_ns + 1 if session_ns is None else max(session_ns, self.now_ns))
            if due_ns > until_ns:
                self.now_ns = until_ns
                return
            self.now_ns = max(self.now_ns, due_ns)
            if wire_ns <= due_ns:
                heapq.heappop(self._due)[2]()
            else:
                self.session.wake(self.now_ns)


def _builder(spec: ConnectorSpec) -> Callable[[Any], PortConnector]:
    return lambda _context: PortConnector(spec)


def _named(connector: str, events: Sequence[Event]) -> bytes:
    return _ENCODE(list(events)).replace(f'"{NAME}'.encode(), f'"{connector}'.encode())

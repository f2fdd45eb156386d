"""A venue whose every frame a test writes down, and whole sessions that run on such venues."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec

from paraphina_core import strategy
from paraphina_core.config import Config, resolve
from paraphina_core.connector import (
    Capability,
    ConnectorContext,
    ConnectorSpec,
    DataSource,
    FeeSchedule,
    LocalSource,
    MarketDataOnly,
    OrderGate,
    Plan,
    Plugins,
    RegisterConnector,
    RegisterOrderGate,
    RegisterStrategy,
    StrategySpec,
    StreamPlan,
    TradeMode,
    WriteContext,
    hookimpl,
    load_plugins,
    mock,
)
from paraphina_core.domain import (
    BookSnapshot,
    Event,
    FixedTick,
    Instrument,
    InstrumentDefined,
    InstrumentId,
    Level,
    RemoteProtocolError,
)
from paraphina_core.session import Run, Summary

#: One step of a script: milliseconds after the stream opened, and what arrives then: events, raw
#: bytes (`sleep 300` blocks for so many milliseconds), or an exception that the connector raises.
Step = tuple[int, Sequence[Event] | bytes | Exception]

_EVENTS = msgspec.json.Decoder(list[Event])


def instrument(venue: str) -> Instrument:
    """Return the one instrument of a scripted venue."""
    return Instrument(
        venue=venue,
        native_id="BTC",
        base="BTC",
        quote="USD",
        price_rule=FixedTick(tick=Decimal("0.5")),
        lot_size=Decimal("0.001"),
        min_size=Decimal("0.001"),
        min_notional=Decimal(10),
    )


def book(venue: str, bid: float = 9999.5, ask: float = 10000.5, size: float = 5.0) -> BookSnapshot:
    """Return a book of one level a side."""
    return BookSnapshot(
        instrument=InstrumentId(f"{venue}:BTC"), bids=(Level(bid, size),), asks=(Level(ask, size),)
    )


def defined(venue: str) -> InstrumentDefined:
    """Return the definition that a script begins with."""
    return InstrumentDefined(instrument=instrument(venue))


def steady(venue: str, until_ms: int, every_ms: int = 100, **changes: float) -> list[Step]:
    """Return a script of a definition and the same book again and again."""
    return [(0, [defined(venue)])] + [
        (at_ms, [book(venue, **changes)]) for at_ms in range(0, until_ms, every_ms)
    ]


class ScriptedConnector(MarketDataOnly):
    """Delivers a script; its wire format is the events themselves."""

    def __init__(self, spec: ConnectorSpec, script: Sequence[Step], *, repeat: bool) -> None:
        self.spec = spec
        self._script = script
        self._repeat = repeat
        self._errors = {
            str(step): what for step, (_, what) in enumerate(script) if isinstance(what, Exception)
        }

    def plan(self) -> Plan:
        """One stream: the script."""
        source = LocalSource(frames=self._frames, repeat=self._repeat)
        return Plan(streams=(StreamPlan(name="script", source=source, max_silence_ms=60_000),))

    def opened(self, stream: str, context: WriteContext) -> Sequence[bytes]:
        """Nothing is kept of a connection."""
        return ()

    def read(self, stream: str, frame: bytes, at_ns: int) -> Sequence[Event]:
        """Decode the events, or raise what the script says."""
        if frame.startswith(b"sleep "):
            time.sleep(int(frame[6:]) / 1000)
            return ()
        if frame.startswith(b"raise "):
            raise self._errors[frame[6:].decode()]
        try:
            return _EVENTS.decode(frame)
        except msgspec.DecodeError as e:
            raise RemoteProtocolError(f"frame cannot be read: {e}") from e

    def _frames(self, start_ns: int) -> Iterator[tuple[int, bytes]]:
        for step, (at_ms, what) in enumerate(self._script):
            if isinstance(what, bytes):
                frame = what
            elif isinstance(what, Exception):
                frame = f"raise {step}".encode()
            else:
                frame = msgspec.json.encode(list(what))
            yield start_ns + at_ms * 1_000_000, frame


def plugin(
    scripts: Mapping[str, Sequence[Step]],
    *,
    strategies: Iterable[StrategySpec] = (),
    gates: Iterable[OrderGate] = (),
    repeat: bool = False,
) -> ModuleType:
    """Return a plugin module with a scripted connector for each name."""

    def spec(name: str) -> ConnectorSpec:
        def build(_context: ConnectorContext) -> ScriptedConnector:
            return ScriptedConnector(made, scripts[name], repeat=repeat)

        made = ConnectorSpec(
            name=name,
            venue=name.title(),
            feature_flag=None,
            capabilities={Capability.MARKET: "a script"},
            trade_modes=frozenset({TradeMode.SHADOW, TradeMode.PAPER}),
            factory=build,
            data_source=DataSource.RECORDED,
            fees=FeeSchedule(maker_bps=1.0, taker_bps=5.0, source="chosen"),
        )
        return made

    module = ModuleType("scripted_plugin")
    module.__file__ = __file__

    @hookimpl
    def paraphina_register_connectors(register: RegisterConnector) -> None:
        for name in scripts:
            register(spec(name))

    @hookimpl
    def paraphina_register_strategies(register: RegisterStrategy) -> None:
        for one in strategies:
            register(one)

    @hookimpl
    def paraphina_register_order_gates(register: RegisterOrderGate) -> None:
        for gate in gates:
            register(gate)

    for hook in (
        paraphina_register_connectors,
        paraphina_register_strategies,
        paraphina_register_order_gates,
    ):
        setattr(module, hook.__name__, hook)
    return module


class World:
    """Runs sessions on scripted venues, in virtual time, in a folder of the test."""

    def __init__(self, folder: Path, *modules: ModuleType) -> None:
        self.folder = folder
        self.plugins: Plugins = load_plugins([mock, strategy, *modules], candidates=(), flags=())
        self._number = 0

    def config(self, *, file: Path | None = None, **options: object) -> Config:
        """Resolve a configuration; options are flags with underscores."""
        self._number += 1
        given: dict[str, object] = {
            "trade_mode": "paper",
            "clock": "virtual",
            "out_dir": str(self.folder / f"run{self._number}"),
            **options,
        }
        cli = {f"--{name.replace('_', '-')}": str(value) for name, value in given.items()}
        return resolve(cli=cli, env={}, file=file, plugins=self.plugins)

    def run(self, *, file: Path | None = None, **options: object) -> tuple[Run, Summary]:
        """Run one session to its end."""
        run = Run(self.config(file=file, **options), self.plugins, self.folder / "home")
        return run, asyncio.run(run.execute())


def strategy_of(name: str, decide: Callable[..., Any]) -> StrategySpec:
    """Return a strategy that is one function of view and time."""

    class _Strategy:
        def decide(self, view: Any, at_ns: int) -> Any:
            return decide(view, at_ns)

    return StrategySpec(name=name, summary=name, parameters={}, build=lambda _parameters: _Strategy())

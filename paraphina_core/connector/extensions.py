"""What else a plugin may bring: strategies, order gates, preflight checks, observers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Protocol, runtime_checkable

import msgspec

from paraphina_core.domain import (
    ClientOrderId,
    Event,
    Instrument,
    InstrumentId,
    PlaceOrder,
    Target,
    TradingState,
    View,
)

from .capabilities import TradeMode


class Strategy(Protocol):
    """Decides what should rest in the market. Pure: same view and time, same targets."""

    def decide(self, view: View, at_ns: int) -> Sequence[Target]:
        """Return every order wanted in the market now; an absent one is cancelled.

        Must not block, do I/O, read a clock or keep state that a replay could not rebuild.
        """


@runtime_checkable
class Explaining(Protocol):
    """A strategy that can say why it wants nothing."""

    def why(self, instrument: InstrumentId) -> str:
        """Say why nothing is wanted on an instrument since the last decision; empty where something is."""


class Parameter(msgspec.Struct, frozen=True, kw_only=True):
    """What a strategy's parameter means, and which values make sense; both ends are allowed."""

    unit: str
    low: float
    high: float
    meaning: str


class StrategySpec(msgspec.Struct, frozen=True, kw_only=True):
    """A strategy that users can select by name.

    `parameters` gives each parameter's default; its name carries the unit. `build` gets the
    parameters in force. `explained` says what parameters mean; a value outside of the range that it
    gives is refused with the configuration.
    """

    name: str
    summary: str
    parameters: Mapping[str, float]
    build: Callable[[Mapping[str, float]], Strategy]
    explained: Mapping[str, Parameter] = {}


class OrderFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What a plugin's order gate is shown beside the order itself."""

    instrument: Instrument
    mode: TradeMode
    state: TradingState
    best_bid: float | None
    best_ask: float | None
    position_base: float
    open_orders: int


class OrderGate(msgspec.Struct, frozen=True, kw_only=True):
    """An additional reason to refuse an order.

    It is asked only after every gate of the core has passed, so it can refuse more and never
    less. `refuses` returns why, or None; raising counts as a refusal.
    """

    code: str
    summary: str
    refuses: Callable[[PlaceOrder, OrderFacts], str | None]


class CheckStatus(StrEnum):
    """Verdict of a check; unknown never counts as a pass."""

    PASS = "pass"  # noqa: S105  # a verdict, not a password
    FAIL = "fail"
    UNKNOWN = "unknown"


class CheckResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a preflight check found and what to do about it."""

    status: CheckStatus
    found: str
    remedy: str = ""


class PreflightFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What a plugin's preflight check may know: mode, connectors, their non-secret settings."""

    mode: TradeMode
    connectors: tuple[str, ...]
    settings: Mapping[str, Mapping[str, str | int | float | bool]]


class PreflightCheck(msgspec.Struct, frozen=True, kw_only=True):
    """A check that preflight runs beside its own; raising counts as unknown."""

    id: str
    summary: str
    run: Callable[[PreflightFacts], CheckResult]


class Observation(msgspec.Struct, frozen=True, kw_only=True):
    """One step of the session as an observer sees it, after it has been acted upon."""

    at_ns: int
    connector: str
    events: tuple[Event, ...]
    placed: tuple[PlaceOrder, ...] = ()
    cancelled: tuple[ClientOrderId, ...] = ()

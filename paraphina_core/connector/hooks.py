"""The hooks a plugin may implement: few, typed, each with who calls it, when, and what if it raises.

A plugin's entry point in the group `paraphina` names a module whose functions carry `@hookimpl`.
Import of that module must be cheap and silent: no I/O, no thread, no environment.
"""

from __future__ import annotations

from typing import Final, Protocol

import pluggy

from .extensions import Observation, OrderGate, PreflightCheck, StrategySpec
from .spec import ConnectorSpec

#: Name of the plugin system and of the entry-point group.
PROJECT: Final = "paraphina"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


class RegisterConnector(Protocol):
    """Callback that `paraphina_register_connectors` receives."""

    def __call__(self, spec: ConnectorSpec, /) -> None:
        """Register one connector."""


class RegisterStrategy(Protocol):
    """Callback that `paraphina_register_strategies` receives."""

    def __call__(self, spec: StrategySpec, /) -> None:
        """Register one strategy."""


class RegisterOrderGate(Protocol):
    """Callback that `paraphina_register_order_gates` receives."""

    def __call__(self, gate: OrderGate, /) -> None:
        """Register one order gate."""


class RegisterPreflightCheck(Protocol):
    """Callback that `paraphina_register_preflight_checks` receives."""

    def __call__(self, check: PreflightCheck, /) -> None:
        """Register one preflight check."""


@hookspec
def paraphina_register_connectors(register: RegisterConnector) -> None:
    """Call `register` with the spec of each connector this plugin brings.

    Called by the loader, once, right after the plugin is imported, whatever the trade mode. It
    may not block. If it raises, the plugin is listed as broken with the reason and none of its
    hooks is used. If another plugin registers one of its names too, both are refused; a name of
    the core stays with the core.
    """


@hookspec
def paraphina_register_strategies(register: RegisterStrategy) -> None:
    """Call `register` with each strategy this plugin brings.

    Called by the loader, once, after the connectors are registered. It may not block. If it
    raises, the plugin is listed as broken and not used; names that two plugins register are
    treated as those of connectors are.
    """


@hookspec
def paraphina_register_order_gates(register: RegisterOrderGate) -> None:
    """Call `register` with each additional order gate.

    Called by the loader, once. The gates themselves are asked by the session for every order that
    all gates of the core have passed; they can refuse more and never less. A gate must not block;
    if it raises, the order is refused.
    """


@hookspec
def paraphina_register_preflight_checks(register: RegisterPreflightCheck) -> None:
    """Call `register` with each additional preflight check.

    Called by the loader, once. The checks themselves run in `paraphina preflight`, which writes
    no receipt unless all of them pass; they may block for seconds (a network round trip). A check
    that raises counts as unknown, which is not a pass.
    """


@hookspec
def paraphina_observe(observation: Observation) -> None:
    """See what the session just did.

    Called by the session after each step that had events, on the session's own thread: it must
    not block. If it raises, the error is logged, and after ten errors the observer is muted for
    the rest of the run; trading is not affected.
    """

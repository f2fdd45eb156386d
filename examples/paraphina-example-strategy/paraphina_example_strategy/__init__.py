"""Example plugin: registers the strategy `join_touch` and the order gate `SPREAD_TOO_WIDE`."""

from __future__ import annotations

from paraphina_core.connector import RegisterOrderGate, RegisterStrategy, hookimpl

from .join_touch import STRATEGY
from .spread_gate import GATE

__all__ = ["GATE", "STRATEGY"]


@hookimpl
def paraphina_register_strategies(register: RegisterStrategy) -> None:
    """Register the strategy."""
    register(STRATEGY)


@hookimpl
def paraphina_register_order_gates(register: RegisterOrderGate) -> None:
    """Register the order gate."""
    register(GATE)

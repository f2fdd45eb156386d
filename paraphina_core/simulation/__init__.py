"""Whole sessions against their venues' twins in virtual time, under faults drawn from a seed."""

from __future__ import annotations

from .invariants import Invariants
from .judge import always, healed, settled
from .run import Outcome, simplest, simulate
from .shrink import shrink
from .weather import EVERYTHING, LASTING, NUMBERS, Strike, weather
from .world import START_NS, Scenario, World

__all__ = [
    "EVERYTHING",
    "LASTING",
    "NUMBERS",
    "START_NS",
    "Invariants",
    "Outcome",
    "Scenario",
    "Strike",
    "World",
    "always",
    "healed",
    "settled",
    "shrink",
    "simplest",
    "simulate",
    "weather",
]

"""Whole sessions against their venues' twins in virtual time, under faults drawn from a seed."""

from __future__ import annotations

from .judge import always, healed, settled
from .run import Outcome, simulate
from .weather import EVERYTHING, LASTING, Strike, weather
from .world import START_NS, Scenario, World

__all__ = [
    "EVERYTHING",
    "LASTING",
    "START_NS",
    "Outcome",
    "Scenario",
    "Strike",
    "World",
    "always",
    "healed",
    "settled",
    "simulate",
    "weather",
]

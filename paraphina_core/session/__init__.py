"""Composes one run: start-up facts, the step, the order of time, recovery of what was recorded, the end."""

from __future__ import annotations

from .facts import gather
from .preflight import PreflightReport, preflight
from .replay import Difference, ReplayResult, replay_run
from .run import OrderLeft, Run, Summary
from .snapshot import (
    AccountSnapshot,
    ConnectionSnapshot,
    MarketSnapshot,
    OrderSnapshot,
    SessionSnapshot,
    VenueSnapshot,
)

__all__ = [
    "AccountSnapshot",
    "ConnectionSnapshot",
    "Difference",
    "MarketSnapshot",
    "OrderLeft",
    "OrderSnapshot",
    "PreflightReport",
    "ReplayResult",
    "Run",
    "SessionSnapshot",
    "Summary",
    "VenueSnapshot",
    "gather",
    "preflight",
    "replay_run",
]

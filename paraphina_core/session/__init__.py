"""Composes one run: start-up facts, the step, the order of time, recovery of what was recorded, the end."""

from __future__ import annotations

from .capturing import RECORDING_FILE, capture, recording_folder
from .compose import compose
from .doctor import Finding, Level, examine
from .endpoints import engine_of
from .facts import gather
from .kill_latch import KillLatch
from .playback import with_recording
from .preflight import PreflightReport, preflight
from .replay import Difference, ReplayResult, replay_run
from .run import KILLED_EXIT_CODE, OrderLeft, Run, Summary, settle_memory
from .running import SessionFile, sessions
from .session import Session
from .snapshot import (
    AccountSnapshot,
    ConnectionSnapshot,
    MarketSnapshot,
    OrderSnapshot,
    SessionSnapshot,
    VenueSnapshot,
)
from .visit import visited
from .watchdog import Watchdog, watched_over

__all__ = [
    "KILLED_EXIT_CODE",
    "RECORDING_FILE",
    "AccountSnapshot",
    "ConnectionSnapshot",
    "Difference",
    "Finding",
    "KillLatch",
    "Level",
    "MarketSnapshot",
    "OrderLeft",
    "OrderSnapshot",
    "PreflightReport",
    "ReplayResult",
    "Run",
    "Session",
    "SessionFile",
    "SessionSnapshot",
    "Summary",
    "VenueSnapshot",
    "Watchdog",
    "capture",
    "compose",
    "engine_of",
    "examine",
    "gather",
    "preflight",
    "recording_folder",
    "replay_run",
    "sessions",
    "settle_memory",
    "visited",
    "watched_over",
    "with_recording",
]

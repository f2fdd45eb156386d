"""Composes one run: start-up facts, the step, the order of time, recovery of what was recorded, the end."""

from __future__ import annotations

from .capturing import RECORDING_FILE, capture, recording_folder
from .compose import compose
from .doctor import Finding, Level, examine
from .endpoints import engine_of
from .evidence import (
    code_of,
    commit,
    host_facts,
    keep,
    proofs,
    read_evidence,
    session_statements,
    tool_versions,
    void_reason,
    waiver,
)
from .explanation import Explanation, explain, in_words, is_ill, state_of
from .facts import gather
from .kill_latch import KillLatch
from .operator_box import OperatorBox, StateAnswer, StateRequest
from .outputs import JOURNAL_FOLDER, write_json
from .playback import with_recording
from .preflight import PreflightReport, preflight
from .readiness import readiness_report
from .replay import Difference, ReplayResult, replay_run, snapshot_of_run
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
    WantedSnapshot,
)
from .states import Standing
from .visit import visited
from .watchdog import Watchdog, watched_over

__all__ = [
    "JOURNAL_FOLDER",
    "KILLED_EXIT_CODE",
    "RECORDING_FILE",
    "AccountSnapshot",
    "ConnectionSnapshot",
    "Difference",
    "Explanation",
    "Finding",
    "KillLatch",
    "Level",
    "MarketSnapshot",
    "OperatorBox",
    "OrderLeft",
    "OrderSnapshot",
    "PreflightReport",
    "ReplayResult",
    "Run",
    "Session",
    "SessionFile",
    "SessionSnapshot",
    "Standing",
    "StateAnswer",
    "StateRequest",
    "Summary",
    "VenueSnapshot",
    "WantedSnapshot",
    "Watchdog",
    "capture",
    "code_of",
    "commit",
    "compose",
    "engine_of",
    "examine",
    "explain",
    "gather",
    "host_facts",
    "in_words",
    "is_ill",
    "keep",
    "preflight",
    "proofs",
    "read_evidence",
    "readiness_report",
    "recording_folder",
    "replay_run",
    "session_statements",
    "sessions",
    "settle_memory",
    "snapshot_of_run",
    "state_of",
    "tool_versions",
    "visited",
    "void_reason",
    "waiver",
    "watched_over",
    "with_recording",
    "write_json",
]

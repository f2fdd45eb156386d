"""Statements of evidence with which a connector reaches a rung, for tests that then change one thing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from paraphina_core.domain import NS_PER_S
from paraphina_core.readiness import Code, EvidenceFolder, Identity, Kind, Reached, Record, Statement

NOW_NS = 1_800_000_000 * NS_PER_S
DAY_NS = 86_400 * NS_PER_S
IDENTITY = Identity(b"e" * 32)
CODE = Code(
    core_version="0.1.0",
    core_hash="c" * 64,
    plugin="paraphina-reef",
    plugin_version="1.0",
    plugin_hash="a" * 64,
)

#: What each kind counts when it shows something.
_COUNTS = {
    Kind.SHADOW: {"books": 1},
    Kind.PAPER: {"books": 1},
    Kind.SIMULATION: {"virtual_s": 3_600, "fills": 9},
    Kind.TESTNET: {"books": 1, "fills": 4},
    Kind.CANARY: {"books": 1, "fills": 60, "kill_drills": 1},
}


def statement(kind: Kind, reached: Reached = Reached.TWIN, **changes: Any) -> Statement:
    """Make a statement of a run that ended now and passed."""
    made = Statement(
        kind=kind,
        suite=f"{kind} 1",
        command=f"paraphina {kind} reef",
        exit_code=0,
        connector="reef",
        code=CODE,
        commit="",
        config_hash="f" * 64,
        reached=reached,
        started_ns=NOW_NS - NS_PER_S,
        ended_ns=NOW_NS,
        passed=True,
        whole=True,
        counts=_COUNTS.get(kind, {"passed": 9}),
        outcomes={"CO-010": "passed"},
        artifacts={"result": "d" * 64},
        host={"machine": "x86_64"},
        tools={"CPython": "3.11.1"},
    )
    return msgspec.structs.replace(made, **changes)


def records(*statements: Statement) -> tuple[Record, ...]:
    """Number statements as a chain would; only what the ladder reads is true of them."""
    return tuple(
        Record(number=number, previous="", installation=IDENTITY.name, statement=one)
        for number, one in enumerate(statements, start=1)
    )


def folder(home: Path, *kinds: Kind) -> EvidenceFolder:
    """Make a folder of evidence with a record of each kind."""
    kept = EvidenceFolder(home, IDENTITY)
    kept.append([statement(kind) for kind in kinds])
    return kept

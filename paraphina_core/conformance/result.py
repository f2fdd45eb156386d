"""What a run of the suite found, card by card, as values that a program can read."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import msgspec

#: Grows whenever a card is added or asks for more; a result says which suite it is of.
SUITE_VERSION: Final = 1


class Outcome(StrEnum):
    """How a card ended. Only `passed` is a pass."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"
    ERROR = "error"


class CardResult(msgspec.Struct, frozen=True, kw_only=True):
    """How one card ended.

    Args:
        reason: why it failed or was skipped; empty for a pass.
        found: the value that was met, of a failure.
        wanted: what would have been accepted, of a failure.
        faults: kinds of faults that were really brought about.
    """

    id: str
    title: str
    outcome: Outcome
    duration_ms: float
    reason: str = ""
    found: str = ""
    wanted: str = ""
    faults: tuple[str, ...] = ()


class SuiteResult(msgspec.Struct, frozen=True, kw_only=True):
    """How one connector did.

    Args:
        conforms: no card failed or broke off, one passed at least, and no fault was missed.
        plugin, plugin_version, plugin_hash: what was tried; empty where it is unknown.
        core_version, core_hash: with what.
        started_ns, ended_ns: nanoseconds since 1970.
        counts: cards by outcome.
        faults_met: kinds of faults that the twin really brought about.
        faults_missed: kinds that cards of the connector's capabilities should have brought about.
    """

    suite_version: int
    connector: str
    plugin: str
    plugin_version: str
    plugin_hash: str
    core_version: str
    core_hash: str
    started_ns: int
    ended_ns: int
    conforms: bool
    counts: dict[str, int]
    faults_met: tuple[str, ...]
    faults_missed: tuple[str, ...]
    cards: tuple[CardResult, ...]


def passes(results: tuple[CardResult, ...]) -> bool:
    """Tell whether no card speaks against a connector, and one for it; nothing tried is no pass."""
    outcomes = {result.outcome for result in results}
    return Outcome.PASSED in outcomes and outcomes <= {Outcome.PASSED, Outcome.SKIPPED}


def counts(results: tuple[CardResult, ...]) -> dict[str, int]:
    """Count the cards by outcome."""
    return {outcome.value: sum(result.outcome is outcome for result in results) for outcome in Outcome}

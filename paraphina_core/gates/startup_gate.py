"""The shape of a start-up gate: a stable id, what it checks, in which modes, and how it judges."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, TypeAlias

import msgspec

from paraphina_core.connector import CheckResult, CheckStatus, TradeMode

from .startup_facts import StartupFacts

Judge: TypeAlias = Callable[[StartupFacts], CheckResult]

ALL_MODES: Final = frozenset(TradeMode)
SENDING_MODES: Final = frozenset(mode for mode in TradeMode if mode.reaches_venue)


class StartupGate(msgspec.Struct, frozen=True, kw_only=True):
    """One gate of the list.

    Args:
        id: stable name.
        title: what it is about, in a few words.
        explanation: what it checks and why, for people.
        judge: judges the facts; must not do anything else.
        required_in: trade modes that it can refuse.
        informs_in: trade modes in which it is shown and refuses nothing.
        on_twins_only: it is asked only where twins stand in for the venues.
        arms: it is opened for one start, so preflight, which comes before, does not ask it.
    """

    id: str
    title: str
    explanation: str
    judge: Judge
    required_in: frozenset[TradeMode]
    informs_in: frozenset[TradeMode]
    on_twins_only: bool
    arms: bool

    def applies_to(self, facts: StartupFacts) -> bool:
        """Tell whether the gate is asked of these facts."""
        is_asked = facts.asked_as in self.required_in or facts.asked_as in self.informs_in
        return is_asked and (facts.is_on_twins or not self.on_twins_only)


class Gates(list[StartupGate]):
    """Gates in the order in which they are shown: the order in which they are written."""

    def gate(
        self,
        title: str,
        explanation: str,
        *,
        required_in: frozenset[TradeMode] = SENDING_MODES,
        informs_in: frozenset[TradeMode] = frozenset(),
        on_twins_only: bool = False,
        arms: bool = False,
    ) -> Callable[[Judge], Judge]:
        """Return the decorator that appends a function as the gate of its own name."""

        def add(judge: Judge) -> Judge:
            self.append(
                StartupGate(
                    id=judge.__name__,
                    title=title,
                    explanation=explanation,
                    judge=judge,
                    required_in=required_in,
                    informs_in=informs_in,
                    on_twins_only=on_twins_only,
                    arms=arms,
                )
            )
            return judge

        return add


def passed(found: str) -> CheckResult:
    """Pass, with what was found."""
    return CheckResult(status=CheckStatus.PASS, found=found)


def failed(found: str, remedy: str) -> CheckResult:
    """Fail, with what was found and what to do."""
    return CheckResult(status=CheckStatus.FAIL, found=found, remedy=remedy)


def unknown(found: str, remedy: str) -> CheckResult:
    """Do not know, which counts as a failure."""
    return CheckResult(status=CheckStatus.UNKNOWN, found=found, remedy=remedy)


def passed_if_none(faults: Iterable[str], found: str, remedy: str) -> CheckResult:
    """Pass with what was found, or fail with every fault."""
    text = "; ".join(faults)
    return failed(text, remedy) if text else passed(found)


def connector_names(facts: StartupFacts) -> str:
    """Name the selected connectors."""
    return ", ".join(connector.name for connector in facts.connectors) or "no connector"

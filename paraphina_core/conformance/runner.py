"""Runs cards on a subject, one after the other, and says of each how it ended."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Final

from paraphina_core import __version__
from paraphina_core.connector import PluginRecord, core_hash

from .bench import Bench
from .card import Broken, Card, Evidence, NotApplicable, Trial, check
from .registry import TRIALS
from .result import SUITE_VERSION, CardResult, Outcome, SuiteResult, counts, passes
from .subject import Subject

#: Characters of a reason that are kept.
MAX_REASON: Final = 500


class Runner:
    """Runs the suite on one subject.

    Args:
        subject: what is tried.
        trials: cards to run; those of the registry.
    """

    def __init__(self, subject: Subject, trials: Sequence[Trial] = TRIALS) -> None:
        self.subject = subject
        self.trials = tuple(trials)
        self._bench = Bench(subject)

    def run(self) -> Iterator[CardResult]:
        """Run the cards; yield how each ended, when it has."""
        for trial in self.trials:
            yield self.run_one(trial)

    def run_one(self, trial: Trial) -> CardResult:
        """Run one card. Nothing is raised, whatever the connector does, but what ends a program."""
        card = trial.card
        begin_ns = time.perf_counter_ns()
        outcome, reason, found, wanted = Outcome.PASSED, "", "", ""
        try:
            reason = self._why_skipped(card)
            if reason:
                outcome = Outcome.SKIPPED
            else:
                self._bench.faults.clear()
                trial.run(self._bench)
                missed = sorted(set(card.faults) - self._met())
                check(not missed, "the twin did not bring these faults about", found=missed)
        except NotApplicable as e:
            outcome, reason = Outcome.SKIPPED, str(e)
        except Broken as e:
            outcome, reason, found, wanted = Outcome.FAILED, e.what, e.found, e.wanted
        except Exception as e:  # noqa: BLE001  # a connector may raise anything, anywhere
            outcome, reason = Outcome.ERROR, f"{type(e).__name__}: {e}"
        return CardResult(
            id=card.id,
            title=card.title,
            outcome=outcome,
            duration_ms=(time.perf_counter_ns() - begin_ns) / 1e6,
            reason=reason[:MAX_REASON],
            found=found,
            wanted=wanted,
            faults=() if outcome is Outcome.SKIPPED else tuple(sorted(self._met())),
        )

    def lacks_evidence(self, card: Card) -> str:
        """Say which evidence of what the connector declares is missing for a card; empty if none is."""
        is_declared = set(card.capabilities) <= set(self.subject.spec.capabilities)
        if card.id in self.subject.skips or not is_declared:
            return ""
        for need in card.needs:
            if need is Evidence.INSTRUMENTS:
                if not self._bench.instruments:
                    return "no recording defines an instrument"
            elif need not in self._bench.evidence:
                return f"the subject brings no {need.noun}"
        return ""

    def _met(self) -> set[str]:
        return {name for happened in self._bench.faults for name in happened}

    def _why_skipped(self, card: Card) -> str:
        declared = self.subject.skips.get(card.id)
        if declared is not None:
            return f"declared by the subject: {declared}"
        for capability in card.capabilities:
            if capability not in self.subject.spec.capabilities:
                return f"capability {capability.value} is not declared"
        return self.lacks_evidence(card)


def summary(
    runner: Runner,
    origin: PluginRecord | None,
    results: Sequence[CardResult],
    *,
    started_ns: int,
    ended_ns: int,
) -> SuiteResult:
    """Sum up a run.

    Args:
        runner: what ran the cards.
        origin: the plugin that brings the connector, if it is known.
        results: how each card ended.
        started_ns: when the run began, nanoseconds since 1970.
        ended_ns: when it ended.
    """
    spec = runner.subject.spec
    all_results = tuple(results)
    met = {name for result in results for name in result.faults}
    skipped = {result.id for result in results if result.outcome is Outcome.SKIPPED}
    cards = [t.card for t in runner.trials if t.card.id not in skipped or runner.lacks_evidence(t.card)]
    due = {name for card in cards for name in card.faults}
    return SuiteResult(
        suite_version=SUITE_VERSION,
        connector=spec.name,
        plugin="" if origin is None else origin.distribution,
        plugin_version="" if origin is None else origin.version,
        plugin_hash="" if origin is None else origin.source_hash,
        core_version=__version__,
        core_hash=core_hash(),
        started_ns=started_ns,
        ended_ns=ended_ns,
        conforms=passes(all_results) and due <= met,
        counts=counts(all_results),
        faults_met=tuple(sorted(met)),
        faults_missed=tuple(sorted(due - met)),
        cards=all_results,
    )

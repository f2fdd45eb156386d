"""The suite as tests: a base class that gives a plugin one test for each card, without importing pytest."""

from __future__ import annotations

from typing import Any, ClassVar
from unittest import SkipTest

from .card import Trial
from .registry import TRIALS
from .result import CardResult, Outcome
from .runner import Runner
from .subject import Subject


class ConformanceSuite:
    """Base class of a plugin's conformance tests.

    A subclass whose name begins with `Test` names its subject and is done; `trials` may name fewer cards::

        class TestReef(ConformanceSuite):
            subject = SUBJECT
    """

    subject: ClassVar[Subject]
    trials: ClassVar[tuple[Trial, ...]] = TRIALS
    _runners: ClassVar[dict[int, Runner]] = {}

    @staticmethod
    def pytest_generate_tests(metafunc: Any) -> None:  # noqa: ANN401  # pytest's type, which is not imported here
        """Make one test of each card."""
        trials = metafunc.cls.trials
        metafunc.parametrize("trial", trials, ids=[trial.card.id for trial in trials])

    def test_conforms(self, trial: Trial) -> None:
        """The connector keeps the promise of the card."""
        result = self._runner().run_one(trial)
        if result.outcome is Outcome.SKIPPED:
            raise SkipTest(result.reason)
        if result.outcome is not Outcome.PASSED:
            raise AssertionError(_in_words(result))

    @classmethod
    def _runner(cls) -> Runner:
        """Return the runner of the subject, one for all cards: it reads the recordings once."""
        return cls._runners.setdefault(id(cls.subject), Runner(cls.subject))


def _in_words(result: CardResult) -> str:
    lines = [f"{result.id} {result.title}", f"  {result.outcome.value}: {result.reason}"]
    lines += [f"  found: {result.found}"] if result.found else []
    lines += [f"  wanted: {result.wanted}"] if result.wanted else []
    return "\n".join(lines)

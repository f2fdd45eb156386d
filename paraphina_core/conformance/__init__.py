"""The contract's tests for any connector: numbered cards, chosen by what it declares and brings.

A plugin names a `Subject` and gets one test for each card from `ConformanceSuite`; `Runner` does the same
without a test framework.
"""

from __future__ import annotations

from .card import Broken, Card, Evidence, Family, NotApplicable, Trial
from .load import subject_of
from .page import to_markdown
from .registry import TRIALS, select
from .result import SUITE_VERSION, CardResult, Outcome, SuiteResult
from .runner import Runner, summary
from .subject import Arrival, Login, Opening, Recording, Reply, Scene, Step, Subject, TwinSide
from .suite import ConformanceSuite

__all__ = [
    "SUITE_VERSION",
    "TRIALS",
    "Arrival",
    "Broken",
    "Card",
    "CardResult",
    "ConformanceSuite",
    "Evidence",
    "Family",
    "Login",
    "NotApplicable",
    "Opening",
    "Outcome",
    "Recording",
    "Reply",
    "Runner",
    "Scene",
    "Step",
    "Subject",
    "SuiteResult",
    "Trial",
    "TwinSide",
    "select",
    "subject_of",
    "summary",
    "to_markdown",
]

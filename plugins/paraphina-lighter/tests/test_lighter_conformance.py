"""The plugin's connector keeps the contract, card by card."""

from __future__ import annotations

from paraphina_core.conformance import ConformanceSuite
from paraphina_lighter.twin import conformance


class TestLighter(ConformanceSuite):
    """The public market."""

    subject = conformance.SUBJECT

"""The plugin's connector keeps the contract, card by card, on frames in the venue's shapes."""

from __future__ import annotations

from paraphina_core.conformance import ConformanceSuite
from paraphina_extended.twin import conformance


class TestExtended(ConformanceSuite):
    """The public market."""

    subject = conformance.SUBJECT

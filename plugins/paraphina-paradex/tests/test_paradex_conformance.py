"""The plugin's connector keeps the contract, card by card, on frames of the venue's production."""

from __future__ import annotations

from paraphina_core.conformance import ConformanceSuite
from paraphina_paradex.twin import conformance


class TestParadex(ConformanceSuite):
    """The public market."""

    subject = conformance.SUBJECT

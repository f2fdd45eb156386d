"""The plugin's connector keeps the contract, card by card, on genuine frames of its wire format."""

from __future__ import annotations

from paraphina_aster.twin import conformance
from paraphina_core.conformance import ConformanceSuite


class TestAster(ConformanceSuite):
    """The public market."""

    subject = conformance.SUBJECT

"""The plugin's connectors keep the contract, card by card."""

from __future__ import annotations

from paraphina_core.conformance import ConformanceSuite, Subject
from paraphina_hyperliquid.spec import FIXTURE


class TestFixture(ConformanceSuite):
    """The replay of the recordings."""

    subject = Subject(spec=FIXTURE)

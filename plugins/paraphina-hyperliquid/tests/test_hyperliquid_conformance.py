"""The plugin's connectors keep the contract, card by card."""

from __future__ import annotations

import msgspec

from paraphina_core.conformance import TRIALS, ConformanceSuite, Evidence, Subject
from paraphina_core.connector import TradeMode
from paraphina_hyperliquid.spec import FIXTURE
from paraphina_hyperliquid.twin import conformance


class TestFixture(ConformanceSuite):
    """The replay of the recordings."""

    subject = Subject(spec=FIXTURE)


class TestHyperliquid(ConformanceSuite):
    """The venue's own connector, against its recordings and its twin."""

    subject = conformance.SUBJECT


class TestWithoutOrders(ConformanceSuite):
    """The same where nothing is sent: what was recorded is read no other way."""

    subject = msgspec.structs.replace(conformance.SUBJECT, mode=TradeMode.PAPER)
    trials = tuple(trial for trial in TRIALS if Evidence.TWIN not in trial.card.needs)

"""No card is for show: the built-in connector passes, and each card has connectors that fail it."""

from __future__ import annotations

import pytest

from broken_feeds import BROKEN, subject
from paraphina_core.conformance import TRIALS, ConformanceSuite, Evidence, Outcome, Runner, Subject, select


class TestMock(ConformanceSuite):
    """The connector that comes with the core keeps the contract."""

    subject = subject()


@pytest.mark.parametrize(
    ("card", "wrong"),
    [pytest.param(card, wrong, id=f"{card} {what}") for card, what, wrong in BROKEN],
)
def test_a_card_notices_the_connector_that_breaks_its_promise(card: str, wrong: Subject) -> None:
    """A connector that is wrong in just this way does not pass."""
    (result,) = Runner(wrong, select([card])).run()
    assert result.outcome in {Outcome.FAILED, Outcome.ERROR}, result
    assert result.reason


def test_every_card_has_a_connector_that_fails_it() -> None:
    """A card that nothing can fail would be a decoration."""
    cards = {trial.card.id for trial in TRIALS if Evidence.TWIN not in trial.card.needs}
    assert {card for card, _, _ in BROKEN} == cards

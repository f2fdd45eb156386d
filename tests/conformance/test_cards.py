"""No card is for show: sound connectors pass, and each card has connectors that fail it."""

from __future__ import annotations

import pytest

import broken_feeds
import broken_orders
from paraphina_core.conformance import TRIALS, ConformanceSuite, Outcome, Runner, Subject, select
from paraphina_core.twin import MENU

BROKEN = (*broken_feeds.BROKEN, *broken_orders.BROKEN)


class TestMock(ConformanceSuite):
    """The connector that comes with the core keeps the contract."""

    subject = broken_feeds.subject()


@pytest.mark.parametrize(
    ("card", "wrong"),
    [pytest.param(card, wrong, id=f"{card} {what}") for card, what, wrong in BROKEN],
)
def test_a_card_notices_the_connector_that_breaks_its_promise(card: str, wrong: Subject) -> None:
    """A connector that is wrong in just this way does not pass."""
    (result,) = Runner(wrong, select([card])).run()
    assert result.outcome is Outcome.FAILED, result
    assert result.reason


def test_every_card_has_a_connector_that_fails_it() -> None:
    """A card that nothing can fail would be a decoration."""
    assert {card for card, _, _ in BROKEN} == {trial.card.id for trial in TRIALS}


def test_every_fault_of_the_menu_is_brought_about_by_a_card() -> None:
    """A fault that no connector ever meets would be a decoration too."""
    assert {name for trial in TRIALS for name in trial.card.faults} == set(MENU)

"""The venue's words for the state of an order have their meaning, also those that it has not made up yet."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from paraphina_core.domain import OrderState
from paraphina_hyperliquid.refusals import Code
from paraphina_hyperliquid.statuses import rejection_code, state_of

CASES = json.loads((Path(__file__).parent / "vectors" / "order_status_map.json").read_text(encoding="utf-8"))
STATES = {
    "open": OrderState.LIVE,
    "open_triggered": OrderState.LIVE,
    "filled": OrderState.FILLED,
    "canceled": OrderState.CANCELLED,
    "rejected": OrderState.REJECTED,
}


@pytest.mark.parametrize("case", CASES["cases"], ids=lambda case: case["status"])
def test_every_known_state_has_its_meaning_and_new_ones_are_told_by_their_ending(
    case: dict[str, str],
) -> None:
    """Twenty-six words of the venue, two of them from the future."""
    assert state_of(case["status"]) is STATES[case["expected"]]


@pytest.mark.parametrize("status", ["", "opened", "Filled", "canceledByMoon", "rejectedLater", "OPEN"])
def test_f026_a_state_that_nobody_knows_has_no_meaning(status: str) -> None:
    """Nothing is guessed from how a word begins, or from its case."""
    assert state_of(status) is None


def test_a_rejection_has_the_code_of_the_sentence_that_says_the_same() -> None:
    """Whoever counts rejections need not know which way one came."""
    assert rejection_code("badAloPxRejected") is Code.POST_ONLY_CROSSED
    assert rejection_code("iocCancelRejected") is Code.IOC_NO_MATCH
    assert rejection_code("minTradeNtlRejected") is Code.BELOW_MIN_NOTIONAL
    assert rejection_code("tooManyOpenOrdersRejected") is Code.TOO_MANY_OPEN_ORDERS
    assert rejection_code("someFutureReasonRejected") is Code.OTHER

"""The venue's refusals are known by their numbers, and only the venue's own judgement proves one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paraphina_aster.refusals import ALARMING, NO_EVIDENCE, REMEDIES, Code, code_of, proves_refusal

VECTORS = Path(__file__).parent / "vectors"


def _cases(name: str) -> list[dict[str, Any]]:
    cases: list[dict[str, Any]] = json.loads((VECTORS / name).read_text(encoding="utf-8"))["cases"]
    return cases


ERRORS = _cases("error_codes.json")
STATUSES = _cases("http_status.json")

#: What each class of the documented numbers may mean here.
_MEANS: dict[str, set[Code]] = {
    "unknown_execution": {Code.VENUE_TROUBLE},
    "transient_retry": {Code.VENUE_TROUBLE},
    "rate_limited": {Code.RATE_LIMIT},
    "auth_or_permission_final": {Code.SIGNER_REFUSED},
    "clock_or_nonce_resync_then_new_nonce": {Code.INVALID_NONCE},
    "order_gone_reconcile": {Code.ORDER_GONE},
    "no_change_treat_as_success": {Code.ALREADY_SO},
    "listen_key_recreate": {Code.LISTEN_KEY_GONE},
    "insufficient_funds_or_leverage": {Code.INSUFFICIENT_MARGIN},
    "account_limit_reduce_activity": {Code.TOO_MANY_OPEN_ORDERS, Code.REDUCE_ONLY_ACCOUNT},
    "final_bad_request": {
        Code.BAD_PRICE,
        Code.BAD_SIZE,
        Code.BAD_REQUEST,
        Code.BAD_CONFIGURATION,
        Code.BELOW_MIN_NOTIONAL,
        Code.IN_LIQUIDATION,
        Code.REDUCE_ONLY_INCREASES,
        Code.PRICE_TOO_FAR,
        Code.MARKET_CLOSED,
    },
}


@pytest.mark.parametrize("case", ERRORS, ids=lambda case: case["id"])
def test_every_documented_number_means_what_its_class_says(case: dict[str, Any]) -> None:
    """No number of the documentation is unknown, and none stands in a class that is treated otherwise."""
    assert code_of(case["code"]) in _MEANS[case["expected_class"]]


@pytest.mark.parametrize("case", ERRORS, ids=lambda case: case["id"])
def test_a_number_proves_a_refusal_only_where_the_request_can_not_have_been_executed(
    case: dict[str, Any],
) -> None:
    """What the venue says of its own trouble, its limits, a used nonce or a gone order leaves a doubt."""
    doubtful = {
        "unknown_execution",
        "transient_retry",
        "rate_limited",
        "clock_or_nonce_resync_then_new_nonce",
        "order_gone_reconcile",
    }
    assert proves_refusal(400, case["code"]) is (case["expected_class"] not in doubtful)


@pytest.mark.parametrize("case", STATUSES, ids=lambda case: case["id"])
def test_f030_only_the_status_of_a_bad_request_proves_a_refusal(case: dict[str, Any]) -> None:
    """A gateway's page, a ban and the venue's own failure say nothing of an order, whatever is in them."""
    assert proves_refusal(case["http_status"], -1111) is (case["expected_class"] == "final_bad_request")


@given(status=st.integers(), number=st.integers())
def test_a_number_that_nobody_knows_proves_nothing(status: int, number: int) -> None:
    """No status makes a refusal of a number without a meaning, and none of one without evidence."""
    if code_of(number) is None or code_of(number) in NO_EVIDENCE:
        assert not proves_refusal(status, number)


def test_what_only_an_operator_can_mend_is_alarming_and_explained() -> None:
    """A wallet without a deposit, an agent without permission and a clock that is wrong say what to do."""
    for number, words in ((-5050, "deposited"), (-4088, "agent may trade"), (-1021, "clock")):
        code = code_of(number)
        assert code in ALARMING
        assert words in REMEDIES[code]

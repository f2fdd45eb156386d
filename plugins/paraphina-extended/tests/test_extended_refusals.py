"""Every number that the venue documents has a meaning, and no other has one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from paraphina_extended.refusals import REFUSALS, Code, Needed, refusal_of

_TABLE = json.loads((Path(__file__).parent / "vectors" / "error_codes.json").read_bytes())
DOCUMENTED = {error["code"]: error["name"] for error in _TABLE["errors"]}


def test_every_documented_number_is_classified_and_no_other() -> None:
    """The venue's own and those of HTTP; what nobody knows proves nothing."""
    assert set(REFUSALS) == {*DOCUMENTED, *_TABLE["http"]}
    assert refusal_of(1199) is None


@pytest.mark.parametrize(
    ("number", "code", "needed"),
    [
        (429, Code.RATE_LIMIT, Needed.PAUSE),
        (1006, Code.VENUE_ERROR, Needed.RECONCILE),
        (1011, Code.POST_ONLY_MODE, Needed.PAUSE),
        (1014, Code.REDUCE_ONLY_MODE, Needed.PAUSE),
        (1101, Code.SIGNER_REFUSED, Needed.CHANGE),
        (1128, Code.FEE_TOO_LOW, Needed.FEES),
        (1134, Code.DUPLICATE, Needed.RECONCILE),
        (1140, Code.INSUFFICIENT_MARGIN, Needed.CHANGE),
        (1142, Code.MODIFY_NOT_FOUND, Needed.RECONCILE),
        (10501, Code.BAD_LEVERAGE, Needed.CHANGE),
    ],
)
def test_a_refusal_says_what_must_happen_before_a_new_try(number: int, code: Code, needed: Needed) -> None:
    """A duplicate may be the order itself; a fee that is too low is read again."""
    found = refusal_of(number)
    assert found is not None
    assert (found.code, found.needed) == (code, needed)


def test_the_names_of_the_venue_agree_with_their_codes() -> None:
    """Whoever added a number under the wrong code would be found out by its name."""
    said = {
        "Leverage": {Code.BAD_LEVERAGE},
        "Stark": {Code.SIGNER_REFUSED},
        "ReduceOnly": {Code.REDUCE_ONLY_INCREASES, Code.REDUCE_ONLY_MODE},
        "Withdrawal": {Code.NOT_OURS},
        "Referral": {Code.NOT_OURS},
        "Equity": {Code.INSUFFICIENT_MARGIN},
        "Expiration": {Code.EXPIRY_REFUSED, Code.NOT_OURS},
        "NotFound": {Code.NOT_FOUND, Code.BAD_CONFIGURATION, Code.MODIFY_NOT_FOUND},
    }
    for number, name in DOCUMENTED.items():
        for part, codes in said.items():
            assert part not in name or REFUSALS[number].code in codes, name

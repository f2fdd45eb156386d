"""Names as people type them."""

from __future__ import annotations

import pytest

from paraphina_core.domain import canonical_name, did_you_mean


@pytest.mark.parametrize("typed", ["hl_fixture", "hl-fixture", "HL-Fixture", " hl_fixture "])
def test_hyphen_underscore_case_and_blanks_make_no_other_name(typed: str) -> None:
    """All usual spellings of one name compare equal."""
    assert canonical_name(typed) == "hl_fixture"


@pytest.mark.parametrize(
    ("typed", "known", "remedy"),
    [
        ("max_postion", ["max_position", "min_size"], "did you mean max_position?"),
        ("PARAPHINA_TRADE_MOD", ["PARAPHINA_TRADE_MODE", "PARAPHINA_SEED"], "did you mean PARAPHINA_TRADE_MODE?"),
        ("papr", ["shadow", "paper"], "did you mean paper?"),
        ("zzzzzz", ["paper", "live"], "known are live, paper"),
        ("zzzzzz", [], "none is known here"),
    ],
)  # fmt: skip
def test_f094_the_nearest_name_is_offered(typed: str, known: list[str], remedy: str) -> None:
    """Whoever mistypes a name reads the one that was meant, or all there are."""
    assert did_you_mean(typed, known) == remedy

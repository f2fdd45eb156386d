"""Names as people type them."""

from __future__ import annotations

import pytest

from paraphina_core.domain import canonical_name, did_you_mean, nearest_name


@pytest.mark.parametrize("typed", ["hl_fixture", "hl-fixture", "HL-Fixture", " hl_fixture "])
def test_hyphen_underscore_case_and_blanks_make_no_other_name(typed: str) -> None:
    """All usual spellings of one name compare equal."""
    assert canonical_name(typed) == "hl_fixture"


@pytest.mark.parametrize(
    ("typed", "known", "remedy"),
    [
        ("max_postion", ["max_position", "min_size"], "did you mean max_position?"),
        ("Trade-Mod", ["trade_mode", "seed"], "did you mean trade_mode?"),
        ("papr", ["shadow", "paper"], "did you mean paper?"),
        ("zzzzzz", ["paper", "live"], "known are live, paper"),
        ("zzzzzz", [], "none is known here"),
    ],
)
def test_f094_the_nearest_name_is_offered(typed: str, known: list[str], remedy: str) -> None:
    """Whoever mistypes a name reads the one that was meant, or all there are."""
    assert did_you_mean(typed, known) == remedy


@pytest.mark.parametrize("typed", ["", "max" * 100_000, "\x00", "ｍａｘ"])
def test_text_that_resembles_nothing_has_no_nearest_name(typed: str) -> None:
    """What is no typing error of a known name is not turned into one, however long it is."""
    assert nearest_name(typed, ["position", "burst"]) is None

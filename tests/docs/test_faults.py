"""The page of faults is complete, and what it says is tested has tests."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "faults.md").read_text()
HANDLED, _, UNTESTED = PAGE.partition("## Without a test")
ROW = re.compile(r"^\| F-(\d{3}) \| [^|]+ \| [^|]+ \|$", re.MULTILINE)


def _tested() -> set[str]:
    """Return the numbers of all faults that a test is named after."""
    files = [*ROOT.glob("tests/**/test_*.py"), *ROOT.glob("plugins/*/tests/**/test_*.py")]
    names = [name for file in files for name in re.findall(r"def (test_\w+)", file.read_text())]
    return {number for name in names for number in re.findall(r"(?<=_f)\d{3}(?=_)", name)}


def test_every_fault_stands_once_on_the_page() -> None:
    """F-001 to F-105, each in one table."""
    assert sorted(ROW.findall(PAGE)) == [f"{number:03}" for number in range(1, 106)]


@pytest.mark.parametrize("number", ROW.findall(HANDLED))
def test_a_fault_that_is_handled_has_a_test_of_its_number(number: str) -> None:
    """By its name; a fault without one belongs into the last table."""
    assert number in _tested()


def test_a_fault_that_has_a_test_does_not_stand_among_those_without() -> None:
    """The reason would be out of date."""
    assert not _tested() & set(ROW.findall(UNTESTED))

"""The page on twins says of the options, the methods and the back door what the program says of itself."""

from __future__ import annotations

import importlib
import re

from documents import Document
from environments import ROOT
from paraphina_core.cli.twin import command
from paraphina_core.twin import VenueTwin

CONTROL = importlib.import_module("paraphina_core.twin.control")  # the room exports a function of this name
PAGE = Document(ROOT / "docs" / "twins.md")
LINES = [line for _, line in PAGE.prose]


def cells(heading: str) -> list[list[str]]:
    """Return the rows of the table whose heading row begins so."""
    start = next(number for number, line in enumerate(LINES) if line.startswith(f"| {heading} |"))
    rows = []
    for line in LINES[start + 2 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows


def test_every_option_of_the_command_is_explained() -> None:
    """No option is missing, and none is made up."""
    options = [option for parameter in command.params for option in parameter.opts if option.startswith("--")]
    assert sorted(row[0].strip("`") for row in cells("option")) == sorted(options)


def test_the_methods_of_a_twin_are_named() -> None:
    """Who writes one finds every method that it must have."""
    text = re.sub(r"\s+", " ", " ".join(LINES))
    methods = [name for name in vars(VenueTwin) if not name.startswith("_")]
    assert [name for name in methods if f"`{name}`" not in text] == []


def test_the_table_of_the_back_door_is_the_programs_own() -> None:
    """The page and the module that answers say the same."""
    assert CONTROL.__doc__ is not None
    rows = [line for line in CONTROL.__doc__.splitlines() if line.startswith("| `")]
    assert rows == [line for line in LINES if "/_twin/" in line and line.startswith("| `")]

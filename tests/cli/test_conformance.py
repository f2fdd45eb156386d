"""`paraphina conformance`: how a connector did, for people, for programs and for documents."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from environments import ROOT
from paraphina_core.cli import main
from paraphina_core.conformance import SUITE_VERSION, TRIALS, SuiteResult, to_markdown
from paraphina_core.connector import core_hash


def test_a_connector_that_conforms_ends_with_0_and_every_card_is_told(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """One line for each card in its order, then the sum."""
    assert main(["conformance", "mock"]) == 0
    *lines, last = capsys.readouterr().out.splitlines()
    assert [line[:6] for line in lines] == [trial.card.id for trial in TRIALS]
    assert re.fullmatch(r"mock conforms: \d+ passed, 0 failed, \d+ skipped, 0 error of \d+ cards", last)


def test_the_result_for_programs_names_suite_connector_plugin_core_and_every_card(tmp_path: Path) -> None:
    """What was run against what can be said later, and nobody has to read the table."""
    file = tmp_path / "result.json"
    assert main(["conformance", "hl_fixture", "--family", "md", "--json", str(file)]) == 0
    result = json.loads(file.read_bytes())
    assert list(result) == list(SuiteResult.__struct_fields__)
    assert (result["suite_version"], result["connector"]) == (SUITE_VERSION, "hyperliquid_fixture")
    assert (result["plugin"], len(result["plugin_hash"])) == ("paraphina-hyperliquid", 64)
    assert result["core_hash"] == core_hash()
    assert result["started_ns"] < result["ended_ns"]
    assert {card["id"][:2] for card in result["cards"]} == {"MD"}
    assert sum(result["counts"].values()) == len(result["cards"])
    assert all(card["reason"] for card in result["cards"] if card["outcome"] == "skipped")


def test_a_terminal_sees_how_far_the_run_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The card that is being tried and how many were; a pipe gets plain lines and nothing else."""
    assert main(["conformance", "mock", "--family", "MD"]) == 0
    piped = capsys.readouterr().out
    assert "\x1b" not in piped
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    assert main(["conformance", "mock", "--family", "MD"]) == 0
    shown = capsys.readouterr().out
    assert re.search(r"\d+/\d+", shown)
    assert "\x1b" in shown
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown)
    assert all(line in plain for line in piped.splitlines())


def test_nothing_that_was_tried_is_no_pass(capsys: pytest.CaptureFixture[str]) -> None:
    """A run in which every card was skipped does not say that the connector conforms."""
    assert main(["conformance", "mock", "--card", "CO-040"]) == 1
    assert "mock does not conform: 0 passed, 0 failed, 1 skipped" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["no_such"], "no connector has this name"),
        ([], "which connector?"),
        (["mock", "--card", "MD-011"], "no card has this name"),
        (["mock", "--family", "XX"], "no card has this name"),
        (["mock", "--list"], "stand alone"),
        (["--list", "--markdown"], "stand alone"),
    ],
)
def test_what_cannot_be_run_is_refused(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Wrong usage is not a verdict on a connector."""
    assert main(["conformance", *arguments]) == 2
    assert complaint in capsys.readouterr().err


def test_the_cards_are_listed_with_what_they_need(capsys: pytest.CaptureFixture[str]) -> None:
    """One line for each card, and only the chosen ones."""
    assert main(["conformance", "--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(TRIALS)
    assert main(["conformance", "--list", "--card", "md-010"]) == 0
    assert capsys.readouterr().out == "MD-010 every recorded frame is read [recorded frames]\n"


def test_the_documentation_lists_the_cards_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    """What stands between the markers of docs/conformance.md is what `--markdown` prints."""
    text = (ROOT / "docs" / "conformance.md").read_text(encoding="utf-8")
    found = re.search(r"<!-- cards: begin[^>]*-->\n\n(.*)\n<!-- cards: end -->", text, re.DOTALL)
    assert found is not None
    assert main(["conformance", "--markdown"]) == 0
    assert found[1] == capsys.readouterr().out == to_markdown(TRIALS)

"""`paraphina evidence`, and the commands that write it: what ran is on record, and can be checked."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from paraphina_core.cli import main
from paraphina_core.conformance import TRIALS
from paraphina_core.connector import core_hash
from program import Program


def _shown(capsys: pytest.CaptureFixture[str], number: int = 1) -> dict[str, Any]:
    """Return the statement of a record as `show` prints it."""
    capsys.readouterr()
    assert main(["evidence", "show", str(number)]) == 0
    shown: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert shown["number"] == number
    statement: dict[str, Any] = shown["statement"]
    return statement


def _records() -> list[Path]:
    return sorted((Path(os.environ["PARAPHINA_HOME"]) / "evidence").glob("0*.json"))


def test_a_conformance_run_is_on_record_card_by_card(capsys: pytest.CaptureFixture[str]) -> None:
    """Suite, connector, code, outcome of each card, machine and tools."""
    assert main(["conformance", "mock"]) == 0
    said = _shown(capsys)
    assert (said["kind"], said["connector"], said["passed"], said["whole"]) == (
        "conformance",
        "mock",
        True,
        True,
    )
    assert said["code"]["core_hash"] == core_hash()
    assert list(said["outcomes"]) == sorted(trial.card.id for trial in TRIALS)
    assert said["counts"]["passed"] == list(said["outcomes"].values()).count("passed") > 0
    assert {len(digest) for digest in (*said["artifacts"].values(), said["config_hash"])} == {64}
    assert said["host"]["machine"]
    assert said["tools"]["pynacl"]


def test_a_selection_is_on_record_as_one(capsys: pytest.CaptureFixture[str]) -> None:
    """It cannot pass for the whole suite, and a failure stays a failure."""
    assert main(["conformance", "mock", "--card", "CO-040"]) == 1
    said = _shown(capsys)
    assert (said["passed"], said["whole"]) == (False, False)


def test_a_simulation_is_on_record_with_the_digest_of_each_seed(capsys: pytest.CaptureFixture[str]) -> None:
    """And how long it was, under how many faults, with how many fills."""
    assert main(["simulate", "hl", "--hours", "0.01", "--pause-s", "1", "--faults", "split"]) == 0
    said = _shown(capsys)
    assert (said["kind"], said["reached"], said["whole"]) == ("simulation", "twin", False)
    assert said["outcomes"] == {"seed 1": "passed"}
    assert (said["counts"]["virtual_s"], said["counts"]["runs"]) == (36, 1)
    assert len(said["artifacts"]["seed 1"]) == 64


def test_a_paper_run_is_on_record_once_for_each_connector(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A market that this program makes up is no network, and a session that ended well passed."""
    code, _, err = Program(
        tmp_path, "run", "--trade-mode", "paper", "--connectors", "mock", "--duration", "1"
    ).end()
    assert (code, err) == (0, "")
    monkeypatch.setenv("PARAPHINA_HOME", str(tmp_path / "home"))
    said = _shown(capsys)
    assert (said["kind"], said["connector"], said["reached"], said["passed"]) == (
        "paper",
        "mock",
        "none",
        True,
    )
    assert said["counts"]["books"] == 1
    assert set(said["artifacts"]) == {"summary.json", "config_resolved.json", "build_info.json", "journal"}


def test_records_are_listed_with_what_does_not_count(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One row each, and an empty list says so."""
    monkeypatch.setenv("COLUMNS", "300")
    assert main(["evidence", "list"]) == 0
    assert capsys.readouterr().out == "there is no evidence\n"
    assert main(["conformance", "mock", "--family", "CO"]) == 0
    capsys.readouterr()
    assert main(["evidence", "list", "--connector", "mock"]) == 0
    assert "passed (a selection)" in capsys.readouterr().out
    assert main(["evidence", "list", "--connector", "hyperliquid"]) == 0
    assert capsys.readouterr().out == "there is no evidence\n"


def test_verify_finds_an_edited_record_and_says_which(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 0 while all is intact, 1 as soon as a byte is not."""
    for _ in range(2):
        assert main(["conformance", "mock", "--card", "CO-010"]) == 0
    capsys.readouterr()
    assert main(["evidence", "verify"]) == 0
    assert capsys.readouterr().out == "intact: 2 records\n"
    path = _records()[1]
    path.write_bytes(path.read_bytes().replace(b'"CO-010":"passed"', b'"CO-010":"failed"'))
    assert main(["evidence", "verify"]) == 1
    assert "NOT INTACT: record 2 of the evidence has a broken signature" in capsys.readouterr().out


def test_evidence_that_cannot_be_kept_is_told_and_changes_no_verdict(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The cards passed, whatever is wrong with the folder; but nobody believes that it was recorded."""
    assert main(["conformance", "mock", "--card", "CO-010"]) == 0
    _records()[0].unlink()
    capsys.readouterr()
    assert main(["conformance", "mock", "--card", "CO-010"]) == 0
    assert "no evidence was recorded: records of evidence are missing" in capsys.readouterr().err
    assert _records() == []


def test_a_waiver_is_signed_with_its_reason(capsys: pytest.CaptureFixture[str]) -> None:
    """It is a record like any other; without a reason it is none."""
    assert main(["evidence", "waive", "mock", "--reason", "  "]) == 2
    assert "a waiver needs a reason" in capsys.readouterr().err
    assert main(["evidence", "waive", "mock", "--reason", "it has no network"]) == 0
    assert "record 1: mock may go without a testnet run for 30 days" in capsys.readouterr().out
    assert _shown(capsys)["note"] == "it has no network"


def test_a_record_that_is_not_there_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """The number is named with how many there are."""
    assert main(["evidence", "show", "1"]) == 2
    assert "there is no such record" in capsys.readouterr().err

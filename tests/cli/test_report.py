"""`paraphina report readiness`: a page for people, JSON for programs, and what it runs when asked to."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from paraphina_core.cli import main
from paraphina_core.cli.collect import collect, missing
from paraphina_core.cli.common import load
from paraphina_core.connector import Plugins
from paraphina_core.connector.plugins import Registration
from paraphina_core.readiness import Proof, Stage


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARAPHINA_HOME", str(tmp_path / "home"))


@pytest.mark.parametrize(
    ("name", "begin"), [("r.md", "# Readiness"), ("r.html", "<!doctype html>"), ("r.json", "{")]
)
def test_the_ending_of_the_file_decides_the_format(tmp_path: Path, name: str, begin: str) -> None:
    """Each is the whole report."""
    assert main(["report", "readiness", "--out", str(tmp_path / name)]) == 0
    text = (tmp_path / name).read_text(encoding="utf-8")
    assert text.startswith(begin)
    assert "paraphina conformance hyperliquid" in text


def test_an_ending_that_says_nothing_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No format is guessed."""
    assert main(["report", "readiness", "--out", str(tmp_path / "report.txt")]) == 2
    assert ".md, .html, .json" in capsys.readouterr().err


def test_a_run_is_in_the_report_until_its_record_is_edited(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Then nothing is proven, and the report says why."""

    def told() -> dict[str, object]:
        capsys.readouterr()
        assert main(["report", "readiness", "--format", "json"]) == 0
        report: dict[str, object] = json.loads(capsys.readouterr().out)
        return report

    assert main(["conformance", "mock"]) == 0
    before = told()
    assert '"proven": "FixtureMarket+Account"' in json.dumps(before["stages"])
    record = tmp_path / "home" / "evidence" / "00000001.json"
    record.write_bytes(record.read_bytes().replace(b"passed", b"pAssed", 1))
    after = told()
    assert "edited" in str(after["evidence_fault"]) or "damaged" in str(after["evidence_fault"])
    assert {stage["proven"] for stage in after["stages"]} == {"none (evidence void)"}  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("name", "stage", "kinds"),
    [
        ("mock", Stage.STUB, ["conformance"]),
        ("mock", Stage.FIXTURE_MARKET_ACCOUNT, []),
        ("hyperliquid", Stage.STUB, ["conformance", "run", "simulate"]),
        ("hyperliquid", Stage.SHADOW_LIVE_MARKET, ["simulate"]),
        ("hyperliquid", Stage.PAPER_EXEC, []),
    ],
)
def test_only_what_is_missing_and_needs_no_network_is_run(name: str, stage: Stage, kinds: list[str]) -> None:
    """What a network alone can show stays a blocker."""
    found = missing(load().connectors[name], Proof(stage=stage, reason=""), hours=1)
    assert [arguments[0] for arguments in found] == kinds


@pytest.mark.parametrize(("name", "passed"), [("mock", True), ("absent", False)])
def test_what_fails_while_evidence_is_collected_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, passed: bool
) -> None:
    """A connector that the commands themselves do not find fails; the rest go on, and the answer is no."""
    installed = load()
    spec = msgspec.structs.replace(installed.connectors["mock"], name=name)
    plugins = Plugins([], [Registration(record=installed.plugins[0], connectors=(spec,))])
    assert collect(plugins, tmp_path / "home", hours=0.01) is passed
    assert f"paraphina conformance {name} ... exit code {0 if passed else 2}" in capsys.readouterr().err

"""`paraphina connectors`: all known connectors and their stages, for people, programs and documents."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from command_line import Installation
from distributions import Wheel
from environments import VENUES
from paraphina_core.cli import main
from paraphina_core.readiness import COLUMNS

SECRET = "0x" + "5ec" * 20


@pytest.fixture(autouse=True)
def _no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what the tests are started in from deciding what a terminal is."""
    for name in ("FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)


def cells(line: str) -> list[str]:
    """Take a line of a Markdown table apart."""
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def test_without_plugins_every_venue_is_listed_with_its_command(installation: Installation) -> None:
    """A newcomer sees what there is and exactly what to type for it."""
    done = installation.paraphina("connectors", COLUMNS="80")
    assert (done.code, done.err) == (0, "")
    for venue in VENUES:
        assert f"pip install 'paraphina[live_{venue}]'" in done.out
    assert done.out.count("MissingFeature") == 3 * len(VENUES)  # support, declared, proven


def test_installed_connectors_are_listed_with_what_they_can_do(capsys: pytest.CaptureFixture[str]) -> None:
    """In this workspace, with all plugins installed, nothing is missing."""
    assert main(["connectors", "--json"]) == 0
    rows = {row["connector"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows.keys() >= VENUES | {"mock", "hyperliquid_fixture"}
    assert "MissingFeature" not in {row["support"] for row in rows.values()}
    assert rows["hyperliquid_fixture"]["support"] == "Market+Account"
    assert rows["mock"]["selection"] == "--connector mock | PARAPHINA_LIVE_CONNECTOR=mock"


def test_markdown_is_exact_whatever_the_width(installation: Installation) -> None:
    """The table is the same on every terminal: padded columns, one line for each connector."""
    Wheel("third-party").install(installation.site)
    narrow = installation.paraphina("connectors", "--markdown", COLUMNS="40")
    wide = installation.paraphina("connectors", "--markdown", COLUMNS="400")
    assert narrow == wide
    lines = narrow.out.splitlines()
    assert cells(lines[0]) == list(COLUMNS)
    assert {len(cells(line)) for line in lines} == {len(COLUMNS)}
    assert [cells(line)[0] for line in lines[2:]] == ["mock", *sorted(VENUES), "third_party"]
    assert len({len(line) for line in lines}) == 1


@pytest.mark.parametrize("width", [60, 80, 100, 200, 400])
def test_the_table_fits_the_terminal_and_loses_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], width: int
) -> None:
    """On any width every heading and every connector is there, and no line is too long."""
    monkeypatch.setenv("COLUMNS", str(width))
    assert main(["connectors"]) == 0
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= width
    for text in (*COLUMNS, *VENUES, "mock", "hyperliquid_fixture"):
        assert text in out
    assert out.isascii()


def test_a_wide_terminal_gets_one_table(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where the columns fit beside each other, there is one heading for all connectors."""
    monkeypatch.setenv("COLUMNS", "500")
    assert main(["connectors"]) == 0
    assert capsys.readouterr().out.count("CLI/env selection") == 1


def test_on_a_terminal_the_table_is_drawn(installation: Installation) -> None:
    """A person gets lines and a heading that stands out; the same text otherwise."""
    terminal, program = os.openpty()
    with subprocess.Popen(
        [installation.folder / "bin" / "python", "-m", "paraphina_core", "connectors"],
        stdout=program,
        env={"TERM": "xterm-256color", "COLUMNS": "80", "LANG": "C.UTF-8"},
        cwd=installation.folder,
    ) as process:
        os.close(program)
        output = b""
        with contextlib.suppress(OSError):  # which is how the end of a terminal is told
            while piece := os.read(terminal, 65_536):
                output += piece
    os.close(terminal)
    assert process.returncode == 0
    shown = output.decode()
    assert "│" in shown
    assert "\x1b[1m" in shown
    assert "Connector" in shown


def test_proven_is_what_the_evidence_proves_and_nothing_once_it_was_edited(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A whole conformance run raises the fixture by a rung; one edited byte takes everything away."""
    monkeypatch.setenv("PARAPHINA_HOME", str(tmp_path))

    def stages() -> tuple[str, str]:
        capsys.readouterr()
        assert main(["connectors", "--json"]) == 0
        (row,) = (r for r in json.loads(capsys.readouterr().out) if r["connector"] == "mock")
        return row["declared"], row["proven"]

    assert stages() == ("FixtureMarket+Account", "Stub")
    assert main(["conformance", "mock"]) == 0
    assert stages() == ("FixtureMarket+Account", "FixtureMarket+Account")
    record = tmp_path / "evidence" / "00000001.json"
    record.write_bytes(record.read_bytes().replace(b'"passed":true', b'"passed":True'))
    assert stages() == ("FixtureMarket+Account", "none (evidence void)")


def test_a_broken_plugin_shows_its_reason_in_its_row(installation: Installation) -> None:
    """Its connectors are missing, and the note says why instead of telling to install it again."""
    points = "[paraphina]\naster = paraphina_aster\n"
    Wheel("paraphina-aster", "1 / 0", entry_points=points).install(installation.site)
    done = installation.paraphina("connectors", "--json")
    (row,) = [row for row in json.loads(done.out) if row["connector"] == "aster"]
    assert row["support"] == "MissingFeature"
    assert row["notes"].startswith("paraphina-aster 1.0 is installed but broken: ZeroDivisionError")


def test_f105_no_secret_is_printed(installation: Installation) -> None:
    """Keys in the environment appear in no listing."""
    for arguments in (["connectors"], ["connectors", "--json"], ["connectors", "--markdown"], ["plugins"]):
        done = installation.paraphina(*arguments, HL_PRIVATE_KEY=SECRET)
        assert done.code == 0
        assert SECRET not in done.out + done.err


def test_two_formats_at_once_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """Which one was meant is not guessed."""
    assert main(["connectors", "--json", "--markdown"]) == 2
    assert "--json and --markdown exclude each other" in capsys.readouterr().err

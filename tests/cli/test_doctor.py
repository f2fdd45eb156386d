"""`paraphina doctor` as a user meets it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from paraphina_core.cli import main

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the program a home and a working folder of its own."""
    monkeypatch.setenv("PARAPHINA_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)


def test_a_sound_installation_is_told_line_by_line(capsys: pytest.CaptureFixture[str]) -> None:
    """One table; the engine and why it was chosen are in it; nothing failed, so it ends with 0."""
    assert main(["doctor"]) == 0
    told = capsys.readouterr().out
    assert "event loop" in told
    assert "WebSocket" in told
    assert told.rstrip().endswith("0 fail")
    assert max(map(len, told.splitlines())) <= 80


def test_the_forced_engine_is_shown(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the configuration asks for is what is examined."""
    monkeypatch.setenv("PARAPHINA_WEBSOCKET", "websockets")
    assert main(["doctor", "--json"]) == 0
    (found,) = (one for one in json.loads(capsys.readouterr().out) if one["what"] == "WebSocket")
    assert found["found"].startswith("websockets ")
    assert "(asked for)" in found["found"]
    assert found["level"] == "warn"


def test_what_fails_makes_the_exit_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An open home folder, and a configuration that cannot be read: both are told, neither stops the rest."""
    (tmp_path / "home").mkdir(mode=0o755)
    (tmp_path / "home").chmod(0o755)
    monkeypatch.setenv("PARAPHINA_TRADE_MODE", "nonsense")
    assert main(["doctor", "--json"]) == 1
    findings = json.loads(capsys.readouterr().out)
    assert [one["what"] for one in findings if one["level"] == "fail"] == ["home folder", "configuration"]

"""`paraphina record` writes down what a venue sends, as a user meets it: a twin, a signal, a wrong name."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from paraphina_core.cli import main
from paraphina_core.connector import Answer
from paraphina_core.transport import RecordKind, read_recording
from twin_process import served

if TYPE_CHECKING:
    from pathlib import Path


def record(folder: Path, *arguments: str, **variables: str) -> subprocess.Popen[str]:
    """Start a recording."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PARAPHINA_", "HL_"))}
    return subprocess.Popen(
        [sys.executable, "-m", "paraphina_core", "record", *arguments],
        cwd=folder,
        env=clean | {"PARAPHINA_HOME": str(folder / "home")} | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_a_venue_is_recorded_until_it_is_interrupted(tmp_path: Path) -> None:
    """Answers come before frames; the folder says of what, by which code, and nothing of it is public."""
    with served("--seed", "7", "--network", "mainnet") as (twin, _):
        assert twin.stdout is not None
        variables = dict(twin.stdout.readline().strip().split("=", 1) for _ in range(2))
        out = tmp_path / "rec"
        with record(tmp_path, "--connector", "hyperliquid", "--out", str(out), **variables) as process:
            assert process.stdout is not None
            first = process.stdout.readline()
            process.send_signal(signal.SIGINT)
            told = first + process.stdout.read()
            assert process.wait(10) == 0, told
    assert "recorded" in told
    assert f"the recording is in {out}" in told
    records = list(read_recording(out))
    kinds = [record.kind for record in records]
    assert kinds[0] is RecordKind.RESULT
    assert isinstance(records[0].result, Answer)
    assert records[0].result.status == 200
    assert kinds.index(RecordKind.FRAME) > kinds.index(RecordKind.OPENED) > 0
    assert kinds[-1] is RecordKind.CLOSED
    about = json.loads((out / "recording.json").read_text(encoding="utf-8"))
    assert about["connector"] == "hyperliquid"
    assert about["build"]["core_hash"]
    assert {path.stat().st_mode & 0o077 for path in out.iterdir()} == {0}


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Record a twin for two seconds."""
    folder = tmp_path_factory.mktemp("recorded")
    with served("--seed", "7", "--network", "mainnet") as (twin, _):
        assert twin.stdout is not None
        variables = dict(twin.stdout.readline().strip().split("=", 1) for _ in range(2))
        arguments = ("--connector", "hyperliquid", "--out", str(folder / "rec"), "--duration", "2s")
        with record(folder, *arguments, **variables) as process:
            told, _ = process.communicate(timeout=30)
        assert process.returncode == 0, told
    return folder / "rec"


def test_a_recording_takes_the_place_of_its_venue_and_the_run_can_be_replayed(
    recording: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """In virtual time, without any connection: the books are quoted, and a replay is identical."""
    monkeypatch.setenv("PARAPHINA_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    arguments = ["--connector", "hyperliquid", "--recording", str(recording), "--trade-mode", "paper"]
    assert main(["run", *arguments, "--clock", "virtual", "--duration", "60s", "--out-dir", "out"]) == 0
    summary = json.loads((tmp_path / "out" / "summary.json").read_text(encoding="utf-8"))
    recorded = [one for one in read_recording(recording) if one.kind is RecordKind.FRAME]
    assert summary["session"]["frames"] >= len(recorded) > 10
    assert summary["stopped_because"] == "every stream has ended"
    assert summary["session"]["placed"] > 0
    capsys.readouterr()
    assert main(["replay", "out"]) == 0
    assert capsys.readouterr().out.startswith("identical")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--connector", "mock"], "the one connector it is of"),
        (["--connector", "hyperliquid", "--trade-mode", "testnet"], "orders cannot be sent"),
        (["--connector", "mock", "--recording", "nowhere"], "there is no recording"),
    ],
)
def test_a_recording_that_does_not_fit_is_refused(
    recording: Path,
    arguments: list[str],
    says: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Another connector's, in a mode that sends orders, or none at all."""
    monkeypatch.setenv("PARAPHINA_RECORDING", str(recording))
    assert main(["run", *arguments]) == 2
    assert says in capsys.readouterr().err


def test_a_connector_with_nothing_to_record_is_refused(tmp_path: Path) -> None:
    """A market that the program makes up is no recording."""
    with record(tmp_path, "--connector", "mock", "--duration", "1s") as process:
        told, _ = process.communicate(timeout=20)
    assert process.returncode == 2
    assert "nothing to record" in told


def test_one_connector_is_recorded_at_a_time(tmp_path: Path) -> None:
    """Two would be two recordings."""
    with record(tmp_path, "--connector", "mock,hyperliquid_fixture") as process:
        told, _ = process.communicate(timeout=20)
    assert process.returncode == 2
    assert "one connector" in told

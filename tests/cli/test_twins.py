"""`paraphina run --twin` trades on this machine, with nobody's keys, and leaves no twin behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from paraphina_core.cli import main
from paraphina_core.connector import load_plugins, mock

_SECRET = "0x" + "5e" * 32


def _start(
    folder: Path,
    *arguments: str,
    env: Mapping[str, str] | None = None,
    connectors: tuple[str, ...] = ("--connector", "hyperliquid"),
) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "paraphina_core", "run", *connectors, *arguments],
        cwd=folder,
        env={**os.environ, "PARAPHINA_HOME": str(folder / "home"), **(env or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _end(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=30)
    return process.returncode, out, err


def _json(path: Path) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return read


def _children(process: subprocess.Popen[str]) -> list[int]:
    tasks = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    return [int(child) for child in tasks.read_text(encoding="ascii").split()]


def _exists(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and ") Z" not in stat.read_text(encoding="ascii")


def _until(true: Callable[[], object], within_s: float = 15.0) -> None:
    deadline_s = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < deadline_s, "it did not come true in time"
        time.sleep(0.05)


def test_a_session_on_a_twin_quotes_there_and_takes_no_key_of_the_environment(tmp_path: Path) -> None:
    """Every address is the twin's, whatever the environment says, and its key is read by nobody."""
    env = {"HL_PRIVATE_KEY": _SECRET, "HL_REST_URL": "https://api.hyperliquid.xyz"}
    process = _start(
        *(tmp_path, "--twin", "--trade-mode", "paper", "--duration", "3s", "--out-dir", "out"), env=env
    )
    code, out, err = _end(process)
    assert (code, err) == (0, "")
    assert "no order is left" in out
    session = _json(tmp_path / "out" / "summary.json")["session"]
    assert session["placed"] >= 2
    values = _json(tmp_path / "out" / "config_resolved.json")["connectors"]["hyperliquid"]
    assert values["rest_url"].startswith("http://127.0.0.1:")
    assert values["ws_url"].startswith("ws://127.0.0.1:")
    for file in (tmp_path / "out").rglob("*"):
        if file.is_file():
            assert _SECRET.encode() not in file.read_bytes()
    assert _SECRET not in out


def test_a_session_on_twins_that_was_told_of_no_venue_quotes_on_all_that_have_one(tmp_path: Path) -> None:
    """The plugins say which those are, and every one of them is healthy and gets orders."""
    process = _start(
        *(tmp_path, "--twin", "--trade-mode", "paper", "--duration", "6s", "--out-dir", "out"),
        connectors=(),
    )
    code, _, err = _end(process)
    assert (code, err) == (0, "")
    venues = {one["connector"]: one for one in _json(tmp_path / "out/summary.json")["session"]["venues"]}
    plugins = load_plugins([mock])
    assert set(venues) == {name for name, spec in plugins.connectors.items() if spec.twin}
    assert len(venues) >= 3
    assert {one["health"] for one in venues.values()} == {"healthy"}
    segments = (file for file in (tmp_path / "out/journal").iterdir() if file.is_file())
    placed = "".join(file.read_text(encoding="utf-8") for file in segments)
    assert all(f'"type":"place","instrument":"{name}:' in placed for name in venues)


def test_a_session_that_sends_orders_trades_on_a_twin_without_being_armed_and_replays_without_a_key(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Signed orders rest at the twin without a switch or a receipt, and the record decides the same again."""
    arguments = ("--twin", "--trade-mode", "testnet", "--duration", "5s", "--out-dir", "out")
    code, out, err = _end(_start(tmp_path, *arguments))
    assert (code, err) == (0, "")
    assert "no order is left" in out
    summary = _json(tmp_path / "out" / "summary.json")
    assert summary["session"]["placed"] >= 2
    assert summary["session"]["mode"] == "testnet"
    assert main(["replay", str(tmp_path / "out")]) == 0
    assert "identical" in capsys.readouterr().out


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_f079_a_twin_ends_with_its_session_however_that_ends(tmp_path: Path, number: signal.Signals) -> None:
    """Ctrl-C and SIGTERM end both in good order, and not even SIGKILL leaves a twin behind."""
    process = _start(tmp_path, "--twin", "--trade-mode", "paper", "--out-dir", "out")
    try:
        telemetry = tmp_path / "out" / "telemetry.jsonl"
        _until(lambda: telemetry.exists() and telemetry.stat().st_size)
        children = _children(process)
        assert len(children) == 1
        process.send_signal(number)
        code, _, _ = _end(process)
        assert code == (-signal.SIGKILL if number is signal.SIGKILL else 0)
        _until(lambda: not _exists(children[0]))
    finally:
        process.kill()


def test_a_session_goes_to_a_twin_that_is_running_already(tmp_path: Path) -> None:
    """The twin is found by its address and outlives the session."""
    twin = subprocess.Popen(
        [sys.executable, "-m", "paraphina_core", "twin", "hyperliquid", "--network", "mainnet"],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert twin.stdout is not None
        origin = twin.stdout.readline().split(" at ")[1].split(";")[0]
        arguments = ("--twin-url", origin, "--trade-mode", "shadow", "--duration", "2s", "--out-dir", "out")
        code, _, err = _end(_start(tmp_path, *arguments))
        assert (code, err) == (0, "")
        assert _json(tmp_path / "out" / "summary.json")["session"]["frames"] > 0
        assert twin.poll() is None
    finally:
        twin.kill()
        twin.wait()
        if twin.stdout is not None:
            twin.stdout.close()


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("https://api.hyperliquid.xyz", "addresses such as http://127.0.0.1:8000"),
        ("http://192.168.0.5:8000", "addresses such as http://127.0.0.1:8000"),
        ("http://127.0.0.1:9,http://127.0.0.1:10", "one address for each connector"),
        ("http://127.0.0.1:9", "no twin of hyperliquid answers"),
    ],
)
def test_a_twin_cannot_be_at_a_venues_address(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, url: str, said: str
) -> None:
    """What is no running twin of this machine is refused before anything starts."""
    monkeypatch.setenv("PARAPHINA_HOME", str(tmp_path))
    arguments = ["run", "--connector", "hyperliquid", "--twin-url", url, "--out-dir", str(tmp_path / "out")]
    assert main(arguments) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_the_gates_of_a_session_on_twins_are_judged_at_their_addresses(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What `paraphina gates` says is what a start would meet: the twins are there while it looks."""
    monkeypatch.setenv("PARAPHINA_HOME", str(tmp_path))
    arguments = ["gates", "--json", "--twin", "--connector", "hyperliquid", "--trade-mode", "live"]
    assert main([*arguments, "--out-dir", str(tmp_path / "out")]) == 0
    verdicts = {one["id"]: one for one in json.loads(capsys.readouterr().out)["startup_gates"]}
    assert "127.0.0.1" in verdicts["twin_addresses"]["found"]
    assert "preflight_receipt" not in verdicts


def test_preflight_is_for_venues(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """No receipt is written for a session on twins, which needs none."""
    monkeypatch.setenv("PARAPHINA_HOME", str(tmp_path))
    assert main(["preflight", "--twin", "--connector", "hyperliquid", "--trade-mode", "testnet"]) == 2
    assert "leave out --twin" in capsys.readouterr().err

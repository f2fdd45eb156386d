"""`paraphina run` as a user meets it: real time, signals, refusals, a full disk, a terminal."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path

import pytest

from environments import ROOT
from program import Program

_RECORDING = ROOT / "tests" / "fixtures" / "hyperliquid"


def _run(folder: Path, *arguments: str, **options: object) -> tuple[int, str, str]:
    return Program(folder, *arguments, **options).end()  # type: ignore[arg-type]  # handed through


def _summary(folder: Path) -> dict[str, object]:
    summary: dict[str, object] = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    return summary


def test_the_main_job_of_the_readme_runs_from_the_environment_alone(tmp_path: Path) -> None:
    """Paper mode on the recorded Hyperliquid frames, accelerated, ends by itself with nothing left."""
    env = {
        "PARAPHINA_TRADE_MODE": "paper",
        "PARAPHINA_LIVE_CONNECTOR": "hyperliquid_fixture",
        "HL_FIXTURE_DIR": str(_RECORDING),
    }
    code, out, err = _run(tmp_path, "run", "--speed", "20", "--out-dir", "out", env=env)
    assert (code, err) == (0, "")
    assert "every stream has ended" in out
    assert "no order is left" in out
    summary = _summary(tmp_path / "out")
    session = summary["session"]
    assert isinstance(session, dict)
    assert session["mode"] == "paper"
    assert session["frames"] > 50
    assert session["placed"] > 0
    assert session["venues"][0]["account"]["positions"], "the recorded account answers were read"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_f079_a_signal_ends_the_session_cancels_everything_and_says_so(tmp_path: Path, number: int) -> None:
    """Ctrl-C and SIGTERM are orderly ends with exit code 0."""
    program = Program(tmp_path, "run", "--trade-mode", "paper", "--connectors", "mock", "--out-dir", "out")
    program.until("quotes")
    program.signal(number)
    code, out, err = program.end()
    assert (code, err) == (0, "")
    assert "stopped by the operator" in out
    assert "no order is left" in out
    assert _summary(tmp_path / "out")["orders_left"] == []


def test_f079_a_second_ctrl_c_leaves_at_once(tmp_path: Path) -> None:
    """Whoever cannot wait for the cancels is let go, with exit code 130."""
    (tmp_path / "slow.toml").write_text("[paper]\nlatency_ms = 4000\n", encoding="utf-8")
    program = Program(
        tmp_path, "run", "--trade-mode", "paper", "--connectors", "mock", "--config", "slow.toml"
    )
    program.until("quotes")
    program.signal(signal.SIGINT)
    time.sleep(0.5)
    program.signal(signal.SIGINT)
    code, _, err = program.end()
    assert code == 130
    assert "left at once" in err


def test_live_mode_with_nothing_set_is_refused_with_every_missing_gate(tmp_path: Path) -> None:
    """Exit code 2, each missing gate with its remedy, and nothing was started or written."""
    code, out, _ = _run(tmp_path, "run", "--trade-mode", "live", env={"COLUMNS": "200"})
    assert code == 2
    for gate, remedy in (
        ("connector_allowed", "PARAPHINA_LIVE_ALLOWED_CONNECTORS"),
        ("preflight_receipt", "paraphina preflight"),
        ("preflight_ok", "PARAPHINA_LIVE_PREFLIGHT_OK=1"),
        ("enable_live_execution", "--enable-live-execution"),
        ("live_exec_enable", "PARAPHINA_LIVE_EXEC_ENABLE=1"),
        ("execution_confirm", "PARAPHINA_LIVE_EXECUTION_CONFIRM=YES"),
        ("canary_profile", "--canary-profile prod_canary"),
        ("account_reconcile", "PARAPHINA_LIVE_ACCOUNT_RECONCILE_MS"),
        ("readiness_stage", "CanaryLive"),
    ):
        assert gate in out
        assert remedy in out
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("mode", ["testnet", "live"])
def test_f097_every_variable_and_switch_together_still_do_not_arm(tmp_path: Path, mode: str) -> None:
    """The environment alone can never arm: the receipt is a file, and the stage must be proven."""
    env = {
        "PARAPHINA_LIVE_PREFLIGHT_OK": "1",
        "PARAPHINA_LIVE_EXEC_ENABLE": "1",
        "PARAPHINA_LIVE_EXECUTION_CONFIRM": "YES",
        "PARAPHINA_LIVE_CANARY_PROFILE": "prod_canary",
        "PARAPHINA_LIVE_ACCOUNT_RECONCILE_MS": "5000",
        "PARAPHINA_LIVE_ALLOWED_CONNECTORS": "mock",
        "PARAPHINA_TRADE_MODE": mode,
        "COLUMNS": "200",
    }
    code, out, _ = _run(tmp_path, "run", "--enable-live-execution", env=env)
    assert code == 2
    assert "preflight_receipt" in out
    assert f"{mode} mode is refused" in out
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("--trade-mode", "papr"), "paper"),
        (("--connector", "hyperliqid_fixture"), "hyperliquid_fixture"),
        (("--tick-ms", "-5"), "--tick-ms"),
        (("--strategy", "two_side"), "two_sided"),
        (("--no-such-option",), "--no-such-option"),
    ],
)
def test_a_wrong_value_is_an_error_that_says_what_would_do(
    tmp_path: Path, arguments: tuple[str, ...], word: str
) -> None:
    """Nothing falls back to something else; exit code 2."""
    code, _, err = _run(tmp_path, "run", *arguments)
    assert code == 2
    assert word in err


def test_f074_a_journal_that_takes_no_record_ends_the_run_and_says_what_was_open(tmp_path: Path) -> None:
    """On a disk that is full nothing more is sent; exit code 3 or 4, and the reason is named."""
    program = Program(
        tmp_path,
        *("run", "--trade-mode", "paper", "--connectors", "mock", "--clock", "virtual"),
        *("--duration", "600", "--out-dir", "out"),
        file_bytes=200_000,
    )
    code, out, _ = program.end()
    assert code in {3, 4}
    assert "the journal takes no record" in out
    session = _summary(tmp_path / "out")["session"]
    assert isinstance(session, dict)
    assert session["state"] == "halted"


def test_a_folder_that_holds_a_run_is_never_written_to_again(tmp_path: Path) -> None:
    """The second run into one folder is refused, and the first one's record stays as it was."""
    arguments = ("run", "--trade-mode", "paper", "--clock", "virtual", "--duration", "2", "--out-dir", "out")
    assert _run(tmp_path, *arguments)[0] == 0
    before = (tmp_path / "out" / "summary.json").read_bytes()
    code, out, _ = _run(tmp_path, *arguments)
    assert code == 2
    assert "output_writable" in out
    assert (tmp_path / "out" / "summary.json").read_bytes() == before


def test_a_run_can_be_checked_and_replayed_from_the_command_line(tmp_path: Path) -> None:
    """`journal verify` and `replay` agree that the run is whole and decides the same again."""
    arguments = ("run", "--trade-mode", "paper", "--clock", "virtual", "--duration", "20", "--out-dir", "out")
    assert _run(tmp_path, *arguments)[0] == 0
    assert _run(tmp_path, "journal", "verify", "out")[0] == 0
    code, out, err = _run(tmp_path, "replay", "out")
    assert (code, err) == (0, "")
    assert out.startswith("identical: ")
    journal = tmp_path / "out" / "journal" / "000001.jsonl"
    journal.write_bytes(journal.read_bytes().replace(b'"size":"', b'"size":"9', 1))
    assert _run(tmp_path, "journal", "verify", "out")[0] == 1
    assert _run(tmp_path, "replay", "out")[0] != 0


def test_preflight_is_an_option_of_run_too(tmp_path: Path) -> None:
    """`paraphina_live --preflight` runs the checks and writes the receipt, and starts nothing."""
    env = {"PARAPHINA_TRADE_MODE": "paper", "PARAPHINA_LIVE_CONNECTOR": "hyperliquid_fixture"}
    code, out, err = _run(tmp_path, "run", "--preflight", env=env)
    assert (code, err) == (0, "")
    assert "receipt for paper mode" in out
    assert (tmp_path / "home" / "preflight_receipt.json").exists()
    assert not (tmp_path / "runs").exists()

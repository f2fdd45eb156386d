"""`paraphina state` as an operator meets it: every running session answers, and obeys or says why not."""

from __future__ import annotations

import signal
from pathlib import Path

from program import Program

_PAPER = ("run", "--trade-mode", "paper", "--connectors", "mock", "--out-dir", "out")


def _end(folder: Path, *arguments: str) -> tuple[int, str, str]:
    return Program(folder, *arguments).end()


def test_a_session_is_halted_and_goes_on_by_the_operators_word(tmp_path: Path) -> None:
    """Raising is asked for, lowering is not; both are inputs that replay."""
    program = Program(tmp_path, *_PAPER)
    program.until("quotes")
    code, out, _ = _end(tmp_path, "state")
    assert (code, out.splitlines()[1]) == (0, "  mock: active")
    code, out, _ = _end(tmp_path, "state", "halted", "--reason", "a look")
    assert code == 0
    assert "halted (a look)" in out
    code, _, err = _end(tmp_path, "state", "active")
    assert code == 2
    assert "--yes" in err
    code, out, _ = _end(tmp_path, "state", "active", "--yes")
    assert code == 0
    assert out.splitlines()[1].endswith(": active")
    code, out, _ = _end(tmp_path, "state", "reducing", "--venue", "nowhere")
    assert code == 3
    assert "no such connector" in out
    program.signal(signal.SIGTERM)
    assert program.end()[0] == 0
    assert _end(tmp_path, "replay", "out")[0] == 0
    assert [path.name for path in (tmp_path / "home" / "sessions").glob("*")] == []


def test_without_a_session_there_is_nothing_to_set(tmp_path: Path) -> None:
    """Exit code 1, so that a script notices."""
    assert _end(tmp_path, "state", "halted")[:2] == (1, "no session runs\n")
    assert _end(tmp_path, "state", "--run", "7")[:2] == (1, "no session with run number 7 runs\n")

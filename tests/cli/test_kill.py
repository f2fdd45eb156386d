"""`paraphina kill` as an operator meets it: sessions end, stay ended, and start again when it is cleared."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from paraphina_core.cli.kill import NEEDED_TO_CANCEL
from paraphina_core.gates import STARTUP_GATES
from program import Program

_PAPER = ("run", "--trade-mode", "paper", "--connectors", "mock", "--out-dir", "out")
_TWIN = ("--trade-mode", "testnet", "--twin", "--connectors", "hyperliquid")
KILLED = 5


@pytest.fixture
def twin_url(tmp_path: Path) -> Iterator[str]:
    """Return the address of a twin that runs as long as the test."""
    twin = Program(tmp_path, "twin", "hyperliquid")
    yield twin.until("twin of").split(" at ")[1].split(";")[0]
    twin.signal(signal.SIGTERM)
    twin.end()


def _end(folder: Path, *arguments: str) -> tuple[int, str, str]:
    return Program(folder, *arguments).end()


def _latch(folder: Path) -> str:
    reason: str = json.loads((folder / "home" / "kill_latch.json").read_text(encoding="utf-8"))["reason"]
    return reason


def test_the_signal_kills_latches_and_keeps_the_next_session_from_starting(tmp_path: Path) -> None:
    """Exit code 5 for the killed run and for the one that was not let start, until it is cleared."""
    program = Program(tmp_path, *_PAPER)
    program.until("quotes")
    program.signal(signal.SIGUSR1)
    code, out, err = program.end()
    assert (code, err) == (KILLED, "")
    assert "the kill switch fired" in out
    assert "no order is left" in out
    assert _latch(tmp_path) == "signal SIGUSR1"
    code, out, _ = _end(tmp_path, *_PAPER[:-1], "again")
    assert code == KILLED
    assert "paraphina kill --clear" in " ".join(out.replace("|", " ").split())
    assert not (tmp_path / "again").exists()
    assert _end(tmp_path, "replay", "out")[0] == 0
    assert _end(tmp_path, "kill", "--status")[:2] == (KILLED, "it has fired: signal SIGUSR1\n")
    assert _end(tmp_path, "kill", "--clear")[0] == 0
    assert _end(tmp_path, "kill", "--status")[:2] == (0, "the kill switch has not fired\n")


def test_a_file_made_by_hand_kills_at_the_next_tick(tmp_path: Path) -> None:
    """Whatever is in it."""
    program = Program(tmp_path, *_PAPER)
    program.until("quotes")
    (tmp_path / "home" / "kill_latch.json").write_text("enough", encoding="utf-8")
    code, out, _ = program.end()
    assert code == KILLED
    assert "enough" in out


def test_f102_kill_says_what_it_ends_and_asks_unless_it_is_told_not_to(tmp_path: Path) -> None:
    """Without a terminal and without --yes nothing happens."""
    program = Program(tmp_path, *_PAPER)
    program.until("quotes")
    code, out, err = _end(tmp_path, "kill")
    assert code == 2
    assert "paper on mock" in out
    assert "--yes" in err
    assert not (tmp_path / "home" / "kill_latch.json").exists()
    assert _end(tmp_path, "kill", "--clear")[0] == 1, "a session runs"
    code, out, _ = _end(tmp_path, "kill", "--yes", "--reason", "a drill")
    assert code == KILLED
    assert "no order is left" in out
    assert program.end()[0] == KILLED
    assert _latch(tmp_path) == "a drill"


def test_f070_what_a_dead_session_left_is_cancelled_before_the_switch_is_cleared(
    tmp_path: Path, twin_url: str
) -> None:
    """Kill -9: clearing is refused until a kill run has had the venue's word that nothing is open."""
    where = (*_TWIN, "--twin-url", twin_url)
    program = Program(tmp_path, "run", *where, "--out-dir", "out")
    program.until("quotes")
    program.signal(signal.SIGKILL)
    program.end()
    assert "did not end clean" in _end(tmp_path, "kill", "--status")[1]
    assert _end(tmp_path, "kill", "--clear")[0] == 1
    code, out, err = _end(tmp_path, "kill", "--yes", *where)
    assert (code, err) == (KILLED, "")
    assert "no order is left" in out
    assert _end(tmp_path, "kill", "--clear")[0] == 0


def test_kill_in_a_mode_without_a_venue_only_latches(tmp_path: Path) -> None:
    """Nothing is at a venue, and the next session does not start."""
    code, out, _ = _end(tmp_path, "kill", "--yes", "--trade-mode", "shadow")
    assert code == KILLED
    assert "nothing is at a venue" in out
    assert _latch(tmp_path) == "the operator"


@pytest.mark.parametrize("gate", sorted(NEEDED_TO_CANCEL))
def test_the_gates_that_a_kill_run_needs_are_gates(gate: str) -> None:
    """A name that no gate has would let a kill run pass unjudged."""
    assert gate in {one.id for one in STARTUP_GATES}


def test_flatten_closes_the_positions_of_a_session_that_runs(tmp_path: Path, twin_url: str) -> None:
    """The latch carries the wish; the end names no position, and the venue's own list shows none."""
    where = (*_TWIN, "--twin-url", twin_url)
    program = Program(tmp_path, "run", *where, "--out-dir", "out")
    while re.search(r"position 0( |$)", program.until("quotes")):
        pass  # the twin's market has not traded with us yet
    code, out, err = _end(tmp_path, "kill", "--yes", "--flatten")
    program.end()
    assert "positions are closed" in out
    summary = json.loads((tmp_path / "out" / "summary.json").read_text(encoding="utf-8"))
    assert (code, err, summary["positions_left"]) == (KILLED, "", {}), out
    assert summary["flattened"]
    assert _end(tmp_path, "replay", "out")[0] == 0


def test_flatten_excludes_looking_and_clearing(tmp_path: Path) -> None:
    """One thing at a time."""
    assert _end(tmp_path, "kill", "--flatten", "--clear")[0] == 2

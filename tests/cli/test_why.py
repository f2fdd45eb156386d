"""`paraphina why` explains a side of a running session, and of any moment of a recorded one."""

from __future__ import annotations

import math
import re
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from paraphina_core.cli import main
from program import Program

Say = Callable[..., tuple[int, str, str]]


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Say:
    """Return the command line."""

    def run(*arguments: str | Path) -> tuple[int, str, str]:
        code = main([str(argument) for argument in arguments])
        return code, *capsys.readouterr()

    return run


@pytest.fixture
def recorded(tmp_path: Path, say: Say) -> Path:
    """Record twenty seconds of the market maker on the synthetic market."""
    folder = tmp_path / "run"
    options = ("--trade-mode", "paper", "--connectors", "mock", "--strategy", "market_maker")
    code, _, _ = say("run", *options, "--clock", "virtual", "--duration", "20s", "--out-dir", folder)
    assert code == 0
    return folder


def test_a_recorded_quote_is_explained_part_by_part(recorded: Path, say: Say) -> None:
    """The parts add up to the price that was wanted at that moment."""
    code, out, _ = say("why", "mock", "buy", "--run", recorded, "--at", "15")
    assert code == 0
    assert out.startswith("mock:BTC, buy: ")
    found = re.search(r"wanted as quote: \S+ at (\S+)", out)
    assert found is not None
    said = {name.strip(): float(value) for name, value in re.findall(r"^ {4}(.*?): (\S+)", out, re.MULTILINE)}
    half = sum(said[part] for part in ("core", "risk", "fee", "adverse", "edge")) * said["caution"]
    away = said["basis"] + said["inventory"] + said["anchor"] + said["funding"] - half
    assert float(found[1]) <= said["fair value"] * math.exp(away / 1e4) * (1 + 1e-7)


def test_another_moment_has_another_answer_and_an_unknown_venue_none(recorded: Path, say: Say) -> None:
    """At the very start there was no book yet, and that is said."""
    code, out, _ = say("why", "mock:BTC", "sell", "--run", recorded, "--at", "0")
    assert (code, "no order" in out, "because" in out) == (0, True, True)
    code, _, err = say("why", "nowhere", "sell", "--run", recorded)
    assert (code, err) == (1, "error: there is no nowhere in that session\n")


def test_a_running_session_is_asked_through_its_dashboard(tmp_path: Path, say: Say) -> None:
    """The same words, of now."""
    options = ("--trade-mode", "paper", "--connectors", "mock", "--strategy", "market_maker")
    program = Program(tmp_path, "run", *options, "--dashboard", "127.0.0.1:0", "--duration", "60s")
    try:
        address = program.until("dashboard at").split("//")[1].split("/")[0].split()[0]
        code, out, err = say("why", "mock", "buy", "--dashboard", address)
        assert code in {0, 1}, err
        while "wanted as quote" not in out:
            code, out, err = say("why", "mock", "buy", "--dashboard", address)
        assert (code, err) == (0, "")
    finally:
        program.signal(15)
        program.end()


def test_where_no_session_answers_it_says_what_to_do(say: Say) -> None:
    """Exit code 2, and the address that was asked."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{closed.getsockname()[1]}"
        code, _, err = say("why", "mock", "buy", "--dashboard", address)
    assert code == 2
    assert address in err
    assert "--run" in err
    assert say("why", "mock", "buy", "--at", "3")[0] == 2

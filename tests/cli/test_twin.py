"""`paraphina twin` serves a venue here until it is told to end; `paraphina twin-fault` reaches into it."""

from __future__ import annotations

import json
import signal

import pytest

from environments import ROOT
from paraphina_core.cli import main
from paraphina_core.twin import MENU
from twin_process import served


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_f079_a_signal_ends_it_in_good_order(number: signal.Signals) -> None:
    """It says where it is and how to get there, and ends with 0."""
    with served("--seed", "7") as (process, origin):
        assert process.stdout is not None
        variables = [process.stdout.readline().strip() for _ in range(2)]
        assert variables[0] == f"HL_REST_URL={origin}"
        assert variables[1].startswith("HL_WS_URL=ws://127.0.0.1:")
        process.send_signal(number)
        assert process.wait(10) == 0
        assert process.stdout.read().endswith("\ntwin ended\n")


def test_f094_it_shows_the_accounts_that_it_has_made_and_their_keys(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The same for the same seed, and others for another: they are made for a run and nothing else."""

    def shown(seed: int) -> list[str]:
        assert main(["twin", "hyperliquid", "--duration-s", "0", "--seed", str(seed)]) == 0
        return capsys.readouterr().out.splitlines()[3:-1]

    lines = shown(7)
    assert [line.split("=")[0].strip() for line in lines if "=" in line] == [
        "HL_VAULT_ADDRESS",
        "HL_ACCOUNT_ADDRESS",
        "HL_PRIVATE_KEY",
    ] * 2
    assert [line.split(",")[1] for line in lines if "," in line] == [
        " whose key comes from the seed and is worth nothing"
    ] * 2
    assert shown(7) == lines
    assert not set(shown(8)) & set(lines)


def test_faults_are_armed_and_healed_from_outside(capsys: pytest.CaptureFixture[str]) -> None:
    """What is armed is told, and healing takes it away."""
    with served("--fault", "gap:after_ms=60000") as (_, origin):
        assert main(["twin-fault", "--at", origin, "drop:count=3", "ban"]) == 0
        told = json.loads(capsys.readouterr().out)
        assert [fault["fault"] for fault in told["armed"]] == ["gap", "drop"]
        assert told["happened"] == {"ban": 1}
        assert main(["twin-fault", "--at", origin, "--heal"]) == 0
        assert json.loads(capsys.readouterr().out)["armed"] == []


def test_without_an_address_the_menu_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """Every fault with its parameters and its effect."""
    assert main(["twin-fault"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[::2]] == list(MENU)
    assert lines[0:2] == ["drop", "    frames to clients: The frame is never sent."]


def test_the_menu_as_a_table_is_the_one_in_the_documentation(capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever adds a fault prints the table anew."""
    assert main(["twin-fault", "--markdown"]) == 0
    assert capsys.readouterr().out in (ROOT / "docs" / "twins.md").read_text(encoding="utf-8")


def test_it_ends_by_itself_when_its_time_is_over(capsys: pytest.CaptureFixture[str]) -> None:
    """A bounded run needs no signal."""
    assert main(["twin", "hyperliquid", "--duration-s", "0"]) == 0
    assert capsys.readouterr().out.endswith("twin ended\n")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["twin", "mock"], "connector mock has no twin"),
        (["twin", "nothing"], "no connector has this name"),
        (["twin", "hyperliquid", "--address", "0.0.0.0"], "this machine alone"),  # noqa: S104  # what is refused
        (["twin", "hyperliquid", "--fault", "dorp"], "did you mean drop?"),
        (["twin", "hyperliquid", "--set", "x"], "NAME=VALUE"),
        (["twin", "hyperliquid", "--balance-usd", "1e3"], "not a number"),
        (["twin-fault", "drop"], "--at"),
        (["twin-fault", "--at", "http://127.0.0.1:1", "dorp"], "did you mean drop?"),
        (["twin-fault", "--at", "http://127.0.0.1:1", "drop"], "does not answer"),
        (["twin-fault", "--at", "http://example.com", "drop"], "on this machine"),
    ],
)
def test_what_cannot_be_done_is_said_with_the_reason(
    arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Wrong usage ends with 2 and names what was wrong."""
    assert main(arguments) == 2
    assert says in capsys.readouterr().err

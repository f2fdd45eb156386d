"""`paraphina simulate`: runs, findings and how to repeat them, as somebody at a prompt meets them."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner, Result

from paraphina_core.cli.main import cli

TRADED = ("--set", "hyperliquid.traded_usd=10000000")


def simulate(*arguments: str) -> Result:
    """Run the command in this process."""
    return CliRunner().invoke(cli, ["simulate", *arguments])


def test_a_run_without_findings_ends_with_0_and_says_so() -> None:
    """One line for the run, one for all of them."""
    done = simulate("hl", "--hours", "0.003", "--pause-s", "3", "--faults", "split,delay", *TRADED)
    assert done.exit_code == 0, done.output
    run, all_runs = done.output.splitlines()
    assert run.startswith("seed 1: 0.003 h, ")
    assert run.endswith("as it must be")
    assert all_runs.startswith("1 runs, 0 with findings; faults: ")


def test_a_finding_ends_with_1_and_with_the_command_that_repeats_it() -> None:
    """Without the traded volume the dead-man switch is refused, so nothing is ever quoted: that is found."""
    done = simulate("hyperliquid", "--hours", "0.001", "--faults", "split", "--seed", "9", "--json")
    assert done.exit_code == 1
    (outcome,) = (json.loads(line) for line in done.output.splitlines())
    assert outcome["seed"] == 9
    assert any("dead-man" in finding for finding in outcome["broken"])
    again = simulate("hyperliquid", "--hours", "0.001", "--faults", "split", "--seed", "9").output
    repeat = "paraphina simulate hyperliquid --seed 9 --hours 0.001 --pause-s 20 --faults split"
    assert f"  again: {repeat}" in again


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("hyperliquid", "--faults", "drpo"), "no fault is called so"),
        (("hyperliquid", "--set", "traded_usd=1"), "CONNECTOR.NAME=VALUE"),
        (("nowhere",), "nowhere"),
        (("mock",), "has no twin"),
        ((), "Missing argument"),
    ],
)
def test_what_cannot_be_simulated_is_refused_in_words(arguments: tuple[str, ...], said: str) -> None:
    """A typing error is not a run without findings."""
    done = simulate(*arguments)
    assert done.exit_code != 0
    assert said in f"{done.output} {done.exception}"

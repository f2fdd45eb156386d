"""`paraphina simulate`: runs, findings and how to repeat them, as somebody at a prompt meets them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from paraphina_core.cli.main import cli

#: Without volume behind it the account has no dead-man switch, so nothing is ever quoted: a finding.
POOR = ("--set", "hyperliquid.traded_usd=0")


def simulate(*arguments: str) -> Result:
    """Run the command in this process."""
    return CliRunner().invoke(cli, ["simulate", *arguments])


def test_a_run_without_findings_ends_with_0_and_says_so() -> None:
    """One line for the run, one for all of them."""
    done = simulate("hl", "--hours", "0.012", "--pause-s", "1", "--faults", "split,delay")
    assert done.exit_code == 0, done.output
    run, all_runs, numbers = done.output.splitlines()
    assert run.startswith("seed 1: 0.012 h, ")
    assert run.endswith("as it must be")
    assert all_runs.startswith("1 runs, 0 with findings; faults: ")
    assert "F-007" in numbers.partition("; not: ")[0]
    assert "F-060" in numbers.partition("; not: ")[2]


def test_seeds_run_side_by_side_and_are_told_in_order() -> None:
    """With as many processes as asked for; each run is that of its seed alone."""
    options = ("--hours", "0.001", "--faults", "split", "--json")
    both = simulate("hyperliquid", "--seeds", "2", "--seed", "4", "--jobs", "2", *options)
    one = simulate("hyperliquid", "--seed", "5", "--jobs", "1", *options)
    assert both.exit_code == one.exit_code == 0, both.output
    assert [json.loads(line)["seed"] for line in both.output.splitlines()] == [4, 5]
    assert both.output.splitlines()[1] == one.output.splitlines()[0]


def test_no_run_outlives_the_command_that_began_it() -> None:
    """Not even when it is killed: an hour of simulation would go on for minutes."""
    command = [
        sys.executable,
        "-m",
        "paraphina_core",
        "simulate",
        "hyperliquid",
        "--seeds",
        "2",
        "--jobs",
        "2",
    ]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        runs: set[int] = set()
        deadline_s = time.monotonic() + 30.0
        while len(runs) < 2 and time.monotonic() < deadline_s:
            time.sleep(0.1)
            runs = {int(pid) for pid in children.read_text().split() if _is_busy(int(pid))}
        process.kill()
    assert len(runs) >= 2
    while any(Path(f"/proc/{pid}").exists() for pid in runs) and time.monotonic() < deadline_s:
        time.sleep(0.1)
    assert not [pid for pid in runs if Path(f"/proc/{pid}").exists()]


def _is_busy(pid: int) -> bool:
    """Tell whether a process has used half a second of processor time: it simulates."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return False
    return int(fields[11]) >= os.sysconf("SC_CLK_TCK") // 2


def test_a_finding_ends_with_1_with_the_command_that_repeats_it_and_with_the_fewest_faults() -> None:
    """The account cannot have a dead-man switch, whatever happens: one fault of many is enough to see it."""
    options = ("hyperliquid", "--hours", "0.01", "--pause-s", "2", "--faults", "split", "--seed", "9", *POOR)
    done = simulate(*options, "--shrink-runs", "3")
    assert done.exit_code == 1
    assert "the dead-man switch is not armed" in done.output
    repeat = "paraphina simulate hyperliquid --seed 9 --hours 0.01 --pause-s 2 --faults split " + " ".join(
        POOR
    )
    assert f"  again: {repeat}\n" in done.output
    (kept, of) = re.findall(r"(\d+) of its (\d+) faults break something too", done.output)[0]
    assert 0 < int(kept) < int(of)
    (only,) = re.findall(rf"  again: {re.escape(repeat)} --only (\S+)\n", done.output)
    assert len(only.split(",")) == int(kept)
    again = simulate(*options, "--only", only, "--shrink-runs", "0", "--json")
    assert again.exit_code == 1
    assert set(json.loads(again.output)["strikes"]) == set(only.split(","))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("hyperliquid", "--faults", "drpo"), "no fault is called so"),
        (("hyperliquid", "--set", "traded_usd=1"), "CONNECTOR.NAME=VALUE"),
        (("nowhere",), "nowhere"),
        (("mock",), "has no twin"),
        (("hyperliquid", "--only", "1,b"), "their numbers"),
        (("hyperliquid", "--only", "1", "--seeds", "2"), "faults of its own"),
    ],
)
def test_what_cannot_be_simulated_is_refused_in_words(arguments: tuple[str, ...], said: str) -> None:
    """A typing error is not a run without findings."""
    done = simulate(*arguments)
    assert done.exit_code != 0
    assert said in f"{done.output} {done.exception}"

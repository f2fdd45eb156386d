"""When a session stops, hangs or dies, a second process has cancelled everything within its window."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from coast import Coast, coast_in

WINDOW_S = 4.0


@pytest.fixture
def coast(tmp_path: Path) -> Iterator[Coast]:
    """Serve a twin, for sessions whose watchdog has a short window."""
    with coast_in(tmp_path) as made:
        yield made


def trading(coast: Coast, *options: str) -> subprocess.Popen[bytes]:
    """Start a session and wait until it has orders at the venue."""
    file = coast.folder / "watchdog.toml"
    file.write_text(f"[live]\nwatchdog_window_ms = {WINDOW_S * 1_000:.0f}\n")
    session = coast.start("--config", str(file), *options)
    until(lambda: coast.truth().open_orders, 20.0)
    return session


def until(true: Callable[[], object], within_s: float) -> None:
    """Wait for something."""
    deadline_s = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < deadline_s, "it did not come true in time"
        time.sleep(0.05)


def test_f087_orders_of_a_session_that_is_stopped_are_cancelled_within_the_window(coast: Coast) -> None:
    """SIGSTOP: nothing of it runs any more. It is killed, its orders go, and no switch is latched."""
    with trading(coast) as session:
        session.send_signal(signal.SIGSTOP)
        stopped_s = time.monotonic()
        until(lambda: not coast.truth().open_orders, WINDOW_S)
        assert session.wait(10) == -signal.SIGKILL
        assert time.monotonic() - stopped_s < WINDOW_S + 1
        summary = coast.runs[-1].with_name(f"{coast.runs[-1].name}-watchdog") / "summary.json"
        until(summary.exists, 10.0)
    told = msgspec.json.decode(summary.read_bytes())
    assert told["orders_left"] == told["unconfirmed"] == []
    assert told["session"]["placed"] == 0
    assert "no sign of life for 2 s" in told["session"]["reason"]
    assert not (coast.folder / "home" / "kill_latch.json").exists()
    assert coast.end()["orders_left"] == []


def test_f070_orders_of_a_session_that_was_killed_and_not_started_again_are_cancelled(coast: Coast) -> None:
    """Kill -9: after the time in which a supervisor would have started it again."""
    with trading(coast) as session:
        session.kill()
        session.wait()
    until(lambda: not coast.truth().open_orders, 2 * WINDOW_S)


def test_an_orderly_end_dismisses_it(coast: Coast) -> None:
    """No process is left, and no run of its own."""
    with trading(coast, "--duration", "3s") as session:
        children = Path(f"/proc/{session.pid}/task/{session.pid}/children")
        (dog,) = (int(child) for child in children.read_text().split())
        assert session.wait(30) == 0, coast.said()
    until(lambda: not Path(f"/proc/{dog}").exists(), 5.0)
    assert not coast.runs[-1].with_name(f"{coast.runs[-1].name}-watchdog").exists()


BLOCK = """
import os, sys, time
from pathlib import Path
from paraphina_core.session import watched_over
with watched_over(1_000, lambda reason: Path(sys.argv[1]).write_text(reason)) as watchdog:
    for _ in range(10):
        time.sleep(0.1)
        watchdog.beat()
    time.sleep(float(sys.argv[2]))
os._exit(7)
"""


@pytest.mark.parametrize(("hangs_s", "code"), [("30", -signal.SIGKILL), ("0", 7)])
def test_a_block_whose_beats_stop_is_ended_and_one_that_beats_is_not(
    tmp_path: Path, hangs_s: str, code: int
) -> None:
    """Told without a session: what is called, when, and what becomes of the process."""
    seen = tmp_path / "seen"
    done = subprocess.run([sys.executable, "-c", BLOCK, str(seen), hangs_s], timeout=20, check=False)
    assert done.returncode == code
    if code == 7:
        time.sleep(0.7)
        assert not seen.exists()
        return
    until(seen.exists, 5.0)
    assert seen.read_text() == "the session has given no sign of life for 0.5 s"

"""A session whose venue cannot be reached says so, keeps trying, and ends when it is told to."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

_NOBODY = "127.0.0.1:9"


def test_a_session_without_a_network_names_host_reason_and_next_attempt_until_it_is_stopped(
    tmp_path: Path,
) -> None:
    """`paraphina_live` in shadow mode goes on trying; Ctrl-C ends it in good order, with nothing left."""
    env = {
        **os.environ,
        "PARAPHINA_HOME": str(tmp_path / "home"),
        "PARAPHINA_TRADE_MODE": "shadow",
        "PARAPHINA_LIVE_CONNECTOR": "hyperliquid",
        "HL_REST_URL": f"http://{_NOBODY}",
        "HL_WS_URL": f"ws://{_NOBODY}/ws",
    }
    live = "import sys; from paraphina_core.cli import live_main; sys.exit(live_main())"
    process = subprocess.Popen(
        [sys.executable, "-c", live, "--out-dir", "out"],
        cwd=tmp_path,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    for _ in range(2):
        line = process.stdout.readline()
        assert f"hyperliquid cannot reach {_NOBODY} for instruments: ConnectError" in line
        assert "next attempt in" in line or "tried again now" in line
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=10)
    assert (process.returncode, err) == (0, "")
    assert "stopped by the operator" in out
    assert "no order is left" in out

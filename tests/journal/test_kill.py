"""A process killed at any moment has lost nothing that `append` said was written."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from paraphina_core.journal import JournalWriter, read, verify

SUPPORT = Path(__file__).resolve().parents[1] / "support"

WRITER = """
import os, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from journal_disks import SplitDisk
from paraphina_core.journal import Disk, JournalWriter, SyncPolicy
disk = SplitDisk() if sys.argv[3] == "split" else Disk()
writer = JournalWriter(Path(sys.argv[1]), at_ns=0, files=disk, segment_bytes=40_000, anchor_bytes=9_000)
for at_ns in range(10**9):
    if at_ns % 3:
        seq = writer.append("order", at_ns, b'{"text":"%b"}' % (b"x" * (at_ns % 400)))
    else:
        seq = writer.record_frame(at_ns, "mock", "books", os.urandom(at_ns % 400))
    writer.sync_if_due(at_ns * 10_000)
    os.write(1, b"%d\\n" % seq)
"""


def run_and_kill(folder: Path, disk: str, after_s: float) -> int:
    """Let a writer run for a while, kill it, and return the last record it acknowledged, -1 for none."""
    command = [sys.executable, "-c", WRITER, str(folder), str(SUPPORT), disk]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        acknowledged = process.stdout.readline()  # it has begun
        killer = threading.Timer(after_s, process.kill)
        killer.start()
        acknowledged += process.stdout.read()
        killer.join()
    assert process.returncode == -9
    lines = acknowledged.splitlines(keepends=True)
    whole = [line for line in lines if line.endswith(b"\n")]
    return int(whole[-1]) if whole else -1


@pytest.mark.parametrize("disk", ["whole", "split"])
def test_f070_f073_kill_9_loses_no_acknowledged_record(tmp_path: Path, disk: str) -> None:
    """Ten processes in turn continue one journal and are killed at random moments."""
    folder = tmp_path / "journal"
    dice = random.Random(disk)
    promised = 0
    for _ in range(10):
        promised = max(promised, run_and_kill(folder, disk, dice.uniform(0.0, 0.1)))
        found = verify(folder)
        assert found.intact, found.problem
        assert found.records > promised
    with JournalWriter(folder, at_ns=0) as writer:
        assert writer.head.seq > promised
    found = verify(folder)
    assert found.intact
    assert found.closed
    assert found.kinds["reopened"] == 10
    assert found.segments > 2
    torn = [
        record
        for record in read(folder)
        if record.kind == "reopened" and b'"torn_bytes":0,' not in record.data
    ]
    assert len(torn) == len(list(folder.glob("*.torn")))
    if disk == "split":
        assert torn  # the kills of this test do fall into writes

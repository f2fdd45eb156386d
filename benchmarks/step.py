"""What one market frame costs on its whole way: read, book, decision, gates, journal, paper exchange.

Usage: python benchmarks/step.py [MINUTES]

The frames are those of the built-in synthetic market, fed to one paper session as fast as it takes
them. Beside it, in the same run, stands the least that any Python program would do with the same
bytes: one typed decode. The figures are per frame, in microseconds.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import msgspec

from paraphina_core import strategy
from paraphina_core.config import resolve
from paraphina_core.connector import LocalSource, load_plugins, mock
from paraphina_core.domain import RunNumber
from paraphina_core.execution import NoWire
from paraphina_core.journal import JournalWriter, SyncPolicy
from paraphina_core.session.compose import compose
from paraphina_core.session.record import Recorder

_START_NS = 1_800_000_000_000_000_000


class Nowhere:
    """A recorder that keeps nothing."""

    def append(self, kind: str, at_ns: int, data: bytes) -> int:
        """Drop a record."""
        return 0

    def record_frame(self, at_ns: int, connector: str, stream: str, frame: bytes) -> int:
        """Drop a frame."""
        return 0


def run(recorder: Recorder, minutes: float) -> tuple[list[int], int, list[bytes]]:
    """Feed a session and return nanoseconds for each frame, orders placed, and the frames."""
    plugins = load_plugins([mock, strategy], candidates=(), flags=())
    cli = {"--trade-mode": "paper", "--connectors": "mock", "--clock": "virtual"}
    config = resolve(cli=cli, env={}, file=None, plugins=plugins)
    session = compose(config, plugins, recorder, NoWire(), lambda: RunNumber(1), {})
    session.start(_START_NS)
    (connector, plan), *_ = session.streams()
    assert isinstance(plan.source, LocalSource)
    session.stream_opened(connector, plan.name, _START_NS)
    costs: list[int] = []
    frames: list[bytes] = []
    for due_ns, frame in plan.source.frames(_START_NS):
        if due_ns > _START_NS + minutes * 60e9:
            break
        while (wake_ns := session.next_due_ns()) is not None and wake_ns < due_ns:
            session.wake(wake_ns)
        frames.append(frame)
        began = time.perf_counter_ns()
        session.frame(connector, plan.name, frame, due_ns)
        costs.append(time.perf_counter_ns() - began)
    return costs, session.snapshot(due_ns).placed, frames


def decode(frames: list[bytes]) -> list[int]:
    """Return nanoseconds for one typed decode of each frame."""
    decoder = mock.DECODER
    costs: list[int] = []
    for frame in frames:
        began = time.perf_counter_ns()
        decoder.decode(frame)
        costs.append(time.perf_counter_ns() - began)
    return costs


def main() -> None:
    """Measure and print the table."""
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 10.0
    with tempfile.TemporaryDirectory() as folder:
        writer = JournalWriter(Path(folder) / "journal", at_ns=_START_NS, sync=SyncPolicy(interval_ms=1_000))
        with writer:
            journalled, _, _ = run(writer, minutes)
    unrecorded, placed, frames = run(Nowhere(), minutes)
    rows = {
        "typed decode alone (msgspec)": decode(frames),
        "whole way, no journal": unrecorded,
        "whole way, journal written": journalled,
    }
    base = percentile(rows["typed decode alone (msgspec)"], 50)
    size = sum(map(len, frames)) / len(frames)
    print(f"{len(frames)} frames of {size:.0f} bytes on average, {placed} orders")
    print(f"Python {sys.version.split()[0]}, msgspec {msgspec.__version__}")
    print(f"{'':32}{'p50 µs':>10}{'p99 µs':>10}{'ratio of p50':>15}")
    for name, costs in rows.items():
        middle = percentile(costs, 50)
        print(f"{name:32}{middle / 1e3:>10.1f}{percentile(costs, 99) / 1e3:>10.1f}{middle / base:>15.1f}")


def percentile(costs: list[int], percent: int) -> float:
    """Return a percentile of the costs."""
    return float(sorted(costs)[min(len(costs) - 1, len(costs) * percent // 100)])


if __name__ == "__main__":
    main()

"""Measures what a journal record costs beside a row of SQLite: `python benchmarks/journal.py [FOLDER]`.

Both keep the same bytes on the same disk, in rounds by turns: the machine's mood changes within seconds.
Grouped syncs every 5 ms, as does a SQLite transaction that is committed every 5 ms; always syncs each
record, as does SQLite with `synchronous=FULL` and a transaction for each row. A frame asks for no sync
of its own, so always is measured with orders only.
"""

from __future__ import annotations

import random
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import msgspec

from paraphina_core.journal import JournalWriter, SyncPolicy

ROUNDS = 7
GROUPED, ALWAYS = 20_000, 500
INTERVAL_NS = 5_000_000


def frame(dice: random.Random) -> bytes:
    """Make a book snapshot of about 1.6 kB, as a venue sends it."""
    levels = [
        {"px": f"{dice.uniform(9e4, 1e5):.1f}", "sz": f"{dice.random():.5f}", "n": 3} for _ in range(40)
    ]
    return msgspec.json.encode({"channel": "l2Book", "data": {"levels": [levels[:20], levels[20:]]}})


def order(dice: random.Random) -> bytes:
    """Make the record of an order of about 300 B."""
    fields = ["instrument", "side", "price", "size", "time_in_force", "post_only", "reduce_only", "purpose"]
    return msgspec.json.encode({name: f"{dice.getrandbits(64):020d}" for name in fields})


def journal(folder: Path, data: bytes, count: int, *, is_frame: bool, always: bool) -> float:
    """Return the mean time of a record in microseconds."""
    sync = SyncPolicy(always=always, interval_ms=INTERVAL_NS / 1e6)
    with JournalWriter(folder, at_ns=0, sync=sync) as writer:
        begin = time.perf_counter_ns()
        for _ in range(count):
            at_ns = time.perf_counter_ns()
            if is_frame:
                writer.record_frame(at_ns, "hyperliquid", "books", data)
            else:
                writer.append("order", at_ns, data)
            writer.sync_if_due(at_ns)
        return (time.perf_counter_ns() - begin) / count / 1e3


def sqlite(folder: Path, data: bytes, count: int, *, synchronous: str, always: bool) -> float:
    """Return the mean time of a row in microseconds."""
    folder.mkdir()
    database = sqlite3.connect(folder / "journal.db", isolation_level=None)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute(f"PRAGMA synchronous={synchronous}")
    database.execute("CREATE TABLE record (seq INTEGER PRIMARY KEY, at_ns INTEGER, kind TEXT, data BLOB)")
    insert = "INSERT INTO record (at_ns, kind, data) VALUES (?, ?, ?)"
    begin = committed_ns = time.perf_counter_ns()
    if not always:
        database.execute("BEGIN")
    for _ in range(count):
        at_ns = time.perf_counter_ns()
        database.execute(insert, (at_ns, "order", data))
        if not always and at_ns - committed_ns >= INTERVAL_NS:
            database.execute("COMMIT")
            database.execute("BEGIN")
            committed_ns = at_ns
    if not always:
        database.execute("COMMIT")
    mean_us = (time.perf_counter_ns() - begin) / count / 1e3
    database.close()
    return mean_us


def main() -> None:
    """Print a table of mean times."""
    dice = random.Random(1)
    frames, orders = frame(dice), order(dice)
    sizes = f"frame {len(frames)} B, order {len(orders)} B"
    cases: dict[str, Callable[[Path], float]] = {
        "frame  journal, grouped (no sync)": lambda to: journal(
            to, frames, GROUPED, is_frame=True, always=False
        ),
        "frame  SQLite NORMAL, row by row": lambda to: sqlite(
            to, frames, GROUPED, synchronous="NORMAL", always=True
        ),
        "order  journal, grouped 5 ms": lambda to: journal(to, orders, GROUPED, is_frame=False, always=False),
        "order  SQLite NORMAL, row by row": lambda to: sqlite(
            to, orders, GROUPED, synchronous="NORMAL", always=True
        ),
        "order  SQLite FULL, commit each 5 ms": lambda to: sqlite(
            to, orders, GROUPED, synchronous="FULL", always=False
        ),
        "order  journal, always": lambda to: journal(to, orders, ALWAYS, is_frame=False, always=True),
        "order  SQLite FULL, row by row": lambda to: sqlite(
            to, orders, ALWAYS, synchronous="FULL", always=True
        ),
    }
    times_us: dict[str, list[float]] = {name: [] for name in cases}
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if len(sys.argv) > 1 else None) as scratch:
        for number in range(ROUNDS):
            for place, (name, measure) in enumerate(cases.items()):
                times_us[name].append(measure(Path(scratch) / f"{number}-{place}"))
    print(f"mean us per record, {ROUNDS} rounds; {sizes}")
    print(f"{'':38}{'best':>9}{'median':>9}{'worst':>9}")
    for name, found in times_us.items():
        row = "".join(f"{value:9.1f}" for value in (min(found), median(found), max(found)))
        print(f"{name:38}{row}")


if __name__ == "__main__":
    main()

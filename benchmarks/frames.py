"""What it costs to get from a frame's bytes to a readable best bid and offer, beside other libraries.

Usage: python benchmarks/frames.py [FRAMES]

Every contestant gets the same frames, in the same process and by turns: blocks of a thousand, of a seeded
market in the venue's true wire format (`measuring/market_frames.py`). The SDK keeps no book, ccxt.pro reads
no best bids and offers of this venue (it drops them), and msgspec alone neither checks nor keeps anything.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from importlib.metadata import version
from typing import Final

from measuring import readers
from measuring.market_frames import Kind, frames, mixed
from measuring.rounds import middle, percentile, take_turns
from measuring.tables import Table, micros, times

SEED: Final = 20_261_125
BLOCK: Final = 1_000
FRAMES: Final = 200_000
MIXED: Final = "fast book, touch and trades, as they come"


def measure(count: int = FRAMES) -> list[Table]:
    """Measure `count` whole books and as many mixed frames, and a tenth of that of each other kind."""
    found = {Kind.BOOK.value: _race(frames(SEED, Kind.BOOK), count)}
    for kind in (Kind.FAST_BOOK, Kind.BBO, Kind.TRADES):
        found[kind.value] = _race(frames(SEED, kind), max(10 * BLOCK, count // 10))
    found[MIXED] = _race((frame for _, frame in mixed(SEED)), count)
    return tables(found, count)


def tables(found: Mapping[str, Mapping[str, Sequence[float]]], count: int) -> list[Table]:
    """Show nanoseconds per frame, by kind of frame and by reader."""
    peers = ", ".join(f"{name} {version(name)}" for name in ("msgspec", "hyperliquid-python-sdk", "ccxt"))
    return [
        Table(
            title="From the bytes of a frame to best bid and offer",
            note=(
                f"Microseconds of processor time per frame, median and 99th percentile of blocks of "
                f"{BLOCK:,} frames; {count:,} frames in the first and last row. Beside {peers}."
            ),
            header=("frames", *(f"{name}" for name in found[MIXED])),
            rows=tuple(
                (kind, *(f"{micros(middle(ns))} ({micros(percentile(ns, 99))})" for ns in by_name.values()))
                for kind, by_name in found.items()
            ),
        ),
        Table(
            title="The same as ratios of medians",
            note="How many times as long as Paraphina the others take, and Paraphina as the bare decode.",
            header=("frames", f"{readers.CCXT} ÷ ours", f"{readers.SDK} ÷ ours", "ours ÷ msgspec alone"),
            rows=tuple(
                (
                    kind,
                    times(_ratio(by_name, readers.CCXT, readers.OURS)),
                    times(_ratio(by_name, readers.SDK, readers.OURS)),
                    times(_ratio(by_name, readers.OURS, readers.BARE)),
                )
                for kind, by_name in found.items()
            ),
        ),
    ]


def _race(stream: Iterator[bytes], count: int) -> dict[str, list[float]]:
    """Let every reader read the stream; return nanoseconds per frame for each block."""
    contestants = readers.all_readers()
    block: list[bytes] = []
    number = -1

    def prepare(name: str, turn: int) -> partial[readers.Touch]:
        nonlocal block, number
        if turn != number:
            block, number = list(itertools.islice(stream, BLOCK)), turn
        return partial(contestants[name], block)

    taken = take_turns({name: partial(prepare, name) for name in contestants}, count // BLOCK)
    return {name: [ns / BLOCK for ns in rounds] for name, rounds in taken.items()}


def _ratio(by_name: Mapping[str, Sequence[float]], slow: str, fast: str) -> float:
    return middle(by_name[slow]) / middle(by_name[fast])


if __name__ == "__main__":
    for table in measure(int(sys.argv[1]) if len(sys.argv) > 1 else FRAMES):
        print(table.markdown(), end="\n\n")

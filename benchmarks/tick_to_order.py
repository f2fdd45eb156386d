"""How long it takes from a book on loopback to the signed order that it causes, beside other clients.

Usage: python benchmarks/tick_to_order.py [ROUNDS]

A venue on loopback (`measuring/loopback_venue.py`) sends a book to a client and stops the clock when the
client's order arrives; venue and client are processes of their own. Ours is a whole session as the program
runs it: the stream's connection, journal, book, strategy, planner, every order gate, signing, and the order
as a post on the account's stream. The peers do what their documentation shows: read a book, place an order.
All take their turns in rounds, each a process that starts anew; the clock is the venue's alone.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Final, NamedTuple

from measuring.rounds import middle, percentile
from measuring.tables import Table, micros, times

ROUNDS: Final = 3
BOOKS: Final = 200
#: The first books of a process are not counted: connections and caches are still cold.
WARM_UP: Final = 20
START_S: Final = 60
END_S: Final = 120

_FOLDER: Final = Path(__file__).parent / "measuring"
#: What the SDK's library for signatures is told to use: its own arithmetic, which is all that it installs.
_AS_INSTALLED: Final = {"ECC_BACKEND_CLASS": "eth_keys.backends.NativeECCBackend"}


class Contestant(NamedTuple):
    """A client: its name in the table, its name in `tick_clients.py`, and what its environment adds."""

    name: str
    client: str
    env: dict[str, str]


CONTESTANTS: Final = (
    Contestant("Paraphina", "paraphina", {}),
    Contestant("hyperliquid-python-sdk as it installs", "sdk", _AS_INSTALLED),
    Contestant("hyperliquid-python-sdk with coincurve", "sdk", {}),
    Contestant("ccxt.pro", "ccxt", {}),
    Contestant("nobody: the same bytes back for each book", "floor", {}),
)


def measure(rounds: int = ROUNDS) -> list[Table]:
    """Measure all contestants, by turns."""
    taken: dict[str, list[int]] = {contestant.name: [] for contestant in CONTESTANTS}
    missed = dict.fromkeys(taken, 0)
    order = list(CONTESTANTS)
    for _ in range(rounds):
        for contestant in order:
            found = _race(contestant)
            taken[contestant.name] += found["taken_ns"][WARM_UP:]
            missed[contestant.name] += found["missed"]
        order.append(order.pop(0))
    return tables(taken, missed, rounds)


def tables(taken: Mapping[str, Sequence[float]], missed: Mapping[str, int], rounds: int) -> list[Table]:
    """Show nanoseconds from book to order, by client."""
    ours = middle(taken[CONTESTANTS[0].name])
    peers = ", ".join(f"{name} {version(name)}" for name in ("hyperliquid-python-sdk", "ccxt", "coincurve"))
    return [
        Table(
            title="From a book on loopback to the signed order on loopback",
            note=(
                f"Microseconds, {rounds} rounds of {BOOKS - WARM_UP} books each after {WARM_UP} to warm up, "
                f"one every few milliseconds. Beside {peers}. Missed: no order within two seconds."
            ),
            header=("client", "p50", "p99", "fastest", "missed", "p50 ÷ ours"),
            rows=tuple(
                (
                    name,
                    micros(middle(ns)),
                    micros(percentile(ns, 99)),
                    micros(min(ns)),
                    str(missed[name]),
                    times(middle(ns) / ours),
                )
                for name, ns in taken.items()
            ),
        )
    ]


def _race(contestant: Contestant) -> dict[str, list[int]]:
    """Let one client answer the books of one venue."""
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen(  # noqa: S603  # this interpreter and our own script
            [sys.executable, str(_FOLDER / "loopback_venue.py"), str(BOOKS)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as venue,
    ):
        port = _line(venue, START_S)
        with subprocess.Popen(  # noqa: S603  # same
            [sys.executable, str(_FOLDER / "tick_clients.py"), contestant.client, port, folder],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # it is ended in the middle of its work
            text=True,
            env=os.environ | contestant.env,
        ) as client:
            try:
                assert _line(client, START_S) == "ready", f"{contestant.name} does not start"
                assert venue.stdin is not None
                print(file=venue.stdin, flush=True)
                found: dict[str, list[int]] = json.loads(_line(venue, END_S))
                return found
            finally:
                client.kill()
                venue.kill()


def _line(process: subprocess.Popen[str], within_s: float) -> str:
    assert process.stdout is not None
    ready, _, _ = select.select([process.stdout], [], [], within_s)
    assert ready, f"no word within {within_s} s from {process.args}"
    return process.stdout.readline().strip()


if __name__ == "__main__":
    for table in measure(int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS):
        print(table.markdown(), end="\n\n")

"""A session that is killed at any moment: the next one forgets no order, sends none twice, loses no fill."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

import dying
from paraphina_core import strategy
from paraphina_core.connector import Network, load_plugins, mock
from paraphina_core.domain import ClientOrderId, PlaceOrder, from_hex128
from paraphina_core.journal import read
from paraphina_core.twin import AccountTruth, TwinHost, TwinServer, TwinThread, truth, wall_clock

pytestmark = pytest.mark.slow

NAME = "hyperliquid"
#: Kills at random moments; `docs/faults.md` says what was run with more of them.
KILLS = int(os.environ.get("TEST_KILLS", "12"))
#: Records that a session writes before it sends, and after it heard, with how many of them it may live.
POINTS = [
    ("start", 1),
    ("opened", 1),
    ("answer", 2),
    ("arm_dead_man", 1),
    ("frame", 30),
    ("place", 1),
    ("place", 4),
    ("cancel", 2),
    ("tick", 8),
]


class Coast:
    """A twin in this process, and the sessions that are run on it one after the other."""

    def __init__(self, folder: Path, twin: TwinThread) -> None:
        self.folder = folder
        self.runs: list[Path] = []
        self._twin = twin
        self._said = (folder / "said").open("wb")

    def close(self) -> None:
        """Close what the sessions print to."""
        self._said.close()

    def start(self, *options: str, dies: Sequence[str] = ()) -> subprocess.Popen[bytes]:
        """Start a session in a process of its own."""
        out = self.folder / f"out-{len(self.runs)}"
        self.runs.append(out)
        program = [str(Path(dying.__file__)), *dies] if dies else ["-m", "paraphina_core"]
        return subprocess.Popen(
            [
                *(sys.executable, *program, "run", "--connector", NAME, "--trade-mode", "testnet"),
                *("--twin-url", self._twin.server.origin, "--out-dir", str(out), *options),
            ],
            cwd=self.folder,
            env={**os.environ, "PARAPHINA_HOME": str(self.folder / "home")},
            stdin=subprocess.DEVNULL,
            stdout=self._said,
            stderr=subprocess.STDOUT,
        )

    def said(self) -> str:
        """Return what the sessions printed last."""
        return (self.folder / "said").read_text()[-3_000:]

    def end(self) -> Mapping[str, object]:
        """Run a last session to its end in good order, and return its summary."""
        with self.start("--duration", "6s") as last:
            assert last.wait(60) == 0, self.said()
        summary: dict[str, object] = msgspec.json.decode((self.runs[-1] / "summary.json").read_bytes())
        return summary

    def truth(self) -> AccountTruth:
        """Return the account as the venue has it."""
        name = self._twin.call(lambda host, _: host.twin.logins[0].account)
        return self._twin.call(lambda host, _: truth(host.exchange)[name])

    def written(self) -> list[ClientOrderId]:
        """Return the id of every order in every journal."""
        journals = [run / "journal" for run in self.runs if (run / "journal").is_dir()]
        records = [record for journal in journals for record in read(journal) if record.kind == "place"]
        return [msgspec.json.decode(record.data, type=PlaceOrder).client_order_id for record in records]


@pytest.fixture
def coast(tmp_path: Path) -> Iterator[Coast]:
    """Serve a twin and yield it."""
    with _served() as twin:
        made = Coast(tmp_path, twin)
        yield made
        made.close()


@contextmanager
def _served() -> Iterator[TwinThread]:
    spec = load_plugins([mock, strategy]).connector(NAME)

    def build() -> TwinServer:
        now_ns = wall_clock()
        settings = {"metered": "no"}  # so many starts within a minute are more than the venue bears
        host = TwinHost.of(spec, seed=3, start_ns=now_ns(), network=Network.TESTNET, settings=settings)
        return TwinServer(host, now_ns=now_ns)

    with TwinThread(build) as twin:
        yield twin


def _nothing_is_lost(coast: Coast) -> None:
    """Compare everything that was written down, and what the last session holds, with the venue."""
    summary = coast.end()
    venue = coast.truth()
    written = coast.written()
    assert not [number for number, times in Counter(written).items() if times > 1]
    there = [order.client_id for order in (*venue.open_orders, *venue.final_orders)]
    ours = [made for client_id in there if client_id and (made := from_hex128(client_id)) is not None]
    assert not [number for number, times in Counter(ours).items() if times > 1]
    assert set(ours) <= set(written), "an order left that was never written down"
    assert venue.open_orders == (), "an order was forgotten"
    held = {position.instrument: position.size for position in venue.positions}
    left = msgspec.convert(summary["positions_left"], dict[str, Decimal])
    assert left == held, "a fill was lost"


def test_f070_f071_kills_at_random_moments_lose_nothing(coast: Coast) -> None:
    """Whatever it was doing: orders on their way, answers on theirs, recovery of the run before."""
    dice = random.Random(7)
    for _ in range(KILLS):
        with coast.start() as session:
            time.sleep(dice.uniform(0.3, 3.0))
            session.send_signal(signal.SIGKILL)
            assert session.wait() == -signal.SIGKILL, coast.said()
    assert coast.written()
    _nothing_is_lost(coast)


@pytest.mark.parametrize("when", dying.WHEN)
def test_f070_f073_a_kill_at_any_point_of_writing_loses_nothing(coast: Coast, when: str) -> None:
    """Before a record, in the middle of it and after it, for every kind that is written around an order."""
    for kind, count in POINTS:
        with coast.start("--duration", "20s", dies=(kind, str(count), when)) as session:
            assert session.wait(60) == -signal.SIGKILL, (kind, coast.said())
    _nothing_is_lost(coast)

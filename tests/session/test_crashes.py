"""A session that is killed at any moment: the next one forgets no order, sends none twice, loses no fill."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

import dying
from coast import Coast, coast_in
from paraphina_core.domain import from_hex128

pytestmark = pytest.mark.slow

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


@pytest.fixture
def coast(tmp_path: Path) -> Iterator[Coast]:
    """Serve a twin and yield it."""
    file = tmp_path / "crashes.toml"
    file.write_text("[live]\nmax_crashes = 1000\nwatchdog = false\n")  # it would cancel between two starts
    with coast_in(tmp_path) as made:
        made.options = ("--config", str(file))
        yield made


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

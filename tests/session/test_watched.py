"""A connector that blocks is quarantined, once, and a replay does the same without waiting."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from paraphina_core.journal import read
from paraphina_core.session import replay_run
from paraphina_core.session.watched import Block, Watched
from scripted import World, book, plugin, steady

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

MS = 1_000_000


class Slow:
    """A connector each of whose calls takes as long as it is told, on a clock of its own."""

    def __init__(self, *took_ms: int) -> None:
        self.now_ns = 0
        self._took_ms = list(took_ms)

    def _work(self, *_: object) -> Sequence[Any]:
        self.now_ns += self._took_ms.pop(0) * MS
        if not self._took_ms:
            raise ValueError("the last call fails")
        return ()

    read = write = ask = read_answer = opened = closed = _work


def watched(*took_ms: int) -> Watched:
    """Watch a slow connector, with 100 ms allowed."""
    slow = Slow(*took_ms)
    return Watched(slow, lambda: slow.now_ns, 100)  # type: ignore[arg-type]  # as much of a connector as is called


@pytest.mark.parametrize("call", ["read", "write", "ask", "read_answer", "opened", "closed"])
def test_f085_every_call_is_timed_and_the_first_that_is_too_long_is_told_once(call: str) -> None:
    """At the limit it is not too long; one that raises is timed as well."""
    arguments = {"read": (1, 2, 3), "read_answer": (1, 2, 3), "closed": (1,)}.get(call, (1, 2))
    connector = watched(100, 101, 500, 0)
    for expected in (None, Block(call, 101)):
        getattr(connector, call)(*arguments)
        assert connector.block == expected
    getattr(connector, call)(*arguments)
    assert connector.take_block() == Block(call, 101)
    assert connector.take_block() is None
    failing = watched(700)
    with pytest.raises(ValueError, match="fails"):
        getattr(failing, call)(*arguments)
    assert failing.take_block() == Block(call, 700)


def test_f085_a_connector_that_blocks_is_quarantined_and_the_other_venue_goes_on(tmp_path: Path) -> None:
    """Its orders are cancelled, nothing new is placed there; the reason names the call and the time."""
    alpha = [*steady("alpha", 500), (500, b"sleep 600"), (900, [book("alpha")])]
    world = World(tmp_path, plugin({"alpha": alpha, "beta": steady("beta", 3000)}))
    limit = tmp_path / "limit.toml"
    limit.write_text("[session]\nmax_call_ms = 300\n", encoding="utf-8")
    run, summary = world.run(file=limit, connectors="alpha,beta", clock="real", duration=1.6)
    records = [record for record in read(run.folder / "journal") if record.kind != "frame"]
    (blocked,) = (record for record in records if record.kind == "blocked")
    told = msgspec.json.decode(blocked.data)
    assert (told["connector"], told["call"]) == ("alpha", "read")
    assert told["took_ms"] >= 600
    venues = {venue.connector: venue for venue in summary.session.venues}
    assert venues["alpha"].health == "disabled"
    assert venues["alpha"].reason == f"the connector blocked for {told['took_ms']} ms in read"
    assert venues["beta"].health == "healthy"
    later = [record for record in records if record.seq > blocked.seq]
    placed = [msgspec.json.decode(record.data)["instrument"] for record in later if record.kind == "place"]
    assert set(placed) <= {"beta:BTC"}
    assert "alpha:BTC" in [
        msgspec.json.decode(record.data)["instrument"] for record in later if record.kind == "cancel"
    ]
    assert not summary.orders_left
    began = time.monotonic()
    result, _ = replay_run(run.folder, world.plugins)
    assert result.difference is None
    assert time.monotonic() - began < 5


def test_in_virtual_time_nothing_is_timed(tmp_path: Path) -> None:
    """A session that waits for nothing cannot be held up, and must be the same on a slow machine."""
    alpha = [*steady("alpha", 500), (500, b"sleep 20"), (600, [book("alpha")])]
    world = World(tmp_path, plugin({"alpha": alpha}))
    limit = tmp_path / "limit.toml"
    limit.write_text("[session]\nmax_call_ms = 1\n", encoding="utf-8")
    run, _ = world.run(file=limit, connectors="alpha", duration=1)
    assert "blocked" not in {record.kind for record in read(run.folder / "journal")}

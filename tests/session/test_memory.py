"""The garbage collector leaves alone what a session's process has loaded."""

from __future__ import annotations

import gc
from decimal import Decimal

from paraphina_core import strategy
from paraphina_core.config import resolve
from paraphina_core.connector import LocalSource, load_plugins, mock
from paraphina_core.domain import PlaceOrder, RunNumber
from paraphina_core.execution import NoWire, OrderRecord
from paraphina_core.session import settle_memory
from paraphina_core.session.compose import compose

#: What is kept of an order that has ended, for ten thousand of them
#: (the collector sees decimals since Python 3.13).
OF_ENDED_ORDERS = {OrderRecord, PlaceOrder, tuple, Decimal}

START_NS = 1_800_000_000_000_000_000


class Nowhere:
    """A recorder that keeps nothing."""

    def append(self, kind: str, at_ns: int, data: bytes) -> int:
        """Drop a record."""
        return 0

    def record_frame(self, at_ns: int, connector: str, stream: str, frame: bytes) -> int:
        """Drop a frame."""
        return 0


def test_what_is_loaded_is_passed_over_by_the_collector_once_memory_is_settled() -> None:
    """A pass over everything takes milliseconds, in which frames would wait."""
    before = gc.get_freeze_count()
    try:
        settle_memory()
        assert gc.get_freeze_count() > before + 10_000
    finally:
        gc.unfreeze()


def test_f076_a_session_holds_no_more_after_twenty_minutes_than_after_five() -> None:
    """What grew with every frame or order would end a long run; ended orders have a limit of their own."""
    plugins = load_plugins([mock, strategy], candidates=(), flags=())
    cli = {"--trade-mode": "paper", "--connectors": "mock", "--clock": "virtual"}
    config = resolve(cli=cli, env={}, file=None, plugins=plugins)
    session = compose(config, plugins, Nowhere(), NoWire(), lambda: RunNumber(1), {})
    session.start(START_NS)
    (connector, plan), *_ = session.streams()
    assert isinstance(plan.source, LocalSource)
    session.stream_opened(connector, plan.name, START_NS)
    held: list[int] = []
    next_look_ns = START_NS + 300_000_000_000
    for due_ns, frame in plan.source.frames(START_NS):
        if due_ns >= next_look_ns:
            gc.collect()
            held.append(sum(type(one) not in OF_ENDED_ORDERS for one in gc.get_objects()))
            next_look_ns += 300_000_000_000
            if len(held) == 4:
                break
        while (wake_ns := session.next_due_ns()) is not None and wake_ns < due_ns:
            session.wake(wake_ns)
        session.frame(connector, plan.name, frame, due_ns)
    assert session.snapshot(due_ns).placed > 1_000
    assert held[-1] < held[0] + 200

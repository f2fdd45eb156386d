"""The kill switch: after it nothing but cancels leaves, and the venue's own word says what is left."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from fleet import Fleet
from paraphina_core.config import LeftoverPolicy
from paraphina_core.connector import TradeMode
from paraphina_core.domain import (
    ArmDeadMan,
    Batch,
    CancelAll,
    CancelOrder,
    InstrumentId,
    LocalError,
    PlaceOrder,
    RunNumber,
    Side,
    TradingState,
)
from paraphina_core.session import KillLatch, SessionFile, sessions
from paraphina_core.session.breaches import CONSEQUENCES, Breach, Consequence
from paraphina_core.session.record import WithDriftFile
from paraphina_core.session.running import Running
from port import LOST_REQUEST, MS, UNAVAILABLE, Desk, Kept, port_spec

BUY, SELL = Side.BUY, Side.SELL


def _kinds(sends: list[object]) -> list[type]:
    return [type(one) for send in sends for one in (send.commands if isinstance(send, Batch) else [send])]


def _killed(desk: Desk) -> Desk:
    desk.session.kill("a test", desk.now_ns)
    assert not desk.session.safety.was_breached
    return desk


def _verified(desk: Desk, within_ms: int) -> None:
    """Wait until the venue has said that nothing is open, and hold the journal to its replay."""
    began_ns = desk.now_ns
    assert desk.stop(within_ms), (desk.orders, desk.session.unconfirmed)
    assert desk.now_ns - began_ns <= within_ms * MS
    assert desk.venue.open == []
    difference = desk.replayed().difference
    assert difference is None, difference


def test_a_kill_cancels_in_the_same_call_and_nothing_else_leaves_afterwards() -> None:
    """Cancels are on the wire when the call returns; the wish for quotes goes on and is not heard."""
    desk = Desk().begin().want(BUY, SELL)
    desk.advance(1_000)
    before = len(desk.sends)
    _killed(desk)
    assert _kinds(desk.sends[before:]) == [CancelOrder, CancelOrder]
    assert desk.session.killed
    assert desk.state is TradingState.HALTED
    desk.advance(3_000)
    assert set(_kinds(desk.sends[before:])) <= {CancelOrder, ArmDeadMan}
    _verified(desk, 2_000)


def test_an_order_of_a_call_under_way_does_not_leave_after_the_kill() -> None:
    """The switch fires between decision and sending: the route asks once more, and the order never left."""
    desk = Desk().begin()
    trading = desk.session._trading  # noqa: SLF001  # the moment between two steps of one call
    decided = desk._decide  # noqa: SLF001

    def decide_and_kill(view: object, at_ns: int) -> object:
        targets = decided(view, at_ns)  # type: ignore[arg-type]  # handed through
        if targets:
            trading.safety.latch("while the strategy decides")
        return targets

    trading._strategy = type("Strategy", (), {"decide": staticmethod(decide_and_kill)})()  # type: ignore[assignment]  # noqa: SLF001
    desk.want(BUY)
    desk.advance(1_000)
    assert desk.session.killed
    assert PlaceOrder not in _kinds(desk.sends)


def test_a_venue_with_a_command_for_it_cancels_all_even_where_nothing_is_known_to_be_open() -> None:
    """What is not known here is what the command is for; it is not sent again for nothing."""
    desk = Desk(spec=port_spec(cancel_all_command=True)).begin()
    _killed(desk).advance(3_000)
    assert _kinds(desk.sends).count(CancelAll) == 1
    _verified(desk, 2_000)


@pytest.mark.parametrize("cancel_all", [False, True])
def test_f039_a_kill_cancels_strangers_orders_on_any_instrument_of_the_account(cancel_all: bool) -> None:
    """Whatever the policy for leftovers: the whole account counts, not the session's instruments."""
    spec = port_spec(cancel_all_command=cancel_all)
    desk = Desk(spec=spec, live={"leftover_orders": LeftoverPolicy.LEAVE}).begin()
    desk.venue.add(BUY, "0.001")
    elsewhere = desk.venue.add(SELL, "0.5", "4000")
    elsewhere.command = msgspec.structs.replace(elsewhere.command, instrument=InstrumentId("port:ETH"))
    _killed(desk)
    _verified(desk, 5_000)


def test_what_cannot_be_cancelled_is_named_with_its_place() -> None:
    """The venue takes no cancel: the end says which order is left, and that nobody confirmed."""
    desk = Desk(live={"leftover_orders": LeftoverPolicy.LEAVE}).begin()
    elsewhere = desk.venue.add(SELL, "0.5", "4000")
    elsewhere.command = msgspec.structs.replace(elsewhere.command, instrument=InstrumentId("port:ETH"))
    desk.faults[CancelOrder] = [UNAVAILABLE, LOST_REQUEST] * 50
    desk.venue.end = lambda *_args, **_options: None  # type: ignore[method-assign]  # the matching engine hangs
    _killed(desk)
    assert not desk.stop(10_000)
    assert desk.session.unconfirmed == (desk.spec.name,)
    assert [(order.instrument, order.size) for order in desk.session.strays()] == [
        ("port:ETH", Decimal("0.5"))
    ]
    assert _kinds(desk.sends).count(CancelOrder) > 5, "it is tried again until the end"


def test_lasting_drift_reduces_first_and_then_fires_the_switch() -> None:
    """A position that nobody can explain for many looks in a row is for a person to look at."""
    desk = Desk().begin()
    desk.venue.position = Decimal("0.5")
    desk.advance(15_000)
    assert desk.venue_state is TradingState.REDUCING
    desk.advance(120_000)
    assert desk.session.killed
    assert desk.session.safety.was_breached, "nobody fired it: it is no drill"
    (venue,) = desk.session.snapshot(desk.now_ns).venues
    assert venue.account is not None
    assert venue.account.unexplained_drifts == 1
    assert "differ from what was filled" in desk.session.safety.reason
    told = desk.recorder.of("drift")
    assert told[0] == {
        "connector": "port",
        "instrument": "port:BTC",
        "ours": "0",
        "theirs": "0.5",
        "in_a_row": 1,
    }
    assert [one["in_a_row"] for one in told[:12]] == list(range(1, 13))


def test_each_drift_also_stands_in_a_file_of_its_own_with_both_sides(tmp_path: Path) -> None:
    """Everything is passed on; a file that cannot be written costs no record."""
    kept = Kept()
    recorder = WithDriftFile(kept, tmp_path / "drift.jsonl")
    recorder.append("tick", 1, b"{}")
    recorder.append("drift", 2, b'{"ours":"1","theirs":"2"}')
    assert (tmp_path / "drift.jsonl").read_text() == '{"at_ns":2,"ours":"1","theirs":"2"}\n'
    WithDriftFile(kept, tmp_path / "absent" / "drift.jsonl").append("drift", 3, b'{"ours":"1"}')
    assert [record.kind for record in kept.records] == ["tick", "drift", "drift"]


@pytest.mark.parametrize("breach", list(Breach))
def test_every_breach_has_its_row_and_does_what_the_row_says(breach: Breach) -> None:
    """Reduce, halt, or latch; a row of each kind exists, and the journal replays."""
    desk = Desk().begin()
    (venue,) = desk.session._venues.values()  # noqa: SLF001
    desk.session.safety.breach(breach, "a test", desk.now_ns, venue)
    assert (desk.state, desk.venue_state) == {
        Consequence.REDUCE_VENUE: (TradingState.ACTIVE, TradingState.REDUCING),
        Consequence.REDUCE: (TradingState.REDUCING, TradingState.REDUCING),
        Consequence.HALT: (TradingState.HALTED, TradingState.HALTED),
        Consequence.LATCH: (TradingState.HALTED, TradingState.HALTED),
    }[CONSEQUENCES[breach]]
    assert desk.session.killed == (CONSEQUENCES[breach] is Consequence.LATCH)
    assert set(CONSEQUENCES.values()) == set(Consequence)


def test_no_breach_raises_a_state_and_a_kill_after_a_halt_still_latches() -> None:
    """States only fall by themselves."""
    desk = Desk().begin()
    trading = desk.session._trading  # noqa: SLF001
    trading.safety.breach(Breach.STRATEGY_RAISED, "first", desk.now_ns)
    trading.safety.breach(Breach.EXTERNAL_ORDER, "then", desk.now_ns)
    assert (desk.state, desk.session.safety.reason) == (TradingState.HALTED, "first")
    trading.safety.breach(Breach.OVERFILL, "last", desk.now_ns)
    assert desk.session.killed


# --- on disk --------------------------------------------------------------------------------------


def test_the_latch_keeps_the_first_reason_until_it_is_cleared(tmp_path: Path) -> None:
    """It fires once; clearing it, even twice, lets sessions start."""
    latch = KillLatch(tmp_path / "home")
    assert latch.read() is None
    latch.fire("loss\n" * 1_000)
    latch.fire("later")
    assert (latch.read() or "").startswith("loss\nloss")
    assert latch.path.stat().st_mode & 0o077 == 0
    latch.clear()
    latch.clear()
    assert latch.read() is None


def test_f082_a_latch_that_cannot_be_seen_is_no_latch_that_has_not_fired(tmp_path: Path) -> None:
    """Nobody can tell, and that is an error."""
    (tmp_path / "home").write_text("a file", encoding="utf-8")
    with pytest.raises(LocalError, match="cannot be seen"):
        KillLatch(tmp_path / "home").read()


def _file(run: int, **changes: object) -> SessionFile:
    told = SessionFile(
        run=RunNumber(run),
        pid=1,
        mode=TradeMode.TESTNET,
        connectors=("port",),
        accounts={"port": {"address": "a"}},
        folder="out",
        started="now",
    )
    return msgspec.structs.replace(told, **changes)


def _listed(home: Path) -> list[tuple[int, bool, tuple[str, ...]]]:
    return [(told.run, is_alive, told.left) for told, is_alive in sessions(home)]


def test_f070_a_session_is_listed_while_it_runs_and_after_a_death(tmp_path: Path) -> None:
    """The lock tells which: the file of one that died stays, whatever its process id is used for."""
    running = Running(tmp_path, _file(1))
    assert _listed(tmp_path) == [(1, True, ())]
    running._lock.release()  # noqa: SLF001  # what the kernel does for a process that dies
    assert _listed(tmp_path) == [(1, False, ())]


@pytest.mark.parametrize(
    ("address", "left", "listed"),
    [
        ("a", (), []),
        ("a", ("an order",), [(1, False, ()), (2, False, ("an order",))]),
        ("b", (), [(1, False, ())]),
    ],
)
def test_a_clean_end_settles_the_dead_sessions_of_the_same_accounts_only(
    tmp_path: Path, address: str, left: tuple[str, ...], listed: list[object]
) -> None:
    """An end that left something settles nothing, and neither does another account."""
    Running(tmp_path, _file(1))._lock.release()  # noqa: SLF001
    Running(tmp_path, _file(2, accounts={"port": {"address": address}})).close(left)
    assert _listed(tmp_path) == listed


def test_a_dead_session_on_paper_is_nobodys_business(tmp_path: Path) -> None:
    """Nothing of it is at a venue."""
    Running(tmp_path, _file(1, mode=TradeMode.PAPER, accounts={}))._lock.release()  # noqa: SLF001
    assert _listed(tmp_path) == []


# --- many venues ----------------------------------------------------------------------------------


def test_a_kill_is_verified_within_two_seconds_whatever_the_other_venues_do() -> None:
    """Of five, two hang and one answers 500: the others are empty by their own word, and these are named.

    Each venue's cancels left in the very call of the kill, behind nobody's silence.
    """
    fleet = Fleet(("one", "two", "three", "four", "five")).begin()
    assert [len(venue.open) for venue in fleet.venues.values()] == [2] * 5
    fleet.faults = {"two": "hang", "three": "500", "four": "hang"}
    fleet.sent_ns.clear()
    fleet.session.kill("a test", fleet.now_ns)
    assert {name for name, at_ns in fleet.sent_ns if at_ns == fleet.now_ns} == set(fleet.names)
    fleet.session.stop("killed", fleet.now_ns)
    fleet.advance(2_000)
    assert fleet.session.unconfirmed == ("two", "three", "four")
    assert [len(venue.open) for venue in fleet.venues.values()] == [0, 2, 2, 2, 0]
    left = sorted(str(record.order.instrument) for record in fleet.session.open_orders())
    assert left == sorted(f"{name}:BTC" for name in ("two", "three", "four") for _ in range(2))
    fleet.faults = {}
    fleet.advance(20_000)
    assert fleet.session.quiet, fleet.session.unconfirmed

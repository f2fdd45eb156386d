"""Trading states of the session and of each venue: breaches lower them, an operator or time raises them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from fleet import Fleet
from paraphina_core.domain import CancelAll, LocalError, Side, TradingState
from port import NAME, Desk, port_spec

BUY, SELL = Side.BUY, Side.SELL
ACTIVE, REDUCING, HALTED = TradingState.ACTIVE, TradingState.REDUCING, TradingState.HALTED


def _set(desk: Desk, state: TradingState, connector: str = "") -> None:
    desk.session.set_state(state, "a test", connector, desk.now_ns)


def _replays(desk: Desk) -> None:
    difference = desk.replayed().difference
    assert difference is None, difference


@pytest.mark.parametrize("cancel_all", [False, True])
def test_an_operator_halts_a_session_and_lets_it_go_on(cancel_all: bool) -> None:
    """Orders leave the market at once and come back; a second halt has everything that the first had."""
    desk = Desk(spec=port_spec(dead_man=True, cancel_all_command=cancel_all)).begin().want(BUY, SELL)
    desk.advance(1_000)
    for _ in range(2):
        _set(desk, HALTED)
        desk.advance(3_000)
        assert desk.venue.open == []
        assert desk.venue.armed_until_ns is None
        _set(desk, ACTIVE)
        desk.advance(3_000)
        assert (desk.state, desk.session.safety.reason, desk.unusable) == (ACTIVE, "", "")
        assert len(desk.venue.open) == 2
        assert desk.venue.armed_until_ns is not None, "armed again before the first order"
    if cancel_all:
        assert sum(isinstance(command, CancelAll) for command in desk.venue.commands) == 2
    _replays(desk)


def test_a_halt_of_one_venue_leaves_the_others_alone() -> None:
    """Its orders go, those of the others stay; the session itself is active."""
    fleet = Fleet(("one", "two")).begin()
    fleet.session.set_state(HALTED, "a test", "two", fleet.now_ns)
    fleet.advance(3_000)
    assert [len(venue.open) for venue in fleet.venues.values()] == [2, 0]
    assert fleet.session.state is ACTIVE
    shown = {venue.connector: venue for venue in fleet.session.snapshot(fleet.now_ns).venues}
    assert (shown["two"].state, shown["two"].state_reason) == (HALTED, "a test")
    assert (shown["one"].state, shown["one"].state_reason) == (ACTIVE, "")
    fleet.session.set_state(ACTIVE, "a test", "two", fleet.now_ns)
    fleet.advance(3_000)
    assert [len(venue.open) for venue in fleet.venues.values()] == [2, 2]


def test_a_strategy_that_does_not_heed_a_state_is_not_asked() -> None:
    """What is open and would enlarge is cancelled, and what is new is refused by the gates."""
    desk = Desk().begin().want(BUY)
    desk.advance(1_000)
    assert len(desk.venue.open) == 1
    _set(desk, REDUCING, NAME)
    desk.advance(3_000)
    assert desk.venue.open == []
    assert desk.session.snapshot(desk.now_ns).refusals["VENUE_REDUCING"] > 0
    _set(desk, HALTED, NAME)
    desk.advance(3_000)
    assert desk.session.snapshot(desk.now_ns).refusals["VENUE_HALTED"] > 0


def test_time_lets_a_venue_go_on_once_a_difference_of_positions_has_been_absent() -> None:
    """The venue's list was wrong for a while: it reduces, and goes on by itself after the time configured."""
    desk = Desk(live={"reducing_cool_down_s": 60}).begin()
    desk.venue.position = Decimal("0.001")
    desk.advance(10_000)
    assert desk.venue_state is REDUCING
    desk.venue.position = Decimal(0)
    desk.advance(50_000)
    assert desk.venue_state is REDUCING
    desk.advance(20_000)
    assert desk.venue_state is ACTIVE
    assert desk.recorder.of("raise")
    _replays(desk)


def test_without_a_time_only_the_operator_lets_a_venue_go_on() -> None:
    """Zero is never."""
    desk = Desk(live={"reducing_cool_down_s": 0}).begin()
    desk.venue.position = Decimal("0.001")
    desk.advance(10_000)
    desk.venue.position = Decimal(0)
    desk.advance(600_000)
    assert desk.venue_state is REDUCING
    _set(desk, ACTIVE, NAME)
    assert desk.venue_state is ACTIVE


def test_what_an_operator_has_lowered_no_time_raises() -> None:
    """A breach of the same venue meanwhile changes nothing of that."""
    desk = Desk(live={"reducing_cool_down_s": 60, "drift_lasts": 10_000}).begin()
    _set(desk, REDUCING, NAME)
    desk.venue.position = Decimal("0.001")
    desk.advance(10_000)
    desk.venue.position = Decimal(0)
    desk.advance(600_000)
    assert desk.venue_state is REDUCING


@pytest.mark.parametrize(("tolerated", "expected"), [(1, ACTIVE), (0, REDUCING)])
def test_a_difference_within_the_tolerance_is_none(tolerated: int, expected: TradingState) -> None:
    """In lots of the instrument, here of 0.001."""
    desk = Desk(live={"drift_tolerated_lots": tolerated}).begin()
    desk.venue.position = Decimal("0.001")
    desk.advance(10_000)
    assert desk.venue_state is expected


def test_after_a_kill_nothing_is_raised() -> None:
    """Only a new session is active again, once the latch is cleared."""
    desk = Desk().begin()
    desk.session.kill("a test", desk.now_ns)
    with pytest.raises(LocalError, match="kill switch has fired"):
        _set(desk, ACTIVE)
    assert desk.state is HALTED


def test_a_connector_that_is_not_there_has_no_state() -> None:
    """The names that there are stand in the error, and nothing is recorded."""
    desk = Desk().begin()
    with pytest.raises(LocalError, match=NAME):
        _set(desk, HALTED, "nowhere")
    assert not desk.recorder.of("state")
    assert desk.state is ACTIVE


def test_a_canary_that_holds_more_than_it_may_fires_the_switch() -> None:
    """Somebody traded on its account: 300 USD where 200 are allowed."""
    desk = Desk()
    desk.venue.position = Decimal("0.03")
    desk.begin().advance(2_000)
    assert desk.session.killed
    assert "holds 300 USD" in desk.session.safety.reason


def test_a_price_that_moves_a_position_over_its_limit_is_no_breach() -> None:
    """220 USD are explained by a price that rose by a tenth."""
    desk = Desk()
    desk.venue.position = Decimal("0.022")
    desk.begin().advance(2_000)
    assert not desk.session.killed


def test_more_open_orders_than_a_canary_may_have_fire_the_switch() -> None:
    """Whoever sent them: too many are open on the account."""
    desk = Desk().begin()
    for number in range(21):
        desk.venue.add(BUY, "0.001", f"{9_000 + number}")
    desk.advance(10_000)
    assert desk.session.killed
    assert "orders are open, limit 20" in desk.session.safety.reason


def test_the_more_careful_of_two_states_holds() -> None:
    """Active, reducing, halted, in that order."""
    assert ACTIVE.or_more_careful(REDUCING) is REDUCING
    assert HALTED.or_more_careful(REDUCING) is HALTED
    assert ACTIVE.or_more_careful(ACTIVE) is ACTIVE

"""Closing positions after a kill: reduce-only, at once or not at all, inside the collars, then verified."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paraphina_core.domain import (
    CancelOrder,
    LocalError,
    PlaceOrder,
    Purpose,
    Side,
    TimeInForce,
    TradingState,
)
from port import UNAVAILABLE, Desk, port_spec

BUY, SELL = Side.BUY, Side.SELL


def _holding(size: str) -> Desk:
    """Return a desk that starts with a position, and quotes."""
    desk = Desk(spec=port_spec(dead_man=True))
    desk.venue.position = Decimal(size)
    desk.begin().want(BUY, SELL)
    desk.advance(1_000)
    assert desk.position == Decimal(size)
    return desk


def _closing(desk: Desk) -> list[PlaceOrder]:
    return [order.command for order in desk.venue.orders.values() if order.command.purpose is Purpose.FLATTEN]


def _flattens(desk: Desk, within_ms: int = 5_000) -> bool:
    """Kill and flatten; return whether the session found in time that it is done."""
    desk.session.kill("a test", desk.now_ns)
    desk.session.flatten(desk.now_ns)
    is_done = desk.stop(within_ms)
    difference = desk.replayed().difference
    assert difference is None, difference
    return is_done


@pytest.mark.parametrize(("held", "side"), [("0.004", SELL), ("-0.004", BUY)])
def test_a_position_is_closed_and_the_end_waits_for_the_venues_word(held: str, side: Side) -> None:
    """Orders go first; what closes is reduce-only and immediate-or-cancel; the switch is off in the end."""
    desk = _holding(held)
    assert _flattens(desk)
    assert desk.venue.position == desk.position == 0
    assert desk.venue.open == []
    assert desk.venue.armed_until_ns is None, "it is off once nothing is left"
    closing = _closing(desk)
    assert {(order.side, order.reduce_only, order.time_in_force) for order in closing} == {
        (side, True, TimeInForce.IOC)
    }


def test_what_is_larger_than_an_order_may_be_is_closed_in_parts() -> None:
    """No order exceeds the profile's largest, here 50 USD at about 10,000."""
    desk = _holding("0.02")
    assert _flattens(desk, 20_000)
    assert desk.venue.position == 0
    assert len(_closing(desk)) == 5
    assert all(order.size * order.price <= 50 for order in _closing(desk))


def test_a_thin_market_is_tried_again_and_what_is_left_is_said() -> None:
    """Nothing is sold beyond the collar: the rest stays, and the session is not quiet."""
    desk = _holding("0.02")
    desk.venue.resting = Decimal("0.011")
    assert not _flattens(desk)
    assert desk.venue.position == desk.position == Decimal("0.009")
    assert len(_closing(desk)) > 2


def test_nothing_closes_a_position_while_an_order_may_still_fill() -> None:
    """The venue takes no cancel: what is open could make a closing order one that opens."""
    desk = _holding("0.004")
    desk.faults[CancelOrder] = [UNAVAILABLE] * 50
    desk.venue.end = lambda *_args, **_options: None  # type: ignore[method-assign]  # the matching engine hangs
    assert not _flattens(desk, 3_000)
    assert _closing(desk) == []


def test_a_rejected_closing_order_is_sent_again_only_after_a_pause() -> None:
    """A venue that refuses is not flooded."""
    desk = _holding("0.004")
    desk.session.kill("a test", desk.now_ns)
    desk.advance(1_000)
    desk.venue.rejects = "NO"
    before = len(desk.venue.received)
    desk.session.flatten(desk.now_ns)
    desk.advance(10_000)
    assert 2 <= len(desk.venue.received) - before <= 20
    desk.venue.rejects = ""
    assert desk.stop(10_000)
    assert desk.venue.position == 0


def test_a_position_too_small_for_any_order_is_left_and_ends_the_wait() -> None:
    """What the venue takes no order for cannot be waited for."""
    desk = _holding("0.0005")
    assert _flattens(desk)
    assert _closing(desk) == []


def test_positions_of_a_session_that_goes_on_are_not_closed() -> None:
    """Flattening follows a kill; a wish for it alone is an error and changes nothing."""
    desk = _holding("0.004")
    with pytest.raises(LocalError, match="positions stay"):
        desk.session.flatten(desk.now_ns)
    desk.advance(1_000)
    assert desk.state is TradingState.ACTIVE
    assert _closing(desk) == []


def test_an_order_that_closes_is_doubted_like_any_other() -> None:
    """A lost answer leaves an unknown order: nothing more leaves for that position until it is known."""
    desk = _holding("0.004")
    desk.faults[PlaceOrder] = [UNAVAILABLE]
    assert _flattens(desk, 30_000)
    assert desk.venue.position == 0
    assert all(count == 1 for count in desk.venue.received.values())


@given(st.integers(-20, 20), st.integers(0, 25), st.booleans())
def test_no_position_ever_changes_its_side_by_being_closed(lots: int, resting: int, loses: bool) -> None:
    """Whatever fills and whatever is lost: it shrinks or stays."""
    held = Decimal(lots) / 1_000
    desk = _holding(f"{held:f}")
    desk.venue.resting = Decimal(resting) / 1_000
    desk.faults[PlaceOrder] = [UNAVAILABLE] if loses else []
    _flattens(desk, 3_000)
    assert abs(desk.venue.position) <= abs(held)
    assert desk.venue.position * held >= 0

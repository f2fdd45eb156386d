"""Orders stop at the reserve, cancels never stop, and no window of time sees more than was promised."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from order_world import LIMITS
from paraphina_core.domain import NS_PER_S, LocalError
from paraphina_core.gates import MessageBudget


def _budget(rate_per_s: float = 10, burst: float = 5, cancel_reserve: float = 2) -> MessageBudget:
    return MessageBudget(rate_per_s=rate_per_s, burst=burst, cancel_reserve=cancel_reserve)


def test_orders_stop_where_the_reserve_for_cancels_begins() -> None:
    """Of five messages at once, two are kept for cancels."""
    made = _budget()
    sent = 0
    while made.allows_order(0):
        made.spend(0)
        sent += 1
    assert sent == 3
    assert made.available(0) == 2.0


def test_f048_cancels_are_paid_from_the_reserve_and_beyond_it() -> None:
    """A cancel is never refused; what it takes too much, later orders wait for."""
    made = _budget()
    for _ in range(8):
        made.spend(0)
    assert made.available(0) == -3.0
    assert not made.allows_order(int(0.5 * NS_PER_S))
    assert made.allows_order(int(0.6 * NS_PER_S))


def test_a_debt_is_remembered_up_to_one_burst() -> None:
    """A storm of cancels does not stop orders for an hour."""
    made = _budget()
    for _ in range(10_000):
        made.spend(0)
    assert made.available(0) == -5.0


def test_messages_come_back_with_time_up_to_the_burst() -> None:
    """The bucket fills at its rate and never beyond its size."""
    made = _budget()
    for _ in range(3):
        made.spend(0)
    assert made.available(NS_PER_S // 10) == pytest.approx(3.0)
    assert made.available(3600 * NS_PER_S) == 5.0


def test_time_that_runs_backwards_brings_nothing_back() -> None:
    """An earlier time reads as the last one."""
    made = _budget()
    made.spend(NS_PER_S)
    assert made.available(0) == 4.0
    made.spend(0)
    assert made.available(NS_PER_S) == 3.0


def test_a_rate_and_burst_of_zero_allow_nothing() -> None:
    """Zero is a limit: none allowed."""
    assert not _budget(rate_per_s=0, burst=0, cancel_reserve=0).allows_order(NS_PER_S)


@pytest.mark.parametrize("place", range(3))
@pytest.mark.parametrize("bad", [math.nan, -1.0, -math.inf])
def test_a_budget_that_is_no_number_cannot_be_made(place: int, bad: float) -> None:
    """Rate, burst and reserve are each refused."""
    values = [bad if index == place else 1.0 for index in range(3)]
    with pytest.raises(LocalError, match="message budget"):
        _budget(*values)


def test_the_profile_states_the_budget() -> None:
    """Each of the three numbers comes from the profile's messages table."""
    made = MessageBudget.of(LIMITS)
    assert (made.rate_per_s, made.burst, made.cancel_reserve) == (10, 20, 5)


@given(st.lists(st.tuples(st.integers(0, NS_PER_S), st.booleans()), max_size=60))
def test_no_window_of_time_sees_more_orders_than_burst_plus_rate(steps: list[tuple[int, bool]]) -> None:
    """Whatever is tried when, the orders that pass keep to the rate in every window, cancels included."""
    made = _budget()
    at_ns = 0
    sent: list[int] = []
    for wait_ns, is_cancel in steps:
        at_ns += wait_ns
        if is_cancel or made.allows_order(at_ns):
            if not is_cancel:
                sent.append(at_ns)
                assert made.available(at_ns) >= 3.0 - 1e-9  # the order leaves the reserve whole
            made.spend(at_ns)
    for first, begin_ns in enumerate(sent):
        for last in range(first, len(sent)):
            window_s = (sent[last] - begin_ns) / NS_PER_S
            assert last - first + 1 <= 3 + 10 * window_s + 1e-6


def test_f050_orders_stop_at_the_reserve_of_the_venues_own_count_too() -> None:
    """Whichever count is lower decides; a message more is one less at the venue."""
    budget = MessageBudget(rate_per_s=100.0, burst=100.0, cancel_reserve=5.0)
    budget.told(used=993, limit=1_000)
    assert budget.allows_order(0)
    budget.spend(0)
    assert budget.allows_order(0)
    budget.spend(0)
    assert not budget.allows_order(0)
    budget.told(used=0, limit=1_000)
    assert budget.allows_order(0)


def test_thrift_grows_as_messages_get_fewer_and_has_an_end() -> None:
    """From half of the messages up nobody saves; with a quarter of them left twice as much is tolerated."""
    made = _budget(rate_per_s=0.001, burst=42, cancel_reserve=2)
    assert made.thrift(0) == 1.0
    for _ in range(30):
        made.spend(0)
    assert made.thrift(0) == 2.0
    for _ in range(20):
        made.spend(0)
    assert made.thrift(0) == 10.0


def test_what_the_venue_has_left_counts_too() -> None:
    """An account that may send 1,002 more messages at 10 each second saves: they would last 100 seconds."""
    made = _budget()
    made.told(used=9_000, limit=9_000 + 6_002)
    assert made.thrift(0) == 1.0
    made.told(used=9_000, limit=9_000 + 1_502)
    assert made.thrift(0) == 2.0
    made.told(used=9_000, limit=9_000)
    assert made.thrift(0) == 10.0

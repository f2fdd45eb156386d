"""Attempts to connect come later and later, within bounds, and in a rhythm of their own."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paraphina_core.domain import NS_PER_MS, NS_PER_S, LocalError
from paraphina_core.transport import Backoff

T0 = 1_800_000_000 * NS_PER_S


def waits(backoff: Backoff, count: int) -> list[float]:
    """Return so many waits in seconds, the connection never opening."""
    return [(backoff.next_ns(T0) - T0) / NS_PER_S for _ in range(count)]


@given(st.integers())
def test_f001_waits_double_up_to_a_bound_and_never_below_half(seed: int) -> None:
    """There is neither a busy loop nor a stream that is given up."""
    nominal = [0.5, 1, 2, 4, 8, 16, 30, 30, 30]
    for wait, most in zip(waits(Backoff(seed), 9), nominal, strict=True):
        assert most / 2 - 0.001 <= wait <= most


def test_the_same_seed_waits_the_same_and_another_does_not() -> None:
    """A run can be repeated, and streams cut together do not come back together."""
    assert waits(Backoff(1), 20) == waits(Backoff(1), 20)
    assert waits(Backoff(1), 20) != waits(Backoff(2), 20)


@pytest.mark.parametrize(("lasted_ms", "starts_anew"), [(59_999, False), (60_000, True)])
def test_only_a_healthy_minute_starts_the_row_anew(lasted_ms: int, starts_anew: bool) -> None:
    """A venue that accepts and drops at once is met as one that does not accept."""
    backoff = Backoff(7)
    waits(backoff, 6)
    backoff.opened(T0)
    ended_ns = T0 + lasted_ms * NS_PER_MS
    assert (backoff.next_ns(ended_ns) - ended_ns <= 0.5 * NS_PER_S) is starts_anew


def test_a_minute_of_failing_is_no_healthy_minute() -> None:
    """The time since a connection that was already counted as lost says nothing."""
    backoff = Backoff(7)
    backoff.opened(T0)
    backoff.next_ns(T0 + 1)
    waits(backoff, 6)
    later_ns = T0 + 3600 * NS_PER_S
    assert backoff.next_ns(later_ns) - later_ns >= 15 * NS_PER_S


@pytest.mark.parametrize(("first_ms", "max_ms", "healthy_ms"), [(0, 1, 1), (2, 1, 1), (1, 1, 0)])
def test_times_out_of_order_are_refused(first_ms: int, max_ms: int, healthy_ms: int) -> None:
    """A first wait of zero, for one, would be the busy loop."""
    with pytest.raises(LocalError):
        Backoff(1, first_ms=first_ms, max_ms=max_ms, healthy_ms=healthy_ms)

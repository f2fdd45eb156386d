"""No window of time ever holds more than a venue allows, and cancels always find their reserve."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paraphina_core.connector import RateLimit
from paraphina_core.domain import NS_PER_MS, NS_PER_S, LocalError
from paraphina_core.transport import Limiter, Limiters, connect_budget, retry_after_ns

T0 = 1_800_000_000 * NS_PER_S


def limiter(limit: int = 10, window_ms: int = 1000, reserve: int = 0, jitter_ms: int = 0) -> Limiter:
    """Make a limiter of ten units a second."""
    scope = RateLimit(scope="orders", limit=limit, window_ms=window_ms, cancel_reserve=reserve)
    return Limiter(scope, jitter_ms=jitter_ms)


steps = st.lists(
    st.tuples(
        st.one_of(st.integers(0, 40), st.integers(0, 3000)),  # ms since the last attempt
        st.integers(0, 6),  # units
        st.booleans(),  # cancel
    ),
    max_size=80,
)


@given(steps, st.integers(1, 20), st.integers(1, 1500), st.integers(0, 19), st.integers(0, 100))
def test_no_sliding_window_ever_holds_more_than_the_limit(
    attempts: list[tuple[int, int, bool]], limit: int, window_ms: int, reserve: int, jitter_ms: int
) -> None:
    """Whatever is tried when, every half-open window, wherever it begins, stays within the venue's limit."""
    reserve = min(reserve, limit - 1)
    subject = limiter(limit, window_ms, reserve, jitter_ms)
    window_ns = (window_ms + jitter_ms) * NS_PER_MS
    at_ns, spent = T0, list[tuple[int, int]]()
    for wait_ms, units, cancel in attempts:
        at_ns += wait_ms * NS_PER_MS
        if units > limit - (0 if cancel else reserve):
            with pytest.raises(LocalError):
                subject.take(units, at_ns, cancel=cancel)
            continue
        before = sum(n for then, n in spent if then > at_ns - window_ns)
        ready_ns = subject.ready_ns(units, at_ns, cancel=cancel)
        taken = subject.take(units, at_ns, cancel=cancel)
        assert taken == (ready_ns == at_ns)
        if taken:
            spent.append((at_ns, units))
            assert cancel or units == 0 or before + units <= limit - reserve
        # It may refuse a little early for what it remembers in one piece, never for a whole window's grain.
        grain_ns = window_ns // 256
        strictly = sum(n for then, n in spent if then > at_ns - window_ns - grain_ns)
        if not taken:
            assert strictly + units > limit - (0 if cancel else reserve)
    for begin_ns, _ in spent:
        assert sum(n for then, n in spent if begin_ns <= then < begin_ns + window_ns) <= limit


@given(steps, st.integers(0, 9))
def test_what_is_promised_ready_is_taken_then(attempts: list[tuple[int, int, bool]], reserve: int) -> None:
    """Waiting until the stated time, and not a nanosecond less, is enough."""
    subject, at_ns = limiter(10, 1000, reserve), T0
    for wait_ms, wanted, cancel in attempts:
        units = min(wanted, 10 - reserve)
        at_ns += wait_ms * NS_PER_MS
        ready_ns = subject.ready_ns(units, at_ns, cancel=cancel)
        if ready_ns > at_ns:
            assert not subject.take(units, ready_ns - 1, cancel=cancel)
        at_ns = ready_ns
        assert subject.take(units, at_ns, cancel=cancel)


@given(st.lists(st.tuples(st.integers(0, 300), st.integers(1, 5)), max_size=60))
def test_the_reserve_is_there_for_a_cancel_whatever_orders_took(orders: list[tuple[int, int]]) -> None:
    """Orders at any pace leave the reserve whole, so the cancels it was made for go out at once."""
    subject, at_ns = limiter(10, 1000, reserve=4), T0
    for wait_ms, units in orders:
        at_ns += wait_ms * NS_PER_MS
        subject.take(units, at_ns)
        assert subject.free(at_ns) >= 4
    assert subject.take(4, at_ns, cancel=True)


def test_memory_is_bounded_by_grains_and_not_by_requests() -> None:
    """A hundred thousand single units in one window are remembered in a few hundred pieces."""
    subject = limiter(limit=1_000_000, window_ms=60_000)
    for number in range(100_000):
        assert subject.take(1, T0 + number * 500_000)
    assert len(subject._spent) <= 258  # noqa: SLF001  # memory cannot be seen from outside
    assert subject.free(T0 + 99_999 * 500_000) == 900_000


def test_time_that_runs_backwards_frees_nothing() -> None:
    """An earlier time than the last counts as the last."""
    subject = limiter(limit=1)
    assert subject.take(1, T0)
    assert not subject.take(1, T0 - NS_PER_S)
    assert not subject.take(1, T0 + NS_PER_S - 1)
    assert subject.take(1, T0 + NS_PER_S)


def test_jitter_keeps_apart_what_could_bunch_up_on_the_way() -> None:
    """A slow first and a quick second request still arrive a whole window apart."""
    subject = limiter(limit=1, jitter_ms=50)
    assert subject.take(1, T0)
    assert subject.ready_ns(1, T0) == T0 + 1050 * NS_PER_MS


def test_a_ban_stops_orders_and_cancels_until_it_ends() -> None:
    """Retry-After is kept to the nanosecond, and a shorter one later does not shorten it."""
    subject = limiter(reserve=5)
    subject.ban(T0, T0 + 30 * NS_PER_S)
    subject.ban(T0, T0 + 10 * NS_PER_S)
    assert subject.free(T0) == 0
    assert not subject.take(1, T0 + 30 * NS_PER_S - 1, cancel=True)
    assert subject.ready_ns(1, T0) == T0 + 30 * NS_PER_S
    assert subject.take(1, T0 + 30 * NS_PER_S)


def test_a_ban_without_a_time_lasts_one_window() -> None:
    """A venue that only says 429 is left alone until its own count has run out."""
    subject = limiter()
    subject.ban(T0)
    assert subject.ready_ns(1, T0) == T0 + NS_PER_S


def test_what_the_venue_has_counted_by_others_counts_as_well() -> None:
    """The header of an answer raises the count and never lowers it; nonsense in it says nothing."""
    weight = RateLimit(scope="weight", limit=100, window_ms=60_000, used_header="X-Used")
    subject = Limiters([weight, RateLimit(scope="orders", limit=2, window_ms=10_000)], jitter_ms=0)
    assert subject.take((("weight", 10),), T0)
    for text, free in (("70", 30), ("20", 30), ("seventy", 30), ("-1", 30), ("9" * 30, 30), ("500", 0)):
        subject.told({"x-used": text, "date": "today"}, T0)
        assert subject["weight"].free(T0) == free
    assert subject["orders"].free(T0) == 2
    assert subject["weight"].free(T0 + 60 * NS_PER_S) == 100


def test_a_request_spends_of_all_its_scopes_or_of_none() -> None:
    """When the second scope is used up, the first is not charged for the attempt."""
    weight = RateLimit(scope="weight", limit=100, window_ms=60_000)
    orders = RateLimit(scope="orders", limit=2, window_ms=10_000)
    subject = Limiters([weight, orders], jitter_ms=0)
    cost = (("weight", 1), ("orders", 1), ("weight", 4))
    assert subject.take(cost, T0)
    assert subject.take(cost, T0)
    assert not subject.take(cost, T0)
    assert subject["weight"].free(T0) == 90
    assert subject.ready_ns(cost, T0) == T0 + 10 * NS_PER_S
    assert subject.take((), T0)
    assert subject.ready_ns((), T0) == T0


@pytest.mark.parametrize("cost", [(("no such", 1),), (("orders", -1),), (("orders", 11),)])
def test_a_cost_that_cannot_be_paid_is_our_error(cost: tuple[tuple[str, int], ...]) -> None:
    """An unknown scope, a negative cost and one above the limit would otherwise wait for ever or cheat."""
    subject = Limiters([RateLimit(scope="orders", limit=10, window_ms=1000)])
    with pytest.raises(LocalError):
        subject.take(cost, T0)
    with pytest.raises(LocalError):
        subject.ready_ns(cost, T0)


@pytest.mark.parametrize(
    ("limit", "window_ms", "reserve", "jitter_ms"),
    [(0, 1, 0, 0), (1, 0, 0, 0), (1, 1, 1, 0), (1, 1, -1, 0), (1, 1, 0, -1)],
)
def test_a_limit_that_makes_no_sense_is_refused(
    limit: int, window_ms: int, reserve: int, jitter_ms: int
) -> None:
    """A reserve of the whole limit, for one, would stop orders for ever."""
    with pytest.raises(LocalError):
        limiter(limit, window_ms, reserve, jitter_ms)


def test_two_budgets_cannot_have_one_scope() -> None:
    """Else half of the spending would be counted against the other half's limit."""
    with pytest.raises(LocalError):
        Limiters([RateLimit(scope="a", limit=1, window_ms=1)] * 2)


def test_f008_the_connect_budget_spreads_a_storm_over_minutes() -> None:
    """A hundred streams that want to come back at once do so thirty a minute."""
    budget, at_ns, opened = connect_budget(), T0, list[int]()
    for _ in range(100):
        at_ns = budget.ready_ns(1, at_ns)
        assert budget.take(1, at_ns)
        opened.append(at_ns)
    assert all(later - earlier >= 60 * NS_PER_S for earlier, later in zip(opened, opened[30:], strict=False))
    assert opened[99] - T0 < 181 * NS_PER_S


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0),
        ("17", 17),
        (" 5 ", 5),
        ("999999999999999999", 259_200),
        ("259201", 259_200),
        ("Fri, 15 Jan 2027 08:00:30 GMT", 30),
        ("Fri, 15 Jan 2027 07:00:30 GMT", 0),
        ("Fri, 15 Jan 2094 07:00:30 GMT", 259_200),
    ],
)
def test_retry_after_is_read_in_both_spellings_and_bounded(value: str, seconds: int) -> None:
    """Seconds and dates count from now; a date in the past means now, the far future three days."""
    assert retry_after_ns({"Retry-After": value}, T0) == T0 + seconds * NS_PER_S


@pytest.mark.parametrize("value", ["", "-1", "1.5", "soon", "١٧", "NaN", "Fri, 99 Jan 2027 99:00:30 GMT"])
def test_an_unreadable_retry_after_says_nothing(value: str) -> None:
    """The caller then bans for a window, instead of for a guess."""
    assert retry_after_ns({"retry-after": value}, T0) is None


def test_no_retry_after_says_nothing() -> None:
    """An answer without the header bans nobody."""
    assert retry_after_ns({"date": "17"}, T0) is None

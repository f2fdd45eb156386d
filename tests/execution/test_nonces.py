"""Nonces rise whatever clocks and restarts do, and are written down before they are used."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paraphina_core.connector import NonceRule
from paraphina_core.domain import LocalError
from paraphina_core.execution import BLOCK_NS, NonceSource

MS = 1_000_000
NOW_NS = 1_800_000_000_000 * MS


def test_a_nonce_is_the_time_or_one_more_than_the_last() -> None:
    """Two requests of one millisecond differ, and a later one is the time again."""
    source = NonceSource(NonceRule.MILLISECONDS)
    assert [source.take(NOW_NS), source.take(NOW_NS), source.take(NOW_NS + 5 * MS)] == [
        NOW_NS // MS,
        NOW_NS // MS + 1,
        NOW_NS // MS + 5,
    ]
    assert NonceSource(NonceRule.MICROSECONDS).take(NOW_NS) == NOW_NS // 1_000


@given(
    st.sampled_from([NonceRule.MILLISECONDS, NonceRule.MICROSECONDS]),
    st.lists(
        st.tuples(
            st.integers(-10_000, 10_000), st.integers(1, 20), st.sampled_from(["", "restart", "refused"])
        ),
        max_size=30,
    ),
)
def test_f041_f042_no_nonce_ever_repeats_and_each_was_written_down_before(
    rule: NonceRule, history: list[tuple[int, int, str]]
) -> None:
    """Over restarts, refusals and a clock that steps back as far as it likes."""
    mark = 0

    def reserve(number: int) -> None:
        nonlocal mark
        assert number > mark
        mark = number

    source = NonceSource(rule, floor=mark, reserve=reserve)
    at_ns, last = NOW_NS, 0
    for step_ms, count, what in history:
        at_ns += step_ms * MS
        if what == "restart":
            source = NonceSource(rule, floor=mark, reserve=reserve)
        elif what == "refused":
            source.told(None)
        for _ in range(count):
            number = source.take(at_ns)
            assert last < number <= mark
            last = number


def test_a_block_covers_its_time_so_that_no_order_waits_for_a_disk() -> None:
    """While somebody renews in time, taking a nonce writes nothing."""
    writes: list[int] = []
    source = NonceSource(NonceRule.MILLISECONDS, reserve=writes.append)
    source.take(NOW_NS)
    for tick in range(1, 100):
        at_ns = NOW_NS + tick * BLOCK_NS // 8
        source.renew(at_ns)
        written = len(writes)
        source.take(at_ns)
        assert len(writes) == written
    assert len(writes) < 40


def test_f042_a_restart_begins_no_further_ahead_of_the_clock_than_venues_take() -> None:
    """A process that is killed leaves at most its block unused."""
    writes: list[int] = [0]
    NonceSource(NonceRule.MICROSECONDS, reserve=writes.append).take(NOW_NS)
    first = NonceSource(NonceRule.MICROSECONDS, floor=writes[-1], reserve=writes.append).take(NOW_NS)
    assert first * 1_000 - NOW_NS <= BLOCK_NS + 1_000


def test_f042_the_venues_word_moves_a_time_upward_only() -> None:
    """What it would have taken is jumped to, and what is lower is passed over."""
    source = NonceSource(NonceRule.MILLISECONDS)
    number = source.take(NOW_NS)
    source.told(number - 50)
    assert source.take(NOW_NS) == number + 1
    source.told(number + 500)
    assert source.take(NOW_NS) == number + 500


def test_f043_a_sequence_is_the_venues_and_waits_for_its_word() -> None:
    """Nothing is taken before the venue has told the next, nor after a request whose fate is unknown."""
    source = NonceSource(NonceRule.SEQUENCE)
    with pytest.raises(LocalError, match="not known"):
        source.take(NOW_NS)
    source.told(7)
    assert [source.take(NOW_NS), source.take(NOW_NS)] == [7, 8]
    source.told(None)
    with pytest.raises(LocalError, match="not known"):
        source.take(NOW_NS)
    source.told(8)
    assert source.take(NOW_NS) == 8


def test_where_signatures_carry_none_requests_still_differ() -> None:
    """Without a rule they are counted, and nothing is written down."""
    source = NonceSource(NonceRule.NONE, reserve=lambda _: pytest.fail("nothing to write"))
    assert [source.take(NOW_NS), source.take(NOW_NS)] == [1, 2]

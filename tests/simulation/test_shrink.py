"""Of many faults the few that matter."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from paraphina_core.simulation import shrink


@given(total=st.integers(1, 60), guilty=st.data())
def test_exactly_the_faults_that_it_takes_are_left(total: int, guilty: st.DataObject) -> None:
    """Whatever they are, and in their order."""
    faults = range(1, total + 1)
    needed = guilty.draw(st.sets(st.sampled_from(faults), min_size=1, max_size=4))
    kept = shrink(faults, lambda some: needed <= set(some), max_runs=10_000)
    assert kept == tuple(sorted(needed))


@given(total=st.integers(0, 60), max_runs=st.integers(0, 20))
def test_no_more_is_run_than_allowed_and_what_is_left_fails(total: int, max_runs: int) -> None:
    """Each run may take a minute."""
    runs: list[tuple[int, ...]] = []

    def fails(some: tuple[int, ...]) -> bool:
        runs.append(some)
        return sum(some) > total

    kept = shrink(range(total), fails, max_runs=max_runs)
    assert len(runs) <= max_runs
    assert kept == tuple(range(total)) or kept in runs

"""Faults drawn from a seed: repeatable, complete, and within their time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paraphina_core.domain import NS_PER_S
from paraphina_core.simulation import EVERYTHING, LASTING, START_NS, Strike, weather
from paraphina_core.simulation.weather import OUTAGE, PARAMETERS
from paraphina_core.twin import MENU


def drawn(seed: int = 1, seconds: float = 3_600, names: tuple[str, ...] = EVERYTHING) -> list[Strike]:
    """Draw the faults of some time at two venues."""
    end_ns = START_NS + int(seconds * NS_PER_S)
    return list(
        weather(seed, ("reef", "quay"), start_ns=START_NS, end_ns=end_ns, mean_pause_s=10.0, names=names)
    )


def test_everything_on_the_menu_can_be_drawn() -> None:
    """A fault that a twin learns is one that simulations meet."""
    assert MENU.keys() == PARAMETERS.keys()
    assert (*MENU, OUTAGE) == EVERYTHING
    assert set(EVERYTHING) > LASTING


def test_the_same_seed_draws_the_same_faults_and_another_one_others() -> None:
    """A finding can be repeated from its seed."""
    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)


def test_every_fault_is_met_once_before_one_is_met_again() -> None:
    """An hour leaves nothing out, and both venues are met."""
    first_round = drawn()[: len(EVERYTHING)]
    assert {strike.name for strike in first_round} == set(EVERYTHING)
    assert {strike.connector for strike in first_round} == {"reef", "quay"}


@given(seed=st.integers(0, 2**32), seconds=st.floats(1, 2_000))
def test_faults_rise_in_time_and_stay_within_it(seed: int, seconds: float) -> None:
    """None comes before the start, none after the end, each after the one before."""
    times = [strike.at_ns for strike in drawn(seed, seconds)]
    assert times == sorted(times)
    assert all(START_NS < at_ns < START_NS + seconds * NS_PER_S for at_ns in times)


@pytest.mark.parametrize("name", sorted(EVERYTHING))
def test_one_kind_alone_can_be_drawn(name: str) -> None:
    """Whoever looks for one thing is not disturbed by another."""
    strikes = drawn(names=(name,))
    assert len(strikes) > 100
    assert {strike.name for strike in strikes} == {name}
    assert all((strike.fault is None) == (name == OUTAGE) for strike in strikes)


def test_nothing_is_drawn_from_nothing() -> None:
    """A simulation without faults is possible."""
    assert drawn(names=()) == []

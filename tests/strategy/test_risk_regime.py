"""The regime becomes more careful at once and calmer only slowly, and never more daring with volatility."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paraphina_core.domain import NS_PER_S, LocalError
from paraphina_core.strategy import Regime, Risk, RiskMonitor, RiskParameters

N, W, R, H = Regime


def _judge(
    monitor: RiskMonitor | None = None, at_s: float = 0.0, ratio: float = 1.0, **risk: float
) -> Regime:
    made = RiskMonitor() if monitor is None else monitor
    return made.judge(Risk(**risk), int(at_s * NS_PER_S), ratio).regime


@pytest.mark.parametrize(
    ("measure", "warn", "reduce", "halt"),
    [
        ("net_usd", 7_000.0, 10_000.0, 15_000.0),
        ("net_usd", -7_000.0, -10_000.0, -15_000.0),
        ("gross_usd", 35_000.0, 50_000.0, 75_000.0),
        ("basis_usd", -70.0, 100.0, -150.0),
        ("funding_usd_per_day", 35.0, 50.0, 75.0),
        ("liquidation_sigmas", 7.0, 5.0, 3.3),
    ],
)
def test_each_measure_has_its_limit(measure: str, warn: float, reduce: float, halt: float) -> None:
    """From seven tenths of it quotes are careful, at it they only reduce, half as much again halts."""
    for value, regime in ((warn, W), (reduce, R), (halt, H)):
        assert _judge(**{measure: value}) is regime
    assert _judge(**{measure: warn * 1.2 if measure == "liquidation_sigmas" else warn * 0.9}) is N


def test_a_loss_halts_at_its_limit() -> None:
    """Since midnight, and since the best moment of the day."""
    assert _judge(daily_pnl_usd=-499.0) is W
    assert _judge(daily_pnl_usd=-500.0) is H
    monitor = RiskMonitor()
    assert _judge(monitor, daily_pnl_usd=400.0) is N
    assert _judge(monitor, 1.0, daily_pnl_usd=-100.0) is H


def test_a_new_day_begins_without_the_loss_of_the_last_one() -> None:
    """At midnight UTC the best moment is forgotten; the regime still needs its time to calm down."""
    monitor = RiskMonitor()
    assert _judge(monitor, daily_pnl_usd=-500.0) is H
    assert _judge(monitor, 86_400.0, daily_pnl_usd=0.0) is H
    assert _judge(monitor, 86_400.0 + 91.0, daily_pnl_usd=0.0) is R
    assert _judge(monitor, 86_400.0 + 200.0, daily_pnl_usd=0.0) is W


def test_funding_that_is_received_is_no_risk() -> None:
    """However much it is."""
    assert _judge(funding_usd_per_day=-1e6) is N


def test_what_is_not_a_number_halts() -> None:
    """A measure that cannot be computed is beyond every limit."""
    assert _judge(net_usd=math.nan) is H


def test_volatility_shrinks_the_limits_of_inventory_and_never_widens_them() -> None:
    """Three times the usual: a third of the limit. A calm market changes nothing."""
    assert _judge(net_usd=4_000.0, ratio=3.0) is R
    assert _judge(net_usd=10_000.0, ratio=0.1) is R


def test_a_regime_is_left_one_step_at_a_time_after_a_calm_while() -> None:
    """Thirty seconds for each step, in which the measure stays clear of the entry."""
    monitor = RiskMonitor()
    assert _judge(monitor, 0.0, net_usd=15_000.0) is H
    assert _judge(monitor, 1.0) is H
    assert _judge(monitor, 30.0) is H
    assert _judge(monitor, 31.0) is R
    assert _judge(monitor, 61.0) is W
    assert _judge(monitor, 91.0) is N


def test_a_measure_just_below_an_entry_does_not_leave_it() -> None:
    """Within the hysteresis the regime stays, however long."""
    monitor = RiskMonitor()
    assert _judge(monitor, 0.0, net_usd=10_000.0) is R
    for at_s in range(1, 300):
        assert _judge(monitor, at_s, net_usd=9_500.0) is R
    assert _judge(monitor, 300.0, net_usd=8_000.0) is R
    assert _judge(monitor, 330.0, net_usd=8_000.0) is W


def test_the_measure_that_decides_is_named_with_its_share() -> None:
    """So that somebody at three in the morning knows what to reduce."""
    verdict = RiskMonitor().judge(Risk(net_usd=8_000.0, gross_usd=10_000.0), 0)
    assert (verdict.worst, verdict.shares["net position"]) == ("net position", 0.8)
    assert RiskMonitor().judge(Risk(), 0).worst == ""


measures = st.fixed_dictionaries(
    {
        "net_usd": st.floats(-2e4, 2e4),
        "gross_usd": st.floats(0.0, 1e5),
        "daily_pnl_usd": st.floats(-1e3, 1e3),
        "liquidation_sigmas": st.floats(0.0, 50.0),
    }
)


@given(st.lists(st.tuples(measures, st.floats(0.0, 120.0), st.floats(0.1, 5.0)), max_size=30))
def test_it_is_at_least_as_careful_as_a_fresh_judgement(
    steps: list[tuple[dict[str, float], float, float]],
) -> None:
    """Memory only ever makes it more careful, and it never falls by more than one step at a time."""
    monitor = RiskMonitor()
    at_s, before = 0.0, N
    for risk, pause_s, ratio in steps:
        at_s += pause_s
        regime = _judge(monitor, at_s, ratio, **risk)
        assert regime >= _judge(None, at_s, ratio, **risk)
        assert regime >= before - 1
        before = regime


@pytest.mark.parametrize(
    "wrong", [{"net_usd": 0.0}, {"warn": 1.0}, {"halt": 0.9}, {"hysteresis": 0.8}, {"calm_s": math.nan}]
)
def test_parameters_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    """Limits of nothing, and entries out of order."""
    with pytest.raises(LocalError, match="risk parameters"):
        RiskParameters(**wrong)

"""The volatility estimate is in units of time, whatever the rate of samples."""

from __future__ import annotations

import math
import random

import pytest

from paraphina_core.domain import NS_PER_S
from paraphina_core.strategy import EwmaVolatility, TwoHorizonVolatility


def _estimate(sigma: float, step_s: float, seed: int = 7) -> float:
    rng = random.Random(seed)
    volatility = EwmaVolatility(half_life_s=600.0)
    log_price, at_ns = 0.0, 0
    for _ in range(4000):
        volatility.update(math.exp(log_price), at_ns)
        log_price += rng.gauss(0.0, sigma * math.sqrt(step_s))
        at_ns += int(step_s * NS_PER_S)
    assert volatility.value is not None
    return volatility.value


@pytest.mark.parametrize("step_s", [1.0, 3.0, 20.0])
def test_a_known_volatility_is_found_at_every_sampling_rate(step_s: float) -> None:
    """A random walk of 5e-5 for the square root of a second is measured as that, within 15 %."""
    assert _estimate(5e-5, step_s) == pytest.approx(5e-5, rel=0.15)


def test_there_is_no_estimate_before_two_samples_and_never_one_below_the_floor() -> None:
    """Unknown is None, a frozen price gives the floor."""
    volatility = EwmaVolatility(floor=1e-6)
    assert volatility.value is None
    volatility.update(100.0, 0)
    assert volatility.value is None
    volatility.update(100.0, 2 * NS_PER_S)
    assert volatility.value == 1e-6


def test_bounces_within_a_second_and_jumps_across_a_long_quiet_do_not_count() -> None:
    """Samples closer than a second are skipped; a quiet of minutes restarts the estimate."""
    volatility = EwmaVolatility(floor=1e-6)
    volatility.update(100.0, 0)
    volatility.update(110.0, NS_PER_S // 2)
    assert volatility.value is None
    volatility.update(100.0, NS_PER_S)
    volatility.update(150.0, 600 * NS_PER_S)
    assert volatility.value == 1e-6


def test_two_horizons_rise_at_once_and_fall_slowly() -> None:
    """A minute of ten times the volatility is known within that minute, and remembered for many."""
    rng = random.Random(3)
    made = TwoHorizonVolatility(floor=1e-6)
    log_price, seen = 0.0, {}
    for second in range(1_800):
        sigma = 5e-4 if 900 <= second < 960 else 5e-5
        made.update(math.exp(log_price), second * NS_PER_S)
        log_price += rng.gauss(0.0, sigma)
        seen[second] = (made.short, made.long, made.value)
    assert seen[899][2] == pytest.approx(5e-5, rel=0.5)
    assert seen[959][2] > 3e-4
    assert seen[1_200][0] < 8e-5
    assert seen[1_200][2] > 1e-4
    assert all(value == max(short, long) for short, long, value in seen.values())


def test_two_horizons_without_samples_are_the_floor() -> None:
    """There is always a number, and it is never zero."""
    made = TwoHorizonVolatility(floor=2e-6)
    assert (made.value, made.ratio) == (2e-6, 1.0)

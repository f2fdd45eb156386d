"""The fair value follows what the venues share, ignores what one of them says alone, and never guesses."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paraphina_core.domain import NS_PER_MS, InstrumentId
from paraphina_core.strategy import Exclusion, FairValue, FairValueFilter, Quote

VOLATILITY = 5e-5  # half a basis point for the square root of a second
STEP_MS = 250

#: What a market adds to the log price: seconds and number of the venue to a log distance.
Script = Callable[[float, int], float]


def _name(number: int) -> InstrumentId:
    return InstrumentId(f"v{number}:BTC")


def _quote(number: int, mid: float, *, spread_bps: float = 1.0, depth_usd: float = 50_000.0) -> Quote:
    half = 0.5e-4 * spread_bps
    return Quote(_name(number), mid * (1.0 - half), mid * (1.0 + half), depth_usd, 0.1)


def _run(
    venues: int,
    seconds: float,
    script: Script = lambda _at, _number: 0.0,
    *,
    price: float = 60_000.0,
    seed: int = 1,
) -> list[tuple[float, float, FairValue]]:
    """Return time, error in bps and estimate, on a random walk that is seen with noise and basis."""
    rng = random.Random(seed)
    made = FairValueFilter()
    basis = [rng.gauss(0.0, 3e-4) for _ in range(venues)]
    log_price = math.log(price)
    shared = sum(basis) / venues
    seen = []
    for step in range(int(seconds * 1_000 / STEP_MS)):
        at_ms = step * STEP_MS
        log_price += rng.gauss(0.0, VOLATILITY * math.sqrt(STEP_MS / 1_000))
        quotes = [
            _quote(
                number,
                math.exp(log_price + basis[number] + rng.gauss(0.0, 3e-5) + script(at_ms / 1_000, number)),
                depth_usd=rng.uniform(2_000.0, 100_000.0),
            )
            for number in range(venues)
        ]
        fair = made.update(quotes, VOLATILITY, at_ms * NS_PER_MS)
        error_bps = math.nan if fair.unavailable else (math.log(fair.price) - log_price - shared) * 1e4
        seen.append((at_ms / 1_000, error_bps, fair))
    return seen


@pytest.mark.parametrize("price", [0.3, 60_000.0])
@pytest.mark.parametrize("venues", [1, 2, 3, 5])
def test_a_common_jump_of_one_per_cent_is_absorbed_within_two_seconds(venues: int, price: float) -> None:
    """Ninety per cent of it, at default settings, at any price."""
    jump_s = 60.0
    seen = _run(venues, 70.0, lambda at_s, _: 0.01 if at_s >= jump_s else 0.0, price=price)
    before = next(error for at_s, error, _ in reversed(seen) if at_s < jump_s)
    absorbed = [(error - before) / 100.0 for at_s, error, _ in seen if jump_s + 2.0 <= at_s <= jump_s + 4.0]
    assert all(0.9 <= part <= 1.1 for part in absorbed)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("venues", [3, 4, 5])
def test_a_venue_one_per_cent_off_for_a_minute_moves_it_less_than_two_bps(venues: int, seed: int) -> None:
    """While it is off, and after it is back; it is named as an outlier meanwhile."""

    def off(at_s: float, number: int) -> float:
        return 0.01 if number == 0 and 100.0 <= at_s < 160.0 else 0.0

    for with_it, without in zip(
        _run(venues, 200.0, off, seed=seed), _run(venues, 200.0, seed=seed), strict=True
    ):
        at_s, error, fair = with_it
        assert abs(error - without[1]) < 2.0
        if 100.0 <= at_s < 160.0:
            assert fair.excluded == {_name(0): Exclusion.OUTLIER}
    assert with_it[2].excluded == {}


def test_of_two_venues_that_differ_neither_is_believed() -> None:
    """Nobody can tell which one is wrong, so there is no fair value until they agree again."""
    seen = _run(2, 120.0, lambda at_s, number: 0.01 if number == 0 and 60.0 <= at_s < 90.0 else 0.0)
    for at_s, error, fair in seen:
        assert bool(fair.unavailable) == (60.0 <= at_s < 90.0)
        assert math.isnan(fair.price) == math.isnan(error)
    assert abs(seen[-1][1]) < 2.0


def test_the_basis_of_each_venue_is_learned_and_is_nobodys_alone() -> None:
    """After ten minutes each is known within half a basis point, and the mean of all is none."""
    seen = _run(5, 600.0)
    rng = random.Random(1)
    basis = [rng.gauss(0.0, 3e-4) for _ in range(5)]
    shared = sum(basis) / 5
    found = seen[-1][2].basis_bps
    for number, own in enumerate(basis):
        assert found[_name(number)] == pytest.approx((own - shared) * 1e4, abs=0.5)
    assert sum(found.values()) == pytest.approx(0.0, abs=1e-9)
    assert seen[-1][2].at(_name(0)) == pytest.approx(
        seen[-1][2].price * math.exp(basis[0] - shared), rel=5e-5
    )


def test_it_is_closer_to_the_truth_than_a_single_venue() -> None:
    """Five venues with three tenths of a basis point of noise each, on average."""
    errors = [error for at_s, error, _ in _run(5, 300.0) if at_s > 30.0]
    mean = sum(errors) / len(errors)
    assert math.sqrt(sum((error - mean) ** 2 for error in errors) / len(errors)) < 0.3


def test_without_a_market_there_is_none_and_it_says_so() -> None:
    """NaN and a reason, never the last price and never a number that was made up."""
    made = FairValueFilter()
    for quotes in ([], [_quote(0, 100.0)]):
        fair = made.update(quotes, VOLATILITY, 0, 2)
        assert math.isnan(fair.price)
        assert fair.unavailable == f"{len(quotes)} of 2 markets can be believed, 2 are needed"


def test_an_old_book_is_left_out() -> None:
    """Beyond `max_age_s` it is no word about now."""
    stale = Quote(_name(9), 99.0, 99.1, 1e6, 2.1)
    fair = FairValueFilter().update([_quote(0, 100.0), _quote(1, 100.0), stale], VOLATILITY, 0)
    assert fair.excluded == {_name(9): Exclusion.STALE}
    assert fair.price == pytest.approx(100.0)


def test_a_wide_or_thin_market_counts_less() -> None:
    """Ten times the spread, or a hundredth of the depth: the fair value is nearer to the other one."""
    for quote in (_quote(1, 100.05, spread_bps=10.0), _quote(1, 100.05, depth_usd=500.0)):
        fair = FairValueFilter().update([_quote(0, 100.0), quote], VOLATILITY, 0)
        assert abs(fair.price - 100.0) < abs(fair.price - 100.05) / 3.0


mids = st.lists(st.floats(90.0, 110.0), min_size=1, max_size=6)


@given(st.lists(mids, min_size=1, max_size=10), st.floats(0.0, 1e-3))
def test_it_is_within_the_markets_that_it_is_made_of_or_there_is_none(
    steps: Sequence[Sequence[float]], volatility: float
) -> None:
    """At the first update exactly; later it is a finite price or says why not."""
    made = FairValueFilter()
    for number, step in enumerate(steps):
        quotes = [_quote(venue, mid) for venue, mid in enumerate(step)]
        fair = made.update(quotes, volatility, number * STEP_MS * NS_PER_MS)
        assert (0.0 < fair.price < math.inf) != bool(fair.unavailable)
        assert (
            set(fair.used) | set(fair.excluded) == {quote.instrument for quote in quotes} or fair.unavailable
        )
        if number == 0 and not fair.unavailable:
            used = [step[venue] for venue in range(len(step)) if _name(venue) in fair.used]
            assert min(used) * (1 - 1e-9) <= fair.price <= max(used) * (1 + 1e-9)


@given(mids, st.floats(1e-3, 1e3))
def test_another_unit_of_price_changes_nothing_else(step: Sequence[float], unit: float) -> None:
    """In another unit the same markets give the same fair value in that unit."""
    one, other = (
        FairValueFilter().update([_quote(n, mid * scale) for n, mid in enumerate(step)], VOLATILITY, 0)
        for scale in (1.0, unit)
    )
    assert one.used == other.used
    assert other.price == pytest.approx(one.price * unit, rel=1e-9, nan_ok=True)

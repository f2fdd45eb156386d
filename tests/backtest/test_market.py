"""The generated market: repeatable, and every shock has the effect that it names."""

from __future__ import annotations

import math
from itertools import pairwise, takewhile
from pathlib import Path
from statistics import mean, pstdev

import pytest

from paraphina_core.backtest import (
    START_NS,
    CommonPrice,
    Market,
    Scenario,
    Shock,
    ShockKind,
    Update,
    VenueMarket,
    load_scenario,
)
from paraphina_core.domain import NS_PER_S, ConfigError, LocalError

Shown = list[tuple[float, Update]]
CALM = Market(venues=2, annual_volatility=0.0, basis_bps=0.0)


def shown(*shocks: Shock, market: Market = CALM, venue: str = "venue1", until_s: float = 60.0) -> Shown:
    """Return `(seconds, update)` as a venue shows them."""
    scenario = Scenario(market=market, shocks=shocks)
    source = VenueMarket(venue, scenario, CommonPrice(scenario, 1), 7, START_NS)
    return [
        ((due_ns - START_NS) / NS_PER_S, update)
        for due_ns, update in takewhile(
            lambda item: item[0] < START_NS + until_s * NS_PER_S, source.updates(START_NS)
        )
    ]


def between(updates: Shown, low_s: float, high_s: float) -> list[Update]:
    """Return the updates of a stretch of time."""
    return [update for at_s, update in updates if low_s <= at_s < high_s]


def moves(*shocks: Shock, volatility: float, until_s: int = 200) -> list[float]:
    """Return the moves of the common price in bps, one for each tenth of a second."""
    scenario = Scenario(market=Market(annual_volatility=volatility), shocks=shocks)
    price = CommonPrice(scenario, 3)
    logs = [math.log(price.at(step / 10 + 0.05)) for step in range(until_s * 10)]
    return [(b - a) * 1e4 for a, b in pairwise(logs)]


def spread_bps(update: Update) -> float:
    """Return the distance of the best prices."""
    return (update.asks[0][0] - update.bids[0][0]) / update.mark * 1e4


def depth(update: Update) -> float:
    """Return the size of both sides."""
    return sum(size for side in (update.bids, update.asks) for _, size in side)


def test_the_same_seed_gives_the_same_market() -> None:
    """And venues of one scenario share a price."""
    assert shown(market=Market(), until_s=10) == shown(market=Market(), until_s=10)


def test_books_are_sorted_and_not_crossed() -> None:
    """Whatever the price; ten updates come in each second."""
    for price in (0.3, 3_000.0, 100_000.0):
        updates = shown(market=Market(price=price), until_s=20)
        assert len(updates) == pytest.approx(200, abs=2)
        for _, update in updates:
            bids, asks = [bid for bid, _ in update.bids], [ask for ask, _ in update.asks]
            assert bids == sorted(set(bids), reverse=True)
            assert asks == sorted(set(asks))
            assert bids[0] < asks[0]


def test_a_jump_moves_every_venue_for_good() -> None:
    """By its size, at its time."""
    for venue in ("venue1", "venue2"):
        updates = shown(Shock(kind=ShockKind.JUMP, at_s=30, size=100), venue=venue)
        before, after = between(updates, 0, 29.9), between(updates, 30.3, 60)
        assert {round(math.log(update.mark / before[0].mark) * 1e4, 6) for update in after} == {100.0}


def test_a_drift_moves_the_price_steadily() -> None:
    """By its size in each second while it lasts."""
    found = moves(Shock(kind=ShockKind.DRIFT, at_s=10, lasts_s=20, size=2.0), volatility=0.0)
    assert sum(found) == pytest.approx(40.0, abs=0.3)


def test_volatility_is_multiplied() -> None:
    """While it lasts, and not before."""
    found = moves(Shock(kind=ShockKind.VOLATILITY, at_s=100, lasts_s=100, size=5), volatility=0.5)
    assert pstdev(found[1000:]) / pstdev(found[:999]) == pytest.approx(5.0, rel=0.15)


def test_a_trend_makes_moves_follow_one_another() -> None:
    """The correlation of neighbouring moves is its size."""
    found = moves(Shock(kind=ShockKind.TREND, at_s=0, lasts_s=1e4, size=0.6), volatility=0.5)
    products = [a * b for a, b in pairwise(found)]
    assert mean(products) / mean(move * move for move in found) == pytest.approx(0.6, abs=0.1)


def test_a_basis_spike_moves_one_venue_alone() -> None:
    """And it is over when it is over."""
    spike = Shock(kind=ShockKind.BASIS, at_s=20, lasts_s=20, size=50, venue="venue1")
    own, other = shown(spike), shown(spike, venue="venue2")
    assert own[0][1].mark * 1.005 == pytest.approx(between(own, 20.2, 40)[0].mark)
    assert between(own, 40.2, 60)[0].mark == pytest.approx(own[0][1].mark)
    assert len({update.mark for _, update in other}) == 1


def test_spread_depth_and_funding_are_multiplied() -> None:
    """Each by its own size."""
    updates = shown(
        Shock(kind=ShockKind.SPREAD, at_s=30, lasts_s=30, size=10),
        Shock(kind=ShockKind.DEPTH, at_s=30, lasts_s=30, size=0.1),
        Shock(kind=ShockKind.FUNDING, at_s=30, lasts_s=30, size=-4),
    )
    before, after = between(updates, 0, 30), between(updates, 30.2, 60)
    assert mean(map(spread_bps, after)) / mean(map(spread_bps, before)) == pytest.approx(10, rel=0.05)
    assert mean(map(depth, after)) / mean(map(depth, before)) == pytest.approx(0.1, rel=0.1)
    assert after[0].funding_rate_1h == pytest.approx(-4 * before[0].funding_rate_1h)


def test_an_outage_silences_its_venue() -> None:
    """And nobody else."""
    outage = Shock(kind=ShockKind.OUTAGE, at_s=20, lasts_s=20, venue="venue1")
    assert not between(shown(outage), 20.1, 40)
    assert between(shown(outage), 40.2, 60)
    assert between(shown(outage, venue="venue2"), 20.1, 40)


def test_latency_delays_what_is_shown() -> None:
    """The venue's own time stays what it was, and times rise."""
    updates = shown(Shock(kind=ShockKind.LATENCY, at_s=20, lasts_s=20, size=400))
    late = [round(at_s - (update.at_ns - START_NS) / NS_PER_S, 6) for at_s, update in updates]
    assert late[0] == 0.0
    assert max(late) == 0.4
    assert [at_s for at_s, _ in updates] == sorted(at_s for at_s, _ in updates)


def test_toxic_orders_know_the_next_move() -> None:
    """Orders that know nothing are right half of the time, these always."""
    market = Market(orders_hz=10.0, basis_bps=0.0)
    for size, low, high in ((0.0, 0.4, 0.6), (1.0, 1.0, 1.0)):
        shock = Shock(kind=ShockKind.TOXIC, at_s=0, lasts_s=1e4, size=size)
        scenario = Scenario(market=market, shocks=(shock,))
        price = CommonPrice(scenario, 1)
        right = [
            update.trades[0][0]
            == (
                price.at((update.at_ns - START_NS) / NS_PER_S + 1.0)
                > price.at((update.at_ns - START_NS) / NS_PER_S)
            )
            for _, update in shown(shock, market=market)
            if update.trades
        ]
        assert low <= mean(right) <= high


def test_a_scenario_is_read_from_its_file(tmp_path: Path) -> None:
    """Market and shocks."""
    file = tmp_path / "calm.toml"
    file.write_text('[market]\nvenues = 2\n[[shock]]\nkind = "jump"\nat_s = 5\nsize = 100\n')
    assert load_scenario(file) == Scenario(
        market=Market(venues=2), shocks=(Shock(kind=ShockKind.JUMP, at_s=5, size=100),)
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[market]\nvenue = 2\n", "venues"),
        ("[markt]\nvenues = 2\n", "market"),
        ('[[shock]]\nkind = "jump"\nat = 5\n', "at_s"),
        ('[[shock]]\nkind = "jmp"\nat_s = 5\n', "jmp"),
        ('[[shock]]\nkind = "jump"\nat_s = 5\nsize = nan\n', "size"),
        ('[[shock]]\nkind = "outage"\nat_s = 5\nvenue = "venue9"\n', "venue"),
        ("shock = 3\n", "shock"),
        ("[market]\nprice = 0.0\n", "price"),
    ],
)
def test_a_scenario_that_means_nothing_is_an_error_that_helps(tmp_path: Path, text: str, said: str) -> None:
    """It names what was found, and the nearest key that there is."""
    file = tmp_path / "wrong.toml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=said):
        load_scenario(file)


def test_a_shock_of_the_common_price_has_no_venue() -> None:
    """It would move one venue only, which is a basis spike."""
    with pytest.raises(LocalError, match="all venues"):
        Shock(kind=ShockKind.JUMP, at_s=1, size=1, venue="venue1")

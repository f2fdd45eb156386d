"""Whole sessions against the twin in virtual time: under faults, and afterwards equal to the venue."""

from __future__ import annotations

from decimal import Decimal

import pytest

from paraphina_core import strategy
from paraphina_core.connector import Plugins, load_plugins, mock
from paraphina_core.domain import Fill, Liquidity, Side
from paraphina_core.simulation import (
    EVERYTHING,
    LASTING,
    Outcome,
    Scenario,
    Strike,
    World,
    healed,
    settled,
    simulate,
)
from paraphina_core.twin import parse_fault

NAME = "hyperliquid"


@pytest.fixture(scope="module")
def plugins() -> Plugins:
    """Load what is installed."""
    return load_plugins([mock, strategy])


def run(plugins: Plugins, seed: int, minutes: float, **changes: object) -> Outcome:
    """Simulate some minutes."""
    scenario = Scenario(
        seed=seed,
        connectors=(NAME,),
        hours=minutes / 60,
        **changes,  # type: ignore[arg-type]
    )
    return simulate(plugins, scenario)


def test_after_every_kind_of_fault_session_and_venue_agree(plugins: Plugins) -> None:
    """Books, orders, positions, fees, funding, profit and balance, after each passing fault was met."""
    outcome = run(plugins, seed=3, minutes=4, mean_pause_s=4.0)
    assert outcome.broken == ()
    assert outcome.struck.keys() == set(EVERYTHING) - LASTING
    assert outcome.fills > 20
    assert outcome.records["ended"] > 3


def test_quotes_are_moved_with_changes_where_the_venue_changes_orders_in_place(plugins: Plugins) -> None:
    """Under faults too: a lost change, a refused one and one that meets a fill leave both sides equal."""
    scenario = Scenario(seed=5, connectors=("aster",), hours=2 / 60, mean_pause_s=8.0)
    outcome = simulate(plugins, scenario)
    assert outcome.broken == ()
    assert outcome.records["modify"] > 5 * outcome.records["cancel"]


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1])
def test_an_hour_of_faults_leaves_session_and_venue_equal(plugins: Plugins, seed: int) -> None:
    """Sixty virtual minutes, a fault every twenty seconds."""
    outcome = run(plugins, seed=seed, minutes=60)
    assert outcome.broken == ()
    assert sum(outcome.struck.values()) > 120
    assert outcome.fills > 200


def test_the_same_seed_writes_the_same_bytes(plugins: Plugins) -> None:
    """Everything that the session wrote down, in two runs of one seed; another seed writes something else."""
    one, two, other = (
        run(plugins, seed=seed, minutes=0.5, mean_pause_s=5.0, heal_s=10.0) for seed in (5, 5, 6)
    )
    assert one == two
    assert one.digest != other.digest


@pytest.mark.parametrize(
    ("fault", "state"),
    [
        ("overfill", "halted"),
        ("external_order", "reducing"),
        ("liquidation", "reducing"),
        ("deleverage", "reducing"),
    ],
)
def test_what_only_a_person_can_judge_ends_trading_and_loses_nothing(
    plugins: Plugins, fault: str, state: str
) -> None:
    """F-037, F-039, F-060, F-061: the session stops enlarging positions, and still knows what it holds."""
    scenario = Scenario(seed=3, connectors=(NAME,))
    world = World(plugins, scenario)
    world.start()
    venue = world.venues[NAME]
    for _ in range(20):
        world.run_for(15.0)
        if venue.truth.fills:
            break
    assert venue.truth.fills
    assert world.session.state.value == "active"
    for _ in range(20):
        world.strike(Strike(at_ns=0, connector=NAME, name=fault, fault=parse_fault(fault)))
        world.run_for(5.0)
        if world.session.state.value != "active":
            break
    assert world.session.state.value == state
    placed = world.session.snapshot(world.clock.at_ns).placed
    world.run_for(20.0)
    if state == "halted":
        assert world.session.snapshot(world.clock.at_ns).placed == placed
    world.stop()
    assert list(settled(world)) == []


def test_a_session_that_is_wrong_is_found_out(plugins: Plugins) -> None:
    """Whatever differs is named: an order that is hidden, a position, fees, a book that stands still."""
    world = World(plugins, Scenario(seed=4, connectors=(NAME,)))
    world.start()
    world.run_for(40.0)
    exchange = world.venues[NAME].host.exchange
    exchange.freeze(world.clock.at_ns + 10**12)
    world.run_for(10.0)
    assert list(healed(world)) == []
    market = next(market for market in exchange.markets.values() if market.instrument.base == "BTC")
    best = market.resting.best(Side.BUY)
    assert best is not None
    market.remove(best)
    assert any("the session sees" in finding for finding in healed(world))
    account = exchange.account(world.venues[NAME].login.account)
    account.ledger.apply(
        Fill(
            instrument=market.id,
            client_order_id=None,
            venue_order_id=None,
            trade_id="hidden",
            side=Side.BUY,
            price=Decimal(84_000),
            size=Decimal("0.01"),
            fee=Decimal(1),
            liquidity=Liquidity.TAKER,
        )
    )
    findings = " ".join(settled(world))
    for what in ("counts", "the session holds", "fees of the session", "equity told"):
        assert what in findings

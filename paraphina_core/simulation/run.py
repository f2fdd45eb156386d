"""One simulation from its seed to its outcome: weather, healing, an orderly end, and the comparison."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from paraphina_core.connector import Plugins
from paraphina_core.domain import NS_PER_S

from .judge import always, healed, healthy, settled
from .shrink import shrink
from .weather import EVERYTHING, LASTING, Strike, weather
from .world import START_NS, Scenario, World

#: Time without matching at the end, in which everything that was said arrives.
QUIET_S: Final = 30.0
#: How often what must always be true at the venue is looked at: at every tick.
LOOK_EVERY_S: Final = 0.25


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a simulation came to.

    Args:
        seed: that repeats it.
        digest: SHA-256 of everything that the session wrote down.
        hours: of virtual time under faults.
        strikes: the faults that happened, by their numbers, in the order of time.
        struck: how often each fault happened.
        records: how many records of each kind the session wrote.
        placed: orders sent.
        fills: fills booked.
        fills_of: the same by connector.
        broken: what was not as it must be, in the order of being found.
    """

    seed: int
    digest: str
    hours: float
    strikes: Mapping[int, Strike]
    struck: Mapping[str, int]
    records: Mapping[str, int]
    placed: int
    fills: int
    fills_of: Mapping[str, int]
    broken: tuple[str, ...]


def simulate(
    plugins: Plugins, scenario: Scenario, *, progress: Callable[[float], None] = lambda _: None
) -> Outcome:
    """Run one session through its weather, and hold it against its venues.

    Args:
        plugins: where connectors and strategies come from.
        scenario: what is simulated.
        progress: is told the part that is done, from 0 to 1.
    """
    seed, hours = scenario.seed, scenario.hours
    world = World(plugins, scenario)
    calm = tuple(name for name in EVERYTHING if name not in LASTING)
    end_ns = START_NS + int(hours * 3_600 * NS_PER_S)
    struck: Counter[str] = Counter()
    broken: dict[str, None] = {}
    world.start()
    world.run_for(30.0)
    strikes = weather(
        seed,
        tuple(world.venues),
        start_ns=world.clock.at_ns,
        end_ns=end_ns,
        mean_pause_s=scenario.mean_pause_s,
        names=calm if scenario.faults is None else scenario.faults,
    )
    happened: dict[int, Strike] = {}
    for number, strike in enumerate(strikes, 1):
        if scenario.only is not None and number not in scenario.only:
            continue
        _run_looking(world, strike.at_ns, broken)
        world.strike(strike)
        happened[number] = strike
        struck[strike.name] += 1
        progress((strike.at_ns - START_NS) / (end_ns - START_NS))
    _run_looking(world, end_ns, broken)
    world.heal()
    _run_looking(world, end_ns + int(scenario.heal_s * NS_PER_S), broken)
    is_passing = not LASTING & struck.keys()
    if is_passing:
        broken |= dict.fromkeys(healthy(world))
    for venue in world.venues.values():
        venue.host.exchange.freeze(world.clock.at_ns + int((QUIET_S + 60.0) * NS_PER_S))
    world.run_for(QUIET_S)
    if is_passing:
        broken |= dict.fromkeys(healed(world))
    world.stop()
    broken |= world.invariants.broken | dict.fromkeys(settled(world))
    seen = world.session.snapshot(world.clock.at_ns)
    progress(1.0)
    return Outcome(
        seed=seed,
        digest=world.recorder.digest,
        hours=hours,
        strikes=happened,
        struck=dict(struck),
        records=dict(world.recorder.counts),
        placed=seen.placed,
        fills=seen.fills,
        fills_of={v.connector: sum(market.fills for market in v.markets) for v in seen.venues},
        broken=tuple(broken),
    )


def simplest(
    plugins: Plugins,
    scenario: Scenario,
    outcome: Outcome,
    *,
    max_runs: int,
    progress: Callable[[int], None] = lambda _: None,
) -> tuple[int, ...]:
    """Return few of a run's faults that break something too, by their numbers; see `shrink`.

    Args:
        plugins: as for the run.
        scenario: of the run.
        outcome: of the run, with findings.
        max_runs: how many further runs this may cost.
        progress: is told before each how many were made.
    """
    runs = 0

    def fails(only: tuple[int, ...]) -> bool:
        nonlocal runs
        progress(runs)
        runs += 1
        return bool(simulate(plugins, msgspec.structs.replace(scenario, only=only)).broken)

    return shrink(tuple(outcome.strikes), fails, max_runs=max_runs)


def _run_looking(world: World, end_ns: int, broken: dict[str, None]) -> None:
    """Let time pass, and look now and then at what must always be true."""
    while world.clock.at_ns < end_ns:
        world.run_until(min(end_ns, world.clock.at_ns + int(LOOK_EVERY_S * NS_PER_S)))
        broken |= dict.fromkeys(always(world))
        world.invariants.look()
        broken |= world.invariants.broken

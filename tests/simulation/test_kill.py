"""The kill switch on every venue that has a twin, some of which hang or answer with errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import pytest

from paraphina_core import strategy
from paraphina_core.connector import Plugins, load_plugins, mock
from paraphina_core.simulation import Scenario, Strike, World
from paraphina_core.twin import Fault, parse_fault

_LASTS: Final = "count=100000,for_ms=600000"
_HANGS: Final = (f"ignore:{_LASTS}", f"lose_request:hangs=true,{_LASTS}")
_FAILS: Final = (f"ignore:{_LASTS}", f"server_error:status=500,{_LASTS}")


@pytest.fixture(scope="module")
def plugins() -> Plugins:
    """Load what is installed."""
    return load_plugins([mock, strategy])


def _twins(plugins: Plugins) -> tuple[str, ...]:
    return tuple(sorted(name for name, spec in plugins.connectors.items() if spec.twin))


def _trading(plugins: Plugins, names: tuple[str, ...]) -> World:
    """Return a world in which every venue rests orders of the session."""
    world = World(plugins, Scenario(seed=4, connectors=names))
    world.start()
    for _ in range(120):
        world.run_for(0.5)
        if all(venue.truth.open_orders for venue in world.venues.values()):
            return world
    raise AssertionError({name: len(venue.truth.open_orders) for name, venue in world.venues.items()})


def _break(world: World, faults: Mapping[str, tuple[str, ...]]) -> None:
    for name, lines in faults.items():
        for line in lines:
            fault: Fault = parse_fault(line)
            strike = Strike(at_ns=world.clock.at_ns, connector=name, name=line, fault=fault)
            world.strike(strike)


def test_a_kill_is_verified_within_two_seconds_on_every_twin_that_answers(plugins: Plugins) -> None:
    """Two hang and one answers 500 (of fewer than four, one each); the others wait for none of them.

    A venue that answers has no order left after two seconds, and has said so. The others are named, and are
    empty soon after they answer again.
    """
    names = _twins(plugins)
    for turn in range(len(names)):
        *hanging, failing = (*names[turn:], *names[:turn])[: min(3, len(names) - 1)]
        world = _trading(plugins, names)
        _break(world, {**dict.fromkeys(hanging, _HANGS), failing: _FAILS})
        world.session.kill("a test", world.clock.at_ns)
        world.session.stop("killed", world.clock.at_ns)
        world.run_for(2.0)
        broken = {*hanging, failing}
        assert set(world.session.unconfirmed) == broken
        assert not [name for name in names if name not in broken and world.venues[name].truth.open_orders]
        world.heal()
        world.run_for(30.0)
        assert not [name for name in names if world.venues[name].truth.open_orders]
        assert world.session.unconfirmed == ()
        assert world.invariants.broken == {}


def test_a_kill_that_flattens_leaves_no_position_on_any_twin(plugins: Plugins) -> None:
    """Each venue takes the reduce-only order in its own words, and its list of positions is empty."""
    world = _trading(plugins, _twins(plugins))
    for _ in range(600):
        world.run_for(1.0)
        if any(venue.truth.positions for venue in world.venues.values()):
            break
    held = {name for name, venue in world.venues.items() if venue.truth.positions}
    assert held
    world.session.kill("a test", world.clock.at_ns)
    world.session.flatten(world.clock.at_ns)
    world.session.stop("killed", world.clock.at_ns)
    world.run_for(25.0)
    assert {
        name: venue.truth.positions for name, venue in world.venues.items() if venue.truth.positions
    } == {}
    assert world.session.quiet
    assert world.invariants.broken == {}

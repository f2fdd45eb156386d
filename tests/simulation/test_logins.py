"""Logins that end during a session, on the venue whose tokens live for five minutes."""

from __future__ import annotations

import pytest

from paraphina_core import strategy
from paraphina_core.connector import load_plugins, mock
from paraphina_core.domain import TradingState
from paraphina_core.simulation import Scenario, Strike, World
from paraphina_core.twin import parse_fault


@pytest.fixture
def world() -> World:
    """Return a session that rests orders at the venue."""
    world = World(load_plugins([mock, strategy]), Scenario(seed=3, connectors=("paradex",)))
    world.start()
    world.run_for(60.0)
    assert world.venues["paradex"].truth.open_orders
    return world


def _state(world: World) -> TradingState:
    return world.session.safety.states.venue("paradex").state


def test_f051_a_login_that_ends_is_renewed_before(world: World) -> None:
    """Orders are placed long after the first token has ended, and none is refused for it."""
    world.run_for(660.0)
    assert _state(world) is TradingState.ACTIVE
    assert world.venues["paradex"].truth.open_orders
    assert world.invariants.broken == {}


def test_f051_a_login_that_cannot_be_renewed_leaves_no_order_behind(world: World) -> None:
    """Before the token ends the venue may only reduce and its orders are gone; a new login lets it go on."""
    fault = parse_fault("server_error:status=500,match=/auth/,count=100000,for_ms=400000")
    world.strike(Strike(at_ns=world.clock.at_ns, connector="paradex", name="auth", fault=fault))
    world.run_for(130.0)
    assert _state(world) is TradingState.ACTIVE
    world.run_for(90.0)  # 280 s after the login, which is good for 300 s
    assert _state(world) is TradingState.REDUCING
    assert not world.venues["paradex"].truth.open_orders
    world.heal()
    world.run_for(400.0)  # the session waits for 300 s before it believes in the venue again
    assert _state(world) is TradingState.ACTIVE
    assert world.venues["paradex"].truth.open_orders
    assert world.invariants.broken == {}

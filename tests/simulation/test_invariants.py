"""Each thing that a session may never do is found when it does it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from paraphina_core import strategy
from paraphina_core.connector import load_plugins, mock
from paraphina_core.domain import ClientOrderId, PlaceOrder, Side
from paraphina_core.session.record import encode
from paraphina_core.simulation import Invariants, Scenario, Strike, World
from paraphina_core.twin import parse_fault

NAME = "hyperliquid"


@pytest.fixture(scope="module")
def world() -> World:
    """Return a session that trades."""
    made = World(load_plugins([mock, strategy]), Scenario(seed=4, connectors=(NAME,)))
    made.start()
    made.run_for(40.0)
    assert made.session.snapshot(made.clock.at_ns).placed
    assert made.invariants.broken == {}
    return made


def order(world: World, **changes: Any) -> tuple[str, bytes]:
    """Return the record of a buy a little below the best bid of the session's market."""
    market = world.session.snapshot(world.clock.at_ns).venues[0].markets[0]
    assert market.best_bid is not None
    made = PlaceOrder(
        instrument=market.instrument,
        client_order_id=ClientOrderId(77),
        side=Side.BUY,
        price=Decimal(str(market.best_bid)),
        size=Decimal("0.001"),
        post_only=True,
    )
    return ("place", encode(msgspec.structs.replace(made, **changes)))


def found(world: World, *records: tuple[str, bytes]) -> str:
    """Return what is found when these records are written down."""
    invariants = Invariants(world)
    for kind, data in records:
        invariants.recorded(kind, world.clock.at_ns, data)
    return "; ".join(invariants.broken)


def test_an_order_as_it_must_be_is_no_finding(world: World) -> None:
    """Post-only, below the ask, on a fresh book, with an id of its own."""
    assert found(world, order(world), order(world, client_order_id=ClientOrderId(78))) == ""


@pytest.mark.parametrize("record", ["halt", "stop"])
def test_an_order_after_the_end_is_found(world: World, record: str) -> None:
    """Nothing but cancels leaves then."""
    assert f"placed after the record of a {record}" in found(world, (record, b"{}"), order(world))


def test_an_order_that_enlarges_while_the_session_only_reduces_is_found(world: World) -> None:
    """Only reduce-only orders leave then."""
    assert "only less" in found(world, ("reduce", b"{}"), order(world))
    assert found(world, ("reduce", b"{}"), order(world, reduce_only=True)) == ""


def test_an_order_that_enlarges_on_a_venue_that_goes_on_is_fine(world: World) -> None:
    """Only the venue that reduces counts, and only until it goes on."""
    other, own = b'{"connector":"other"}', b'{"connector":"hyperliquid"}'
    assert "only less" not in found(world, ("reduce", other), order(world))
    assert "only less" not in found(world, ("reduce", own), ("raise", own), order(world))


def test_f040_a_client_order_id_that_is_used_twice_is_found(world: World) -> None:
    """The venue would take one for the other."""
    assert "used before" in found(world, order(world), order(world))


def test_a_post_only_order_that_meets_the_touch_is_found(world: World) -> None:
    """It would be refused, or match."""
    assert "meets the touch" in found(world, order(world, price=Decimal(10_000_000)))


def test_what_rests_at_a_venue_without_a_record_is_found(world: World) -> None:
    """No command may leave before it was written down: here the session's own orders count as unwritten."""
    invariants = Invariants(world)
    invariants.look()
    assert all("never written down" in finding for finding in invariants.broken)
    assert invariants.broken


def test_an_order_on_a_book_that_is_not_believed_is_found(world: World) -> None:
    """Whatever the reason: here the venue has gone away."""
    record = order(world)
    world.strike(Strike(at_ns=0, connector=NAME, name="outage", ms=20_000))
    world.strike(Strike(at_ns=0, connector=NAME, name="kill", fault=parse_fault("kill")))
    world.run_for(1.0)
    assert "placed although" in found(world, record)

"""An order is moved with one message where its venue changes orders in place; fewer leave as they run out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paper_world import PaperWorld, fills_of, kinds
from paraphina_core.domain import (
    ClientOrderId,
    ModifyOrder,
    ModifyRejected,
    OrderAccepted,
    OrderModified,
    PlaceOrder,
    Side,
    Target,
    exact,
)
from paraphina_core.execution import Means, Obstacle
from planning import PlanningDesk, want
from trading import BTC, fill, place, snapshot

BUY, SELL = Side.BUY, Side.SELL
IN_PLACE = Means(changes=True)


def _desk(means: Means = IN_PLACE) -> PlanningDesk:
    desk = PlanningDesk()
    desk.means = means
    return desk


def _terms(changes: tuple[ModifyOrder, ...]) -> list[tuple[int, float, float]]:
    return [(change.client_order_id, float(change.price), float(change.size)) for change in changes]


# --- what the planner changes -------------------------------------------------------------------


@pytest.mark.parametrize("price", [102.0, 99.5])
def test_a_moved_target_moves_its_order_in_one_message(price: float) -> None:
    """The order keeps its id and is never out of the market; nothing is cancelled and nothing placed."""
    desk = _desk()
    desk.rest(want(BUY, 100.0))
    plan = desk.plan(want(BUY, price, 2.0))
    assert _terms(plan.changes) == [(1, price, 2.0)]
    assert (plan.cancels, plan.places, plan.unplaced) == ((), (), ())
    desk.confirm()
    assert desk.open == [(BUY, price, 2.0)]


def test_where_the_venue_would_place_another_order_it_is_cancelled_first() -> None:
    """What fills while such a change is on its way would be ordered twice, so nobody sends one."""
    desk = _desk(Means())
    desk.rest(want(BUY, 100.0))
    plan = desk.plan(want(BUY, 101.0))
    assert (len(plan.cancels), plan.changes) == (1, ())


def test_an_order_that_is_dangerously_offside_is_cancelled() -> None:
    """A cancel is never refused by a gate, has messages of its own, and cannot be rejected for its price."""
    desk = _desk()
    desk.rest(want(BUY, 100.0))
    plan = desk.plan(want(BUY, 90.0))
    assert (len(plan.cancels), plan.changes) == (1, ())


def test_an_order_that_has_filled_in_part_is_replaced() -> None:
    """What is wanted now is wanted beside what has filled, and the size of a change would count both."""
    desk = _desk()
    desk.rest(want(BUY, 100.0))
    desk.tracker.apply(fill(1, "t", BUY, 100.0, "0.4"), desk.now_ms)
    plan = desk.plan(want(BUY, 101.0))
    assert (len(plan.cancels), plan.changes) == (1, ())


def test_other_terms_than_price_and_size_take_a_new_order() -> None:
    """No change makes a quote reduce-only."""
    desk = _desk()
    desk.rest(want(BUY, 100.0))
    plan = desk.plan(want(BUY, 101.0, reduce_only=True))
    assert (len(plan.cancels), plan.changes) == (1, ())


def test_a_second_change_waits_for_the_answer_to_the_first() -> None:
    """Until then two terms may stand, and which one a second change would meet is not known."""
    desk = _desk()
    desk.rest(want(BUY, 100.0))
    assert len(desk.plan(want(BUY, 101.0)).changes) == 1
    plan = desk.plan(want(BUY, 102.0))
    assert (plan.cancels, plan.changes, plan.places) == ((), (), ())
    assert [one.obstacle for one in plan.unplaced] == [Obstacle.SIDE_NOT_SETTLED]


def test_an_order_whose_terms_are_in_doubt_is_not_changed_again() -> None:
    """The venue has told it as it was before a change that may still be on its way: it is cancelled."""
    desk = _desk()
    desk.rest(want(BUY, 100.0))
    assert len(desk.plan(want(BUY, 101.0)).changes) == 1
    accepted = OrderAccepted(instrument=BTC.id, client_order_id=ClientOrderId(1), venue_order_id="v1")
    desk.tracker.apply(accepted, desk.now_ms)
    desk.now_ms += 1_000
    plan = desk.plan(want(BUY, 102.0))
    assert plan.changes == ()


def test_an_order_that_was_changed_just_now_is_young_again() -> None:
    """Between two changes of an order lies its shortest life, as between an order and its successor."""
    desk = _desk()
    desk.rest(want(BUY, 100.0))
    for price, wait_ms, changes in ((101.0, 0, 1), (102.0, 499, 0), (102.0, 1, 1)):
        desk.now_ms += wait_ms
        assert len(desk.plan(want(BUY, price)).changes) == changes
        desk.confirm()


def test_f047_no_change_meets_an_own_order() -> None:
    """Where the moved order would meet an own one, it is cancelled and its successor waits."""
    desk = _desk()
    desk.rest(want(SELL, 101.0), want(BUY, 100.0))
    plan = desk.plan(want(BUY, 101.0), want(SELL, 101.0))
    assert plan.changes == ()
    assert [one.obstacle for one in plan.unplaced] == [Obstacle.SIDE_NOT_SETTLED]


orders = st.lists(
    st.builds(want, st.sampled_from(Side), st.floats(90.0, 110.0), st.floats(0.2, 5.0)), max_size=6
)


@given(orders, orders)
def test_changes_lead_to_the_targets_too(before: list[Target], targets: list[Target]) -> None:
    """From any orders a few confirmed plans end with one order for each target that can have one."""
    desk = _desk()
    for each in (before, targets):
        for _ in range(5):
            plan = desk.plan(*each)
            bids = [price for side, price, _ in desk.open if side is BUY]
            asks = [price for side, price, _ in desk.open if side is SELL]
            assert max(bids, default=0.0) < min(asks, default=1e9)
            desk.confirm()
            desk.now_ms += 60_000
    assert (plan.cancels, plan.changes, plan.places) == ((), (), ())
    assert len(desk.open) == len(targets) - len(plan.unplaced)


# --- thrift -------------------------------------------------------------------------------------


def test_with_few_messages_left_a_quote_that_would_only_improve_stays() -> None:
    """Three bps behind its target: moved with messages to spare, left where it is with few."""
    for thrift, moved in ((1.0, 1), (10.0, 0)):
        desk = _desk(Means(changes=True, thrift=thrift))
        desk.rest(want(BUY, 30_000.0))
        assert len(desk.plan(want(BUY, 30_009.0)).changes) == moved


def test_with_few_messages_left_an_order_that_is_too_aggressive_is_still_dealt_with() -> None:
    """Saving never leaves an order nearer to the market than it is wanted."""
    desk = _desk(Means(changes=True, thrift=10.0))
    desk.rest(want(BUY, 30_000.0))
    assert len(desk.plan(want(BUY, 29_997.0)).changes) == 1
    desk = _desk(Means(changes=True, thrift=10.0))
    desk.rest(want(BUY, 30_000.0))
    assert len(desk.plan(want(BUY, 29_900.0)).cancels) == 1


# --- what the paper exchange does with a change -------------------------------------------------

BOOK = snapshot(((100.0, 2.0), (99.5, 4.0)), ((101.0, 1.0), (101.5, 3.0)))


def _change(number: int, side: Side, price: float, size: float) -> ModifyOrder:
    return ModifyOrder(
        instrument=BTC.id,
        client_order_id=ClientOrderId(number),
        venue_order_id=None,
        side=side,
        price=exact(price),
        size=exact(size),
    )


def _world(*resting: PlaceOrder) -> PaperWorld:
    world = PaperWorld()
    world.see(BOOK)
    for order in resting:
        assert kinds(world.send(order)) == ["OrderAccepted"]
    return world


def test_on_paper_an_order_stands_with_its_new_terms_under_its_old_id() -> None:
    """Price and total size are those of the change."""
    world = _world(place(1, BUY, 99, 1))
    (event,) = world.send(_change(1, BUY, 99.5, 2))
    assert isinstance(event, OrderModified)
    assert (event.venue_order_id, float(event.price), float(event.size)) == ("paper-1", 99.5, 2.0)
    assert kinds(world.cancel(1)) == ["OrderCancelled"]


def test_on_paper_the_size_of_a_change_counts_what_has_filled() -> None:
    """Six of ten filled: changed to a total of eight, two are left."""
    world = _world()
    assert fills_of(world.send(place(1, BUY, 101.0, 3))) == [(1, 101.0, 1.0)]
    assert kinds(world.send(_change(1, BUY, 100.5, 2))) == ["OrderModified"]
    assert fills_of(world.see(snapshot(((100.0, 2.0),), ((100.5, 9.0),)))) == [(1, 100.5, 1.0)]


def test_on_paper_a_change_to_what_has_filled_ends_the_order() -> None:
    """Nothing would be left of it."""
    world = _world()
    world.send(place(1, BUY, 101.0, 3))
    assert kinds(world.send(_change(1, BUY, 100.0, 1))) == ["OrderCancelled"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (_change(2, BUY, 99.0, 1), "ORDER_NOT_FOUND"),
        (_change(1, BUY, 101.0, 1), "POST_ONLY_WOULD_CROSS"),
        (_change(1, BUY, 99.3, 1), "PRICE_OFF_GRID"),
        (_change(1, BUY, 99.0, 1e6), "INSUFFICIENT_MARGIN"),
    ],
)
def test_on_paper_a_refused_change_leaves_the_order_as_it_was(change: ModifyOrder, code: str) -> None:
    """Its price, its size and its place in the queue."""
    world = _world(place(1, BUY, 99.5, 1, post_only=True))
    (event,) = world.send(change)
    assert isinstance(event, ModifyRejected)
    assert event.code == code
    assert fills_of(world.see(snapshot(((99.0, 2.0),), ((99.5, 9.0),)))) == [(1, 99.5, 1.0)]

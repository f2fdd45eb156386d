"""A plan leads from the open orders to the wanted ones, and moves nothing that is good enough."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paraphina_core.domain import (
    CancelRejected,
    ClientOrderId,
    InstrumentId,
    LocalError,
    OutcomeUnknown,
    Purpose,
    Side,
    SignificantFigures,
    Target,
    TimeInForce,
)
from paraphina_core.execution import Obstacle, Plan, PlannerRules
from planning import PlanningDesk, spelled, want
from trading import BTC, ETH, fill

BUY, SELL = Side.BUY, Side.SELL


# --- placing ------------------------------------------------------------------------------------


def test_targets_are_put_on_the_grid_away_from_the_market_and_never_larger() -> None:
    """Buys round down, sells up, sizes down; exactly, and as ordinary numbers."""
    plan = PlanningDesk().plan(want(BUY, 100.3, 1.27), want(SELL, 100.6, 1.27))
    assert spelled(plan.places) == [
        (BTC.id, BUY, Decimal("100.0"), Decimal("1.2")),
        (BTC.id, SELL, Decimal("101.0"), Decimal("1.2")),
    ]


def test_the_order_of_a_plan_is_by_instrument_then_buys_then_sells() -> None:
    """However the targets are ordered, the plan is the same."""
    targets = [want(SELL, 60, 2, ETH), want(SELL, 110), want(BUY, 50, 2, ETH), want(BUY, 100)]
    plan = PlanningDesk().plan(*targets)
    assert [(order.instrument, order.side) for order in plan.places] == [
        (BTC.id, BUY),
        (BTC.id, SELL),
        (ETH.id, BUY),
        (ETH.id, SELL),
    ]
    assert plan == PlanningDesk().plan(*reversed(targets))


def test_an_order_has_the_terms_of_its_target() -> None:
    """Purpose, time in force, post-only and reduce-only are the strategy's."""
    terms = {
        "purpose": Purpose.HEDGE,
        "time_in_force": TimeInForce.IOC,
        "post_only": False,
        "reduce_only": True,
    }
    (order,) = PlanningDesk().plan(want(BUY, 100, **terms)).places
    assert {name: getattr(order, name) for name in terms} == terms


@pytest.mark.parametrize(
    ("target", "obstacle"),
    [
        (want(BUY, 100, 0.09), Obstacle.SIZE_BELOW_MINIMUM),
        (want(BUY, 100, 0.0), Obstacle.SIZE_BELOW_MINIMUM),
        (want(BUY, 99, 0.1), Obstacle.NOTIONAL_BELOW_MINIMUM),
        (want(BUY, float("nan")), Obstacle.UNUSABLE_TARGET),
        (want(BUY, -1.0), Obstacle.UNUSABLE_TARGET),
        (want(BUY, 0.1), Obstacle.UNUSABLE_TARGET),
        (want(BUY, 100, float("nan")), Obstacle.UNUSABLE_TARGET),
        (want(BUY, 100, float("inf")), Obstacle.UNUSABLE_TARGET),
        (want(BUY, 100, -1.0), Obstacle.SIZE_BELOW_MINIMUM),
        (want(BUY, 100, time_in_force=TimeInForce.IOC, post_only=True), Obstacle.UNUSABLE_TARGET),
        (msgspec.structs.replace(want(BUY, 100), instrument=InstrumentId("?")), Obstacle.UNKNOWN_INSTRUMENT),
    ],
)
def test_a_target_that_cannot_be_an_order_is_returned_with_the_reason(
    target: Target, obstacle: Obstacle
) -> None:
    """Nothing is sent, nothing is raised, and the reason is there to be shown."""
    plan = PlanningDesk().plan(target)
    assert (plan.places, plan.cancels) == ((), ())
    assert [(each.target, each.obstacle) for each in plan.unplaced] == [(target, obstacle)]
    assert plan.unplaced[0].found


def test_an_order_at_the_venues_minimum_is_placed_and_one_of_nothing_never() -> None:
    """Smallest size and smallest notional are allowed; without a smallest size, zero still is no order."""
    assert len(PlanningDesk().plan(want(BUY, 100, 0.1)).places) == 1
    desk = PlanningDesk()
    desk.instruments[BTC.id] = msgspec.structs.replace(BTC, min_size=Decimal(0), min_notional=Decimal(0))
    assert [each.obstacle for each in desk.plan(want(BUY, 100, 0.05)).unplaced] == [
        Obstacle.SIZE_BELOW_MINIMUM
    ]


def test_f088_an_order_whose_target_became_a_nan_is_cancelled() -> None:
    """What is not a number is close to nothing."""
    for broken in (want(BUY, float("nan")), want(BUY, 100, float("nan"))):
        desk = PlanningDesk()
        desk.rest(want(BUY, 100))
        assert len(desk.plan(broken).cancels) == 1


# --- keeping and replacing ----------------------------------------------------------------------


def test_what_is_not_wanted_any_more_is_cancelled_at_once() -> None:
    """Also when it is younger than the minimum life: the strategy has withdrawn."""
    desk = PlanningDesk(min_life_ms=500)
    desk.rest(want(BUY, 100), want(SELL, 110), age_ms=0)
    plan = desk.plan(want(SELL, 110))
    assert [(cancel.client_order_id, cancel.venue_order_id) for cancel in plan.cancels] == [(1, "v1")]
    assert plan.places == ()


def test_orders_of_an_instrument_without_targets_are_cancelled() -> None:
    """Also when the instrument is not known any more."""
    desk = PlanningDesk()
    desk.rest(want(BUY, 50, 2, ETH))
    del desk.instruments[ETH.id]
    assert len(desk.plan(want(BUY, 100)).cancels) == 1


@pytest.mark.parametrize(
    ("price", "size", "kept"),
    [
        (100.0, 1.0, True),
        (100.49, 1.0, True),  # on the grid this is 100.0
        (100.5, 1.0, False),
        (99.999, 1.0, True),  # the order is a little more aggressive: half a basis point is tolerated
        (99.9, 1.0, False),
        (99.0, 1.0, False),
        (100.0, 1.04, True),
        (100.0, 1.1, True),
        (100.0, 0.91, True),
        (100.0, 1.3, False),
        (100.0, 0.8, False),
    ],
)
def test_an_order_stays_while_it_is_good_enough(price: float, size: float, kept: bool) -> None:
    """A buy of 1 at 100.0 with a tick of 0.5: a tick further away and a tenth of the size are tolerated."""
    desk = PlanningDesk()
    desk.rest(want(BUY, 100.0))
    assert len(desk.plan(want(BUY, price, size)).cancels) == (0 if kept else 1)


def test_a_wide_tolerance_still_replaces_an_order_more_than_a_tick_too_aggressive() -> None:
    """Tolerated is being a little too far away, or one tick too near."""
    for price, kept in ((100.0, True), (101.5, True), (99.5, True), (99.4, False), (95.0, False)):
        desk = PlanningDesk(reprice_tolerance_bps=200.0)
        desk.rest(want(BUY, 100.0))
        assert len(desk.plan(want(BUY, price)).cancels) == (0 if kept else 1), price


def test_sells_are_judged_in_the_mirror() -> None:
    """A sell at 110 for a target of 110.4 is too near, for one of 109.6 it is the same order."""
    for price, kept in ((109.6, True), (110.4, False)):
        desk = PlanningDesk()
        desk.rest(want(SELL, 110.0))
        assert len(desk.plan(want(SELL, price)).cancels) == (0 if kept else 1), price


@pytest.mark.parametrize(
    "terms",
    [{"reduce_only": True}, {"post_only": False}, {"purpose": Purpose.EXIT}],
    ids=lambda terms: next(iter(terms)),
)
def test_an_order_with_other_terms_is_replaced(terms: dict[str, Any]) -> None:
    """Price and size are not everything that was agreed."""
    desk = PlanningDesk()
    desk.rest(want(BUY, 100.0))
    assert len(desk.plan(want(BUY, 100.0, **terms)).cancels) == 1


def test_a_young_order_stays_and_holds_the_place_of_its_successor() -> None:
    """A target that moves on is followed when the order is old enough, not before."""
    desk = PlanningDesk(min_life_ms=500, offside_bps=100.0)
    desk.rest(want(BUY, 100.0), age_ms=499)
    moved = want(BUY, 99.4)
    plan = desk.plan(moved)
    assert (plan.cancels, plan.places, plan.unplaced) == ((), (), ())
    desk.now_ms += 1
    assert len(desk.plan(moved).cancels) == 1


def test_a_young_order_that_is_dangerously_offside_goes_at_once() -> None:
    """More aggressive than wanted by over a tick and two basis points, it may be hit at any moment."""
    desk = PlanningDesk(min_life_ms=500)
    desk.rest(want(BUY, 100.0), age_ms=1)
    assert len(desk.plan(want(BUY, 99.4)).cancels) == 1


def test_a_young_order_too_far_away_waits() -> None:
    """Being too passive is no danger."""
    desk = PlanningDesk(min_life_ms=500)
    desk.rest(want(BUY, 100.0), age_ms=1)
    assert desk.plan(want(BUY, 105.0)).cancels == ()


def test_a_young_order_holds_the_place_of_the_nearest_target() -> None:
    """Of two new levels, the young order stands for the one next to it, and the other is placed."""
    desk = PlanningDesk(min_life_ms=500, offside_bps=100.0)
    desk.rest(want(BUY, 100.0), age_ms=1)
    plan = desk.plan(want(BUY, 90.0), want(BUY, 99.4))
    assert (plan.cancels, spelled(plan.places)) == ((), [(BTC.id, BUY, 90, 1)])


def test_a_partly_filled_order_is_judged_by_what_is_left() -> None:
    """Half filled is too small for a target of the whole size, and right for one of half."""
    for size, kept in ((1.0, False), (0.5, True)):
        desk = PlanningDesk()
        desk.rest(want(BUY, 100.0))
        desk.tracker.apply(fill(1, "a", BUY, 100, "0.5"), 0)
        assert len(desk.plan(want(BUY, 100.0, size)).cancels) == (0 if kept else 1)


# --- waiting ------------------------------------------------------------------------------------


def test_f036_a_replacement_waits_until_the_cancel_is_confirmed() -> None:
    """Until then both could fill; the other side goes on."""
    desk = PlanningDesk()
    desk.rest(want(BUY, 100.0))
    plan = desk.plan(want(BUY, 102.0), want(SELL, 110.0))
    assert (len(plan.cancels), [order.side for order in plan.places]) == (1, [SELL])
    assert [each.obstacle for each in plan.unplaced] == [Obstacle.SIDE_NOT_SETTLED]
    again = desk.plan(want(BUY, 102.0), want(SELL, 110.0))
    assert (again.cancels, again.places) == ((), ())
    desk.confirm()
    assert spelled(desk.plan(want(BUY, 102.0), want(SELL, 110.0)).places) == [(BTC.id, BUY, 102, 1)]


def _lose(desk: PlanningDesk) -> None:
    desk.tracker.apply(
        OutcomeUnknown(instrument=BTC.id, client_order_id=ClientOrderId(1), reason="timed out"), 0
    )


def _refuse_cancel(desk: PlanningDesk) -> None:
    desk.tracker.cancel_sent(ClientOrderId(1), 0)
    desk.tracker.apply(
        CancelRejected(
            instrument=BTC.id, client_order_id=ClientOrderId(1), venue_order_id=None, code="?", reason="?"
        ),
        0,
    )


@pytest.mark.parametrize("doubt", [_lose, _refuse_cancel])
def test_f029_nothing_is_placed_or_cancelled_beside_an_order_whose_fate_is_unknown(
    doubt: Callable[[PlanningDesk], None],
) -> None:
    """It may be live: no second order on its side, and nothing blind about the first."""
    desk = PlanningDesk()
    desk.rest(want(BUY, 100.0))
    doubt(desk)
    for target in (want(BUY, 100.0), want(BUY, 102.0)):
        plan = desk.plan(target)
        assert (plan.cancels, plan.places) == ((), ())
        assert [each.obstacle for each in plan.unplaced] == [Obstacle.SIDE_NOT_SETTLED]


def test_an_order_on_its_way_serves_its_target_and_is_not_cancelled_before_its_answer() -> None:
    """A cancel could overtake it and find nothing; so it first arrives."""
    desk = PlanningDesk()
    desk.plan(want(BUY, 100.0))
    desk.now_ms += 10_000
    assert desk.plan(want(BUY, 100.0)) == Plan(cancels=(), changes=(), places=(), unplaced=())
    assert desk.plan().cancels == ()
    desk.confirm()
    assert len(desk.plan().cancels) == 1


def test_f047_nothing_is_placed_that_would_meet_an_own_order() -> None:
    """A buy at our own ask waits until that ask is gone, also while it is being cancelled."""
    desk = PlanningDesk()
    desk.rest(want(SELL, 101.0))
    plan = desk.plan(want(BUY, 101.0))
    assert (len(plan.cancels), plan.places) == (1, ())
    assert [each.obstacle for each in plan.unplaced] == [Obstacle.MEETS_OWN_ORDER]
    desk.confirm()
    assert len(desk.plan(want(BUY, 101.0)).places) == 1


def test_f047_a_sell_waits_for_an_own_buy_and_for_one_of_the_same_plan() -> None:
    """At the same price they would meet; one tick above they do not."""
    desk = PlanningDesk()
    desk.rest(want(BUY, 101.0))
    assert [each.obstacle for each in desk.plan(want(SELL, 101.0)).unplaced] == [Obstacle.MEETS_OWN_ORDER]
    for price, obstacles in ((101.0, [Obstacle.MEETS_OWN_ORDER]), (101.5, [])):
        plan = PlanningDesk().plan(want(SELL, price), want(BUY, 101.0))
        assert [each.obstacle for each in plan.unplaced] == obstacles


def test_several_levels_of_a_side_are_each_kept_by_their_own_order() -> None:
    """One level moves: only its order is replaced."""
    desk = PlanningDesk()
    desk.rest(want(BUY, 100.0), want(BUY, 99.0), want(BUY, 98.0))
    plan = desk.plan(want(BUY, 100.0), want(BUY, 97.0), want(BUY, 98.0))
    assert [cancel.client_order_id for cancel in plan.cancels] == [2]
    desk.confirm()
    plan = desk.plan(want(BUY, 100.0), want(BUY, 97.0), want(BUY, 98.0))
    assert (plan.cancels, spelled(plan.places)) == ((), [(BTC.id, BUY, 97, 1)])


@pytest.mark.parametrize(
    "rules",
    [
        {"reprice_tolerance_bps": -1.0},
        {"size_tolerance": float("nan")},
        {"min_life_ms": -1},
        {"offside_bps": float("inf")},
    ],
)
def test_rules_that_make_no_sense_are_refused(rules: dict[str, Any]) -> None:
    """Negative, endless and NaN tolerances are mistakes of ours."""
    with pytest.raises(LocalError, match="planner rules"):
        PlannerRules(**rules)


# --- properties ---------------------------------------------------------------------------------

FIGURES = msgspec.structs.replace(
    BTC,
    native_id="FIG",
    price_rule=SignificantFigures(figures=5, max_decimals=1),
    lot_size=Decimal("0.00001"),
)
RULES = [BTC, ETH, FIGURES]

wanted = st.lists(
    st.builds(
        want,
        st.sampled_from(Side),
        st.floats(0.3, 200_000.0),
        st.floats(0.0, 50.0),
        st.sampled_from(RULES),
        reduce_only=st.booleans(),
    ),
    max_size=8,
)


def _desk_for_all() -> PlanningDesk:
    desk = PlanningDesk()
    desk.instruments = {instrument.id: instrument for instrument in RULES}
    return desk


@given(wanted)
def test_planning_twice_sends_nothing_the_second_time(targets: list[Target]) -> None:
    """An order that was just placed for a target is good enough for it, before and after its answer."""
    desk = _desk_for_all()
    desk.plan(*targets)
    for _ in range(2):
        again = desk.plan(*targets)
        assert (again.cancels, again.places) == ((), ())
        desk.confirm()
        desk.now_ms += 60_000


@given(wanted, wanted)
def test_carrying_out_plans_reaches_the_targets(before: list[Target], targets: list[Target]) -> None:
    """From any orders, a few confirmed plans lead to one order for each target that can have one."""
    desk = _desk_for_all()
    for each in (before, targets):
        for _ in range(4):
            plan = desk.plan(*each)
            desk.confirm()
            desk.now_ms += 60_000
    assert (plan.cancels, plan.places) == ((), ())
    placed = [target for target in targets if target not in [each.target for each in plan.unplaced]]
    assert len(desk.open) == len(placed)
    for record in desk.tracker.open_orders():
        order = record.order
        instrument = desk.instruments[order.instrument]
        assert instrument.price_on_grid(order.price)
        assert instrument.size_on_grid(order.size)
        assert any(
            (target.instrument, target.side, target.reduce_only)
            == (order.instrument, order.side, order.reduce_only)
            and abs(float(order.price) - target.price)
            <= float(instrument.price_rule.tick_at(order.price)) * 1.01
            and float(order.size) <= target.size_base * 1.12 + 1e-9
            for target in placed
        )


@given(wanted, wanted)
def test_own_orders_of_both_sides_never_meet(before: list[Target], targets: list[Target]) -> None:
    """Whatever is wanted, no own buy is at or above an own sell, not even while one is cancelled."""
    desk = _desk_for_all()
    for each in (before, targets, before):
        desk.plan(*each)
        for instrument in RULES:
            totals = desk.tracker.totals(instrument.id)
            buy, sell = totals.best_price(BUY), totals.best_price(SELL)
            assert buy is None or sell is None or buy < sell
        desk.confirm()
        desk.now_ms += 60_000

"""Cards on what comes twice, late, in another order or unasked: it counts once, and nothing is lost."""

from __future__ import annotations

from typing import Final

from paraphina_core.conformance.bench import Bench
from paraphina_core.conformance.card import Card, Deck, Evidence, check, skip
from paraphina_core.conformance.desk import AT_TWIN, NO_HTTP, Desk, desk_of, fault, http_desk, stream_desk
from paraphina_core.connector import Capability
from paraphina_core.domain import (
    CancelRejected,
    Fill,
    FillsListed,
    ModifyOrder,
    OrderAccepted,
    OrderCancelled,
    OrderModified,
    OrderRejected,
    OrderReport,
    OrderState,
    PlaceOrder,
    QueryFills,
    Side,
)
from paraphina_core.twin import Fault

DECK: Final = Deck()

_NEEDS: Final = (Evidence.TWIN,)
_STREAMED: Final = (Capability.EXECUTION, Capability.PRIVATE_STREAM)
#: Long enough for every frame of a card.
_LONG_MS: Final = 60_000


def _check_filled_once(desk: Desk, order: PlaceOrder) -> None:
    """Check that the core counts the order's fills as the venue does."""
    record = desk.rig.orders.get(order.client_order_id)
    truth = desk.truth_of(order.client_order_id)
    found = record and record.filled_size
    wanted = truth and truth.filled_size
    check(found == wanted, "another size is counted than has filled", found=found, wanted=str(wanted))
    desk.check_position()


def _trade(desk: Desk) -> PlaceOrder:
    """Let an order fill in two parts, and the rest be cancelled."""
    order = desk.rest(size=desk.size(3))
    desk.hit(order, desk.size())
    desk.hit(order, desk.size())
    desk.cancel(order)
    return order


@DECK.add(
    Card(
        id="DU-110",
        title="frames that come twice count once",
        needs=_NEEDS,
        capabilities=_STREAMED,
        prerequisite=AT_TWIN,
        action="send every frame of the account twice while an order fills in parts and is cancelled",
        events="`OrderAccepted`, `Fill`, `OrderCancelled`, each any number of times",
        passes="each fill is told under one trade id, is counted once, and makes the position",
        faults=("duplicate",),
    )
)
def _duplicates_count_once(bench: Bench) -> None:
    desk = desk_of(bench)
    desk.rig.arm(fault("duplicate", count=1_000, for_ms=_LONG_MS))
    order = _trade(desk)
    _check_filled_once(desk, order)
    told = {fill.trade_id for fill in desk.rig.told(Fill)}
    real = len(desk.rig.truth.fills)
    check(len(told) == real, "a fill has two trade ids", found=told, wanted=f"{real} of them")


@DECK.add(
    Card(
        id="DU-120",
        title="what is told again after a reconnect counts once",
        needs=_NEEDS,
        capabilities=_STREAMED,
        prerequisite=AT_TWIN,
        action="trade, cut every stream, let them come back, and ask for the fills as well",
        events="`Fill` with `is_replay`, `FillsListed`",
        passes="no fill of before is told as new without its old trade id; each is counted once",
        faults=("kill",),
    )
)
def _replays_count_once(bench: Bench) -> None:
    desk = desk_of(bench)
    begin_ns = desk.rig.now_ns
    first = _trade(desk)
    known = {fill.trade_id for fill in desk.rig.told(Fill)}
    before = len(desk.rig.events)
    desk.rig.arm(fault("kill"))
    desk.wait(10_000)
    desk.rig.wait_until_live()
    again = desk.rig.told(Fill, since=before)
    strange = [fill for fill in again if fill.trade_id not in known]
    check(not strange, "an old fill is told under a new trade id", found=strange)
    unmarked = [fill for fill in again if not fill.is_replay]
    check(not unmarked, "an old fill is told as if it were new", found=unmarked, wanted="is_replay")
    for told in desk.rig.asked(QueryFills(since_ns=begin_ns)):
        if isinstance(told, FillsListed):
            strange = [fill for fill in told.fills if fill.trade_id not in known]
            check(not strange, "a listed fill has another trade id", found=strange)
    _check_filled_once(desk, first)
    second = _trade(desk)
    _check_filled_once(desk, second)


@DECK.add(
    Card(
        id="DU-130",
        title="fills that happen while nobody listens are told when asked for",
        needs=_NEEDS,
        capabilities=_STREAMED,
        prerequisite=AT_TWIN,
        action="let an order fill during an outage, reconnect, and ask for the fills since then",
        events="`Fill` with `is_replay`; `FillsListed`",
        passes="the fills that are known then make the position",
        faults=("kill",),
    )
)
def _missed_fills_are_found(bench: Bench) -> None:
    desk = desk_of(bench)
    begin_ns = desk.rig.now_ns
    order = desk.rest(size=desk.size(2))
    desk.rig.arm(fault("kill"))
    desk.rig.link.outage(5_000)
    desk.hit(order, desk.size())
    desk.wait(20_000)
    desk.rig.wait_until_live()
    desk.rig.asked(QueryFills(since_ns=begin_ns))
    desk.check_position()


@DECK.add(
    Card(
        id="OL-320",
        title="a fill that overtakes its acceptance on a stream counts",
        needs=_NEEDS,
        capabilities=(*_STREAMED, Capability.WS_ORDERS),
        prerequisite=AT_TWIN,
        action="let orders trade at once, the frames that accept them behind the one of the fill",
        events="`Fill` before `OrderAccepted`",
        passes="the order is known to have filled, once, and is not open again by its late acceptance",
        skip_when="no fill could be made to overtake",
        faults=("reorder",),
    )
)
def _fills_overtake_on_a_stream(bench: Bench) -> None:
    desk = stream_desk(bench)
    orders = [_overtake(desk, fault("reorder", ms=700, count=count)) for count in (1, 2, 3, 2, 1)]
    if not any(_was_overtaken(desk, order) for order in orders):
        skip("no fill could be made to overtake")


def _was_overtaken(desk: Desk, order: PlaceOrder) -> bool:
    kinds = [type(event) for event in desk.rig.told_of(order.client_order_id)]
    return Fill in kinds and OrderAccepted in kinds[kinds.index(Fill) :]


@DECK.add(
    Card(
        id="OL-330",
        title="a fill that overtakes its acceptance over HTTP counts",
        needs=_NEEDS,
        capabilities=_STREAMED,
        prerequisite=AT_TWIN,
        action="let an order trade at once, its answer late; ask for the fills where no stream tells them",
        events="`Fill` or `FillsListed` before `OrderAccepted`",
        passes="the fill counts, once",
        skip_when=NO_HTTP,
        faults=("slow_answer",),
    )
)
def _fills_overtake_over_http(bench: Bench) -> None:
    _overtake(http_desk(bench), fault("slow_answer", ms=700))


def _overtake(desk: Desk, trouble: Fault) -> PlaceOrder:
    desk.stranger(Side.SELL, desk.price(Side.SELL, 10))
    desk.wait()
    order = desk.order(Side.BUY, 30)
    desk.rig.arm(trouble)
    desk.rig.send(order)
    desk.wait(5_000)
    desk.rig.asked(QueryFills(since_ns=desk.rig.now_ns - 60 * 10**9))
    desk.check_position()
    told = [e for e in desk.rig.told_of(order.client_order_id) if isinstance(e, Fill)]
    if told:  # by a stream, which makes the core count it at once
        _check_filled_once(desk, order)
        record = desk.rig.orders.get(order.client_order_id)
        done = record is not None and record.state is OrderState.FILLED
        check(done, "an order that has filled is thought to be open", found=record)
    return order


# --- cancels ------------------------------------------------------------------------------------


@DECK.add(
    Card(
        id="CR-110",
        title="a cancel that comes too late refuses the cancel, not the order",
        needs=_NEEDS,
        capabilities=_STREAMED,
        prerequisite=AT_TWIN,
        action="let an order fill while its cancel is on the way",
        events="`Fill`, `CancelRejected`",
        passes="the fill counts, the order is filled, nothing says that it was rejected or cancelled",
    )
)
def _cancels_come_late(bench: Bench) -> None:
    desk = desk_of(bench)
    order = desk.rest()
    desk.rig.send(desk.cancel_of(order))
    desk.hit(order)
    said = desk.rig.told_of(order.client_order_id)
    lies = [e for e in said if isinstance(e, OrderRejected | OrderCancelled)]
    check(not lies, "a late cancel is told of the order", found=lies)
    refused = any(isinstance(e, CancelRejected) for e in said)
    check(refused, "a refused cancel is passed over in silence", found=said)
    _check_filled_once(desk, order)
    report = desk.report(order)
    found = report.state if isinstance(report, OrderReport) else report
    check(found is OrderState.FILLED, "an order that has filled is reported otherwise", found=found)


@DECK.add(
    Card(
        id="CR-120",
        title="a fill that is told after the cancel counts",
        needs=_NEEDS,
        capabilities=_STREAMED,
        prerequisite=AT_TWIN,
        action="let a cancelled order fill in part a moment after its cancel was told",
        events="`OrderCancelled`, then `Fill`",
        passes="the fill is told under our id and makes the position",
        faults=("late_fill",),
    )
)
def _late_fills_count(bench: Bench) -> None:
    desk = desk_of(bench)
    order = desk.rest(size=desk.size(2))
    desk.rig.arm(fault("late_fill", ms=500))
    desk.cancel(order)
    desk.wait()
    told = [e for e in desk.rig.told_of(order.client_order_id) if isinstance(e, Fill)]
    check(told, "a late fill is not told", found=desk.rig.told_of(order.client_order_id))
    _check_filled_once(desk, order)


@DECK.add(
    Card(
        id="CR-130",
        title="a partial fill with the cancel on its way counts",
        needs=_NEEDS,
        capabilities=_STREAMED,
        prerequisite=AT_TWIN,
        action="let a part of an order fill while its cancel is on the way",
        events="`Fill`, `OrderCancelled`",
        passes="the fill counts, the rest is gone",
        faults=("partial_fill",),
    )
)
def _partial_fills_count(bench: Bench) -> None:
    desk = desk_of(bench)
    order = desk.rest(size=desk.size(2))
    desk.rig.send(desk.cancel_of(order))
    desk.rig.arm(fault("partial_fill"))
    desk.wait()
    _check_filled_once(desk, order)
    record = desk.rig.orders.get(order.client_order_id)
    gone = record is not None and record.state is OrderState.CANCELLED
    check(gone, "a cancelled order is thought to be open", found=record)


@DECK.add(
    Card(
        id="CR-140",
        title="more than was ordered is told when it has filled",
        needs=_NEEDS,
        capabilities=_STREAMED,
        prerequisite=AT_TWIN,
        action="let an order fill by more than its size",
        events="`Fill`",
        passes="everything that filled is told and makes the position",
        faults=("overfill",),
    )
)
def _overfills_are_told(bench: Bench) -> None:
    desk = desk_of(bench)
    order = desk.rest()
    desk.rig.arm(fault("overfill"))
    desk.wait()
    check(desk.true_position() > order.size, "the twin did not overfill", found=desk.true_position())
    desk.check_position()


@DECK.add(
    Card(
        id="CR-150",
        title="the cancel of an order that never was says nothing good",
        needs=_NEEDS,
        capabilities=_STREAMED,
        prerequisite=AT_TWIN,
        action="cancel an order that was never sent, and one that is cancelled already",
        events="`CancelRejected`, `OutcomeUnknown`",
        passes="neither is told to be cancelled by it",
    )
)
def _cancels_of_nothing(bench: Bench) -> None:
    desk = desk_of(bench)
    never = desk.order(Side.BUY, -100)
    desk.cancel(never)
    twice = desk.rest()
    desk.cancel(twice)
    before = len(desk.rig.events)
    desk.cancel(twice)
    for order, since in ((never, 0), (twice, before)):
        mine = [
            e for _, e in desk.rig.events[since:] if getattr(e, "client_order_id", 0) == order.client_order_id
        ]
        good = [e for e in mine if isinstance(e, OrderCancelled)]
        check(not good, "a cancel of nothing is told to have worked", found=good)
        check(mine, "nothing is said of a cancel of nothing")


@DECK.add(
    Card(
        id="CR-160",
        title="new terms for an order that is gone are refused",
        needs=_NEEDS,
        capabilities=(*_STREAMED, Capability.MODIFY),
        prerequisite=AT_TWIN,
        action="change an order that has filled while the change was on the way",
        events="`Fill`, `ModifyRejected` or `OutcomeUnknown`",
        passes="nothing says that the new terms stand; what rests at the venue then is known",
    )
)
def _changes_come_late(bench: Bench) -> None:
    desk = desk_of(bench)
    order = desk.rest()
    command: ModifyOrder = desk.modify_of(order, bps=-80)
    desk.rig.send(command)
    desk.hit(order)
    said = desk.rig.told_of(order.client_order_id)
    stands = [e for e in said if isinstance(e, OrderModified)]
    resting = desk.resting()
    check(
        bool(stands) == bool(resting),
        "new terms are told otherwise than they stand",
        found=stands,
        wanted=repr(resting),
    )
    desk.check_position()

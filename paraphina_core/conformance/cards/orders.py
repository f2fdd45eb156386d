"""Cards on requests and on the life of an order, tried at the venue's twin without a fault."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from paraphina_core.conformance.bench import Bench
from paraphina_core.conformance.card import Card, Deck, Evidence, check
from paraphina_core.conformance.desk import AT_TWIN, desk_of, our_id
from paraphina_core.connector import Capability
from paraphina_core.domain import (
    BalanceReport,
    Batch,
    Event,
    Fill,
    FillsListed,
    Liquidity,
    OpenOrdersListed,
    OrderAccepted,
    OrderCancelled,
    OrderNotFound,
    OrderRejected,
    OrderReport,
    OrderState,
    PositionsListed,
    QueryAccount,
    QueryFills,
    QueryOpenOrders,
    Side,
)

DECK: Final = Deck()

_NEEDS: Final = (Evidence.TWIN,)
_ORDERS: Final = (Capability.EXECUTION,)
# --- life ---------------------------------------------------------------------------------------


def _first(events: list[Event], kind: type[Event]) -> Event | None:
    return next((event for event in events if isinstance(event, kind)), None)


@DECK.add(
    Card(
        id="OL-110",
        title="an order that rests is accepted under both ids",
        needs=_NEEDS,
        capabilities=_ORDERS,
        prerequisite=AT_TWIN,
        action="place orders on both sides, away from the market, plain and post-only",
        events="`OrderAccepted`; `OpenOrdersListed`",
        passes="each is told with our id and the venue's, and listed with the terms that the venue holds",
    )
)
def _orders_rest(bench: Bench) -> None:
    desk = desk_of(bench)
    orders = [
        desk.rest(Side.BUY, -100),
        desk.rest(Side.SELL, 100),
        desk.place(Side.BUY, -120, post_only=True),
    ]
    (listed,) = (e for e in desk.rig.asked(QueryOpenOrders()) if isinstance(e, OpenOrdersListed))
    reports = {report.client_order_id: report for report in listed.orders}
    for order in orders:
        said = desk.rig.told_of(order.client_order_id)
        accepted = _first(said, OrderAccepted)
        check(isinstance(accepted, OrderAccepted), "an order that rests is not accepted", found=said)
        check(desk.venue_id(order.client_order_id), "an accepted order has no id of the venue", found=said)
        report = reports.get(order.client_order_id)
        wanted = (order.side, order.price, order.size)
        found = report and (report.side, report.price, report.size)
        check(found == wanted, "an open order is listed otherwise", found=found, wanted=str(wanted))


@DECK.add(
    Card(
        id="OL-120",
        title="fills are told in full, each once",
        needs=_NEEDS,
        capabilities=_ORDERS,
        prerequisite=AT_TWIN,
        action="let a resting order fill in two parts, then wholly",
        events="`OrderAccepted`, `Fill` twice",
        passes="price, size, side, fee and liquidity are the venue's; the fills make the position",
    )
)
def _fills_are_told(bench: Bench) -> None:
    desk = desk_of(bench)
    order = desk.rest(size=desk.size(4))
    desk.hit(order, desk.size())
    desk.hit(order, desk.size(3))
    told = [e for e in desk.rig.told_of(order.client_order_id) if isinstance(e, Fill)]
    truth = {fill.fill.size: fill.fill for fill in desk.rig.truth.fills}
    check(len(told) == len(truth), "fills are told more or less often than they happen", found=told)
    for fill in told:
        real = truth.get(fill.size)
        check(real is not None, "a fill is told that did not happen", found=fill)
        assert real is not None  # noqa: S101  # just checked
        same = (fill.side, fill.price) == (real.side, real.price) and _near(fill.fee, real.fee)
        check(same, "a fill is told otherwise than it happened", found=fill, wanted=repr(real))
        check(fill.liquidity is Liquidity.MAKER, "a resting order is told to have taken", found=fill)
    desk.check_position()


@DECK.add(
    Card(
        id="OL-130",
        title="a cancelled order is told to be gone, with what of it had filled",
        needs=_NEEDS,
        capabilities=_ORDERS,
        prerequisite=AT_TWIN,
        action="cancel one order by our id, one by the venue's, and one that has filled in part",
        events="`OrderCancelled`; `Fill`",
        passes="each is told to be cancelled and is gone at the venue; fills stay",
    )
)
def _cancels_are_told(bench: Bench) -> None:
    desk = desk_of(bench)
    by_ours, by_theirs, partly = desk.rest(), desk.rest(), desk.rest(Side.BUY, -50, desk.size(4))
    desk.hit(partly, desk.size())
    desk.cancel(by_ours)
    desk.cancel(by_theirs, by_venue_id=True)
    desk.cancel(partly)
    for order in (by_ours, by_theirs, partly):
        said = desk.rig.told_of(order.client_order_id)
        check(any(isinstance(e, OrderCancelled) for e in said), "a cancel is not told", found=said)
        truth = desk.truth_of(order.client_order_id)
        gone = truth is not None and truth.state is OrderState.CANCELLED
        check(gone, "a cancelled order is still there", found=truth)
    sizes = {
        event.filled_size
        for event in desk.rig.told_of(partly.client_order_id)
        if isinstance(event, OrderCancelled) and event.filled_size is not None
    }
    check(sizes <= {desk.size()}, "a cancel tells another size than filled", found=sizes)
    desk.check_position()


@DECK.add(
    Card(
        id="OL-140",
        title="a post-only order that would trade is rejected",
        needs=_NEEDS,
        capabilities=_ORDERS,
        prerequisite=AT_TWIN,
        action="place a post-only order through somebody's resting order",
        events="`OrderRejected`",
        passes="it is rejected with a code, nothing rests and nothing has traded",
    )
)
def _post_only_is_rejected(bench: Bench) -> None:
    desk = desk_of(bench)
    desk.stranger(Side.SELL, desk.price(Side.SELL, 10))
    desk.wait()
    order = desk.place(Side.BUY, 30, post_only=True)
    said = desk.rig.told_of(order.client_order_id)
    rejected = _first(said, OrderRejected)
    check(isinstance(rejected, OrderRejected) and rejected.code, "it is not rejected", found=said)
    check(not desk.resting() and not desk.rig.truth.fills, "the twin let it in", found=desk.resting())


@DECK.add(
    Card(
        id="OL-150",
        title="an immediate-or-cancel order trades what it can and never rests",
        needs=_NEEDS,
        capabilities=_ORDERS,
        prerequisite=AT_TWIN,
        action="place one that meets a smaller order, and one that meets none",
        events="`Fill` as taker; `OrderCancelled`, `OrderExpired` or `OrderRejected`",
        passes="the fill is told, the rest of both is told to be gone",
    )
)
def _ioc_never_rests(bench: Bench) -> None:
    desk = desk_of(bench)
    desk.stranger(Side.SELL, desk.price(Side.SELL, 10))
    desk.wait()
    half = desk.place(Side.BUY, 30, desk.size(2), ioc=True)
    none = desk.place(Side.BUY, -100, ioc=True)
    fills = [e for e in desk.rig.told_of(half.client_order_id) if isinstance(e, Fill)]
    check(sum(f.size for f in fills) == desk.size(), "another size is told than traded", found=fills)
    check(all(f.liquidity is Liquidity.TAKER for f in fills), "a taker is told to have made", found=fills)
    for order in (half, none):
        record = desk.rig.orders.get(order.client_order_id)
        said = desk.rig.told_of(order.client_order_id)
        check(
            record is not None and record.state.is_final,
            "what does not rest is not told to be gone",
            found=said,
        )
    check(not desk.resting(), "the twin let it rest", found=desk.resting())
    desk.check_position()


@DECK.add(
    Card(
        id="OL-160",
        title="a reduce-only order never opens a position",
        needs=_NEEDS,
        capabilities=_ORDERS,
        prerequisite=AT_TWIN,
        action="place reduce-only orders while flat, and against a position",
        events="`OrderRejected` or `OrderCancelled`; `Fill`",
        passes="flat it is refused or gone; against a position it closes it and goes no further",
    )
)
def _reduce_only_reduces(bench: Bench) -> None:
    desk = desk_of(bench)
    flat = desk.place(Side.SELL, 100, reduce_only=True)
    record = desk.rig.orders.get(flat.client_order_id)
    said = desk.rig.told_of(flat.client_order_id)
    check(record is not None and record.state.is_final, "a reduce-only order rests while flat", found=said)
    desk.hit(desk.rest())
    closing = desk.place(Side.SELL, 100, desk.size(), reduce_only=True)
    desk.hit(closing)
    check(desk.true_position() == 0, "the position is not closed", found=desk.true_position())
    desk.check_position()


@DECK.add(
    Card(
        id="OL-170",
        title="a changed order stands with its new terms under our id",
        needs=_NEEDS,
        capabilities=(Capability.EXECUTION, Capability.MODIFY),
        prerequisite=AT_TWIN,
        action="change the price of a resting order, then its size, then let it fill",
        events="`OrderModified`; `Fill`",
        passes="the venue holds the new terms, they are told, and the fill is told under our id",
    )
)
def _modified_orders_stand(bench: Bench) -> None:
    desk = desk_of(bench)
    order = desk.rest()
    for bps, size in ((-80, order.size), (-60, desk.size(2))):
        command = desk.modify_of(order, bps=bps, size=size)
        desk.rig.send(command)
        desk.wait()
        truth = desk.truth_of(order.client_order_id)
        found = truth and (truth.price, truth.size)
        check(found == (command.price, command.size), "the venue holds other terms", found=truth)
        record = desk.rig.orders.get(order.client_order_id)
        known = record and (record.order.price, record.order.size, record.is_open, record.pending)
        wanted = (command.price, command.size, True, None)
        check(
            known == wanted,
            "new terms are not told",
            found=desk.rig.told_of(order.client_order_id)[-3:],
            wanted=str(wanted),
        )
    desk.stranger(order.side.opposite, desk.price(order.side, -60), desk.size(2), ioc=True)
    desk.wait()
    told = [e for e in desk.rig.told_of(order.client_order_id) if isinstance(e, Fill)]
    check(told, "a fill of a changed order does not name it", found=desk.rig.told(Fill))
    desk.check_position()


@DECK.add(
    Card(
        id="OL-180",
        title="each order of a batch has an outcome of its own",
        needs=_NEEDS,
        capabilities=(Capability.EXECUTION, Capability.BATCH),
        prerequisite=AT_TWIN,
        action="place one order that rests and one that is refused in a batch, then cancel both in another",
        events="`OrderAccepted`, `OrderRejected`; `OrderCancelled`, `CancelRejected`",
        passes="each outcome is told of the right order",
    )
)
def _batches_are_mixed(bench: Bench) -> None:
    desk = desk_of(bench)
    desk.stranger(Side.SELL, desk.price(Side.SELL, 10))
    desk.wait()
    good, bad = desk.order(Side.BUY, -100), desk.order(Side.BUY, 30, post_only=True)
    desk.rig.send(Batch(commands=(bad, good)))
    desk.wait()
    states = [desk.rig.orders.get(order.client_order_id) for order in (good, bad)]
    found = [record and record.state for record in states]
    check(found == [OrderState.LIVE, OrderState.REJECTED], "a batch has other outcomes", found=found)
    desk.rig.send(Batch(commands=(desk.cancel_of(bad), desk.cancel_of(good))))
    desk.wait()
    check(not desk.resting(), "a cancel in a batch is lost", found=desk.resting())
    record = desk.rig.orders.get(good.client_order_id)
    gone = record is not None and record.state is OrderState.CANCELLED
    check(gone, "a cancel in a batch is not told", found=desk.rig.told_of(good.client_order_id))


@DECK.add(
    Card(
        id="OL-210",
        title="a question for an order is answered with what became of it",
        needs=_NEEDS,
        capabilities=(Capability.EXECUTION, Capability.ACCOUNT),
        prerequisite=AT_TWIN,
        action="ask for an order that rests, one that has filled, one that was cancelled, one that never was",
        events="`OrderReport`, `OrderNotFound`",
        passes="state and sizes are the venue's; of the last one nothing is known",
    )
)
def _orders_are_reported(bench: Bench) -> None:
    desk = desk_of(bench)
    live, filled, cancelled = desk.rest(), desk.rest(Side.BUY, -50), desk.rest()
    desk.hit(filled)
    desk.cancel(cancelled)
    never = desk.order(Side.BUY, -100)
    for order, state in (
        (live, OrderState.LIVE),
        (filled, OrderState.FILLED),
        (cancelled, OrderState.CANCELLED),
    ):
        report = desk.report(order)
        found = report.state if isinstance(report, OrderReport) else report
        check(found is state, "an order is reported otherwise", found=found, wanted=state.value)
        truth = desk.truth_of(order.client_order_id)
        same = isinstance(report, OrderReport) and truth and report.filled_size == truth.filled_size
        check(same, "another size is reported to have filled", found=report)
    check(isinstance(desk.report(never), OrderNotFound), "an order is known that never was", found=never)


@DECK.add(
    Card(
        id="OL-220",
        title="positions, balance, open orders and fills are listed as they are",
        needs=_NEEDS,
        capabilities=(Capability.EXECUTION, Capability.ACCOUNT),
        prerequisite=AT_TWIN,
        action="trade, leave orders open, then ask for the account, the open orders and the fills",
        events="`PositionsListed`, `BalanceReport`, `OpenOrdersListed`, `FillsListed`",
        passes="each list is the venue's own; fills carry the trade ids that the stream told",
    )
)
def _account_is_as_it_is(bench: Bench) -> None:
    desk = desk_of(bench)
    begin_ns = desk.rig.now_ns
    desk.hit(desk.rest(size=desk.size(3)))
    desk.rest(Side.SELL, 100)
    truth = desk.rig.truth
    told = desk.rig.asked(QueryAccount())
    (positions,) = (e for e in told if isinstance(e, PositionsListed))
    found = {p.instrument: (p.size, p.entry_price) for p in positions.positions if p.size}
    wanted = {p.instrument: (p.size, p.entry_price) for p in truth.positions}
    check(found == wanted, "positions are listed otherwise", found=found, wanted=str(wanted))
    (balance,) = (e for e in told if isinstance(e, BalanceReport))
    check(
        _near(balance.equity, truth.equity),
        "equity is told otherwise",
        found=balance,
        wanted=str(truth.equity),
    )
    (orders,) = (e for e in desk.rig.asked(QueryOpenOrders()) if isinstance(e, OpenOrdersListed))
    open_ids = {report.client_order_id for report in orders.orders}
    true_ids = {our_id(order.client_id) for order in truth.open_orders}
    check(open_ids == true_ids, "open orders are listed otherwise", found=open_ids, wanted=str(true_ids))
    streamed = {fill.trade_id for fill in desk.rig.told(Fill)}
    (fills,) = (e for e in desk.rig.asked(QueryFills(since_ns=begin_ns)) if isinstance(e, FillsListed))
    listed = {fill.trade_id for fill in fills.fills}
    check(
        listed == streamed,
        "fills are listed otherwise",
        found=listed,
        wanted=str(streamed),
    )
    desk.check_position()


@DECK.add(
    Card(
        id="PR-110",
        title="the venue holds exactly what was ordered",
        needs=_NEEDS,
        capabilities=_ORDERS,
        prerequisite=AT_TWIN,
        action="place orders at random prices and sizes of the grid, from one lot on",
        events="`OrderAccepted`",
        passes="price and size at the venue are those of the command, to the last digit",
    )
)
def _orders_are_exact(bench: Bench) -> None:
    desk = desk_of(bench)
    chance = bench.random("PR-110")
    for _ in range(20):
        side = chance.choice((Side.BUY, Side.SELL))
        size = desk.size() * Decimal(chance.randrange(1_000, 4_000)).scaleb(-3)
        order = desk.place(
            side, side.sign * -chance.uniform(1, desk.rig.far_bps), desk.instrument.round_size(size)
        )
        truth = desk.truth_of(order.client_order_id)
        found = truth and (truth.price, truth.size)
        check(
            found == (order.price, order.size),
            "another order is at the venue",
            found=truth,
            wanted=repr(order),
        )


def _near(one: Decimal, other: Decimal) -> bool:
    """Tell whether two amounts of money are the same, one of them rounded as venues round what they show."""
    return abs(one - other) <= Decimal("0.00001")

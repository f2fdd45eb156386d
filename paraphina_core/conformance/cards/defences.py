"""Cards on nonces, clocks, credentials, cancelling everything and the dead-man switch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from paraphina_core.conformance.bench import Bench
from paraphina_core.conformance.card import Card, Deck, Evidence, check, skip
from paraphina_core.conformance.desk import AT_TWIN, Desk, desk_of, fault
from paraphina_core.connector import Capability, HttpRequest, NonceRule, Request
from paraphina_core.domain import (
    NS_PER_MS,
    ArmDeadMan,
    Batch,
    CancelAll,
    CancelOrder,
    DeadManReport,
    LocalError,
    OpenOrdersListed,
    OrderAccepted,
    OrderNotFound,
    OrderState,
    PlaceOrder,
    QueryAccount,
    QueryOpenOrders,
    Side,
)
from paraphina_core.twin import Fault

DECK: Final = Deck()

_NEEDS: Final = (Evidence.TWIN,)
_ORDERS: Final = (Capability.EXECUTION,)
#: How late a dead-man switch may fire.
_LATE_MS: Final = 5_000
_HOUR_MS: Final = 3_600_000


def _agrees(desk: Desk, order: PlaceOrder) -> None:
    """Check that what is thought of an order does not contradict the venue: doubt is no contradiction."""
    truth = desk.truth_of(order.client_order_id)
    record = desk.rig.orders.get(order.client_order_id)
    rests = truth is not None and not truth.state.is_final
    check(record is not None, "an order is forgotten")
    assert record is not None  # noqa: S101  # just checked
    if rests:
        check(record.is_open, "an order that rests is thought to be gone", found=record.state)
    else:
        live = record.state in {OrderState.LIVE, OrderState.PARTIALLY_FILLED}
        check(
            not live,
            "an order is thought to rest that does not",
            found=desk.rig.told_of(order.client_order_id),
        )


def _bytes_of(request: Request) -> bytes:
    return request.body if isinstance(request, HttpRequest) else request.payload


# --- nonces -------------------------------------------------------------------------------------


@DECK.add(
    Card(
        id="NO-010",
        title="each signed request carries the nonce that it was given",
        needs=_NEEDS,
        capabilities=_ORDERS,
        prerequisite=AT_TWIN,
        action="spell one order with two nonces at the same time",
        events="none",
        passes="the bytes differ",
        skip_when="signatures of the venue carry no nonce",
    )
)
def _nonces_are_carried(bench: Bench) -> None:
    if bench.spec.nonce is NonceRule.NONE:
        skip("signatures of the venue carry no nonce")
    desk = desk_of(bench)
    order = desk.order(Side.BUY, -100)
    base = desk.rig.context().nonce
    spelled = [desk.rig.connector.write(order, desk.rig.context(base + step)) for step in (1, 2)]
    check(_bytes_of(spelled[0]) != _bytes_of(spelled[1]), "a nonce is not part of what is sent")


@DECK.add(
    Card(
        id="NO-110",
        title="a nonce that was used buys nothing twice",
        needs=_NEEDS,
        capabilities=_ORDERS,
        prerequisite=AT_TWIN,
        action="send two different orders under one nonce",
        events="`OrderAccepted` for the first",
        passes="the second never rests, is never told to be accepted, and the next nonce works",
        skip_when="signatures of the venue carry no nonce",
    )
)
def _nonces_are_used_once(bench: Bench) -> None:
    if bench.spec.nonce is NonceRule.NONE:
        skip("signatures of the venue carry no nonce")
    desk = desk_of(bench)
    nonce = desk.rig.context().nonce + 1
    first, second = desk.order(Side.BUY, -100), desk.order(Side.BUY, -90)
    desk.rig.send_past_the_route(first, nonce)
    desk.wait()
    try:
        desk.rig.send_past_the_route(second, nonce)
    except LocalError:
        return  # refused before it left: as good as any
    desk.wait()
    said = desk.rig.told_of(second.client_order_id)
    check(
        not any(isinstance(e, OrderAccepted) for e in said),
        "an order under a used nonce is accepted",
        found=said,
    )
    check(said, "nothing is said of an order under a used nonce")
    check(len(desk.resting()) == 1, "the twin takes a nonce twice", found=desk.resting())
    check(isinstance(desk.report(second), OrderNotFound), "an order under a used nonce is known")
    desk.rest()


@DECK.add(
    Card(
        id="NO-120",
        title="a clock that is an hour off contradicts nothing",
        needs=_NEEDS,
        capabilities=_ORDERS,
        prerequisite=AT_TWIN,
        action="set the venue's clock an hour forward, later back, and place orders each time",
        events="any outcome",
        passes="what is told of each order is what became of it, or a doubt; the account is still read",
        faults=("clock_step",),
    )
)
def _clocks_are_off(bench: Bench) -> None:
    desk = desk_of(bench)
    for step_ms in (_HOUR_MS, -_HOUR_MS, 1_500, -1_500):
        desk.rig.arm(fault("clock_step", ms=step_ms))
        order = desk.place(Side.BUY, -100)
        check(desk.rig.told_of(order.client_order_id), "nothing is said of an order")
        _agrees(desk, order)
        desk.rig.asked(QueryAccount())


@DECK.add(
    Card(
        id="NO-130",
        title="credentials that end leave no order behind that nobody knows of",
        needs=_NEEDS,
        capabilities=_ORDERS,
        prerequisite=AT_TWIN,
        action="let the account's credentials be refused, place and cancel; then let them be good again",
        events="`OrderRejected` or `OutcomeUnknown`; `CancelRejected` or `OutcomeUnknown`",
        passes="nothing is told to be accepted or cancelled that is not; afterwards orders work again",
        faults=("expire_credentials",),
    )
)
def _credentials_end(bench: Bench) -> None:
    desk = desk_of(bench)
    resting = desk.rest()
    desk.rig.arm(fault("expire_credentials", account=desk.rig.login.account, ms=20_000))
    order = desk.place(Side.BUY, -90)
    said = desk.rig.told_of(order.client_order_id)
    check(said, "nothing is said of an order without credentials")
    check(not any(isinstance(e, OrderAccepted) for e in said), "it is told to be accepted", found=said)
    _agrees(desk, order)
    desk.cancel(resting)
    _agrees(desk, resting)
    desk.wait(60_000)
    desk.rig.wait_until_live()
    desk.rest(Side.BUY, -80)


@DECK.add(
    Card(
        id="LI-220",
        title="a ban is survived",
        needs=_NEEDS,
        capabilities=_ORDERS,
        prerequisite=AT_TWIN,
        action="let the venue refuse every request and connection for a while, with every stream cut",
        events="none that states anything; later everything again",
        passes="a question in between tells nothing; after the ban everything becomes live, and orders work",
        faults=("ban", "kill"),
    )
)
def _bans_are_survived(bench: Bench) -> None:
    _survive(desk_of(bench), fault("ban", ms=10_000), fault("kill"))


@DECK.add(
    Card(
        id="RC-160",
        title="maintenance is survived",
        needs=_NEEDS,
        capabilities=_ORDERS,
        prerequisite=AT_TWIN,
        action="let the venue close every stream and refuse everything for a while",
        events="none that states anything; later everything again",
        passes="a question in between tells nothing; afterwards everything becomes live, and orders work",
        faults=("maintenance",),
    )
)
def _maintenance_is_survived(bench: Bench) -> None:
    _survive(desk_of(bench), fault("maintenance", ms=10_000))


def _survive(desk: Desk, *absence: Fault) -> None:
    """Check that an absence of the venue of ten seconds is not taken for a statement, and ends."""
    resting = desk.rest()
    for one in absence:
        desk.rig.arm(one)
    desk.wait()
    told = desk.rig.asked(QueryOpenOrders())
    check(not any(isinstance(e, OpenOrdersListed) for e in told), "a refusal is read as a list", found=told)
    desk.wait(20_000)
    desk.rig.wait_until_live()
    (listed,) = (e for e in desk.rig.asked(QueryOpenOrders()) if isinstance(e, OpenOrdersListed))
    ids = [report.client_order_id for report in listed.orders]
    check(ids == [resting.client_order_id], "open orders are listed otherwise than they are", found=ids)
    desk.rest()


# --- cancelling everything ----------------------------------------------------------------------


@DECK.add(
    Card(
        id="CA-010",
        title="cancel-all is spelled where it is one command, and refused where it is not",
        needs=_NEEDS,
        capabilities=(Capability.EXECUTION, Capability.CANCEL_ALL),
        prerequisite=AT_TWIN,
        action="spell it for the account and for one instrument",
        events="none",
        passes="a request where the spec says so, `LocalError` where it does not; for one instrument alone "
        "where the spec says that it is for each",
    )
)
def _cancel_all_is_as_declared(bench: Bench) -> None:
    desk = desk_of(bench)
    for command in (CancelAll(), CancelAll(instrument=desk.id)):
        try:
            desk.rig.connector.write(command, desk.rig.context())
            is_command = True
        except LocalError:
            is_command = False
        is_too_much = command.instrument is None and Capability.CANCEL_ALL in bench.spec.per_instrument
        declared = bench.spec.cancel_all_command and not is_too_much
        check(
            is_command is declared,
            "cancel-all is not as the spec says",
            found=is_command,
            wanted=str(declared),
        )


@DECK.add(
    Card(
        id="CA-110",
        title="cancel-all leaves nothing of the account and everything of others",
        needs=_NEEDS,
        capabilities=(Capability.EXECUTION, Capability.CANCEL_ALL, Capability.ACCOUNT),
        prerequisite=AT_TWIN,
        action=(
            "with own orders, one that nobody here sent and one of another account: send the command, or "
            "where there is none list the open orders and cancel them in batches by the venue's ids"
        ),
        events="`OrderCancelled`; `OpenOrdersListed`",
        passes="the account has no open order, the other one still has its own, ours are told to be gone",
        faults=("external_order",),
    )
)
def _cancel_all_cancels_all(bench: Bench) -> None:
    desk = desk_of(bench)
    mine = [desk.rest(Side.BUY, -100 - step) for step in range(5)]
    desk.stranger(Side.SELL, desk.price(Side.SELL, 200))
    desk.rig.arm(fault("external_order", account=desk.rig.login.account))
    desk.wait()
    _cancel_all(desk)
    check(not desk.resting(), "an order outlives a cancel-all", found=desk.resting())
    other = desk.rig.host.exchange.account(desk.rig.login.stranger)
    check(len(other.orders) == 1, "an order of another account was cancelled", found=len(other.orders))
    for order in mine:
        record = desk.rig.orders.get(order.client_order_id)
        gone = record is not None and record.state is OrderState.CANCELLED
        check(gone, "a cancelled order is thought to be open", found=record)


def _cancel_all(desk: Desk) -> None:
    """Cancel everything as the core does."""
    spec = desk.rig.connector.spec
    if spec.cancel_all_command:
        is_apart = Capability.CANCEL_ALL in spec.per_instrument
        desk.rig.send(CancelAll(instrument=desk.id if is_apart else None))
        desk.wait(5_000)
        return
    (listed,) = (e for e in desk.rig.asked(QueryOpenOrders()) if isinstance(e, OpenOrdersListed))
    cancels = [
        CancelOrder(
            instrument=report.instrument,
            client_order_id=report.client_order_id or desk.rig.ids.take(),
            venue_order_id=report.venue_order_id,
        )
        for report in listed.orders
    ]
    for batch in _batches(cancels, desk.rig.connector.spec.max_batch):
        desk.rig.send(batch[0] if len(batch) == 1 else Batch(commands=batch))
    desk.wait(5_000)


def _batches(cancels: list[CancelOrder], size: int) -> Iterator[tuple[CancelOrder, ...]]:
    for start in range(0, len(cancels), size):
        yield tuple(cancels[start : start + size])


# --- dead-man switch ----------------------------------------------------------------------------


def _arm(desk: Desk, window_ms: int) -> None:
    before = len(desk.rig.events)
    desk.rig.send(ArmDeadMan(window_ms=window_ms, instruments=(desk.id,)))
    desk.wait(1_000)
    told = desk.rig.told(DeadManReport, since=before)
    check(told, "nobody says what became of the dead-man switch")
    until_ns = told[-1].armed_until_ns
    if window_ms == 0:
        check(until_ns is None, "a switch that was disarmed is told to be armed", found=told[-1])
        return
    check(until_ns is not None, "a switch that was armed is told not to be", found=told[-1])
    assert until_ns is not None  # noqa: S101  # just checked
    latest_ns = desk.rig.now_ns + (window_ms + _LATE_MS) * NS_PER_MS
    check(
        desk.rig.now_ns < until_ns <= latest_ns, "the switch is told to fire at another time", found=told[-1]
    )


_DEAD_MAN: Final = (Capability.EXECUTION, Capability.DEAD_MAN)


@DECK.add(
    Card(
        id="DM-110",
        title="the dead-man switch fires when nothing is heard",
        needs=_NEEDS,
        capabilities=_DEAD_MAN,
        prerequisite=AT_TWIN,
        action="arm it with orders open, and send nothing more",
        events="`DeadManReport` with its time; `OrderCancelled`",
        passes="at its time the account's orders are gone and told to be, another account's are not",
    )
)
def _dead_man_fires(bench: Bench) -> None:
    desk = desk_of(bench)
    mine = [desk.rest(Side.BUY, -100), desk.rest(Side.SELL, 100)]
    desk.stranger(Side.SELL, desk.price(Side.SELL, 200))
    window_ms = desk.rig.dead_man_ms
    _arm(desk, window_ms)
    desk.wait(window_ms // 2)
    check(len(desk.resting()) == len(mine), "the switch fires too early", found=desk.resting())
    desk.wait(window_ms // 2 + _LATE_MS)
    check(not desk.resting(), "the switch does not fire", found=desk.resting())
    other = desk.rig.host.exchange.account(desk.rig.login.stranger)
    check(len(other.orders) == 1, "an order of another account was cancelled", found=len(other.orders))
    for order in mine:
        record = desk.rig.orders.get(order.client_order_id)
        check(
            record is not None and not record.is_open, "what the switch cancelled is not told", found=record
        )


@DECK.add(
    Card(
        id="DM-120",
        title="the dead-man switch waits as long as it is armed anew, and rests when it is disarmed",
        needs=_NEEDS,
        capabilities=_DEAD_MAN,
        prerequisite=AT_TWIN,
        action="arm it again and again within its window, then disarm it",
        events="`DeadManReport`",
        passes="the orders rest all the time, and long after",
    )
)
def _dead_man_waits(bench: Bench) -> None:
    desk = desk_of(bench)
    desk.rest()
    window_ms = desk.rig.dead_man_ms
    for _ in range(4):
        _arm(desk, window_ms)
        desk.wait(window_ms * 3 // 4)
        check(len(desk.resting()) == 1, "the switch fires although it was armed anew")
    _arm(desk, 0)
    desk.wait(window_ms * 3)
    check(len(desk.resting()) == 1, "a switch that was disarmed fires")

"""Cards on what a venue does by itself: cancels, strangers' orders, liquidation, funding, halts."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal
from typing import Final

from paraphina_core.conformance.bench import Bench
from paraphina_core.conformance.card import Card, Deck, Evidence, check, skip
from paraphina_core.conformance.desk import AT_TWIN, Desk, desk_of, fault
from paraphina_core.connector import Capability
from paraphina_core.domain import (
    BalanceReport,
    FundingPayment,
    InstrumentDefined,
    LocalError,
    MarkPrice,
    OpenOrdersListed,
    OrderAccepted,
    OrderState,
    PositionsListed,
    QueryAccount,
    QueryFunding,
    QueryInstruments,
    QueryOpenOrders,
    Side,
    TradingStatus,
)

DECK: Final = Deck()

_NEEDS: Final = (Evidence.TWIN,)
_STREAMED: Final = (Capability.EXECUTION, Capability.PRIVATE_STREAM)
_ACCOUNT: Final = (Capability.EXECUTION, Capability.ACCOUNT)
_CENT: Final = Decimal("0.01")


@DECK.add(
    Card(
        id="OL-410",
        title="what the venue cancels by itself is told",
        needs=_NEEDS,
        capabilities=_STREAMED,
        prerequisite=AT_TWIN,
        action="let the venue cancel every order of the account",
        events="`OrderCancelled`",
        passes="each order is told to be cancelled, under our id",
        faults=("venue_cancel",),
    )
)
def _venue_cancels_are_told(bench: Bench) -> None:
    desk = desk_of(bench)
    orders = [desk.rest(), desk.rest(Side.SELL, 100)]
    desk.rig.arm(fault("venue_cancel", account=desk.rig.login.account))
    desk.wait()
    for order in orders:
        record = desk.rig.orders.get(order.client_order_id)
        gone = record is not None and record.state is OrderState.CANCELLED
        check(gone, "an order that the venue cancelled is thought to be open", found=record)


@DECK.add(
    Card(
        id="OL-420",
        title="an order that nobody here sent is seen",
        needs=_NEEDS,
        capabilities=(Capability.EXECUTION, Capability.ACCOUNT),
        prerequisite=AT_TWIN,
        action="let an order appear on the account that no client sent, and ask for the open orders",
        events="`OpenOrdersListed`",
        passes="it is listed under the venue's id, without one of ours",
        faults=("external_order",),
    )
)
def _external_orders_are_seen(bench: Bench) -> None:
    desk = desk_of(bench)
    mine = desk.rest()
    desk.rig.arm(fault("external_order", account=desk.rig.login.account))
    desk.wait()
    (listed,) = (e for e in desk.rig.asked(QueryOpenOrders()) if isinstance(e, OpenOrdersListed))
    ids = sorted(str(report.client_order_id) for report in listed.orders)
    wanted = sorted([str(mine.client_order_id), "None"])
    check(ids == wanted, "a stranger's order is listed otherwise", found=ids, wanted=str(wanted))


@DECK.add(
    Card(
        id="OL-430",
        title="a liquidation is told by its fills",
        needs=_NEEDS,
        capabilities=_STREAMED,
        prerequisite=AT_TWIN,
        action="let the account, with a position and an open order, be liquidated",
        events="`Fill` without our id, `OrderCancelled`; `PositionsListed`",
        passes="the fills make the position that is left, the order is told to be gone, and asked it is so",
        faults=("liquidation",),
    )
)
def _liquidations_are_told(bench: Bench) -> None:
    desk = desk_of(bench)
    desk.hit(desk.rest(size=desk.size(2)))
    order = desk.rest()
    desk.stranger(Side.BUY, desk.price(Side.BUY, -50), desk.size(5))
    desk.rig.arm(fault("liquidation", account=desk.rig.login.account))
    desk.wait()
    check(desk.true_position() == 0, "the twin did not liquidate", found=desk.true_position())
    desk.check_position()
    record = desk.rig.orders.get(order.client_order_id)
    check(record is not None and not record.is_open, "an order outlives a liquidation", found=record)
    (positions,) = (e for e in desk.rig.asked(QueryAccount()) if isinstance(e, PositionsListed))
    left = [p for p in positions.positions if p.size]
    check(not left, "a position is listed that was liquidated", found=left)


@DECK.add(
    Card(
        id="OL-440",
        title="funding is told as it is paid",
        needs=_NEEDS,
        capabilities=(Capability.EXECUTION, Capability.ACCOUNT),
        prerequisite=AT_TWIN,
        action="let funding be paid on a position, and ask for what was paid",
        events="`FundingPayment`",
        passes="the amounts are the venue's, negative where the account paid",
        skip_when="funding can neither be asked for nor is it told",
        faults=("funding",),
    )
)
def _funding_is_told(bench: Bench) -> None:
    desk = desk_of(bench)
    begin_ns = desk.rig.now_ns
    desk.hit(desk.rest(size=desk.size(20)))
    desk.rig.arm(fault("funding", rate_1h=0.001))
    desk.wait()
    with suppress(LocalError):
        desk.rig.asked(QueryFunding(since_ns=begin_ns))
    told = {event.amount for event in desk.rig.told(FundingPayment)}
    real = {payment.amount for payment in desk.rig.truth.payments}
    check(real and max(real) < 0, "the twin paid nothing", found=real)
    rounded = (
        {amount.quantize(min(told, key=lambda a: a.as_tuple().exponent)) for amount in real} if told else real
    )
    check(told == rounded, "funding is told otherwise than it was paid", found=told, wanted=str(real))


@DECK.add(
    Card(
        id="OL-450",
        title="a position that the venue reduces is told",
        needs=_NEEDS,
        capabilities=_STREAMED,
        prerequisite=AT_TWIN,
        action="let the venue close a part of the position at the mark price (automatic deleveraging)",
        events="`Fill` without our id; `PositionsListed`",
        passes="the fills make the position that is left, and asked it is so",
        faults=("deleverage",),
    )
)
def _deleveraging_is_told(bench: Bench) -> None:
    desk = desk_of(bench)
    desk.hit(desk.rest(size=desk.size(4)))
    desk.rig.arm(fault("deleverage", account=desk.rig.login.account))
    desk.wait()
    check(desk.true_position() < desk.size(4), "the twin did not deleverage", found=desk.true_position())
    desk.check_position()
    sizes = [p.size for p in _positions(desk).positions if p.size]
    check(sizes == [desk.true_position()], "another position is listed", found=sizes)


@DECK.add(
    Card(
        id="OL-460",
        title="collateral that goes is seen",
        needs=_NEEDS,
        capabilities=_ACCOUNT,
        prerequisite=AT_TWIN,
        action="let collateral of the account go without a word, and ask for the account",
        events="`BalanceReport`",
        passes="the equity that is told is what is left",
        faults=("withdrawal",),
    )
)
def _withdrawals_are_seen(bench: Bench) -> None:
    desk = desk_of(bench)
    before = _equity(desk)
    desk.rig.arm(fault("withdrawal", account=desk.rig.login.account, amount_usd="123"))
    desk.wait()
    gone = before - _equity(desk)
    check(abs(gone - 123) <= _CENT, "collateral that went is not seen", found=gone, wanted="123")


@DECK.add(
    Card(
        id="OL-470",
        title="leverage that is changed elsewhere is seen",
        needs=_NEEDS,
        capabilities=_ACCOUNT,
        prerequisite=AT_TWIN,
        action="let the account's leverage be changed with a position open, and ask for the account",
        events="`PositionsListed`",
        passes="the position is told with the leverage in force",
        skip_when="the venue tells no leverage with positions",
        faults=("leverage_change",),
    )
)
def _leverage_is_seen(bench: Bench) -> None:
    desk = desk_of(bench)
    desk.hit(desk.rest())
    desk.rig.arm(fault("leverage_change", account=desk.rig.login.account, leverage=3))
    desk.wait()
    (found,) = {position.leverage for position in _positions(desk).positions}
    if found is None:
        skip("the venue tells no leverage with positions")
    check(found == 3, "another leverage is told than is in force", found=found, wanted="3")  # noqa: PLR2004  # set above


@DECK.add(
    Card(
        id="MD-220",
        title="the mark price is the venue's own",
        needs=_NEEDS,
        capabilities=(Capability.MARKET, Capability.EXECUTION),
        prerequisite=AT_TWIN,
        action="let the mark price move by five percent, and wait",
        events="`MarkPrice`",
        passes="the price that is told last is the one in force",
        skip_when="the connector tells no mark price",
        faults=("mark_shift",),
    )
)
def _marks_are_told(bench: Bench) -> None:
    desk = desk_of(bench)
    desk.rig.arm(fault("mark_shift", bps=500, ms=0))
    desk.wait(10_000)
    told = desk.rig.told(MarkPrice)
    if not told:
        skip("the connector tells no mark price")
    real = desk.rig.host.exchange.markets[desk.id].mark_price
    found = Decimal(repr(told[-1].mark_price))
    near = abs(found - real) <= desk.instrument.price_rule.tick_at(real)
    check(near, "another mark price is told than is in force", found=found, wanted=str(real))
    check(real != desk.mark, "the twin did not move the mark price", found=real)


@DECK.add(
    Card(
        id="MD-230",
        title="an instrument that the venue closes is not traded on",
        needs=_NEEDS,
        capabilities=_ACCOUNT,
        prerequisite=AT_TWIN,
        action="let the venue halt the instrument, then delist it; place and cancel, ask for the instruments",
        events="`OrderRejected` or `OutcomeUnknown`; `InstrumentDefined`",
        passes="no order is told to be accepted; a delisted instrument is defined as such",
        faults=("status",),
    )
)
def _closed_instruments_are_seen(bench: Bench) -> None:
    desk = desk_of(bench)
    resting = desk.rest()
    desk.rig.arm(fault("status", status=TradingStatus.HALTED.value, ms=0))
    order = desk.place(Side.BUY, -90)
    said = desk.rig.told_of(order.client_order_id)
    check(said, "nothing is said of an order on a halted instrument")
    check(not any(isinstance(e, OrderAccepted) for e in said), "it is told to be accepted", found=said)
    desk.rig.arm(fault("status", status=TradingStatus.CANCEL_ONLY.value, ms=0))
    desk.cancel(resting)
    check(not desk.resting(), "a cancel is not taken while nothing else is", found=desk.resting())
    desk.rig.arm(fault("status", status=TradingStatus.DELISTED.value, ms=0))
    told = [e for e in desk.rig.asked(QueryInstruments()) if isinstance(e, InstrumentDefined)]
    statuses = {event.instrument.status for event in told if event.instrument.id == desk.id}
    check(TradingStatus.TRADING not in statuses, "a delisted instrument is defined as traded", found=statuses)


def _positions(desk: Desk) -> PositionsListed:
    (listed,) = (e for e in desk.rig.asked(QueryAccount()) if isinstance(e, PositionsListed))
    return listed


def _equity(desk: Desk) -> Decimal:
    (balance,) = (e for e in desk.rig.asked(QueryAccount()) if isinstance(e, BalanceReport))
    return balance.equity

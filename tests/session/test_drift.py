"""Money that came or went: what no fill, fee or funding explains is found, and what is late is not."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paraphina_core.domain import (
    BalanceReport,
    Fill,
    FundingPayment,
    Liquidity,
    PositionReport,
    QueryFunding,
    Side,
    TradingState,
)
from paraphina_core.execution import Ledger
from paraphina_core.session.drift import DriftRules, MoneyDrift, Payments
from port import ACCOUNT, BTC, MS, START_NS, Desk

BUY = Side.BUY
ACTIVE, REDUCING = TradingState.ACTIVE, TradingState.REDUCING


def _told(desk: Desk) -> list[str]:
    return [told["unexplained_usd"] for told in desk.recorder.of("drift") if "unexplained_usd" in told]


def test_f065_money_that_nothing_explains_lets_the_venue_only_reduce_and_is_told_once() -> None:
    """A withdrawal of 25 USD: recorded each time it is seen, acted on when it repeats, and then accepted."""
    desk = Desk(live={"account_reconcile_ms": 1_000}).begin()
    desk.advance(5_000)
    assert not _told(desk)
    desk.venue.cash -= 25
    desk.advance(2_500)
    assert desk.venue_state is ACTIVE, "one list may be of another moment"
    desk.advance(20_000)
    assert desk.venue_state is REDUCING
    assert [Decimal(amount) for amount in _told(desk)] == [Decimal(-25)] * 3


@pytest.mark.parametrize(("amount", "expected"), [("0.99", ACTIVE), ("1.01", REDUCING)])
def test_a_difference_of_money_within_the_tolerance_is_none(amount: str, expected: TradingState) -> None:
    """One dollar, where there is no position."""
    desk = Desk(live={"account_reconcile_ms": 1_000}).begin()
    desk.advance(5_000)
    desk.venue.cash += Decimal(amount)
    desk.advance(20_000)
    assert desk.venue_state is expected


def test_what_fills_fees_and_funding_explain_is_no_difference() -> None:
    """A position is opened far from where the venue values it, pays funding, and is closed again."""
    desk = Desk(live={"account_reconcile_ms": 1_000}).begin().want(BUY)
    desk.advance(3_000)
    (order,) = desk.venue.open
    desk.venue.fill(order, order.rest, desk.now_ns)
    desk.want()
    desk.advance(10_000)
    desk.venue.pay("-12.5", desk.now_ns)
    desk.advance(20_000)
    assert desk.position != 0
    assert desk.venue_state is ACTIVE
    assert not _told(desk)


def test_funding_that_was_told_to_nobody_is_asked_for_and_booked() -> None:
    """The stream was closed when it was paid: after it opens the history is asked, and money agrees."""
    desk = Desk(live={"account_reconcile_ms": 1_000}).begin()
    desk.advance(5_000)
    desk.close(ACCOUNT)
    desk.venue.pay("-7", desk.now_ns, silently=True)
    desk.advance(1_000)
    desk.open(ACCOUNT)
    desk.advance(20_000)
    assert any(isinstance(command, QueryFunding) for command in desk.venue.commands)
    (venue,) = desk.session.snapshot(desk.now_ns).venues
    assert [market.funding_usd for market in venue.markets] == [-7]
    assert desk.venue_state is ACTIVE


def test_a_payment_is_booked_once_however_often_and_in_whatever_order_it_is_told() -> None:
    """The later one first, then both from the history; an equal one a second after is another."""
    payments = Payments()

    def paid(amount: str, at_s: int) -> FundingPayment:
        at_ns = START_NS + at_s * 1_000 * MS
        return FundingPayment(instrument=BTC, amount=Decimal(amount), rate=0.0, exchange_ns=at_ns)

    told = [paid("1", 3_600), paid("1", 0), paid("1", 3_600), paid("1", 3_601), paid("1", 0)]
    assert [payments.is_new(payment) for payment in told] == [True, True, False, True, False]


EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["buy", "sell", "fund"]),
        st.integers(1, 50),  # lots
        st.integers(50_000, 150_000),  # price in tenths, or amount of a payment
        st.integers(50_000, 150_000),  # where the venue values what is left, in tenths
    ),
    max_size=30,
)


@given(events=EVENTS, deposit=st.decimals(-500, 500, places=2))
def test_money_is_compared_without_a_price(events: list[tuple[str, int, int, int]], deposit: Decimal) -> None:
    """Whatever is traded and at whatever price the venue values it, only what came from outside is found."""
    ledger = Ledger(Decimal(0))
    money = MoneyDrift(ledger, {BTC}, DriftRules(tolerated_usd=0.0))
    equity, entry = Decimal(777), Decimal(10_000)

    def compare(n: int, mark: Decimal, extra: Decimal = Decimal(0)) -> Decimal | None:
        """Ask for both halves long after what was booked."""
        size = ledger.size(BTC)
        told = equity + size * mark + extra
        asked_ns = START_NS + n * 60_000 * MS
        report = PositionReport(
            instrument=BTC, size=size, entry_price=entry, unrealised_pnl=size * (mark - entry)
        )
        half = money.take(BalanceReport(asset="USD", equity=told, available=told), asked_ns, 0)
        assert half is None
        return money.take({BTC: report}, asked_ns, 0)

    assert compare(0, entry) == 0
    for n, (kind, lots, tenths, mark) in enumerate(events, start=1):
        amount = Decimal(tenths) / 10
        at_ns = START_NS + n * MS
        if kind == "fund":
            payment = FundingPayment(instrument=BTC, amount=amount - 10_000, rate=0.0, exchange_ns=at_ns)
            ledger.apply(payment)
            equity += payment.amount
        else:
            side = Side(kind)
            fill = Fill(
                instrument=BTC,
                client_order_id=None,
                venue_order_id="1",
                trade_id=str(n),
                side=side,
                price=amount,
                size=Decimal(lots) / 1000,
                fee=Decimal(lots) / 100,
                liquidity=Liquidity.TAKER,
                exchange_ns=at_ns,
            )
            ledger.apply(fill)
            equity -= fill.price * fill.size * side.sign + fill.fee
        assert compare(n, Decimal(mark) / 10) == 0
    mark = Decimal(12_000)
    tolerated = abs(ledger.size(BTC) * mark) / 1000
    expected = deposit if abs(deposit) > tolerated else Decimal(0)
    assert compare(len(events) + 1, mark, deposit) == expected

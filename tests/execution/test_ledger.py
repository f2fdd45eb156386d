"""Positions and money are exact: what fills and funding say, to the last digit."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paraphina_core.domain import CONTEXT, Fill, FundingPayment, LocalError, Side
from paraphina_core.execution import Ledger
from trading import BTC, ETH, fill

BUY, SELL = Side.BUY, Side.SELL
DAY_NS = 86_400 * 10**9


def _ledger(*events: Fill | FundingPayment) -> Ledger:
    account = Ledger(Decimal(10_000))
    for event in events:
        account.apply(event)
    return account


def _funding(amount: str) -> FundingPayment:
    return FundingPayment(instrument=BTC.id, amount=Decimal(amount), rate=0.0001, exchange_ns=1)


def test_enlarging_averages_the_entry() -> None:
    """Two buys have one average entry price and no realised profit."""
    position = _ledger(fill(1, "a", BUY, 100, 1), fill(1, "b", BUY, 106, 2)).positions[BTC.id]
    assert (position.size, position.entry_price, position.realised_pnl) == (3, 104, 0)


def test_reducing_realises_against_the_average_entry() -> None:
    """Selling a part realises its profit and leaves the entry price of the rest."""
    position = _ledger(fill(1, "a", BUY, 100, 3), fill(2, "b", SELL, 110, 1)).positions[BTC.id]
    assert (position.size, position.entry_price, position.realised_pnl) == (2, 100, 10)


def test_flipping_through_zero_realises_the_old_and_opens_the_new_at_the_fills_price() -> None:
    """A sell of more than the long realises all of it, and the short's entry is the fill's price."""
    position = _ledger(fill(1, "a", BUY, 100, 2), fill(2, "b", SELL, 90, 5)).positions[BTC.id]
    assert (position.size, position.entry_price, position.realised_pnl) == (-3, 90, -20)


def test_a_short_earns_when_the_price_falls() -> None:
    """The signs of a short: falling marks are profit, closing lower realises it."""
    account = _ledger(fill(1, "a", SELL, 100, 2))
    account.mark(BTC.id, 95.0, 1)
    assert (account.unrealised_pnl, account.equity) == (10, 10_010)
    account.apply(fill(2, "b", BUY, 95, 2))
    assert (account.realised_pnl, account.unrealised_pnl, account.equity) == (10, 0, 10_010)


def test_fees_and_funding_change_the_equity_and_no_profit() -> None:
    """A fee costs, a rebate and received funding earn; realised profit is before both."""
    account = _ledger(
        fill(1, "a", BUY, 100, 1, fee="0.5"),
        fill(1, "b", SELL, 100, 1, fee="-0.2"),
        _funding("-3"),
        _funding("1"),
    )
    assert (account.realised_pnl, account.fees, account.funding) == (0, Decimal("0.3"), -2)
    assert account.equity == account.cash == Decimal("9997.7")


def test_a_position_is_valued_at_its_fill_until_the_first_mark() -> None:
    """There is no moment at which an open position has no value."""
    account = _ledger(fill(1, "a", BUY, 100, 1))
    assert account.equity == 10_000
    account.mark(BTC.id, 101.5, 1)
    assert account.equity == Decimal("10001.5")


@pytest.mark.parametrize("price", [float("nan"), float("inf")])
def test_a_mark_that_is_no_number_is_refused_and_changes_nothing(price: float) -> None:
    """An equity is never a NaN."""
    account = _ledger(fill(1, "a", BUY, 100, 1))
    with pytest.raises(LocalError, match="not usable"):
        account.mark(BTC.id, price, 1)
    account.mark(BTC.id, 102.0, 2)
    assert account.equity == 10_002


def test_the_daily_result_starts_anew_at_the_first_mark_after_midnight() -> None:
    """The base is the equity of that mark; on the first day it is the starting balance."""
    account = _ledger(fill(1, "a", BUY, 100, 1, fee="1"))
    assert account.daily_pnl == -1
    account.mark(BTC.id, 90.0, 5 * DAY_NS - 1)
    assert account.daily_pnl == -11
    account.mark(BTC.id, 95.0, 5 * DAY_NS)
    assert account.daily_pnl == 0
    account.mark(BTC.id, 92.0, 5 * DAY_NS + 1)
    assert account.daily_pnl == -3


def test_an_instrument_never_traded_is_flat() -> None:
    """Asking for it is no error, and marking it changes nothing."""
    account = _ledger()
    account.mark(ETH.id, 50.0, 1)
    assert (account.size(ETH.id), account.equity, dict(account.positions)) == (0, 10_000, {})


money = st.decimals("0.00000001", "99999999", places=8)
fills = st.builds(
    lambda instrument, side, price, size, fee: fill(1, "x", side, price, size, instrument, fee=str(fee)),
    st.sampled_from([BTC, ETH]),
    st.sampled_from(Side),
    money,
    st.one_of(money, st.integers(1, 3)),
    st.decimals("-10", "10", places=12),
)
payments = st.builds(lambda amount: _funding(str(amount)), st.decimals("-100", "100", places=12))
events = st.lists(st.one_of(fills, payments), max_size=20)


@given(events, money, money)
def test_the_equity_identity_holds_to_the_last_digit(
    history: list[Fill | FundingPayment], btc_mark: Decimal, eth_mark: Decimal
) -> None:
    """Whatever was filled and paid, equity is start + realised + unrealised - fees + funding, exactly."""
    account = _ledger(*history)
    account.mark(BTC.id, btc_mark, 1)
    account.mark(ETH.id, eth_mark, 1)
    total = account.starting_balance
    for part in (account.realised_pnl, account.unrealised_pnl, -account.fees, account.funding):
        total = CONTEXT.add(total, part)
    assert account.equity == total
    worth = account.cash
    for position in account.positions.values():
        worth = CONTEXT.add(worth, CONTEXT.multiply(position.size, position.mark))
    assert account.equity == worth


@given(events)
def test_a_flat_position_has_no_entry_and_a_position_is_the_sum_of_its_fills(
    history: list[Fill | FundingPayment],
) -> None:
    """Closing what is open leaves no entry price and no cost; before that the size is the signed sum."""
    account = _ledger(*history)
    for instrument in (BTC, ETH):
        signed = [
            e.size * e.side.sign for e in history if isinstance(e, Fill) and e.instrument == instrument.id
        ]
        size = account.size(instrument.id)
        assert size == sum(signed)
        if size:
            side = SELL if size > 0 else BUY
            account.apply(fill(1, "close", side, "123.45", abs(size), instrument))
        if signed:
            position = account.positions[instrument.id]
            assert (position.entry_price, position.cost, position.unrealised_pnl) == (None, 0, 0)
            assert position.realised_pnl == position.trade_cash


@given(events)
def test_instruments_do_not_depend_on_each_other(history: list[Fill | FundingPayment]) -> None:
    """Booking one instrument after the other gives the same positions as booking them mixed."""
    sorted_account = _ledger(*sorted(history, key=lambda event: event.instrument))
    assert _ledger(*history).positions == sorted_account.positions
    assert _ledger(*history).equity == sorted_account.equity


@given(st.lists(st.tuples(st.sampled_from(Side), st.integers(1, 9), st.integers(1, 9)), max_size=15))
def test_the_entry_price_is_that_of_a_plain_average(trades: list[tuple[Side, int, int]]) -> None:
    """Against a reference in plain fractions: same size, entry price and realised profit."""
    account = _ledger()
    size, entry, realised = Fraction(0), Fraction(0), Fraction(0)
    for index, (side, price, amount) in enumerate(trades):
        account.apply(fill(1, str(index), side, price, amount))
        signed = Fraction(amount * side.sign)
        if size * signed >= 0:
            entry = (entry * size + price * signed) / (size + signed)
        else:
            closed = min(abs(size), abs(signed))
            realised += closed * (price - entry) * (1 if size > 0 else -1)
            if abs(signed) > abs(size):
                entry = Fraction(price)
        size += signed
        position = account.positions[BTC.id]
        assert position.size == size
        assert abs(Fraction(position.realised_pnl) - realised) < Fraction(1, 10**15)
        if size:
            assert position.entry_price is not None
            assert abs(Fraction(position.entry_price) - entry) < Fraction(1, 10**15)


def test_a_position_that_was_there_before_earns_nothing_and_is_closed_at_its_price() -> None:
    """Profit counts from where the ledger began; what was booked before stays booked."""
    ledger = Ledger(Decimal(1_000))
    ledger.begin(BTC.id, Decimal(-2), Decimal(100))
    assert (ledger.size(BTC.id), ledger.equity, ledger.realised_pnl) == (-2, 1_000, 0)
    ledger.mark(BTC.id, 90, 0)
    assert ledger.equity == 1_020
    ledger.apply(fill(1, "a", Side.BUY, 80, 2))
    assert (ledger.size(BTC.id), ledger.equity, ledger.realised_pnl) == (0, 1_040, 40)
    ledger.begin(BTC.id, Decimal(1), Decimal(50))
    assert (ledger.size(BTC.id), ledger.equity, ledger.realised_pnl) == (1, 1_040, 40)

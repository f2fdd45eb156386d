"""Compares what a venue says that an account holds with what was filled, charged and paid.

Positions are compared in lots. Money is compared without any price: the worth of an account less the worth
of its positions, both as the venue values them, changes only by what is paid: for fills, fees and funding.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Final

import msgspec

from paraphina_core.domain import (
    CONTEXT,
    NS_PER_S,
    BalanceReport,
    FundingPayment,
    InstrumentId,
    PositionReport,
    exact,
)
from paraphina_core.execution import Ledger

from .venue import Market

#: A list may be so much older than the question: venues answer from copies of their books.
LIST_LAG_NS: Final = 2 * NS_PER_S

#: So much of the worth of positions may be missing: entry prices are rounded, and some venues are asked for
#: balance and positions apart.
TOLERATED_SHARE: Final = Decimal("0.001")

#: So many payments are remembered; venues tell of none that are older.
REMEMBERED: Final = 1_000


class DriftRules(msgspec.Struct, frozen=True, kw_only=True):
    """When a difference counts.

    Args:
        repeats: lists in a row that must show it before the venue may only reduce.
        lasts: lists in a row after which a difference of positions is believed to stay and the kill switch
            fires.
        tolerated_lots: difference of positions, in lots, that is none.
        tolerated_usd: difference of money that is none, beside a thousandth of what the positions are worth.
    """

    repeats: int = 3
    lasts: int = 12
    tolerated_lots: int = 0
    tolerated_usd: float = 1.0


def position_drift(
    positions: Mapping[InstrumentId, PositionReport],
    markets: Mapping[InstrumentId, Market],
    ledger: Ledger,
    tolerated_lots: int,
) -> dict[InstrumentId, Decimal]:
    """Return by how much the venue's positions differ from ours, where it is more than is tolerated."""
    drift = {}
    for name, market in markets.items():
        theirs = positions[name].size if name in positions else Decimal(0)
        difference = CONTEXT.subtract(theirs, ledger.size(name))
        if abs(difference) > CONTEXT.multiply(market.instrument.lot_size, tolerated_lots):
            drift[name] = difference
    return drift


def valued_at(report: PositionReport, market: Market) -> Decimal | None:
    """Return the price at which the venue values a position, else the middle of the book."""
    if (worth := _worth(report)) is not None:
        return CONTEXT.divide(worth, report.size)
    if market.book.mid is not None:
        return exact(market.book.mid)
    return report.entry_price


class MoneyDrift:
    """What came to an account or went from it and is no fill, fee or funding of the session (F-065).

    The first comparison is the baseline. What was told once is the next one: a deposit is one event.

    Args:
        ledger: what the session knows to have been paid.
        instruments: what the session trades on the connector, as it becomes known.
        rules: when a difference counts.
    """

    def __init__(self, ledger: Ledger, instruments: Collection[InstrumentId], rules: DriftRules) -> None:
        self._ledger = ledger
        self._instruments = instruments
        self._rules = rules
        self._balance: tuple[BalanceReport, int] | None = None
        self._positions: tuple[Mapping[InstrumentId, PositionReport], int] | None = None
        self._baseline: Decimal | None = None
        self.in_a_row = 0

    def take(
        self, told: BalanceReport | Mapping[InstrumentId, PositionReport], asked_ns: int, quiet_since_ns: int
    ) -> Decimal | None:
        """Take one half of an account; return what is not explained, quote units, once both are there.

        Zero is a whole account that is explained, and None is no comparison: a half is missing, they do not
        belong together, a position bears no value, or something was booked so recently that either may be
        of before.

        Args:
            told: the balance, or the list of all positions.
            asked_ns: when it was asked for.
            quiet_since_ns: when the session last booked something on this account.
        """
        if isinstance(told, BalanceReport):
            self._balance = (told, asked_ns)
        else:
            self._positions = (told, asked_ns)
        if self._balance is None or self._positions is None:
            return None
        (balance, balance_ns), (positions, positions_ns) = self._balance, self._positions
        if abs(balance_ns - positions_ns) > LIST_LAG_NS:
            return None
        self._balance = self._positions = None
        if quiet_since_ns >= min(balance_ns, positions_ns) - LIST_LAG_NS:
            return None
        return self._compare(balance, positions)

    def accept(self, unexplained: Decimal) -> None:
        """Take what was told of for settled: from here on it is part of the baseline."""
        self.in_a_row = 0
        if self._baseline is not None:
            self._baseline = CONTEXT.add(self._baseline, unexplained)

    def _compare(
        self, balance: BalanceReport, positions: Mapping[InstrumentId, PositionReport]
    ) -> Decimal | None:
        sizes = {name: positions[name].size if name in positions else 0 for name in self._instruments}
        if any(size != self._ledger.size(name) for name, size in sizes.items()):
            return None  # that is another matter, and explains any difference of money
        theirs, gross = balance.equity, Decimal(0)
        for name, report in positions.items():
            worth = _worth(report) if name in self._instruments else report.unrealised_pnl
            if worth is None:
                return None
            theirs, gross = CONTEXT.subtract(theirs, worth), CONTEXT.add(gross, abs(worth))
        difference = CONTEXT.subtract(theirs, self._paid())
        if self._baseline is None:
            self._baseline = difference
        unexplained = CONTEXT.subtract(difference, self._baseline)
        tolerated = CONTEXT.add(exact(self._rules.tolerated_usd), CONTEXT.multiply(gross, TOLERATED_SHARE))
        if abs(unexplained) <= tolerated:
            self.in_a_row = 0
            return Decimal(0)
        self.in_a_row += 1
        return unexplained

    def _paid(self) -> Decimal:
        """Return what the session's fills, fees and funding have brought, quote units."""
        paid = Decimal(0)
        for name in self._instruments:
            if (position := self._ledger.positions.get(name)) is not None:
                cash = CONTEXT.subtract(position.trade_cash, position.fees)
                paid = CONTEXT.add(paid, CONTEXT.add(cash, position.funding))
        return paid


class Payments:
    """Funding payments of a session, each booked once however often and in whatever order they are told.

    One instrument pays once at a time; two payments of the same amount may follow one another at once.
    """

    def __init__(self) -> None:
        self._booked: deque[tuple[InstrumentId, int]] = deque(maxlen=REMEMBERED)

    def is_new(self, payment: FundingPayment) -> bool:
        """Tell whether a payment was not booked before; from now on it was."""
        key = (payment.instrument, payment.exchange_ns)
        if key in self._booked:
            return False
        self._booked.append(key)
        return True


def _worth(report: PositionReport) -> Decimal | None:
    """Return what the venue takes a position to be worth, negative for a short; None where it is silent."""
    if not report.size:
        return Decimal(0)
    if report.entry_price is None or report.unrealised_pnl is None:
        return None
    return CONTEXT.add(CONTEXT.multiply(report.size, report.entry_price), report.unrealised_pnl)

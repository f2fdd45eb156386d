"""Positions and money of one account, exactly: every fill and funding payment, nothing estimated.

Entry prices are averages of what is still open; profit is realised when a position shrinks or flips:

    realised + unrealised = cash paid and received for all fills + position * mark
    equity = starting balance + realised + unrealised - fees + funding

The first line holds to the last digit: realised profit is defined by it, so that only the division
in an average entry price is ever rounded. Quote currencies count as one dollar.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

import msgspec

from paraphina_core.domain import CONTEXT, NS_PER_S, Fill, FundingPayment, InstrumentId, Side, exact

_ZERO: Final = Decimal(0)
_NS_PER_DAY: Final = 86_400 * NS_PER_S

#: The grid of an average entry's cost; finer than any venue's money.
_COST_STEP: Final = Decimal("1e-20")


class Position(msgspec.Struct, kw_only=True):
    """One instrument's position and what it earned; only the ledger writes to it.

    `size` is signed, positive is long. `cost` is what the open size was bought for, negative for
    what a short was sold for. `trade_cash` is the signed sum of all fills' notionals: negative for
    buys. `fees` are costs, negative for rebates; `funding` is negative where it was paid. `mark`
    is the last price the position was valued at. All but `size` are in quote units.
    """

    size: Decimal = _ZERO
    cost: Decimal = _ZERO
    trade_cash: Decimal = _ZERO
    fees: Decimal = _ZERO
    funding: Decimal = _ZERO
    mark: Decimal = _ZERO

    @property
    def entry_price(self) -> Decimal | None:
        """Average price of the open size, None while the position is flat."""
        return CONTEXT.divide(self.cost, self.size) if self.size else None

    @property
    def realised_pnl(self) -> Decimal:
        """Profit of what was closed, before fees and funding."""
        return CONTEXT.add(self.trade_cash, self.cost)

    @property
    def unrealised_pnl(self) -> Decimal:
        """Profit of the open size at `mark`, before fees and funding."""
        return CONTEXT.subtract(CONTEXT.multiply(self.size, self.mark), self.cost)


class Ledger:
    """The account as its own fills and payments make it.

    Attributes:
        starting_balance: the collateral that was brought, quote units.
        positions: by instrument; one that was traded stays, flat or not.
    """

    def __init__(self, starting_balance: Decimal) -> None:
        self.starting_balance = starting_balance
        self._positions: dict[InstrumentId, Position] = {}
        self._day: int | None = None
        self._day_base = starting_balance
        # The equity without the open positions' value, and that value: changed by what changes.
        self._cash = starting_balance
        self._value = _ZERO

    @property
    def positions(self) -> Mapping[InstrumentId, Position]:
        """Every instrument ever traded with its position."""
        return self._positions

    def size(self, instrument: InstrumentId) -> Decimal:
        """Return the signed position in base units, zero where nothing was ever traded."""
        position = self._positions.get(instrument)
        return _ZERO if position is None else position.size

    def entry_price(self, instrument: InstrumentId) -> float | None:
        """Return the average price of a position, None where there is none."""
        position = self._positions.get(instrument)
        entry = None if position is None else position.entry_price
        return None if entry is None else float(entry)

    @property
    def cash(self) -> Decimal:
        """Collateral that was brought, and every payment: fills, fees, funding; quote units."""
        return self._cash

    @property
    def equity(self) -> Decimal:
        """Worth of the account at the last marks, quote units."""
        return CONTEXT.add(self._cash, self._value)

    @property
    def daily_pnl(self) -> Decimal:
        """Change of the equity since midnight UTC, or since the start where that was later.

        The equity at the first `mark` after midnight is the base.
        """
        return CONTEXT.subtract(self.equity, self._day_base)

    @property
    def realised_pnl(self) -> Decimal:
        """Profit of everything that was closed, before fees and funding."""
        return self._sum("realised_pnl")

    @property
    def unrealised_pnl(self) -> Decimal:
        """Profit of everything that is open at the last marks, before fees and funding."""
        return self._sum("unrealised_pnl")

    @property
    def fees(self) -> Decimal:
        """Fees of all fills, negative when rebates were larger."""
        return self._sum("fees")

    @property
    def funding(self) -> Decimal:
        """All funding, negative when more was paid than received."""
        return self._sum("funding")

    def begin(self, instrument: InstrumentId, size: Decimal, price: Decimal) -> None:
        """Start an instrument with a position that was there before, as if it had been bought at `price`.

        Nothing is earned or lost by it: profit counts from here on.
        """
        before = self._positions.get(instrument, Position())
        cost = CONTEXT.multiply(size, price)
        worth = CONTEXT.multiply(before.size, before.mark)
        self._cash = CONTEXT.subtract(CONTEXT.add(self._cash, worth), cost)
        self._value = CONTEXT.add(CONTEXT.subtract(self._value, worth), cost)
        self._positions[instrument] = Position(
            size=size,
            cost=cost,
            trade_cash=CONTEXT.subtract(before.realised_pnl, cost),
            fees=before.fees,
            funding=before.funding,
            mark=price,
        )

    def apply(self, event: Fill | FundingPayment) -> None:
        """Book one fill or payment; whoever calls has made sure that it was not booked before."""
        position = self._positions.get(event.instrument)
        if position is None:
            position = self._positions[event.instrument] = Position()
        if isinstance(event, FundingPayment):
            position.funding = CONTEXT.add(position.funding, event.amount)
            self._cash = CONTEXT.add(self._cash, event.amount)
        else:
            self._fill(position, event)

    def transfer(self, amount: Decimal) -> None:
        """Book collateral that came, or with a negative amount went; profit is not touched by it."""
        self.starting_balance = CONTEXT.add(self.starting_balance, amount)
        self._day_base = CONTEXT.add(self._day_base, amount)
        self._cash = CONTEXT.add(self._cash, amount)

    def mark(self, instrument: InstrumentId, price: float | Decimal, at_ns: int) -> None:
        """Value the instrument's position at a price, and begin a new day after midnight.

        Until its first mark a position is valued at its first fill.

        Raises:
            LocalError: the price is not a finite number.
        """
        position = self._positions.get(instrument)
        if position is not None:
            value = CONTEXT.multiply(position.size, position.mark)
            position.mark = exact(price)
            change = CONTEXT.subtract(CONTEXT.multiply(position.size, position.mark), value)
            self._value = CONTEXT.add(self._value, change)
        day = at_ns // _NS_PER_DAY
        if day != self._day:
            if self._day is not None:
                self._day_base = self.equity
            self._day = day

    def _fill(self, position: Position, fill: Fill) -> None:
        signed = fill.size if fill.side is Side.BUY else fill.size.copy_negate()
        notional = CONTEXT.multiply(signed, fill.price)
        value = CONTEXT.multiply(position.size, position.mark)
        position.cost = _cost_after(position, signed, fill.price)
        position.size = CONTEXT.add(position.size, signed)
        position.trade_cash = CONTEXT.subtract(position.trade_cash, notional)
        position.fees = CONTEXT.add(position.fees, fill.fee)
        self._cash = CONTEXT.subtract(CONTEXT.subtract(self._cash, notional), fill.fee)
        if not position.mark:
            position.mark = fill.price
        change = CONTEXT.subtract(CONTEXT.multiply(position.size, position.mark), value)
        self._value = CONTEXT.add(self._value, change)

    def _sum(self, what: str) -> Decimal:
        total = _ZERO
        for position in self._positions.values():
            total = CONTEXT.add(total, getattr(position, what))
        return total


def _cost_after(position: Position, signed: Decimal, price: Decimal) -> Decimal:
    """Return what the open size will have cost after a fill of `signed` base units."""
    after = CONTEXT.add(position.size, signed)
    if not after:
        return _ZERO
    if not position.size or position.size.is_signed() == signed.is_signed():  # opened or enlarged
        return CONTEXT.add(position.cost, CONTEXT.multiply(signed, price))
    if after.is_signed() == signed.is_signed():  # flipped through zero: what is open is all new
        return CONTEXT.multiply(after, price)
    share = CONTEXT.divide(CONTEXT.multiply(position.cost, after), position.size)
    return share.quantize(_COST_STEP, context=CONTEXT)

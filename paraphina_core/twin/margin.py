"""What an account needs and has: initial margin before an order, maintenance margin after every mark."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from paraphina_core.domain import CONTEXT, InstrumentId, Side

from .account import Account, NewOrder, Order
from .listing import HouseRules
from .market import TwinMarket

_ZERO: Final = Decimal(0)


def leverage_of(account: Account, market: TwinMarket, rules: HouseRules) -> int:
    """Return the leverage in force: what the account has set, else the house's default."""
    default = min(rules.default_leverage, market.listing.max_leverage)
    return account.leverage.get(market.id, default)


def initial_margin(
    account: Account,
    markets: Mapping[InstrumentId, TwinMarket],
    rules: HouseRules,
    *,
    order: NewOrder | None = None,
    replaced: Order | None = None,
) -> Decimal:
    """Return the margin that positions and open orders tie up, in quote units.

    On each instrument the worse of two worlds counts, all buys filled or all sells, at the mark price.

    Args:
        account: whose.
        markets: all of them.
        rules: for the leverage.
        order: counted in as if it rested already.
        replaced: an open order that is left out.
    """
    buys: dict[InstrumentId, Decimal] = {}
    sells: dict[InstrumentId, Decimal] = {}
    counted: list[tuple[NewOrder | Order, Decimal]] = [
        (one, one.remaining) for one in account.orders.values() if one is not replaced
    ]
    if order is not None:
        counted.append((order, order.size))
    for one, size in counted:
        if not one.reduce_only:
            sums = buys if one.side is Side.BUY else sells
            sums[one.instrument] = CONTEXT.add(sums.get(one.instrument, _ZERO), size)
    total = _ZERO
    for instrument in {**account.ledger.positions, **buys, **sells}:
        market = markets[instrument]
        position = account.ledger.size(instrument)
        long = CONTEXT.add(position, buys.get(instrument, _ZERO)).copy_abs()
        short = CONTEXT.subtract(position, sells.get(instrument, _ZERO)).copy_abs()
        notional = CONTEXT.multiply(max(long, short), market.mark_price)
        total = CONTEXT.add(total, CONTEXT.divide(notional, Decimal(leverage_of(account, market, rules))))
    return total


def maintenance_margin(account: Account, markets: Mapping[InstrumentId, TwinMarket]) -> Decimal:
    """Return the equity below which the account is liquidated, in quote units."""
    total = _ZERO
    for instrument, position in account.ledger.positions.items():
        if position.size:
            market = markets[instrument]
            notional = CONTEXT.multiply(position.size.copy_abs(), market.mark_price)
            part = CONTEXT.divide(notional, Decimal(2 * market.listing.max_leverage))
            total = CONTEXT.add(total, part)
    return total

"""The twin's own truth, to compare a session's view with: orders, positions, money and fills by account."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from paraphina_core.domain import FundingPayment, InstrumentId, OrderState, Side

from .account import Account, Order, TwinFill
from .exchange import Exchange


class OrderTruth(msgspec.Struct, frozen=True, kw_only=True):
    """One order as the exchange has it."""

    id: int
    client_id: str | None
    instrument: InstrumentId
    side: Side
    price: Decimal
    size: Decimal
    filled_size: Decimal
    state: OrderState
    reason: str


class PositionTruth(msgspec.Struct, frozen=True, kw_only=True):
    """One position that is not flat; `size` is signed, positive is long."""

    instrument: InstrumentId
    size: Decimal
    entry_price: Decimal | None
    unrealised_pnl: Decimal


class AccountTruth(msgspec.Struct, frozen=True, kw_only=True):
    """One account of a client.

    Args:
        name: what the venue knows it by.
        deposited: collateral at the start, quote units.
        equity: worth at the last mark prices.
        realised_pnl: of everything closed, before fees and funding.
        fees: paid, negative for rebates.
        funding: received, negative when paid.
        margin_used: initial margin of positions and open orders.
        positions: those that are not flat.
        open_orders: oldest first.
        final_orders: those that are gone and remembered, in the order of going.
        fills: those that are remembered, oldest first.
        payments: funding, oldest first.
    """

    name: str
    deposited: Decimal
    equity: Decimal
    realised_pnl: Decimal
    fees: Decimal
    funding: Decimal
    margin_used: Decimal
    positions: tuple[PositionTruth, ...]
    open_orders: tuple[OrderTruth, ...]
    final_orders: tuple[OrderTruth, ...]
    fills: tuple[TwinFill, ...]
    payments: tuple[FundingPayment, ...]


def truth(exchange: Exchange) -> dict[str, AccountTruth]:
    """Return the truth about every account of a client, by name; a copy that does not change."""
    return {name: _account(exchange, account) for name, account in exchange.accounts.items()}


def _account(exchange: Exchange, account: Account) -> AccountTruth:
    ledger = account.ledger
    positions = tuple(
        PositionTruth(
            instrument=instrument,
            size=position.size,
            entry_price=position.entry_price,
            unrealised_pnl=position.unrealised_pnl,
        )
        for instrument, position in ledger.positions.items()
        if position.size
    )
    return AccountTruth(
        name=account.name,
        deposited=ledger.starting_balance,
        equity=ledger.equity,
        realised_pnl=ledger.realised_pnl,
        fees=ledger.fees,
        funding=ledger.funding,
        margin_used=exchange.margin_used(account),
        positions=positions,
        open_orders=tuple(map(_order, account.orders.values())),
        final_orders=tuple(map(_order, account.finals.values())),
        fills=tuple(account.fills),
        payments=tuple(account.payments),
    )


def _order(order: Order) -> OrderTruth:
    return OrderTruth(
        id=order.id,
        client_id=order.client_id,
        instrument=order.instrument,
        side=order.side,
        price=order.price,
        size=order.size,
        filled_size=order.filled_size,
        state=order.state,
        reason=order.reason,
    )

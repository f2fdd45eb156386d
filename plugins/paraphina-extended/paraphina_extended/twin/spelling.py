"""How the venue spells what it shows: decimals as text, times in milliseconds, ids around 2.1e18."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final, TypeAlias

from paraphina_core.domain import CONTEXT, NS_PER_MS, InstrumentId, OrderState, Side, plain
from paraphina_core.twin import Account, Exchange, TwinFill, TwinMarket

from .records import Record

Json: TypeAlias = Any

#: Numbers of orders and trades begin here: far beyond what a float holds.
FIRST_ID: Final = 2_100_000_000_000_000_000

_MICRO: Final = Decimal("0.000001")
_ZERO: Final = Decimal(0)
_LEFT: Final = frozenset({OrderState.LIVE, OrderState.PARTIALLY_FILLED})


def milliseconds(at_ns: int) -> int:
    """Return a time as the venue states it."""
    return at_ns // NS_PER_MS


def money(amount: Decimal) -> str:
    """Spell an amount of collateral: six decimals, rounded."""
    return plain(amount.quantize(_MICRO, context=CONTEXT))


def fine_money(amount: Decimal) -> str:
    """Spell an amount of collateral with the sixteen decimals of a payment."""
    return f"{amount:.16f}"


def rate(number: float) -> str:
    """Spell a funding rate."""
    return f"{number:.12f}"


def side(side_: Side) -> str:
    """Spell a side."""
    return side_.value.upper()


def price(number: Decimal, variant: int) -> str:
    """Spell a price of a book: as seen in September 2026, one price is spelled in more than one way."""
    return (
        plain(number),
        f"{number:.1f}" if number == number.to_integral_value() else plain(number),
        f"{number:.6f}",
    )[variant % 3]


def order(record: Record) -> dict[str, Json]:
    """Spell an order in full."""
    spelled: dict[str, Json] = {
        "id": record.number,
        "accountId": record.account_id,
        "externalId": record.text,
        "market": record.market,
        "type": record.order_type,
        "side": side(record.side),
        "status": record.status,
        "price": f"{record.price:.6f}",
        "qty": plain(record.size),
        "filledQty": plain(record.filled_size),
        "cancelledQty": plain(_ZERO if record.state in _LEFT else record.remaining),
        "payedFee": plain(record.fee),
        "reduceOnly": record.reduce_only,
        "postOnly": record.post_only,
        "createdTime": milliseconds(record.placed_ns),
        "updatedTime": milliseconds(record.changed_ns),
        "timeInForce": record.time_in_force,
        "expireTime": record.expires_ms,
    }
    if record.filled_size:
        spelled["averagePrice"] = plain(CONTEXT.divide(record.value, record.filled_size))
    if record.reason:
        spelled["statusReason"] = record.reason
    return spelled


def trade(told: TwinFill, record: Record, account_id: int, market: str) -> dict[str, Json]:
    """Spell an own fill."""
    fill = told.fill
    return {
        "id": FIRST_ID + int(fill.trade_id),
        "accountId": account_id,
        "market": market,
        "orderId": record.number,
        "side": side(fill.side),
        "price": f"{fill.price:.16f}",
        "qty": f"{fill.size:.16f}",
        "value": plain(CONTEXT.multiply(fill.price, fill.size)),
        "fee": plain(fill.fee),
        "isTaker": fill.liquidity.value == "taker",
        "tradeType": "LIQUIDATION" if told.is_liquidation else "TRADE",
        "createdTime": milliseconds(fill.exchange_ns or 0),
    }


def position(
    exchange: Exchange, account: Account, instrument: InstrumentId, market: str, account_id: int
) -> dict[str, Json]:
    """Spell a position; one that is flat is closed."""
    held, mark = account.position(instrument), exchange.markets[instrument].mark_price
    leverage = exchange.leverage(account, instrument)
    value = CONTEXT.multiply(held.size, mark).copy_abs()
    changed_ns = next(
        (f.fill.exchange_ns or 0 for f in reversed(account.fills) if f.fill.instrument == instrument), 0
    )
    return {
        "id": FIRST_ID + account_id,
        "accountId": account_id,
        "market": market,
        "status": "OPENED" if held.size else "CLOSED",
        "side": "SHORT" if held.size < 0 else "LONG",
        "leverage": str(leverage),
        "size": plain(held.size.copy_abs()),
        "value": plain(value),
        "openPrice": fine_money(held.entry_price or _ZERO),
        "markPrice": plain(mark),
        "margin": money(CONTEXT.divide(value, Decimal(leverage))),
        "unrealisedPnl": fine_money(held.unrealised_pnl),
        "realisedPnl": fine_money(held.realised_pnl),
        "createdAt": milliseconds(changed_ns),
        "updatedAt": milliseconds(changed_ns),
    }


def balance(exchange: Exchange, account: Account, venue_ns: int) -> dict[str, Json]:
    """Spell the balance."""
    equity, used = account.ledger.equity, exchange.margin_used(account)
    available = max(_ZERO, CONTEXT.subtract(equity, used))
    unrealised = sum((held.unrealised_pnl for held in account.ledger.positions.values()), _ZERO)
    return {
        "collateralName": "USD",
        "balance": money(CONTEXT.subtract(equity, unrealised)),
        "equity": money(equity),
        "availableForTrade": money(available),
        "availableForWithdrawal": money(available),
        "unrealisedPnl": money(unrealised),
        "initialMargin": money(used),
        "marginRatio": money(
            CONTEXT.divide(exchange.maintenance_margin(account), equity) if equity else _ZERO
        ),
        "updatedTime": milliseconds(venue_ns),
    }


def book(market: TwinMarket, depth: int | None) -> dict[str, Json]:
    """Spell the book as a request answers it."""
    sides = [
        [{"qty": plain(level.size), "price": plain(level.price)} for level in market.levels(side_, depth)]
        for side_ in Side
    ]
    return {"bid": sides[0], "ask": sides[1]}

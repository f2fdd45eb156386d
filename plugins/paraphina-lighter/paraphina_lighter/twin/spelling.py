"""How the venue spells what it shows: decimals as text, times in milli- and microseconds."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from paraphina_core.domain import CONTEXT, NS_PER_MS, InstrumentId, Side, plain
from paraphina_core.twin import Account, Exchange, TwinFill

from .records import Record
from .refusals import Json
from .universe import Universe

#: Whoever is no client of the twin trades for this account.
HOUSE: Final = 281_474_976_641_952
_MICRO: Final = Decimal("0.000001")
_MILLION: Final = Decimal(1_000_000)
_ZERO: Final = Decimal(0)
_NS_PER_US: Final = 1_000
_HUNDRED: Final = Decimal(100)


def money(amount: Decimal) -> str:
    """Spell an amount of collateral: six decimals, rounded."""
    return plain(amount.quantize(_MICRO, context=CONTEXT))


def micros(at_ns: int) -> int:
    """Return a time in microseconds."""
    return at_ns // _NS_PER_US


def order(record: Record, owner: int) -> dict[str, Json]:
    """Spell an order in full."""
    at_ms = record.changed_ns // NS_PER_MS
    return {
        "order_index": record.index,
        "client_order_index": record.client_index,
        "order_id": str(record.index),
        "client_order_id": str(record.client_index),
        "market_index": record.market,
        "owner_account_index": owner,
        "initial_base_amount": plain(record.size),
        "price": plain(record.price),
        "remaining_base_amount": plain(
            CONTEXT.subtract(record.size, record.filled) if record.is_open else _ZERO
        ),
        "is_ask": record.side is Side.SELL,
        "filled_base_amount": plain(record.filled),
        "filled_quote_amount": money(CONTEXT.multiply(record.filled, record.price)),
        "type": "limit",
        "reduce_only": record.reduce_only,
        "trigger_price": "0.00",
        "order_expiry": record.expires_ms,
        "status": record.status,
        "trigger_status": "na",
        "timestamp": at_ms,
        "updated_at": at_ms,
        "transaction_time": micros(record.changed_ns),
    }


def trade(told: TwinFill, record: Record, owner: int) -> dict[str, Json]:
    """Spell an own fill; the other side is nobody's that a client knows."""
    fill, is_ask = told.fill, told.fill.side is Side.SELL
    value = CONTEXT.multiply(fill.price, fill.size)
    rate = int((CONTEXT.divide(fill.fee, value) * _MILLION).to_integral_value()) if value else 0
    is_maker = fill.liquidity.value == "maker"
    mine = {"id": record.index, "client_id": record.client_index, "account_id": owner}
    other = {"id": 0, "client_id": 0, "account_id": HOUSE}
    sides = {"ask": mine if is_ask else other, "bid": other if is_ask else mine}
    at_ns = fill.exchange_ns or 0
    spelled: dict[str, Json] = {
        "trade_id": int(fill.trade_id),
        "type": "liquidation" if told.is_liquidation else "trade",
        "market_id": record.market,
        "size": plain(fill.size),
        "price": plain(fill.price),
        "usd_amount": plain(value),
        "is_maker_ask": is_maker == is_ask,
        "timestamp": at_ns // NS_PER_MS,
        "transaction_time": micros(at_ns),
        ("maker_fee" if is_maker else "taker_fee"): rate,
    }
    for name, whose in sides.items():
        spelled |= {f"{name}_{key}": value for key, value in whose.items()}
    return spelled


def position(
    exchange: Exchange, account: Account, universe: Universe, instrument: InstrumentId
) -> dict[str, Json]:
    """Spell a position: a size, and which side it is."""
    held, market = account.position(instrument), exchange.markets[instrument]
    listed = universe.of(instrument)
    leverage = exchange.leverage(account, instrument)
    return {
        "market_id": listed.number,
        "symbol": listed.symbol,
        "initial_margin_fraction": plain(CONTEXT.divide(_HUNDRED, Decimal(leverage))),
        "open_order_count": sum(1 for one in account.orders.values() if one.instrument == instrument),
        "pending_order_count": 0,
        "sign": (held.size > 0) - (held.size < 0) or 1,
        "position": plain(held.size.copy_abs()),
        "avg_entry_price": money(held.entry_price or _ZERO),
        "position_value": money(CONTEXT.multiply(held.size.copy_abs(), market.mark_price)),
        "unrealized_pnl": money(held.unrealised_pnl),
        "realized_pnl": money(held.realised_pnl),
        "liquidation_price": "0",
        "margin_mode": int(instrument in account.isolated),
        "allocated_margin": "0.000000",
    }


def worth(exchange: Exchange, account: Account) -> dict[str, str]:
    """Return what an account is worth, what of it is free, and what margin ties up."""
    equity, used = account.ledger.equity, exchange.margin_used(account)
    return {
        "equity": money(equity),
        "available": money(max(_ZERO, CONTEXT.subtract(equity, used))),
        "used": money(used),
        "cash": money(account.ledger.cash),
    }

"""How the venue spells what it shows of an account: decimals as text, times in milliseconds."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from paraphina_core.domain import CONTEXT, NS_PER_MS, FundingPayment, InstrumentId, Side, plain
from paraphina_core.twin import Account, Exchange, TwinFill

from .records import Record
from .refusals import Json

_CENT: Final = Decimal("0.00000001")
_ZERO: Final = Decimal(0)


def money(amount: Decimal) -> str:
    """Spell an amount of collateral: eight decimals, rounded."""
    return plain(amount.quantize(_CENT, context=CONTEXT))


def side(side_: Side) -> str:
    """Spell a side."""
    return side_.value.upper()


def order(record: Record, asked: dict[str, str] | None = None) -> dict[str, Json]:
    """Spell an order in full; `asked` is the request that its message answers."""
    at_ms = record.changed_ns // NS_PER_MS
    return {
        "id": record.number,
        "account": record.account,
        "market": record.market,
        "side": side(record.side),
        "type": "LIMIT",
        "size": plain(record.size),
        "remaining_size": plain(record.remaining),
        "price": plain(record.price),
        "status": record.status,
        "created_at": at_ms,
        "last_updated_at": at_ms,
        "cancel_reason": record.reason,
        "client_id": record.text,
        "seq_no": record.changed_ns,
        "instruction": record.instruction,
        "avg_fill_price": "",
        "stp": "EXPIRE_TAKER",
        "flags": ["REDUCE_ONLY"] if record.reduce_only else [],
        "trigger_price": "0",
        "request_info": asked or {"id": "", "message": "", "request_type": "", "status": ""},
    }


def fill(told: TwinFill, record: Record) -> dict[str, Json]:
    """Spell an own fill."""
    one = told.fill
    return {
        "id": f"{one.trade_id}{'1' if one.side is Side.BUY else '2'}",
        "side": side(one.side),
        "liquidity": one.liquidity.value.upper(),
        "market": record.market,
        "order_id": record.number,
        "price": plain(one.price),
        "size": plain(one.size),
        "fee": plain(one.fee),
        "fee_currency": "USDC",
        "created_at": (one.exchange_ns or 0) // NS_PER_MS,
        "remaining_size": plain(record.remaining),
        "client_id": record.text,
        "fill_type": "LIQUIDATION" if told.is_liquidation else "FILL",
        "realized_funding": "0",
    }


def position(exchange: Exchange, account: Account, instrument: InstrumentId, market: str) -> dict[str, Json]:
    """Spell a position; one that is flat is closed."""
    held = account.position(instrument)
    changed_ns = next(
        (f.fill.exchange_ns or 0 for f in reversed(account.fills) if f.fill.instrument == instrument), 0
    )
    return {
        "id": f"{account.name}-{market}",
        "market": market,
        "status": "OPEN" if held.size else "CLOSED",
        "side": "SHORT" if held.size < 0 else "LONG",
        "size": plain(held.size),
        "average_entry_price": money(held.entry_price or _ZERO),
        "unrealized_pnl": money(held.unrealised_pnl),
        "unrealized_funding_pnl": "0",
        "leverage": str(exchange.leverage(account, instrument)),
        "last_updated_at": changed_ns // NS_PER_MS,
        "seq_no": changed_ns,
        "liquidation_price": "",
    }


def account(exchange: Exchange, account_: Account, venue_ns: int) -> dict[str, Json]:
    """Spell what an account is worth."""
    equity, used = account_.ledger.equity, exchange.margin_used(account_)
    return {
        "account": account_.name,
        "account_value": money(equity),
        "free_collateral": money(max(_ZERO, CONTEXT.subtract(equity, used))),
        "initial_margin_requirement": money(used),
        "maintenance_margin_requirement": money(exchange.maintenance_margin(account_)),
        "total_collateral": money(account_.ledger.cash),
        "settlement_asset": "USDC",
        "status": "ACTIVE",
        "seq_no": venue_ns,
        "updated_at": venue_ns // NS_PER_MS,
    }


def payment(number: int, paid: FundingPayment, market: str) -> dict[str, Json]:
    """Spell a funding payment."""
    return {
        "id": f"{paid.exchange_ns}{number:04d}",
        "market": market,
        "payment": money(paid.amount),
        "index": "0",
        "fill_id": "",
        "created_at": paid.exchange_ns // NS_PER_MS,
    }

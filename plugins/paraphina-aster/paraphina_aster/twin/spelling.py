"""How the venue spells an account: decimals as text, times in milliseconds."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final, TypeAlias

from paraphina_core.domain import (
    CONTEXT,
    NS_PER_MS,
    InstrumentId,
    Liquidity,
    OrderState,
    Side,
    TimeInForce,
    plain,
)
from paraphina_core.twin import Account, Exchange, Order, TwinFill

Json: TypeAlias = Any

#: Numbers of orders and trades begin here.
FIRST_ID: Final = 8_000_000
#: What has no text of a client is the venue's own: a liquidation (docs "Event: Order update").
LIQUIDATION: Final = "autoclose-"

_EIGHT: Final = Decimal("0.00000001")
_ZERO: Final = Decimal(0)
#: What the exchange says of an order that it has ended by itself, and the venue calls expired.
_EXPIRED: Final = frozenset({"immediate or cancel", "self-trade", "reduce-only and the position is gone"})
_STATUS: Final = {
    OrderState.LIVE: "NEW",
    OrderState.PARTIALLY_FILLED: "PARTIALLY_FILLED",
    OrderState.FILLED: "FILLED",
}


def milliseconds(at_ns: int) -> int:
    """Return a time as the venue states it."""
    return at_ns // NS_PER_MS


def money(amount: Decimal) -> str:
    """Spell an amount with eight decimals."""
    return f"{amount.quantize(_EIGHT, context=CONTEXT):f}"


def side(side_: Side) -> str:
    """Spell a side."""
    return side_.value.upper()


def order_id(order: Order) -> int:
    """Return the venue's number of an order."""
    return FIRST_ID + order.id


def text(order: Order) -> str:
    """Return the client's text of an order."""
    return order.client_id or f"{LIQUIDATION}{order.id}"


def status(order: Order) -> str:
    """Return the venue's word for the state of an order."""
    ended = "EXPIRED" if order.reason in _EXPIRED else "CANCELED"
    return _STATUS.get(order.state, ended)


def time_in_force(order: Order) -> str:
    """Spell how long an order may rest."""
    if order.post_only:
        return "GTX"
    return "IOC" if order.time_in_force is TimeInForce.IOC else "GTC"


def order(order_: Order, symbol: str, value: Decimal) -> dict[str, Json]:
    """Spell an order.

    Args:
        order_: as it is.
        symbol: the venue's name of its instrument.
        value: what it has filled, quote units.
    """
    filled = order_.filled_size
    average = CONTEXT.divide(value, filled) if filled else _ZERO
    return {
        "orderId": order_id(order_),
        "symbol": symbol,
        "status": status(order_),
        "clientOrderId": text(order_),
        "price": plain(order_.price),
        "avgPrice": f"{average:.5f}",
        "origQty": plain(order_.size),
        "executedQty": plain(filled),
        "cumQty": plain(filled),
        "cumQuote": plain(value),
        "timeInForce": time_in_force(order_),
        "type": "LIMIT",
        "reduceOnly": order_.reduce_only,
        "closePosition": False,
        "side": side(order_.side),
        "positionSide": "BOTH",
        "stopPrice": "0",
        "workingType": "CONTRACT_PRICE",
        "priceProtect": False,
        "origType": "LIMIT",
        "time": milliseconds(order_.placed_ns),
        "updateTime": milliseconds(order_.changed_ns),
    }


def order_update(
    order_: Order, symbol: str, what: str, told: TwinFill | None, venue_ms: int
) -> dict[str, Json]:
    """Spell what has happened to an order, for the account's stream."""
    fill = None if told is None else told.fill
    now = status(order_)
    if fill is not None:
        now = "FILLED" if order_.remaining <= 0 else "PARTIALLY_FILLED"
    body = {
        "s": symbol,
        "c": text(order_),
        "S": side(order_.side),
        "o": "LIMIT",
        "f": time_in_force(order_),
        "q": plain(order_.size),
        "p": plain(order_.price),
        "ap": "0",
        "sp": "0",
        "x": what,
        "X": now,
        "i": order_id(order_),
        "l": "0" if fill is None else plain(fill.size),
        "z": plain(order_.filled_size),
        "L": "0" if fill is None else plain(fill.price),
        "N": "USDT",
        "n": "0" if fill is None else plain(fill.fee),
        "T": milliseconds(order_.changed_ns if fill is None else fill.exchange_ns or 0),
        "t": 0 if fill is None else FIRST_ID + int(fill.trade_id),
        "b": "0",
        "a": "0",
        "m": fill is not None and fill.liquidity is Liquidity.MAKER,
        "R": order_.reduce_only,
        "wt": "CONTRACT_PRICE",
        "ot": "LIMIT",
        "ps": "BOTH",
        "cp": False,
        "rp": "0" if told is None else plain(told.realised_pnl),
    }
    return {"e": "ORDER_TRADE_UPDATE", "E": venue_ms, "T": venue_ms, "o": body}


def trade(told: TwinFill, symbol: str) -> dict[str, Json]:
    """Spell an own fill."""
    fill = told.fill
    return {
        "symbol": symbol,
        "id": FIRST_ID + int(fill.trade_id),
        "orderId": FIRST_ID + told.order_id,
        "side": side(fill.side),
        "price": plain(fill.price),
        "qty": plain(fill.size),
        "quoteQty": plain(CONTEXT.multiply(fill.price, fill.size)),
        "commission": plain(fill.fee),
        "commissionAsset": "USDT",
        "realizedPnl": plain(told.realised_pnl),
        "positionSide": "BOTH",
        "buyer": fill.side is Side.BUY,
        "maker": fill.liquidity is Liquidity.MAKER,
        "time": milliseconds(fill.exchange_ns or 0),
    }


def position(exchange: Exchange, account: Account, instrument: InstrumentId, symbol: str) -> dict[str, Json]:
    """Spell a position; a flat one too."""
    held, market = account.position(instrument), exchange.markets[instrument]
    changed_ns = next(
        (f.fill.exchange_ns or 0 for f in reversed(account.fills) if f.fill.instrument == instrument), 0
    )
    return {
        "symbol": symbol,
        "positionAmt": plain(held.size),
        "entryPrice": money(held.entry_price or _ZERO),
        "markPrice": money(market.mark_price),
        "unRealizedProfit": money(held.unrealised_pnl),
        "liquidationPrice": "0",
        "leverage": str(exchange.leverage(account, instrument)),
        "maxNotionalValue": "10000000",
        "marginType": "isolated" if instrument in account.isolated else "cross",
        "isolatedMargin": "0.00000000",
        "isAutoAddMargin": "false",
        "positionSide": "BOTH",
        "notional": money(CONTEXT.multiply(held.size, market.mark_price)),
        "isolatedWallet": "0",
        "updateTime": milliseconds(changed_ns),
    }


def account_update(
    account: Account, why: str, positions: dict[str, InstrumentId], venue_ms: int
) -> dict[str, Json]:
    """Spell what of the account has changed: its wallet, and positions by symbol."""
    listed = []
    for symbol, instrument in positions.items():
        held = account.position(instrument)
        listed.append(
            {
                "s": symbol,
                "pa": plain(held.size),
                "ep": money(held.entry_price or _ZERO),
                "cr": money(held.realised_pnl),
                "up": money(held.unrealised_pnl),
                "mt": "cross",
                "iw": "0.00000000",
                "ps": "BOTH",
            }
        )
    wallet = money(_wallet(account))
    body = {"m": why, "B": [{"a": "USDT", "wb": wallet, "cw": wallet, "bc": "0"}], "P": listed}
    return {"e": "ACCOUNT_UPDATE", "E": venue_ms, "T": venue_ms, "a": body}


def account(exchange: Exchange, account_: Account, positions: dict[str, InstrumentId]) -> dict[str, Json]:
    """Spell the account as a whole."""
    equity, used = account_.ledger.equity, exchange.margin_used(account_)
    available = money(max(_ZERO, CONTEXT.subtract(equity, used)))
    wallet, unrealised = _wallet(account_), _unrealised(account_)
    asset = {
        "asset": "USDT",
        "walletBalance": money(wallet),
        "unrealizedProfit": money(unrealised),
        "marginBalance": money(equity),
        "maintMargin": money(exchange.maintenance_margin(account_)),
        "initialMargin": money(used),
        "positionInitialMargin": money(used),
        "openOrderInitialMargin": "0.00000000",
        "crossWalletBalance": money(wallet),
        "crossUnPnl": money(unrealised),
        "availableBalance": available,
        "maxWithdrawAmount": available,
        "marginAvailable": True,
        "updateTime": 0,
    }
    return {
        "feeTier": 0,
        "canTrade": True,
        "canDeposit": True,
        "canWithdraw": True,
        "updateTime": 0,
        "totalInitialMargin": money(used),
        "totalMaintMargin": asset["maintMargin"],
        "totalWalletBalance": money(wallet),
        "totalUnrealizedProfit": money(unrealised),
        "totalMarginBalance": money(equity),
        "totalPositionInitialMargin": money(used),
        "totalOpenOrderInitialMargin": "0.00000000",
        "totalCrossWalletBalance": money(wallet),
        "totalCrossUnPnl": money(unrealised),
        "availableBalance": available,
        "maxWithdrawAmount": available,
        "assets": [asset],
        "positions": [
            position(exchange, account_, instrument, symbol) for symbol, instrument in positions.items()
        ],
    }


def balance(exchange: Exchange, account_: Account) -> dict[str, Json]:
    """Spell the balance of the only asset."""
    available = money(max(_ZERO, CONTEXT.subtract(account_.ledger.equity, exchange.margin_used(account_))))
    return {
        "accountAlias": "SgsR",
        "asset": "USDT",
        "balance": money(_wallet(account_)),
        "crossWalletBalance": money(_wallet(account_)),
        "crossUnPnl": money(_unrealised(account_)),
        "availableBalance": available,
        "maxWithdrawAmount": available,
        "marginAvailable": True,
        "updateTime": 0,
    }


def _unrealised(account_: Account) -> Decimal:
    return sum((held.unrealised_pnl for held in account_.ledger.positions.values()), _ZERO)


def _wallet(account_: Account) -> Decimal:
    return CONTEXT.subtract(account_.ledger.equity, _unrealised(account_))

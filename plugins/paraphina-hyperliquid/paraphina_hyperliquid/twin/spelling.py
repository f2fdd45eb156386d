"""How the venue spells what its exchange knows: prices, orders, fills and books, as in its messages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, Final, TypeAlias

from paraphina_core.connector import keccak
from paraphina_core.domain import (
    CONTEXT,
    NS_PER_MS,
    FundingPayment,
    Liquidity,
    Side,
    TimeInForce,
    plain,
)
from paraphina_core.twin import BookLevel, Order, Traded, TwinFill

#: What is encoded as JSON; keys stand in the venue's order.
Json: TypeAlias = Any

_MICRO: Final = Decimal("0.000001")
_RATE_STEP: Final = Decimal("0.0000000001")
#: A trade id tells where it came from; the number is the exchange's.
_TRADE_IDS: Final = 10**12

SIDES: Final[Mapping[Side, str]] = {Side.BUY: "B", Side.SELL: "A"}


def milliseconds(venue_ns: int) -> int:
    """Return a time as the venue states it."""
    return venue_ns // NS_PER_MS


def text(number: Decimal) -> str:
    """Spell a price or a size: at least one decimal, no trailing zeros beyond it."""
    spelled = plain(number)
    return spelled if "." in spelled else f"{spelled}.0"


def money(number: Decimal) -> str:
    """Spell an amount of USDC, which the venue keeps to six decimals."""
    return text(number.quantize(_MICRO, ROUND_HALF_EVEN, CONTEXT))


def rate(number: Decimal) -> str:
    """Spell a rate or a ratio, to ten decimals."""
    return text(number.quantize(_RATE_STEP, ROUND_HALF_EVEN, CONTEXT))


def address_of(account: str) -> str:
    """Return the address of an account; what the exchange itself trades with gets one made from its name."""
    return account if account.startswith("0x") else "0x" + keccak(account.encode())[-20:].hex()


def hash_of(what: str) -> str:
    """Return a stand-in for the hash of a transaction."""
    return "0x" + keccak(what.encode()).hex()


def tif(order: Order) -> str:
    """Return the time in force of an order."""
    if order.post_only:
        return "Alo"
    return "Ioc" if order.time_in_force is TimeInForce.IOC else "Gtc"


def short_order(coin: str, order: Order) -> dict[str, Json]:
    """Spell an order as it stands in `openOrders` and `orderUpdates`; `sz` is what is left of it."""
    spelled = {
        "coin": coin,
        "side": SIDES[order.side],
        "limitPx": text(order.price),
        "sz": text(max(Decimal(0), order.remaining)),
        "oid": order.id,
        "timestamp": milliseconds(order.placed_ns),
        "origSz": text(order.size),
    }
    if order.reduce_only:
        spelled["reduceOnly"] = True
    if order.client_id is not None:
        spelled["cloid"] = order.client_id
    return spelled


def full_order(coin: str, order: Order) -> dict[str, Json]:
    """Spell an order as it stands in `frontendOpenOrders`, `orderStatus` and `historicalOrders`."""
    return short_order(coin, order) | {
        "triggerCondition": "N/A",
        "isTrigger": False,
        "triggerPx": "0.0",
        "children": [],
        "isPositionTpsl": False,
        "reduceOnly": order.reduce_only,
        "orderType": "Limit",
        "tif": tif(order),
        "cloid": order.client_id,
    }


def fill(coin: str, filled: TwinFill, mark_price: Decimal) -> dict[str, Json]:
    """Spell an account's side of a trade."""
    trade = filled.fill
    venue_ns = trade.exchange_ns or 0
    spelled = {
        "coin": coin,
        "px": text(trade.price),
        "sz": text(trade.size),
        "side": SIDES[trade.side],
        "time": milliseconds(venue_ns),
        "startPosition": text(filled.position_before),
        "dir": _direction(filled),
        "closedPnl": money(filled.realised_pnl),
        "hash": hash_of(f"trade {trade.trade_id}"),
        "oid": filled.order_id,
        "crossed": trade.liquidity is Liquidity.TAKER,
        "fee": money(trade.fee),
        "tid": _TRADE_IDS + int(trade.trade_id),
        "feeToken": "USDC",
        "twapId": None,
    }
    if filled.client_id is not None:
        spelled["cloid"] = filled.client_id
    if filled.is_liquidation:
        spelled["liquidation"] = {
            "liquidatedUser": filled.account,
            "markPx": text(mark_price),
            "method": "market",
        }
    return spelled


def trade(coin: str, traded: Traded) -> dict[str, Json]:
    """Spell a public trade; its side is the aggressor's."""
    return {
        "coin": coin,
        "side": SIDES[traded.aggressor],
        "px": text(traded.price),
        "sz": text(traded.size),
        "time": milliseconds(traded.at_ns),
        "hash": hash_of(f"trade {traded.trade_id}"),
        "tid": _TRADE_IDS + traded.trade_id,
        "users": [address_of(traded.buyer), address_of(traded.seller)],
    }


def funding(coin: str, payment: FundingPayment, size: Decimal) -> dict[str, Json]:
    """Spell a funding payment; `usdc` is the account's change."""
    return {
        "time": milliseconds(payment.exchange_ns or 0),
        "coin": coin,
        "usdc": money(payment.amount),
        "szi": text(size),
        "fundingRate": rate(Decimal(repr(payment.rate))),
        "nSamples": None,
    }


def levels(found: Iterable[BookLevel]) -> list[dict[str, Json]]:
    """Spell one side of a book."""
    return [{"px": text(level.price), "sz": text(level.size), "n": level.orders} for level in found]


def _direction(filled: TwinFill) -> str:
    before = filled.position_before
    signed = filled.fill.size if filled.fill.side is Side.BUY else filled.fill.size.copy_negate()
    after = CONTEXT.add(before, signed)
    if not before or before.is_signed() == signed.is_signed():
        return "Open Short" if signed.is_signed() else "Open Long"
    if not after or after.is_signed() == before.is_signed():
        return "Close Short" if before.is_signed() else "Close Long"
    return "Short > Long" if before.is_signed() else "Long > Short"

"""The venue's answers about an account: positions, margin and open orders become events."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Final

from paraphina_core.domain import (
    CONTEXT,
    NS_PER_MS,
    BalanceReport,
    Event,
    OrderReport,
    OrderState,
    PositionReport,
    RemoteProtocolError,
    Side,
    from_hex128,
    instrument_id,
    parse_decimal,
)

from . import messages as wire
from .instruments import COLLATERAL

#: Reads one kind of answer: connector name and body in, events out.
AnswerReader = Callable[[str, bytes], Sequence[Event]]


def read_clearinghouse_state(connector: str, body: bytes) -> Sequence[Event]:
    """Turn the answer to `clearinghouseState` into the balance and every position.

    Raises:
        RemoteError: the answer is not what the venue documents.
    """
    state = wire.decode(wire.CLEARINGHOUSE_STATE, body, "clearinghouseState")
    exchange_ns = None if state.time is None else state.time * NS_PER_MS
    balance = BalanceReport(
        asset=COLLATERAL,
        equity=parse_decimal(state.marginSummary.accountValue, "accountValue"),
        available=parse_decimal(state.withdrawable, "withdrawable"),
        margin_used=parse_decimal(state.marginSummary.totalMarginUsed, "totalMarginUsed"),
        exchange_ns=exchange_ns,
    )
    positions = [_position(connector, asset.position, exchange_ns) for asset in state.assetPositions]
    return (balance, *positions)


def read_open_orders(connector: str, body: bytes) -> Sequence[Event]:
    """Turn the answer to `openOrders` or `frontendOpenOrders` into a report of each order.

    Raises:
        RemoteError: the answer is not what the venue documents.
    """
    orders = wire.decode(wire.OPEN_ORDERS, body, "open orders")
    return [_order(connector, order) for order in orders]


#: Reader of each request type whose answer means something here.
READERS: Final[Mapping[str, AnswerReader]] = {
    "clearinghouseState": read_clearinghouse_state,
    "openOrders": read_open_orders,
    "frontendOpenOrders": read_open_orders,
}


def _position(connector: str, position: wire.WirePosition, exchange_ns: int | None) -> PositionReport:
    return PositionReport(
        instrument=instrument_id(connector, position.coin),
        size=parse_decimal(position.szi, "szi"),
        entry_price=_optional(position.entryPx, "entryPx"),
        unrealised_pnl=parse_decimal(position.unrealizedPnl, "unrealizedPnl"),
        liquidation_price=_optional(position.liquidationPx, "liquidationPx"),
        margin_used=parse_decimal(position.marginUsed, "marginUsed"),
        leverage=Decimal(position.leverage.value),
        exchange_ns=exchange_ns,
    )


def _order(connector: str, order: wire.WireOpenOrder) -> OrderReport:
    left = parse_decimal(order.sz, "sz")
    # Without its original size, an order is reported as what is left of it: that is what can fill.
    # Stops for a whole position have size zero.
    size = left if order.origSz is None else parse_decimal(order.origSz, "origSz")
    filled = CONTEXT.subtract(size, left)
    price = parse_decimal(order.limitPx, "limitPx")
    if not (price > 0 and left >= 0 and filled >= 0):
        raise RemoteProtocolError(
            f"open order {order.oid} is not usable",
            found=f"{order.sz} of {order.origSz} at {order.limitPx}",
            wanted="a price above zero, and from zero to the original size left",
        )
    return OrderReport(
        instrument=instrument_id(connector, order.coin),
        client_order_id=None if order.cloid is None else from_hex128(order.cloid),
        venue_order_id=str(order.oid),
        side=Side.BUY if order.side == "B" else Side.SELL,
        price=price,
        size=size,
        filled_size=filled,
        state=OrderState.PARTIALLY_FILLED if filled > 0 else OrderState.LIVE,
        reduce_only=order.reduceOnly,
        exchange_ns=order.timestamp * NS_PER_MS,
    )


def _optional(text: str | None, field: str) -> Decimal | None:
    return None if text is None else parse_decimal(text, field)

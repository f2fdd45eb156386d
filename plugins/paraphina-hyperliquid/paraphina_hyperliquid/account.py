"""The venue's statements about an account: balance, positions, orders, fills and funding become events."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Final

from paraphina_core.domain import (
    CONTEXT,
    NS_PER_MS,
    BalanceReport,
    ClientOrderId,
    Event,
    Fill,
    FundingPayment,
    Liquidity,
    OpenOrdersListed,
    OrderReport,
    OrderState,
    PositionReport,
    PositionsListed,
    RemoteProtocolError,
    Side,
    VenueNotice,
    from_hex128,
    instrument_id,
    parse_decimal,
    parse_float,
)

from . import account_messages as own
from . import messages as wire
from .instruments import COLLATERAL, is_perpetual
from .statuses import state_of

#: Reads one kind of answer: connector name and body in, events out.
AnswerReader = Callable[[str, bytes], Sequence[Event]]

FEE_NOT_COUNTED: Final = "fee_not_counted"

_ZERO: Final = Decimal(0)


def read_clearinghouse_state(connector: str, body: bytes) -> Sequence[Event]:
    """Turn the answer to `clearinghouseState` into the balance and every position.

    Raises:
        RemoteError: the answer is not what the venue documents.
    """
    state = wire.decode(own.CLEARINGHOUSE_STATE, body, "clearinghouseState")
    exchange_ns = None if state.time is None else state.time * NS_PER_MS
    balance = BalanceReport(
        asset=COLLATERAL,
        equity=parse_decimal(state.marginSummary.accountValue, "accountValue"),
        available=parse_decimal(state.withdrawable, "withdrawable"),
        margin_used=parse_decimal(state.marginSummary.totalMarginUsed, "totalMarginUsed"),
        exchange_ns=exchange_ns,
    )
    positions = tuple(_position(connector, asset.position, exchange_ns) for asset in state.assetPositions)
    return (balance, PositionsListed(positions=positions, exchange_ns=exchange_ns))


def read_open_orders(connector: str, body: bytes) -> Sequence[Event]:
    """Turn the answer to `openOrders` or `frontendOpenOrders` into the list of all open perpetual orders.

    Raises:
        RemoteError: the answer is not what the venue documents.
    """
    orders = wire.decode(own.OWN_ORDERS, body, "open orders")
    listed = tuple(_open_order(connector, order) for order in orders if is_perpetual(order.coin))
    return (OpenOrdersListed(orders=listed),)


#: Reader of each request type whose answer means something here.
READERS: Final[Mapping[str, AnswerReader]] = {
    "clearinghouseState": read_clearinghouse_state,
    "openOrders": read_open_orders,
    "frontendOpenOrders": read_open_orders,
}


def order_report(connector: str, update: own.WireOrderUpdate) -> OrderReport:
    """Report one order in whatever state it is.

    Raises:
        RemoteError: the state or the numbers make no sense.
    """
    state = state_of(update.status)
    if state is None:
        raise RemoteProtocolError("status of an order has no meaning here", found=update.status[:64])
    report = _open_order(connector, update.order, at_ms=update.statusTimestamp)
    if state is OrderState.LIVE:
        return report
    return OrderReport(
        instrument=report.instrument,
        client_order_id=report.client_order_id,
        venue_order_id=report.venue_order_id,
        side=report.side,
        price=report.price,
        size=report.size,
        filled_size=_filled(state, report),
        state=state,
        reduce_only=report.reduce_only,
        exchange_ns=report.exchange_ns,
    )


def _filled(state: OrderState, report: OrderReport) -> Decimal:
    if state is OrderState.FILLED:
        return report.size
    return _ZERO if state is OrderState.REJECTED else report.filled_size


def read_fills(
    connector: str, fills: Sequence[own.WireFill], *, is_replay: bool
) -> tuple[Sequence[Fill], Sequence[Event]]:
    """Turn the account's fills of perpetuals into fills, and into notices of what could not be booked.

    A fee in another token than the collateral is told and not counted: what it is worth is not said.

    Raises:
        RemoteError: a number makes no sense; then no fill of the message is believed.
    """
    perpetuals = [fill for fill in fills if is_perpetual(fill.coin)]
    notices = [
        VenueNotice(
            code=FEE_NOT_COUNTED,
            text=f"fill {fill.tid} of {fill.coin} cost {fill.fee[:32]} {token[:32]}, which is not counted",
        )
        for fill in perpetuals
        if (token := fill.feeToken or COLLATERAL) != COLLATERAL and parse_decimal(fill.fee, "fee")
    ]
    return [_fill(connector, fill, is_replay) for fill in perpetuals], notices


def _fill(connector: str, fill: own.WireFill, is_replay: bool) -> Fill:  # noqa: FBT001  # as in the event
    price, size = parse_decimal(fill.px, "px"), parse_decimal(fill.sz, "sz")
    fee = parse_decimal(fill.fee, "fee")
    if not (price > 0 and size > 0):
        raise RemoteProtocolError(
            f"fill {fill.tid} is not usable", found=f"{fill.sz} at {fill.px}", wanted="both above zero"
        )
    return Fill(
        instrument=instrument_id(connector, fill.coin),
        client_order_id=own_id(fill.cloid),
        venue_order_id=str(fill.oid),
        # Ids of trades are unique together with time and coin only (docs, read 2026-08-22).
        trade_id=f"{fill.time}-{fill.tid}",
        side=side_of(fill.side),
        price=price,
        size=size,
        fee=fee if (fill.feeToken or COLLATERAL) == COLLATERAL else _ZERO,
        liquidity=Liquidity.TAKER if fill.crossed else Liquidity.MAKER,
        exchange_ns=fill.time * NS_PER_MS,
        is_replay=is_replay,
    )


def funding_payment(connector: str, funding: own.WireFunding, time_ms: int) -> FundingPayment:
    """Report one hour's funding of one position.

    Raises:
        RemoteError: a number makes no sense.
    """
    return FundingPayment(
        instrument=instrument_id(connector, funding.coin),
        amount=parse_decimal(funding.usdc, "usdc"),
        rate=parse_float(funding.fundingRate, "fundingRate"),
        exchange_ns=time_ms * NS_PER_MS,
    )


def own_id(cloid: str | None) -> ClientOrderId | None:
    """Return the client order id that this program made, None for every other."""
    return None if cloid is None else from_hex128(cloid)


def side_of(side: wire.WireSide) -> Side:
    """Return the side that the venue means by a letter."""
    return Side.BUY if side == "B" else Side.SELL


def _position(connector: str, position: own.WirePosition, exchange_ns: int | None) -> PositionReport:
    return PositionReport(
        instrument=instrument_id(connector, position.coin),
        size=parse_decimal(position.szi, "szi"),
        entry_price=_optional(position.entryPx, "entryPx"),
        unrealised_pnl=parse_decimal(position.unrealizedPnl, "unrealizedPnl"),
        liquidation_price=_optional(position.liquidationPx, "liquidationPx"),
        margin_used=parse_decimal(position.marginUsed, "marginUsed"),
        leverage=parse_decimal(position.leverage.value, "leverage"),
        exchange_ns=exchange_ns,
    )


def _open_order(connector: str, order: own.WireOwnOrder, at_ms: int | None = None) -> OrderReport:
    left = parse_decimal(order.sz, "sz")
    # Without its original size, an order is reported as what is left of it: that is what can fill.
    # Stops for a whole position have size zero.
    size = left if order.origSz is None else parse_decimal(order.origSz, "origSz")
    filled = CONTEXT.subtract(size, left)
    price = parse_decimal(order.limitPx, "limitPx")
    if not (price > 0 and left >= 0 and filled >= 0):
        raise RemoteProtocolError(
            f"order {order.oid} is not usable",
            found=f"{order.sz} of {order.origSz} at {order.limitPx}",
            wanted="a price above zero, and from zero to the original size left",
        )
    return OrderReport(
        instrument=instrument_id(connector, order.coin),
        client_order_id=own_id(order.cloid),
        venue_order_id=str(order.oid),
        side=side_of(order.side),
        price=price,
        size=size,
        filled_size=filled,
        state=OrderState.PARTIALLY_FILLED if filled > 0 else OrderState.LIVE,
        reduce_only=order.reduceOnly,
        exchange_ns=(order.timestamp if at_ms is None else at_ms) * NS_PER_MS,
    )


def _optional(text: str | None, field: str) -> Decimal | None:
    return None if text is None else parse_decimal(text, field)

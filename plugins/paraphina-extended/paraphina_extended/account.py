"""The venue's statements about an account: balance, positions, orders, fills and funding become events.

The same shapes come as answers and on the account's stream.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from paraphina_core.domain import (
    CONTEXT,
    NS_PER_MS,
    BalanceReport,
    ClientOrderId,
    Fill,
    FundingPayment,
    InstrumentId,
    Liquidity,
    OrderReport,
    OrderState,
    PositionReport,
    RemoteProtocolError,
    from_text,
    instrument_id,
    parse_decimal,
    parse_float,
)

from . import account_messages as own
from .feed import SIDES
from .statuses import STATES

_ZERO: Final = Decimal(0)
_CLOSED: Final = "CLOSED"


class AccountReader:
    """Reads what is said of one account, whatever its markets are.

    Args:
        connector: name of the connector, which its instruments carry.
    """

    def __init__(self, connector: str) -> None:
        self._connector = connector

    def instrument(self, market: str) -> InstrumentId:
        """Name the instrument of a market."""
        return instrument_id(self._connector, market)

    def balance(self, balance: own.WireBalance) -> BalanceReport:
        """Report the collateral.

        Raises:
            RemoteError: a number makes no sense.
        """
        return BalanceReport(
            asset=balance.collateral_name[:32],
            equity=parse_decimal(balance.equity, "equity"),
            available=parse_decimal(balance.available_for_trade, "availableForTrade"),
            margin_used=_optional(balance.initial_margin, "initialMargin"),
            exchange_ns=balance.updated_time * NS_PER_MS or None,
        )

    def position(self, position: own.WirePosition) -> PositionReport:
        """Report a position; one that is closed has no size, whatever is said of it.

        Raises:
            RemoteError: a number makes no sense.
        """
        size = parse_decimal(position.size, "size")
        if size < 0:
            raise RemoteProtocolError(
                f"position in {position.market[:32]} is not usable", found=position.size, wanted="a size"
            )
        if position.status == _CLOSED:
            size = _ZERO
        return PositionReport(
            instrument=self.instrument(position.market),
            size=size if position.side == "LONG" else size.copy_negate(),
            entry_price=parse_decimal(position.open_price, "openPrice") if size else None,
            unrealised_pnl=_optional(position.unrealised_pnl, "unrealisedPnl"),
            liquidation_price=_optional(position.liquidation_price, "liquidationPrice") or None,
            margin_used=_optional(position.margin, "margin"),
            leverage=parse_decimal(position.leverage, "leverage"),
            exchange_ns=position.updated_at * NS_PER_MS or None,
        )

    def order(self, order: own.WireOrder) -> OrderReport:
        """Report one order in whatever state it is; one without a price (take-profit) has price zero.

        Raises:
            RemoteError: its state or its numbers make no sense.
        """
        state = STATES.get(order.status)
        if state is None:
            raise RemoteProtocolError("status of an order has no meaning here", found=order.status[:64])
        size = parse_decimal(order.qty, "qty")
        filled = _optional(order.filled_qty, "filledQty") or _ZERO
        price = _optional(order.price, "price") or _ZERO
        if not (price >= 0 and size >= 0 and filled >= 0):
            raise RemoteProtocolError(
                f"order {order.id} is not usable",
                found=f"{order.filled_qty} of {order.qty} at {order.price}",
                wanted="a price, and nothing below zero",
            )
        if state is OrderState.LIVE and filled > 0:
            state = OrderState.PARTIALLY_FILLED
        return OrderReport(
            instrument=self.instrument(order.market),
            client_order_id=own_id(order.external_id),
            venue_order_id=str(order.id),
            side=SIDES[order.side],
            price=price,
            size=size,
            filled_size=filled,
            state=state,
            reduce_only=order.reduce_only,
            exchange_ns=order.updated_time * NS_PER_MS or None,
        )

    def fill(
        self, trade: own.WireOwnTrade, *, client_order_id: ClientOrderId | None, is_replay: bool
    ) -> Fill:
        """Report one fill; it has the same id in an answer and on the stream.

        Args:
            trade: what happened.
            client_order_id: of its order, where that is known from elsewhere.
            is_replay: it is told again.

        Raises:
            RemoteError: a number makes no sense.
        """
        price, size = parse_decimal(trade.price, "price"), parse_decimal(trade.qty, "qty")
        if not (price > 0 and size > 0):
            raise RemoteProtocolError(
                f"fill {trade.id} is not usable",
                found=f"{trade.qty} at {trade.price}",
                wanted="both above zero",
            )
        spelled = trade.external_order_id or trade.external_id
        return Fill(
            instrument=self.instrument(trade.market),
            client_order_id=client_order_id if spelled is None else own_id(spelled),
            venue_order_id=str(trade.order_id),
            # Both sides of a trade with oneself may carry one number.
            trade_id=f"{trade.id}-{trade.side.lower()}",
            side=SIDES[trade.side],
            price=price,
            size=size,
            fee=parse_decimal(trade.fee, "fee"),
            liquidity=Liquidity.TAKER if trade.is_taker else Liquidity.MAKER,
            exchange_ns=trade.created_time * NS_PER_MS,
            is_replay=is_replay,
        )

    def funding(self, payments: Iterable[own.WireFundingPayment]) -> list[FundingPayment]:
        """Report funding: who is long pays while the rate is above zero, whatever sign the amount has.

        Raises:
            RemoteError: a number makes no sense.
        """
        return [self._payment(payment) for payment in payments]

    def _payment(self, payment: own.WireFundingPayment) -> FundingPayment:
        rate = parse_float(payment.funding_rate, "fundingRate")
        amount = parse_decimal(payment.funding_fee, "fundingFee").copy_abs()
        is_paid = (rate > 0) == (payment.side == "LONG")
        return FundingPayment(
            instrument=self.instrument(payment.market),
            amount=CONTEXT.minus(amount) if is_paid else amount,
            rate=rate,
            exchange_ns=payment.paid_time * NS_PER_MS,
        )


def own_id(external_id: str) -> ClientOrderId | None:
    """Return the client order id that this program made, None for every other."""
    return from_text(external_id)


def _optional(text: str | None, field: str) -> Decimal | None:
    return None if not text else parse_decimal(text, field)

"""The venue's statements about an account: balance, positions, orders, fills and funding become events.

Funding accrues each second and is realised when a position changes. Fills tell the same money once more,
which is not counted there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Final

from paraphina_core.connector import decode_json
from paraphina_core.domain import (
    CONTEXT,
    NS_PER_MS,
    BalanceReport,
    Event,
    Fill,
    FillsListed,
    FundingPayment,
    InstrumentId,
    Liquidity,
    ModifyRejected,
    OpenOrdersListed,
    OrderAccepted,
    OrderCancelled,
    OrderModified,
    OrderRejected,
    OrderReport,
    OrderState,
    OutcomeUnknown,
    PositionReport,
    PositionsListed,
    RemoteProtocolError,
    Side,
    from_text,
    parse_decimal,
)

from . import account_messages as own
from .refusals import NEVER_RESTED, Code, clean

_SIDES: Final[Mapping[str, Side]] = {"BUY": Side.BUY, "SELL": Side.SELL}
#: A new one has not been judged yet and may fill, so it counts as live.
_OPEN: Final = frozenset({"NEW", "OPEN", "UNTRIGGERED"})
_CLOSED: Final = "CLOSED"

#: Names the instrument of a market, None where it is none of those that are traded here.
InstrumentOf = Callable[[str], InstrumentId | None]


class AccountReader:
    """Reads what the venue says of one account.

    Args:
        instrument_of: names the markets.
    """

    def __init__(self, instrument_of: InstrumentOf) -> None:
        self._instrument_of = instrument_of

    # --- answers --------------------------------------------------------------------------------

    def balance(self, body: bytes) -> BalanceReport:
        """Turn the answer to `account`, or a message of its channel, into the balance.

        Raises:
            RemoteError: it is not what the venue documents.
        """
        told = decode_json(own.ACCOUNT, body, "account")
        required = told.initial_margin_requirement
        return BalanceReport(
            asset=told.settlement_asset,
            equity=parse_decimal(told.account_value, "account_value"),
            available=parse_decimal(told.free_collateral, "free_collateral"),
            margin_used=parse_decimal(required, "initial_margin_requirement") if required else None,
            exchange_ns=told.updated_at * NS_PER_MS or None,
        )

    def positions(self, body: bytes) -> PositionsListed:
        """Turn the answer to `positions` into the list of all.

        Raises:
            RemoteError: it is not what the venue documents.
        """
        told = decode_json(own.POSITIONS, body, "positions").results
        reports = [self._position(one) for one in told]
        return PositionsListed(positions=tuple(report for report in reports if report is not None))

    def open_orders(self, body: bytes) -> OpenOrdersListed:
        """Turn the answer to `orders` into the list of all open orders.

        Raises:
            RemoteError: it is not what the venue documents, or only the first page of a list.
        """
        told = decode_json(own.ORDERS, body, "orders")
        if told.next:
            raise RemoteProtocolError("the list of open orders has another page", found=len(told.results))
        reports = [self.report(order) for order in told.results if self._instrument_of(order.market)]
        return OpenOrdersListed(orders=tuple(one for one in reports if not one.state.is_final))

    def order(self, body: bytes) -> OrderReport:
        """Turn the answer to a question for one order into a report.

        Raises:
            RemoteError: it is not what the venue documents.
        """
        return self.report(decode_json(own.ORDER, body, "order"))

    def past_orders(self, body: bytes) -> Sequence[OrderReport]:
        """Turn the answer to `orders-history` into reports.

        Raises:
            RemoteError: it is not what the venue documents.
        """
        told = decode_json(own.ORDERS, body, "orders-history").results
        return [self.report(order) for order in told if self._instrument_of(order.market)]

    def fills(self, body: bytes, since_ns: int) -> FillsListed:
        """Turn the answer to `fills` into a list from a time on.

        Raises:
            RemoteError: it is not what the venue documents.
        """
        told = decode_json(own.FILLS, body, "fills")
        fills = [fill for one in told.results if (fill := self._fill(one, is_replay=True)) is not None]
        fills.sort(key=lambda fill: fill.exchange_ns or 0)
        return FillsListed(since_ns=since_ns, fills=tuple(fills), is_complete=not told.next)

    def payments(self, body: bytes) -> Sequence[FundingPayment]:
        """Turn the answer to `funding/payments` into payments.

        Raises:
            RemoteError: it is not what the venue documents.
        """
        told = decode_json(own.PAYMENTS, body, "funding payments").results
        return [paid for one in told if (paid := self._payment(one)) is not None]

    # --- messages -------------------------------------------------------------------------------

    def order_changed(self, data: bytes) -> Sequence[Event]:
        """Turn a message of `orders` into what became of an order.

        Raises:
            RemoteError: it is not what the venue documents.
        """
        told = decode_json(own.ORDER, data, "order")
        if self._instrument_of(told.market) is None:
            return ()
        report = self.report(told)
        asked = told.request_info
        if asked.request_type == "MODIFY_ORDER" and not report.state.is_final:
            return (_modified(report, asked),)
        return (self._became(report, told),) if told.status != "NEW" else ()

    def filled(self, data: bytes) -> Sequence[Event]:
        """Turn a message of `fills` into a fill.

        Raises:
            RemoteError: it is not what the venue documents.
        """
        fill = self._fill(decode_json(own.FILL, data, "fill"), is_replay=False)
        return () if fill is None else (fill,)

    def position_changed(self, data: bytes) -> Sequence[Event]:
        """Turn a message of `positions` into a report.

        Raises:
            RemoteError: it is not what the venue documents.
        """
        report = self._position(decode_json(own.POSITION, data, "position"))
        return () if report is None else (report,)

    def paid(self, data: bytes) -> Sequence[Event]:
        """Turn a message of `funding_payments` into a payment.

        Raises:
            RemoteError: it is not what the venue documents.
        """
        payment = self._payment(decode_json(own.PAYMENT, data, "funding payment"))
        return () if payment is None else (payment,)

    # --- parts ----------------------------------------------------------------------------------

    def report(self, order: own.WireOrder) -> OrderReport:
        """Report one order in whatever state it is.

        Raises:
            RemoteError: its state, market or numbers make no sense.
        """
        side, instrument = _SIDES.get(order.side), self._instrument_of(order.market)
        if side is None or instrument is None or order.status not in {*_OPEN, _CLOSED}:
            raise RemoteProtocolError("order has no meaning here", found=(order.status[:32], order.side[:8]))
        price, size = parse_decimal(order.price, "price"), parse_decimal(order.size, "size")
        filled = CONTEXT.subtract(size, parse_decimal(order.remaining_size, "remaining_size"))
        if not (price > 0 and size > 0 and filled >= 0):
            raise RemoteProtocolError(
                f"order {order.id[:64]} is not usable",
                found=f"{filled} of {size} at {price}",
                wanted="a price and a size above zero, and nothing below it filled",
            )
        return OrderReport(
            instrument=instrument,
            client_order_id=from_text(order.client_id),
            venue_order_id=order.id,
            side=side,
            price=price,
            size=size,
            filled_size=filled,
            state=_state(order, filled, size),
            reduce_only="REDUCE_ONLY" in order.flags,
            exchange_ns=order.last_updated_at * NS_PER_MS or None,
        )

    def _became(self, report: OrderReport, told: own.WireOrder) -> Event:
        reason = clean(told.cancel_reason)
        if report.state is OrderState.REJECTED:
            return OrderRejected(
                instrument=report.instrument,
                client_order_id=report.client_order_id,
                code=NEVER_RESTED.get(told.cancel_reason, Code.OTHER).value,
                reason=reason,
                exchange_ns=report.exchange_ns,
            )
        if report.state is OrderState.CANCELLED:
            return OrderCancelled(
                instrument=report.instrument,
                client_order_id=report.client_order_id,
                venue_order_id=report.venue_order_id,
                reason=reason,
                filled_size=report.filled_size,
                exchange_ns=report.exchange_ns,
            )
        # A filled one as well: its fills are booked from the channel that has their ids and fees.
        return OrderAccepted(
            instrument=report.instrument,
            client_order_id=report.client_order_id,
            venue_order_id=report.venue_order_id,
            exchange_ns=report.exchange_ns,
        )

    def _fill(self, fill: own.WireFill, *, is_replay: bool) -> Fill | None:
        instrument, side = self._instrument_of(fill.market), _SIDES.get(fill.side)
        if instrument is None:
            return None
        price, size = parse_decimal(fill.price, "price"), parse_decimal(fill.size, "size")
        if side is None or not (price > 0 and size > 0) or fill.liquidity not in {"MAKER", "TAKER"}:
            raise RemoteProtocolError(
                f"fill {fill.id[:64]} is not usable",
                found=f"{fill.side[:8]} {size} at {price}, {fill.liquidity[:8]}",
                wanted="a side, a price and a size above zero, and whose it was",
            )
        return Fill(
            instrument=instrument,
            client_order_id=from_text(fill.client_id),
            venue_order_id=fill.order_id,
            trade_id=fill.id,
            side=side,
            price=price,
            size=size,
            fee=parse_decimal(fill.fee, "fee"),
            liquidity=Liquidity.MAKER if fill.liquidity == "MAKER" else Liquidity.TAKER,
            exchange_ns=fill.created_at * NS_PER_MS,
            is_replay=is_replay,
        )

    def _position(self, position: own.WirePosition) -> PositionReport | None:
        instrument = self._instrument_of(position.market)
        if instrument is None:
            return None
        size = parse_decimal(position.size, "size").copy_abs()
        if position.status == _CLOSED:
            size = Decimal(0)
        if position.side not in {"LONG", "SHORT"}:
            raise RemoteProtocolError("position has no side", found=position.side[:16])
        entry = _amount(position.average_entry_price, "average_entry_price")
        liquidation = _amount(position.liquidation_price, "liquidation_price")
        return PositionReport(
            instrument=instrument,
            size=size.copy_negate() if position.side == "SHORT" and size else size,
            entry_price=entry if size and entry else None,
            unrealised_pnl=_amount(position.unrealized_pnl, "unrealized_pnl"),
            liquidation_price=liquidation or None,
            exchange_ns=position.last_updated_at * NS_PER_MS or None,
        )

    def _payment(self, payment: own.WirePayment) -> FundingPayment | None:
        instrument = self._instrument_of(payment.market)
        if instrument is None:
            return None
        return FundingPayment(
            instrument=instrument,
            amount=parse_decimal(payment.payment, "payment"),
            rate=0.0,  # what is realised has accrued at many rates
            exchange_ns=payment.created_at * NS_PER_MS,
        )


def _state(order: own.WireOrder, filled: Decimal, size: Decimal) -> OrderState:
    if order.status != _CLOSED:
        return OrderState.PARTIALLY_FILLED if filled else OrderState.LIVE
    if filled >= size:
        return OrderState.FILLED
    if not filled and order.cancel_reason in NEVER_RESTED:
        return OrderState.REJECTED
    return OrderState.CANCELLED


def _modified(report: OrderReport, asked: own.RequestInfo) -> Event:
    """Say how a change has ended: its order's message settles it, and not the answer."""
    if asked.status == "SUCCESS":
        return (
            OrderModified(
                instrument=report.instrument,
                client_order_id=report.client_order_id,
                venue_order_id=report.venue_order_id,
                price=report.price,
                size=report.size,
                exchange_ns=report.exchange_ns,
            )
            if report.client_order_id is not None
            else OrderAccepted(
                instrument=report.instrument,
                client_order_id=None,
                venue_order_id=report.venue_order_id,
            )
        )
    if asked.status == "REJECTED":
        return ModifyRejected(
            instrument=report.instrument,
            client_order_id=report.client_order_id,
            venue_order_id=report.venue_order_id,
            code=Code.OTHER.value,
            reason=clean(asked.message),
        )
    return OutcomeUnknown(
        instrument=report.instrument,
        client_order_id=report.client_order_id,
        reason=f"a change is told to be {clean(asked.status)}",
    )


def _amount(text: str, what: str) -> Decimal | None:
    return parse_decimal(text, what) if text else None

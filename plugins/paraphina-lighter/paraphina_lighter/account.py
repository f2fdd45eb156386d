"""The venue's statements about an account: balance, positions, orders, fills and funding become events.

An order cannot be told from another program's by its index alone, for all indexes of 48 bits are alike. The
core knows which it has given out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Final

from paraphina_core.connector import decode_json
from paraphina_core.domain import (
    CONTEXT,
    NS_PER_MS,
    NS_PER_S,
    BalanceReport,
    ClientOrderId,
    Event,
    Fill,
    FillsListed,
    FundingPayment,
    InstrumentId,
    Liquidity,
    NonceReport,
    OpenOrdersListed,
    OrderAccepted,
    OrderCancelled,
    OrderExpired,
    OrderRejected,
    OrderReport,
    OrderState,
    OutcomeUnknown,
    PositionReport,
    PositionsListed,
    RemoteProtocolError,
    Side,
    parse_decimal,
)

from . import account_messages as own
from . import funding
from .changes import Changes
from .instruments import QUOTE
from .refusals import Code
from .statuses import state_of
from .transactions import MAX_INDEX
from .words import clean

#: Times before this, in milliseconds of 1973, are seconds.
_FIRST_MS: Final = 100_000_000_000
_NS_PER_US: Final = 1_000
_MILLIONTH: Final = Decimal("0.000001")

#: Gives the instrument of a market, None where it is no perpetual that the venue lists.
InstrumentOf = Callable[[int], InstrumentId | None]


class AccountReader:
    """Reads what the venue says of one account.

    Args:
        account_index: the account; what is said of another one is an error.
        instrument_of: names the markets.
        changes: those of own orders that were sent.
    """

    def __init__(
        self, account_index: int, instrument_of: InstrumentOf, changes: Changes | None = None
    ) -> None:
        self._account = account_index
        self._instrument_of = instrument_of
        self._changes = Changes() if changes is None else changes

    # --- answers --------------------------------------------------------------------------------

    def account(self, body: bytes) -> Sequence[Event]:
        """Turn the answer to `account` into the balance and every position.

        Raises:
            RemoteError: it is not what the venue documents, or of another account.
        """
        accounts = decode_json(own.ACCOUNT_ANSWER, body, "account").accounts
        if [each.index for each in accounts] != [self._account]:
            told = ", ".join(str(each.index) for each in accounts[:3])
            raise RemoteProtocolError("answer is about others", found=told, wanted=str(self._account))
        (found,) = accounts
        required = found.cross_initial_margin_requirement
        balance = BalanceReport(
            asset=QUOTE,
            equity=parse_decimal(found.total_asset_value, "total_asset_value"),
            available=parse_decimal(found.available_balance, "available_balance"),
            margin_used=None if required is None else parse_decimal(required, "margin requirement"),
        )
        return (balance, PositionsListed(positions=tuple(self._positions(found.positions or ()))))

    def open_orders(self, body: bytes) -> Sequence[Event]:
        """Turn the answer to `accountActiveOrders` into the list of all open orders.

        Raises:
            RemoteError: it is not what the venue documents, or only the first page of a list.
        """
        answer = decode_json(own.ORDERS_ANSWER, body, "accountActiveOrders")
        orders = answer.orders or ()
        if answer.next_cursor:
            raise RemoteProtocolError("the list of open orders has another page", found=len(orders))
        reports = [self.report(order) for order in orders if self._instrument_of(order.market_index)]
        return (OpenOrdersListed(orders=tuple(report for report in reports if not report.state.is_final)),)

    def reports(self, body: bytes) -> Sequence[OrderReport]:
        """Turn the answer to `accountInactiveOrders`, which begins with the latest, into reports.

        Raises:
            RemoteError: it is not what the venue documents.
        """
        orders = decode_json(own.ORDERS_ANSWER, body, "accountInactiveOrders").orders or ()
        return [self.report(order) for order in orders if self._instrument_of(order.market_index)]

    def fills(self, body: bytes, since_ns: int) -> Sequence[Event]:
        """Turn the answer to `trades`, which begins with the latest, into a list from a time on.

        A page that does not reach back to that time is not complete.

        Raises:
            RemoteError: it is not what the venue documents.
        """
        answer = decode_json(own.TRADES_ANSWER, body, "trades")
        fills = [fill for trade in answer.trades or () for fill in self._fills(trade, is_replay=True)]
        reaches_back = any((fill.exchange_ns or 0) < since_ns for fill in fills)
        listed = [fill for fill in fills if (fill.exchange_ns or 0) >= since_ns]
        listed.sort(key=lambda fill: fill.exchange_ns or 0)
        is_complete = reaches_back or not answer.next_cursor
        return (FillsListed(since_ns=since_ns, fills=tuple(listed), is_complete=is_complete),)

    def fundings(self, body: bytes) -> Sequence[FundingPayment]:
        """Turn the answer to `positionFunding` into payments.

        Raises:
            RemoteError: it is not what the venue documents.
        """
        entries = decode_json(own.FUNDING_ANSWER, body, "positionFunding").position_fundings or ()
        return [
            FundingPayment(
                instrument=instrument,
                amount=parse_decimal(entry.change, "change"),
                rate=funding.of_market(entry.rate),
                exchange_ns=_time_ns(entry.timestamp),
            )
            for entry in entries
            if (instrument := self._instrument_of(entry.market_id)) is not None
        ]

    def nonce(self, body: bytes) -> Sequence[Event]:
        """Turn the answer to `nextNonce` into the number that the next transaction must have.

        Raises:
            RemoteError: it is not what the venue documents.
        """
        return (NonceReport(next_nonce=decode_json(own.NONCE_ANSWER, body, "nextNonce").nonce),)

    # --- messages -------------------------------------------------------------------------------

    def orders_changed(self, frame: bytes) -> Sequence[Event]:
        """Turn a message of `account_all_orders` or `account_orders` into what became of each order.

        Raises:
            RemoteError: it is not what the venue documents.
        """
        markets = decode_json(own.ORDERS_MESSAGE, frame, "orders").orders or {}
        orders = [order for listed in markets.values() for order in listed or ()]
        return [self._changed(order) for order in orders if self._instrument_of(order.market_index)]

    def traded(self, frame: bytes, *, is_replay: bool) -> Sequence[Event]:
        """Turn a message of `account_all_trades` into fills.

        Raises:
            RemoteError: it is not what the venue documents; then no fill of it is believed.
        """
        markets = decode_json(own.OWN_TRADES_MESSAGE, frame, "trades").trades or {}
        trades = [trade for listed in markets.values() for trade in listed or ()]
        return [fill for trade in trades for fill in self._fills(trade, is_replay=is_replay)]

    def positions_changed(self, frame: bytes) -> Sequence[Event]:
        """Turn a message of `account_all_positions` into reports; one that is not named has not changed.

        Raises:
            RemoteError: it is not what the venue documents.
        """
        positions = decode_json(own.POSITIONS_MESSAGE, frame, "positions").positions or {}
        return self._positions(positions.values())

    def worth_changed(self, frame: bytes) -> Sequence[Event]:
        """Turn a message of `user_stats` into the balance.

        Raises:
            RemoteError: it is not what the venue documents.
        """
        message = decode_json(own.USER_STATS_MESSAGE, frame, "user_stats")
        balance = BalanceReport(
            asset=QUOTE,
            equity=parse_decimal(message.stats.portfolio_value, "portfolio_value"),
            available=parse_decimal(message.stats.available_balance, "available_balance"),
            exchange_ns=None if message.timestamp is None else message.timestamp * NS_PER_MS,
        )
        return (balance,)

    # --- parts ----------------------------------------------------------------------------------

    def report(self, order: own.WireOrder) -> OrderReport:
        """Report one order in whatever state it is.

        Raises:
            RemoteError: its state, market or numbers make no sense.
        """
        state, instrument = state_of(order.status), self._instrument_of(order.market_index)
        if state is None or instrument is None:
            raise RemoteProtocolError("order has no meaning here", found=order.status[:64])
        size = parse_decimal(order.initial_base_amount, "initial_base_amount")
        filled = parse_decimal(order.filled_base_amount, "filled_base_amount")
        price = parse_decimal(order.price, "price")
        if not (price > 0 and filled >= 0 and size > 0):  # more than its size is the core's to judge
            raise RemoteProtocolError(
                f"order {order.order_index} is not usable",
                found=f"{filled} of {size} at {price}",
                wanted="a price and a size above zero, and nothing below it filled",
            )
        if state is OrderState.LIVE and filled > 0:
            state = OrderState.PARTIALLY_FILLED
        return OrderReport(
            instrument=instrument,
            client_order_id=_own_id(order.client_order_index),
            venue_order_id=str(order.order_index),
            side=Side.SELL if order.is_ask else Side.BUY,
            price=price,
            size=size,
            filled_size=filled,
            state=state,
            reduce_only=order.reduce_only,
            exchange_ns=_order_ns(order),
        )

    def _changed(self, order: own.WireOrder) -> Event:
        if state_of(order.status) is None:
            return OutcomeUnknown(
                instrument=self._instrument_of(order.market_index) or InstrumentId(""),
                client_order_id=_own_id(order.client_order_index),
                reason=clean(f"its status is {order.status}, which has no meaning here"),
            )
        report = self.report(order)
        match report.state:
            case OrderState.REJECTED if not report.filled_size:
                return OrderRejected(
                    instrument=report.instrument,
                    client_order_id=report.client_order_id,
                    code=Code.POST_ONLY_CROSSED.value,
                    reason=clean(order.status),
                    exchange_ns=report.exchange_ns,
                )
            case OrderState.CANCELLED | OrderState.REJECTED:
                return OrderCancelled(
                    instrument=report.instrument,
                    client_order_id=report.client_order_id,
                    venue_order_id=report.venue_order_id,
                    reason=clean(order.status),
                    filled_size=report.filled_size,
                    exchange_ns=report.exchange_ns,
                )
            case OrderState.EXPIRED:
                return OrderExpired(
                    instrument=report.instrument,
                    client_order_id=report.client_order_id,
                    venue_order_id=report.venue_order_id,
                    filled_size=report.filled_size,
                    exchange_ns=report.exchange_ns,
                )
            case _:
                changed = self._changes.told(report)
                if changed is not None:
                    return changed
                # A filled one as well: its fills are booked from the channel that has their ids and fees.
                return OrderAccepted(
                    instrument=report.instrument,
                    client_order_id=report.client_order_id,
                    venue_order_id=report.venue_order_id,
                    exchange_ns=report.exchange_ns,
                )

    def _fills(self, trade: own.WireOwnTrade, *, is_replay: bool) -> Sequence[Fill]:
        """Return the account's side of a trade, or both of them where it traded with itself."""
        instrument = self._instrument_of(trade.market_id)
        if instrument is None:
            return ()
        sides = [
            side
            for side, account in ((Side.SELL, trade.ask_account_id), (Side.BUY, trade.bid_account_id))
            if account == self._account
        ]
        if not sides:
            raise RemoteProtocolError("trade is of other accounts", found=trade.trade_id)
        return [self._fill(instrument, trade, side, is_replay=is_replay) for side in sides]

    def _fill(
        self, instrument: InstrumentId, trade: own.WireOwnTrade, side: Side, *, is_replay: bool
    ) -> Fill:
        is_ask = side is Side.SELL
        is_maker = trade.is_maker_ask == is_ask
        price, size = parse_decimal(trade.price, "price"), parse_decimal(trade.size, "size")
        if not (price > 0 and size > 0):
            raise RemoteProtocolError(
                f"fill {trade.trade_id} is not usable", found=f"{size} at {price}", wanted="both above zero"
            )
        millionths = Decimal(trade.maker_fee if is_maker else trade.taker_fee)
        value = parse_decimal(trade.usd_amount, "usd_amount")
        micros = trade.transaction_time
        return Fill(
            instrument=instrument,
            client_order_id=_own_id(trade.ask_client_id if is_ask else trade.bid_client_id),
            venue_order_id=str(trade.ask_id if is_ask else trade.bid_id),
            trade_id=f"{trade.trade_id}-{'s' if is_ask else 'b'}",
            side=side,
            price=price,
            size=size,
            fee=CONTEXT.multiply(value, CONTEXT.multiply(millionths, _MILLIONTH)),
            liquidity=Liquidity.MAKER if is_maker else Liquidity.TAKER,
            exchange_ns=micros * _NS_PER_US if micros else trade.timestamp * NS_PER_MS,
            is_replay=is_replay,
        )

    def _positions(self, positions: Iterable[own.WirePosition]) -> list[PositionReport]:
        return [
            self._position(instrument, position)
            for position in positions
            if (instrument := self._instrument_of(position.market_id)) is not None
        ]

    def _position(self, instrument: InstrumentId, position: own.WirePosition) -> PositionReport:
        size = parse_decimal(position.position, "position")
        if size < 0 or (size > 0 and not position.sign):
            raise RemoteProtocolError(
                f"position in {position.symbol[:32]} is not usable",
                found=f"{position.sign} times {size}",
                wanted="a size, and which side it is",
            )
        entry = parse_decimal(position.avg_entry_price, "avg_entry_price")
        liquidation = parse_decimal(position.liquidation_price, "liquidation_price")
        return PositionReport(
            instrument=instrument,
            size=CONTEXT.multiply(size, Decimal(position.sign)),
            entry_price=entry if size and entry > 0 else None,
            unrealised_pnl=parse_decimal(position.unrealized_pnl, "unrealized_pnl"),
            # Zero and less mean that no price of the market would be reached.
            liquidation_price=liquidation if liquidation > 0 else None,
        )


def _own_id(index: int) -> ClientOrderId | None:
    """Return a client order index as an id; zero is none, and what is longer is not of this program."""
    return ClientOrderId(index) if 0 < index <= MAX_INDEX else None


def _order_ns(order: own.WireOrder) -> int:
    if order.transaction_time:
        return order.transaction_time * _NS_PER_US
    return _time_ns(order.updated_at or order.timestamp)


def _time_ns(stated: int) -> int:
    return stated * (NS_PER_S if stated < _FIRST_MS else NS_PER_MS)

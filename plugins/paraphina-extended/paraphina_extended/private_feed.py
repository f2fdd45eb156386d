"""The account's stream: the only place that says what becomes of orders, since order entry is asynchronous.

A connection begins with everything that there is and goes on with what changes; its messages are numbered,
and after a hole it is opened anew. Fills come beside the orders that they fill, in either order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from paraphina_core.connector import decode_json
from paraphina_core.domain import (
    ClientOrderId,
    Event,
    ModifyRejected,
    OrderAccepted,
    OrderCancelled,
    OrderExpired,
    OrderModified,
    OrderRejected,
    OrderReport,
    OrderState,
    OutcomeUnknown,
    Resubscribe,
    VenueNotice,
)

from . import account_messages as own
from .account import AccountReader, own_id
from .changes import Changes, Standing
from .statuses import ORDER_REPLACED, STATES, rejection_code
from .words import clean

#: Types of messages that are noticed because nothing reads them.
MAX_UNKNOWN_TYPES: Final = 100

_LIQUIDATION: Final = "LIQUIDATION"


class PrivateFeed:
    """Reads the account's stream over all its connections.

    Args:
        stream: its name in the plan.
        reader: of the account.
        changes: what is known of own orders.
    """

    def __init__(self, stream: str, reader: AccountReader, changes: Changes) -> None:
        self._stream = stream
        self._reader = reader
        self._changes = changes
        self._last: int | None = None
        self._unknown: set[str] = set()

    def begin(self) -> None:
        """Begin anew: the connection is another one."""
        self._last = None

    def read(self, frame: bytes) -> Sequence[Event]:
        """Turn one message into events.

        Raises:
            RemoteError: the message is not what the venue documents; nothing of it is believed.
        """
        message = decode_json(own.ACCOUNT_MESSAGE, frame, "Extended account message")
        last, seq = self._last, message.seq
        if last is not None and seq <= last:
            return ()  # the same message again, or one that a later one has overtaken
        data = message.data
        events = [
            *self._orders(data.orders or ()),
            *self._fills(data.trades or (), is_replay=data.is_snapshot),
            *(self._reader.position(position) for position in data.positions or ()),
        ]
        if data.balance is not None:
            events.append(self._reader.balance(data.balance))
        self._last = seq
        if last is not None and seq > last + 1:
            reason = f"message {last + 1} of the account is missing, {seq} came"
            events.append(Resubscribe(stream=self._stream, reason=reason))
        return events or self._unread(message)

    # --- orders -----------------------------------------------------------------------------------

    def _orders(self, orders: Iterable[own.WireOrder]) -> list[Event]:
        # Read before any of them is believed: half a message is no statement.
        read = [(order, self._reader.order(order) if order.status in STATES else None) for order in orders]
        return [event for order, report in read for event in self._order(order, report)]

    def _order(self, order: own.WireOrder, report: OrderReport | None) -> Iterator[Event]:
        client_order_id = own_id(order.external_id)
        if report is None:
            yield OutcomeUnknown(
                instrument=self._reader.instrument(order.market),
                client_order_id=client_order_id,
                reason=clean(f"its status is {order.status}, which has no meaning here"),
            )
            return
        if client_order_id is None:
            yield from _told(report, order.status_reason, is_changed=False)
            return
        self._changes.numbered(client_order_id, report.venue_order_id)
        match self._changes.place_of(client_order_id, order.external_id):
            case Standing.SUCCESSOR:
                yield from self._successor(order, report, client_order_id)
            case Standing.CONTESTED if report.state in _GONE:
                # Replaced, its successor tells; otherwise both may be gone, which only a question tells.
                if order.status_reason != ORDER_REPLACED:
                    yield _doubt(report, f"{order.status} while a change of it is on its way")
            case Standing.PAST:
                yield from self._past(order, report, client_order_id)
            case _:
                is_changed = self._changes.is_changed(client_order_id)
                yield from _told(report, order.status_reason, is_changed=is_changed)

    def _successor(
        self, order: own.WireOrder, report: OrderReport, client_order_id: ClientOrderId
    ) -> Iterator[Event]:
        """Tell what becomes of a change: refused by the matching engine, it takes the old order with it."""
        if report.state is OrderState.REJECTED:
            self._changes.failed(client_order_id, order.external_id)
            reason = order.status_reason or order.status
            yield ModifyRejected(
                instrument=report.instrument,
                client_order_id=client_order_id,
                venue_order_id=report.venue_order_id,
                code=rejection_code(order.status_reason).value,
                reason=clean(f"{reason}; the order before may be gone too"),
            )
            return
        command = self._changes.succeeded(client_order_id, order.external_id)
        yield OrderModified(
            instrument=report.instrument,
            client_order_id=client_order_id,
            venue_order_id=report.venue_order_id,
            price=command.price,
            size=command.size,
            exchange_ns=report.exchange_ns,
        )
        if report.state in _GONE:
            yield from _told(report, order.status_reason, is_changed=True)

    def _past(
        self, order: own.WireOrder, report: OrderReport, client_order_id: ClientOrderId
    ) -> Iterator[Event]:
        """Learn of a change that was not sent here: an earlier run made it."""
        if not report.state.is_final and not self._changes.is_changed(client_order_id):
            self._changes.found(client_order_id, order.external_id)
            yield from _told(report, order.status_reason, is_changed=True)

    # --- fills ------------------------------------------------------------------------------------

    def _fills(self, trades: Iterable[own.WireOwnTrade], *, is_replay: bool) -> Iterator[Event]:
        fills = [
            self._reader.fill(
                trade,
                client_order_id=self._changes.of_venue_id(str(trade.order_id)),
                is_replay=is_replay,
            )
            for trade in trades
        ]
        for trade, fill in zip(trades, fills, strict=True):
            self._changes.filled(fill)
            yield fill
            if trade.trade_type == _LIQUIDATION:
                text = f"{trade.market} was liquidated: {trade.side} {trade.qty} at {trade.price}"
                yield VenueNotice(code="liquidation", text=clean(text))

    def _unread(self, message: own.AccountMessage) -> Sequence[Event]:
        kind = message.type
        if kind in own.ACCOUNT_TYPES or kind in self._unknown or len(self._unknown) >= MAX_UNKNOWN_TYPES:
            return ()
        self._unknown.add(kind)
        return (VenueNotice(code="unknown_type", text=clean(f"account message {kind!r} is not read")),)


_GONE: Final = frozenset({OrderState.CANCELLED, OrderState.EXPIRED, OrderState.REJECTED})


def _told(report: OrderReport, reason: str | None, *, is_changed: bool) -> Iterator[Event]:
    """Tell what has become of an order.

    One that has filled is told as accepted: its fills are booked from the messages that have their ids and
    fees. Of an order that was changed, the venue says only what the last one under our id has filled.
    """
    filled_size = None if is_changed else report.filled_size
    match report.state:
        case OrderState.REJECTED if not report.filled_size and not is_changed:
            yield OrderRejected(
                instrument=report.instrument,
                client_order_id=report.client_order_id,
                code=rejection_code(reason).value,
                reason=clean(reason or "REJECTED"),
                exchange_ns=report.exchange_ns,
            )
        case OrderState.CANCELLED | OrderState.REJECTED:
            yield OrderCancelled(
                instrument=report.instrument,
                client_order_id=report.client_order_id,
                venue_order_id=report.venue_order_id,
                reason=clean(reason or "cancelled"),
                filled_size=filled_size,
                exchange_ns=report.exchange_ns,
            )
        case OrderState.EXPIRED:
            yield OrderExpired(
                instrument=report.instrument,
                client_order_id=report.client_order_id,
                venue_order_id=report.venue_order_id,
                filled_size=filled_size,
                exchange_ns=report.exchange_ns,
            )
        case _:
            yield OrderAccepted(
                instrument=report.instrument,
                client_order_id=report.client_order_id,
                venue_order_id=report.venue_order_id,
                exchange_ns=report.exchange_ns,
            )


def _doubt(report: OrderReport, reason: str) -> OutcomeUnknown:
    return OutcomeUnknown(
        instrument=report.instrument, client_order_id=report.client_order_id, reason=clean(reason)
    )

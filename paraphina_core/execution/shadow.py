"""The shadow route: records every order that would have been sent, with the market at that moment.

Orders are acknowledged and rest until they are cancelled, so that the planner goes on as it would;
they never fill, because nothing proves that they would have. The record holds what it takes to judge
them afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import TypeAlias

import msgspec

from paraphina_core.domain import (
    CancelOrder,
    CancelRejected,
    ClientOrderId,
    Event,
    InstrumentId,
    Level,
    MarketEvent,
    ModifyOrder,
    ModifyRejected,
    OrderAccepted,
    OrderCancelled,
    OrderModified,
    OrderRejected,
    PlaceOrder,
    TimeInForce,
)
from paraphina_core.market import Book, BookState

from .entry import MAX_RESTING_ORDERS, RejectCode
from .route import RouteCommand


class ShadowOrder(msgspec.Struct, frozen=True, kw_only=True):
    """An order that would have been sent, and the market it would have met.

    `fair_value` is the microprice. Prices are None while the book is not live or never arrived.
    """

    order: PlaceOrder
    best_bid: Level | None
    best_ask: Level | None
    fair_value: float | None


Record: TypeAlias = Callable[[ShadowOrder, int], None]


class ShadowRecorder:
    """Takes orders nowhere; an `OrderRoute`.

    Args:
        record: is given each order with the session time at which it would have left.
    """

    def __init__(self, record: Record) -> None:
        self._record = record
        self._books: dict[InstrumentId, Book] = {}
        self._orders: dict[ClientOrderId, PlaceOrder] = {}
        self._answers: list[Event] = []
        self._since_ns = 0

    def submit(self, command: RouteCommand, at_ns: int) -> None:
        """Record an order or forget cancelled ones; the answers are due at once."""
        self._since_ns = at_ns
        if isinstance(command, PlaceOrder):
            self._place(command, at_ns)
        elif isinstance(command, CancelOrder):
            self._cancel(command)
        elif isinstance(command, ModifyOrder):
            self._modify(command, at_ns)
        else:
            for order in tuple(self._orders.values()):
                if command.instrument in {None, order.instrument}:
                    self._end(order, "cancelled with all")

    def flush(self, at_ns: int) -> None:
        """Nothing waits: nothing is sent."""

    def on_market(self, event: MarketEvent, book: Book, at_ns: int) -> Sequence[Event]:
        """Remember the book, to read it when an order comes."""
        self._books[book.instrument] = book
        return self.advance(at_ns)

    def advance(self, at_ns: int) -> Sequence[Event]:
        """Return the answers to everything submitted."""
        if not self._answers:
            return ()
        answers, self._answers = self._answers, []
        return answers

    def next_due_ns(self) -> int | None:
        """Return the time of the last command while its answer waits, else None."""
        return self._since_ns if self._answers else None

    def _seen(self, order: PlaceOrder) -> ShadowOrder:
        book = self._books.get(order.instrument)
        if book is None or book.state is not BookState.LIVE:
            return ShadowOrder(order=order, best_bid=None, best_ask=None, fair_value=None)
        return ShadowOrder(
            order=order,
            best_bid=_plain(book.best_bid),
            best_ask=_plain(book.best_ask),
            fair_value=book.microprice,
        )

    def _place(self, order: PlaceOrder, at_ns: int) -> None:
        self._record(self._seen(order), at_ns)
        if order.client_order_id in self._orders:
            self._reject(order, RejectCode.DUPLICATE_CLIENT_ORDER_ID, f"{order.client_order_id} is live")
            return
        if len(self._orders) >= MAX_RESTING_ORDERS:
            self._reject(order, RejectCode.OPEN_ORDERS_LIMIT, f"{len(self._orders)} orders rest")
            return
        self._orders[order.client_order_id] = order
        self._answers.append(
            OrderAccepted(
                instrument=order.instrument,
                client_order_id=order.client_order_id,
                venue_order_id=_venue_id(order),
            )
        )
        if order.time_in_force is TimeInForce.IOC:
            self._end(order, "immediate or cancel")

    def _reject(self, order: PlaceOrder, code: RejectCode, reason: str) -> None:
        self._answers.append(
            OrderRejected(
                instrument=order.instrument,
                client_order_id=order.client_order_id,
                code=code.value,
                reason=reason,
            )
        )

    def _cancel(self, command: CancelOrder) -> None:
        order = self._orders.get(command.client_order_id)
        if order is not None and order.instrument == command.instrument:
            self._end(order, "cancelled on request")
            return
        self._answers.append(
            CancelRejected(
                instrument=command.instrument,
                client_order_id=command.client_order_id,
                venue_order_id=command.venue_order_id,
                code=RejectCode.ORDER_NOT_FOUND.value,
                reason="no such order is live",
            )
        )

    def _modify(self, command: ModifyOrder, at_ns: int) -> None:
        """Record the order with its new terms, as one that would have been sent."""
        order = self._orders.get(command.client_order_id)
        if order is None or order.instrument != command.instrument:
            self._answers.append(
                ModifyRejected(
                    instrument=command.instrument,
                    client_order_id=command.client_order_id,
                    venue_order_id=command.venue_order_id,
                    code=RejectCode.ORDER_NOT_FOUND.value,
                    reason="no such order is live",
                )
            )
            return
        changed = msgspec.structs.replace(order, price=command.price, size=command.size)
        self._record(self._seen(changed), at_ns)
        self._orders[order.client_order_id] = changed
        self._answers.append(
            OrderModified(
                instrument=command.instrument,
                client_order_id=command.client_order_id,
                venue_order_id=_venue_id(order),
                price=command.price,
                size=command.size,
            )
        )

    def _end(self, order: PlaceOrder, reason: str) -> None:
        del self._orders[order.client_order_id]
        self._answers.append(
            OrderCancelled(
                instrument=order.instrument,
                client_order_id=order.client_order_id,
                venue_order_id=_venue_id(order),
                reason=reason,
                filled_size=Decimal(0),
            )
        )


def _plain(level: Level | None) -> Level | None:
    """Return the level without the venue's own names for price and size, which no record shows."""
    return None if level is None else Level(level.price, level.size)


def _venue_id(order: PlaceOrder) -> str:
    return f"shadow-{order.client_order_id}"

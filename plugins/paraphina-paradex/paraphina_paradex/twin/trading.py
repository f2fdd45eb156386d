"""Order entry of the twin: a request is taken in at once, the engine judges it a moment later.

What the API lets through is NEW and may still be closed unfilled; then only the account's stream tells.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from decimal import Decimal
from typing import Final

from paraphina_core.domain import (
    CONTEXT,
    NS_PER_MS,
    InstrumentId,
    LocalError,
    OrderState,
    Side,
    TimeInForce,
    TradingStatus,
)
from paraphina_core.twin import Exchange, NewOrder, RejectCode, Rejection

from . import wire
from .members import Member
from .records import Record, Records
from .refusals import Refused
from .sessions import Logins, verified
from .universe import MAX_OPEN_ORDERS, PRICE_BAND, Universe

#: What lies between the API and the matching engine.
ENGINE_NS: Final = 3 * NS_PER_MS
#: How far the time that an order is signed with may be off.
MAX_SKEW_MS: Final = 300_000

_SIDES: Final = {"BUY": Side.BUY, "SELL": Side.SELL}
_INSTRUCTIONS: Final = frozenset({"GTC", "POST_ONLY", "IOC"})
_ONE: Final = Decimal(1)
#: The engine's words for a refusal of the exchange.
_REASONS: Final = {
    RejectCode.POST_ONLY_WOULD_CROSS: "POST_ONLY_WOULD_CROSS",
    RejectCode.REDUCE_ONLY_WOULD_INCREASE: "REDUCE_ONLY_WOULD_INCREASE",
    RejectCode.INSUFFICIENT_MARGIN: "NOT_ENOUGH_MARGIN",
}

#: Told of each order that the engine refuses or changes; the second is the request that this answers.
Told = Callable[[Record, dict[str, str] | None], None]


class Trading:
    """Acts on an exchange for one member at a time.

    Args:
        exchange: where it acts.
        universe: what can be traded.
        records: every order.
        logins: hash what members sign.
        on_changed: is told of what the engine does besides matching.
    """

    def __init__(
        self, exchange: Exchange, universe: Universe, records: Records, logins: Logins, on_changed: Told
    ) -> None:
        self._exchange = exchange
        self._universe = universe
        self._records = records
        self._logins = logins
        self._on_changed = on_changed
        self._queue: deque[tuple[int, Callable[[int], None]]] = deque()

    def next_due_ns(self) -> int | None:
        """Return when the engine acts next."""
        return self._queue[0][0] if self._queue else None

    def advance(self, at_ns: int) -> None:
        """Let the engine act."""
        while self._queue and self._queue[0][0] <= at_ns:
            self._queue.popleft()[1](at_ns)

    # --- placing and changing ---------------------------------------------------------------------

    def place(self, member: Member, order: wire.Order, at_ns: int) -> Record:
        """Judge an order as the API does, and hand it to the engine.

        Raises:
            Refused: by the API; nothing has changed.
        """
        instrument, price, size = self._terms(order, at_ns)
        digest = self._logins.account(member).order(
            order.market, _SIDES[order.side], size, price, at_ms=order.signature_timestamp
        )
        if not verified(member, digest, order.signature):
            raise Refused("INVALID_ORDER_SIGNATURE", "signature is not the key's")
        if order.instruction not in _INSTRUCTIONS:
            raise Refused("VALIDATION_ERROR", "instruction is not part of this twin")
        known = self._records.by_text(member.name, order.client_id) if order.client_id else None
        if known is not None and known.is_open:
            raise Refused("DUPLICATED_CLIENT_ID", "client id is used by an open order")
        account = self._exchange.account(member.name)
        if sum(one.instrument == instrument for one in account.orders.values()) >= MAX_OPEN_ORDERS:
            raise Refused("MAX_OPEN_ORDERS_EXCEEDED", "too many open orders")
        venue_ns = self._exchange.clock.venue_ns(at_ns)
        record = Record(
            number=self._records.number(venue_ns),
            text=order.client_id,
            account=member.name,
            market=order.market,
            instrument=instrument,
            side=_SIDES[order.side],
            price=price,
            size=size,
            remaining=size,
            changed_ns=venue_ns,
            instruction=order.instruction,
            reduce_only="REDUCE_ONLY" in (order.flags or ()),
        )
        self._judge_status(instrument, record)
        self._records.add(record)
        self._queue.append((at_ns + ENGINE_NS, lambda now_ns: self._enter(record, now_ns)))
        return record

    def change(self, member: Member, number: str, order: wire.Order, at_ns: int) -> Record:
        """Judge new terms as the API does, and hand them to the engine.

        Raises:
            Refused: by the API; nothing has changed.
        """
        record = self.open(self._records.by_number(member.name, number))
        _, price, size = self._terms(order, at_ns)
        try:
            digest = self._logins.account(member).modify(
                order.market,
                _SIDES[order.side],
                size,
                price,
                at_ms=order.signature_timestamp,
                venue_order_id=number,
            )
        except LocalError:
            raise Refused("ORDER_ID_NOT_FOUND", "no such order", 404) from None
        if not verified(member, digest, order.signature):
            raise Refused("INVALID_ORDER_SIGNATURE", "signature is not the key's")
        if (record.market, record.side) != (order.market, _SIDES[order.side]):
            raise Refused("VALIDATION_ERROR", "market and side cannot be changed")
        self._queue.append((at_ns + ENGINE_NS, lambda now_ns: self._change(record, price, size, now_ns)))
        return record

    def _terms(self, order: wire.Order, at_ns: int) -> tuple[InstrumentId, Decimal, Decimal]:
        instrument = self._universe.instruments.get(order.market)
        if instrument is None:
            raise Refused("MARKET_NOT_FOUND", "no such market")
        if order.type != "LIMIT":
            raise Refused("VALIDATION_ERROR", "type is not part of this twin")
        venue_ms = self._exchange.clock.venue_ns(at_ns) // NS_PER_MS
        if abs(venue_ms - order.signature_timestamp) > MAX_SKEW_MS:
            raise Refused("INVALID_TIMESTAMP", "signature timestamp is too far off")
        market = self._exchange.markets[instrument]
        rules, price, size = market.instrument, Decimal(order.price), Decimal(order.size)
        if not (size > 0 and rules.size_on_grid(size)) or (
            rules.max_size is not None and size > rules.max_size
        ):
            raise Refused("INVALID_ORDER_SIZE", "size is off the increment or too large")
        if not (price > 0 and rules.price_on_grid(price)):
            raise Refused("VALIDATION_ERROR", "price is off the tick size")
        if CONTEXT.multiply(price, size) < rules.min_notional:
            raise Refused("VALIDATION_ERROR", "notional is below the minimum")
        low, high = (CONTEXT.multiply(market.mark_price, _ONE + sign * PRICE_BAND) for sign in (-1, 1))
        if not low <= price <= high:
            raise Refused("VALIDATION_ERROR", "price is out of its band")
        return instrument, price, size

    def _judge_status(self, instrument: InstrumentId, record: Record) -> None:
        status = self._exchange.markets[instrument].instrument.status
        if status is TradingStatus.POST_ONLY and record.instruction != "POST_ONLY":
            raise Refused("SYSTEM_STATUS_POST_ONLY", "only post-only orders are taken")
        if status is TradingStatus.CANCEL_ONLY:
            raise Refused("SYSTEM_STATUS_CANCEL_ONLY", "only cancels are taken")
        if status in {TradingStatus.HALTED, TradingStatus.DELISTED} or (
            status is TradingStatus.REDUCE_ONLY and not record.reduce_only
        ):
            raise Refused("MARKET_NOT_OPEN", "market is not open")

    def _enter(self, record: Record, at_ns: int) -> None:
        terms = self._new(record, record.price, record.size)
        placed = self._exchange.place(self._exchange.account(record.account), terms, at_ns)
        if isinstance(placed, Rejection):
            reason = _REASONS.get(placed.code, "REJECTED")
            record.refuse(reason, self._exchange.clock.venue_ns(at_ns))
            self._on_changed(record, None)

    def _change(self, record: Record, price: Decimal, size: Decimal, at_ns: int) -> None:
        account = self._exchange.account(record.account)
        asked = {"id": "", "request_type": "MODIFY_ORDER", "status": "SUCCESS", "message": ""}
        changed = (
            Rejection(RejectCode.ORDER_NOT_FOUND, "it never was")
            if record.exchange_id is None
            else self._exchange.replace(
                account, record.exchange_id, self._new(record, price, size), at_ns, keep_id=True
            )
        )
        if isinstance(changed, Rejection):
            asked |= {"status": "REJECTED", "message": _REASONS.get(changed.code, changed.code.value)}
        self._on_changed(record, asked)

    def _new(self, record: Record, price: Decimal, size: Decimal) -> NewOrder:
        return NewOrder(
            instrument=record.instrument,
            side=record.side,
            price=price,
            size=size,
            time_in_force=TimeInForce.IOC if record.instruction == "IOC" else TimeInForce.GTC,
            post_only=record.instruction == "POST_ONLY",
            reduce_only=record.reduce_only,
            client_id=record.text or None,
        )

    # --- cancelling -------------------------------------------------------------------------------

    def open(self, record: Record | None) -> Record:
        """Return an order that may be cancelled or changed.

        Raises:
            Refused: there is none, it is not judged yet, or it is over.
        """
        if record is None:
            raise Refused("ORDER_ID_NOT_FOUND", "no such order", 404)
        if record.state is OrderState.PENDING:
            raise Refused("ORDER_IS_NOT_OPEN", "order is not open yet")
        if not record.is_open:
            raise Refused("ORDER_IS_CLOSED", "order is closed")
        return record

    def cancel(self, record: Record, at_ns: int) -> None:
        """Queue the cancel of an open order."""
        self._queue.append((at_ns + ENGINE_NS, lambda now_ns: self._end(record, now_ns)))

    def cancel_all(self, member: Member, instrument: InstrumentId | None, at_ns: int) -> None:
        """Queue the cancel of every order of an account, or of those on one market."""
        account = self._exchange.account(member.name)

        def end(now_ns: int) -> None:
            self._exchange.cancel_all(account, now_ns, instrument=instrument)

        self._queue.append((at_ns + ENGINE_NS, end))

    def _end(self, record: Record, at_ns: int) -> None:
        if record.exchange_id is not None and record.is_open:
            account = self._exchange.account(record.account)
            self._exchange.cancel(account, record.exchange_id, at_ns)

    def set_leverage(self, member: Member, market: str, asked: wire.Margin) -> None:
        """Set the leverage of a market.

        Raises:
            Refused: there is no such market, or the leverage is not possible.
        """
        instrument = self._universe.instruments.get(market)
        if instrument is None:
            raise Refused("MARKET_NOT_FOUND", "no such market")
        account, is_cross = self._exchange.account(member.name), asked.margin_type == "CROSS"
        if self._exchange.set_leverage(account, instrument, asked.leverage, cross=is_cross) is not None:
            raise Refused("VALIDATION_ERROR", "leverage is not possible")

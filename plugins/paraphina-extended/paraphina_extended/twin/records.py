"""Orders as the venue knows them: from the request that was taken in, before any order is, to their end."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

import msgspec

from paraphina_core.domain import CONTEXT, InstrumentId, OrderState, Side
from paraphina_core.twin import Account, Order

#: Orders of one account that can be asked for.
MAX_RECORDS: Final = 20_000

_ZERO: Final = Decimal(0)
_STATUS: Final = {
    OrderState.PENDING: "NEW",
    OrderState.LIVE: "NEW",
    OrderState.PARTIALLY_FILLED: "PARTIALLY_FILLED",
    OrderState.FILLED: "FILLED",
    OrderState.CANCELLED: "CANCELLED",
    OrderState.REJECTED: "REJECTED",
    OrderState.EXPIRED: "EXPIRED",
}
#: What the exchange says of an order that it has ended, in the venue's words; the rest has no reason.
_REASONS: Final = {
    "immediate or cancel": "NO_LIQUIDITY",
    "self-trade": "SELF_TRADE_PROTECTION",
    "reduce-only and the position is gone": "REDUCE_ONLY_FAILED",
    "replaced": "ORDER_REPLACED",
}
#: The exchange's reason of an order that has reached its end of life.
EXPIRED: Final = "expired"


class Record(msgspec.Struct, kw_only=True):
    """One order of the venue.

    `state` is `PENDING` while the matching engine has not seen it, and it is in no list until then.
    """

    number: int
    text: str
    account: str
    account_id: int
    market: str
    instrument: InstrumentId
    side: Side
    price: Decimal
    size: Decimal
    placed_ns: int
    changed_ns: int
    order_type: str = "LIMIT"
    time_in_force: str = "GTT"
    expires_ms: int = 0
    post_only: bool = False
    reduce_only: bool = False
    remaining: Decimal = _ZERO
    value: Decimal = _ZERO
    fee: Decimal = _ZERO
    state: OrderState = OrderState.PENDING
    reason: str = ""
    exchange_id: int | None = None

    @property
    def status(self) -> str:
        """The venue's word for the state."""
        return _STATUS[self.state]

    @property
    def filled_size(self) -> Decimal:
        """What of it has filled."""
        return CONTEXT.subtract(self.size, self.remaining)

    def take(self, order: Order, at_ns: int) -> None:
        """Take over what has become of it at the exchange."""
        self.exchange_id = order.id
        self.price, self.size, self.remaining = order.price, order.size, order.remaining
        self.changed_ns = at_ns
        self.state = OrderState.EXPIRED if order.reason == EXPIRED else order.state
        self.reason = _REASONS.get(order.reason, "")

    def reject(self, reason: str, at_ns: int) -> None:
        """Let it never have been."""
        self.state, self.reason, self.changed_ns = OrderState.REJECTED, reason, at_ns


class Records:
    """Every order of every account.

    Args:
        first: number of the first one.
    """

    def __init__(self, first: int) -> None:
        self._next = first
        self._by_text: dict[tuple[str, str], Record] = {}
        self._by_number: dict[tuple[str, int], Record] = {}
        self._by_exchange: dict[tuple[str, int], Record] = {}

    def number(self) -> int:
        """Give out the next number."""
        self._next += 1
        return self._next

    def add(self, record: Record) -> None:
        """Take in an order."""
        self._by_text[record.account, record.text] = record
        self._by_number[record.account, record.number] = record
        if len(self._by_number) > MAX_RECORDS:
            oldest = self._by_number.pop(next(iter(self._by_number)))
            self._by_text.pop((oldest.account, oldest.text), None)

    def by_text(self, account: str, text: str) -> Record | None:
        """Return the order of a text."""
        return self._by_text.get((account, text))

    def by_number(self, account: str, number: int) -> Record | None:
        """Return the order of a number."""
        return self._by_number.get((account, number))

    def of(self, account: str) -> Iterator[Record]:
        """Yield every order of an account that the matching engine has seen, oldest first."""
        for record in tuple(self._by_number.values()):
            if record.account == account and record.state is not OrderState.PENDING:
                yield record

    def for_order(self, account: Account, order: Order, account_id: int, market: str, at_ns: int) -> Record:
        """Return the record of an order of the exchange; one that no client sent gets one now."""
        known = self._by_exchange.get((account.name, order.id))
        if known is None and order.client_id is not None:
            known = self._by_text.get((account.name, order.client_id))
        if known is None:
            number = self.number()
            known = Record(
                number=number,
                text=f"-{number}",
                account=account.name,
                account_id=account_id,
                market=market,
                instrument=order.instrument,
                side=order.side,
                price=order.price,
                size=order.size,
                placed_ns=at_ns,
                changed_ns=at_ns,
                reduce_only=order.reduce_only,
            )
            self.add(known)
        self._by_exchange[account.name, order.id] = known
        return known

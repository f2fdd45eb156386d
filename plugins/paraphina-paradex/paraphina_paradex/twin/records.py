"""The venue's own orders: what the exchange knows of each, and what was taken before it was judged."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

import msgspec

from paraphina_core.domain import InstrumentId, OrderState, Side
from paraphina_core.twin import Account, Order

#: Orders that are remembered; the oldest is forgotten first.
MAX_RECORDS: Final = 20_000

_ZERO: Final = Decimal(0)
#: What the exchange says of an order that it has ended, in the venue's words.
_REASONS: Final = {
    "cancelled on request": "USER_CANCELED",
    "cancelled with all": "USER_CANCELED",
    "immediate or cancel": "IOC_NOT_FILLED",
    "self-trade": "SELF_TRADE",
    "reduce-only and the position is gone": "REDUCE_ONLY_WOULD_INCREASE",
}


class Record(msgspec.Struct, kw_only=True):
    """One order of the venue; `state` is `PENDING` while the engine has not judged it."""

    number: str
    text: str
    account: str
    market: str
    instrument: InstrumentId
    side: Side
    price: Decimal
    size: Decimal
    changed_ns: int
    instruction: str = "GTC"
    reduce_only: bool = False
    remaining: Decimal = _ZERO
    state: OrderState = OrderState.PENDING
    reason: str = ""
    exchange_id: int | None = None

    @property
    def is_open(self) -> bool:
        """True while it may fill."""
        return not self.state.is_final

    @property
    def status(self) -> str:
        """The venue's word for the state."""
        if self.state is OrderState.PENDING:
            return "NEW"
        return "OPEN" if self.is_open else "CLOSED"

    def take(self, order: Order, at_ns: int) -> None:
        """Take over what has become of it at the exchange."""
        self.exchange_id = order.id
        self.price, self.size, self.remaining = order.price, order.size, order.remaining
        self.changed_ns, self.state = at_ns, order.state
        if order.state is OrderState.CANCELLED:
            self.reason = _REASONS.get(order.reason, "CANCELED")

    def refuse(self, reason: str, at_ns: int) -> None:
        """Close it unfilled: the engine refuses what was taken."""
        self.state, self.reason, self.changed_ns = OrderState.REJECTED, reason, at_ns


class Records:
    """Every order of every account."""

    def __init__(self) -> None:
        self._next = 0
        self._by_number: dict[tuple[str, str], Record] = {}
        self._by_text: dict[tuple[str, str], Record] = {}
        self._by_exchange: dict[tuple[str, int], Record] = {}

    def number(self, at_ns: int) -> str:
        """Give out the next number: a time and a count, as the venue's are."""
        self._next += 1
        return f"{at_ns // 1_000_000}{201_704_000_000_000 + self._next}"

    def add(self, record: Record) -> None:
        """Take in an order."""
        self._by_number[record.account, record.number] = record
        if record.text:
            self._by_text[record.account, record.text] = record
        if len(self._by_number) > MAX_RECORDS:
            oldest = self._by_number.pop(next(iter(self._by_number)))
            if self._by_text.get((oldest.account, oldest.text)) is oldest:
                del self._by_text[oldest.account, oldest.text]

    def by_number(self, account: str, number: str) -> Record | None:
        """Return the order of a number."""
        return self._by_number.get((account, number))

    def by_text(self, account: str, text: str) -> Record | None:
        """Return the latest order of a client's text."""
        return self._by_text.get((account, text))

    def of(self, account: str) -> Iterator[Record]:
        """Yield every order of an account that the engine has judged, oldest first."""
        for record in tuple(self._by_number.values()):
            if record.account == account and record.state is not OrderState.PENDING:
                yield record

    def for_order(self, account: Account, order: Order, market: str, at_ns: int) -> Record:
        """Return the record of an order of the exchange; one that no client sent gets one now."""
        known = self._by_exchange.get((account.name, order.id))
        if known is None and order.client_id is not None:
            known = self._by_text.get((account.name, order.client_id))
        if known is None:
            known = Record(
                number=self.number(at_ns),
                text="",
                account=account.name,
                market=market,
                instrument=order.instrument,
                side=order.side,
                price=order.price,
                size=order.size,
                changed_ns=at_ns,
                reduce_only=order.reduce_only,
            )
            self.add(known)
        self._by_exchange[account.name, order.id] = known
        return known

"""The venue's own orders: what the exchange knows of each, and what its API has accepted before."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

import msgspec

from paraphina_core.domain import CONTEXT, InstrumentId, OrderState, Side
from paraphina_core.twin import Account, Order

#: Orders that are remembered; the oldest is forgotten first.
MAX_RECORDS: Final = 20_000
#: The venue's indexes are beyond 48 bits, which are the clients'.
FIRST_INDEX: Final = 2**48

#: The exchange's reason of an order that has reached its end of life.
EXPIRED: Final = "expired"

_ZERO: Final = Decimal(0)
#: What the exchange says of an order that it has ended, in the venue's words; the rest is `canceled`.
_WORDS: Final = {
    "immediate or cancel": "canceled-not-enough-liquidity",
    "self-trade": "canceled-self-trade",
    "reduce-only and the position is gone": "canceled-reduce-only",
    "liquidation": "canceled-liquidation",
    EXPIRED: "canceled-expired",
}
_OPEN: Final = {
    OrderState.PENDING: "in-progress",
    OrderState.LIVE: "open",
    OrderState.PARTIALLY_FILLED: "open",
    OrderState.FILLED: "filled",
}


class Record(msgspec.Struct, kw_only=True):
    """One order of the venue; `state` is `PENDING` while the sequencer has not seen it."""

    index: int
    client_index: int
    account: str
    market: int
    instrument: InstrumentId
    side: Side
    price: Decimal
    size: Decimal
    changed_ns: int
    reduce_only: bool = False
    expires_ms: int = 0
    filled: Decimal = _ZERO
    state: OrderState = OrderState.PENDING
    status: str = "in-progress"
    exchange_id: int | None = None

    @property
    def is_open(self) -> bool:
        """True while it may fill."""
        return not self.state.is_final

    def take(self, order: Order, at_ns: int) -> None:
        """Take over what has become of it at the exchange."""
        self.exchange_id = order.id
        self.price, self.size = order.price, order.size
        self.filled = CONTEXT.subtract(order.size, order.remaining)
        self.changed_ns = at_ns
        self.state = order.state
        self.status = _OPEN.get(order.state) or _WORDS.get(order.reason, "canceled")

    def refuse(self, status: str, at_ns: int) -> None:
        """Let it never have rested: the sequencer refuses what the API has accepted."""
        self.state, self.status, self.changed_ns = OrderState.CANCELLED, status, at_ns


class Records:
    """Every order of every account."""

    def __init__(self) -> None:
        self._next = FIRST_INDEX
        self._by_index: dict[tuple[str, int], Record] = {}
        self._by_client: dict[tuple[str, int], Record] = {}
        self._by_exchange: dict[tuple[str, int], Record] = {}

    def index(self) -> int:
        """Give out the next index."""
        self._next += 1
        return self._next

    def add(self, record: Record) -> None:
        """Take in an order."""
        self._by_index[record.account, record.index] = record
        if record.client_index:
            self._by_client[record.account, record.client_index] = record
        if len(self._by_index) > MAX_RECORDS:
            oldest = self._by_index.pop(next(iter(self._by_index)))
            if self._by_client.get((oldest.account, oldest.client_index)) is oldest:
                del self._by_client[oldest.account, oldest.client_index]

    def find(self, account: str, index: int) -> Record | None:
        """Return the order of an index, the venue's or a client's: their sizes tell them apart."""
        found = self._by_index if index >= FIRST_INDEX else self._by_client
        return found.get((account, index))

    def of(self, account: str) -> Iterator[Record]:
        """Yield every order of an account that the sequencer has seen, oldest first."""
        for record in tuple(self._by_index.values()):
            if record.account == account and record.state is not OrderState.PENDING:
                yield record

    def for_order(self, account: Account, order: Order, market: int, at_ns: int) -> Record:
        """Return the record of an order of the exchange; one that no client sent gets one now."""
        known = self._by_exchange.get((account.name, order.id))
        if known is None and order.client_id is not None:
            known = self._by_client.get((account.name, int(order.client_id)))
        if known is None:
            known = Record(
                index=self.index(),
                client_index=0,
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

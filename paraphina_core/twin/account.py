"""Orders and accounts of a twin's exchange: the exchange writes them, everyone else reads."""

from __future__ import annotations

from collections import deque
from decimal import Decimal
from typing import Final

import msgspec

from paraphina_core.domain import (
    CONTEXT,
    Fill,
    FundingPayment,
    InstrumentId,
    OrderState,
    Side,
    TimeInForce,
)
from paraphina_core.execution import Ledger, Position

#: What is remembered of an account; the oldest are forgotten beyond that.
MAX_FILLS: Final = 100_000
MAX_PAYMENTS: Final = 10_000
MAX_FINAL_ORDERS: Final = 10_000

_ZERO: Final = Decimal(0)


class NewOrder(msgspec.Struct, frozen=True, kw_only=True):
    """The terms of an order as a client sends it, numbers exact and not yet judged.

    `client_id` is the venue's spelling of the client's own id, whatever that is.
    """

    instrument: InstrumentId
    side: Side
    price: Decimal
    size: Decimal
    time_in_force: TimeInForce = TimeInForce.GTC
    post_only: bool = False
    reduce_only: bool = False
    client_id: str | None = None


class Order:
    """One order of the exchange, from its acceptance on.

    Attributes:
        id: the exchange's number of it, counting up.
        account: name of its account.
        state: live, partially filled, filled or cancelled.
        reason: why it was cancelled, in a few words; empty while it was not.
        placed_ns: the venue's time of its acceptance.
        changed_ns: the venue's time of its last change.
    """

    __slots__ = (
        "account",
        "changed_ns",
        "client_id",
        "id",
        "instrument",
        "placed_ns",
        "post_only",
        "price",
        "reason",
        "reduce_only",
        "remaining",
        "side",
        "size",
        "state",
        "time_in_force",
    )

    def __init__(self, order_id: int, account: str, terms: NewOrder, at_ns: int) -> None:
        self.id = order_id
        self.account = account
        self.instrument = terms.instrument
        self.client_id = terms.client_id
        self.side = terms.side
        self.price = terms.price
        self.size = terms.size
        self.remaining = terms.size
        self.time_in_force = terms.time_in_force
        self.post_only = terms.post_only
        self.reduce_only = terms.reduce_only
        self.placed_ns = self.changed_ns = at_ns
        self.state = OrderState.LIVE
        self.reason = ""

    @property
    def filled_size(self) -> Decimal:
        """What of it has filled, base units; more than its size after an overfill."""
        return CONTEXT.subtract(self.size, self.remaining)

    @property
    def is_open(self) -> bool:
        """True while it may fill."""
        return not self.state.is_final


class TwinFill(msgspec.Struct, frozen=True, kw_only=True):
    """One account's side of a trade.

    `position_before` is signed; `realised_pnl` is what the fill closed, before fees. `fill` carries no
    client order id of ours: the order's own stands in `client_id`.
    """

    account: str
    order_id: int
    client_id: str | None
    fill: Fill
    position_before: Decimal
    realised_pnl: Decimal
    is_liquidation: bool = False


class Account:
    """One account: its orders by the exchange's id and by the client's, its money, its settings.

    Attributes:
        name: what the venue knows it by.
        ledger: positions and money, exactly.
        orders: open orders by id, oldest first.
        finals: orders that are gone, by id, oldest first.
        fills: oldest first.
        payments: funding, oldest first.
        leverage: by instrument, where the account has set one.
        isolated: instruments whose margin mode is isolated; kept and reported, margin is always cross.
        is_house: one of the exchange's own, without margin.
        expired: its credentials are refused.
    """

    def __init__(self, name: str, balance_usd: Decimal, *, is_house: bool = False) -> None:
        self.name = name
        self.is_house = is_house
        self.ledger = Ledger(balance_usd)
        self.orders: dict[int, Order] = {}
        self.finals: dict[int, Order] = {}
        self.fills: deque[TwinFill] = deque(maxlen=MAX_FILLS)
        self.payments: deque[FundingPayment] = deque(maxlen=MAX_PAYMENTS)
        self.leverage: dict[InstrumentId, int] = {}
        self.isolated: set[InstrumentId] = set()
        self.expired = False
        self._by_client_id: dict[str, Order] = {}

    def by_client_id(self, client_id: str) -> Order | None:
        """Return the order with the client's id, an open one first; None if there is none."""
        return self._by_client_id.get(client_id)

    def find(self, order_id: int) -> Order | None:
        """Return an order, open or gone."""
        return self.orders.get(order_id) or self.finals.get(order_id)

    def position(self, instrument: InstrumentId) -> Position:
        """Return the position on an instrument, an empty one where nothing was ever traded."""
        return self.ledger.positions.get(instrument) or Position()

    def add(self, order: Order) -> None:
        """Take in an order; for the exchange alone. The house's are in the books only."""
        if self.is_house:
            return
        self.orders[order.id] = order
        if order.client_id is not None:
            self._by_client_id[order.client_id] = order

    def finish(self, order: Order) -> None:
        """Move an order to those that are gone; for the exchange alone."""
        if self.is_house:
            return
        self.orders.pop(order.id, None)
        self.finals[order.id] = order
        if len(self.finals) > MAX_FINAL_ORDERS:
            oldest = self.finals.pop(next(iter(self.finals)))
            if oldest.client_id is not None and self._by_client_id.get(oldest.client_id) is oldest:
                del self._by_client_id[oldest.client_id]

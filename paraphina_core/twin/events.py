"""What a twin's exchange tells as it happens; times are the venue's. A twin spells these on its wire."""

from __future__ import annotations

from decimal import Decimal
from typing import TypeAlias

import msgspec

from paraphina_core.domain import FundingPayment, InstrumentId, Side

from .account import Order, TwinFill


class BookLevel(msgspec.Struct, frozen=True, gc=False):
    """One level: price in quote units, total size in base units, number of orders."""

    price: Decimal
    size: Decimal
    orders: int


class BookChanged(msgspec.Struct, frozen=True, kw_only=True):
    """Levels that changed with their new total size, zero where nothing rests; in no order."""

    instrument: InstrumentId
    bids: tuple[tuple[Decimal, Decimal], ...]
    asks: tuple[tuple[Decimal, Decimal], ...]
    at_ns: int


class Traded(msgspec.Struct, frozen=True, kw_only=True):
    """A public trade; ids count up over all instruments. `buyer` and `seller` are accounts."""

    instrument: InstrumentId
    price: Decimal
    size: Decimal
    aggressor: Side
    trade_id: int
    buyer: str
    seller: str
    at_ns: int


class OrderChanged(msgspec.Struct, frozen=True, kw_only=True):
    """An order of a client came, filled in part, changed or went; `order` is as it is now."""

    order: Order
    at_ns: int


class Filled(msgspec.Struct, frozen=True, kw_only=True):
    """An account's side of a trade; its `OrderChanged` follows."""

    fill: TwinFill
    at_ns: int


class Marked(msgspec.Struct, frozen=True, kw_only=True):
    """Mark and index price, and the funding rate in force for one interval until `next_funding_ns`."""

    instrument: InstrumentId
    mark_price: Decimal
    index_price: Decimal
    funding_rate: float
    next_funding_ns: int
    at_ns: int


class FundingPaid(msgspec.Struct, frozen=True, kw_only=True):
    """An account paid or received funding."""

    account: str
    payment: FundingPayment
    at_ns: int


class Liquidated(msgspec.Struct, frozen=True, kw_only=True):
    """An account fell below its maintenance margin: its orders are cancelled, its positions closed."""

    account: str
    at_ns: int


ExchangeEvent: TypeAlias = BookChanged | Traded | OrderChanged | Filled | Marked | FundingPaid | Liquidated

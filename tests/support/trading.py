"""Short spellings of instruments, orders, fills and books for tests of everything that trades."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from paraphina_core.domain import (
    BookSnapshot,
    ClientOrderId,
    Fill,
    FixedTick,
    Instrument,
    InstrumentId,
    Level,
    Liquidity,
    PlaceOrder,
    Side,
    Trade,
)

BTC = Instrument(
    venue="test",
    native_id="BTC",
    base="BTC",
    quote="USD",
    price_rule=FixedTick(tick=Decimal("0.5")),
    lot_size=Decimal("0.1"),
    min_size=Decimal("0.1"),
    min_notional=Decimal(10),
)
ETH = Instrument(
    venue="test",
    native_id="ETH",
    base="ETH",
    quote="USD",
    price_rule=FixedTick(tick=Decimal("0.1")),
    lot_size=Decimal(1),
    min_size=Decimal(1),
    min_notional=Decimal(10),
)


def place(
    number: int, side: Side, price: float | str, size: float | str, instrument: Instrument = BTC, **more: Any
) -> PlaceOrder:
    """Return an order; `more` are fields of `PlaceOrder`."""
    return PlaceOrder(
        instrument=instrument.id,
        client_order_id=ClientOrderId(number),
        side=side,
        price=Decimal(str(price)),
        size=Decimal(str(size)),
        **more,
    )


def fill(
    number: int | None,
    trade_id: str,
    side: Side,
    price: float | str,
    size: float | str,
    instrument: Instrument = BTC,
    *,
    fee: str = "0",
    venue_order_id: str | None = None,
) -> Fill:
    """Return a maker fill of the order with that number."""
    return Fill(
        instrument=instrument.id,
        client_order_id=None if number is None else ClientOrderId(number),
        venue_order_id=venue_order_id,
        trade_id=trade_id,
        side=side,
        price=Decimal(str(price)),
        size=Decimal(str(size)),
        fee=Decimal(fee),
        liquidity=Liquidity.MAKER,
    )


def levels(*pairs: tuple[float, float]) -> tuple[Level, ...]:
    """Return levels of these prices and sizes."""
    return tuple(Level(price, size) for price, size in pairs)


def snapshot(
    bids: tuple[tuple[float, float], ...],
    asks: tuple[tuple[float, float], ...],
    instrument: InstrumentId = BTC.id,
    exchange_ns: int | None = None,
) -> BookSnapshot:
    """Return a book snapshot, bids and asks as pairs of price and size, best first."""
    return BookSnapshot(
        instrument=instrument, bids=levels(*bids), asks=levels(*asks), exchange_ns=exchange_ns
    )


def trade(price: float, size: float, aggressor: Side, number: int = 0, **more: Any) -> Trade:
    """Return a public trade; `more` are fields of `Trade`."""
    return Trade(
        instrument=BTC.id, price=price, size=size, aggressor=aggressor, trade_id=f"public-{number}", **more
    )

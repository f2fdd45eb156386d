"""What the twin lists: markets with the grids and limits that the venue's own have."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

import msgspec

from paraphina_core.domain import InstrumentId, TradingStatus
from paraphina_core.twin import Listing, TwinMarket
from paraphina_paradex.instruments import perpetual
from paraphina_paradex.messages import MarketInfo

from .refusals import Json

#: Orders of one account on one market, and how far a price may be from the mark (docs, read 2026-08-20).
MAX_OPEN_ORDERS: Final = 100
PRICE_BAND: Final = Decimal("0.05")


class Market(msgspec.Struct, frozen=True, kw_only=True):
    """One perpetual of the twin; numbers as the venue spells them."""

    symbol: str
    base: str
    tick: str
    lot: str
    price: str
    min_notional: str = "10"
    max_size: str = "100"
    max_leverage: int = 50
    has_flow: bool = False


#: Grids of the first two are the venue's; the last one is traded by clients alone: whatever is in its book,
#: they have put there.
MARKETS: Final = (
    Market(symbol="BTC-USD-PERP", base="BTC", tick="0.1", lot="0.00001", price="84000", has_flow=True),
    Market(
        symbol="ETH-USD-PERP",
        base="ETH",
        tick="0.01",
        lot="0.0001",
        price="2800",
        max_size="2000",
        has_flow=True,
    ),
    Market(
        symbol="DOGE-USD-PERP",
        base="DOGE",
        tick="0.00001",
        lot="1",
        price="0.2",
        max_size="1000000",
        max_leverage=10,
    ),
)


class Universe:
    """The markets by symbol and by instrument.

    Args:
        connector: name under which the plugin knows the venue's instruments.
        has_flow: without it no market is traded by others than clients.

    Attributes:
        listings: for the exchange.
        instruments: by the venue's symbol.
    """

    def __init__(self, connector: str, *, has_flow: bool) -> None:
        self.listings: list[Listing] = []
        self.instruments: dict[str, InstrumentId] = {}
        self._markets: dict[InstrumentId, Market] = {}
        for market in MARKETS:
            instrument = perpetual(connector, msgspec.convert(_entry(market), MarketInfo))
            self._markets[instrument.id] = market
            self.instruments[market.symbol] = instrument.id
            self.listings.append(
                Listing(
                    instrument=instrument,
                    price=Decimal(market.price),
                    max_leverage=market.max_leverage,
                    has_flow=market.has_flow and has_flow,
                )
            )

    def symbol(self, instrument: InstrumentId) -> str:
        """Return the venue's name of an instrument."""
        return self._markets[instrument].symbol

    def entry(self, market: TwinMarket) -> dict[str, Json]:
        """Return a market as `/markets` lists it now."""
        listed = _entry(self._markets[market.id])
        if market.instrument.status is not TradingStatus.TRADING:
            listed["trading_mode"] = "CLOSED"
        return listed


def _entry(market: Market) -> dict[str, Json]:
    """Return a market as it is listed before anybody has traded it."""
    return {
        "symbol": market.symbol,
        "base_currency": market.base,
        "quote_currency": "USD",
        "settlement_currency": "USDC",
        "order_size_increment": market.lot,
        "price_tick_size": market.tick,
        "min_notional": market.min_notional,
        "max_order_size": market.max_size,
        "asset_kind": "PERP",
        "market_kind": "cross",
        "price_bands_width": str(PRICE_BAND),
        "max_open_orders": str(MAX_OPEN_ORDERS),
        "funding_period_hours": 8,
        "trading_mode": "STANDARD",
    }

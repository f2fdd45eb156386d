"""What the twin lists: markets with the decimals and minimums that the venue's own have."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

import msgspec

from paraphina_core.domain import InstrumentId, Side, TradingStatus, plain
from paraphina_core.twin import Listing, TwinMarket
from paraphina_lighter.instruments import perpetual
from paraphina_lighter.messages import MarketDetails

from .refusals import Json

#: Orders of one account (docs, read 2026-07-19).
MAX_OPEN_ORDERS: Final = 1_500
_PERCENT: Final = 100.0
_HOUR_MS: Final = 3_600_000
_NS_PER_MS: Final = 1_000_000


class Market(msgspec.Struct, frozen=True, kw_only=True):
    """One perpetual of the twin; numbers as the venue spells them."""

    symbol: str
    number: int
    size_decimals: int
    price_decimals: int
    min_size: str
    price: str
    max_leverage: int = 50
    has_flow: bool = False


#: Grids of the first two are the venue's (capture of 2026-05); the last one is traded by clients alone:
#: whatever is in its book, they have put there.
MARKETS: Final = (
    Market(
        symbol="ETH",
        number=0,
        size_decimals=4,
        price_decimals=2,
        min_size="0.0050",
        price="2800",
        has_flow=True,
    ),
    Market(
        symbol="BTC",
        number=1,
        size_decimals=5,
        price_decimals=1,
        min_size="0.00020",
        price="84000",
        has_flow=True,
    ),
    Market(
        symbol="DOGE",
        number=3,
        size_decimals=0,
        price_decimals=6,
        min_size="10",
        price="0.2",
        max_leverage=10,
    ),
)


class Universe:
    """The markets by number and by instrument.

    Args:
        connector: name under which the plugin knows the venue's instruments.
        has_flow: without it no market is traded by others than clients.

    Attributes:
        listings: for the exchange.
        instruments: by the venue's number.
    """

    def __init__(self, connector: str, *, has_flow: bool) -> None:
        self.listings: list[Listing] = []
        self.instruments: dict[int, InstrumentId] = {}
        self._markets: dict[InstrumentId, Market] = {}
        for market in MARKETS:
            instrument = perpetual(connector, msgspec.convert(_entry(market), MarketDetails, strict=False))
            self._markets[instrument.id] = market
            self.instruments[market.number] = instrument.id
            self.listings.append(
                Listing(
                    instrument=instrument,
                    price=Decimal(market.price),
                    max_leverage=market.max_leverage,
                    has_flow=market.has_flow and has_flow,
                )
            )

    def of(self, instrument: InstrumentId) -> Market:
        """Return what an instrument is at the venue."""
        return self._markets[instrument]

    def entry(self, market: TwinMarket) -> dict[str, Json]:
        """Return a market as `orderBookDetails` lists it now."""
        listed = _entry(self._markets[market.id])
        status = market.instrument.status
        if status not in {TradingStatus.TRADING, TradingStatus.REDUCE_ONLY}:
            listed["status"] = "inactive"
        listed["market_config"] = {"force_reduce_only": status is TradingStatus.REDUCE_ONLY}
        listed["last_trade_price"] = float(market.last_price)
        return listed

    def stats(self, market: TwinMarket) -> dict[str, Json]:
        """Return prices and funding of a market; rates are percent of an hour."""
        listed = self._markets[market.id]
        rate = f"{market.funding_rate_1h * _PERCENT:.10f}"
        bid, ask = market.best_price(Side.BUY), market.best_price(Side.SELL)
        middle = market.last_price if bid is None or ask is None else (bid + ask) / 2
        return {
            "symbol": listed.symbol,
            "market_id": listed.number,
            "index_price": plain(market.index_price),
            "mark_price": plain(market.mark_price),
            "mid_price": plain(middle),
            "last_trade_price": plain(market.last_price),
            "open_interest": "0.000000",
            "current_funding_rate": rate,
            "funding_rate": rate,
            "funding_timestamp": market.next_funding_ns // _NS_PER_MS - _HOUR_MS,
            "daily_base_token_volume": float(market.volume_base),
        }


def _entry(market: Market) -> dict[str, Json]:
    """Return a market as it is listed before anybody has traded it."""
    return {
        "symbol": market.symbol,
        "market_id": market.number,
        "market_type": "perp",
        "base_asset_id": 0,
        "quote_asset_id": 0,
        "status": "active",
        "taker_fee": "0.0000",
        "maker_fee": "0.0000",
        "liquidation_fee": "1.0000",
        "min_base_amount": market.min_size,
        "min_quote_amount": "10.000000",
        "order_quote_limit": "281474976.710655",
        "supported_size_decimals": market.size_decimals,
        "supported_price_decimals": market.price_decimals,
        "supported_quote_decimals": 6,
        "size_decimals": market.size_decimals,
        "price_decimals": market.price_decimals,
        "quote_multiplier": 1,
        "default_initial_margin_fraction": 500,
        "min_initial_margin_fraction": 10_000 // market.max_leverage,
        "maintenance_margin_fraction": 5_000 // market.max_leverage,
    }

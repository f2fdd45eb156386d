"""What the twin lists: perpetuals with the filters that the venue's own have."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final, TypeAlias

import msgspec

from paraphina_aster.instruments import perpetual
from paraphina_aster.limits import IP_WEIGHT_PER_MINUTE, ORDERS_PER_MINUTE, ORDERS_PER_TEN_SECONDS
from paraphina_aster.messages import SymbolInfo
from paraphina_core.domain import Instrument, InstrumentId, TradingStatus
from paraphina_core.twin import Listing, TwinMarket

from .filters import Filters

Json: TypeAlias = Any

#: Orders of one account in one symbol (recorded exchangeInfo of 2025-10).
MAX_OPEN_ORDERS: Final = 200

_STATUSES: Final = {
    TradingStatus.TRADING: "TRADING",
    TradingStatus.REDUCE_ONLY: "PRE_SETTLE",
    TradingStatus.DELISTED: "CLOSE",
}


class Market(msgspec.Struct, frozen=True, kw_only=True):
    """One perpetual of the twin; numbers as the venue spells them."""

    base: str
    price: str
    min_price: str
    max_price: str
    tick: str
    lot: str
    max_size: str
    up: str = "1.0500"
    down: str = "0.9500"
    funding_hours: int = 8
    max_leverage: int = 50
    has_flow: bool = True

    @property
    def symbol(self) -> str:
        """The venue's name."""
        return f"{self.base}USDT"


#: Filters of the first are of a recorded exchangeInfo of 2025-10, and so are those of the third but for the
#: prices; that one is traded by clients alone: whatever is in its book, they have put there.
MARKETS: Final = (
    Market(
        base="BTC",
        price="84000",
        min_price="1",
        max_price="1000000",
        tick="0.1",
        lot="0.001",
        max_size="300",
    ),
    Market(
        base="ETH",
        price="2800",
        min_price="0.01",
        max_price="100000",
        tick="0.01",
        lot="0.001",
        max_size="2000",
    ),
    Market(
        base="ASTER",
        price="1.1",
        min_price="0.00010",
        max_price="200",
        tick="0.00010",
        lot="0.01",
        max_size="1000000",
        funding_hours=4,
        max_leverage=20,
        has_flow=False,
    ),
)


class Universe:
    """The markets by symbol and by instrument.

    Args:
        connector: name under which the plugin knows the venue's instruments.
        has_flow: without it no market is traded by others than clients.

    Attributes:
        listings: for the exchange.
        instruments: by symbol.
        filters: by instrument.
    """

    def __init__(self, connector: str, *, has_flow: bool) -> None:
        self.listings: list[Listing] = []
        self.instruments: dict[str, InstrumentId] = {}
        self.filters: dict[InstrumentId, Filters] = {}
        self._markets: dict[InstrumentId, Market] = {}
        for market in MARKETS:
            instrument: Instrument = perpetual(connector, msgspec.convert(_entry(market), SymbolInfo))
            self.instruments[market.symbol] = instrument.id
            self.filters[instrument.id] = _filters(market)
            self._markets[instrument.id] = market
            self.listings.append(
                Listing(
                    instrument=instrument,
                    price=Decimal(market.price),
                    max_leverage=market.max_leverage,
                    funding_interval_s=market.funding_hours * 3_600,
                    has_flow=market.has_flow and has_flow,
                )
            )

    def symbol(self, instrument: InstrumentId) -> str:
        """Return the venue's name of an instrument."""
        return self._markets[instrument].symbol

    def exchange_info(self, markets: list[TwinMarket], venue_ms: int) -> Json:
        """Return everything that is listed."""
        symbols = []
        for market in markets:
            entry = _entry(self._markets[market.id])
            entry["status"] = _STATUSES.get(market.instrument.status, "PENDING_TRADING")
            symbols.append(entry)
        return {
            "timezone": "UTC",
            "serverTime": venue_ms,
            "rateLimits": [
                _limit("REQUEST_WEIGHT", "MINUTE", 1, IP_WEIGHT_PER_MINUTE),
                _limit("ORDERS", "MINUTE", 1, ORDERS_PER_MINUTE),
                _limit("ORDERS", "SECOND", 10, ORDERS_PER_TEN_SECONDS),
            ],
            "exchangeFilters": [],
            "assets": [{"asset": "USDT", "marginAvailable": True, "autoAssetExchange": "0"}],
            "symbols": symbols,
        }

    def funding_info(self) -> Json:
        """Return the terms of funding of each symbol."""
        return [
            {
                "symbol": market.symbol,
                "interestRate": "0.00010000",
                "time": 0,
                "fundingIntervalHours": market.funding_hours,
                "fundingFeeCap": 0.03,
                "fundingFeeFloor": -0.03,
            }
            for market in MARKETS
        ]

    def brackets(self) -> Json:
        """Return one bracket of leverage for each symbol."""
        return [
            {
                "symbol": market.symbol,
                "brackets": [
                    {
                        "bracket": 1,
                        "initialLeverage": market.max_leverage,
                        "notionalCap": 10_000_000,
                        "notionalFloor": 0,
                        "maintMarginRatio": 0.5 / market.max_leverage,
                        "cum": 0.0,
                    }
                ],
            }
            for market in MARKETS
        ]


def _limit(kind: str, interval: str, number: int, limit: int) -> Json:
    return {"rateLimitType": kind, "interval": interval, "intervalNum": number, "limit": limit}


def _filters(market: Market) -> Filters:
    return Filters(
        min_price=Decimal(market.min_price),
        max_price=Decimal(market.max_price),
        tick=Decimal(market.tick),
        min_size=Decimal(market.lot),
        max_size=Decimal(market.max_size),
        lot=Decimal(market.lot),
        notional=Decimal(5),
        multiplier_up=Decimal(market.up),
        multiplier_down=Decimal(market.down),
    )


def _entry(market: Market) -> dict[str, Json]:
    """Return a market as it is listed before anybody has traded it; the two precisions are no grid."""
    sizes = {"minQty": market.lot, "maxQty": market.max_size, "stepSize": market.lot}
    prices = {"minPrice": market.min_price, "maxPrice": market.max_price, "tickSize": market.tick}
    percents = {"multiplierUp": market.up, "multiplierDown": market.down, "multiplierDecimal": "4"}
    return {
        "symbol": market.symbol,
        "pair": market.symbol,
        "contractType": "PERPETUAL",
        "deliveryDate": 4_133_404_800_000,
        "onboardDate": 1_627_628_400_000,
        "status": "TRADING",
        "baseAsset": market.base,
        "quoteAsset": "USDT",
        "marginAsset": "USDT",
        "pricePrecision": 8,
        "quantityPrecision": 8,
        "baseAssetPrecision": 8,
        "quotePrecision": 8,
        "underlyingType": "COIN",
        "filters": [
            {"filterType": "PRICE_FILTER", **prices},
            {"filterType": "LOT_SIZE", **sizes},
            {"filterType": "MARKET_LOT_SIZE", **sizes},
            {"filterType": "MAX_NUM_ORDERS", "limit": MAX_OPEN_ORDERS},
            {"filterType": "MAX_NUM_ALGO_ORDERS", "limit": 10},
            {"filterType": "MIN_NOTIONAL", "notional": "5"},
            {"filterType": "PERCENT_PRICE", **percents},
        ],
        "orderTypes": ["LIMIT"],
        "timeInForce": ["GTC", "IOC", "GTX"],
    }

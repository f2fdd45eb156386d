"""What the twin lists: markets with the grid, limits and contract ids that the venue's own have."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

import msgspec

from paraphina_core.domain import InstrumentId, LocalError, Side, TradingStatus, plain
from paraphina_core.twin import Listing, TwinMarket
from paraphina_extended.instruments import WireMarket, assets, perpetual
from paraphina_extended.signing import Assets

from .spelling import Json, milliseconds, rate

#: Orders of one account on one market (capture of 2026-09).
MAX_OPEN_ORDERS: Final = 200
#: How far a limit price may be from the mark price, as a part of it (same).
PRICE_CAP: Final = Decimal("0.05")

_STATUSES: Final = {
    TradingStatus.TRADING: "ACTIVE",
    TradingStatus.REDUCE_ONLY: "REDUCE_ONLY",
    TradingStatus.DELISTED: "DELISTED",
}


class Market(msgspec.Struct, frozen=True, kw_only=True):
    """One perpetual of the twin; numbers as the venue spells them."""

    name: str
    asset: str
    tick: str
    lot: str
    min_size: str
    price: str
    synthetic_id: str
    resolution: int
    max_leverage: int = 50
    has_flow: bool = False


#: Grids and ids of the first two are the venue's (capture of 2026-09, SDK); the last one is traded by
#: clients alone: whatever is in its book, they have put there.
MARKETS: Final = (
    Market(
        name="BTC-USD",
        asset="BTC",
        tick="1",
        lot="0.00001",
        min_size="0.0001",
        price="84000",
        synthetic_id="0x4254432d3600000000000000000000",
        resolution=1_000_000,
        has_flow=True,
    ),
    Market(
        name="ETH-USD",
        asset="ETH",
        tick="0.1",
        lot="0.001",
        min_size="0.01",
        price="2800",
        synthetic_id="0x4554482d3500000000000000000000",
        resolution=100_000,
        has_flow=True,
    ),
    Market(
        name="DOGE-USD",
        asset="DOGE",
        tick="0.00001",
        lot="10",
        min_size="100",
        price="0.2",
        synthetic_id="0x444f47452d30000000000000000000",
        resolution=1,
        max_leverage=20,
    ),
)


class Universe:
    """The markets by name and by instrument.

    Args:
        connector: name under which the plugin knows the venue's instruments.
        has_flow: without it no market is traded by others than clients.

    Attributes:
        listings: for the exchange.
        instruments: by the venue's name.
    """

    def __init__(self, connector: str, *, has_flow: bool) -> None:
        self.listings: list[Listing] = []
        self.instruments: dict[str, InstrumentId] = {}
        self._markets: dict[InstrumentId, Market] = {}
        self._assets: dict[str, Assets] = {}
        for market in MARKETS:
            stated = msgspec.convert(entry(market), WireMarket)
            instrument = perpetual(connector, stated)
            if stated.l2_config is None:
                raise LocalError(f"market {market.name} cannot be traded", wanted="its ids in the contract")
            self._assets[market.name] = assets(stated.l2_config)
            self._markets[instrument.id] = market
            self.instruments[market.name] = instrument.id
            self.listings.append(
                Listing(
                    instrument=instrument,
                    price=Decimal(market.price),
                    max_leverage=market.max_leverage,
                    has_flow=market.has_flow and has_flow,
                )
            )

    def name(self, instrument: InstrumentId) -> str:
        """Return the venue's name of an instrument."""
        return self._markets[instrument].name

    def assets(self, name: str) -> Assets:
        """Return what a market is in the contract."""
        return self._assets[name]

    def entry(self, market: TwinMarket) -> dict[str, Json]:
        """Return a market as `info/markets` lists it now."""
        listed = entry(self._markets[market.id])
        status = market.instrument.status
        listed["status"] = _STATUSES.get(status, "DISABLED")
        listed["active"] = listed["status"] in {"ACTIVE", "REDUCE_ONLY"}
        listed["marketStats"] = stats(market)
        return listed


def stats(market: TwinMarket) -> dict[str, Json]:
    """Return the figures of a market; `nextFundingRate` is a time, whatever its name says."""
    bid, ask = market.best_price(Side.BUY), market.best_price(Side.SELL)
    last = plain(market.last_price)
    return {
        "dailyVolume": "0",
        "dailyVolumeBase": plain(market.volume_base),
        "dailyPriceChange": "0",
        "dailyPriceChangePercentage": "0",
        "dailyLow": last,
        "dailyHigh": last,
        "lastPrice": last,
        "askPrice": last if ask is None else plain(ask),
        "bidPrice": last if bid is None else plain(bid),
        "markPrice": plain(market.mark_price),
        "indexPrice": plain(market.index_price),
        "fundingRate": rate(market.funding_rate_1h),
        "nextFundingRate": milliseconds(market.next_funding_ns),
        "openInterest": "0",
        "openInterestBase": "0",
    }


def entry(market: Market) -> dict[str, Json]:
    """Return a market as it is listed before anybody has traded it."""
    return {
        "name": market.name,
        "type": "PERPETUAL",
        "category": "L1",
        "assetName": market.asset,
        "assetPrecision": -Decimal(market.lot).adjusted(),
        "collateralAssetName": "USD",
        "collateralAssetPrecision": 6,
        "active": True,
        "isRfq": False,
        "isOffHours": False,
        "status": "ACTIVE",
        "tradingHours": "CONTINUOUS",
        "marketStats": {"fundingRate": "0", "nextFundingRate": 0},
        "tradingConfig": {
            "minOrderSize": market.min_size,
            "minOrderSizeChange": market.lot,
            "minPriceChange": market.tick,
            "maxMarketOrderValue": "3000000",
            "maxLimitOrderValue": "15000000",
            "maxPositionValue": "60000000",
            "maxLeverage": f"{market.max_leverage}.00",
            "maxNumOrders": str(MAX_OPEN_ORDERS),
            "limitPriceCap": plain(PRICE_CAP),
            "limitPriceFloor": plain(PRICE_CAP),
            "riskFactorConfig": [
                {"upperBound": "4000000", "riskFactor": plain(1 / Decimal(market.max_leverage))}
            ],
        },
        "l2Config": {
            "type": "STARKX",
            "collateralId": "0x1",
            "syntheticId": market.synthetic_id,
            "syntheticResolution": market.resolution,
            "collateralResolution": 1_000_000,
        },
    }

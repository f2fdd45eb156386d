"""The venue's instruments: which perpetuals it lists, their grid, limits and hours."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Annotated, Final

import msgspec

from paraphina_core.connector import STARK_PRIME, decode_json
from paraphina_core.domain import (
    NS_PER_MS,
    ConfigError,
    Event,
    FixedTick,
    FundingRate,
    Instrument,
    InstrumentDefined,
    InstrumentId,
    LocalError,
    RemoteError,
    RemoteProtocolError,
    TradingStatus,
    VenueNotice,
    ceil_to,
    nearest_name,
    parse_decimal,
    parse_float,
)

from .feed import FUNDING_INTERVAL_S
from .limits import MAX_MARKETS
from .messages import Milliseconds
from .signing import Assets

UNKNOWN_MARKET: Final = "unknown_market"
UNUSABLE_MARKET: Final = "unusable_market"
MAX_LISTED: Final = 10_000

#: `status` of a market (docs "Get markets", read 2026-11).
_STATUSES: Final[Mapping[str, TradingStatus]] = {
    "ACTIVE": TradingStatus.TRADING,
    "REDUCE_ONLY": TradingStatus.REDUCE_ONLY,
    "DISABLED": TradingStatus.HALTED,
    "PRELISTED": TradingStatus.HALTED,
    "DELISTED": TradingStatus.DELISTED,
}
_ASSET_ID: Final = re.compile(r"0x[0-9a-fA-F]{1,64}", re.ASCII)
_MARKET: Final = re.compile(r"[A-Za-z0-9_.]{1,24}-[A-Z]{1,8}", re.ASCII)
#: A contract on a thousand or more of a small coin: `1000PEPE`.
_MULTIPLE: Final = re.compile(r"(1000+)([A-Za-z].*)", re.ASCII)


class WireStats(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """Figures of a market; `nextFundingRate` is a time, whatever its name says."""

    funding_rate: str
    next_funding_rate: Milliseconds


class WireTradingConfig(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """Grid and limits of a market."""

    min_order_size: str
    min_order_size_change: str
    min_price_change: str
    max_limit_order_value: str


class WireL2Config(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """What sizes and values are in the contract: ids in hex, units of one whole."""

    collateral_id: str
    synthetic_id: str
    synthetic_resolution: Annotated[int, msgspec.Meta(gt=0, le=10**18)]
    collateral_resolution: Annotated[int, msgspec.Meta(gt=0, le=10**18)]


class WireMarket(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """One market that the venue lists."""

    name: str
    asset_name: str
    collateral_asset_name: str
    active: bool
    market_stats: WireStats
    trading_config: WireTradingConfig
    l2_config: WireL2Config | None = None
    status: str = "ACTIVE"
    type: str = "PERPETUAL"
    is_rfq: bool = False
    is_off_hours: bool = False


class _Listed(msgspec.Struct, frozen=True, gc=False):
    name: str
    type: str = "PERPETUAL"


class _Listing(msgspec.Struct, frozen=True, gc=False):
    data: Annotated[tuple[msgspec.Raw, ...], msgspec.Meta(max_length=MAX_LISTED)]


_LISTING: Final[msgspec.json.Decoder[_Listing]] = msgspec.json.Decoder(_Listing)
_LISTED: Final[msgspec.json.Decoder[_Listed]] = msgspec.json.Decoder(_Listed)
_WIRE_MARKET: Final[msgspec.json.Decoder[WireMarket]] = msgspec.json.Decoder(WireMarket)


def parse_markets(text: str) -> tuple[str, ...]:
    """Read the markets that an operator wants to trade, divided by commas.

    Raises:
        ConfigError: none, one twice, too many, or one that cannot be a market.
    """
    markets = tuple(market.strip() for market in text.split(","))
    for market in markets:
        if _MARKET.fullmatch(market) is None:
            raise ConfigError(
                "market is not usable",
                found=market[:64],
                wanted="the venue's name of a perpetual, such as BTC-USD",
            )
    if len(set(markets)) < len(markets) or len(markets) > MAX_MARKETS:
        raise ConfigError(
            "markets are not usable", found=text[:64], wanted=f"each once, at most {MAX_MARKETS}"
        )
    return markets


def perpetual(connector: str, market: WireMarket) -> Instrument:
    """Describe a perpetual from what the venue states of it.

    Outside of its trading hours (`isOffHours`, perpetuals on equities and commodities) nothing is placed.

    Raises:
        RemoteError: the numbers make no sense.
    """
    config = market.trading_config
    lot = parse_decimal(config.min_order_size_change, "minOrderSizeChange")
    multiple = _MULTIPLE.fullmatch(market.asset_name)
    status = _STATUSES.get(market.status, TradingStatus.HALTED)
    if status is TradingStatus.TRADING and (market.is_off_hours or not market.active):
        status = TradingStatus.CANCEL_ONLY
    try:
        return Instrument(
            venue=connector,
            native_id=market.name,
            base=market.asset_name if multiple is None else multiple[2],
            quote=market.collateral_asset_name,
            price_rule=FixedTick(tick=parse_decimal(config.min_price_change, "minPriceChange")),
            lot_size=lot,
            min_size=ceil_to(parse_decimal(config.min_order_size, "minOrderSize"), lot),
            min_notional=Decimal(0),
            multiplier=Decimal(1 if multiple is None else multiple[1]),
            max_notional=parse_decimal(config.max_limit_order_value, "maxLimitOrderValue"),
            status=status,
        )
    except LocalError as e:  # the numbers are the venue's
        raise RemoteProtocolError(f"limits of {market.name} are not usable: {e}") from e


class Traded(msgspec.Struct, frozen=True):
    """What an order needs to know of its market; one without assets cannot be signed for."""

    name: str
    instrument: Instrument
    assets: Assets | None


def assets(config: WireL2Config) -> Assets:
    """Read what the contract calls the assets of a market.

    Raises:
        RemoteError: an id is no number of the contract.
    """
    ids = []
    for text in (config.synthetic_id, config.collateral_id):
        if _ASSET_ID.fullmatch(text) is None or not 0 < int(text, 16) < STARK_PRIME:
            raise RemoteProtocolError("asset id is not usable", found=text[:80], wanted="0x and hex digits")
        ids.append(int(text, 16))
    return Assets(
        synthetic_id=ids[0],
        collateral_id=ids[1],
        synthetic_resolution=config.synthetic_resolution,
        collateral_resolution=config.collateral_resolution,
    )


class Listings:
    """What the venue lists, as far as its answers were read.

    Attributes:
        markets: instrument of each market that is traded here, of those that the venue lists.
        traded: what orders need to know of each.
    """

    def __init__(self, connector: str, wanted: Sequence[str]) -> None:
        self.markets: Mapping[str, InstrumentId] = {}
        self.traded: Mapping[InstrumentId, Traded] = {}
        self._connector = connector
        self._wanted = wanted

    def read(self, body: bytes) -> Sequence[Event]:
        """Take over the answer to `info/markets`: instruments, and the funding rate in the making.

        Raises:
            RemoteError: the answer is not what the venue documents, or lists a market twice.
        """
        found = decode_json(_LISTING, body, "Extended markets").data
        # Only what is traded here is read whole: a strange market of others is nobody's trouble.
        raws = {decode_json(_LISTED, bytes(raw), "Extended market").name: bytes(raw) for raw in found}
        if len(raws) < len(found):
            raise RemoteProtocolError("the venue lists a market twice")
        traded: dict[str, Traded] = {}
        events: list[Event] = []
        for name in self._wanted:
            if name not in raws or decode_json(_LISTED, raws[name], "Extended market").type != "PERPETUAL":
                events.append(_unknown(name, raws))
                continue
            try:
                market = decode_json(_WIRE_MARKET, raws[name], "Extended market")
                if market.is_rfq:
                    raise RemoteProtocolError(f"{name} is traded by request for quotes, without a book")
                instrument = perpetual(self._connector, market)
                config = market.l2_config
                traded[name] = Traded(name, instrument, None if config is None else assets(config))
                events += [
                    InstrumentDefined(instrument=instrument),
                    _funding(instrument.id, market.market_stats),
                ]
            except RemoteError as e:
                events.append(VenueNotice(code=UNUSABLE_MARKET, text=str(e)[:200]))
        self.markets = {name: one.instrument.id for name, one in traded.items()}
        self.traded = {one.instrument.id: one for one in traded.values()}
        return events


def _funding(instrument: InstrumentId, stats: WireStats) -> FundingRate:
    return FundingRate(
        instrument=instrument,
        rate=parse_float(stats.funding_rate, "fundingRate"),
        interval_s=FUNDING_INTERVAL_S,
        next_funding_ns=stats.next_funding_rate * NS_PER_MS or None,
    )


def _unknown(market: str, listed: Iterable[str]) -> VenueNotice:
    nearest = nearest_name(market, listed)
    hint = "" if nearest in {None, market} else f"; did you mean {nearest}?"
    return VenueNotice(code=UNKNOWN_MARKET, text=f"the venue lists no perpetual {market}{hint}")

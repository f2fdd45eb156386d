"""The venue's perpetuals: their grids as the venue lists them, and what its state lets one do with them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Final

import msgspec

from paraphina_core.connector import decode_json
from paraphina_core.domain import (
    ConfigError,
    Event,
    FixedTick,
    Instrument,
    InstrumentDefined,
    InstrumentId,
    LocalError,
    RemoteError,
    RemoteProtocolError,
    TradingStatus,
    VenueNotice,
    nearest_name,
    parse_decimal,
)

from .limits import MAX_MARKETS
from .messages import MARKETS, SYSTEM_STATE, MarketInfo

UNKNOWN_MARKET: Final = "unknown_market"
UNUSABLE_MARKET: Final = "unusable_market"
SYSTEM_STATUS: Final = "system_status"

#: A market's name stands in addresses and channels.
_NAME: Final = re.compile(r"[A-Za-z0-9]{1,20}-USD-PERP", re.ASCII)
#: A contract on a thousand of a small coin: `kBONK`.
_THOUSAND: Final = re.compile(r"k([A-Z0-9]+)", re.ASCII)

_OK: Final = "ok"
#: States of the whole venue (docs "System state", read 2026-08-20).
_STATES: Final[Mapping[str, TradingStatus]] = {
    _OK: TradingStatus.TRADING,
    "post_only": TradingStatus.POST_ONLY,
    "cancel_only": TradingStatus.CANCEL_ONLY,
    "maintenance": TradingStatus.HALTED,
}
#: The one mode of a market that lets everything through; no document lists the others.
_STANDARD: Final = "STANDARD"


def parse_markets(text: str) -> tuple[str, ...]:
    """Read the markets that an operator wants to trade, divided by commas.

    Raises:
        ConfigError: none, one twice, too many, or one that cannot be a perpetual.
    """
    markets = tuple(market.strip() for market in text.split(","))
    for market in markets:
        if _NAME.fullmatch(market) is None:
            raise ConfigError(
                "market is not usable",
                found=market[:64],
                wanted="the venue's name of a perpetual, such as BTC-USD-PERP",
            )
    if len(set(markets)) < len(markets) or len(markets) > MAX_MARKETS:
        raise ConfigError(
            "markets are not usable", found=text[:64], wanted=f"each once, at most {MAX_MARKETS}"
        )
    return markets


def perpetual(connector: str, info: MarketInfo) -> Instrument:
    """Describe a perpetual from what the venue lists of it.

    Raises:
        RemoteError: its numbers make no grid.
    """
    lot = parse_decimal(info.order_size_increment, "order_size_increment")
    thousand = _THOUSAND.fullmatch(info.base_currency)
    try:
        return Instrument(
            venue=connector,
            native_id=info.symbol,
            base=info.base_currency if thousand is None else thousand[1],
            quote=info.quote_currency,
            price_rule=FixedTick(tick=parse_decimal(info.price_tick_size, "price_tick_size")),
            lot_size=lot,
            min_size=lot,
            min_notional=parse_decimal(info.min_notional, "min_notional"),
            multiplier=Decimal(1 if thousand is None else 1_000),
            max_size=parse_decimal(info.max_order_size, "max_order_size") if info.max_order_size else None,
            status=TradingStatus.TRADING if info.trading_mode == _STANDARD else TradingStatus.HALTED,
        )
    except LocalError as e:  # the numbers are the venue's
        raise RemoteProtocolError(f"listing of {info.symbol} is not usable: {e}") from e


class Listings:
    """What the venue lists and the state that it is in, as far as its answers were read.

    Attributes:
        markets: instrument of each market that is traded here, of those that the venue lists.
    """

    def __init__(self, connector: str, wanted: Sequence[str]) -> None:
        self.markets: Mapping[str, InstrumentId] = {}
        self._connector = connector
        self._wanted = wanted
        self._listed: tuple[Instrument, ...] = ()
        self._state = TradingStatus.HALTED  # until the venue has told
        self._state_name = ""

    def read(self, body: bytes) -> Sequence[Event]:
        """Take over the answer to `/markets`, and define the instruments that are traded here.

        Raises:
            RemoteError: the answer is not what the venue documents, or lists a market twice.
        """
        found = decode_json(MARKETS, body, "markets").results
        by_name = {info.symbol: info for info in found}
        if len(by_name) < len(found):
            raise RemoteProtocolError("a market is listed twice")
        instruments: list[Instrument] = []
        notices: list[Event] = []
        for name in self._wanted:
            info = by_name.get(name)
            if info is None or info.asset_kind != "PERP":
                notices.append(_unknown(name, by_name))
                continue
            try:
                instruments.append(perpetual(self._connector, info))
            except RemoteError as e:
                notices.append(VenueNotice(code=UNUSABLE_MARKET, text=str(e)[:200]))
        self._listed = tuple(instruments)
        self.markets = {instrument.native_id: instrument.id for instrument in instruments}
        return (*self._defined(), *notices)

    def read_state(self, body: bytes) -> Sequence[Event]:
        """Take over the answer to `/system/state`; a state that nobody knows lets nothing through.

        Raises:
            RemoteError: the answer is not what the venue documents.
        """
        name = decode_json(SYSTEM_STATE, body, "system state").status
        if name == self._state_name:
            return ()
        is_news = bool(self._state_name) or name != _OK
        self._state_name = name
        self._state = _STATES.get(name, TradingStatus.HALTED)
        notice = VenueNotice(code=SYSTEM_STATUS, text=f"the venue is in state {name[:64]}")
        return (*self._defined(), *([notice] if is_news else []))

    def _defined(self) -> Sequence[Event]:
        """Define every instrument with the stricter of its own status and the venue's."""
        open_to_all = TradingStatus.TRADING
        return tuple(
            InstrumentDefined(
                instrument=instrument
                if self._state is open_to_all or instrument.status is not open_to_all
                else msgspec.structs.replace(instrument, status=self._state)
            )
            for instrument in self._listed
        )


def _unknown(market: str, listed: Iterable[str]) -> VenueNotice:
    nearest = nearest_name(market, listed)
    hint = "" if nearest in {None, market} else f"; did you mean {nearest}?"
    return VenueNotice(code=UNKNOWN_MARKET, text=f"the venue lists no perpetual {market}{hint}")

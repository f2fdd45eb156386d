"""The venue's instruments: which perpetuals it lists, with the filters that it states for each."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Final

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
    instrument_id,
    is_multiple,
    nearest_name,
    parse_decimal,
)

from .limits import MAX_MARKETS
from .messages import EXCHANGE_INFO, FUNDING_INFO, Filter, SymbolInfo

UNKNOWN_SYMBOL: Final = "unknown_symbol"
UNUSABLE_SYMBOL: Final = "unusable_symbol"

#: Symbols that the venue names no interval for; most are paid every eight hours. No document says so.
DEFAULT_FUNDING_HOURS: Final = 8
_SECONDS_AN_HOUR: Final = 3_600
MAX_SYMBOL_LETTERS: Final = 32

_STATUSES: Final[Mapping[str, TradingStatus]] = {
    "TRADING": TradingStatus.TRADING,
    "PENDING_TRADING": TradingStatus.HALTED,
    "PRE_SETTLE": TradingStatus.REDUCE_ONLY,
    "SETTLING": TradingStatus.HALTED,
    "CLOSE": TradingStatus.DELISTED,
}
#: A contract on a thousand or more of a small coin: `1000SHIB`.
_MULTIPLE: Final = re.compile(r"(1000+)([A-Z].*)", re.ASCII)


def parse_symbols(text: str) -> tuple[str, ...]:
    """Read the symbols that an operator wants to trade, divided by commas.

    Raises:
        ConfigError: none, one twice, too many, or one that cannot be a symbol.
    """
    symbols = tuple(symbol.strip() for symbol in text.split(","))
    for symbol in symbols:
        # Some are written in Chinese; what could end a name within an address is none.
        if not (0 < len(symbol) <= MAX_SYMBOL_LETTERS and symbol.isalnum() and symbol == symbol.upper()):
            raise ConfigError(
                "market is not usable",
                found=symbol[:64],
                wanted="the venue's symbol of a perpetual in capitals, such as BTCUSDT",
            )
    if len(set(symbols)) < len(symbols) or len(symbols) > MAX_MARKETS:
        raise ConfigError(
            "markets are not usable", found=text[:64], wanted=f"each once, at most {MAX_MARKETS}"
        )
    return symbols


def perpetual(connector: str, info: SymbolInfo) -> Instrument:
    """Describe a perpetual from what the venue states of it.

    Raises:
        RemoteError: a filter that every order must pass is missing or makes no sense, or prices and sizes
            are counted from somewhere else than zero.
    """
    filters = {found.filterType: found for found in info.filters}
    prices, sizes = _filter(filters, info, "PRICE_FILTER"), _filter(filters, info, "LOT_SIZE")
    tick, lot = parse_decimal(prices.tickSize, "tickSize"), parse_decimal(sizes.stepSize, "stepSize")
    min_size, max_size = parse_decimal(sizes.minQty, "minQty"), parse_decimal(sizes.maxQty, "maxQty")
    # Docs "Filters" (read 2026-10-08): steps are counted from the minimum, and zero switches a rule off.
    for what, step, start in (
        ("tickSize", tick, parse_decimal(prices.minPrice, "minPrice")),
        ("stepSize", lot, min_size),
    ):
        if not step > 0 or not is_multiple(start, step):
            raise RemoteProtocolError(
                f"{what} of {info.symbol} is not usable",
                found=f"{step}, counted from {start}",
                wanted="a step above zero, of which the minimum is a multiple",
            )
    notional = filters.get("MIN_NOTIONAL")
    multiple = _MULTIPLE.fullmatch(info.baseAsset)
    try:
        return Instrument(
            venue=connector,
            native_id=info.symbol,
            base=info.baseAsset if multiple is None else multiple[2],
            quote=info.quoteAsset,
            price_rule=FixedTick(tick=tick),
            lot_size=lot,
            min_size=min_size,
            min_notional=Decimal(0) if notional is None else parse_decimal(notional.notional, "notional"),
            multiplier=Decimal(1 if multiple is None else multiple[1]),
            max_size=max_size if max_size > 0 else None,
            status=_STATUSES.get(info.status, TradingStatus.HALTED),
        )
    except LocalError as e:  # the numbers are the venue's
        raise RemoteProtocolError(f"filters of {info.symbol} are not usable: {e}") from e


class Listings:
    """What the venue lists, as far as its answers were read.

    Attributes:
        symbols: instrument of each symbol that is traded here, of those that the venue lists.
        orders_per_minute: orders that an account may send in a minute, None while that is not known.
        instruments: what is known of each instrument that is traded here.
    """

    def __init__(self, connector: str, wanted: Sequence[str]) -> None:
        self.symbols: Mapping[str, InstrumentId] = {}
        self.instruments: Mapping[InstrumentId, Instrument] = {}
        self.orders_per_minute: int | None = None
        self._connector = connector
        self._wanted = wanted
        self._hours: Mapping[str, int] = {}

    def symbol(self, instrument: InstrumentId) -> str:
        """Return the venue's symbol of an instrument.

        Raises:
            LocalError: the venue lists none such.
        """
        for symbol, known in self.symbols.items():
            if known == instrument:
                return symbol
        raise LocalError("the venue lists no such instrument", found=instrument)

    def name(self, symbol: str) -> InstrumentId:
        """Name the instrument of a symbol, whether or not it is traded here."""
        return self.symbols.get(symbol) or instrument_id(self._connector, symbol)

    def spelled(self, instrument: InstrumentId) -> str:
        """Return the symbol of an instrument that may be traded elsewhere alone; see `name`."""
        for symbol, known in self.symbols.items():
            if known == instrument:
                return symbol
        return instrument.removeprefix(f"{self._connector}:")

    def traded(self, instrument: InstrumentId) -> Instrument:
        """Return what the venue lists under an instrument.

        Raises:
            LocalError: it lists none such.
        """
        found = self.instruments.get(instrument)
        if found is None:
            raise LocalError("the venue lists no such instrument", found=instrument)
        return found

    def quote_asset(self, symbol: str) -> str | None:
        """Return the asset in which a symbol is quoted, None where it is not traded here."""
        instrument = self.symbols.get(symbol)
        return None if instrument is None else self.instruments[instrument].quote

    def funding_interval_s(self, symbol: str) -> int:
        """Return the time from one funding payment of a symbol to the next."""
        return self._hours.get(symbol, DEFAULT_FUNDING_HOURS) * _SECONDS_AN_HOUR

    def read(self, body: bytes) -> Sequence[Event]:
        """Take over the answer to `exchangeInfo`, and define the instruments that are traded here.

        Raises:
            RemoteError: the answer is not what the venue documents, or lists a symbol twice.
        """
        found = decode_json(EXCHANGE_INFO, body, "exchangeInfo")
        listed = {info.symbol: info for info in found.symbols}
        if len(listed) < len(found.symbols):
            raise RemoteProtocolError("exchangeInfo lists a symbol twice")
        instruments: dict[str, Instrument] = {}
        notices: list[Event] = []
        for symbol in self._wanted:
            info = listed.get(symbol)
            if info is None or info.contractType != "PERPETUAL":
                notices.append(_unknown(symbol, listed))
                continue
            try:
                instruments[symbol] = perpetual(self._connector, info)
            except RemoteError as e:
                notices.append(VenueNotice(code=UNUSABLE_SYMBOL, text=str(e)[:200]))
        self.symbols = {symbol: instrument.id for symbol, instrument in instruments.items()}
        self.instruments = {instrument.id: instrument for instrument in instruments.values()}
        for limit in found.rateLimits:
            if (limit.rateLimitType, limit.interval, limit.intervalNum) == ("ORDERS", "MINUTE", 1):
                self.orders_per_minute = limit.limit
        return (
            *(InstrumentDefined(instrument=instrument) for instrument in instruments.values()),
            *notices,
        )

    def read_funding(self, body: bytes) -> None:
        """Take over the answer to `fundingInfo`: the interval of each symbol.

        Raises:
            RemoteError: the answer is not what the venue documents.
        """
        terms = decode_json(FUNDING_INFO, body, "fundingInfo")
        self._hours = {each.symbol: each.fundingIntervalHours for each in terms}


def _filter(filters: Mapping[str, Filter], info: SymbolInfo, kind: str) -> Filter:
    found = filters.get(kind)
    if found is None:
        raise RemoteProtocolError(f"{info.symbol} has no {kind}", found=", ".join(filters)[:200])
    return found


def _unknown(symbol: str, listed: Iterable[str]) -> VenueNotice:
    nearest = nearest_name(symbol, listed)
    hint = "" if nearest in {None, symbol} else f"; did you mean {nearest}?"
    return VenueNotice(code=UNKNOWN_SYMBOL, text=f"the venue lists no perpetual {symbol}{hint}")

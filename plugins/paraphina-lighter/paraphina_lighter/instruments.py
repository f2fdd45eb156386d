"""The venue's instruments: which perpetuals it lists, with the decimals and minimums it states for each."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Final

import msgspec

from paraphina_core.connector import decode_json
from paraphina_core.domain import (
    CONTEXT,
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
    nearest_name,
    parse_decimal,
)

from .limits import MAX_MARKETS
from .messages import DETAILS, MarketDetails

UNKNOWN_SYMBOL: Final = "unknown_symbol"
UNUSABLE_SYMBOL: Final = "unusable_symbol"
OTHER_MARKET: Final = "other_market"

#: What prices are quoted in and collateral is held in.
QUOTE: Final = "USDC"
MAX_SYMBOL_LETTERS: Final = 32
#: A transaction states sizes as whole numbers of the lot, of at most 48 bits (lighter-go 1.0.7).
MAX_LOTS: Final = 2**48 - 1

#: A contract on a thousand or more of a small coin: `1000PEPE`.
_MULTIPLE: Final = re.compile(r"(1000+)([A-Z].*)", re.ASCII)


class Market(msgspec.Struct, frozen=True, kw_only=True):
    """One perpetual as the wire needs it.

    Args:
        symbol: the venue's name.
        market_id: the venue's number.
        instrument: its name in this program.
        size_decimals: a size is stated as a whole number of this power of ten.
        price_decimals: likewise a price.
    """

    symbol: str
    market_id: int
    instrument: InstrumentId
    size_decimals: int
    price_decimals: int


def parse_symbols(text: str) -> tuple[str, ...]:
    """Read the symbols that an operator wants to trade, divided by commas.

    Raises:
        ConfigError: none, one twice, too many, or one that cannot be a perpetual's.
    """
    symbols = tuple(symbol.strip() for symbol in text.split(","))
    for symbol in symbols:
        if not (symbol.isascii() and symbol.isalnum() and len(symbol) <= MAX_SYMBOL_LETTERS):
            raise ConfigError(
                "market is not usable",
                found=symbol[:64],
                wanted="the venue's symbol of a perpetual, such as BTC; no spot pair",
            )
    if len(set(symbols)) < len(symbols) or len(symbols) > MAX_MARKETS:
        raise ConfigError(
            "markets are not usable", found=text[:64], wanted=f"each once, at most {MAX_MARKETS}"
        )
    return symbols


def perpetual(connector: str, details: MarketDetails) -> Instrument:
    """Describe a perpetual from what the venue states of it.

    Raises:
        RemoteError: a number makes no sense.
    """
    lot = Decimal(1).scaleb(-details.supported_size_decimals)
    limit = details.order_quote_limit
    multiplier, base = _base(details.symbol)
    try:
        return Instrument(
            venue=connector,
            native_id=details.symbol,
            base=base,
            quote=QUOTE,
            price_rule=FixedTick(tick=Decimal(1).scaleb(-details.supported_price_decimals)),
            lot_size=lot,
            min_size=parse_decimal(details.min_base_amount, "min_base_amount"),
            min_notional=parse_decimal(details.min_quote_amount, "min_quote_amount"),
            multiplier=Decimal(multiplier),
            max_size=CONTEXT.multiply(lot, MAX_LOTS),
            max_notional=None if limit is None else parse_decimal(limit, "order_quote_limit"),
            status=_status(details),
        )
    except LocalError as e:  # the numbers are the venue's
        raise RemoteProtocolError(f"rules of {details.symbol} are not usable: {e}") from e


class Listings:
    """What the venue lists, as far as its answers were read.

    Args:
        connector: name of the connector, which its instruments carry.
        wanted: symbols that are traded here.
        market_id: the number that the only one of them must have; None where nobody said.

    Attributes:
        symbols: each of those symbols that the venue lists.
        perpetuals: name of every perpetual that the venue lists, by number.
    """

    def __init__(self, connector: str, wanted: Sequence[str], market_id: int | None = None) -> None:
        self.symbols: Mapping[str, Market] = {}
        self.perpetuals: Mapping[int, InstrumentId] = {}
        self._connector = connector
        self._wanted = wanted
        self._market_id = market_id

    def market(self, instrument: InstrumentId) -> Market:
        """Return the market of an instrument.

        Raises:
            LocalError: the venue lists none such.
        """
        for market in self.symbols.values():
            if market.instrument == instrument:
                return market
        raise LocalError("the venue lists no such instrument", found=instrument)

    def named(self, market_id: int) -> InstrumentId | None:
        """Return the name of a perpetual, None where no perpetual that the venue lists has the number."""
        return self.perpetuals.get(market_id)

    def read(self, body: bytes) -> Sequence[Event]:
        """Take over the answer to `orderBookDetails`, and define the instruments that are traded here.

        Raises:
            RemoteError: the answer is not what the venue documents, or lists a perpetual twice.
        """
        found = [
            each
            for each in decode_json(DETAILS, body, "orderBookDetails").order_book_details
            if each.market_type == "perp"
        ]
        listed = {details.symbol: details for details in found}
        if len(listed) < len(found) or len({details.market_id for details in found}) < len(found):
            raise RemoteProtocolError("orderBookDetails lists a perpetual twice")
        markets: dict[str, Market] = {}
        events: list[Event] = []
        for symbol in self._wanted:
            details = listed.get(symbol)
            if details is None:
                events.append(_unknown(symbol, listed))
                continue
            if self._market_id not in {None, details.market_id}:
                text = (
                    f"{symbol} has the number {details.market_id}; LIGHTER_MARKET_ID says {self._market_id}"
                )
                events.append(VenueNotice(code=OTHER_MARKET, text=text))
                continue
            try:
                instrument = perpetual(self._connector, details)
            except RemoteError as e:
                events.append(VenueNotice(code=UNUSABLE_SYMBOL, text=str(e)[:200]))
                continue
            markets[symbol] = Market(
                symbol=symbol,
                market_id=details.market_id,
                instrument=instrument.id,
                size_decimals=details.supported_size_decimals,
                price_decimals=details.supported_price_decimals,
            )
            events.append(InstrumentDefined(instrument=instrument))
        self.symbols = markets
        self.perpetuals = {
            each.market_id: instrument_id(self._connector, each.symbol, _base(each.symbol)[0])
            for each in found
        }
        return events


def _base(symbol: str) -> tuple[str, str]:
    """Return of how many units of which coin a contract is one."""
    multiple = _MULTIPLE.fullmatch(symbol)
    return ("1", symbol) if multiple is None else (multiple[1], multiple[2])


def _status(details: MarketDetails) -> TradingStatus:
    if details.status != "active":
        return TradingStatus.HALTED
    return TradingStatus.REDUCE_ONLY if details.market_config.force_reduce_only else TradingStatus.TRADING


def _unknown(symbol: str, listed: Iterable[str]) -> VenueNotice:
    nearest = nearest_name(symbol, listed)
    hint = "" if nearest in {None, symbol} else f"; did you mean {nearest}?"
    return VenueNotice(code=UNKNOWN_SYMBOL, text=f"the venue lists no perpetual {symbol}{hint}")

"""The venue's instruments: which perpetuals it lists, and which prices and sizes they may have."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Final

from paraphina_core.domain import (
    ConfigError,
    Event,
    Instrument,
    InstrumentDefined,
    InstrumentId,
    RemoteProtocolError,
    SignificantFigures,
    TradingStatus,
    VenueNotice,
    instrument_id,
    nearest_name,
)

from . import account_messages as wire
from .messages import decode

#: Docs "Tick and lot size" (read 2026-08-22): a price has at most five significant figures and at
#: most `6 - szDecimals` decimals (perpetuals), integers always pass; a size has `szDecimals` decimals.
PRICE_FIGURES: Final = 5
PRICE_DECIMALS: Final = 6

#: Docs "Error responses" (read 2026-08-22): orders must have a value of at least 10 USD.
MIN_NOTIONAL_USD: Final = Decimal(10)

#: What prices are quoted in, and what an account's balance is held in.
QUOTE: Final = "USD"
COLLATERAL: Final = "USDC"

UNKNOWN_COIN: Final = "unknown_coin"

#: Coins of one connector: the venue serves a thousand subscriptions, and a run trades one underlying.
MAX_COINS: Final = 20
MAX_COIN_LETTERS: Final = 32


def perpetual(
    connector: str, coin: str, size_decimals: int, status: TradingStatus = TradingStatus.TRADING
) -> Instrument:
    """Describe a perpetual of the venue.

    Args:
        connector: name of the connector that trades it.
        coin: the venue's name, for example `BTC`.
        size_decimals: `szDecimals` of the venue's meta answer, 0 to 6.
        status: whether it is traded still.
    """
    lot = Decimal(1).scaleb(-size_decimals)
    return Instrument(
        venue=connector,
        native_id=coin,
        base=coin,
        quote=QUOTE,
        price_rule=SignificantFigures(figures=PRICE_FIGURES, max_decimals=PRICE_DECIMALS - size_decimals),
        lot_size=lot,
        min_size=lot,
        min_notional=MIN_NOTIONAL_USD,
        status=status,
    )


def is_perpetual(coin: str) -> bool:
    """Tell whether a coin in an account's message is one of the venue's own perpetuals.

    Spot pairs and outcomes are not, nor are perpetuals of builders' exchanges, whose collateral is another.
    """
    return not coin.startswith(("@", "#", "+")) and "/" not in coin and ":" not in coin


def parse_coins(text: str) -> tuple[str, ...]:
    """Read the coins that an operator wants to trade, divided by commas.

    The venue closes a stream that subscribes to a coin it does not know, so what cannot be a perpetual
    of its own exchange is refused here, and what it does not list is never subscribed to.

    Raises:
        ConfigError: no coin, one twice, too many, or one that this connector does not trade.
    """
    coins = tuple(coin.strip() for coin in text.split(","))
    for coin in coins:
        if ":" in coin:
            raise ConfigError(
                "perpetuals of builders' exchanges (HIP-3) are not traded",
                found=coin[:64],
                wanted="a perpetual of the venue itself, such as BTC",
            )
        if not (coin.isascii() and coin.isalnum() and len(coin) <= MAX_COIN_LETTERS):
            raise ConfigError(
                "coin is not usable",
                found=coin[:64],
                wanted="the venue's name of a perpetual, such as BTC; no spot pair and no outcome",
            )
    if len(set(coins)) < len(coins) or len(coins) > MAX_COINS:
        raise ConfigError("coins are not usable", found=text[:64], wanted=f"each once, at most {MAX_COINS}")
    return coins


class Listings:
    """What the venue lists, as far as its meta answer was read.

    Attributes:
        assets: the venue's number of every perpetual it lists; it differs between networks.
        coins: instrument of each coin that is traded here, of those that the venue lists.
    """

    def __init__(self, connector: str, wanted: Sequence[str]) -> None:
        self.assets: dict[InstrumentId, int] = {}
        self.coins: Mapping[str, InstrumentId] = {}
        self._connector = connector
        self._wanted = wanted

    def read(self, body: bytes) -> Sequence[Event]:
        """Take over the answer to `meta`, and define the instruments that are traded here.

        Raises:
            RemoteError: the answer is not what the venue documents, or lists a coin twice.
        """
        universe = decode(wire.META, body, "meta").universe
        places = {listing.name: place for place, listing in enumerate(universe)}
        if len(places) < len(universe):
            raise RemoteProtocolError("meta lists a coin twice", found=f"{len(universe) - len(places)} twice")
        instruments = {
            coin: perpetual(
                self._connector,
                coin,
                universe[places[coin]].szDecimals,
                TradingStatus.DELISTED if universe[places[coin]].isDelisted else TradingStatus.TRADING,
            )
            for coin in self._wanted
            if coin in places
        }
        # Orders name assets by number alone; the tables change together or not at all.
        self.assets.update((instrument_id(self._connector, coin), place) for coin, place in places.items())
        self.coins = {coin: instrument.id for coin, instrument in instruments.items()}
        return (
            *(InstrumentDefined(instrument=instrument) for instrument in instruments.values()),
            *(_unknown(coin, places) for coin in self._wanted if coin not in places),
        )


def _unknown(coin: str, listed: Iterable[str]) -> VenueNotice:
    nearest = nearest_name(coin, listed)
    hint = "" if nearest is None else f"; did you mean {nearest}?"
    return VenueNotice(code=UNKNOWN_COIN, text=f"the venue lists no {coin}{hint}")

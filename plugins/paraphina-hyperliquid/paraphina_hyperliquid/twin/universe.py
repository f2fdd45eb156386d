"""What the twin lists: coins under the numbers that the venue's two networks give them, and its own prices.

The venue names a coin by its place in its list, and the places differ between its networks; a client that
confuses the two must be found out. The first places here are the venue's own.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

import msgspec

from paraphina_core.connector import Network
from paraphina_core.domain import InstrumentId, TradingStatus
from paraphina_core.twin import Listing
from paraphina_hyperliquid.instruments import perpetual

#: The largest limit order in USD by the highest leverage that the coin allows: docs "Contract
#: specifications" (read 2026-08-22), ten times what a market order may be.
_LARGEST_USD: Final = ((25, 300_000_000), (20, 50_000_000), (10, 20_000_000), (0, 5_000_000))


class Coin(msgspec.Struct, frozen=True, kw_only=True):
    """One perpetual of the twin.

    Args:
        name: the venue's.
        size_decimals: `szDecimals`.
        max_leverage: the highest it allows.
        price: with which its market opens, USD.
        has_flow: others than clients trade it.
        is_delisted: it keeps its place in the list and nothing else.
    """

    name: str
    size_decimals: int
    max_leverage: int
    price: Decimal
    has_flow: bool = False
    is_delisted: bool = False


_BTC: Final = Coin(name="BTC", size_decimals=5, max_leverage=40, price=Decimal(84_000), has_flow=True)
_ETH: Final = Coin(name="ETH", size_decimals=4, max_leverage=25, price=Decimal(2_800), has_flow=True)
_SOL: Final = Coin(name="SOL", size_decimals=2, max_leverage=20, price=Decimal(130), has_flow=True)
_HYPE: Final = Coin(name="HYPE", size_decimals=2, max_leverage=10, price=Decimal(33), has_flow=True)
#: Traded by clients alone: whatever is in these books, they have put there.
_ATOM: Final = Coin(name="ATOM", size_decimals=2, max_leverage=5, price=Decimal("2.5"))
_APT: Final = Coin(name="APT", size_decimals=2, max_leverage=10, price=Decimal("2.2"))
_DYDX: Final = Coin(name="DYDX", size_decimals=1, max_leverage=5, price=Decimal("0.25"))
_MATIC: Final = Coin(name="MATIC", size_decimals=1, max_leverage=20, price=Decimal("0.4"), is_delisted=True)

#: In the venue's order as far as it goes; HYPE is further down its lists.
COINS: Final = {
    Network.MAINNET: (_BTC, _ETH, _ATOM, _MATIC, _DYDX, _SOL, _HYPE),
    Network.TESTNET: (_SOL, _APT, _ATOM, _BTC, _ETH, _MATIC, _HYPE),
}


class Universe:
    """The coins of one network, by their number and by their name.

    Args:
        connector: name under which the plugin knows the venue's instruments.
        network: whose numbers.
        has_flow: without it no coin is traded by others than clients.

    Attributes:
        coins: in the order of their numbers.
        listings: the same for the exchange.
        instruments: in the order of their numbers.
    """

    def __init__(self, connector: str, network: Network, *, has_flow: bool = True) -> None:
        self.coins = COINS[network]
        self.listings = [_listing(connector, coin, has_flow=has_flow) for coin in self.coins]
        self.instruments = [listing.instrument.id for listing in self.listings]
        self._numbers = {coin.name: number for number, coin in enumerate(self.coins)}
        self._coins = dict(zip(self.instruments, self.coins, strict=True))

    def instrument(self, name: str) -> InstrumentId | None:
        """Return the instrument of a coin, exactly as the venue spells it; None if there is none."""
        number = self._numbers.get(name)
        return None if number is None else self.instruments[number]

    def coin(self, instrument: InstrumentId) -> Coin:
        """Return the coin of an instrument."""
        return self._coins[instrument]

    def number(self, instrument: InstrumentId) -> int:
        """Return the number by which actions name an instrument."""
        return self._numbers[self._coins[instrument].name]


def _listing(connector: str, coin: Coin, *, has_flow: bool) -> Listing:
    instrument = msgspec.structs.replace(
        perpetual(connector, coin.name, coin.size_decimals),
        max_notional=Decimal(next(usd for leverage, usd in _LARGEST_USD if coin.max_leverage >= leverage)),
        status=TradingStatus.DELISTED if coin.is_delisted else TradingStatus.TRADING,
    )
    return Listing(
        instrument=instrument,
        price=coin.price,
        max_leverage=coin.max_leverage,
        has_flow=coin.has_flow and has_flow,
    )

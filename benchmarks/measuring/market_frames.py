"""Hyperliquid's public frames, byte for byte as the venue spells them, of a market made from a seed.

Five coins whose prices walk by ticks; at each block of 100 ms something of each may change. The wire
format is that of real frames (recorded in 2025 and 2026): compact JSON, numbers as text, all levels of a
side in one list, best first.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from enum import StrEnum
from typing import Final, NamedTuple

BLOCK_MS: Final = 100
FIRST_MS: Final = 1_790_232_236_500


class Kind(StrEnum):
    """Which frame; the values are what the tables call them."""

    BOOK = "book, 20 levels a side"
    FAST_BOOK = "fast book, 5 levels a side"
    BBO = "best bid and offer"
    TRADES = "trades"


class Coin(NamedTuple):
    """A perpetual: its name, decimals of its sizes, tick, and where its price begins, in ticks."""

    name: str
    size_decimals: int
    tick: float
    price_decimals: int
    start: int
    typical_size: float


COINS: Final = (
    Coin("BTC", 5, 1.0, 1, 113_377, 0.4),
    Coin("ETH", 4, 0.1, 1, 41_237, 6.0),
    Coin("SOL", 2, 0.01, 2, 20_154, 80.0),
    Coin("HYPE", 2, 0.001, 3, 47_209, 120.0),
    Coin("DOGE", 0, 0.00001, 5, 24_176, 9_000.0),
)


class Market:
    """One coin's book, as the texts of its levels: sizes at ticks around a touch that walks."""

    def __init__(self, coin: Coin, dice: random.Random) -> None:
        self.coin = coin
        self._dice = dice
        self._bid = coin.start
        self._spread = 1
        self._bids: list[str] = []
        self._asks: list[str] = []
        self._tid = dice.randrange(10**14, 10**15)
        self.move()

    def move(self, *, always: bool = False) -> None:
        """Let one block pass: the touch walks and takes the book with it, or only its sizes change."""
        dice = self._dice
        if always or dice.random() < 0.6 or not self._bids:
            self._bid = max(100, self._bid + dice.choice((-3, -2, -1, -1, 1, 1, 2, 3)))
            self._spread = dice.choice((1, 1, 1, 2, 3))
            self._bids = [self._level(self._bid - step) for step in self._steps()]
            self._asks = [self._level(self._bid + self._spread + step) for step in self._steps()]
            return
        self._bids[0] = self._level(self._bid)
        self._asks[0] = self._level(self._bid + self._spread)

    def book(self, time_ms: int, depth: int, *, fast: bool = False) -> bytes:
        """Spell the whole book."""
        bids, asks = ",".join(self._bids[:depth]), ",".join(self._asks[:depth])
        mark = ',"fast":true' if fast else ""
        return (
            f'{{"channel":"l2Book","data":{{"coin":"{self.coin.name}","time":{time_ms},'
            f'"levels":[[{bids}],[{asks}]]{mark}}}}}'
        ).encode()

    def bbo(self, time_ms: int) -> bytes:
        """Spell the touch."""
        return (
            f'{{"channel":"bbo","data":{{"coin":"{self.coin.name}","time":{time_ms},'
            f'"bbo":[{self._bids[0]},{self._asks[0]}]}}}}'
        ).encode()

    def trades(self, time_ms: int) -> bytes:
        """Spell what one or a few aggressors of a block traded at the touch."""
        dice = self._dice
        buys = dice.random() < 0.5
        price = self._price(self._bid + self._spread if buys else self._bid)
        trades = []
        for _ in range(dice.choice((1, 1, 1, 2, 3))):
            self._tid += dice.randrange(1, 10**9)
            users = ",".join(f'"0x{dice.getrandbits(160):040x}"' for _ in range(2))
            terms = f'"side":"{"B" if buys else "A"}","px":"{price}","sz":"{self._size()}"'
            ids = f'"hash":"0x{dice.getrandbits(256):064x}","tid":{self._tid},"users":[{users}]'
            trades.append(f'{{"coin":"{self.coin.name}",{terms},"time":{time_ms},{ids}}}')
        return f'{{"channel":"trades","data":[{",".join(trades)}]}}'.encode()

    def _steps(self) -> list[int]:
        """Return how many ticks from the touch each of twenty levels is: mostly neighbours."""
        steps = [0]
        for _ in range(19):
            steps.append(steps[-1] + self._dice.choice((1, 1, 1, 1, 2, 3)))
        return steps

    def _level(self, ticks: int) -> str:
        orders = 1 + int(self._dice.expovariate(0.2))
        return f'{{"px":"{self._price(ticks)}","sz":"{self._size()}","n":{orders}}}'

    def _price(self, ticks: int) -> str:
        return _plain(ticks * self.coin.tick, self.coin.price_decimals)

    def _size(self) -> str:
        smallest = 10.0**-self.coin.size_decimals
        size = smallest + self._dice.expovariate(1.0 / self.coin.typical_size)
        return _plain(size, self.coin.size_decimals)


def frames(seed: int, kind: Kind) -> Iterator[bytes]:
    """Yield frames of one kind without end, of all coins by turns."""
    markets = _markets(seed)
    time_ms = FIRST_MS
    while True:
        time_ms += BLOCK_MS
        for market in markets:
            market.move()
            yield _frame(market, kind, time_ms)


def mixed(seed: int) -> Iterator[tuple[Kind, bytes]]:
    """Yield what a subscription to fast book, touch and trades of all coins brings, without end.

    The touch comes at each block in which it changed, the fast book about every 540 ms, and trades in
    a third of the blocks (cadences as captured in August and September 2026).
    """
    dice = dice_of(seed)
    markets = _markets(seed)
    time_ms = FIRST_MS
    while True:
        time_ms += BLOCK_MS
        for market in markets:
            market.move()
            chances = ((Kind.FAST_BOOK, BLOCK_MS / 540), (Kind.BBO, 0.9), (Kind.TRADES, 1 / 3))
            for kind, chance in chances:
                if dice.random() < chance:
                    yield kind, _frame(market, kind, time_ms)


def dice_of(seed: int) -> random.Random:
    """Return the chance that a market of that seed has."""
    return random.Random(seed)


def _markets(seed: int) -> list[Market]:
    dice = dice_of(seed)
    return [Market(coin, dice) for coin in COINS]


def _plain(number: float, decimals: int) -> str:
    """Spell a number as the venue does: without trailing zeros, but with one decimal at least."""
    text = f"{number:.{max(1, decimals)}f}".rstrip("0")
    return text + "0" if text.endswith(".") else text


def _frame(market: Market, kind: Kind, time_ms: int) -> bytes:
    if kind is Kind.BOOK:
        return market.book(time_ms, 20)
    if kind is Kind.FAST_BOOK:
        return market.book(time_ms, 5, fast=True)
    if kind is Kind.BBO:
        return market.bbo(time_ms)
    return market.trades(time_ms)

"""A market that does not exist: a seeded price, a book that follows it and orders that hit the book.

Prices are whole ticks and sizes whole lots, so nothing can leave the grid. One quantity, the
activity, makes the market nervous or calm: it jumps with news, decays within seconds, and moves
order flow, volatility and spread together. The price diffuses and is
drawn home over a day, so that a run of any length keeps the grid that fits its first price.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from random import Random
from typing import Final, TypeAlias

import msgspec

from paraphina_core.domain import NS_PER_S, Side

YEAR_S: Final = 365 * 86_400
HOUR_NS: Final = 3_600 * NS_PER_S
BPS: Final = 1e-4

#: Levels on each side that makers keep up, where nothing else is asked for.
LEVELS: Final = 20

#: Changes of the book by makers, and market orders while the market is calm, in one second.
MAKER_RATE_HZ: Final = 6.0
TAKER_RATE_HZ: Final = 1.2
#: News comes at this rate, makes the market so much more active, and is forgotten after so long.
NEWS_RATE_HZ: Final = 1 / 60
NEWS_JOLT: Final = 6.0
CALMING_S: Final = 5.0
#: Mean of the activity over a long time; dividing by it makes the configured volatility come true.
MEAN_ACTIVITY: Final = 1 + NEWS_RATE_HZ * NEWS_JOLT * CALMING_S

#: Parts of the price: half of the calm spread, mean distance of two levels, depth makers keep up
#: for each level.
HALF_SPREAD: Final = 0.1 * BPS
LEVEL_GAP: Final = 0.2 * BPS
DEPTH: Final = 2 * LEVEL_GAP
#: How often makers improve to the best price they would quote, rather than leave the spread wide.
JOINING: Final = 0.8

#: Median size of a level and of a market order in quote units, and how widely the two scatter
#: (standard deviation of the logarithm).
LEVEL_NOTIONAL: Final = 10_000.0
LEVEL_SCATTER: Final = 0.8
ORDER_NOTIONAL: Final = 1_500.0
ORDER_SCATTER: Final = 1.1

#: The price is drawn home with this time constant.
HOME_S: Final = 86_400.0
#: Premium of the perpetual over its index: size, and how long it lasts.
PREMIUM: Final = 2 * BPS
PREMIUM_S: Final = 1_800.0
#: Hourly interest part of the funding rate: the 0.01 % in eight hours that most venues use.
INTEREST_1H: Final = 1 * BPS / 8

#: Closest two events of the market come, and how long after a trade the book shows it.
MIN_WAIT_NS: Final = 1_000_000
TRADE_TO_BOOK_NS: Final = 500_000
MARK_INTERVAL_NS: Final = NS_PER_S


class WholeBook(msgspec.Struct, frozen=True, kw_only=True):
    """Size in lots of every level, by price in ticks."""

    bids: Mapping[int, int]
    asks: Mapping[int, int]


class BookChange(msgspec.Struct, frozen=True, kw_only=True):
    """New total size in lots of each changed price in ticks; zero deletes the level."""

    bids: Mapping[int, int]
    asks: Mapping[int, int]


class MarketOrder(msgspec.Struct, frozen=True, kw_only=True):
    """A market order as it traded: `(ticks, lots)` of each level it took."""

    aggressor: Side
    trades: tuple[tuple[int, int], ...]


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """Mark and index price in ticks, hourly funding rate and the time of its next payment."""

    mark_ticks: float
    index_ticks: float
    funding_rate_1h: float
    next_funding_ns: int


Update: TypeAlias = WholeBook | BookChange | MarketOrder | Mark


class Ladder:
    """One side of the book in ticks and lots, which remembers what has changed."""

    def __init__(self, side: Side) -> None:
        self._away = -side.sign
        self.lots: dict[int, int] = {}
        self._changed: dict[int, int] = {}

    @property
    def best(self) -> int:
        """Price of the best level, in ticks."""
        return min(self.lots) if self._away > 0 else max(self.lots)

    @property
    def worst(self) -> int:
        """Price of the level farthest from the market, in ticks."""
        return max(self.lots) if self._away > 0 else min(self.lots)

    def away(self, price: int, ticks: int) -> int:
        """Return the price so many ticks farther from the market."""
        return price + self._away * ticks

    def put(self, price: int, lots: int) -> None:
        """Set the size of a level; zero deletes it."""
        if lots > 0:
            self.lots[price] = lots
        elif self.lots.pop(price, None) is None:
            return
        self._changed[price] = lots

    def keep(self, best: int, worst: int) -> None:
        """Cancel every level better than `best` or farther from the market than `worst`."""
        low, high = min(best, worst), max(best, worst)
        for price in [price for price in self.lots if not low <= price <= high]:
            self.put(price, 0)

    def take(self, lots: int) -> Iterator[tuple[int, int]]:
        """Fill a market order from the best level on; at most half of the side, so that one remains."""
        wanted = min(lots, sum(self.lots.values()) // 2)
        while wanted > 0:
            price = self.best
            taken = min(wanted, self.lots[price])
            self.put(price, self.lots[price] - taken)
            wanted -= taken
            yield price, taken

    def take_changes(self) -> dict[int, int]:
        """Return what has changed since the last call."""
        changed, self._changed = self._changed, {}
        return changed


class SyntheticMarket:
    """The market and its random numbers: the same arguments give the same updates for ever.

    Args:
        seed: source of everything random.
        start_ns: session time at which the market opens.
        price_ticks: first price.
        lots_per_quote: lots that one unit of quote buys at the first price.
        annual_volatility: standard deviation of the log price over a year.
        levels: levels on each side that makers keep up.

    Attributes:
        at_ns: time of the last update.
        bids: the buy side now.
        asks: the sell side now.
    """

    def __init__(
        self,
        *,
        seed: int,
        start_ns: int,
        price_ticks: int,
        lots_per_quote: float,
        annual_volatility: float,
        levels: int = LEVELS,
    ) -> None:
        self._random = Random(seed)  # noqa: S311  # a market that can be repeated, not a secret
        self._home = math.log(price_ticks)
        self._log_price = self._home
        self._lots_per_quote = lots_per_quote
        self._levels = levels
        self._variance_per_s = annual_volatility**2 / YEAR_S / MEAN_ACTIVITY
        self._activity = MEAN_ACTIVITY
        self._premium = self._random.gauss(0.0, PREMIUM)
        self._next_mark_ns = start_ns
        self.at_ns = start_ns
        self.bids = Ladder(Side.BUY)
        self.asks = Ladder(Side.SELL)

    def updates(self, start_ns: int) -> Iterator[tuple[int, Update]]:
        """Yield `(at_ns, update)` with rising times after `start_ns`, for ever; first the whole book.

        Called again, it goes on from where the market is, as after a lost connection.
        """
        self._pass_until(max(start_ns, self.at_ns) + MIN_WAIT_NS)
        self._next_mark_ns = max(self._next_mark_ns, self.at_ns)
        self._make()
        self._book_change()
        yield self.at_ns, WholeBook(bids=dict(self.bids.lots), asks=dict(self.asks.lots))
        while True:
            takers = TAKER_RATE_HZ * self._activity
            total = MAKER_RATE_HZ + takers + NEWS_RATE_HZ
            due_ns = self.at_ns + max(MIN_WAIT_NS, int(self._random.expovariate(total) * NS_PER_S))
            if due_ns > self._next_mark_ns:
                yield self._mark()
                continue
            self._pass_until(due_ns)
            kind = self._random.random() * total
            if kind < takers:
                yield self.at_ns, self._hit()
                self._pass_until(due_ns + TRADE_TO_BOOK_NS)
            elif kind < takers + MAKER_RATE_HZ:
                self._make()
            else:
                self._activity += NEWS_JOLT
                continue
            change = self._book_change()
            if change.bids or change.asks:
                yield self.at_ns, change

    @property
    def _ticks(self) -> float:
        return math.exp(self._log_price)

    def _pass_until(self, at_ns: int) -> None:
        passed_s = (at_ns - self.at_ns) / NS_PER_S
        self.at_ns = at_ns
        self._log_price += (self._home - self._log_price) * -math.expm1(-passed_s / HOME_S)
        self._log_price += self._random.gauss(
            0.0, math.sqrt(self._variance_per_s * self._activity * passed_s)
        )
        kept = math.exp(-passed_s / PREMIUM_S)
        self._premium = self._premium * kept + self._random.gauss(0.0, PREMIUM * math.sqrt(1 - kept * kept))
        self._activity = 1 + (self._activity - 1) * math.exp(-passed_s / CALMING_S)

    def _make(self) -> None:
        """Let the makers follow the price: pull what it has run over, improve, add, cancel, refill."""
        ticks = self._ticks
        half = HALF_SPREAD * ticks * math.sqrt(self._activity) * self._random.uniform(0.5, 1.5)
        for ladder, touch in (
            (self.bids, math.floor(ticks - max(0.5, half))),
            (self.asks, math.ceil(ticks + max(0.5, half))),
        ):
            ladder.keep(touch, ladder.away(touch, round(DEPTH * self._levels * ticks)))
            if touch not in ladder.lots and (not ladder.lots or self._random.random() < JOINING):
                ladder.put(touch, self._level_lots(ticks))
            ladder.put(ladder.away(ladder.best, self._gap(3 * ticks)), self._level_lots(ticks))
            ladder.put(self._random.choice(sorted(ladder.lots)), self._level_lots(ticks))
            cancelled = self._random.choice(sorted(ladder.lots))
            if cancelled != ladder.best:
                ladder.put(cancelled, 0)
            while len(ladder.lots) < self._levels:
                ladder.put(ladder.away(ladder.worst, self._gap(ticks)), self._level_lots(ticks))
            while len(ladder.lots) > self._levels:
                ladder.put(ladder.worst, 0)

    def _gap(self, ticks: float) -> int:
        return 1 + int(self._random.expovariate(1 / (LEVEL_GAP * ticks)))

    def _level_lots(self, ticks: float) -> int:
        return self._lots(LEVEL_NOTIONAL, LEVEL_SCATTER, ticks)

    def _lots(self, median_notional: float, scatter: float, ticks: float) -> int:
        notional = median_notional * self._random.lognormvariate(0.0, scatter)
        return max(1, round(notional * self._lots_per_quote * math.exp(self._home) / ticks))

    def _hit(self) -> MarketOrder:
        """Let a market order take the side that the price is about to leave, more often than the other."""
        ticks = self._ticks
        stale = 2 * ticks - self.bids.best - self.asks.best
        width = self.asks.best - self.bids.best
        buys = self._random.random() < 1 / (1 + math.exp(-max(-3.0, min(3.0, stale / width))))
        lots = self._lots(ORDER_NOTIONAL, ORDER_SCATTER, ticks)
        taken = tuple((self.asks if buys else self.bids).take(lots))
        return MarketOrder(aggressor=Side.BUY if buys else Side.SELL, trades=taken)

    def _book_change(self) -> BookChange:
        return BookChange(bids=self.bids.take_changes(), asks=self.asks.take_changes())

    def _mark(self) -> tuple[int, Mark]:
        self._pass_until(max(self._next_mark_ns, self.at_ns + MIN_WAIT_NS))
        self._next_mark_ns += MARK_INTERVAL_NS
        index = self._ticks / (1 + self._premium)
        mark = Mark(
            mark_ticks=self._ticks,
            index_ticks=index,
            funding_rate_1h=INTEREST_1H + self._premium / 8,
            next_funding_ns=(self.at_ns // HOUR_NS + 1) * HOUR_NS,
        )
        return self.at_ns, mark

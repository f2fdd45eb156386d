"""The generated market: one price that all venues share, and on each a book and orders around it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from random import Random
from typing import Final

import msgspec

from paraphina_core.domain import NS_PER_S

from .scenario import Market, Scenario
from .shocks import ShockKind, is_out, strength

BPS: Final = 1e-4
YEAR_S: Final = 365 * 86_400
#: Step of the common price.
STEP_S: Final = 0.1
#: How long a venue's basis lasts.
BASIS_S: Final = 60.0
#: How widely sizes scatter: standard deviation of the logarithm.
SCATTER: Final = 0.6
#: How far a market order that knows something looks ahead.
KNOWN_S: Final = 1.0
HOUR_NS: Final = 3_600 * NS_PER_S
#: A price has six digits at the start.
PRICE_DIGITS: Final = 6


class Grid(msgspec.Struct, frozen=True):
    """Decimals of prices and sizes, from the first price."""

    price: int
    size: int

    @classmethod
    def of(cls, price: float) -> Grid:
        """Return the grid in which a tick is at most 0.1 bps and a lot worth at most 10 USD."""
        magnitude = math.floor(math.log10(price))
        return cls(max(0, PRICE_DIGITS - 1 - magnitude), max(0, magnitude))


class Update(msgspec.Struct, frozen=True, array_like=True):
    """What one venue shows at one time; trades are `(buys, price, size)`, before the book."""

    at_ns: int
    trades: tuple[tuple[bool, float, float], ...]
    bids: tuple[tuple[float, float], ...]
    asks: tuple[tuple[float, float], ...]
    mark: float
    funding_rate_1h: float
    next_funding_ns: int


class CommonPrice:
    """The price that all venues share, drawn once; the same seed gives the same path.

    Args:
        scenario: how volatile it is, and its shocks.
        seed: of its random numbers.
    """

    def __init__(self, scenario: Scenario, seed: int) -> None:
        self._random = Random(seed)  # noqa: S311  # a market that can be repeated, not a secret
        self._shocks = scenario.shocks
        self._step = scenario.market.annual_volatility * math.sqrt(STEP_S / YEAR_S)
        self._log = [math.log(scenario.market.price)]
        self._last = 0.0

    def at(self, at_s: float) -> float:
        """Return the price at a time after the start."""
        index = max(0, int(at_s / STEP_S))
        while len(self._log) <= index:
            self._grow()
        return math.exp(self._log[index])

    def _grow(self) -> None:
        at_s = len(self._log) * STEP_S
        shocks = self._shocks
        move = self._random.gauss(0.0, self._step) * strength(shocks, ShockKind.VOLATILITY, at_s)
        move += min(0.99, strength(shocks, ShockKind.TREND, at_s)) * self._last
        self._last = move
        move += strength(shocks, ShockKind.DRIFT, at_s) * BPS * STEP_S
        for shock in shocks:
            if shock.kind is ShockKind.JUMP and at_s - STEP_S < shock.at_s <= at_s:
                move += shock.size * BPS
        self._log.append(self._log[-1] + move)


class VenueMarket:
    """One venue's books and trades.

    Args:
        name: of the venue.
        scenario: what is generated.
        common: the price that all share.
        seed: of what is the venue's own.
        start_ns: when everything begins.
    """

    def __init__(self, name: str, scenario: Scenario, common: CommonPrice, seed: int, start_ns: int) -> None:
        self._name = name
        self._market: Market = scenario.market
        self._shocks = scenario.shocks
        self._common = common
        self._random = Random(seed)  # noqa: S311  # a market that can be repeated, not a secret
        self._start_ns = start_ns
        self._grid = Grid.of(scenario.market.price)
        self._period_s = 1 / scenario.market.updates_hz
        self._offset_s = self._random.random() * self._period_s
        self._basis_bps = self._random.gauss(0.0, scenario.market.basis_bps)
        self._number = 0
        self._last: Update | None = None

    def updates(self, from_ns: int) -> Iterator[tuple[int, Update]]:
        """Yield `(due_ns, update)` in the order of time, for ever; called again, it goes on where it was."""
        due_ns = from_ns
        while True:
            at_s = self._offset_s + self._number * self._period_s
            self._number += 1
            at_ns = self._start_ns + int(at_s * NS_PER_S)
            update = self._update(at_s, at_ns)
            if at_ns < from_ns or is_out(self._shocks, at_s, self._name):
                continue
            late_ns = int(strength(self._shocks, ShockKind.LATENCY, at_s, self._name) * 1e6)
            due_ns = max(due_ns, at_ns + late_ns)
            yield due_ns, update

    def _update(self, at_s: float, at_ns: int) -> Update:
        kept = math.exp(-self._period_s / BASIS_S)
        scatter = self._market.basis_bps * math.sqrt(1 - kept * kept)
        self._basis_bps = self._basis_bps * kept + self._random.gauss(0.0, scatter)
        basis_bps = self._basis_bps + strength(self._shocks, ShockKind.BASIS, at_s, self._name)
        middle = self._common.at(at_s) * (1 + basis_bps * BPS)
        update = Update(
            at_ns,
            self._trades(at_s),
            self._side(at_s, middle, -1),
            self._side(at_s, middle, 1),
            middle,
            self._market.funding_rate_1h * strength(self._shocks, ShockKind.FUNDING, at_s, self._name),
            (at_ns // HOUR_NS + 1) * HOUR_NS,
        )
        self._last = update
        return update

    def _side(self, at_s: float, middle: float, sign: int) -> tuple[tuple[float, float], ...]:
        half = self._market.half_spread_bps * BPS * middle
        half *= strength(self._shocks, ShockKind.SPREAD, at_s, self._name)
        depth = strength(self._shocks, ShockKind.DEPTH, at_s, self._name)
        tick = 10.0**-self._grid.price
        best = math.floor((middle - half) / tick) if sign < 0 else math.ceil((middle + half) / tick)
        gap = max(1, round(half / 2 / tick))
        return tuple(
            (
                round((best + sign * gap * level) * tick, self._grid.price),
                self._size(self._market.level_notional_usd * depth, middle),
            )
            for level in range(self._market.levels)
        )

    def _trades(self, at_s: float) -> tuple[tuple[bool, float, float], ...]:
        last = self._last
        if last is None or self._random.random() >= self._market.orders_hz * self._period_s:
            return ()
        buys = self._random.choice((True, False))
        knows = self._random.random() < strength(self._shocks, ShockKind.TOXIC, at_s, self._name)
        if knows:
            buys = self._common.at(at_s + KNOWN_S) > self._common.at(at_s)
        wanted = self._size(self._market.order_notional_usd, last.mark)
        trades = []
        for price, size in last.asks if buys else last.bids:
            taken = round(min(wanted, size), self._grid.size)
            if not taken > 0.0:
                break
            trades.append((buys, price, taken))
            wanted -= taken
        return tuple(trades)

    def _size(self, notional_usd: float, price: float) -> float:
        size = notional_usd / price * self._random.lognormvariate(0.0, SCATTER)
        return max(10.0**-self._grid.size, round(size, self._grid.size))

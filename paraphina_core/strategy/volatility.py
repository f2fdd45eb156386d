"""Volatility of a price: a time-normalised, exponentially weighted variance of log returns."""

from __future__ import annotations

import math
from typing import Final

from paraphina_core.domain import NS_PER_S

#: Returns over less than this are mostly the bounce between bid and ask, so they are not sampled.
MIN_SAMPLE_S: Final = 1.0

#: A return across a longer quiet says nothing about now and only restarts the estimate.
MAX_SAMPLE_S: Final = 60.0


class EwmaVolatility:
    """Standard deviation of the log price for the square root of one second.

    The variance of each return is divided by the time it took, so samples may come at any rate;
    the weight of the past halves every `half_life_s`.

    Args:
        half_life_s: seconds after which a sample counts half.
        floor: lowest value ever returned, in the same unit as the result.
    """

    __slots__ = ("_at_ns", "_floor", "_half_life_s", "_log_price", "_variance")

    def __init__(self, half_life_s: float = 30.0, floor: float = 1e-6) -> None:
        self._half_life_s = half_life_s
        self._floor = floor
        self._at_ns = 0
        self._log_price: float | None = None
        self._variance: float | None = None

    def update(self, price: float, at_ns: int) -> None:
        """Take a price above zero, seen at session time `at_ns`."""
        if self._log_price is None:
            self._restart(price, at_ns)
            return
        elapsed_s = (at_ns - self._at_ns) / NS_PER_S
        if elapsed_s < MIN_SAMPLE_S:
            return
        if elapsed_s <= MAX_SAMPLE_S:
            sample = (math.log(price) - self._log_price) ** 2 / elapsed_s
            if self._variance is None:
                self._variance = sample
            else:
                weight = 0.5 ** (elapsed_s / self._half_life_s)
                self._variance = weight * self._variance + (1.0 - weight) * sample
        self._restart(price, at_ns)

    @property
    def value(self) -> float | None:
        """The estimate, None until two samples have been seen."""
        if self._variance is None:
            return None
        return max(self._floor, math.sqrt(self._variance))

    def _restart(self, price: float, at_ns: int) -> None:
        self._log_price = math.log(price)
        self._at_ns = at_ns


class TwoHorizonVolatility:
    """The larger of a short and a long estimate: it rises at once and falls slowly.

    Args:
        short_half_life_s: of the estimate that notices.
        long_half_life_s: of the estimate that remembers.
        floor: lowest value ever returned, per square root of one second.
    """

    __slots__ = ("_floor", "_long", "_short")

    def __init__(
        self, short_half_life_s: float = 30.0, long_half_life_s: float = 600.0, floor: float = 1e-6
    ) -> None:
        self._short = EwmaVolatility(short_half_life_s, floor)
        self._long = EwmaVolatility(long_half_life_s, floor)
        self._floor = floor

    def update(self, price: float, at_ns: int) -> None:
        """Take a price above zero, seen at session time `at_ns`."""
        self._short.update(price, at_ns)
        self._long.update(price, at_ns)

    @property
    def short(self) -> float:
        """The short estimate, the floor until two samples have been seen."""
        return self._short.value or self._floor

    @property
    def long(self) -> float:
        """The long estimate, the floor until two samples have been seen."""
        return self._long.value or self._floor

    @property
    def value(self) -> float:
        """The larger of both."""
        return max(self.short, self.long)

    @property
    def ratio(self) -> float:
        """How much more is going on than usual: short by long, 1 where both are the floor."""
        return self.short / self.long

"""What the price moves against own fills, measured at several horizons and forgotten with time.

For a fill at time t on a market, and the fair value S:

    adverse move over h = -sign * ln(S(t + h) / S(t)) * 10^4   basis points, sign +1 for a buy

Every market keeps, for each horizon, a mean of these moves whose weights halve every `half_life_s`, beside
`prior_fills` fills that moved nothing. So one bad fill says little, many say much, and a market on which
nobody fills any more becomes as good as new.
"""

from __future__ import annotations

import math
from collections import deque
from typing import Final

import msgspec

from paraphina_core.domain import NS_PER_S, InstrumentId, Side

_BPS: Final = 1e4

#: Fills of one market that may wait for their horizons; the oldest are given up beyond that.
MAX_WAITING: Final = 1_000


class ToxicityParameters(msgspec.Struct, frozen=True, kw_only=True):
    """How fills are judged.

    Args:
        horizons_s: times after a fill at which it is looked at.
        half_life_s: after this a fill counts half.
        prior_fills: weight of the assumption that nothing moves.
    """

    horizons_s: tuple[float, ...] = (1.0, 5.0, 30.0)
    half_life_s: float = 600.0
    prior_fills: float = 5.0


class _Waiting(msgspec.Struct, frozen=True, gc=False):
    due_ns: int
    sign: int
    fair_value: float


class _Mean:
    """A mean whose weights halve with time."""

    __slots__ = ("_at_ns", "_half_life_s", "_sum", "_weight")

    def __init__(self, half_life_s: float) -> None:
        self._half_life_s = half_life_s
        self._sum = 0.0
        self._weight = 0.0
        self._at_ns = 0

    def add(self, value: float, at_ns: int) -> None:
        self._age(at_ns)
        self._sum += value
        self._weight += 1.0

    def read(self, prior: float, at_ns: int) -> float:
        self._age(at_ns)
        return self._sum / (self._weight + prior)

    def _age(self, at_ns: int) -> None:
        elapsed_s = max(0, at_ns - self._at_ns) / NS_PER_S
        kept = 0.5 ** (elapsed_s / self._half_life_s)
        self._sum *= kept
        self._weight *= kept
        self._at_ns = max(self._at_ns, at_ns)


class _Horizon:
    """Fills of one market, looked at so long after they happened."""

    __slots__ = ("_horizon_ns", "_mean", "_waiting")

    def __init__(self, horizon_s: float, half_life_s: float) -> None:
        self._horizon_ns = int(horizon_s * NS_PER_S)
        self._mean = _Mean(half_life_s)
        self._waiting: deque[_Waiting] = deque(maxlen=MAX_WAITING)

    def filled(self, sign: int, fair_value: float, at_ns: int) -> None:
        self._waiting.append(_Waiting(at_ns + self._horizon_ns, sign, fair_value))

    def advance(self, fair_value: float, at_ns: int) -> None:
        while self._waiting and self._waiting[0].due_ns <= at_ns:
            fill = self._waiting.popleft()
            self._mean.add(-fill.sign * math.log(fair_value / fill.fair_value) * _BPS, at_ns)

    def read(self, prior: float, at_ns: int) -> float:
        return self._mean.read(prior, at_ns)


class Toxicity:
    """The markouts of all markets of one underlying."""

    def __init__(self, parameters: ToxicityParameters | None = None) -> None:
        self._parameters = ToxicityParameters() if parameters is None else parameters
        self._markets: dict[InstrumentId, tuple[_Horizon, ...]] = {}

    def filled(self, instrument: InstrumentId, side: Side, fair_value: float, at_ns: int) -> None:
        """Take note of an own fill, with the fair value when it was learned of."""
        for horizon in self._of(instrument):
            horizon.filled(side.sign, fair_value, at_ns)

    def advance(self, fair_value: float, at_ns: int) -> None:
        """Judge the fills whose horizons have passed by the fair value of now."""
        for horizons in self._markets.values():
            for horizon in horizons:
                horizon.advance(fair_value, at_ns)

    def markouts_bps(self, instrument: InstrumentId, at_ns: int) -> tuple[float, ...]:
        """Return the mean adverse move of each horizon, basis points; negative where fills were lucky."""
        prior = self._parameters.prior_fills
        return tuple(horizon.read(prior, at_ns) for horizon in self._of(instrument))

    def adverse_bps(self, instrument: InstrumentId, at_ns: int) -> float:
        """Return what a fill must be expected to lose: the worst horizon, never below zero."""
        return max(0.0, *self.markouts_bps(instrument, at_ns))

    def _of(self, instrument: InstrumentId) -> tuple[_Horizon, ...]:
        horizons = self._markets.get(instrument)
        if horizons is None:
            parameters = self._parameters
            horizons = self._markets[instrument] = tuple(
                _Horizon(horizon_s, parameters.half_life_s) for horizon_s in parameters.horizons_s
            )
        return horizons

"""What one underlying is worth, fused from the mids of several venues.

Venues differ for good by a basis, from moment to moment by noise, and now and then one of them is simply
wrong. So the log mid of each market, less its basis, is one measurement of the log fair value:

1. Books that are too old are left out. Where no majority agrees there is no fair value.
2. The middle is the median weighted by certainty. Who is further from it than `outlier_bps` and five times
   its own noise is left out.
3. The rest goes into a Kalman filter on the log price, whose variance grows by volatility^2 each second; a
   measurement has the variance

       (spread / 2)^2 * (1 + reference depth / depth) + volatility^2 * age + disagreement^2

   A surprise that the majority shares, beyond four standard deviations, widens the filter's variance to it,
   so a jump common to all venues is believed at once.
4. Each market's basis follows its distance from the fair value with a half-life of minutes, an outlier's
   only once it has been one for `outlier_patience_s`. The mean basis of those that agree stays what it was:
   a distance that all have is no basis.

Kalman, "A New Approach to Linear Filtering and Prediction Problems", 1960; the widening is the matching of
covariances of Mehra, "Approaches to Adaptive Filtering", 1972.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final

import msgspec

from paraphina_core.domain import NS_PER_S, InstrumentId

_BPS: Final = 1e4

#: A disagreement beyond this many standard deviations of a market's own noise makes an outlier.
_OUTLIER_SIGMAS: Final = 5.0

#: A surprise beyond this many standard deviations is a jump.
_JUMP_SIGMAS: Final = 4.0

#: Noise that no market is below, as a log price: a hundredth of a basis point.
_LEAST_NOISE: Final = 1e-6


class FairValueParameters(msgspec.Struct, frozen=True, kw_only=True):
    """How markets are fused.

    Args:
        max_age_s: books older than this are left out.
        outlier_bps: distance from the middle that is tolerated in any case.
        reference_depth_usd: touch of this size on both sides together doubles the variance of the spread.
        basis_half_life_s: time in which half of a lasting distance becomes basis.
        outlier_patience_s: for so long an outlier is taken to be wrong; then its distance to be lasting.
        noise_half_life_s: time in which half of a market's disagreement is forgotten.
        min_markets: markets that must agree, where there are as many.
    """

    max_age_s: float = 2.0
    outlier_bps: float = 15.0
    reference_depth_usd: float = 10_000.0
    basis_half_life_s: float = 600.0
    outlier_patience_s: float = 120.0
    noise_half_life_s: float = 60.0
    min_markets: int = 2


class Quote(msgspec.Struct, frozen=True, gc=False):
    """One market as it is fused.

    Args:
        instrument: whose.
        bid: best bid, quote units, above zero.
        ask: best ask, above the bid.
        depth_usd: what rests at both touches, USD.
        age_s: of the book, seconds.
    """

    instrument: InstrumentId
    bid: float
    ask: float
    depth_usd: float
    age_s: float

    @property
    def mid(self) -> float:
        """Halfway between the touches."""
        return 0.5 * (self.bid + self.ask)


class Exclusion(StrEnum):
    """Why a market has no part in the fair value."""

    STALE = "stale"
    OUTLIER = "outlier"


class FairValue(msgspec.Struct, frozen=True, kw_only=True):
    """The estimate at one moment.

    Attributes:
        price: quote units; NaN where it is unavailable.
        deviation_bps: its standard deviation.
        basis_bps: of each market that was ever fused, how far above the fair value it trades for good.
        used: the markets that it is made of.
        excluded: the others, and why.
        unavailable: why there is none; empty where there is one.
    """

    price: float
    deviation_bps: float
    basis_bps: Mapping[InstrumentId, float]
    used: tuple[InstrumentId, ...]
    excluded: Mapping[InstrumentId, Exclusion]
    unavailable: str

    def at(self, instrument: InstrumentId) -> float:
        """Return what a market should trade at: the fair value with the market's basis."""
        return self.price * math.exp(self.basis_bps.get(instrument, 0.0) / _BPS)


class _Track(msgspec.Struct):
    """What is known of one market: basis and disagreement as log prices, how long it agreed or did not."""

    basis: float = 0.0
    disagreement: float = 0.0  # variance
    agreed_s: float = 0.0
    apart_s: float = 0.0


class _Measurement(msgspec.Struct, frozen=True, gc=False):
    instrument: InstrumentId
    log_mid: float
    value: float
    variance: float


class FairValueFilter:
    """Fuses the markets of one underlying, update by update."""

    def __init__(self, parameters: FairValueParameters | None = None) -> None:
        self._parameters = FairValueParameters() if parameters is None else parameters
        self._tracks: dict[InstrumentId, _Track] = {}
        self._log_price = math.nan
        self._variance = math.inf
        self._at_ns: int | None = None

    def update(
        self, quotes: Sequence[Quote], volatility: float, at_ns: int, markets: int | None = None
    ) -> FairValue:
        """Take what the markets show now.

        Args:
            quotes: of the markets that can be believed, each once.
            volatility: standard deviation of the log price for the square root of one second.
            at_ns: session time; not before that of the last update.
            markets: how many there are, those that cannot be believed now among them; as many as quotes
                where it is not said.
        """
        elapsed_s = 0.0 if self._at_ns is None else max(0.0, (at_ns - self._at_ns) / NS_PER_S)
        self._at_ns = at_ns
        self._variance += volatility**2 * elapsed_s
        excluded: dict[InstrumentId, Exclusion] = {}
        fresh = [quote for quote in quotes if quote.age_s <= self._parameters.max_age_s]
        for quote in quotes:
            if not quote.age_s <= self._parameters.max_age_s:
                excluded[quote.instrument] = Exclusion.STALE
        measured = [self._measure(quote, volatility) for quote in fresh]
        middle = _weighted_median(measured)
        agreeing = [one for one in measured if self._agrees(one, middle)]
        for one in measured:
            if one not in agreeing:
                excluded[one.instrument] = Exclusion.OUTLIER
        trouble = self._trouble(len(agreeing), len(measured), len(quotes) if markets is None else markets)
        if not trouble:
            self._fuse(agreeing)
            self._learn(measured, agreeing, elapsed_s)
        return FairValue(
            price=math.nan if trouble else math.exp(self._log_price),
            deviation_bps=math.sqrt(self._variance) * _BPS,
            basis_bps={name: track.basis * _BPS for name, track in self._tracks.items()},
            used=() if trouble else tuple(one.instrument for one in agreeing),
            excluded=excluded,
            unavailable=trouble,
        )

    def _measure(self, quote: Quote, volatility: float) -> _Measurement:
        track = self._tracks.get(quote.instrument, _UNKNOWN)
        log_mid = math.log(quote.mid)
        half_spread = max(_LEAST_NOISE, 0.5 * (quote.ask - quote.bid) / quote.mid)
        thinness = self._parameters.reference_depth_usd / max(quote.depth_usd, 1.0)
        variance = half_spread**2 * (1.0 + thinness) + volatility**2 * quote.age_s + track.disagreement
        return _Measurement(quote.instrument, log_mid, log_mid - track.basis, variance)

    def _agrees(self, one: _Measurement, middle: float) -> bool:
        limit = max(self._parameters.outlier_bps / _BPS, _OUTLIER_SIGMAS * math.sqrt(one.variance))
        return abs(one.value - middle) <= limit

    def _trouble(self, agreeing: int, measured: int, markets: int) -> str:
        needed = min(self._parameters.min_markets, markets)
        if measured < max(needed, 1):
            return f"{measured} of {markets} markets can be believed, {max(needed, 1)} are needed"
        if agreeing < max(needed, measured // 2 + 1):
            return f"{agreeing} of {measured} markets agree on a price"
        return ""

    def _fuse(self, agreeing: Sequence[_Measurement]) -> None:
        precision = sum(1.0 / one.variance for one in agreeing)
        measured = sum(one.value / one.variance for one in agreeing) / precision
        noise = 1.0 / precision
        if not math.isfinite(self._variance):
            self._log_price, self._variance = measured, noise
            return
        surprise = measured - self._log_price
        if surprise**2 > _JUMP_SIGMAS**2 * (self._variance + noise):
            self._variance = surprise**2
        gain = self._variance / (self._variance + noise)
        self._log_price += gain * surprise
        self._variance *= 1.0 - gain

    def _learn(
        self, measured: Sequence[_Measurement], agreeing: Sequence[_Measurement], elapsed_s: float
    ) -> None:
        """Let each market's basis and disagreement follow where it is now."""
        parameters = self._parameters
        slowly = 1.0 - 0.5 ** (elapsed_s / parameters.basis_half_life_s)
        noisily = 1.0 - 0.5 ** (elapsed_s / parameters.noise_half_life_s)
        tracks = [self._tracks.setdefault(one.instrument, _Track()) for one in agreeing]
        before = sum(track.basis for track in tracks)
        for one, track in zip(agreeing, tracks, strict=True):
            at_first = elapsed_s / (track.agreed_s + elapsed_s) if elapsed_s > 0.0 else 0.0
            track.basis += max(slowly, at_first) * (one.log_mid - self._log_price - track.basis)
            track.disagreement += noisily * ((one.value - self._log_price) ** 2 - track.disagreement)
            track.agreed_s += elapsed_s
            track.apart_s = 0.0
        shared = (sum(track.basis for track in tracks) - before) / len(tracks)
        for track in tracks:
            track.basis -= shared
        for one in measured:
            if one not in agreeing:
                track = self._tracks.setdefault(one.instrument, _Track())
                track.apart_s += elapsed_s
                if track.apart_s > parameters.outlier_patience_s:
                    track.basis += slowly * (one.log_mid - self._log_price - track.basis)


_UNKNOWN: Final = _Track()


def _weighted_median(measured: Sequence[_Measurement]) -> float:
    """Return the value on both sides of which the certainty is the same; NaN of nothing.

    No market counts for more than the two others at its sides, however certain it is of itself: weights
    are standard deviations, not variances, and are capped at three times their median.
    """
    if not measured:
        return math.nan
    raw = sorted(1.0 / math.sqrt(one.variance) for one in measured)
    cap = 3.0 * raw[(len(raw) - 1) // 2] if len(raw) > 2 else raw[0]  # noqa: PLR2004  # two have no middle
    weighted = sorted((one.value, min(cap, 1.0 / math.sqrt(one.variance))) for one in measured)
    half, total = 0.5 * sum(weight for _, weight in weighted), 0.0
    for number, (value, weight) in enumerate(weighted):
        total += weight
        if total > half:
            return value
        if total == half:
            return 0.5 * (value + weighted[min(number + 1, len(weighted) - 1)][0])
    return weighted[-1][0]

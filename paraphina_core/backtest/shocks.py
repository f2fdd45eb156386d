"""Shocks: what a scenario does to a generated market, when, for how long and on which venue."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

import msgspec

from paraphina_core.domain import LocalError


class ShockKind(StrEnum):
    """What happens, with the unit of the shock's size."""

    JUMP = "jump"  # bps of the common price, at once and for good
    DRIFT = "drift"  # bps of the common price in each second
    TREND = "trend"  # part of its last move, 0 to below 1, that the common price repeats
    VOLATILITY = "volatility"  # multiple of the usual
    BASIS = "basis"  # bps that a venue's price stands away
    SPREAD = "spread"  # multiple of the usual
    DEPTH = "depth"  # multiple of the usual
    FUNDING = "funding"  # multiple of the usual; below zero it flips
    OUTAGE = "outage"  # no size: the venue says nothing
    LATENCY = "latency"  # ms by which all that the venue says comes later
    TOXIC = "toxic"  # part, 0 to 1, of the market orders that know the next second's move


#: Latest time and longest duration of a shock.
MAX_S = 1e7

#: Kinds that move the price all venues share, and therefore have no venue.
COMMON = frozenset({ShockKind.JUMP, ShockKind.DRIFT, ShockKind.TREND, ShockKind.VOLATILITY})
_NEUTRAL = {ShockKind.VOLATILITY: 1.0, ShockKind.SPREAD: 1.0, ShockKind.DEPTH: 1.0, ShockKind.FUNDING: 1.0}
_RANGES = {
    ShockKind.JUMP: (-5_000.0, 5_000.0),
    ShockKind.DRIFT: (-100.0, 100.0),
    ShockKind.TREND: (0.0, 0.99),
    ShockKind.VOLATILITY: (0.0, 100.0),
    ShockKind.BASIS: (-1_000.0, 1_000.0),
    ShockKind.SPREAD: (1.0, 1_000.0),
    ShockKind.DEPTH: (0.0, 1_000.0),
    ShockKind.FUNDING: (-1_000.0, 1_000.0),
    ShockKind.OUTAGE: (0.0, 0.0),
    ShockKind.LATENCY: (0.0, 60_000.0),
    ShockKind.TOXIC: (0.0, 1.0),
}


class Shock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One shock.

    Args:
        kind: what happens.
        at_s: when, after the start.
        lasts_s: for how long; of no meaning for a jump.
        size: how much, in the unit of its kind.
        venue: which venue; empty for all.

    Raises:
        LocalError: a number is out of its range, or a venue is named where none can be.
    """

    kind: ShockKind
    at_s: float
    lasts_s: float = 0.0
    size: float = 0.0
    venue: str = ""

    def __post_init__(self) -> None:
        low, high = _RANGES[self.kind]
        if not (low <= self.size <= high):
            raise LocalError(
                f"size of shock {self.kind} is not usable", found=self.size, wanted=f"{low:g} to {high:g}"
            )
        if not (0.0 <= self.at_s <= MAX_S and 0.0 <= self.lasts_s <= MAX_S):
            raise LocalError(
                f"times of shock {self.kind} are not usable",
                found=(self.at_s, self.lasts_s),
                wanted=f"0 to {MAX_S:g} s",
            )
        if self.venue and self.kind in COMMON:
            raise LocalError(
                f"shock {self.kind} moves all venues", found=self.venue, remedy="leave `venue` out"
            )

    def acts(self, at_s: float, venue: str) -> bool:
        """Tell whether it acts at a time on a venue."""
        return self.at_s <= at_s < self.at_s + self.lasts_s and self.venue in ("", venue)


def strength(shocks: Iterable[Shock], kind: ShockKind, at_s: float, venue: str = "") -> float:
    """Return what shocks of a kind come to together: multiples multiply, everything else adds up."""
    neutral = _NEUTRAL.get(kind, 0.0)
    result = neutral
    for shock in shocks:
        if shock.kind is kind and shock.acts(at_s, venue):
            result = result * shock.size if neutral else result + shock.size
    return result


def is_out(shocks: Iterable[Shock], at_s: float, venue: str) -> bool:
    """Tell whether a venue says nothing."""
    return any(shock.kind is ShockKind.OUTAGE and shock.acts(at_s, venue) for shock in shocks)

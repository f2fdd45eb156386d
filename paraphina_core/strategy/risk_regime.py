"""How careful to be: four regimes, entered at once and left slowly.

Each measure of risk is a share of its limit: 1 is at the limit. The worst one decides:

    NORMAL    below `warn`
    WARNING   from `warn`: quotes are wider and smaller
    REDUCING  from 1: only what makes positions smaller is quoted, and hedges go on
    HALTED    from `halt`, and at the loss limits: nothing is quoted; inventory is still hedged down where the
              parameters say so

A regime is left for a calmer one only after `calm_s` in which the worst measure was below the entry of the
regime by `hysteresis`. Limits on inventory shrink as volatility rises above its usual, and never grow.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from enum import IntEnum
from typing import Final

import msgspec

from paraphina_core.domain import NS_PER_S, LocalError

#: The daily profit counts from midnight UTC; so does what this module remembers of a day.
_DAY_NS: Final = 86_400 * NS_PER_S


class Regime(IntEnum):
    """From the calmest to the most careful."""

    NORMAL = 0
    WARNING = 1
    REDUCING = 2
    HALTED = 3


class RiskParameters(msgspec.Struct, frozen=True, kw_only=True):
    """Limits of one underlying, over all venues.

    Args:
        net_usd: largest net position.
        gross_usd: largest sum of absolute positions.
        basis_usd: largest loss if every basis went away: sum of position times basis.
        funding_usd_per_day: largest sum of funding to pay in a day.
        daily_loss_usd: loss since midnight UTC; beyond it the regime is HALTED until the next day.
        drawdown_usd: loss since the best moment of the day; likewise.
        liquidation_sigmas: smallest distance to liquidation, in standard deviations over `horizon_s`.
        horizon_s: of those.
        warn: share of a limit from which on the regime is WARNING.
        halt: share of a limit from which on the regime is HALTED.
        hysteresis: share of a limit by which a measure must fall below an entry.
        calm_s: and for how long.
    """

    net_usd: float = 10_000.0
    gross_usd: float = 50_000.0
    basis_usd: float = 100.0
    funding_usd_per_day: float = 50.0
    daily_loss_usd: float = 500.0
    drawdown_usd: float = 500.0
    liquidation_sigmas: float = 5.0
    horizon_s: float = 3_600.0
    warn: float = 0.7
    halt: float = 1.5
    hysteresis: float = 0.1
    calm_s: float = 30.0

    def __post_init__(self) -> None:
        limits = (
            self.net_usd,
            self.gross_usd,
            self.basis_usd,
            self.funding_usd_per_day,
            self.daily_loss_usd,
            self.drawdown_usd,
            self.liquidation_sigmas,
            self.horizon_s,
        )
        ordered = 0.0 < self.warn < 1.0 < self.halt < math.inf and 0.0 <= self.hysteresis < self.warn
        if not (
            all(0.0 < limit < math.inf for limit in limits) and ordered and 0.0 <= self.calm_s < math.inf
        ):
            raise LocalError(
                "risk parameters are not usable",
                found=self,
                wanted="limits above zero, warn below 1, halt above 1, hysteresis below warn",
            )


class Risk(msgspec.Struct, frozen=True, kw_only=True):
    """What is measured, USD unless the name says otherwise.

    Args:
        net_usd: signed net position at the fair value.
        gross_usd: sum of absolute positions.
        basis_usd: sum of position times basis, signed.
        funding_usd_per_day: funding to pay in a day at the rates in force; negative is received.
        daily_pnl_usd: since midnight UTC.
        liquidation_sigmas: of the market nearest to liquidation.
    """

    net_usd: float = 0.0
    gross_usd: float = 0.0
    basis_usd: float = 0.0
    funding_usd_per_day: float = 0.0
    daily_pnl_usd: float = 0.0
    liquidation_sigmas: float = math.inf


class RiskVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """The regime in force, and why.

    Attributes:
        regime: what may be done.
        worst: the measure that decides, empty while none is at a quarter of its limit.
        shares: of its limit that each measure has used up.
    """

    regime: Regime
    worst: str
    shares: Mapping[str, float]


class RiskMonitor:
    """Judges risk again and again, and remembers how careful it was."""

    def __init__(self, parameters: RiskParameters | None = None) -> None:
        self._parameters = RiskParameters() if parameters is None else parameters
        self._regime = Regime.NORMAL
        self._calm_since_ns: int | None = None
        self._day: int | None = None
        self._best_pnl_usd = 0.0

    def judge(self, risk: Risk, at_ns: int, volatility_ratio: float = 1.0) -> RiskVerdict:
        """Return the regime in force from now on.

        Args:
            risk: measured now; what is not a number counts as beyond every limit.
            at_ns: session time.
            volatility_ratio: volatility by its usual; above 1 limits on inventory shrink by it.
        """
        shares = self._shares(risk, at_ns, max(1.0, volatility_ratio))
        worst = max(shares, key=lambda name: shares[name])
        entered = self._entered(shares)
        if entered >= self._regime:
            self._regime, self._calm_since_ns = entered, None
        elif self._entered({name: share + self._parameters.hysteresis for name, share in shares.items()}) >= (
            self._regime
        ):
            self._calm_since_ns = None
        elif self._calm_since_ns is None:
            self._calm_since_ns = at_ns
        if (
            self._calm_since_ns is not None
            and at_ns - self._calm_since_ns >= self._parameters.calm_s * NS_PER_S
        ):
            self._regime, self._calm_since_ns = Regime(self._regime - 1), at_ns
        return RiskVerdict(
            regime=self._regime,
            worst=worst if shares[worst] >= _WORTH_NAMING else "",
            shares=shares,
        )

    def _shares(self, risk: Risk, at_ns: int, ratio: float) -> dict[str, float]:
        parameters = self._parameters
        day = at_ns // _DAY_NS
        if day != self._day:
            self._day, self._best_pnl_usd = day, 0.0
        self._best_pnl_usd = max(self._best_pnl_usd, risk.daily_pnl_usd)
        shares = {
            "net position": abs(risk.net_usd) * ratio / parameters.net_usd,
            "gross position": risk.gross_usd * ratio / parameters.gross_usd,
            "basis": abs(risk.basis_usd) / parameters.basis_usd,
            "funding": risk.funding_usd_per_day / parameters.funding_usd_per_day,
            "daily loss": -risk.daily_pnl_usd / parameters.daily_loss_usd,
            "drawdown": (self._best_pnl_usd - risk.daily_pnl_usd) / parameters.drawdown_usd,
            "liquidation": _nearness(risk.liquidation_sigmas, parameters.liquidation_sigmas),
        }
        return {name: math.inf if math.isnan(share) else share for name, share in shares.items()}

    def _entered(self, shares: Mapping[str, float]) -> Regime:
        parameters = self._parameters
        worst = max(shares.values())
        if worst >= parameters.halt or max(shares["daily loss"], shares["drawdown"]) >= 1.0:
            return Regime.HALTED
        if worst >= 1.0:
            return Regime.REDUCING
        return Regime.WARNING if worst >= parameters.warn else Regime.NORMAL


#: A measure below this share of its limit is not worth being named.
_WORTH_NAMING: Final = 0.25


def _nearness(sigmas: float, limit: float) -> float:
    """Return how near liquidation is: 1 at the limit, 2 at half of it; infinite where it has come."""
    return limit / sigmas if sigmas > 0.0 else math.inf

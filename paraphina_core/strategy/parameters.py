"""Every parameter of the market maker: unit, range and meaning; and the three profiles that set them."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from importlib.resources import files
from typing import Final

import msgspec

from paraphina_core.connector import Parameter

from .fair_value import FairValueParameters
from .hedge import HedgeParameters
from .quotes import QuoteParameters
from .risk_regime import RiskParameters
from .toxicity import ToxicityParameters

#: From the most to the least careful.
PROFILES: Final = ("conservative", "balanced", "aggressive")

_BPS_RANGE: Final = (0.0, 1_000.0)
_USD: Final = (1.0, 1e9)
_SECONDS: Final = (0.1, 86_400.0)


def _parameter(unit: str, low_high: tuple[float, float], meaning: str) -> Parameter:
    return Parameter(unit=unit, low=low_high[0], high=low_high[1], meaning=meaning)


#: By name. Defaults are those of the profile.
PARAMETERS: Final[Mapping[str, Parameter]] = {
    # fair value and volatility
    "max_age_s": _parameter("s", _SECONDS, "books older than this have no part in the fair value"),
    "outlier_bps": _parameter(
        "bp", (0.1, 1_000.0), "distance from the other venues that is tolerated in any case"
    ),
    "basis_half_life_s": _parameter("s", _SECONDS, "time in which half of a lasting distance becomes basis"),
    "short_half_life_s": _parameter("s", _SECONDS, "of the volatility that notices"),
    "long_half_life_s": _parameter("s", _SECONDS, "of the volatility that remembers"),
    "least_volatility_bps": _parameter("bp/s^0.5", (0.001, 100.0), "volatility is never taken to be lower"),
    # quotes
    "risk_aversion": _parameter("1/bp", (1e-6, 100.0), "gamma: how much one order of inventory is disliked"),
    "fill_decay": _parameter(
        "1/bp", (1e-3, 100.0), "k: how fast fills become rarer with the distance of a quote"
    ),
    "fill_rate": _parameter("1/s", (1e-6, 1e3), "A: fills each second of a quote at the fair value"),
    "least_edge_bps": _parameter("bp", _BPS_RANGE, "what a fill must bring after fee and adverse selection"),
    "anchor": _parameter(
        "1", (0.0, 10.0), "how much a venue's own inventory beyond its share moves its quotes"
    ),
    "funding_horizon_s": _parameter("s", (0.0, 86_400.0), "time for which a position's funding counts"),
    "levels": _parameter("1", (1.0, 10.0), "orders on each side of a market"),
    "level_step_bps": _parameter("bp", (0.01, 1_000.0), "distance from one level to the next"),
    "margin_use": _parameter(
        "1", (0.1, 100.0), "notional of an order for each USD of free collateral, at most"
    ),
    # toxicity
    "toxicity_half_life_s": _parameter("s", _SECONDS, "time after which a fill's markout counts half"),
    "toxic_bps": _parameter("bp", (0.1, 1_000.0), "mean adverse move at which a venue is fully toxic"),
    "toxic_size": _parameter("1", (0.0, 1.0), "share of the usual size on a fully toxic venue"),
    # risk
    "net_usd": _parameter("USD", _USD, "largest net position over all venues"),
    "gross_usd": _parameter("USD", _USD, "largest sum of absolute positions"),
    "basis_usd": _parameter("USD", _USD, "largest loss if every basis went away"),
    "funding_usd_per_day": _parameter("USD/day", _USD, "largest funding to pay"),
    "daily_loss_usd": _parameter("USD", _USD, "loss since midnight UTC that halts"),
    "drawdown_usd": _parameter("USD", _USD, "loss since the best moment of the day that halts"),
    "liquidation_sigmas": _parameter("1", (0.1, 100.0), "distance to liquidation in deviations of an hour"),
    "warning_caution": _parameter("1", (1.0, 10.0), "factor of the half-spread from the regime WARNING on"),
    "warning_size": _parameter("1", (0.0, 1.0), "factor of sizes from the regime WARNING on"),
    # hedges and exits
    "hedge_band_usd": _parameter("USD", (0.0, 1e9), "net position within which nothing is hedged"),
    "hedge_step": _parameter(
        "1", (0.0, 1.0), "share of what is beyond half of the band that is hedged at once"
    ),
    "hedge_most_usd": _parameter("USD", (0.0, 1e9), "largest hedge at once"),
    "hedge_every_s": _parameter("s", _SECONDS, "shortest time between two hedges"),
    "hedge_opens": _parameter("0 or 1", (0.0, 1.0), "whether a hedge may open a position on another venue"),
    "hedge_halted": _parameter(
        "0 or 1", (0.0, 1.0), "whether inventory is hedged down while the regime is HALTED"
    ),
    "exit_edge_bps": _parameter(
        "bp", _BPS_RANGE, "gain against the fair value, after the taker fee, that closes"
    ),
}


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """The parameters in force, as the parts of the market maker take them."""

    values: Mapping[str, float]
    fair_value: FairValueParameters
    quotes: QuoteParameters
    toxicity: ToxicityParameters
    risk: RiskParameters
    hedge: HedgeParameters


def profile(name: str) -> dict[str, float]:
    """Return the parameters of a profile, all of them.

    Raises:
        KeyError: the profile's file names another set of parameters than there is.
    """
    text = (files(__package__) / "profiles" / f"{name}.toml").read_text(encoding="utf-8")
    stated = tomllib.loads(text)
    if stated.keys() != PARAMETERS.keys():
        raise KeyError(sorted(stated.keys() ^ PARAMETERS.keys()))
    return {key: float(stated[key]) for key in PARAMETERS}


def shape(values: Mapping[str, float]) -> Shape:
    """Group parameters by the part that takes them."""
    return Shape(
        values=values,
        fair_value=FairValueParameters(
            max_age_s=values["max_age_s"],
            outlier_bps=values["outlier_bps"],
            basis_half_life_s=values["basis_half_life_s"],
        ),
        quotes=QuoteParameters(
            risk_aversion=values["risk_aversion"],
            fill_decay=values["fill_decay"],
            fill_rate=values["fill_rate"],
            least_edge_bps=values["least_edge_bps"],
            anchor=values["anchor"],
            funding_horizon_s=values["funding_horizon_s"],
        ),
        toxicity=ToxicityParameters(half_life_s=values["toxicity_half_life_s"]),
        risk=RiskParameters(
            net_usd=values["net_usd"],
            gross_usd=values["gross_usd"],
            basis_usd=values["basis_usd"],
            funding_usd_per_day=values["funding_usd_per_day"],
            daily_loss_usd=values["daily_loss_usd"],
            drawdown_usd=values["drawdown_usd"],
            liquidation_sigmas=values["liquidation_sigmas"],
        ),
        hedge=HedgeParameters(
            band_usd=values["hedge_band_usd"],
            step=values["hedge_step"],
            most_usd=values["hedge_most_usd"],
            funding_horizon_s=values["funding_horizon_s"],
            near_sigmas=values["liquidation_sigmas"],
        ),
    )


def levels(values: Mapping[str, float]) -> int:
    """Return how many orders a side has."""
    return math.floor(values["levels"])

"""Built-in strategies, registered through the same hook as everybody else's, and their estimators."""

from __future__ import annotations

from paraphina_core.connector import RegisterStrategy, hookimpl

from .fair_value import Exclusion, FairValue, FairValueFilter, FairValueParameters, Quote
from .hedge import HedgeMarket, HedgeOrder, HedgeParameters, allocate, wanted_base
from .quotes import Position, QuoteParameters, QuoteTerms, core_bps, quote_terms, slope_bps
from .risk_regime import Regime, Risk, RiskMonitor, RiskParameters, RiskVerdict
from .toxicity import Toxicity, ToxicityParameters
from .two_sided import SPEC, TwoSided
from .volatility import EwmaVolatility, TwoHorizonVolatility

__all__ = [
    "EwmaVolatility",
    "Exclusion",
    "FairValue",
    "FairValueFilter",
    "FairValueParameters",
    "HedgeMarket",
    "HedgeOrder",
    "HedgeParameters",
    "Position",
    "Quote",
    "QuoteParameters",
    "QuoteTerms",
    "Regime",
    "Risk",
    "RiskMonitor",
    "RiskParameters",
    "RiskVerdict",
    "Toxicity",
    "ToxicityParameters",
    "TwoHorizonVolatility",
    "TwoSided",
    "allocate",
    "core_bps",
    "paraphina_register_strategies",
    "quote_terms",
    "slope_bps",
    "wanted_base",
]


@hookimpl
def paraphina_register_strategies(register: RegisterStrategy) -> None:
    """Register the strategies that come with the core."""
    register(SPEC)

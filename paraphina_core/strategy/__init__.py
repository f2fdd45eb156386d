"""Built-in strategies, registered through the same hook as everybody else's, and their estimators."""

from __future__ import annotations

from paraphina_core.connector import RegisterStrategy, StrategySpec, hookimpl

from .fair_value import Exclusion, FairValue, FairValueFilter, FairValueParameters, Quote
from .hedge import HedgeMarket, HedgeOrder, HedgeParameters, allocate, wanted_base
from .market_maker import MarketMaker
from .parameters import PARAMETERS, PROFILES, profile
from .quotes import Position, QuoteParameters, QuoteTerms, core_bps, quote_terms, slope_bps
from .risk_regime import Regime, Risk, RiskMonitor, RiskParameters, RiskVerdict
from .toxicity import Toxicity, ToxicityParameters
from .two_sided import SPEC, TwoSided
from .volatility import EwmaVolatility, TwoHorizonVolatility

__all__ = [
    "PARAMETERS",
    "PROFILES",
    "EwmaVolatility",
    "Exclusion",
    "FairValue",
    "FairValueFilter",
    "FairValueParameters",
    "HedgeMarket",
    "HedgeOrder",
    "HedgeParameters",
    "MarketMaker",
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
    "profile",
    "quote_terms",
    "slope_bps",
    "wanted_base",
]


@hookimpl
def paraphina_register_strategies(register: RegisterStrategy) -> None:
    """Register the strategies that come with the core."""
    register(SPEC)
    for name in PROFILES:
        register(
            StrategySpec(
                name="market_maker" if name == "balanced" else f"market_maker_{name}",
                summary=f"several venues quoted around one fair value and hedged as one position, {name}",
                parameters=profile(name),
                build=MarketMaker,
                explained=PARAMETERS,
            )
        )

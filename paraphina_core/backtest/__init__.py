"""Whole sessions on generated markets with shocks, in virtual time, on the paper exchange."""

from __future__ import annotations

from .market import CommonPrice, Update, VenueMarket
from .run import RESULT_FILE, START_NS, Result, backtest, prepare
from .scenario import Market, Scenario, load_scenario
from .shocks import Shock, ShockKind

__all__ = [
    "RESULT_FILE",
    "START_NS",
    "CommonPrice",
    "Market",
    "Result",
    "Scenario",
    "Shock",
    "ShockKind",
    "Update",
    "VenueMarket",
    "backtest",
    "load_scenario",
    "prepare",
]

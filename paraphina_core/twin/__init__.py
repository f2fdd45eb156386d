"""Kit for twins: local venues that speak a real venue's wire protocol, with accounts, a market and faults."""

from __future__ import annotations

from paraphina_core.execution import RejectCode, Rejection

from .account import Account, NewOrder, Order, TwinFill
from .clock import VenueClock
from .events import (
    BookChanged,
    BookLevel,
    ExchangeEvent,
    Filled,
    FundingPaid,
    Liquidated,
    Marked,
    OrderChanged,
    Traded,
)
from .exchange import Exchange
from .listing import HouseRules, Listing, SelfTrade
from .load import build_twin
from .market import TwinMarket
from .meters import Meters
from .protocol import Refusal, SessionId, TwinContext, TwinFactory, TwinRequest, VenueTwin, Wire

__all__ = [
    "Account",
    "BookChanged",
    "BookLevel",
    "Exchange",
    "ExchangeEvent",
    "Filled",
    "FundingPaid",
    "HouseRules",
    "Liquidated",
    "Listing",
    "Marked",
    "Meters",
    "NewOrder",
    "Order",
    "OrderChanged",
    "Refusal",
    "RejectCode",
    "Rejection",
    "SelfTrade",
    "SessionId",
    "Traded",
    "TwinContext",
    "TwinFactory",
    "TwinFill",
    "TwinMarket",
    "TwinRequest",
    "VenueClock",
    "VenueTwin",
    "Wire",
    "build_twin",
]

"""The conscience: start-up gates and order gates, pure functions that refuse and say why."""

from __future__ import annotations

from .budget import MessageBudget
from .context import OpenOrders, OrderContext, SessionContext, VenueContext
from .exposure import Exposure, total_notional_usd
from .order import ORDER_GATES, Refusal, check
from .rule import OrderGateRule
from .verdict import GateVerdict, refusals

__all__ = [
    "ORDER_GATES",
    "Exposure",
    "GateVerdict",
    "MessageBudget",
    "OpenOrders",
    "OrderContext",
    "OrderGateRule",
    "Refusal",
    "SessionContext",
    "VenueContext",
    "check",
    "refusals",
    "total_notional_usd",
]

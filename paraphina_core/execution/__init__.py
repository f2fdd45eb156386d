"""The hands: order states, exact positions, the diff from targets to orders, and paper and shadow routes."""

from __future__ import annotations

from .account import fee_rates
from .entry import MAX_RESTING_ORDERS, OrderTerms, RejectCode, Rejection, refuse
from .funding import funding_payment
from .ledger import Ledger, Position
from .order_records import Applied, Finding, OpenOrders, OrderRecord
from .order_states import TRANSITIONS, OrderInput
from .orders import (
    MAX_FINAL_ORDERS,
    MAX_REMEMBERED_FILLS,
    MAX_UNCLAIMED_FILLS,
    SETTLE_NS,
    UNDER_WAY_NS,
    OrderTracker,
    OrderUpdate,
)
from .paper import PaperExchange, PaperSettings
from .planner import Obstacle, Plan, Planner, PlannerRules, Unplaced
from .resting import RestingOrders
from .route import OrderRoute, RouteCommand
from .shadow import ShadowOrder, ShadowRecorder
from .wire import Inputs, NoWire, Wire

__all__ = [
    "MAX_FINAL_ORDERS",
    "MAX_REMEMBERED_FILLS",
    "MAX_RESTING_ORDERS",
    "MAX_UNCLAIMED_FILLS",
    "SETTLE_NS",
    "TRANSITIONS",
    "UNDER_WAY_NS",
    "Applied",
    "Finding",
    "Inputs",
    "Ledger",
    "NoWire",
    "Obstacle",
    "OpenOrders",
    "OrderInput",
    "OrderRecord",
    "OrderRoute",
    "OrderTerms",
    "OrderTracker",
    "OrderUpdate",
    "PaperExchange",
    "PaperSettings",
    "Plan",
    "Planner",
    "PlannerRules",
    "Position",
    "RejectCode",
    "Rejection",
    "RestingOrders",
    "RouteCommand",
    "ShadowOrder",
    "ShadowRecorder",
    "Unplaced",
    "Wire",
    "fee_rates",
    "funding_payment",
    "refuse",
]

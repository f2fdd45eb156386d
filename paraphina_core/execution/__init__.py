"""The hands: order states, exact positions, the diff from targets to orders, and paper and shadow routes."""

from __future__ import annotations

from .account import fee_rates
from .entry import MAX_RESTING_ORDERS, OrderTerms, RejectCode, Rejection, refuse
from .funding import funding_payment
from .gateway import LOCAL, MAX_DEADLINE_MS, MAX_IN_FLIGHT, VenueCommand, VenueRoute
from .ledger import Ledger, Position
from .nonces import BLOCK_NS, NonceSource
from .order_records import UNDER_WAY_NS, Applied, Finding, OpenOrders, OrderRecord
from .order_states import TRANSITIONS, OrderInput
from .orders import (
    MAX_FINAL_ORDERS,
    MAX_REMEMBERED_FILLS,
    SETTLE_NS,
    OrderTracker,
    OrderUpdate,
)
from .paper import PaperExchange, PaperSettings
from .planner import Obstacle, Plan, Planner, Unplaced, cancel_of
from .resting import RestingOrders
from .route import OrderRoute, RouteCommand
from .shadow import ShadowOrder, ShadowRecorder
from .signatory import Signatory
from .tolerance import Means, PlannerRules
from .unclaimed import MAX_UNCLAIMED_FILLS
from .wire import Inputs, NoWire, Wire

__all__ = [
    "BLOCK_NS",
    "LOCAL",
    "MAX_DEADLINE_MS",
    "MAX_FINAL_ORDERS",
    "MAX_IN_FLIGHT",
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
    "Means",
    "NoWire",
    "NonceSource",
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
    "Signatory",
    "Unplaced",
    "VenueCommand",
    "VenueRoute",
    "Wire",
    "cancel_of",
    "fee_rates",
    "funding_payment",
    "refuse",
]

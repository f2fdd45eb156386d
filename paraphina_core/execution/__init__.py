"""The hands: order states, exact positions, the diff from targets to orders, and paper and shadow routes."""

from __future__ import annotations

from .ledger import Ledger, Position
from .orders import (
    MAX_FINAL_ORDERS,
    MAX_REMEMBERED_FILLS,
    MAX_UNCLAIMED_FILLS,
    TRANSITIONS,
    Applied,
    Finding,
    OpenOrders,
    OrderInput,
    OrderRecord,
    OrderTracker,
    OrderUpdate,
)
from .route import OrderRoute, RouteCommand

__all__ = [
    "MAX_FINAL_ORDERS",
    "MAX_REMEMBERED_FILLS",
    "MAX_UNCLAIMED_FILLS",
    "TRANSITIONS",
    "Applied",
    "Finding",
    "Ledger",
    "OpenOrders",
    "OrderInput",
    "OrderRecord",
    "OrderRoute",
    "OrderTracker",
    "OrderUpdate",
    "Position",
    "RouteCommand",
]

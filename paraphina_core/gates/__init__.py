"""The conscience: start-up gates and order gates, pure functions that refuse and say why."""

from __future__ import annotations

from .budget import MessageBudget
from .context import OpenOrders, OrderContext, SessionContext, VenueContext
from .endpoints import host_of, hosts_of, is_this_machine, other_network
from .exposure import Exposure, total_notional_usd
from .order import ORDER_GATES, Refusal, check
from .order_gate import OrderGateRule
from .receipt import (
    Binding,
    PluginVersion,
    Receipt,
    compare,
    issue,
    moment,
    read_receipt,
    remove_receipt,
    seal,
    unseal,
    write_receipt,
)
from .startup import STARTUP_GATES, evaluate
from .startup_facts import ConnectorFacts, ResolvedEndpoint, StartupFacts
from .startup_gate import StartupGate
from .verdict import GateVerdict, refusals

__all__ = [
    "ORDER_GATES",
    "STARTUP_GATES",
    "Binding",
    "ConnectorFacts",
    "Exposure",
    "GateVerdict",
    "MessageBudget",
    "OpenOrders",
    "OrderContext",
    "OrderGateRule",
    "PluginVersion",
    "Receipt",
    "Refusal",
    "ResolvedEndpoint",
    "SessionContext",
    "StartupFacts",
    "StartupGate",
    "VenueContext",
    "check",
    "compare",
    "evaluate",
    "host_of",
    "hosts_of",
    "is_this_machine",
    "issue",
    "moment",
    "other_network",
    "read_receipt",
    "refusals",
    "remove_receipt",
    "seal",
    "total_notional_usd",
    "unseal",
    "write_receipt",
]

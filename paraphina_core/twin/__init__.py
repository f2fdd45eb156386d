"""Kit for twins: local venues that speak a real venue's wire protocol, with accounts, a market and faults."""

from __future__ import annotations

from paraphina_core.execution import RejectCode, Rejection

from .account import Account, NewOrder, Order, TwinFill
from .clock import VenueClock
from .control import control, is_control
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
from .faults import MENU, ClockStep, Fault, Garbled, MenuLine, menu, name_of, parse_fault, read_fault
from .host import Reply, TwinHost
from .link import Latency, TwinLink
from .link_entry import LinkEntry
from .link_stream import LinkStream
from .listing import HouseRules, Listing, SelfTrade
from .load import build_twin
from .market import TwinMarket
from .meters import Meters
from .outbox import Closed, Cut, Delivery, Message, Muted
from .protocol import Refusal, SessionId, TwinContext, TwinFactory, TwinLogin, TwinRequest, VenueTwin, Wire
from .server import TwinServer, TwinThread, addresses, wall_clock
from .truth import AccountTruth, OrderTruth, PositionTruth, truth
from .virtual_network import VirtualNetwork

__all__ = [
    "MENU",
    "Account",
    "AccountTruth",
    "BookChanged",
    "BookLevel",
    "ClockStep",
    "Closed",
    "Cut",
    "Delivery",
    "Exchange",
    "ExchangeEvent",
    "Fault",
    "Filled",
    "FundingPaid",
    "Garbled",
    "HouseRules",
    "Latency",
    "LinkEntry",
    "LinkStream",
    "Liquidated",
    "Listing",
    "Marked",
    "MenuLine",
    "Message",
    "Meters",
    "Muted",
    "NewOrder",
    "Order",
    "OrderChanged",
    "OrderTruth",
    "PositionTruth",
    "Refusal",
    "RejectCode",
    "Rejection",
    "Reply",
    "SelfTrade",
    "SessionId",
    "Traded",
    "TwinContext",
    "TwinFactory",
    "TwinFill",
    "TwinHost",
    "TwinLink",
    "TwinLogin",
    "TwinMarket",
    "TwinRequest",
    "TwinServer",
    "TwinThread",
    "VenueClock",
    "VenueTwin",
    "VirtualNetwork",
    "Wire",
    "addresses",
    "build_twin",
    "control",
    "is_control",
    "menu",
    "name_of",
    "parse_fault",
    "read_fault",
    "truth",
    "wall_clock",
]

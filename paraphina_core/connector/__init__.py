"""The contract between the core and its plugins: what a connector is, and how one is found.

Everything a plugin needs is exported here and in `paraphina_core.domain`.
"""

from __future__ import annotations

from .capabilities import Capability, DataSource, Network, TradeMode
from .decode import MAX_FRAME_BYTES, decode_json
from .extensions import (
    CheckResult,
    CheckStatus,
    Observation,
    OrderFacts,
    OrderGate,
    PreflightCheck,
    PreflightFacts,
    Strategy,
    StrategySpec,
)
from .hooks import (
    PROJECT,
    RegisterConnector,
    RegisterOrderGate,
    RegisterPreflightCheck,
    RegisterStrategy,
    hookimpl,
    hookspec,
)
from .protocol import (
    Answer,
    Connector,
    ConnectorContext,
    Failure,
    FailureKind,
    Heartbeat,
    HttpRequest,
    LocalSource,
    Plan,
    Request,
    StreamPlan,
    StreamRequest,
    WebSocketSource,
    WriteContext,
)
from .spec import (
    CONTRACT_VERSION,
    ConnectorSpec,
    Endpoint,
    FeeSchedule,
    RateLimit,
    Setting,
    SettingKind,
)

__all__ = [
    "CONTRACT_VERSION",
    "MAX_FRAME_BYTES",
    "PROJECT",
    "Answer",
    "Capability",
    "CheckResult",
    "CheckStatus",
    "Connector",
    "ConnectorContext",
    "ConnectorSpec",
    "DataSource",
    "Endpoint",
    "Failure",
    "FailureKind",
    "FeeSchedule",
    "Heartbeat",
    "HttpRequest",
    "LocalSource",
    "Network",
    "Observation",
    "OrderFacts",
    "OrderGate",
    "Plan",
    "PreflightCheck",
    "PreflightFacts",
    "RateLimit",
    "RegisterConnector",
    "RegisterOrderGate",
    "RegisterPreflightCheck",
    "RegisterStrategy",
    "Request",
    "Setting",
    "SettingKind",
    "Strategy",
    "StrategySpec",
    "StreamPlan",
    "StreamRequest",
    "TradeMode",
    "WebSocketSource",
    "WriteContext",
    "decode_json",
    "hookimpl",
    "hookspec",
]

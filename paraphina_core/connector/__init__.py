"""The contract between the core and its plugins: what a connector is, and how one is found.

Everything a plugin needs is exported here and in `paraphina_core.domain`.
"""

from __future__ import annotations

from . import mock, synthetic
from .capabilities import SENDING_MODES, Capability, DataSource, Network, TradeMode
from .catalogue import FeatureFlag, feature_flags
from .decode import MAX_FRAME_BYTES, BookNumber, decode_json, is_plain
from .discovery import Candidate, discover
from .extensions import (
    CheckResult,
    CheckStatus,
    Explaining,
    Observation,
    OrderFacts,
    OrderGate,
    Parameter,
    PreflightCheck,
    PreflightFacts,
    Strategy,
    StrategySpec,
)
from .hidden import Hidden
from .hooks import (
    PROJECT,
    RegisterConnector,
    RegisterOrderGate,
    RegisterPreflightCheck,
    RegisterStrategy,
    hookimpl,
    hookspec,
)
from .loader import load_plugins
from .plugins import MAX_OBSERVER_ERRORS, PluginRecord, Plugins, PluginStatus
from .private_file import read_private, write_private
from .protocol import (
    Answer,
    Connector,
    ConnectorContext,
    Failure,
    FailureKind,
    Heartbeat,
    HttpRequest,
    LocalSource,
    MarketDataOnly,
    Plan,
    Renewal,
    Request,
    SigningKey,
    StreamPlan,
    StreamRequest,
    WebSocketSource,
    WriteContext,
)
from .secp256k1 import (
    CURVE_ORDER,
    SIGNATURE_BYTES,
    Secp256k1Key,
    checksummed,
    keccak,
    recover_address,
)
from .source_hash import core_hash
from .spec import (
    CONTRACT_VERSION,
    ConnectorSpec,
    Endpoint,
    FeeSchedule,
    NonceRule,
    RateLimit,
    Setting,
    SettingKind,
)
from .stark_curve import (
    STARK_HASH_BYTES,
    STARK_ORDER,
    STARK_PRIME,
    STARK_SIGNATURE_BYTES,
    StarkKey,
    pedersen,
    verify_stark,
)
from .stark_poseidon import poseidon_many
from .trust import TrustFile, TrustState, TrustStatus

__all__ = [
    "CONTRACT_VERSION",
    "CURVE_ORDER",
    "MAX_FRAME_BYTES",
    "MAX_OBSERVER_ERRORS",
    "PROJECT",
    "SENDING_MODES",
    "SIGNATURE_BYTES",
    "STARK_HASH_BYTES",
    "STARK_ORDER",
    "STARK_PRIME",
    "STARK_SIGNATURE_BYTES",
    "Answer",
    "BookNumber",
    "Candidate",
    "Capability",
    "CheckResult",
    "CheckStatus",
    "Connector",
    "ConnectorContext",
    "ConnectorSpec",
    "DataSource",
    "Endpoint",
    "Explaining",
    "Failure",
    "FailureKind",
    "FeatureFlag",
    "FeeSchedule",
    "Heartbeat",
    "Hidden",
    "HttpRequest",
    "LocalSource",
    "MarketDataOnly",
    "Network",
    "NonceRule",
    "Observation",
    "OrderFacts",
    "OrderGate",
    "Parameter",
    "Plan",
    "PluginRecord",
    "PluginStatus",
    "Plugins",
    "PreflightCheck",
    "PreflightFacts",
    "RateLimit",
    "RegisterConnector",
    "RegisterOrderGate",
    "RegisterPreflightCheck",
    "RegisterStrategy",
    "Renewal",
    "Request",
    "Secp256k1Key",
    "Setting",
    "SettingKind",
    "SigningKey",
    "StarkKey",
    "Strategy",
    "StrategySpec",
    "StreamPlan",
    "StreamRequest",
    "TradeMode",
    "TrustFile",
    "TrustState",
    "TrustStatus",
    "WebSocketSource",
    "WriteContext",
    "checksummed",
    "core_hash",
    "decode_json",
    "discover",
    "feature_flags",
    "hookimpl",
    "hookspec",
    "is_plain",
    "keccak",
    "load_plugins",
    "mock",
    "pedersen",
    "poseidon_many",
    "read_private",
    "recover_address",
    "synthetic",
    "verify_stark",
    "write_private",
]

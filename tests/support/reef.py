"""A venue that does not exist, with everything a connector can have; its connector opens nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from paraphina_core import strategy
from paraphina_core.connector import (
    Capability,
    ConnectorContext,
    ConnectorSpec,
    Endpoint,
    HttpRequest,
    Network,
    Plan,
    PluginRecord,
    Plugins,
    PluginStatus,
    PreflightCheck,
    Request,
    Setting,
    SettingKind,
    StreamPlan,
    TradeMode,
    WebSocketSource,
    WriteContext,
    load_plugins,
    mock,
)
from paraphina_core.connector.plugins import Registration
from paraphina_core.domain import ConfigError, Event, Query, QueryInstruments

_SENDING = frozenset({TradeMode.TESTNET, TradeMode.LIVE})


class ReefConnector:
    """Plans the addresses it was described with, or one of its own: the setting `detour`."""

    def __init__(self, context: ConnectorContext) -> None:
        self._settings = context.settings
        self._network = context.network
        if context.settings.get("market") == "missing":
            raise ConfigError("there is no such market", found="missing")

    @property
    def spec(self) -> ConnectorSpec:
        return SPEC

    def plan(self) -> Plan:
        rest, ws = (endpoint.url for endpoint in SPEC.endpoints[self._network])
        self._url = str(self._settings.get("detour", f"{rest}/markets"))
        return Plan(
            streams=(StreamPlan(name="market", source=WebSocketSource(url=ws), max_silence_ms=1_000),),
            bootstrap=(QueryInstruments(),),
        )

    def opened(self, stream: str, context: WriteContext) -> Sequence[bytes]:
        return ()

    def read(self, stream: str, frame: bytes, at_ns: int) -> Sequence[Event]:
        return ()

    def ask(self, query: Query, context: WriteContext) -> Request:
        return HttpRequest(method="GET", url=self._url, body=b"", correlation="m", deadline_ms=1_000)


def _text(name: str, env: str, **changes: Any) -> Setting:
    return Setting(name=name, env=env, **({"kind": SettingKind.TEXT, "help": name} | changes))


SPEC = ConnectorSpec(
    name="reef",
    venue="Reef",
    feature_flag="live_reef",
    capabilities={Capability.MARKET: "Yes", Capability.EXECUTION: "Yes", Capability.DEAD_MAN: "Yes"},
    trade_modes=frozenset(TradeMode),
    factory=ReefConnector,
    endpoints={
        Network.MAINNET: (
            Endpoint(purpose="rest", url="https://api.reef.example", setting="rest_url"),
            Endpoint(purpose="ws", url="wss://ws.reef.example/v1", setting="ws_url"),
        ),
        Network.TESTNET: (
            Endpoint(purpose="rest", url="https://api.testnet.reef.example", setting="rest_url"),
            Endpoint(purpose="ws", url="wss://ws.testnet.reef.example/v1", setting="ws_url"),
        ),
    },
    settings=(
        _text("market", "REEF_MARKET", default="BTC"),
        _text("network", "REEF_NETWORK"),
        _text("account", "REEF_ACCOUNT", required_in=_SENDING),
        _text("private_key", "REEF_KEY", kind=SettingKind.SECRET, required_in=_SENDING),
        _text("rest_url", "REEF_REST_URL"),
        _text("ws_url", "REEF_WS_URL"),
        _text("detour", "REEF_DETOUR"),
    ),
)

RECORD = PluginRecord(
    name="reef",
    distribution="paraphina-reef",
    version="1.0",
    source_hash="1" * 64,
    location="/nowhere",
    editable=False,
    status=PluginStatus.LOADED,
    connectors=("reef",),
)


def plugins_with_reef(record: PluginRecord = RECORD, checks: tuple[PreflightCheck, ...] = ()) -> Plugins:
    """Return the built-in plugins, and the reef's, which is installed and not trusted."""
    built_in = load_plugins([mock, strategy], candidates=(), flags=())
    theirs = Registration(
        record=built_in.plugins[0],
        connectors=tuple(built_in.connectors.values()),
        strategies=tuple(built_in.strategies.values()),
    )
    ours = Registration(record=record, connectors=(SPEC,), preflight_checks=checks)
    return Plugins([*built_in.plugins, record], [theirs, ours])

"""A plugin for tests: a venue that does not exist, with a setting of each kind and each kind of source."""

from __future__ import annotations

from typing import Any

from paraphina_core.connector import (
    Capability,
    Connector,
    ConnectorContext,
    ConnectorSpec,
    DataSource,
    RegisterConnector,
    Setting,
    SettingKind,
    TradeMode,
    hookimpl,
)

SETTINGS = (
    Setting(name="market", env="HARBOUR_MARKET", kind=SettingKind.TEXT, help="market", default="BTC"),
    Setting(name="account", env="HARBOUR_ACCOUNT", kind=SettingKind.TEXT, help="account"),
    Setting(name="depth", env="HARBOUR_DEPTH", kind=SettingKind.INTEGER, help="levels", default="20"),
    Setting(name="backoff_s", env="HARBOUR_BACKOFF_S", kind=SettingKind.NUMBER, help="wait", default="0.5"),
    Setting(name="streams", env="PARAPHINA_HARBOUR_STREAMS", kind=SettingKind.FLAG, help="use streams"),
    Setting(name="nonce_file", env="HARBOUR_NONCE_FILE", kind=SettingKind.PATH, help="nonces"),
    Setting(name="private_key", env="HARBOUR_PRIVATE_KEY", kind=SettingKind.SECRET, help="key"),
    Setting(name="api_token", env="HARBOUR_API_TOKEN", kind=SettingKind.SECRET, help="token"),
)


def _factory(_context: ConnectorContext) -> Connector:
    raise AssertionError("nothing of these tests builds a connector")


def _spec(name: str, **changes: Any) -> ConnectorSpec:
    built: dict[str, Any] = {
        "capabilities": {Capability.MARKET: "Yes"},
        "trade_modes": frozenset(TradeMode),
        "factory": _factory,
    }
    return ConnectorSpec(name=name, venue="Harbour", feature_flag="live_harbour", **(built | changes))


@hookimpl
def paraphina_register_connectors(register: RegisterConnector) -> None:
    """Register an online connector, a recorded one, and one that is not built yet."""
    register(_spec("harbour", aliases=("hb",), settings=SETTINGS))
    register(
        _spec(
            "harbour_recorded",
            aliases=("hb_recorded", "recorded"),
            data_source=DataSource.RECORDED,
            settings=SETTINGS[:1],
        )
    )
    register(_spec("planned", capabilities={}, trade_modes=frozenset(), factory=None))

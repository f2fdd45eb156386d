"""A connector's description contradicts itself in no way, or it is refused when it is made."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from paraphina_core import connector
from paraphina_core.connector import (
    Capability,
    ConnectorSpec,
    Endpoint,
    Network,
    Setting,
    SettingKind,
    TradeMode,
    mock,
)
from paraphina_core.domain import LocalError


def spec(**changes: Any) -> ConnectorSpec:
    """Describe a stub, with changes."""
    values: dict[str, Any] = {
        "name": "somewhere",
        "venue": "Somewhere",
        "feature_flag": None,
        "capabilities": {},
        "trade_modes": frozenset(),
        "factory": None,
    }
    return ConnectorSpec(**(values | changes))


def setting(**changes: Any) -> Setting:
    """Describe a setting, with changes."""
    return Setting(**({"name": "coin", "env": "X_COIN", "kind": SettingKind.TEXT, "help": "coin"} | changes))


MARKET = {Capability.MARKET: "public feed"}
SHADOW = frozenset({TradeMode.SHADOW})


def test_a_stub_and_a_working_connector_can_be_described() -> None:
    """Without a factory there are no modes; with one there are modes and market data."""
    assert spec().factory is None
    assert spec(capabilities=MARKET, trade_modes=SHADOW, factory=mock.MockConnector).trade_modes == SHADOW


@pytest.mark.parametrize(
    "changes",
    [
        {"capabilities": MARKET, "trade_modes": SHADOW},
        {"capabilities": MARKET, "factory": mock.MockConnector},
        {"trade_modes": SHADOW, "factory": mock.MockConnector},
        {"capabilities": {Capability.EXECUTION: "x"}, "trade_modes": SHADOW, "factory": mock.MockConnector},
    ],
    ids=["modes without a factory", "a factory without modes", "no market data", "orders without data"],
)
def test_a_description_that_contradicts_itself_is_refused(changes: dict[str, Any]) -> None:
    """A claim needs what it rests on."""
    with pytest.raises(LocalError):
        spec(**changes)


@pytest.mark.parametrize("name", ["", "Upper", "with-dash", "1st", "a" * 41, "läuft", "a b", "a\n"])
def test_a_name_that_cannot_be_typed_everywhere_is_refused(name: str) -> None:
    """Names are used in files, variables and commands: small ASCII letters, digits, underscores."""
    with pytest.raises(LocalError):
        spec(name=name)
    with pytest.raises(LocalError):
        spec(aliases=("fine", name))
    with pytest.raises(LocalError):
        setting(name=name)


def test_two_settings_cannot_share_a_name_or_a_variable() -> None:
    """A value goes to exactly one place."""
    with pytest.raises(LocalError, match="repeats a setting's name"):
        spec(settings=(setting(), setting(env="X_OTHER")))
    with pytest.raises(LocalError, match="repeats a setting's env"):
        spec(settings=(setting(), setting(name="other")))


@pytest.mark.parametrize("env", ["", "x_coin", "X-COIN", "1X", "X COIN", "X" * 81])
def test_a_setting_needs_a_usable_environment_variable(env: str) -> None:
    """Capital letters, digits and underscores."""
    with pytest.raises(LocalError):
        setting(env=env)


def test_a_secret_has_no_default() -> None:
    """A default stands in public code."""
    with pytest.raises(LocalError, match="is a secret"):
        setting(kind=SettingKind.SECRET, default="hunter2")


def test_an_endpoint_is_overridden_only_by_a_setting_that_exists() -> None:
    """The gate on endpoints must be able to find the override."""
    endpoint = Endpoint(purpose="rest", url="https://api.example", setting="rest_url")
    with pytest.raises(LocalError, match="no setting of that name"):
        spec(endpoints={Network.MAINNET: (endpoint,)})
    override = setting(name="rest_url", env="X_REST_URL")
    described = spec(endpoints={Network.MAINNET: (endpoint,)}, settings=(override,))
    assert described.setting("rest_url") is override


def test_a_description_cannot_be_changed_afterwards() -> None:
    """What was checked stays as it was."""
    described = spec()
    with pytest.raises(AttributeError):
        described.name = "elsewhere"  # type: ignore[misc]  # the point of the test


def test_only_testnet_mode_belongs_to_the_test_network() -> None:
    """Shadow and paper read the production network; only testnet and live reach order entry."""
    assert {mode: mode.network for mode in TradeMode} == {
        TradeMode.SHADOW: Network.MAINNET,
        TradeMode.PAPER: Network.MAINNET,
        TradeMode.TESTNET: Network.TESTNET,
        TradeMode.LIVE: Network.MAINNET,
    }
    assert {mode for mode in TradeMode if mode.reaches_venue} == {TradeMode.TESTNET, TradeMode.LIVE}


def test_what_the_contract_exports_exists_once_and_is_public() -> None:
    """A plugin's author finds every name, and no private one."""
    assert len(set(connector.__all__)) == len(connector.__all__)
    for name in connector.__all__:
        assert not name.startswith("_")
        assert hasattr(connector, name)


def test_every_value_of_the_contract_is_frozen() -> None:
    """What plugins and core hand each other cannot be changed on the way."""
    structs = [
        value
        for value in (getattr(connector, name) for name in connector.__all__)
        if isinstance(value, type) and issubclass(value, msgspec.Struct)
    ]
    assert structs
    assert [kind.__name__ for kind in structs if not kind.__struct_config__.frozen] == []

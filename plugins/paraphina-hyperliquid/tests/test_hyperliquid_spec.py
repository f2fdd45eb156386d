"""The plugin describes its venue and claims nothing that is not there yet."""

from __future__ import annotations

from urllib.parse import urlsplit

import paraphina_hyperliquid
from paraphina_core.connector import ConnectorSpec, Network, SettingKind, TradeMode

SENDING = {TradeMode.TESTNET, TradeMode.LIVE}


def registered() -> dict[str, ConnectorSpec]:
    """Return what the hook registers."""
    specs: dict[str, ConnectorSpec] = {}

    def register(spec: ConnectorSpec) -> None:
        specs[spec.name] = spec

    paraphina_hyperliquid.paraphina_register_connectors(register)
    return specs


def test_the_hook_registers_the_venue_and_its_recordings() -> None:
    """Nothing else comes with the plugin."""
    assert set(registered()) == {"hyperliquid", "hyperliquid_fixture"}
    assert {spec.feature_flag for spec in registered().values()} == {"live_hyperliquid"}


def test_the_venue_is_a_stub_and_says_so() -> None:
    """No capability, no trade mode and no factory until there is something behind them."""
    spec = registered()["hyperliquid"]
    assert (spec.capabilities, spec.trade_modes, spec.factory) == ({}, frozenset(), None)
    assert "nothing is wired yet" in spec.notes


def test_each_network_has_encrypted_endpoints_and_shares_no_host_with_the_other() -> None:
    """A test order cannot reach production by a mixed-up address."""
    endpoints = registered()["hyperliquid"].endpoints
    assert {network: {e.purpose for e in endpoints[network]} for network in Network} == {
        network: {"rest", "ws"} for network in Network
    }
    schemes = {"rest": "https", "ws": "wss"}
    hosts: dict[Network, set[str | None]] = {network: set() for network in Network}
    for network, of_network in endpoints.items():
        for endpoint in of_network:
            assert urlsplit(endpoint.url).scheme == schemes[endpoint.purpose]
            hosts[network].add(urlsplit(endpoint.url).hostname)
    assert hosts == {
        Network.MAINNET: {"api.hyperliquid.xyz"},
        Network.TESTNET: {"api.hyperliquid-testnet.xyz"},
    }


def test_what_sending_orders_needs_is_required_where_orders_are_sent() -> None:
    """Keys are secrets, are asked for in testnet and live, and nowhere else."""
    settings = registered()["hyperliquid"].settings
    assert {setting.env for setting in settings if setting.required_in} == {
        "HL_PRIVATE_KEY",
        "HL_VAULT_ADDRESS",
    }
    assert all(setting.required_in in (frozenset(), SENDING) for setting in settings)
    assert {setting.env for setting in settings if setting.kind is SettingKind.SECRET} == {"HL_PRIVATE_KEY"}

"""The plugin describes its venue and claims nothing that is not there yet."""

from __future__ import annotations

from urllib.parse import urlsplit

import paraphina_aster
from paraphina_core.connector import ConnectorSpec, Network, SettingKind, TradeMode

SENDING = {TradeMode.TESTNET, TradeMode.LIVE}


def registered() -> dict[str, ConnectorSpec]:
    """Return what the hook registers."""
    specs: dict[str, ConnectorSpec] = {}

    def register(spec: ConnectorSpec) -> None:
        specs[spec.name] = spec

    paraphina_aster.paraphina_register_connectors(register)
    return specs


def test_the_hook_registers_one_connector() -> None:
    """Nothing else comes with the plugin."""
    assert set(registered()) == {"aster"}
    assert {spec.feature_flag for spec in registered().values()} == {"live_aster"}


def test_the_venue_is_a_stub_and_says_so() -> None:
    """No capability, no trade mode and no factory until there is something behind them."""
    spec = registered()["aster"]
    assert (spec.capabilities, spec.trade_modes, spec.factory) == ({}, frozenset(), None)
    assert "nothing is wired yet" in spec.notes


def test_each_network_has_encrypted_endpoints_and_shares_no_host_with_the_other() -> None:
    """A test order cannot reach production by a mixed-up address."""
    endpoints = registered()["aster"].endpoints
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
        Network.MAINNET: {"fapi.asterdex.com", "fstream.asterdex.com"},
        Network.TESTNET: {"fapi.asterdex-testnet.com", "fstream5.asterdex-testnet.com"},
    }


def test_what_sending_orders_needs_is_required_where_orders_are_sent() -> None:
    """Keys are secrets, are asked for in testnet and live, and nowhere else."""
    settings = registered()["aster"].settings
    assert {setting.env for setting in settings if setting.required_in} == {
        "ASTER_USER_ADDRESS",
        "ASTER_AGENT_PRIVATE_KEY",
    }
    assert all(setting.required_in in (frozenset(), SENDING) for setting in settings)
    assert {setting.env for setting in settings if setting.kind is SettingKind.SECRET} == {
        "ASTER_AGENT_PRIVATE_KEY"
    }

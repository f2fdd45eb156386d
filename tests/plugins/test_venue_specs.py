"""Each venue's plugin describes its venue and claims nothing that is not there yet."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import msgspec
import pytest

from environments import ROOT
from paraphina_core.connector import (
    SENDING_MODES,
    Capability,
    ConnectorSpec,
    Network,
    SettingKind,
    TradeMode,
    load_plugins,
)


class Expected(msgspec.Struct):
    """What the venue's own documentation says (reference read 2026-11), and what orders need."""

    connectors: set[str]
    mainnet: set[str]
    testnet: set[str]
    required: set[str]
    secrets: set[str]


VENUES = {
    "hyperliquid": Expected(
        connectors={"hyperliquid", "hyperliquid_fixture"},
        mainnet={"api.hyperliquid.xyz"},
        testnet={"api.hyperliquid-testnet.xyz"},
        required={"HL_PRIVATE_KEY", "HL_VAULT_ADDRESS"},
        secrets={"HL_PRIVATE_KEY"},
    ),
    "aster": Expected(
        connectors={"aster"},
        mainnet={"fapi.asterdex.com", "fstream.asterdex.com"},
        testnet={"fapi.asterdex-testnet.com", "fstream5.asterdex-testnet.com"},
        required=set(),  # an agent or an old key: its signer says which one is missing
        secrets={"ASTER_AGENT_PRIVATE_KEY", "ASTER_API_KEY", "ASTER_API_SECRET"},
    ),
    "lighter": Expected(
        connectors={"lighter"},
        mainnet={"mainnet.zklighter.elliot.ai"},
        testnet={"testnet.zklighter.elliot.ai"},
        required={"LIGHTER_ACCOUNT_INDEX", "LIGHTER_API_KEY_INDEX", "LIGHTER_API_PRIVATE_KEY_HEX"},
        secrets={"LIGHTER_API_PRIVATE_KEY_HEX", "LIGHTER_AUTH_TOKEN"},
    ),
    "extended": Expected(
        connectors={"extended"},
        mainnet={"api.starknet.extended.exchange"},
        testnet={"api.starknet.sepolia.extended.exchange"},
        required={"EXTENDED_API_KEY", "EXTENDED_STARK_PRIVATE_KEY", "EXTENDED_VAULT"},
        secrets={"EXTENDED_API_KEY", "EXTENDED_STARK_PRIVATE_KEY"},
    ),
    "paradex": Expected(
        connectors={"paradex"},
        mainnet={"api.prod.paradex.trade", "ws.api.prod.paradex.trade"},
        testnet={"api.testnet.paradex.trade", "ws.api.testnet.paradex.trade"},
        required={"PARADEX_ACCOUNT_ADDRESS", "PARADEX_SUBKEY_PRIVATE_KEY"},
        secrets={"PARADEX_SUBKEY_PRIVATE_KEY"},
    ),
}


@pytest.fixture(scope="module")
def specs() -> dict[str, ConnectorSpec]:
    """Return every connector of the installed plugins."""
    return dict(load_plugins([]).connectors)


@pytest.mark.parametrize("venue", VENUES)
def test_a_plugin_registers_its_venue_under_its_feature_flag_and_nothing_else(
    specs: dict[str, ConnectorSpec], venue: str
) -> None:
    """The extra `live_<venue>` brings these connectors."""
    flag = f"live_{venue}"
    assert {name for name, spec in specs.items() if spec.feature_flag == flag} == VENUES[venue].connectors


@pytest.mark.parametrize("venue", VENUES)
def test_a_venue_that_is_built_has_what_its_modes_need(specs: dict[str, ConnectorSpec], venue: str) -> None:
    """Something that makes it in every mode, a signer and execution for orders, and no word of a stub."""
    spec = specs[venue]
    assert spec.trade_modes == frozenset(TradeMode)
    assert spec.factory is not None
    assert spec.signer is not None
    assert {Capability.MARKET, Capability.ACCOUNT, Capability.EXECUTION} <= spec.capabilities.keys()
    assert "nothing is wired yet" not in spec.notes


@pytest.mark.parametrize("venue", VENUES)
def test_the_page_of_a_venue_has_every_variable_and_no_other(
    specs: dict[str, ConnectorSpec], venue: str
) -> None:
    """Its settings are in a table, and what is in the table can be set."""
    page = (ROOT / "docs" / "venues" / f"{venue}.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| `") and "_" in line.split("|")[1]]
    named = {name for line in rows for name in re.findall(r"`([A-Z_]+)`", line.split("|")[1])}
    assert named == {setting.env for setting in specs[venue].settings}


@pytest.mark.parametrize("venue", VENUES)
def test_each_network_has_encrypted_endpoints_and_shares_no_host_with_the_other(
    specs: dict[str, ConnectorSpec], venue: str
) -> None:
    """A test order cannot reach production by a mixed-up address."""
    schemes = {"rest": "https", "ws": "wss"}
    hosts: dict[Network, set[str | None]] = {}
    for network in Network:
        endpoints = specs[venue].endpoints[network]
        assert {endpoint.purpose for endpoint in endpoints} == set(schemes)
        for endpoint in endpoints:
            assert urlsplit(endpoint.url).scheme == schemes[endpoint.purpose]
        hosts[network] = {urlsplit(endpoint.url).hostname for endpoint in endpoints}
    assert hosts == {Network.MAINNET: VENUES[venue].mainnet, Network.TESTNET: VENUES[venue].testnet}


@pytest.mark.parametrize("venue", VENUES)
def test_what_sending_orders_needs_is_required_where_orders_are_sent(
    specs: dict[str, ConnectorSpec], venue: str
) -> None:
    """Keys are secrets, are asked for in testnet and live, and nowhere else."""
    settings = specs[venue].settings
    assert {setting.env for setting in settings if setting.required_in} == VENUES[venue].required
    assert all(setting.required_in in (frozenset(), SENDING_MODES) for setting in settings)
    secrets = {setting.env for setting in settings if setting.kind is SettingKind.SECRET}
    assert secrets == VENUES[venue].secrets

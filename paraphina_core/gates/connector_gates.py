"""Start-up gates about the connectors: what they are, where they lead, and who they would trade for."""

from __future__ import annotations

from typing import Final

from paraphina_core.connector import CheckResult, CheckStatus, ConnectorSpec, Network, SettingKind, TradeMode

from .endpoints import confinement_faults, endpoint_faults
from .startup_facts import ConnectorFacts, StartupFacts
from .startup_gate import (
    ALL_MODES,
    SENDING_MODES,
    Gates,
    connector_names,
    failed,
    passed,
    passed_if_none,
    unknown,
)

# ruff: noqa: D103  # what a gate checks is said in its decorator, where `paraphina gates --why` finds it

GATES: Final = Gates()


@GATES.gate(
    "Connectors installed",
    "Each selected connector is brought by a plugin that was loaded without a problem.",
    required_in=ALL_MODES,
)
def connector_installed(facts: StartupFacts) -> CheckResult:
    absent = [connector for connector in facts.connectors if connector.spec is None]
    if not facts.connectors:
        return failed("no connector is selected", "Select one with --connector.")
    return passed_if_none(
        (f"{connector.name}: {connector.plugin}" for connector in absent),
        "; ".join(f"{connector.name} of {connector.plugin}" for connector in facts.connectors),
        "; ".join(connector.remedy for connector in absent),
    )


@GATES.gate(
    "Plugins trusted",
    "The operator has looked at each connector's plugin and trusts its version and source code as they are "
    "now. Trust is given for one version and hash, so any change of either takes it away.",
)
def connector_trusted(facts: StartupFacts) -> CheckResult:
    doubts = [c for c in facts.connectors if c.trust.status is not CheckStatus.PASS]
    found = "; ".join(
        f"{connector.name}: {connector.trust.found}" for connector in doubts or facts.connectors
    )
    if not doubts:
        return passed(found)
    remedy = "; ".join(dict.fromkeys(connector.trust.remedy for connector in doubts))
    if any(connector.trust.status is CheckStatus.FAIL for connector in doubts):
        return failed(found, remedy)
    return unknown(found, remedy)


@GATES.gate(
    "Trade mode allowed",
    "Each selected connector says that it may run in this trade mode.",
    required_in=ALL_MODES,
)
def connector_mode(facts: StartupFacts) -> CheckResult:
    faults = [
        f"{connector.name} runs in {_modes(connector.spec.trade_modes) if connector.spec else 'no mode yet'}"
        for connector in facts.connectors
        if connector.spec is None or facts.mode not in connector.spec.trade_modes
    ]
    return passed_if_none(
        faults,
        f"{connector_names(facts)} may run in {facts.mode} mode",
        "Select other connectors or another mode; `paraphina connectors` lists both.",
    )


def _modes(modes: frozenset[TradeMode]) -> str:
    return ", ".join(mode for mode in TradeMode if mode in modes) or "no mode yet"


@GATES.gate(
    "Connectors can be built",
    "Each selected connector can be built from its settings and says what it would open. Where orders are "
    "sent, only a trusted plugin is asked.",
    required_in=ALL_MODES,
)
def connector_builds(facts: StartupFacts) -> CheckResult:
    return passed_if_none(
        (f"{connector.name}: {connector.fault}" for connector in facts.connectors if connector.fault),
        connector_names(facts),
        "Choose a connector that is built, correct its settings, or trust its plugin.",
    )


@GATES.gate(
    "Connectors on the allow-list",
    "Each selected connector stands on the operator's own list of those that may send orders. The list is "
    "empty until somebody writes one.",
)
def connector_allowed(facts: StartupFacts) -> CheckResult:
    absent = [
        connector.name for connector in facts.connectors if connector.name not in facts.allowed_connectors
    ]
    return passed_if_none(
        (f"{name} is not on the list" for name in absent),
        f"{connector_names(facts)} stands on it",
        f"Set PARAPHINA_LIVE_ALLOWED_CONNECTORS or [live] allowed_connectors to include {', '.join(absent)}.",
    )


@GATES.gate(
    "One underlying",
    "All markets of the session are contracts on the same asset, so that their prices may be compared and "
    "their positions added. On paper a difference is only shown.",
    informs_in=ALL_MODES - SENDING_MODES,
)
def one_underlying(facts: StartupFacts) -> CheckResult:
    unread = [connector.name for connector in facts.connectors if not connector.underlyings]
    found = "; ".join(
        f"{connector.name}: {', '.join(connector.underlyings)}"
        for connector in facts.connectors
        if connector.underlyings
    )
    distinct = {asset for connector in facts.connectors for asset in connector.underlyings or ()}
    if len(distinct) > 1:
        return failed(found, "Choose the same asset for every connector in its settings.")
    if unread or not facts.connectors:
        return unknown(
            f"what {', '.join(unread) or 'no connector'} would trade is not known before it is connected",
            "Let `paraphina preflight` or a start ask the venue.",
        )
    return passed(found)


@GATES.gate(
    "Addresses of the right network",
    "Every address that would be used, overrides included, belongs to the network of the trade mode: testnet "
    "mode never holds an address of production, live mode never one of a test network. A host that is not "
    "the venue's own must be declared, and a host of the other network cannot be.",
)
def endpoints_network(facts: StartupFacts) -> CheckResult:
    faults = [
        fault
        for connector in facts.connectors
        for fault in endpoint_faults(
            connector, facts.mode.network, facts.declared_hosts, facts.other_network_hosts
        )
    ]
    addresses = [endpoint.url for connector in facts.connectors for endpoint in connector.endpoints]
    return passed_if_none(
        faults,
        f"{facts.mode.network}: {', '.join(addresses)}",
        "Choose a connector with addresses on that network, or correct the override; a host of your own "
        "belongs in [live] declared_hosts.",
    )


@GATES.gate(
    "Twins on this machine",
    "Where twins stand in for the venues, every address that would be used is one of this machine. Only that "
    "lets a session on twins start without receipt, switches and evidence.",
    required_in=ALL_MODES,
    on_twins_only=True,
)
def twin_addresses(facts: StartupFacts) -> CheckResult:
    faults = [fault for connector in facts.connectors for fault in confinement_faults(connector)]
    addresses = [endpoint.url for connector in facts.connectors for endpoint in connector.endpoints]
    return passed_if_none(
        faults,
        ", ".join(addresses),
        "Leave out --twin to use a venue's own address; with it every address must be a loopback one.",
    )


@GATES.gate(
    "Settings and credentials",
    "Every setting that a connector needs in this mode has a value, and where orders are sent the "
    "credentials are of the mode's network: they come from the key store, which keeps each key with its "
    "network, or a setting that selects a network says so.",
    required_in=ALL_MODES,
)
def credentials(facts: StartupFacts) -> CheckResult:
    missing = [f"{c.name} needs {name}" for c in facts.connectors for name in c.missing]
    if missing:
        return failed("; ".join(missing), "Set them; secrets go into the key store: `paraphina keys add`.")
    if not facts.reaches_venue:
        return passed("every setting that is needed has a value")
    network = facts.mode.network
    stated = [(c.name, name, value) for c in facts.connectors for name, value in c.stated_networks]
    wrong = [f"{c}: {name} is {value}" for c, name, value in stated if value.strip().lower() != network]
    if wrong:
        return failed("; ".join(wrong), f"{facts.mode} mode trades on {network}: use its credentials.")
    silent = [
        c.name
        for c in facts.connectors
        if not c.sealed and not (c.stated_networks and _has_secret(c.spec, facts.mode))
    ]
    if silent or not facts.connectors:
        return unknown(
            f"nothing says that the credentials of {', '.join(silent) or 'no connector'} are of {network}",
            f"Put them into the key store: `paraphina keys add CONNECTOR --network {network}`.",
        )
    return passed("; ".join(_where_from(connector, network) for connector in facts.connectors))


def _where_from(connector: ConnectorFacts, network: Network) -> str:
    if connector.sealed:
        return f"{connector.name}: from the key store, for {network}"
    stated = ", ".join(f"{name} is {value}" for name, value in connector.stated_networks)
    return f"{connector.name}: {stated}; from the environment, which every process started here can read"


def _has_secret(spec: ConnectorSpec | None, mode: TradeMode) -> bool:
    return spec is not None and any(
        setting.kind is SettingKind.SECRET and mode in setting.required_in for setting in spec.settings
    )

"""Which network an address belongs to: a session of one network never holds an address of the other."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Iterator
from typing import Final
from urllib.parse import urlsplit

from paraphina_core.connector import ConnectorSpec, DataSource, Network

from .startup_facts import ConnectorFacts

_ENCRYPTED: Final = frozenset({"https", "wss"})
_PLAIN: Final = frozenset({"http", "ws"})


def other_network(network: Network) -> Network:
    """Return the network that is not this one."""
    return Network.TESTNET if network is Network.MAINNET else Network.MAINNET


def host_of(url: str) -> str:
    """Return the host of an address in lower case; empty if it has none, or hides one behind a login."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return ""
    if host is None or parts.username is not None or parts.scheme not in _ENCRYPTED | _PLAIN:
        return ""
    return host.rstrip(".")


def hosts_of(spec: ConnectorSpec, network: Network) -> frozenset[str]:
    """Return the hosts that a connector's description names for a network."""
    return frozenset(host_of(endpoint.url) for endpoint in spec.endpoints.get(network, ())) - {""}


def endpoint_faults(
    connector: ConnectorFacts, network: Network, declared: Collection[str], foreign: Collection[str]
) -> Iterator[str]:
    """Yield what is wrong with the addresses of a connector.

    Args:
        connector: with the addresses that would be used.
        network: the network of the trade mode.
        declared: hosts that the operator has declared to stand in for a venue's own.
        foreign: hosts of the other network, of all connectors.
    """
    if connector.spec is None or not connector.endpoints:
        yield f"{connector.name} has no address on {network}"
        return
    for endpoint in connector.endpoints:
        fault = _fault(endpoint.url, connector.spec, network, declared, foreign)
        if fault:
            yield f"{connector.name} {endpoint.purpose} {endpoint.url}: {fault}"


def confinement_faults(connector: ConnectorFacts) -> Iterator[str]:
    """Yield every address of a connector that is not one of this machine, or that it has none."""
    is_offline = connector.spec is not None and connector.spec.data_source is not DataSource.VENUE
    if not (connector.endpoints or is_offline):
        yield f"{connector.name} has no address"
    for endpoint in connector.endpoints:
        if not is_this_machine(host_of(endpoint.url)):
            yield f"{connector.name} {endpoint.purpose} {endpoint.url}: not an address of this machine"


def _fault(
    url: str, spec: ConnectorSpec, network: Network, declared: Collection[str], foreign: Collection[str]
) -> str:
    host = host_of(url)
    if not host:
        return "not the address of a host (https or wss, without a login)"
    if url in {endpoint.url for endpoint in spec.endpoints.get(other_network(network), ())}:
        return f"an address of {other_network(network)}"
    is_named = url in {endpoint.url for endpoint in spec.endpoints.get(network, ())}
    own = hosts_of(spec, network)
    if not is_named and any(host == other or host.endswith(f".{other}") for other in foreign):
        return f"a host of {other_network(network)}, which no declaration makes one of {network}"
    if host not in own and host not in declared:
        return "not a host of the venue's, and not declared"
    if urlsplit(url).scheme in _PLAIN and not is_this_machine(host):
        return "not encrypted"
    return ""


def is_this_machine(host: str) -> bool:
    """Tell whether a host is a loopback address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"

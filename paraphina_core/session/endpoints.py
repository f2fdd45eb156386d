"""What a connector may reach in a run: its addresses with the operator's overrides, and its budgets."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from paraphina_core.config import Config
from paraphina_core.connector import ConnectorSpec
from paraphina_core.gates import ResolvedEndpoint
from paraphina_core.transport import Engine, EventLoop, WebSocketLibrary, choose

from .link import Access
from .seeds import seed_of


def resolved_endpoints(spec: ConnectorSpec, config: Config) -> Iterator[ResolvedEndpoint]:
    """Yield the addresses of the trade mode's network as this run would use them."""
    settings = config.connectors.get(spec.name, {})
    for endpoint in spec.endpoints.get(config.session.trade_mode.network, ()):
        override = settings.get(endpoint.setting) if endpoint.setting else None
        url = endpoint.url if override is None else str(override)
        yield ResolvedEndpoint(purpose=endpoint.purpose, url=url)


def access_of(spec: ConnectorSpec, config: Config) -> Access:
    """Return what a connector may reach; order entry only in a mode that sends orders."""
    origins = (_origin(endpoint.url) for endpoint in resolved_endpoints(spec, config))
    return Access(
        rate_limits=spec.rate_limits,
        order_entry=tuple(filter(None, origins)) if config.session.trade_mode.reaches_venue else (),
        seed=seed_of(config.session.seed, f"{spec.name} connections"),
    )


def _origin(url: str) -> str:
    """Return scheme, host and port of an address for requests, empty for one of streams."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme in {"http", "https"} else ""


def engine_of(config: Config) -> Engine:
    """Choose what carries the streams and runs the program, as the configuration wishes.

    Raises:
        LocalError: what it asks for by name does not work here.
    """
    return choose(WebSocketLibrary(config.transport.websocket), EventLoop(config.transport.event_loop))

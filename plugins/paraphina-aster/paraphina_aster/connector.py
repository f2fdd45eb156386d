"""The connector `aster`: one public stream for all markets, and questions beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from paraphina_core.connector import (
    Answer,
    ConnectorContext,
    ConnectorSpec,
    Failure,
    Network,
    Plan,
    Request,
    StreamPlan,
    WebSocketSource,
    WriteContext,
)
from paraphina_core.domain import (
    Command,
    ConfigError,
    Event,
    LocalError,
    Query,
    QueryInstruments,
    RemoteProtocolError,
)

from . import spec as specs
from .feed import PublicFeed, stream_path, topics
from .instruments import Listings, parse_symbols
from .questions import FUNDING_TERMS, Questions

MARKET: Final = "market"

#: Mark prices come every second (docs, read 2026-10-08): fifteen without any message are a dead stream.
MAX_MARKET_SILENCE_MS: Final = 15_000
#: A connection ends after 24 hours (docs of 2026-06; the page of 2026-10 says it no more); before that it is
#: replaced.
MAX_LIFETIME_MS: Final = 23 * 3_600_000

#: Filters change without notice, and so do the intervals of funding.
POLL_MS: Final = 600_000


class AsterConnector:
    """Translates the public market.

    Raises:
        ConfigError: the settings contradict the trade mode, or are not usable.
    """

    def __init__(self, context: ConnectorContext) -> None:
        network = _network(context)
        settings = {name: str(value) for name, value in context.settings.items()}
        self._symbols = parse_symbols(settings.get("market", specs.DEFAULT_MARKET))
        self._ws_url = _url(settings, network, "ws").rstrip("/")
        self._listings = Listings(specs.VENUE.name, self._symbols)
        self._feed = self._new_feed()
        self._questions = Questions(_url(settings, network, "rest"), self._listings, self._read_book)

    @property
    def spec(self) -> ConnectorSpec:
        """The description this connector was registered with."""
        return specs.VENUE

    def plan(self) -> Plan:
        """Read what is listed and how funding is paid, then open the market."""
        market = StreamPlan(
            name=MARKET,
            source=WebSocketSource(url=self._ws_url + stream_path(self._symbols)),
            max_silence_ms=MAX_MARKET_SILENCE_MS,
            max_lifetime_ms=MAX_LIFETIME_MS,
            topics=topics(self._symbols),
        )
        return Plan(streams=(market,), bootstrap=(QueryInstruments(), FUNDING_TERMS), poll_ms=POLL_MS)

    def opened(self, stream: str, context: WriteContext) -> Sequence[bytes]:
        """Begin anew; what is subscribed to stands in the address."""
        if stream != MARKET:
            raise LocalError("stream was not planned", found=stream)
        self._feed = self._new_feed()
        return ()

    def closed(self, stream: str) -> None:
        """Nothing leaves on a stream."""

    def read(self, stream: str, frame: bytes, at_ns: int) -> Sequence[Event]:
        """Turn a message of a stream into events."""
        if stream != MARKET:
            raise RemoteProtocolError("frame of a stream that was not planned", found=stream)
        return self._feed.read(frame, at_ns)

    def write(self, command: Command, context: WriteContext) -> Request:
        """Refuse: there is no order entry yet.

        Raises:
            LocalError: always.
        """
        raise LocalError("connector has no order entry", found=type(command).__name__)

    def ask(self, query: Query, context: WriteContext) -> Request:
        """Turn a query into a request.

        Raises:
            LocalError: it is about an account, or about an instrument that the venue does not list.
        """
        return self._questions.ask(query, context)

    def read_answer(self, request: Request, answer: Answer | Failure, at_ns: int) -> Sequence[Event]:
        """Turn what came back for a query into events."""
        return self._questions.read(request, answer, at_ns)

    def _new_feed(self) -> PublicFeed:
        return PublicFeed(self._symbols, lambda: self._listings.symbols, self._listings.funding_interval_s)

    def _read_book(self, symbol: str, body: bytes, at_ns: int) -> Sequence[Event]:
        return self._feed.read_book(symbol, body, at_ns)


def _network(context: ConnectorContext) -> Network:
    """Return the network of the mode, or where nothing is sent the one that the operator chose.

    Raises:
        ConfigError: the setting contradicts the mode, or is no network.
    """
    stated = str(context.settings.get("network", context.network)).strip().lower()
    if stated not in set(Network):
        raise ConfigError("network is not usable", found=stated[:64], wanted="mainnet or testnet")
    network = Network(stated)
    if context.mode.reaches_venue and network is not context.network:
        raise ConfigError(
            f"ASTER_NETWORK contradicts the trade mode {context.mode}",
            found=stated,
            wanted=context.network,
            remedy="correct one of the two",
        )
    return network


def _url(settings: Mapping[str, str], network: Network, purpose: str) -> str:
    for endpoint in specs.VENUE.endpoints[network]:
        if endpoint.purpose == purpose:
            return settings.get(endpoint.setting or "", endpoint.url)
    raise LocalError("no address for this purpose", found=purpose)

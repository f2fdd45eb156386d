"""The connector `extended`: all topics in one stream, or in the fallback one stream for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

from paraphina_core.connector import (
    Answer,
    ConnectorContext,
    ConnectorSpec,
    Failure,
    MarketDataOnly,
    Network,
    Plan,
    Request,
    StreamPlan,
    WebSocketSource,
    WriteContext,
)
from paraphina_core.domain import (
    ConfigError,
    Event,
    LocalError,
    Query,
    QueryInstruments,
    RemoteProtocolError,
)

from . import spec as specs
from .feed import FeedV1, FeedV2, MarketFeed
from .instruments import Listings, parse_markets
from .questions import Questions
from .topics import V2_PATH, Topic, all_topics, subscriptions, v1_path

MARKET: Final = "market"

#: A mark price comes every second and the touch with every change (capture of 2026-09): half a minute without
#: any message is a dead stream and no quiet market.
MAX_SILENCE_MS: Final = 30_000
#: Streams of the fallback carry one topic: a book comes whole every minute (same capture), prices more often;
#: trades and applied funding come when there are any.
MAX_SILENCE_V1_MS: Final[Mapping[Topic, int]] = {
    Topic.BOOK: 90_000,
    Topic.TOUCH: 90_000,
    Topic.MARK: 30_000,
    Topic.INDEX: 30_000,
    Topic.TRADES: 3_600_000,
    Topic.FUNDING: 2 * 3_600_000,
}

#: Status, trading hours and the funding rate in the making change without notice.
POLL_MS: Final = 300_000


class ExtendedConnector(MarketDataOnly):
    """Translates the public market.

    Raises:
        ConfigError: the settings contradict the trade mode, or are not usable.
    """

    def __init__(self, context: ConnectorContext) -> None:
        network = _network(context)
        settings = {name: str(value) for name, value in context.settings.items()}
        self._markets = parse_markets(settings.get("market", specs.DEFAULT_MARKET))
        self._version = _version(settings.get("stream", specs.STREAMS[0]))
        self._ws_url = _url(settings, network, "ws").rstrip("/")
        self._listings = Listings(specs.VENUE.name, self._markets)
        self._questions = Questions(_url(settings, network, "rest"), self._listings)
        self._feeds: dict[str, MarketFeed] = {}
        self._streams = self._readers()

    @property
    def spec(self) -> ConnectorSpec:
        """The description this connector was registered with."""
        return specs.VENUE

    def plan(self) -> Plan:
        """Read what is listed, then open the market."""
        streams = (self._plan_v2(),) if self._version == specs.STREAMS[0] else self._plan_v1()
        return Plan(streams=streams, bootstrap=(QueryInstruments(),), poll_ms=POLL_MS)

    def opened(self, stream: str, context: WriteContext) -> Sequence[bytes]:
        """Begin anew, and subscribe where one connection carries more than one topic."""
        self._reader(stream).begin()
        return subscriptions(self._markets) if stream == MARKET else ()

    def read(self, stream: str, frame: bytes, at_ns: int) -> Sequence[Event]:
        """Turn a message of a stream into events."""
        reader = self._streams.get(stream)
        if reader is None:
            raise RemoteProtocolError("frame of a stream that was not planned", found=stream)
        return reader.read(frame)

    def ask(self, query: Query, context: WriteContext) -> Request:
        """Turn a query into a request.

        Raises:
            LocalError: it is about an account, or about a book, which comes by stream alone.
        """
        return self._questions.ask(query, context)

    def read_answer(self, request: Request, answer: Answer | Failure, at_ns: int) -> Sequence[Event]:
        """Turn what came back for a query into events."""
        return self._questions.read(request, answer)

    def _reader(self, stream: str) -> FeedV1 | FeedV2:
        reader = self._streams.get(stream)
        if reader is None:
            raise LocalError("stream was not planned", found=stream)
        return reader

    def _readers(self) -> Mapping[str, FeedV1 | FeedV2]:
        if self._version == specs.STREAMS[0]:
            return {MARKET: FeedV2(MARKET, self._markets, lambda: self._listings.markets)}
        return {
            topic.of(market): FeedV1(topic.of(market), topic, market, partial(self._feed, market))
            for topic, market in all_topics(self._markets)
        }

    def _feed(self, market: str) -> MarketFeed | None:
        """Return what several streams of the fallback share of one market."""
        instrument = self._listings.markets.get(market)
        if instrument is None:
            return None
        return self._feeds.setdefault(market, MarketFeed(instrument))

    def _plan_v2(self) -> StreamPlan:
        return StreamPlan(
            name=MARKET,
            source=WebSocketSource(url=self._ws_url + V2_PATH),
            max_silence_ms=MAX_SILENCE_MS,
            topics=tuple(topic.of(market) for topic, market in all_topics(self._markets)),
        )

    def _plan_v1(self) -> tuple[StreamPlan, ...]:
        # Of these something is heard within the minute, however quiet the market is.
        regular = {Topic.BOOK, Topic.MARK, Topic.INDEX}
        return tuple(
            StreamPlan(
                name=topic.of(market),
                source=WebSocketSource(url=self._ws_url + v1_path(topic, market)),
                max_silence_ms=MAX_SILENCE_V1_MS[topic],
                topics=(topic.of(market),) if topic in regular else (),
            )
            for topic, market in all_topics(self._markets)
        )


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
            f"EXTENDED_NETWORK contradicts the trade mode {context.mode}",
            found=stated,
            wanted=context.network,
            remedy="correct one of the two",
        )
    return network


def _version(text: str) -> str:
    if text not in specs.STREAMS:
        raise ConfigError(
            "version of the stream is not usable", found=text[:64], wanted=" or ".join(specs.STREAMS)
        )
    return text


def _url(settings: Mapping[str, str], network: Network, purpose: str) -> str:
    for endpoint in specs.VENUE.endpoints[network]:
        if endpoint.purpose == purpose:
            return settings.get(endpoint.setting or "", endpoint.url)
    raise LocalError("no address for this purpose", found=purpose)

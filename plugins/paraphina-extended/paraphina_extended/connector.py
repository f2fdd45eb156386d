"""The connector `extended`: all topics in one stream, or in the fallback one stream for each."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache, partial
from typing import Final

from paraphina_core.connector import (
    Answer,
    ConnectorContext,
    ConnectorSpec,
    Failure,
    Heartbeat,
    Network,
    Plan,
    Renewal,
    Request,
    StreamPlan,
    WebSocketSource,
    WriteContext,
)
from paraphina_core.domain import (
    CancelAll,
    CancelOrder,
    Command,
    ConfigError,
    Event,
    LocalError,
    Query,
    QueryInstruments,
    RemoteProtocolError,
)

from . import spec as specs
from .account import AccountReader
from .changes import Changes
from .feed import FeedV1, FeedV2, MarketFeed
from .fees import Fees
from .instruments import Listings, parse_markets
from .membership import Membership
from .order_entry import OrderEntry
from .private_feed import PrivateFeed
from .questions import ACCOUNT as WHOSE
from .questions import FEES, FUNDING, FUNDING_EVERY_MS, Own, Questions
from .signing import Authority
from .topics import V1_ACCOUNT_PATH, V2_PATH, Topic, all_topics, subscriptions, v1_path

MARKET: Final = "market"
ACCOUNT: Final = "account"

#: An account may have nothing to say for hours; that its connection lives is found out by pings, which the
#: venue answers (docs "WebSocket", read 2026-11).
HEARTBEAT: Final = Heartbeat(interval_ms=15_000)
MAX_ACCOUNT_SILENCE_MS: Final = 24 * 3_600_000

_VAULT: Final = re.compile(r"[1-9][0-9]{0,9}", re.ASCII)

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


class ExtendedConnector:
    """Translates for one account, or for none where only the market is read.

    Raises:
        ConfigError: the settings contradict the trade mode, or are not usable.
    """

    def __init__(self, context: ConnectorContext) -> None:
        network = _network(context)
        settings = {name: str(value) for name, value in context.settings.items()}
        self._markets = parse_markets(settings.get("market", specs.DEFAULT_MARKET))
        self._version = _one_of(specs.STREAMS, settings.get("stream", specs.STREAMS[0]), "stream")
        self._ws_url = _url(settings, network, "ws").rstrip("/")
        self._listings = Listings(specs.VENUE.name, self._markets)
        self._own: Own | None = None
        self._entry: OrderEntry | None = None
        self._private: PrivateFeed | None = None
        rest_url = _url(settings, network, "rest")
        if (
            context.mode.reaches_venue
        ):  # elsewhere orders are matched here, and the account's own are not asked
            self._open_account(settings, network, rest_url, context.mode.value[0])
        self._questions = Questions(rest_url, self._listings, self._markets, self._own)
        self._feeds: dict[str, MarketFeed] = {}
        self._streams = self._readers()

    @property
    def spec(self) -> ConnectorSpec:
        """The description this connector was registered with."""
        return specs.VENUE

    def plan(self) -> Plan:
        """Read what is listed and, where orders are sent, whose account it is; then open the streams."""
        streams = (self._plan_v2(),) if self._version == specs.STREAMS[0] else self._plan_v1()
        if self._own is None:
            return Plan(streams=streams, bootstrap=(QueryInstruments(),), poll_ms=POLL_MS)
        account = StreamPlan(
            name=ACCOUNT,
            source=WebSocketSource(url=self._ws_url + V1_ACCOUNT_PATH, heartbeat=HEARTBEAT),
            max_silence_ms=MAX_ACCOUNT_SILENCE_MS,
            private=True,
        )
        return Plan(
            streams=(*streams, account),
            bootstrap=(QueryInstruments(), WHOSE, FEES, FUNDING),
            poll_ms=POLL_MS,
            renewals=(Renewal(query=FUNDING, every_ms=FUNDING_EVERY_MS),),
        )

    def opened(self, stream: str, context: WriteContext) -> Sequence[bytes]:
        """Begin anew, and subscribe where one connection carries more than one topic."""
        if stream == ACCOUNT and self._private is not None:
            self._private.begin()
            return ()
        self._reader(stream).begin()
        return subscriptions(self._markets) if stream == MARKET else ()

    def read(self, stream: str, frame: bytes, at_ns: int) -> Sequence[Event]:
        """Turn a message of a stream into events."""
        if stream == ACCOUNT and self._private is not None:
            return self._private.read(frame)
        reader = self._streams.get(stream)
        if reader is None:
            raise RemoteProtocolError("frame of a stream that was not planned", found=stream)
        return reader.read(frame)

    def closed(self, stream: str) -> None:
        """Nothing leaves on a stream."""

    def write(self, command: Command, context: WriteContext) -> Request:
        """Turn a command into a request.

        Raises:
            LocalError: there is no such command or it cannot be spelled; or it is not a cancel, and the
                venue has not said that the account is what the settings say.
        """
        if self._entry is None or self._own is None:
            raise LocalError("no orders are sent in this trade mode", found=type(command).__name__)
        if not isinstance(command, CancelOrder | CancelAll):
            self._own.membership.check()
        return self._entry.write(command, context)

    def ask(self, query: Query, context: WriteContext) -> Request:
        """Turn a query into a request.

        Raises:
            LocalError: it is about an account, or about a book, which comes by stream alone.
        """
        return self._questions.ask(query, context)

    def read_answer(self, request: Request, answer: Answer | Failure, at_ns: int) -> Sequence[Event]:
        """Turn what came back for a command or a query into events."""
        if self._entry is None or self._questions.made(request):
            return self._questions.read(request, answer)
        return self._entry.read_answer(request.correlation, answer)

    def _open_account(self, settings: Mapping[str, str], network: Network, rest_url: str, mode: str) -> None:
        vault = _vault(settings)
        reader, changes, fees = AccountReader(specs.VENUE.name), Changes(mode), Fees()
        self._own = Own(reader, changes, fees, Membership(vault))
        self._private = PrivateFeed(ACCOUNT, reader, changes)
        self._entry = OrderEntry(
            rest_url,
            cache(lambda key: Authority(network=network, position_id=vault, public_key=key)),
            lambda: self._listings.traded,
            fees,
            changes,
            mode,
            _one_of(
                specs.SELF_TRADE, settings.get("self_trade", specs.SELF_TRADE[0]), "self-trade protection"
            ).upper(),
        )

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


def _one_of(words: Sequence[str], text: str, what: str) -> str:
    if text not in words:
        raise ConfigError(f"{what} is not usable", found=text[:64], wanted=" or ".join(words))
    return text


def _vault(settings: Mapping[str, str]) -> int:
    text = settings.get("vault", "")
    if _VAULT.fullmatch(text) is None or int(text) >= 2**32:
        raise ConfigError("EXTENDED_VAULT is not usable", found=text[:64], wanted="the vault of the account")
    return int(text)


def _url(settings: Mapping[str, str], network: Network, purpose: str) -> str:
    for endpoint in specs.VENUE.endpoints[network]:
        if endpoint.purpose == purpose:
            return settings.get(endpoint.setting or "", endpoint.url)
    raise LocalError("no address for this purpose", found=purpose)

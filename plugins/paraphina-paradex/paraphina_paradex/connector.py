"""The connector `paradex`: one binary public stream for all markets, and questions beside it."""

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

from . import sbe
from . import spec as specs
from .feed import DELTAS, SNAPSHOTS, PublicFeed, channels, subscriptions
from .instruments import Listings, parse_markets
from .questions import SYSTEM_STATE, Questions

MARKET: Final = "market"

#: Frames of a book come whether or not it has changed; half a minute without any is a dead stream.
MAX_MARKET_SILENCE_MS: Final = 30_000
#: The states of the daily maintenance last two minutes each (docs, read 2026-08-20), so that they are seen.
POLL_MS: Final = 20_000

_BOOKS: Final[Mapping[str, str]] = dict(zip(specs.BOOKS, (DELTAS, SNAPSHOTS), strict=True))


class ParadexConnector:
    """Translates the public market.

    Raises:
        ConfigError: the settings are not usable.
    """

    def __init__(self, context: ConnectorContext) -> None:
        settings = {name: str(value) for name, value in context.settings.items()}
        self._markets = parse_markets(settings.get("market", specs.DEFAULT_MARKET))
        book = settings.get("book", specs.BOOKS[0])
        if book not in _BOOKS:
            raise ConfigError("book is not usable", found=book[:64], wanted=" or ".join(_BOOKS))
        self._book = _BOOKS[book]
        self._ws_url = _url(settings, context.network, "ws").rstrip("/")
        self._listings = Listings(specs.VENUE.name, self._markets)
        self._feed = self._new_feed()
        self._questions = Questions(_url(settings, context.network, "rest"), self._markets, self._listings)

    @property
    def spec(self) -> ConnectorSpec:
        """The description this connector was registered with."""
        return specs.VENUE

    def plan(self) -> Plan:
        """Read what is listed and which state the venue is in, then open the market.

        The venue closes a connection without subscriptions, so that they leave with its opening.
        """
        topics = tuple(topic for market in self._markets for topic in channels(market, self._book))
        schema = f"?sbeSchemaId={sbe.SCHEMA_ID}&sbeSchemaVersion={sbe.SCHEMA_VERSION}"
        market = StreamPlan(
            name=MARKET,
            source=WebSocketSource(url=self._ws_url + schema, opening=subscriptions(topics)),
            max_silence_ms=MAX_MARKET_SILENCE_MS,
            topics=topics,
        )
        return Plan(streams=(market,), bootstrap=(QueryInstruments(), SYSTEM_STATE), poll_ms=POLL_MS)

    def opened(self, stream: str, context: WriteContext) -> Sequence[bytes]:
        """Begin anew; a whole book comes with each subscription."""
        if stream != MARKET:
            raise LocalError("stream was not planned", found=stream)
        self._feed = self._new_feed()
        return ()

    def closed(self, stream: str) -> None:
        """Nothing leaves on a stream."""

    def read(self, stream: str, frame: bytes, at_ns: int) -> Sequence[Event]:
        """Turn a frame of a stream into events."""
        if stream != MARKET:
            raise RemoteProtocolError("frame of a stream that was not planned", found=stream)
        return self._feed.read(frame)

    def write(self, command: Command, context: WriteContext) -> Request:
        """Refuse: there is no order entry yet.

        Raises:
            LocalError: always.
        """
        raise LocalError("connector has no order entry", found=type(command).__name__)

    def ask(self, query: Query, context: WriteContext) -> Request:
        """Turn a query into a request.

        Raises:
            LocalError: it is about an account or a book.
        """
        return self._questions.ask(query, context)

    def read_answer(self, request: Request, answer: Answer | Failure, at_ns: int) -> Sequence[Event]:
        """Turn what came back for a query into events."""
        return self._questions.read(request, answer)

    def _new_feed(self) -> PublicFeed:
        return PublicFeed(MARKET, self._markets, self._book, lambda: self._listings.markets)


def _url(settings: Mapping[str, str], network: Network, purpose: str) -> str:
    for endpoint in specs.VENUE.endpoints[network]:
        if endpoint.purpose == purpose:
            return settings.get(endpoint.setting or "", endpoint.url)
    raise LocalError("no address for this purpose", found=purpose)

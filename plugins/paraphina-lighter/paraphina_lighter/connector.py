"""The connector `lighter`: one public stream for all markets, and questions beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from paraphina_core.connector import (
    Answer,
    ConnectorContext,
    ConnectorSpec,
    Failure,
    Heartbeat,
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
    Resubscribe,
)

from . import spec as specs
from .feed import CHANNELS, PublicFeed, topic
from .instruments import Listings, parse_symbols
from .questions import Questions

MARKET: Final = "market"

#: Docs "WebSocket" (read 2026-07-19): who sends nothing for two minutes is hung up on; this is answered.
HEARTBEAT: Final = Heartbeat(interval_ms=30_000, payload=b'{"type":"ping"}')
#: Books change every 50 ms and prices every second or so: half a minute without any message is a dead stream.
MAX_MARKET_SILENCE_MS: Final = 45_000

#: Listings and minimums change without notice.
POLL_MS: Final = 600_000


class LighterConnector:
    """Translates the public market.

    Raises:
        ConfigError: the settings contradict each other, or are not usable.
    """

    def __init__(self, context: ConnectorContext) -> None:
        settings = {name: str(value) for name, value in context.settings.items()}
        self._symbols = parse_symbols(settings.get("market", specs.DEFAULT_MARKET))
        self._listings = Listings(specs.VENUE.name, self._symbols, _market_id(settings, self._symbols))
        self._ws_url = _stream_url(_url(settings, context.network, "ws"), context)
        self._questions = Questions(_url(settings, context.network, "rest"), self._listings)
        self._feed = PublicFeed(MARKET, ())
        self._subscribed: Sequence[int] | None = None

    @property
    def spec(self) -> ConnectorSpec:
        """The description this connector was registered with."""
        return specs.VENUE

    def plan(self) -> Plan:
        """Read what is listed, then open the market."""
        market = StreamPlan(
            name=MARKET,
            source=WebSocketSource(url=self._ws_url, heartbeat=HEARTBEAT),
            max_silence_ms=MAX_MARKET_SILENCE_MS,
            topics=tuple(topic(channel, symbol) for symbol in self._symbols for channel in CHANNELS),
        )
        return Plan(streams=(market,), bootstrap=(QueryInstruments(),), poll_ms=POLL_MS)

    def opened(self, stream: str, context: WriteContext) -> Sequence[bytes]:
        """Subscribe to the markets that the venue lists; it knows them by number alone."""
        if stream != MARKET:
            raise LocalError("stream was not planned", found=stream)
        self._subscribed = self._numbers()
        self._feed = PublicFeed(MARKET, self._listings.symbols.values())
        return [_subscribe(f"{channel}/{number}") for number in self._subscribed for channel in CHANNELS]

    def closed(self, stream: str) -> None:
        """Take note that nothing is subscribed to any more."""
        self._subscribed = None

    def read(self, stream: str, frame: bytes, at_ns: int) -> Sequence[Event]:
        """Turn a message of a stream into events."""
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
            LocalError: nothing here is asked that way.
        """
        return self._questions.ask(query, context)

    def read_answer(self, request: Request, answer: Answer | Failure, at_ns: int) -> Sequence[Event]:
        """Turn what came back for a query into events."""
        events = self._questions.read(request, answer)
        if self._subscribed is not None and self._subscribed != self._numbers():
            self._subscribed = None
            return (*events, Resubscribe(stream=MARKET, reason="the venue lists other markets than before"))
        return events

    def _numbers(self) -> Sequence[int]:
        return [market.market_id for market in self._listings.symbols.values()]


def _subscribe(channel: str) -> bytes:
    return msgspec.json.encode({"type": "subscribe", "channel": channel})


def _market_id(settings: Mapping[str, str], symbols: Sequence[str]) -> int | None:
    text = settings.get("market_id")
    if text is None:
        return None
    if len(symbols) > 1:
        raise ConfigError(
            "LIGHTER_MARKET_ID checks one market", found=", ".join(symbols), wanted="one market"
        )
    return int(text)


def _url(settings: Mapping[str, str], network: Network, purpose: str) -> str:
    for endpoint in specs.VENUE.endpoints[network]:
        if endpoint.purpose == purpose:
            return settings.get(endpoint.setting or "", endpoint.url)
    raise LocalError("no address for this purpose", found=purpose)


def _stream_url(url: str, context: ConnectorContext) -> str:
    """Return the address of the stream; where nothing is sent, one that serves every region."""
    if context.mode.reaches_venue:
        return url
    return f"{url}{'&' if '?' in url else '?'}readonly=true"

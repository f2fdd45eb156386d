"""The connector `paradex`: a binary public stream for all markets, one of the account, and questions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    Command,
    ConfigError,
    Event,
    InstrumentId,
    LocalError,
    Query,
    QueryInstruments,
    RemoteProtocolError,
)

from . import sbe
from . import spec as specs
from .account import AccountReader
from .feed import DELTAS, SNAPSHOTS, PublicFeed, channels, subscriptions
from .instruments import Listings, parse_markets
from .login import LOGIN, LOGIN_EVERY_MS, TOKEN_LASTS_MS, Login
from .order_entry import OrderEntry
from .private_feed import CHANNELS as PRIVATE_CHANNELS
from .private_feed import PrivateFeed
from .questions import SYSTEM_STATE, Own, Questions
from .typed_data import Account

MARKET: Final = "market"
ACCOUNT: Final = "account"

#: An account may have nothing to say for hours; that its connection lives is found out by pings.
HEARTBEAT: Final = Heartbeat(interval_ms=15_000)
MAX_ACCOUNT_SILENCE_MS: Final = 24 * 3_600_000

#: Frames of a book come whether or not it has changed; half a minute without any is a dead stream.
MAX_MARKET_SILENCE_MS: Final = 30_000
#: The states of the daily maintenance last two minutes each (docs, read 2026-08-20), so that they are seen.
POLL_MS: Final = 20_000

_BOOKS: Final[Mapping[str, str]] = dict(zip(specs.BOOKS, (DELTAS, SNAPSHOTS), strict=True))


class ParadexConnector:
    """Translates for one account, or for none where only the market is read.

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
        self._own: Own | None = None
        self._entry: OrderEntry | None = None
        self._private: PrivateFeed | None = None
        rest_url = _url(settings, context.network, "rest")
        if (
            context.mode.reaches_venue
        ):  # elsewhere orders are matched here, and the account's own are not asked
            self._open_account(settings, context, rest_url)
        self._questions = Questions(rest_url, self._markets, self._listings, self._own)

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
        if self._own is None:
            return Plan(streams=(market,), bootstrap=(QueryInstruments(), SYSTEM_STATE), poll_ms=POLL_MS)
        account = StreamPlan(
            name=ACCOUNT,
            source=WebSocketSource(url=self._ws_url, heartbeat=HEARTBEAT),
            max_silence_ms=MAX_ACCOUNT_SILENCE_MS,
            topics=PRIVATE_CHANNELS,
            private=True,
        )
        return Plan(
            streams=(market, account),
            bootstrap=(QueryInstruments(), SYSTEM_STATE, LOGIN),
            poll_ms=POLL_MS,
            renewals=(Renewal(query=LOGIN, every_ms=LOGIN_EVERY_MS, lasts_ms=TOKEN_LASTS_MS),),
        )

    def opened(self, stream: str, context: WriteContext) -> Sequence[bytes]:
        """Begin anew: a whole book comes with each subscription, an account is logged in first."""
        if stream == ACCOUNT and self._private is not None and self._own is not None:
            return self._private.opening(self._own.login.token)
        if stream != MARKET:
            raise LocalError("stream was not planned", found=stream)
        self._feed = self._new_feed()
        return ()

    def closed(self, stream: str) -> None:
        """Nothing leaves on a stream."""

    def read(self, stream: str, frame: bytes, at_ns: int) -> Sequence[Event]:
        """Turn a frame of a stream into events."""
        if stream == MARKET:
            return self._feed.read(frame)
        if stream == ACCOUNT and self._private is not None:
            return self._private.read(frame)
        raise RemoteProtocolError("frame of a stream that was not planned", found=stream)

    def write(self, command: Command, context: WriteContext) -> Request:
        """Turn a command into a request.

        Raises:
            LocalError: there is no such command or it cannot be spelled, or nobody has logged in yet.
        """
        if self._entry is None:
            raise LocalError("no orders are sent in this trade mode", found=type(command).__name__)
        return self._entry.write(command, context)

    def ask(self, query: Query, context: WriteContext) -> Request:
        """Turn a query into a request.

        Raises:
            LocalError: it is about an account or a book.
        """
        return self._questions.ask(query, context)

    def read_answer(self, request: Request, answer: Answer | Failure, at_ns: int) -> Sequence[Event]:
        """Turn what came back for a command or a query into events."""
        if self._entry is not None and not self._questions.made(request):
            return self._entry.read_answer(request.correlation, answer)
        return self._questions.read(request, answer)

    def _open_account(self, settings: Mapping[str, str], context: ConnectorContext, rest_url: str) -> None:
        try:
            account = Account(context.network, settings.get("account_address", ""))
        except LocalError as e:
            raise ConfigError(
                "PARADEX_ACCOUNT_ADDRESS is not usable", wanted="the account's address, 0x and hex digits"
            ) from e
        mode, reader = context.mode.value[0], AccountReader(self._instrument)
        login = Login(rest_url, account)
        self._own = Own(login, reader, mode)
        self._entry = OrderEntry(rest_url, account, login, self._market, mode)
        self._private = PrivateFeed(ACCOUNT, reader)

    def _instrument(self, market: str) -> InstrumentId | None:
        return self._listings.markets.get(market)

    def _market(self, instrument: InstrumentId) -> str:
        for market, known in self._listings.markets.items():
            if known == instrument:
                return market
        raise LocalError("the venue lists no such instrument", found=instrument)

    def _new_feed(self) -> PublicFeed:
        return PublicFeed(MARKET, self._markets, self._book, lambda: self._listings.markets)


def _url(settings: Mapping[str, str], network: Network, purpose: str) -> str:
    for endpoint in specs.VENUE.endpoints[network]:
        if endpoint.purpose == purpose:
            return settings.get(endpoint.setting or "", endpoint.url)
    raise LocalError("no address for this purpose", found=purpose)

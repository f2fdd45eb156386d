"""The connector `aster`: one public stream for all markets, the account's, and requests over HTTP."""

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
    Batch,
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
from .account_feed import FUNDING, LISTEN_KEY, AccountFeed
from .account_questions import (
    FUNDING_EVERY_MS,
    LISTEN_KEY_EVERY_MS,
    POSITION_MODE,
    AccountQuestions,
    commission_of,
)
from .dead_man import DeadMan
from .feed import PublicFeed, stream_path, topics
from .instruments import Listings, parse_symbols
from .order_entry import OrderEntry
from .questions import FUNDING_TERMS, Questions
from .requests import Signed
from .signing import parse_address

MARKET: Final = "market"
ACCOUNT: Final = "account"

#: Mark prices come every second (docs, read 2026-10-08): fifteen without any message are a dead stream.
MAX_MARKET_SILENCE_MS: Final = 15_000
#: A connection ends after 24 hours (docs of 2026-06; the page of 2026-10 says it no more); before that it is
#: replaced.
MAX_LIFETIME_MS: Final = 23 * 3_600_000

#: An account may have nothing to say for hours; that its connection lives is found out by pings, of which the
#: venue takes ten a second (docs "Websocket market streams", read 2026-10-08).
HEARTBEAT: Final = Heartbeat(interval_ms=15_000)
MAX_ACCOUNT_SILENCE_MS: Final = 24 * 3_600_000

#: Filters change without notice, and so do the intervals of funding.
POLL_MS: Final = 600_000


class AsterConnector:
    """Translates for one account, or for none where only the market is read.

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
        self._account: AccountQuestions | None = None
        self._entry: OrderEntry | None = None
        self._private = AccountFeed(self._listings.name, self._listings.quote_asset)
        rest_url = _url(settings, network, "rest")
        if context.mode.reaches_venue:  # elsewhere orders are matched here, and no account is asked about
            user = settings.get("user_address", "")
            signed = Signed(rest_url, network, parse_address(user) if user else None)
            mode = context.mode.value[0]
            self._account = AccountQuestions(ACCOUNT, self._listings, self._symbols, signed, mode)
            dead_man = DeadMan(lambda: self._listings.instruments)
            self._entry = OrderEntry(self._listings, signed, dead_man, mode)
        self._questions = Questions(rest_url, self._listings, self._read_book, self._account)

    @property
    def spec(self) -> ConnectorSpec:
        """The description this connector was registered with."""
        return specs.VENUE

    def plan(self) -> Plan:
        """Read what is listed and how funding is paid, and how the account stands; then open the streams."""
        market = StreamPlan(
            name=MARKET,
            source=WebSocketSource(url=self._ws_url + stream_path(self._symbols)),
            max_silence_ms=MAX_MARKET_SILENCE_MS,
            max_lifetime_ms=MAX_LIFETIME_MS,
            topics=topics(self._symbols),
        )
        public = (QueryInstruments(), FUNDING_TERMS)
        if self._account is None:
            return Plan(streams=(market,), bootstrap=public, poll_ms=POLL_MS)
        account = StreamPlan(
            name=ACCOUNT,
            source=WebSocketSource(url=f"{self._ws_url}/ws/{self._account.listen_key}", heartbeat=HEARTBEAT),
            max_silence_ms=MAX_ACCOUNT_SILENCE_MS,
            max_lifetime_ms=MAX_LIFETIME_MS,
            private=True,
        )
        commissions = tuple(commission_of(symbol) for symbol in self._symbols)
        return Plan(
            streams=(market, account),
            bootstrap=(*public, POSITION_MODE, LISTEN_KEY, *commissions, FUNDING),
            poll_ms=POLL_MS,
            renewals=(
                Renewal(query=LISTEN_KEY, every_ms=LISTEN_KEY_EVERY_MS),
                Renewal(query=FUNDING, every_ms=FUNDING_EVERY_MS),
            ),
        )

    def opened(self, stream: str, context: WriteContext) -> Sequence[bytes]:
        """Begin anew; what is subscribed to stands in the address."""
        if stream == ACCOUNT and self._account is not None:
            return ()
        if stream != MARKET:
            raise LocalError("stream was not planned", found=stream)
        self._feed = self._new_feed()
        return ()

    def closed(self, stream: str) -> None:
        """Nothing leaves on a stream."""

    def read(self, stream: str, frame: bytes, at_ns: int) -> Sequence[Event]:
        """Turn a message of a stream into events."""
        if stream == ACCOUNT and self._account is not None:
            return self._private.read(frame)
        if stream != MARKET:
            raise RemoteProtocolError("frame of a stream that was not planned", found=stream)
        return self._feed.read(frame, at_ns)

    def write(self, command: Command, context: WriteContext) -> Request:
        """Turn a command into a request.

        Raises:
            LocalError: there is no such command or it cannot be spelled; or it is not a cancel, and the
                venue has not said that the account can be traded.
        """
        if self._entry is None or self._account is None:
            raise LocalError("no orders are sent in this trade mode", found=type(command).__name__)
        if not _only_cancels(command):
            self._account.check()
        return self._entry.write(command, context)

    def ask(self, query: Query, context: WriteContext) -> Request:
        """Turn a query into a request.

        Raises:
            LocalError: it is about an account, or about an instrument that the venue does not list.
        """
        return self._questions.ask(query, context)

    def read_answer(self, request: Request, answer: Answer | Failure, at_ns: int) -> Sequence[Event]:
        """Turn what came back for a command or a query into events."""
        if self._entry is None or self._questions.made(request):
            return self._questions.read(request, answer, at_ns)
        return self._entry.read_answer(request.correlation, answer)

    def _new_feed(self) -> PublicFeed:
        return PublicFeed(self._symbols, lambda: self._listings.symbols, self._listings.funding_interval_s)

    def _read_book(self, symbol: str, body: bytes, at_ns: int) -> Sequence[Event]:
        return self._feed.read_book(symbol, body, at_ns)


def _only_cancels(command: Command) -> bool:
    commands = command.commands if isinstance(command, Batch) else (command,)
    return all(isinstance(one, CancelOrder | CancelAll) for one in commands)


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

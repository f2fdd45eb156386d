"""The connector `lighter`: a public stream for all markets, one of the account, and questions beside them."""

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
    LocalError,
    Query,
    QueryInstruments,
    RemoteProtocolError,
    Resubscribe,
)

from . import spec as specs
from .account import AccountReader
from .changes import Changes
from .feed import CHANNELS, PublicFeed, topic
from .instruments import Listings, parse_symbols
from .order_entry import Authority, OrderEntry
from .private_feed import CHANNELS as PRIVATE_CHANNELS
from .private_feed import PrivateFeed
from .questions import FUNDING, FUNDING_EVERY_MS, NEXT_NONCE, Asker, Questions
from .signer import SignedBy
from .tokens import Tokens
from .transactions import CHAIN_ID, Spelling

MARKET: Final = "market"
ACCOUNT: Final = "account"

#: Docs "WebSocket" (read 2026-07-19): who sends nothing for two minutes is hung up on; this is answered.
HEARTBEAT: Final = Heartbeat(interval_ms=30_000, payload=b'{"type":"ping"}')
#: Books change every 50 ms and prices every second or so: half a minute without any message is a dead stream.
MAX_MARKET_SILENCE_MS: Final = 45_000

#: Listings and minimums change without notice.
POLL_MS: Final = 600_000


#: An account may have nothing to say for hours; that its connection lives is found out by pings.
MAX_ACCOUNT_SILENCE_MS: Final = 75_000


class LighterConnector:
    """Translates for one account, or for none where only the market is read.

    Raises:
        ConfigError: the settings contradict each other, or are not usable.
    """

    def __init__(self, context: ConnectorContext) -> None:
        settings = {name: str(value) for name, value in context.settings.items()}
        self._symbols = parse_symbols(settings.get("market", specs.DEFAULT_MARKET))
        self._listings = Listings(specs.VENUE.name, self._symbols, _market_id(settings, self._symbols))
        self._ws_url = _stream_url(_url(settings, context.network, "ws"), context)
        self._feed = PublicFeed(MARKET, ())
        self._subscribed: Sequence[int] | None = None
        self._asker: Asker | None = None
        self._entry: OrderEntry | None = None
        self._private: PrivateFeed | None = None
        self._is_account_open = False
        rest_url = _url(settings, context.network, "rest")
        if (
            context.mode.reaches_venue
        ):  # elsewhere orders are matched here, and the account's own are not asked
            self._open_account(settings, context.network, rest_url)
        self._questions = Questions(rest_url, self._listings, self._asker)

    @property
    def spec(self) -> ConnectorSpec:
        """The description this connector was registered with."""
        return specs.VENUE

    def plan(self) -> Plan:
        """Read what is listed, then open the market and, where orders are sent, the account."""
        market = StreamPlan(
            name=MARKET,
            source=WebSocketSource(url=self._ws_url, heartbeat=HEARTBEAT),
            max_silence_ms=MAX_MARKET_SILENCE_MS,
            topics=tuple(topic(channel, symbol) for symbol in self._symbols for channel in CHANNELS),
        )
        if self._asker is None:
            return Plan(streams=(market,), bootstrap=(QueryInstruments(),), poll_ms=POLL_MS)
        account = StreamPlan(
            name=ACCOUNT,
            source=WebSocketSource(url=self._ws_url, heartbeat=HEARTBEAT),
            max_silence_ms=MAX_ACCOUNT_SILENCE_MS,
            topics=PRIVATE_CHANNELS,
            private=True,
        )
        return Plan(
            streams=(market, account),
            bootstrap=(QueryInstruments(), FUNDING),
            poll_ms=POLL_MS,
            renewals=(Renewal(query=FUNDING, every_ms=FUNDING_EVERY_MS),),
            nonce=NEXT_NONCE,
        )

    def opened(self, stream: str, context: WriteContext) -> Sequence[bytes]:
        """Subscribe to the markets that the venue lists; it knows them by number alone."""
        if stream == ACCOUNT and self._private is not None and self._asker is not None:
            self._is_account_open = True
            return self._private.subscriptions(self._asker.tokens.text(context.at_ns, context.sign))
        if stream != MARKET:
            raise LocalError("stream was not planned", found=stream)
        self._subscribed = self._numbers()
        self._feed = PublicFeed(MARKET, self._listings.symbols.values())
        return [_subscribe(f"{channel}/{number}") for number in self._subscribed for channel in CHANNELS]

    def closed(self, stream: str) -> None:
        """Take note that a stream is closed; commands leave over HTTP while the account's is."""
        if stream == ACCOUNT:
            self._is_account_open = False
        else:
            self._subscribed = None

    def read(self, stream: str, frame: bytes, at_ns: int) -> Sequence[Event]:
        """Turn a message of a stream into events."""
        if stream == MARKET:
            return self._feed.read(frame)
        if stream == ACCOUNT and self._private is not None:
            return self._private.read(frame)
        raise RemoteProtocolError("frame of a stream that was not planned", found=stream)

    def write(self, command: Command, context: WriteContext) -> Request:
        """Turn a command into a transaction: on the account's stream while it is open, over HTTP otherwise.

        Raises:
            LocalError: there is no such command or it cannot be spelled.
        """
        if self._entry is None:
            raise LocalError("no orders are sent in this trade mode", found=type(command).__name__)
        return self._entry.write(command, context, ACCOUNT if self._is_account_open else None)

    def ask(self, query: Query, context: WriteContext) -> Request:
        """Turn a query into a request.

        Raises:
            LocalError: nothing here is asked that way.
        """
        return self._questions.ask(query, context)

    def read_answer(self, request: Request, answer: Answer | Failure, at_ns: int) -> Sequence[Event]:
        """Turn what came back for a command or a query into events."""
        if self._entry is not None and not self._questions.made(request):
            return self._entry.read_answer(request.correlation, answer)
        events = self._questions.read(request, answer)
        if self._subscribed is not None and self._subscribed != self._numbers():
            self._subscribed = None
            return (*events, Resubscribe(stream=MARKET, reason="the venue lists other markets than before"))
        return events

    def _open_account(self, settings: Mapping[str, str], network: Network, rest_url: str) -> None:
        account = _index(settings, "account_index", MAX_ACCOUNT_INDEX)
        key = _index(settings, "api_key_index", MAX_API_KEY_INDEX)
        signed_by = _signed_by(settings.get("signer", specs.SIGNERS[0]))
        changes = Changes()
        reader = AccountReader(account, self._listings.named, changes)
        self._asker = Asker(
            account_index=account,
            api_key_index=key,
            tokens=Tokens(account, key, signed_by),
            reader=reader,
        )
        authority = Authority(
            chain_id=CHAIN_ID[network], account_index=account, api_key_index=key, signed_by=signed_by
        )
        self._entry = OrderEntry(rest_url, authority, Spelling(self._listings), changes)
        self._private = PrivateFeed(ACCOUNT, account, reader, self._entry)

    def _numbers(self) -> Sequence[int]:
        return [market.market_id for market in self._listings.symbols.values()]


#: Numbers of accounts have 48 bits; API keys go up to 254, and 255 means all of them (docs, read 2026-07-19).
MAX_ACCOUNT_INDEX: Final = 2**48 - 1
MAX_API_KEY_INDEX: Final = 254


def _index(settings: Mapping[str, str], name: str, most: int) -> int:
    text = settings.get(name, "")
    if not (text.isascii() and text.isdecimal() and int(text) <= most):
        raise ConfigError(
            f"LIGHTER_{name.upper()} is not usable", found=text[:64], wanted=f"a number from 0 to {most}"
        )
    return int(text)


def _signed_by(text: str) -> SignedBy:
    if text not in specs.SIGNERS:
        raise ConfigError("signer is not usable", found=text[:64], wanted=" or ".join(specs.SIGNERS))
    return SignedBy.OURS if text == specs.SIGNERS[0] else SignedBy.LIBRARY


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

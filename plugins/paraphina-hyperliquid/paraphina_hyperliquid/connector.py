"""The connector `hyperliquid`: one public stream, one stream of the account, requests beside them."""

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
    Batch,
    CancelOrder,
    Command,
    ConfigError,
    Event,
    LocalError,
    OpenOrdersListed,
    OrderReport,
    Query,
    QueryInstruments,
    RemoteProtocolError,
    Resubscribe,
)

from . import roles
from . import spec as specs
from .actions import Spelling
from .changes import Changes, Ending
from .feed import PublicFeed, topic
from .info import Info
from .instruments import Listings, parse_coins
from .order_entry import OrderEntry
from .private_feed import SUBSCRIPTIONS, PrivateFeed
from .roles import Roles
from .signing import Address, Authority, parse_address

MARKET: Final = "market"
ACCOUNT: Final = "account"

#: Channels that are subscribed to for each coin.
MARKET_CHANNELS: Final = ("bbo", "l2Book", "trades", "activeAssetCtx")

#: Docs "Timeouts and heartbeats" (read 2026-08-22): the venue hangs up on a stream on which it has sent
#: nothing for 60 s; it answers each of these.
HEARTBEAT: Final = Heartbeat(interval_ms=20_000, payload=b'{"method":"ping"}')
#: The fast book comes twice a second and the context every second (captures of 2026-08 and 2026-09), so that
#: half a minute without any message is a dead stream and no quiet market.
MAX_MARKET_SILENCE_MS: Final = 30_000
#: An account may have nothing to say: two heartbeats without an answer.
MAX_ACCOUNT_SILENCE_MS: Final = 45_000

#: Listings change without notice: new coins come, old ones are delisted.
POLL_MS: Final = 600_000


class HyperliquidConnector:
    """Translates for one account, or for none where only the market is read.

    Raises:
        ConfigError: the settings contradict each other or the trade mode, or are not usable.
    """

    def __init__(self, context: ConnectorContext) -> None:
        network = _network(context)
        settings = {name: str(value) for name, value in context.settings.items()}
        self._coins = parse_coins(settings.get("coin", specs.DEFAULT_COIN))
        self._book = _book(settings.get("book", specs.BOOKS[0]))
        self._ws_url = _url(settings, network, "ws")
        account, authority = _authority(settings, network)
        if account is None and context.mode.reaches_venue:
            raise ConfigError(
                "no account is named", remedy="set HL_VAULT_ADDRESS to the account that is traded"
            )
        # Elsewhere orders are matched here, and the account's own would only get in their way.
        self._account = account if context.mode.reaches_venue else None
        name, mode, rest_url = specs.VENUE.name, context.mode.value[0], _url(settings, network, "rest")
        self._listings = Listings(name, self._coins)
        self._info = Info(
            name,
            rest_url,
            listings=self._listings,
            account=None if account is None else account.text,
            mode=mode,
        )
        self._changes = Changes()
        self._entry = OrderEntry(rest_url, authority, Spelling(self._listings.assets, mode), self._changes)
        self._roles = Roles("" if account is None else account.text, is_named=authority.account is not None)
        self._public = PublicFeed({})
        self._private = PrivateFeed(name, self._changes, self._entry, self._roles)
        self._is_account_open = False
        self._subscribed: tuple[str, ...] | None = None
        self._owed_weight = 0

    @property
    def spec(self) -> ConnectorSpec:
        """The description this connector was registered with."""
        return specs.VENUE

    def plan(self) -> Plan:
        """Read the listings, then open the market and, where orders are sent, the account."""
        market = StreamPlan(
            name=MARKET,
            source=WebSocketSource(url=self._ws_url, heartbeat=HEARTBEAT),
            max_silence_ms=MAX_MARKET_SILENCE_MS,
            topics=tuple(topic(channel, coin) for coin in self._coins for channel in MARKET_CHANNELS),
        )
        account = StreamPlan(
            name=ACCOUNT,
            source=WebSocketSource(url=self._ws_url, heartbeat=HEARTBEAT),
            max_silence_ms=MAX_ACCOUNT_SILENCE_MS,
            topics=(*SUBSCRIPTIONS, roles.TOPIC),
            private=True,
        )
        streams = (market,) if self._account is None else (market, account)
        return Plan(streams=streams, bootstrap=(QueryInstruments(),), poll_ms=POLL_MS)

    def opened(self, stream: str, context: WriteContext) -> Sequence[bytes]:
        """Subscribe: to what the venue lists, for it hangs up on a coin that it does not know."""
        if stream == MARKET:
            coins = self._listings.coins
            self._subscribed = tuple(coins)
            self._public = PublicFeed(coins)
            return [
                _subscribe(self._subscription(channel, coin)) for coin in coins for channel in MARKET_CHANNELS
            ]
        if stream != ACCOUNT or self._account is None:
            raise LocalError("stream was not planned", found=stream)
        self._is_account_open = True
        self._private.opened(context.at_ns)
        user = self._account.text
        subscriptions = [_subscribe({"type": channel, "user": user}) for channel in SUBSCRIPTIONS]
        questions = self._roles.questions(context.identity.get("address", ""))
        self._owed_weight += roles.WEIGHT * len(questions)
        return [*subscriptions, *questions]

    def closed(self, stream: str) -> None:
        """Take note that a stream is closed; commands leave over HTTP while the account's is."""
        if stream == ACCOUNT:
            self._is_account_open = False
        else:
            self._subscribed = None

    def read(self, stream: str, frame: bytes, at_ns: int) -> Sequence[Event]:
        """Turn a message of a stream into events."""
        if stream == MARKET:
            return self._public.read(frame)
        if stream == ACCOUNT:
            return self._private.read(frame)
        raise RemoteProtocolError("frame of a stream that was not planned", found=stream)

    def write(self, command: Command, context: WriteContext) -> Request:
        """Turn a command into a request: a post while the account's stream is open, HTTP otherwise.

        Raises:
            LocalError: there is no such command or it cannot be spelled; or it is not a cancel, and the
                venue has said that the account is not what the settings say.
        """
        if self._account is None:
            raise LocalError("no orders are sent in this trade mode", found=type(command).__name__)
        first = command.commands[0] if isinstance(command, Batch) and command.commands else command
        if not isinstance(first, CancelOrder):
            self._roles.check()
        return self._entry.write(command, context, ACCOUNT if self._is_account_open else None)

    def ask(self, query: Query, context: WriteContext) -> Request:
        """Turn a query into a request over HTTP; nothing in it is signed.

        What an opening asked without a request of its own is paid with the next one.
        """
        request = self._info.ask(query, context.nonce, self._owed_weight)
        self._owed_weight = 0
        return request

    def read_answer(self, request: Request, answer: Answer | Failure, at_ns: int) -> Sequence[Event]:
        """Turn what came back for a command or a query into events."""
        if not self._info.made(request):
            return self._entry.read_answer(request.correlation, answer)
        events = self._info.read(request, answer)
        if self._subscribed is not None and self._subscribed != tuple(self._listings.coins):
            self._subscribed = None
            events = (*events, Resubscribe(stream=MARKET, reason="the venue lists other coins than before"))
        for event in events:
            match event:
                case OrderReport():
                    self._learn(event)
                case OpenOrdersListed(orders=orders):
                    for order in orders:
                        self._learn(order)
        return events

    def _learn(self, report: OrderReport) -> None:
        """Take note of what the venue says of an order when it is asked.

        Raises:
            RemoteError: it says how the order before a change ended, which is not the end of ours.
        """
        ending = self._changes.ending_of(report.client_order_id, report.venue_order_id)
        if report.state.is_final and ending is Ending.REPLACED:
            raise RemoteProtocolError(
                "answer is about an order that was replaced", found=report.venue_order_id
            )
        self._changes.reported(report)

    def _subscription(self, channel: str, coin: str) -> dict[str, object]:
        if channel == "l2Book" and self._book == "fast":
            return {"type": channel, "coin": coin, "fast": True}
        return {"type": channel, "coin": coin}


def _subscribe(subscription: Mapping[str, object]) -> bytes:
    return msgspec.json.encode({"method": "subscribe", "subscription": subscription})


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
            f"HL_NETWORK contradicts the trade mode {context.mode}",
            found=stated,
            wanted=context.network,
            remedy="correct one of the two",
        )
    return network


def _book(text: str) -> str:
    if text not in specs.BOOKS:
        raise ConfigError("book is not usable", found=text[:64], wanted=" or ".join(specs.BOOKS))
    return text


def _url(settings: Mapping[str, str], network: Network, purpose: str) -> str:
    for endpoint in specs.VENUE.endpoints[network]:
        if endpoint.purpose == purpose:
            return settings.get(endpoint.setting or "", endpoint.url)
    raise LocalError("no address for this purpose", found=purpose)


def _authority(settings: Mapping[str, str], network: Network) -> tuple[Address | None, Authority]:
    """Return the account that is traded, and for whom requests are signed.

    Requests name a vault or subaccount, and never the owner's own account.
    """
    traded = _address(settings, "vault_address")
    owner = _address(settings, "account_address")
    account = owner if traded is None else traded
    is_own = account is None or owner == account
    return account, Authority(network=network, account=None if is_own else account)


def _address(settings: Mapping[str, str], name: str) -> Address | None:
    text = settings.get(name)
    return None if text is None else parse_address(text)

"""What a client may subscribe to, in the spelling in which the venue confirms it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, Literal, TypeAlias

import msgspec

from paraphina_core.domain import RemoteProtocolError

from .candles import INTERVALS_MS
from .info import check_grouping
from .spelling import Json
from .wire import Address, decode

#: A message of a client; a batch of orders fits.
MAX_MESSAGE_BYTES: Final = 256 * 1024
#: A message that is not understood is sent back up to this length.
MAX_ECHO: Final = 2_000


class Subscription(msgspec.Struct, frozen=True, rename="camel"):
    """What is wanted; each kind reads some of it."""

    type: str
    coin: str | None = None
    user: Address | None = None
    dex: str | None = None
    n_sig_figs: int | None = msgspec.field(name="nSigFigs", default=None)
    mantissa: int | None = None
    fast: bool | None = None
    interval: str | None = None
    aggregate_by_time: bool | None = None
    is_portfolio_margin: bool | None = None
    ignore_portfolio_margin: bool | None = None


class Post(msgspec.Struct, frozen=True):
    """A request over the socket: a question, or an action with the body that `/exchange` takes."""

    type: Literal["info", "action"]
    payload: msgspec.Raw


class Message(msgspec.Struct, frozen=True):
    """What clients send; an id counts for a `post` alone, and others carry what they like."""

    method: Literal["subscribe", "unsubscribe", "ping", "post"]
    subscription: msgspec.Raw = msgspec.Raw()
    id: msgspec.Raw = msgspec.Raw()
    request: Post | None = None


class Feed(msgspec.Struct, frozen=True, kw_only=True):
    """One subscription, understood.

    Args:
        type: the venue's name of it.
        echo: how the venue confirms it; two are the same if this is.
        coin: exactly as the venue spells it, for feeds of one coin.
        user: lower case, for feeds of one account.
        figures: of a book.
        mantissa: same.
        fast: of a book.
        interval: of candles.
    """

    type: str
    echo: dict[str, Json]
    coin: str | None = None
    user: str | None = None
    figures: int | None = None
    mantissa: int | None = None
    fast: bool = False
    interval: str = ""

    @property
    def key(self) -> bytes:
        """What two equal subscriptions have in common."""
        return msgspec.json.encode(self.echo)


class UnreadableError(ValueError):
    """Nothing that the venue could understand."""


class ImpossibleError(ValueError):
    """Understood, and of such a kind that the venue drops the whole connection."""


_NUMBER: Final = re.compile(rb"[0-9]{1,18}")
_MESSAGE: Final = msgspec.json.Decoder(Message)
_SUBSCRIPTION: Final = msgspec.json.Decoder(Subscription)
_Reader: TypeAlias = Callable[[Subscription], Feed]


def read_message(message: bytes) -> Message:
    """Read what a client sent.

    Raises:
        UnreadableError: it is none of the venue's messages.
    """
    if len(message) > MAX_MESSAGE_BYTES:
        raise UnreadableError("too long")
    try:
        read = decode(_MESSAGE, message)
    except RemoteProtocolError as e:
        raise UnreadableError(str(e)) from e
    needs_subscription = read.method in {"subscribe", "unsubscribe"}
    if needs_subscription and not bytes(read.subscription):
        raise UnreadableError("no subscription")
    if read.method == "post" and (_NUMBER.fullmatch(bytes(read.id)) is None or read.request is None):
        raise UnreadableError("no id or request")
    return read


def read_feed(subscription: msgspec.Raw, coins: frozenset[str]) -> Feed:
    """Understand a subscription.

    Args:
        subscription: as it was sent.
        coins: names that the venue knows.

    Raises:
        UnreadableError: there is no such feed, or it lacks something.
        ImpossibleError: a coin that the venue does not know, or a book that it does not keep. Seen on
            2026-09-24: it closes the connection without a word.
    """
    try:
        wanted = decode(_SUBSCRIPTION, subscription)
    except RemoteProtocolError as e:
        raise UnreadableError(str(e)) from e
    reader = _READERS.get(wanted.type)
    if reader is None:
        raise UnreadableError(wanted.type)
    feed = reader(wanted)
    if feed.coin is not None and feed.coin not in coins:
        raise ImpossibleError(feed.coin)
    return feed


def _coin_feed(wanted: Subscription) -> Feed:
    coin = _coin(wanted)
    return Feed(type=wanted.type, coin=coin, echo={"type": wanted.type, "coin": coin})


def _book(wanted: Subscription) -> Feed:
    coin = _coin(wanted)
    if not check_grouping(wanted.n_sig_figs, wanted.mantissa):
        raise ImpossibleError("grouping")
    return Feed(
        type="l2Book",
        coin=coin,
        figures=wanted.n_sig_figs,
        mantissa=wanted.mantissa,
        fast=bool(wanted.fast),
        echo={
            "type": "l2Book",
            "coin": coin,
            "nSigFigs": wanted.n_sig_figs,
            "mantissa": wanted.mantissa,
            "fast": bool(wanted.fast),
        },
    )


def _candle(wanted: Subscription) -> Feed:
    coin = _coin(wanted)
    if wanted.interval not in INTERVALS_MS:
        raise UnreadableError("interval")
    echo = {"type": "candle", "coin": coin, "interval": wanted.interval}
    return Feed(type="candle", coin=coin, interval=wanted.interval, echo=echo)


def _mids(wanted: Subscription) -> Feed:
    return Feed(type="allMids", echo={"type": "allMids", "dex": wanted.dex or None})


def _user_feed(wanted: Subscription) -> Feed:
    user = _user(wanted)
    return Feed(type=wanted.type, user=user, echo={"type": wanted.type, "user": user})


def _dex_feed(wanted: Subscription) -> Feed:
    user = _user(wanted)
    return Feed(
        type=wanted.type, user=user, echo={"type": wanted.type, "user": user, "dex": wanted.dex or ""}
    )


def _fills(wanted: Subscription) -> Feed:
    user = _user(wanted)
    echo = {"type": "userFills", "user": user, "aggregateByTime": bool(wanted.aggregate_by_time)}
    return Feed(type="userFills", user=user, echo=echo)


def _spot(wanted: Subscription) -> Feed:
    user = _user(wanted)
    # Seen on 2026-09-24: the flag comes back under another name.
    flag = bool(wanted.is_portfolio_margin or wanted.ignore_portfolio_margin)
    echo = {"type": "spotState", "user": user, "ignorePortfolioMargin": flag}
    return Feed(type="spotState", user=user, echo=echo)


def _active(wanted: Subscription) -> Feed:
    user, coin = _user(wanted), _coin(wanted)
    echo = {"type": "activeAssetData", "user": user, "coin": coin}
    return Feed(type="activeAssetData", user=user, coin=coin, echo=echo)


_READERS: Final[dict[str, _Reader]] = {
    "l2Book": _book,
    "bbo": _coin_feed,
    "trades": _coin_feed,
    "activeAssetCtx": _coin_feed,
    "candle": _candle,
    "allMids": _mids,
    "orderUpdates": _user_feed,
    "userEvents": _user_feed,
    "userFills": _fills,
    "userFundings": _user_feed,
    "userNonFundingLedgerUpdates": _user_feed,
    "webData3": _user_feed,
    "clearinghouseState": _dex_feed,
    "openOrders": _dex_feed,
    "spotState": _spot,
    "activeAssetData": _active,
}


def _coin(wanted: Subscription) -> str:
    if wanted.coin is None:
        raise UnreadableError("no coin")
    return wanted.coin


def _user(wanted: Subscription) -> str:
    if wanted.user is None:
        raise UnreadableError("no user")
    return wanted.user.lower()

"""The venue's messages as typed values: names as on the wire, no meaning yet.

Only what is read is named; whatever else a message holds is skipped, because the venue adds keys
without notice. Numbers stay text until the strict parsers of the core read them, except the levels of
books: those are floats from the start, see `BookNumber`.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal, TypeAlias, TypeVar

import msgspec

from paraphina_core.connector import BookNumber, decode_json
from paraphina_core.domain import Level

#: The venue sends at most 20 levels a side and about 30 trades on subscribing (docs, read 2026-08-22).
MAX_LEVELS: Final = 100
MAX_TRADES: Final = 10_000

#: Milliseconds since 1970, up to the year 2100.
Milliseconds: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=4_102_444_800_000)]
#: Order and trade ids.
Id: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
#: `A` (ask) sells, `B` (bid) buys; of a trade it is the aggressor's side.
WireSide: TypeAlias = Literal["A", "B"]

_T = TypeVar("_T")


class Envelope(msgspec.Struct, frozen=True, gc=False):
    """What every stream message has: its channel, and the data in it."""

    channel: str
    data: msgspec.Raw = msgspec.Raw(b"null")


class WireLevel(Level, frozen=True, gc=False, array_like=False, rename={"price": "px", "size": "sz"}):
    """One book level."""

    price: BookNumber
    size: BookNumber


WireLevels: TypeAlias = Annotated[tuple[WireLevel, ...], msgspec.Meta(max_length=MAX_LEVELS)]


class WireBook(msgspec.Struct, frozen=True, gc=False):
    """A whole book: `levels[0]` are bids, `levels[1]` asks, best first; there are no deltas.

    Each side is `WireLevels`, not decoded yet.
    """

    coin: str
    time: Milliseconds
    levels: tuple[msgspec.Raw, msgspec.Raw]


class WireBbo(msgspec.Struct, frozen=True, gc=False):
    """The touch, bid first; a side that is empty has null."""

    coin: str
    time: Milliseconds
    bbo: tuple[WireLevel | None, WireLevel | None]


class WireTrade(msgspec.Struct, frozen=True, gc=False):
    """One public trade; `tid` is unique together with time and coin."""

    coin: str
    side: WireSide
    px: str
    sz: str
    time: Milliseconds
    tid: Id


WireTrades: TypeAlias = Annotated[tuple[WireTrade, ...], msgspec.Meta(max_length=MAX_TRADES)]


class BookMessage(msgspec.Struct, frozen=True, gc=False, tag_field="channel", tag="l2Book"):
    """A book in its envelope."""

    data: WireBook


class BboMessage(msgspec.Struct, frozen=True, gc=False, tag_field="channel", tag="bbo"):
    """A touch in its envelope."""

    data: WireBbo


class TradesMessage(msgspec.Struct, frozen=True, gc=False, tag_field="channel", tag="trades"):
    """Trades in their envelope."""

    data: WireTrades


#: The messages that come many times a second: read whole, in one pass.
MarketMessage: TypeAlias = BookMessage | BboMessage | TradesMessage
MARKET_CHANNELS: Final = frozenset({"l2Book", "bbo", "trades"})


class SpelledLevel(msgspec.Struct, frozen=True, gc=False):
    """One book level with its numbers as the venue spelled them."""

    px: str | float
    sz: str | float


class SpelledBbo(msgspec.Struct, frozen=True, gc=False):
    """A touch, read for its spelling alone."""

    bbo: tuple[SpelledLevel | None, SpelledLevel | None]


class SpelledMessage(msgspec.Struct, frozen=True, gc=False):
    """A touch in its envelope, likewise."""

    data: SpelledBbo


class WireAssetContext(msgspec.Struct, frozen=True, gc=False):
    """Funding and prices of one coin: `funding` is the rate of one hour, `oraclePx` the index."""

    funding: str
    markPx: str  # noqa: N815  # the venue's spelling
    oraclePx: str  # noqa: N815  # same


class WireActiveAssetContext(msgspec.Struct, frozen=True, gc=False):
    """Data of the channel `activeAssetCtx`; it has no time."""

    coin: str
    ctx: WireAssetContext


class WireSubscription(msgspec.Struct, frozen=True, gc=False):
    """What was subscribed to."""

    type: str
    coin: str | None = None


class WireSubscribed(msgspec.Struct, frozen=True, gc=False):
    """Acknowledgement of a subscription."""

    method: str
    subscription: WireSubscription


ENVELOPE: Final[msgspec.json.Decoder[Envelope]] = msgspec.json.Decoder(Envelope)
MARKET: Final[msgspec.json.Decoder[MarketMessage]] = msgspec.json.Decoder(MarketMessage, strict=False)
LEVEL: Final[msgspec.json.Decoder[WireLevel]] = msgspec.json.Decoder(WireLevel, strict=False)
LEVELS: Final[msgspec.json.Decoder[tuple[WireLevel, ...]]] = msgspec.json.Decoder(WireLevels, strict=False)
SPELLED_LEVELS: Final[msgspec.json.Decoder[tuple[SpelledLevel, ...]]] = msgspec.json.Decoder(
    tuple[SpelledLevel, ...]
)
SPELLED_BBO: Final[msgspec.json.Decoder[SpelledMessage]] = msgspec.json.Decoder(SpelledMessage)
ASSET_CONTEXT: Final[msgspec.json.Decoder[WireActiveAssetContext]] = msgspec.json.Decoder(
    WireActiveAssetContext
)
SUBSCRIBED: Final[msgspec.json.Decoder[WireSubscribed]] = msgspec.json.Decoder(WireSubscribed)
TEXT: Final[msgspec.json.Decoder[str]] = msgspec.json.Decoder(str)


def decode(decoder: msgspec.json.Decoder[_T], frame: bytes | msgspec.Raw, what: str) -> _T:
    """Decode a message of the venue, or the data in one.

    Raises:
        RemoteProtocolError: it does not have the shape that the venue documents.
    """
    return decode_json(decoder, bytes(frame), f"Hyperliquid {what}")

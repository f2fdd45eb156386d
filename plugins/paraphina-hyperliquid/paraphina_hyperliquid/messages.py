"""The venue's messages as typed values: names as on the wire, no meaning yet.

Only what is read is named; whatever else a message holds is skipped, because the venue adds keys
without notice. Numbers stay text until the strict parsers of the core read them.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal, TypeAlias, TypeVar

import msgspec

from paraphina_core.connector import decode_json

#: The venue sends at most 20 levels a side and about 30 trades on subscribing (docs, read 2026-08-22).
MAX_LEVELS: Final = 100
MAX_TRADES: Final = 10_000
#: An account has at most 5,000 open orders (docs "Rate limits and user limits", read 2026-08-22).
MAX_ORDERS: Final = 10_000

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


class WireLevel(msgspec.Struct, frozen=True, gc=False):
    """One book level."""

    px: str
    sz: str


WireLevels: TypeAlias = Annotated[tuple[WireLevel, ...], msgspec.Meta(max_length=MAX_LEVELS)]


class WireBook(msgspec.Struct, frozen=True, gc=False):
    """A whole book: `levels[0]` are bids, `levels[1]` asks, best first; there are no deltas."""

    coin: str
    time: Milliseconds
    levels: tuple[WireLevels, WireLevels]


class WireTrade(msgspec.Struct, frozen=True, gc=False):
    """One public trade; `tid` is unique together with time and coin."""

    coin: str
    side: WireSide
    px: str
    sz: str
    time: Milliseconds
    tid: Id


WireTrades: TypeAlias = Annotated[tuple[WireTrade, ...], msgspec.Meta(max_length=MAX_TRADES)]


class WireSubscription(msgspec.Struct, frozen=True, gc=False):
    """What was subscribed to."""

    type: str
    coin: str | None = None


class WireSubscribed(msgspec.Struct, frozen=True, gc=False):
    """Acknowledgement of a subscription."""

    method: str
    subscription: WireSubscription


class WireLeverage(msgspec.Struct, frozen=True):
    """Leverage of a position."""

    value: int


class WirePosition(msgspec.Struct, frozen=True):
    """One position; `szi` is signed, negative is short."""

    coin: str
    szi: str
    entryPx: str | None  # noqa: N815  # the venue's spelling
    leverage: WireLeverage
    liquidationPx: str | None  # noqa: N815  # same
    marginUsed: str  # noqa: N815  # same
    unrealizedPnl: str  # noqa: N815  # same


class WireAssetPosition(msgspec.Struct, frozen=True):
    """A position in its wrapper."""

    position: WirePosition


class WireMarginSummary(msgspec.Struct, frozen=True):
    """The account's margin over all positions."""

    accountValue: str  # noqa: N815  # the venue's spelling
    totalMarginUsed: str  # noqa: N815  # same


class WireClearinghouseState(msgspec.Struct, frozen=True):
    """Answer to `{"type": "clearinghouseState"}`; older answers have no time."""

    assetPositions: tuple[WireAssetPosition, ...]  # noqa: N815  # the venue's spelling
    marginSummary: WireMarginSummary  # noqa: N815  # same
    withdrawable: str
    time: Milliseconds | None = None


class WireOpenOrder(msgspec.Struct, frozen=True):
    """One open order of `openOrders` or `frontendOpenOrders`; `sz` is what is left of `origSz`.

    Older answers lack the original size, and only the second kind has client id and reduce-only.
    """

    coin: str
    side: WireSide
    limitPx: str  # noqa: N815  # the venue's spelling
    sz: str
    oid: Id
    timestamp: Milliseconds
    origSz: str | None = None  # noqa: N815  # same
    cloid: str | None = None
    reduceOnly: bool = False  # noqa: N815  # same


WireOpenOrders: TypeAlias = Annotated[tuple[WireOpenOrder, ...], msgspec.Meta(max_length=MAX_ORDERS)]

ENVELOPE: Final[msgspec.json.Decoder[Envelope]] = msgspec.json.Decoder(Envelope)
BOOK: Final[msgspec.json.Decoder[WireBook]] = msgspec.json.Decoder(WireBook)
TRADES: Final[msgspec.json.Decoder[tuple[WireTrade, ...]]] = msgspec.json.Decoder(WireTrades)
SUBSCRIBED: Final[msgspec.json.Decoder[WireSubscribed]] = msgspec.json.Decoder(WireSubscribed)
TEXT: Final[msgspec.json.Decoder[str]] = msgspec.json.Decoder(str)
CLEARINGHOUSE_STATE: Final[msgspec.json.Decoder[WireClearinghouseState]] = msgspec.json.Decoder(
    WireClearinghouseState
)
OPEN_ORDERS: Final[msgspec.json.Decoder[tuple[WireOpenOrder, ...]]] = msgspec.json.Decoder(WireOpenOrders)


def decode(decoder: msgspec.json.Decoder[_T], frame: bytes | msgspec.Raw, what: str) -> _T:
    """Decode a message of the venue, or the data in one.

    Raises:
        RemoteProtocolError: it does not have the shape that the venue documents.
    """
    return decode_json(decoder, bytes(frame), f"Hyperliquid {what}")

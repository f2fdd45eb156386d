"""The venue's public messages as typed values: names as on the wire, no meaning yet.

Only what is read is named; whatever else a message holds is skipped, because the venue adds keys without
notice. Both versions of the stream carry the same data in other envelopes: the second names type and topic of
each message, the first has one topic for each connection. Levels are floats from the start, see `BookNumber`.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal, TypeAlias

import msgspec

from paraphina_core.connector import BookNumber
from paraphina_core.domain import Level

#: A capture of 2026-09 had 6,000 levels in a snapshot, both sides together.
MAX_LEVELS: Final = 50_000
MAX_TRADES: Final = 10_000

#: Milliseconds since 1970, up to the year 2100; zero where the venue fills none in.
Milliseconds: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=4_102_444_800_000)]
#: Ids of orders, trades and accounts, and numbers of frames. Ids are about 2.1e18: no float ever holds one.
Id: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
#: A size of a changed level, which is zero where the level is gone.
LevelSize: TypeAlias = Annotated[float, msgspec.Meta(ge=0, lt=1e20)]
WireSide: TypeAlias = Literal["BUY", "SELL"]


class WireLevel(Level, frozen=True, gc=False, array_like=False, rename={"price": "p", "size": "q"}):
    """One level of a snapshot, where `q` is the size."""

    price: BookNumber
    size: BookNumber


class WireChange(Level, frozen=True, gc=False, array_like=False, rename={"price": "p", "size": "c"}):
    """One level of a delta, where `c` is the new size; `q`, which nobody reads, is by how much it changed."""

    price: BookNumber
    size: LevelSize


WireLevels: TypeAlias = Annotated[tuple[WireLevel, ...], msgspec.Meta(max_length=MAX_LEVELS)]
WireChanges: TypeAlias = Annotated[tuple[WireChange, ...], msgspec.Meta(max_length=MAX_LEVELS)]


class WireBook(msgspec.Struct, frozen=True, gc=False):
    """A whole book, or the touch alone."""

    m: str
    b: WireLevels
    a: WireLevels


class WireDelta(msgspec.Struct, frozen=True, gc=False):
    """What changed in a book."""

    m: str
    b: WireChanges
    a: WireChanges


class WireTrade(msgspec.Struct, frozen=True, gc=False):
    """One public trade; `S` is the side of the taker."""

    i: Id
    m: str
    S: WireSide
    T: Milliseconds
    p: str
    q: str


WireTrades: TypeAlias = Annotated[tuple[WireTrade, ...], msgspec.Meta(max_length=MAX_TRADES)]


class WirePrice(msgspec.Struct, frozen=True, gc=False):
    """A mark or index price; its own time is zero where the capture of 2026-09 shows it."""

    m: str
    p: str


class WireFunding(msgspec.Struct, frozen=True, gc=False):
    """The funding rate of one hour as it was applied last."""

    m: str
    f: str


# --- second version: many topics in one connection --------------------------------------------------


class BookMessage(msgspec.Struct, frozen=True, gc=False, tag_field="type", tag="ORDERBOOKS.SNAPSHOT"):
    """A whole book, or a touch: the subscription tells which."""

    data: WireBook
    seq: Id
    subscription: str
    ts: Milliseconds = 0


class DeltaMessage(msgspec.Struct, frozen=True, gc=False, tag_field="type", tag="ORDERBOOKS.DELTA"):
    """Changes of a book."""

    data: WireDelta
    seq: Id
    subscription: str
    ts: Milliseconds = 0


class TradesMessage(msgspec.Struct, frozen=True, gc=False, tag_field="type", tag="TRADES"):
    """Trades, the last fifty of them first."""

    data: WireTrades
    seq: Id
    subscription: str
    ts: Milliseconds = 0


class MarkMessage(msgspec.Struct, frozen=True, gc=False, tag_field="type", tag="PRICES.MP"):
    """The mark price."""

    data: WirePrice
    seq: Id
    subscription: str
    ts: Milliseconds = 0


class IndexMessage(msgspec.Struct, frozen=True, gc=False, tag_field="type", tag="PRICES.IP"):
    """The index price."""

    data: WirePrice
    seq: Id
    subscription: str
    ts: Milliseconds = 0


class FundingMessage(msgspec.Struct, frozen=True, gc=False, tag_field="type", tag="FUNDING_RATES"):
    """The funding rate."""

    data: WireFunding
    seq: Id
    subscription: str
    ts: Milliseconds = 0


MarketMessage: TypeAlias = (
    BookMessage | DeltaMessage | TradesMessage | MarkMessage | IndexMessage | FundingMessage
)

#: Types that `MarketMessage` reads.
MARKET_TYPES: Final = frozenset(
    {
        "ORDERBOOKS.SNAPSHOT",
        "ORDERBOOKS.DELTA",
        "TRADES",
        "PRICES.MP",
        "PRICES.IP",
        "FUNDING_RATES",
    }
)


class RpcResult(msgspec.Struct, frozen=True, gc=False):
    """What a call was answered with."""

    method: str
    status: str = "OK"
    subscription: str | None = None


class RpcError(msgspec.Struct, frozen=True, gc=False):
    """Why a call was refused; -32001 is a key that the venue does not take."""

    code: int
    message: str


class RpcAnswer(msgspec.Struct, frozen=True, gc=False):
    """The answer to a call; whatever is no answer has no id, but a number and a type instead."""

    id: str | int | None = None
    result: RpcResult | None = None
    error: RpcError | None = None
    type: str | None = None
    seq: Id | None = None


# --- first version: one topic for each connection ----------------------------------------------------


class BookV1(msgspec.Struct, frozen=True, gc=False, tag_field="type", tag="SNAPSHOT"):
    """A whole book, or the touch alone."""

    data: WireBook
    seq: Id
    ts: Milliseconds = 0


class DeltaV1(msgspec.Struct, frozen=True, gc=False, tag_field="type", tag="DELTA"):
    """Changes of a book."""

    data: WireDelta
    seq: Id
    ts: Milliseconds = 0


class TradesV1(msgspec.Struct, frozen=True, gc=False):
    """Trades."""

    data: WireTrades
    seq: Id
    ts: Milliseconds = 0


class PriceV1(msgspec.Struct, frozen=True, gc=False):
    """A mark or index price: the address tells which."""

    data: WirePrice
    seq: Id
    ts: Milliseconds = 0


class FundingV1(msgspec.Struct, frozen=True, gc=False):
    """The funding rate."""

    data: WireFunding
    seq: Id
    ts: Milliseconds = 0


class SpelledLevel(msgspec.Struct, frozen=True, gc=False):
    """A level with its numbers as the venue spelled them; a change is read by `c` alone."""

    p: str | float
    q: str | float = 0.0
    c: str | float = 0.0


class SpelledBook(msgspec.Struct, frozen=True, gc=False):
    """A book or its changes, likewise."""

    b: Annotated[tuple[SpelledLevel, ...], msgspec.Meta(max_length=MAX_LEVELS)]
    a: Annotated[tuple[SpelledLevel, ...], msgspec.Meta(max_length=MAX_LEVELS)]


class SpelledMessage(msgspec.Struct, frozen=True, gc=False):
    """A book in its envelope, read for its spelling alone."""

    data: SpelledBook


MARKET: Final[msgspec.json.Decoder[MarketMessage]] = msgspec.json.Decoder(MarketMessage, strict=False)
RPC_ANSWER: Final[msgspec.json.Decoder[RpcAnswer]] = msgspec.json.Decoder(RpcAnswer)
V1Message: TypeAlias = BookV1 | DeltaV1 | TradesV1 | PriceV1 | FundingV1
BOOK_V1: Final[msgspec.json.Decoder[V1Message]] = msgspec.json.Decoder(BookV1 | DeltaV1, strict=False)
TRADES_V1: Final[msgspec.json.Decoder[V1Message]] = msgspec.json.Decoder(TradesV1)
PRICE_V1: Final[msgspec.json.Decoder[V1Message]] = msgspec.json.Decoder(PriceV1)
FUNDING_V1: Final[msgspec.json.Decoder[V1Message]] = msgspec.json.Decoder(FundingV1)
SPELLED: Final[msgspec.json.Decoder[SpelledMessage]] = msgspec.json.Decoder(SpelledMessage)

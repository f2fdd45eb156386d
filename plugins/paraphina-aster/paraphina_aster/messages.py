"""The venue's public messages as typed values: names as on the wire, no meaning yet.

Only what is read is named; whatever else a message holds is skipped, because the venue adds keys without
notice. Numbers stay text until the strict parsers of the core read them, except the levels of books: those
are floats from the start, see `BookNumber`.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal, TypeAlias

import msgspec

from paraphina_core.connector import BookNumber, decode_json, is_plain
from paraphina_core.domain import Level, parse_price, parse_size

#: A snapshot has at most 1,000 levels a side (docs, read 2026-10-08); a diff has what changed in 100 ms.
MAX_LEVELS: Final = 10_000
MAX_SYMBOLS: Final = 10_000

#: Milliseconds since 1970, up to the year 2100.
Milliseconds: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=4_102_444_800_000)]
#: Ids of updates, trades and orders.
Id: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
#: A size of a changed level, which is zero where the level is gone.
LevelSize: TypeAlias = Annotated[float, msgspec.Meta(ge=0, lt=1e20)]


class WireLevel(Level, frozen=True, gc=False):
    """One book level, spelled as price and size."""

    price: BookNumber
    size: LevelSize


Levels: TypeAlias = Annotated[tuple[WireLevel, ...], msgspec.Meta(max_length=MAX_LEVELS)]
_SpelledLevels: TypeAlias = Annotated[tuple[tuple[str, str], ...], msgspec.Meta(max_length=MAX_LEVELS)]

LEVELS: Final[msgspec.json.Decoder[tuple[WireLevel, ...]]] = msgspec.json.Decoder(Levels, strict=False)
_SPELLED: Final[msgspec.json.Decoder[tuple[tuple[str, str], ...]]] = msgspec.json.Decoder(_SpelledLevels)


class DepthUpdate(msgspec.Struct, frozen=True, gc=False, tag_field="e", tag="depthUpdate"):
    """Changed levels with their new sizes.

    `U` and `u` are the first and the last id of what is in it, `pu` the last id of the update before.
    """

    s: str
    T: Milliseconds
    U: Id
    u: Id
    pu: Id
    b: msgspec.Raw
    a: msgspec.Raw


class BookTicker(msgspec.Struct, frozen=True, gc=False, tag_field="e", tag="bookTicker"):
    """The touch with its sizes, as of the update `u`."""

    s: str
    u: Id
    b: str
    B: str
    a: str
    A: str
    T: Milliseconds


class AggregateTrade(msgspec.Struct, frozen=True, gc=False, tag_field="e", tag="aggTrade"):
    """Trades of one order at one price and time; `m` says that the buyer was the maker."""

    s: str
    a: Id
    p: str
    q: str
    m: bool
    T: Milliseconds


class MarkPriceUpdate(msgspec.Struct, frozen=True, gc=False, tag_field="e", tag="markPriceUpdate"):
    """Mark and index price, the funding rate of one interval, and when it is paid next."""

    s: str
    p: str
    i: str
    r: str
    T: Milliseconds
    E: Milliseconds


MarketMessage: TypeAlias = DepthUpdate | BookTicker | AggregateTrade | MarkPriceUpdate


class Combined(msgspec.Struct, frozen=True, gc=False):
    """How a combined stream wraps each message."""

    stream: str
    data: MarketMessage


COMBINED: Final[msgspec.json.Decoder[Combined]] = msgspec.json.Decoder(Combined)


class DepthSnapshot(msgspec.Struct, frozen=True, gc=False):
    """The book as it was after the update `lastUpdateId`."""

    lastUpdateId: Id  # noqa: N815  # the venue's spelling
    T: Milliseconds
    bids: msgspec.Raw
    asks: msgspec.Raw


DEPTH_SNAPSHOT: Final[msgspec.json.Decoder[DepthSnapshot]] = msgspec.json.Decoder(DepthSnapshot)


class Filter(msgspec.Struct, frozen=True, gc=False):
    """One rule for prices and sizes of a symbol; which keys there are depends on its type."""

    filterType: str  # noqa: N815  # the venue's spelling
    minPrice: str = "0"  # noqa: N815  # same
    tickSize: str = "0"  # noqa: N815  # same
    minQty: str = "0"  # noqa: N815  # same
    maxQty: str = "0"  # noqa: N815  # same
    stepSize: str = "0"  # noqa: N815  # same
    notional: str = "0"


class SymbolInfo(msgspec.Struct, frozen=True, gc=False):
    """One contract that the venue lists."""

    symbol: str
    status: str
    baseAsset: str  # noqa: N815  # the venue's spelling
    quoteAsset: str  # noqa: N815  # same
    filters: Annotated[tuple[Filter, ...], msgspec.Meta(max_length=100)]
    contractType: str = "PERPETUAL"  # noqa: N815  # same


class WireRateLimit(msgspec.Struct, frozen=True, gc=False):
    """One budget: so many requests, orders or units of weight in so many intervals."""

    rateLimitType: str  # noqa: N815  # the venue's spelling
    interval: str
    intervalNum: int  # noqa: N815  # same
    limit: int


class ExchangeInfo(msgspec.Struct, frozen=True, gc=False):
    """Everything that is listed."""

    symbols: Annotated[tuple[SymbolInfo, ...], msgspec.Meta(max_length=MAX_SYMBOLS)]
    rateLimits: Annotated[tuple[WireRateLimit, ...], msgspec.Meta(max_length=100)] = ()  # noqa: N815  # same


EXCHANGE_INFO: Final[msgspec.json.Decoder[ExchangeInfo]] = msgspec.json.Decoder(ExchangeInfo)


class FundingTerms(msgspec.Struct, frozen=True, gc=False):
    """How often funding of a symbol is paid."""

    symbol: str
    fundingIntervalHours: Annotated[int, msgspec.Meta(ge=1, le=24)]  # noqa: N815  # the venue's spelling


FUNDING_INFO: Final[msgspec.json.Decoder[tuple[FundingTerms, ...]]] = msgspec.json.Decoder(
    Annotated[tuple[FundingTerms, ...], msgspec.Meta(max_length=MAX_SYMBOLS)]
)


class ServerTime(msgspec.Struct, frozen=True, gc=False):
    """The venue's clock."""

    serverTime: Milliseconds  # noqa: N815  # the venue's spelling


SERVER_TIME: Final[msgspec.json.Decoder[ServerTime]] = msgspec.json.Decoder(ServerTime)

Side: TypeAlias = Literal["BUY", "SELL"]


def read_changes(raw: msgspec.Raw) -> tuple[WireLevel, ...]:
    """Read the levels of one side; a size of zero deletes.

    Raises:
        RemoteError: they are not what the venue documents.
    """
    packed = bytes(raw)
    levels = decode_json(LEVELS, packed, "levels")
    if not is_plain(packed):  # a glance was not enough: hold every number against the strict parser
        for price, size in decode_json(_SPELLED, packed, "levels"):
            parse_price(price, "price")
            parse_size(size, "size")
    return levels

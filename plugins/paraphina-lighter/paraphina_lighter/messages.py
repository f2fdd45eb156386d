"""The venue's public messages as typed values: names as on the wire, no meaning yet.

Only what is read is named; whatever else a message holds is skipped, because the venue adds keys without
notice. Numbers stay text until the strict parsers of the core read them, except the levels of books: those
are floats from the start, see `BookNumber`.
"""

from __future__ import annotations

from typing import Annotated, Final, TypeAlias

import msgspec

from paraphina_core.connector import BookNumber, decode_json
from paraphina_core.domain import Level, parse_price, parse_size

#: A whole book has every level; a few thousand a side have been seen (captures of 2026).
MAX_LEVELS: Final = 50_000
MAX_TRADES: Final = 10_000
MAX_LISTED: Final = 10_000

#: Milliseconds and microseconds since 1970, up to the year 2100.
Milliseconds: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=4_102_444_800_000)]
Microseconds: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=4_102_444_800_000_000)]
#: Ids of orders and trades, and counts of changes.
Id: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
#: Number of a market; perpetuals and spot pairs share the numbers.
MarketId: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=2**48 - 1)]
#: A size of a changed level, which is zero where the level is gone.
LevelSize: TypeAlias = Annotated[float, msgspec.Meta(ge=0, lt=1e20)]


class WireLevel(Level, frozen=True, gc=False, array_like=False):
    """One book level."""

    price: BookNumber
    size: LevelSize


#: An empty side of a change has not changed; answers over HTTP write null for an empty list.
Levels: TypeAlias = Annotated[tuple[WireLevel, ...], msgspec.Meta(max_length=MAX_LEVELS)] | None


class WireBook(msgspec.Struct, frozen=True, gc=False):
    """A whole book or a change of one; a change leads from the count `begin_nonce` to the count `nonce`."""

    asks: Levels
    bids: Levels
    nonce: Id
    begin_nonce: Id | None = None


class BookMessage(msgspec.Struct, frozen=True, gc=False, tag_field="type", tag="update/order_book"):
    """A change of a book."""

    channel: str
    order_book: WireBook
    last_updated_at: Microseconds | None = None


class WholeBookMessage(BookMessage, frozen=True, gc=False, tag_field="type", tag="subscribed/order_book"):
    """The whole book, which comes first."""


class Quote(msgspec.Struct, frozen=True, gc=False):
    """One side of a touch."""

    price: str
    size: str


class Touch(msgspec.Struct, frozen=True, gc=False):
    """Best ask and best bid."""

    a: Quote | None = None
    b: Quote | None = None


class TouchMessage(msgspec.Struct, frozen=True, gc=False, tag_field="type", tag="update/ticker"):
    """The touch after a change of it."""

    channel: str
    ticker: Touch
    last_updated_at: Microseconds | None = None


class FirstTouchMessage(TouchMessage, frozen=True, gc=False, tag_field="type", tag="subscribed/ticker"):
    """The touch as it is, which comes first."""


class WireTrade(msgspec.Struct, frozen=True, gc=False):
    """One trade between two orders."""

    trade_id: Id
    price: str
    size: str
    is_maker_ask: bool
    timestamp: Milliseconds
    transaction_time: Microseconds | None = None


Trades: TypeAlias = Annotated[tuple[WireTrade, ...], msgspec.Meta(max_length=MAX_TRADES)]


class TradesMessage(msgspec.Struct, frozen=True, gc=False, tag_field="type", tag="update/trade"):
    """Trades; those that liquidate stand apart."""

    channel: str
    trades: Trades | None = None
    liquidation_trades: Trades | None = None


class FirstTradesMessage(TradesMessage, frozen=True, gc=False, tag_field="type", tag="subscribed/trade"):
    """Trades of before the subscription, which come first."""


class MarketStats(msgspec.Struct, frozen=True, gc=False):
    """Prices and funding of one perpetual."""

    index_price: str
    mark_price: str
    current_funding_rate: str
    funding_timestamp: Milliseconds


class StatsMessage(msgspec.Struct, frozen=True, gc=False, tag_field="type", tag="update/market_stats"):
    """Changed prices or funding."""

    channel: str
    market_stats: MarketStats
    timestamp: Milliseconds | None = None


class FirstStatsMessage(StatsMessage, frozen=True, gc=False, tag_field="type", tag="subscribed/market_stats"):
    """Prices and funding as they are, which come first."""


MarketMessage: TypeAlias = (
    BookMessage
    | WholeBookMessage
    | TouchMessage
    | FirstTouchMessage
    | TradesMessage
    | FirstTradesMessage
    | StatsMessage
    | FirstStatsMessage
)
#: Those that acknowledge their subscription.
FIRST_MESSAGES: Final = (WholeBookMessage, FirstTouchMessage, FirstTradesMessage, FirstStatsMessage)

MARKET: Final[msgspec.json.Decoder[MarketMessage]] = msgspec.json.Decoder(MarketMessage, strict=False)


class _SpelledLevel(msgspec.Struct, frozen=True, gc=False):
    """One book level with its numbers as the venue spelled them."""

    price: str
    size: str


_SpelledLevels: TypeAlias = Annotated[tuple[_SpelledLevel, ...], msgspec.Meta(max_length=MAX_LEVELS)] | None


class _SpelledBook(msgspec.Struct, frozen=True, gc=False):
    """A book, read for its spelling alone."""

    asks: _SpelledLevels
    bids: _SpelledLevels


class _SpelledMessage(msgspec.Struct, frozen=True, gc=False):
    """A book in its envelope, likewise."""

    order_book: _SpelledBook


_SPELLED: Final[msgspec.json.Decoder[_SpelledMessage]] = msgspec.json.Decoder(_SpelledMessage)


class WireError(msgspec.Struct, frozen=True, gc=False):
    """What the venue did not do, and why."""

    code: int
    message: str = ""


class Envelope(msgspec.Struct, frozen=True, gc=False):
    """What every message has: a type, or an error in its place."""

    type: str = ""
    channel: str = ""
    error: WireError | None = None
    close_in_ms: int | None = None


ENVELOPE: Final[msgspec.json.Decoder[Envelope]] = msgspec.json.Decoder(Envelope)


class MarketConfig(msgspec.Struct, frozen=True, gc=False):
    """Rules of one market."""

    force_reduce_only: bool = False


class MarketDetails(msgspec.Struct, frozen=True, gc=False):
    """One market that the venue lists."""

    symbol: str
    market_id: MarketId
    market_type: str
    status: str
    min_base_amount: str
    min_quote_amount: str
    supported_size_decimals: Annotated[int, msgspec.Meta(ge=0, le=18)]
    supported_price_decimals: Annotated[int, msgspec.Meta(ge=0, le=18)]
    order_quote_limit: str | None = None
    market_config: MarketConfig = MarketConfig()


class Details(msgspec.Struct, frozen=True, gc=False):
    """Every perpetual; an answer that has none has the code of an error, and no list."""

    order_book_details: Annotated[tuple[MarketDetails, ...], msgspec.Meta(max_length=MAX_LISTED)]


#: Lenient, because examples of the documentation spell decimals as text and the venue as numbers.
DETAILS: Final[msgspec.json.Decoder[Details]] = msgspec.json.Decoder(Details, strict=False)


def check_spelling(frame: bytes) -> None:
    """Hold every number of a book's message against the strict parser.

    Raises:
        RemoteError: one is spelled as no number of the venue's.
    """
    book = decode_json(_SPELLED, frame, "levels").order_book
    for level in (*(book.asks or ()), *(book.bids or ())):
        parse_price(level.price, "price")
        parse_size(level.size, "size")

"""The venue's binary frames: a fixed block, groups of levels and strings, read as schema 1 lays them out.

Simple Binary Encoding, little-endian; the venue's schema 1, version 2, of 2026-09-25. Later versions append:
a block may be longer than is known here, and strings may follow the last known one; both are passed over.
What the schema had when a field was added is told by the lengths in the frame alone, because version 2 has
two layouts. Nothing is read that a length does not cover, and no length is believed beyond the frame's end.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from enum import IntEnum
from typing import Final, NamedTuple, TypeAlias

from paraphina_core.domain import RemoteProtocolError

SCHEMA_ID: Final = 1
#: The newest version that is known here, and asked for when a stream is opened.
SCHEMA_VERSION: Final = 2

#: Prices, sizes and money are whole numbers of this.
EXPONENT: Final = -8
#: Precise funding rates are whole numbers of this.
RATE_EXPONENT: Final = -12
#: What stands for a number that is not there.
NULL: Final = -(2**63)

_HEADER: Final = struct.Struct("<HHHH")
#: Head of a frame that tells of a book: the header, then its time, count and kind.
_BOOK_HEAD: Final = struct.Struct("<HHHHqqB")
_GROUP: Final = struct.Struct("<HH")
_LEVEL: Final = struct.Struct("<qq")
_NUMBER_BYTES: Final = 8

#: What a change of a book is, as against a whole one (enumeration PkgType).
_SNAPSHOT: Final = 0
_DELTA: Final = 1

#: One level of a book: price and size in units of `EXPONENT`.
RawLevel: TypeAlias = tuple[int, int]


class Template(IntEnum):
    """The kinds of frames."""

    TRADE = 1
    BBO = 2
    BOOK = 3
    SUMMARY = 4
    FUNDING = 5
    FUNDING_COMPARISON = 6
    ORDER = 20
    FILL = 21
    POSITION = 22
    ACCOUNT = 23
    HEARTBEAT = 40
    SUBSCRIBED = 41


class Frame(NamedTuple):
    """One frame: its kind, its numbers by the schema's names, its levels best first, and its texts.

    Numbers are as on the wire: times in microseconds since 1970, prices and sizes in units of
    `EXPONENT`. A number that the frame is too short for, and one that is `NULL`, is None; a text that the
    frame ends before is absent.
    """

    template: Template
    numbers: Mapping[str, int | str | None]
    bids: list[RawLevel]
    asks: list[RawLevel]
    texts: Mapping[str, str]


class BookFrame(NamedTuple):
    """A frame of a book whose levels are still as they came: 16 bytes each, for `columns`."""

    at_us: int
    sequence: int
    is_whole: bool
    bids: bytes
    asks: bytes
    market: bytes


class Layout:
    """How the block and the strings of one template are laid out."""

    def __init__(
        self,
        numbers: str,
        *,
        minimum: int | None = None,
        groups: bool = False,
        texts: tuple[str, ...] = (),
        mandatory: int | None = None,
    ) -> None:
        pairs = [pair.split(":") for pair in numbers.split()]
        self.names = [name for name, _ in pairs]
        self.codes = [code for _, code in pairs]
        self.minimum = len(pairs) if minimum is None else minimum
        self.structs = [struct.Struct("<" + "".join(self.codes[:count])) for count in range(len(pairs) + 1)]
        self.groups = groups
        self.texts = texts
        self.mandatory = len(texts) if mandatory is None else mandatory

    def block(self, length: int) -> struct.Struct:
        """Return the struct of all fields that a block of so many bytes holds whole."""
        count = len(self.names)
        while count > self.minimum and self.structs[count].size > length:
            count -= 1
        held = self.structs[count]
        if held.size > length or (held.size < length and count < len(self.names)):
            raise RemoteProtocolError(
                "binary frame has a block that ends within a field",
                found=f"{length} bytes",
                wanted=f"{held.size} bytes, or all of a longer layout",
            )
        return held


#: Fields in their order, with their codes of `struct`; `minimum` is how many version 0 had, and
#: `mandatory` how many of its strings were there from the beginning.
LAYOUTS: Final[Mapping[Template, Layout]] = {
    Template.TRADE: Layout(
        "ts:q seq:q tradeId:q side:B price:q size:q createdAt:q tradeType:B",
        texts=("market", "tradeIdStr"),
        mandatory=1,
    ),
    Template.BBO: Layout("ts:q seq:q bidPrice:q bidSize:q askPrice:q askSize:q", texts=("market",)),
    Template.BOOK: Layout(
        "ts:q seq:q pkgType:B bestBidPrice:q bestBidSize:q bestAskPrice:q bestAskSize:q relativeSpread:q "
        "bestBidApiPrice:q bestBidApiSize:q bestAskApiPrice:q bestAskApiSize:q",
        groups=True,
        texts=("market",),
    ),
    Template.SUMMARY: Layout(
        "ts:q seq:q markPrice:q indexPrice:q lastPrice:q volumeUsd24h:q openInterest:q fundingRate:q bid:q "
        "ask:q totalVolume:q priceChangeRate24h:q markIv:q bidIv:q askIv:q lastIv:q delta:q gamma:q vega:q "
        "theta:q rho:q volga:q vanna:q futureFundingRate:q externalFairPrice:q bidSize:q askSize:q "
        "forwardRate:q riskFreeRate:q fundingRatePrecise:q",
        minimum=27,
        texts=("market",),
    ),
    Template.FUNDING: Layout(
        "ts:q seq:q fundingRate:q fundingIndex:q createdAt:q fundingPremium:q fundingRate8h:q "
        "fundingPeriodHours:h impactPremiumRate:q",
        minimum=8,
        texts=("market",),
    ),
    Template.FUNDING_COMPARISON: Layout(
        "ts:q lastUpdatedAt:q hourlyFundingRate:q assetKind:B source:B", texts=("market",)
    ),
    Template.ORDER: Layout(
        "ts:q seq:q status:B side:B orderType:B timeInForce:B price:q triggerPrice:q size:q sizeOpen:q "
        "avgFillPrice:q createdAt:q updatedAt:q account:32s receivedAt:q publishedAt:q stp:B flags:B "
        "requestStatus:B requestType:B",
        minimum=18,
        texts=("orderId", "clientOrderId", "market", "cancelReason", "requestId", "requestMessage"),
        mandatory=4,
    ),
    Template.FILL: Layout(
        "ts:q seq:q fillType:B side:B liquidity:B price:q size:q fee:q realizedPnl:q createdAt:q account:32s "
        "underlyingPrice:q realizedFunding:q flags:B orderbookSeqNo:Q",
        minimum=13,
        texts=("fillId", "orderId", "clientOrderId", "tradeId", "market", "feeCurrency"),
        mandatory=5,
    ),
    Template.POSITION: Layout(
        "ts:q seq:q side:B size:q avgEntryPrice:q unrealizedPnl:q realizedPnl:q markPrice:q "
        "liquidationPrice:q leverage:q updatedAt:q account:32s avgEntryPriceUsd:q cost:q costUsd:q "
        "cachedFundingIndex:q unrealizedFundingPnl:q status:B",
        texts=("market", "lastFillId"),
    ),
    Template.ACCOUNT: Layout(
        "ts:q seq:q totalCollateral:q freeCollateral:q initialMarginReq:q maintenanceMarginReq:q "
        "accountValue:q unrealizedPnl:q updatedAt:q account:32s marginCushion:q status:B "
        "lastSeenNotification:q",
        minimum=12,
        texts=("settlementAsset",),
    ),
    Template.HEARTBEAT: Layout("ts:q seq:q"),
    Template.SUBSCRIBED: Layout("ts:q seq:q status:B", texts=("channel",)),
}

_BOOK_ID: Final = struct.pack("<H", Template.BOOK)
#: Bytes of the only block that frames of books ever had.
_BOOK_BLOCK: Final = 89


def read(frame: bytes) -> Frame | None:
    """Take a frame apart; None for a template that is not known here, which is passed over whole.

    Raises:
        RemoteProtocolError: it is of another schema, or ends before what its lengths say.
    """
    if len(frame) < _HEADER.size:
        raise RemoteProtocolError("binary frame has no header", found=f"{len(frame)} bytes")
    block_length, template_id, schema_id, _ = _HEADER.unpack_from(frame)
    if schema_id != SCHEMA_ID:
        raise RemoteProtocolError("binary frame is of another schema", found=schema_id, wanted="schema 1")
    end = _HEADER.size + block_length
    if end > len(frame):
        raise RemoteProtocolError(
            "binary frame ends in its block", found=f"{len(frame)} bytes", wanted=f"at least {end}"
        )
    try:
        template = Template(template_id)
    except ValueError:
        return None
    layout = LAYOUTS[template]
    values = layout.block(block_length).unpack_from(frame, _HEADER.size)
    numbers = dict.fromkeys(layout.names[len(values) :])
    numbers |= {name: _number(value) for name, value in zip(layout.names, values, strict=False)}
    bids: list[RawLevel] = []
    asks: list[RawLevel] = []
    if layout.groups:
        bids, end = _levels(frame, end)
        asks, end = _levels(frame, end)
    texts = _texts(frame, end, layout)
    return Frame(template, numbers, bids, asks, texts)


def _number(value: int | bytes) -> int | str | None:
    """Return a number, None for the one that stands for none; an account is 32 bytes, told in hex."""
    if isinstance(value, bytes):
        return f"0x{value.hex()}"
    return None if value == NULL else value


def read_book(frame: bytes) -> BookFrame | None:
    """Take a frame of a book apart and leave its levels packed; None for a frame of another template.

    Raises:
        RemoteProtocolError: as `read`; or it is neither a whole book nor a change of one.
    """
    if len(frame) < _BOOK_HEAD.size or frame[2:4] != _BOOK_ID:
        return None
    block_length, _, schema_id, _, at_us, sequence, kind = _BOOK_HEAD.unpack_from(frame)
    if block_length != _BOOK_BLOCK or schema_id != SCHEMA_ID or kind > _DELTA:
        _check_book(frame, kind)
    bids, end = _group(frame, _HEADER.size + block_length)
    asks, end = _group(frame, end)
    first = end + 1
    last = first + frame[end] if end < len(frame) else len(frame) + 1
    if last != len(frame):  # broken off, or with strings that were appended later
        _texts(frame, end, LAYOUTS[Template.BOOK])
    return BookFrame(at_us, sequence, kind == _SNAPSHOT, bids, asks, frame[first:last])


def columns(packed: bytes) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Unpack the prices and the sizes of one side."""
    numbers = struct.unpack(f"<{len(packed) // _NUMBER_BYTES}q", packed)
    return numbers[::2], numbers[1::2]


def _check_book(frame: bytes, kind: int) -> None:
    """Refuse a book that is unusual in more than a longer block.

    Raises:
        RemoteProtocolError: it is of another schema, shorter than any was, or of a kind that nobody knows.
    """
    read(frame)
    if kind > _DELTA:
        raise RemoteProtocolError("book is of no known kind", found=kind, wanted="0 whole, 1 changes")


def _levels(frame: bytes, begin: int) -> tuple[list[RawLevel], int]:
    """Read one group of levels; return it with the place of its end."""
    packed, end = _group(frame, begin)
    return list(_LEVEL.iter_unpack(packed)), end


def _group(frame: bytes, begin: int) -> tuple[bytes, int]:
    """Return the levels of one group, 16 bytes each, with the place of its end."""
    first = begin + _GROUP.size
    if first > len(frame):
        raise RemoteProtocolError("binary frame ends in a group's head", found=f"{len(frame)} bytes")
    length, count = _GROUP.unpack_from(frame, begin)
    end = first + length * count
    if length < _LEVEL.size or end > len(frame):
        raise RemoteProtocolError(
            "binary frame holds no such group",
            found=f"{count} levels of {length} bytes, {len(frame) - first} bytes left",
            wanted=f"levels of at least {_LEVEL.size} bytes, within the frame",
        )
    if length == _LEVEL.size:
        return frame[first:end], end
    return b"".join(frame[at : at + _LEVEL.size] for at in range(first, end, length)), end


def _texts(frame: bytes, begin: int, layout: Layout) -> dict[str, str]:
    """Read the strings; those that later layouts append may be missing, and unknown ones may follow."""
    texts: list[str] = []
    while begin < len(frame):
        end = begin + 1 + frame[begin]
        if end > len(frame):
            raise RemoteProtocolError(
                "binary frame ends in a string", found=f"{len(frame)} bytes", wanted=f"at least {end}"
            )
        try:
            texts.append(frame[begin + 1 : end].decode())
        except UnicodeDecodeError as e:
            raise RemoteProtocolError("binary frame holds text that is no UTF-8", found=str(e)) from e
        begin = end
    if len(texts) < layout.mandatory:
        raise RemoteProtocolError(
            "binary frame ends before its strings", found=texts, wanted=", ".join(layout.texts)
        )
    return dict(zip(layout.texts, texts, strict=False))

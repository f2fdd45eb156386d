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


ENVELOPE: Final[msgspec.json.Decoder[Envelope]] = msgspec.json.Decoder(Envelope)
BOOK: Final[msgspec.json.Decoder[WireBook]] = msgspec.json.Decoder(WireBook)
TRADES: Final[msgspec.json.Decoder[tuple[WireTrade, ...]]] = msgspec.json.Decoder(WireTrades)
SUBSCRIBED: Final[msgspec.json.Decoder[WireSubscribed]] = msgspec.json.Decoder(WireSubscribed)
TEXT: Final[msgspec.json.Decoder[str]] = msgspec.json.Decoder(str)


def decode(decoder: msgspec.json.Decoder[_T], frame: bytes | msgspec.Raw, what: str) -> _T:
    """Decode a message of the venue, or the data in one.

    Raises:
        RemoteProtocolError: it does not have the shape that the venue documents.
    """
    return decode_json(decoder, bytes(frame), f"Hyperliquid {what}")

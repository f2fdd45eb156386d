"""The venue's JSON as typed values: control messages of streams, listings and the system's state.

Only what is read is named; whatever else a message holds is skipped, because the venue adds keys without
notice. Numbers stay text until the strict parsers of the core read them.
"""

from __future__ import annotations

from typing import Annotated, Final, TypeAlias

import msgspec

MAX_MARKETS_LISTED: Final = 20_000


class Topic(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What was subscribed to."""

    channel: str = ""


class Fault(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Why a request on a stream was refused."""

    code: int
    message: str = ""
    data: msgspec.Raw = msgspec.Raw()


class Control(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A message on a stream that is not binary: an answer, a refusal or, where it should not be, data."""

    jsonrpc: str
    id: int | None = None
    method: str | None = None
    result: Topic | None = None
    error: Fault | None = None


class MarketInfo(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One market of `/markets`."""

    symbol: str
    base_currency: str
    quote_currency: str
    order_size_increment: str
    price_tick_size: str
    min_notional: str
    asset_kind: str
    max_order_size: str = ""
    trading_mode: str = "STANDARD"


class Markets(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Answer of `/markets`."""

    results: Annotated[tuple[MarketInfo, ...], msgspec.Meta(max_length=MAX_MARKETS_LISTED)]


class SystemState(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Answer of `/system/state`."""

    status: str


#: Milliseconds since 1970 as text, up to the year 2100.
Milliseconds: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=4_102_444_800_000)]


class ServerTime(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Answer of `/system/time`."""

    server_time: Milliseconds


CONTROL: Final = msgspec.json.Decoder(Control)
MARKETS: Final = msgspec.json.Decoder(Markets)
SYSTEM_STATE: Final = msgspec.json.Decoder(SystemState)
SERVER_TIME: Final = msgspec.json.Decoder(ServerTime, strict=False)

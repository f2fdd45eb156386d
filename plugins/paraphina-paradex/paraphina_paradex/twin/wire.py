"""What clients send, as typed values; whatever else they send is skipped."""

from __future__ import annotations

from typing import Annotated, Any, Final, TypeAlias

import msgspec

_Number: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,20}(\.[0-9]{1,20})?$")]
_Side: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"^(BUY|SELL)$")]


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """A new order, or the new terms of one."""

    market: str
    side: _Side
    type: str
    size: _Number
    price: _Number
    signature: str
    signature_timestamp: Annotated[int, msgspec.Meta(ge=0, le=4_102_444_800_000)]
    instruction: str = "GTC"
    client_id: Annotated[str, msgspec.Meta(max_length=64)] = ""
    flags: tuple[str, ...] | None = None


class Margin(msgspec.Struct, frozen=True, kw_only=True):
    """The leverage of a market."""

    leverage: Annotated[int, msgspec.Meta(ge=1, le=100)]
    margin_type: str = "CROSS"


class Params(msgspec.Struct, frozen=True, kw_only=True):
    """Of a call on a stream."""

    channel: str = ""
    bearer: str = ""


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One call on a stream."""

    method: str
    id: Any = None
    params: Params = Params()


ORDER: Final = msgspec.json.Decoder(Order)
MARGIN: Final = msgspec.json.Decoder(Margin)
CALL: Final = msgspec.json.Decoder(Call)
SIGNATURE: Final = msgspec.json.Decoder(tuple[str, str])

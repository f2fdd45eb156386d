"""What clients send, read as the venue reads it: strict in what counts, deaf to the rest."""

from __future__ import annotations

from typing import Annotated, Final, Literal, TypeAlias

import msgspec

Number: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,20}(\.[0-9]{1,20})?$")]
Hex: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"^0x[0-9a-fA-F]{1,64}$")]
#: Texts that clients give orders.
Text: TypeAlias = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]

MAX_BODY_BYTES: Final = 64 * 1024
_MAX_IDS: Final = 1_000


class Signature(msgspec.Struct, frozen=True):
    """Both halves of a signature."""

    r: Hex
    s: Hex


class Settlement(msgspec.Struct, frozen=True, rename="camel"):
    """Who signed, and for which position."""

    signature: Signature
    stark_key: Hex
    collateral_position: Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,20}$")]


class Order(msgspec.Struct, frozen=True, rename="camel"):
    """An order, or with `cancelId` the one that replaces another."""

    id: Text
    market: str
    type: str
    side: Literal["BUY", "SELL"]
    qty: Number
    price: Number
    time_in_force: str
    expiry_epoch_millis: Annotated[int, msgspec.Meta(ge=0, le=4_102_444_800_000)]
    fee: Number
    nonce: Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,10}$")]
    settlement: Settlement
    reduce_only: bool = False
    post_only: bool = False
    self_trade_protection_level: Literal["DISABLED", "ACCOUNT", "CLIENT"] = "ACCOUNT"
    cancel_id: Text | None = None


class MassCancel(msgspec.Struct, frozen=True, rename="camel"):
    """Which orders are to go."""

    order_ids: Annotated[tuple[int, ...], msgspec.Meta(max_length=_MAX_IDS)] = ()
    external_order_ids: Annotated[tuple[Text, ...], msgspec.Meta(max_length=_MAX_IDS)] = ()
    markets: Annotated[tuple[str, ...], msgspec.Meta(max_length=_MAX_IDS)] = ()
    cancel_all: bool = False


class Leverage(msgspec.Struct, frozen=True):
    """Leverage of a market; clients send it as text or as a number."""

    market: str
    leverage: str | float


class Selector(msgspec.Struct, frozen=True, rename="camel"):
    """What of a scope is wanted."""

    market: str | None = None
    depth: str = "full"
    type: str | None = None
    rfq_only: bool = False


class Params(msgspec.Struct, frozen=True):
    """What a call is about."""

    scope: str = ""
    selector: Selector = Selector()


class Call(msgspec.Struct, frozen=True):
    """A call on the second version of the stream."""

    method: str
    id: str | int
    params: Params = Params()


ORDER: Final[msgspec.json.Decoder[Order]] = msgspec.json.Decoder(Order)
MASS_CANCEL: Final[msgspec.json.Decoder[MassCancel]] = msgspec.json.Decoder(MassCancel)
LEVERAGE: Final[msgspec.json.Decoder[Leverage]] = msgspec.json.Decoder(Leverage)
CALL: Final[msgspec.json.Decoder[Call]] = msgspec.json.Decoder(Call)

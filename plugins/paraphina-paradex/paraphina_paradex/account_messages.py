"""The account's messages and answers as typed values: names as on the wire, no meaning yet.

Times are numbers in answers and text on streams, and amounts may be empty text where there are none.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, TypeAlias

import msgspec

from .messages import Milliseconds

MAX_LISTED: Final = 10_000

_Text: TypeAlias = Annotated[str, msgspec.Meta(max_length=256)]


class RequestInfo(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Which request an order's message answers, and how."""

    request_type: str = ""
    status: str = ""
    message: str = ""


class WireOrder(msgspec.Struct, frozen=True, kw_only=True):
    """One order."""

    id: _Text
    market: _Text
    side: str
    size: str
    remaining_size: str
    price: str
    status: str
    client_id: _Text = ""
    cancel_reason: str = ""
    flags: tuple[str, ...] = ()
    last_updated_at: Milliseconds = 0
    request_info: RequestInfo = RequestInfo()


class WireFill(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One fill."""

    id: _Text
    market: _Text
    order_id: _Text
    side: str
    size: str
    price: str
    fee: str
    liquidity: str
    created_at: Milliseconds
    client_id: _Text = ""
    fill_type: str = "FILL"


class WirePosition(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One position; its size has a sign where it is short."""

    market: _Text
    side: str
    size: str
    status: str = "OPEN"
    average_entry_price: str = ""
    unrealized_pnl: str = ""
    liquidation_price: str = ""
    last_updated_at: Milliseconds = 0


class WireAccount(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What the account is worth."""

    account_value: str
    free_collateral: str
    settlement_asset: str
    initial_margin_requirement: str = ""
    updated_at: Milliseconds = 0


class WirePayment(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Funding that was realised with a change of a position."""

    id: _Text
    market: _Text
    payment: str
    created_at: Milliseconds


class Orders(msgspec.Struct, frozen=True, kw_only=True):
    """A page of orders."""

    results: Annotated[tuple[WireOrder, ...], msgspec.Meta(max_length=MAX_LISTED)]
    next: str | None = None


class Fills(msgspec.Struct, frozen=True, kw_only=True):
    """A page of fills, the latest first."""

    results: Annotated[tuple[WireFill, ...], msgspec.Meta(max_length=MAX_LISTED)]
    next: str | None = None


class Positions(msgspec.Struct, frozen=True, kw_only=True):
    """Every position."""

    results: Annotated[tuple[WirePosition, ...], msgspec.Meta(max_length=MAX_LISTED)]


class Payments(msgspec.Struct, frozen=True, kw_only=True):
    """A page of funding payments, the latest first."""

    results: Annotated[tuple[WirePayment, ...], msgspec.Meta(max_length=MAX_LISTED)]
    next: str | None = None


class Params(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a subscription tells."""

    channel: str = ""
    data: msgspec.Raw = msgspec.Raw()


class Call(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One message of the account's stream: news, or the answer to a request."""

    jsonrpc: str
    id: int | None = None
    method: str | None = None
    params: Params | None = None
    result: Any = None
    error: Any = None


class Refusal(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Why a request was not taken."""

    error: str
    message: str = ""


ORDERS: Final = msgspec.json.Decoder(Orders, strict=False)
ORDER: Final = msgspec.json.Decoder(WireOrder, strict=False)
FILLS: Final = msgspec.json.Decoder(Fills, strict=False)
FILL: Final = msgspec.json.Decoder(WireFill, strict=False)
POSITIONS: Final = msgspec.json.Decoder(Positions, strict=False)
POSITION: Final = msgspec.json.Decoder(WirePosition, strict=False)
ACCOUNT: Final = msgspec.json.Decoder(WireAccount, strict=False)
PAYMENTS: Final = msgspec.json.Decoder(Payments, strict=False)
PAYMENT: Final = msgspec.json.Decoder(WirePayment, strict=False)
CALL: Final = msgspec.json.Decoder(Call)
REFUSAL: Final = msgspec.json.Decoder(Refusal)

"""What the venue pushes about an account, as typed values: names as on the wire, no meaning yet.

Docs "User data streams", futures V3 (read 2026-06-30 and 2026-10-08). Only what is read is named.
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

from .messages import MAX_SYMBOLS, Id, Milliseconds


class Envelope(msgspec.Struct, frozen=True, gc=False):
    """What kind of event it is."""

    e: str


class OrderTrade(msgspec.Struct, frozen=True, gc=False):
    """What happened to one order (`x`), and how it stands since (`X`).

    `l`, `L`, `n`, `N`, `t` and `m` are size, price, fee, its asset, id and role of the last fill, `z` is all
    that has filled.
    """

    s: str
    c: str
    S: str
    i: Id
    x: str
    X: str
    q: str
    p: str
    z: str
    T: Milliseconds
    l: str = "0"  # noqa: E741  # as on the wire
    L: str = "0"
    n: str = "0"
    N: str | None = None
    t: Id = 0
    m: bool = False


class OrderTradeUpdate(msgspec.Struct, frozen=True, gc=False):
    """One order has changed."""

    E: Milliseconds
    o: OrderTrade


class PositionChange(msgspec.Struct, frozen=True, gc=False):
    """A position as it is now: signed size, entry price, profit that is not realised, and its side's name."""

    s: str
    pa: str
    ep: str
    up: str
    ps: str


class AccountChange(msgspec.Struct, frozen=True, gc=False):
    """What has changed, and why (`m`)."""

    m: str
    P: Annotated[tuple[PositionChange, ...], msgspec.Meta(max_length=MAX_SYMBOLS)] = ()


class AccountUpdate(msgspec.Struct, frozen=True, gc=False):
    """Balances or positions have changed."""

    E: Milliseconds
    a: AccountChange


class Margin(msgspec.Struct, frozen=True, gc=False):
    """A position that the venue may soon close."""

    s: str


class MarginCall(msgspec.Struct, frozen=True, gc=False):
    """Positions are near their liquidation."""

    p: Annotated[tuple[Margin, ...], msgspec.Meta(max_length=MAX_SYMBOLS)] = ()


class Leverage(msgspec.Struct, frozen=True, gc=False):
    """The leverage of a symbol."""

    s: str
    l: int  # noqa: E741  # as on the wire


class AccountMode(msgspec.Struct, frozen=True, gc=False):
    """Whether all assets are margin for all symbols."""

    j: bool


class ConfigUpdate(msgspec.Struct, frozen=True, gc=False):
    """Somebody changed a leverage or the mode of the account."""

    ac: Leverage | None = None
    ai: AccountMode | None = None


ENVELOPE: Final = msgspec.json.Decoder(Envelope)
ORDER_TRADE_UPDATE: Final = msgspec.json.Decoder(OrderTradeUpdate)
ACCOUNT_UPDATE: Final = msgspec.json.Decoder(AccountUpdate)
MARGIN_CALL: Final = msgspec.json.Decoder(MarginCall)
CONFIG_UPDATE: Final = msgspec.json.Decoder(ConfigUpdate)

"""What may be asked of a venue: commands, and the states an order can be in."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import TypeAlias

import msgspec

from .errors import LocalError
from .ids import ClientOrderId, InstrumentId
from .instruments import Side


class TimeInForce(StrEnum):
    """How long an order may rest: until cancelled, or not at all (immediate or cancel)."""

    GTC = "gtc"
    IOC = "ioc"


class Purpose(StrEnum):
    """Why an order exists; quotes make markets, hedges and exits only reduce.

    What flattens closes positions once an operator has asked for that with the kill switch.
    """

    QUOTE = "quote"
    HEDGE = "hedge"
    EXIT = "exit"
    FLATTEN = "flatten"


class OrderState(StrEnum):
    """Life cycle of an order; `unknown` is a state, not an error, and counts as live."""

    CREATED = "created"
    PENDING = "pending"
    LIVE = "live"
    PARTIALLY_FILLED = "partially_filled"
    PENDING_CANCEL = "pending_cancel"
    PENDING_MODIFY = "pending_modify"
    UNKNOWN = "unknown"
    FILLED = "filled"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    EXPIRED = "expired"

    @property
    def is_final(self) -> bool:
        """True when the venue can no longer fill the order (a late fill is booked all the same)."""
        return self in _FINAL


_FINAL = frozenset({OrderState.FILLED, OrderState.CANCELLED, OrderState.REJECTED, OrderState.EXPIRED})


class PlaceOrder(msgspec.Struct, frozen=True, kw_only=True, tag="place"):
    """Place one limit order. Price and size are exact and already on the instrument's grid."""

    instrument: InstrumentId
    client_order_id: ClientOrderId
    side: Side
    price: Decimal
    size: Decimal
    time_in_force: TimeInForce = TimeInForce.GTC
    post_only: bool = False
    reduce_only: bool = False
    purpose: Purpose = Purpose.QUOTE

    def __post_init__(self) -> None:
        _check(self.price, self.size)
        if self.post_only and self.time_in_force is TimeInForce.IOC:
            raise LocalError("order is not usable", found="post-only and IOC", wanted="one of the two")


class ModifyOrder(msgspec.Struct, frozen=True, kw_only=True, tag="modify"):
    """Change price and total size of an order that is already known."""

    instrument: InstrumentId
    client_order_id: ClientOrderId
    venue_order_id: str | None
    side: Side
    price: Decimal
    size: Decimal
    post_only: bool = False
    reduce_only: bool = False

    def __post_init__(self) -> None:
        _check(self.price, self.size)


class CancelOrder(msgspec.Struct, frozen=True, kw_only=True, tag="cancel"):
    """Cancel one order, by the venue's id where it is known, else by ours."""

    instrument: InstrumentId
    client_order_id: ClientOrderId
    venue_order_id: str | None = None


class CancelAll(msgspec.Struct, frozen=True, kw_only=True, tag="cancel_all"):
    """Cancel every order of the account on one instrument, or on all of them."""

    instrument: InstrumentId | None = None


class ArmDeadMan(msgspec.Struct, frozen=True, kw_only=True, tag="arm_dead_man"):
    """Ask the venue to cancel by itself unless it is asked again within the window.

    A window of zero disarms the switch.
    """

    window_ms: int
    instruments: tuple[InstrumentId, ...] = ()


class SetLeverage(msgspec.Struct, frozen=True, kw_only=True, tag="set_leverage"):
    """Set the leverage of an instrument, cross or isolated."""

    instrument: InstrumentId
    leverage: int
    cross_margin: bool = True


class Batch(msgspec.Struct, frozen=True, kw_only=True, tag="batch"):
    """Several commands of one kind in one request, each with an outcome of its own."""

    commands: tuple[PlaceOrder | ModifyOrder | CancelOrder, ...]


OrderCommand: TypeAlias = PlaceOrder | ModifyOrder | CancelOrder | CancelAll
Command: TypeAlias = OrderCommand | ArmDeadMan | SetLeverage | Batch


def _check(price: Decimal, size: Decimal) -> None:
    # A NaN must be met before the comparison, which it would break.
    if not all(number.is_finite() and number > 0 for number in (price, size)):
        raise LocalError("order is not usable", found=f"{size} at {price}", wanted="both above zero")

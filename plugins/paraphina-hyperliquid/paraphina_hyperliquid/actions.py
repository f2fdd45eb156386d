"""What is asked of the venue, as it wants it spelled: commands become actions.

The venue hashes the bytes of an action, so the order of its keys and the spelling of its numbers are
part of the signature. Keys come in the order of the fields here; a key that is not used is absent, never
null or false. These actions are all there are: nothing here can withdraw or transfer.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Final, TypeAlias, TypeVar

import msgspec

from paraphina_core.domain import (
    MAX_DIGITS,
    NS_PER_MS,
    ArmDeadMan,
    Batch,
    CancelOrder,
    ClientOrderId,
    GridError,
    InstrumentId,
    LocalError,
    ModifyOrder,
    PlaceOrder,
    SetLeverage,
    Side,
    TimeInForce,
    is_bounded,
    plain,
    to_hex128,
)

from .limits import MAX_BATCH

#: Docs "Signing" (read 2026-08-22): numbers have at most eight decimals, and no trailing zeros.
MAX_DECIMALS: Final = 8
_SENDABLE: Final = re.compile(
    rf"([0-9]{{1,{MAX_DIGITS}}}(?:\.[0-9]{{0,{MAX_DECIMALS - 1}}}[1-9])?)\.?0*", re.ASCII
)

#: Docs "Exchange endpoint" (read 2026-08-22): a scheduled cancel is at least five seconds ahead.
MIN_DEAD_MAN_MS: Final = 5_000

#: The venue's answers name at most 50 (2026-08); this only keeps nonsense off the wire.
MAX_LEVERAGE: Final = 100

#: Every command that the venue has; there is none that cancels all orders.
Sent: TypeAlias = PlaceOrder | ModifyOrder | CancelOrder | Batch | ArmDeadMan | SetLeverage

#: Order ids are unsigned 64-bit integers, written without a sign or leading zeros.
_ORDER_ID: Final = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)

#: Hex digits of the 48 bits that differ from order to order.
_ID_DIGITS: Final = 12

_Kind = TypeVar("_Kind", PlaceOrder, ModifyOrder, CancelOrder)
_Spelled = TypeVar("_Spelled")


class Limit(msgspec.Struct, frozen=True):
    """How long a limit order may rest: `Alo` (post-only), `Ioc` or `Gtc`."""

    tif: str


class OrderType(msgspec.Struct, frozen=True):
    """A limit order; trigger orders are not placed."""

    limit: Limit


class WireOrder(msgspec.Struct, frozen=True):
    """One order: asset, is-buy, price, size, reduce-only, type, client order id."""

    a: int
    b: bool
    p: str
    s: str
    r: bool
    t: OrderType
    c: str | msgspec.UnsetType = msgspec.UNSET


class WireModify(msgspec.Struct, frozen=True):
    """The order that replaces another, which is named by the venue's id or by ours."""

    oid: int | str
    order: WireOrder


class WireCancel(msgspec.Struct, frozen=True):
    """One order to cancel: asset and the venue's order id."""

    a: int
    o: int


class WireCancelByCloid(msgspec.Struct, frozen=True):
    """One order to cancel: asset and our client order id."""

    asset: int
    cloid: str


class PlaceAction(msgspec.Struct, frozen=True, tag_field="type", tag="order"):
    """Place orders."""

    orders: Sequence[WireOrder]
    grouping: str = "na"


class ModifyAction(msgspec.Struct, frozen=True, tag_field="type", tag="batchModify"):
    """Replace orders.

    The flag for placing even when the cancel failed is not offered: it can double an order.
    """

    modifies: Sequence[WireModify]


class CancelAction(msgspec.Struct, frozen=True, tag_field="type", tag="cancel"):
    """Cancel orders by the venue's ids; `f` is the fast flag, which the venue wants but on triggers."""

    cancels: Sequence[WireCancel]
    f: bool | msgspec.UnsetType = msgspec.UNSET


class CancelByCloidAction(msgspec.Struct, frozen=True, tag_field="type", tag="cancelByCloid"):
    """Cancel orders by our client order ids; `f` as in `CancelAction`."""

    cancels: Sequence[WireCancelByCloid]
    f: bool | msgspec.UnsetType = msgspec.UNSET


class ScheduleCancelAction(msgspec.Struct, frozen=True, tag_field="type", tag="scheduleCancel"):
    """Have the venue cancel every order of the account at `time` (milliseconds); without it, never."""

    time: int | msgspec.UnsetType = msgspec.UNSET


class UpdateLeverageAction(msgspec.Struct, frozen=True, tag_field="type", tag="updateLeverage"):
    """Set the leverage of an asset."""

    asset: int
    isCross: bool  # noqa: N815  # the venue's spelling
    leverage: int


class NoopAction(msgspec.Struct, frozen=True, tag_field="type", tag="noop"):
    """Do nothing but use up a nonce, so that a request under way with the same nonce is refused."""


#: Everything this program ever signs.
Action: TypeAlias = (
    PlaceAction
    | ModifyAction
    | CancelAction
    | CancelByCloidAction
    | ScheduleCancelAction
    | UpdateLeverageAction
    | NoopAction
)

_POST_ONLY: Final = OrderType(limit=Limit(tif="Alo"))
_IOC: Final = OrderType(limit=Limit(tif="Ioc"))
_GTC: Final = OrderType(limit=Limit(tif="Gtc"))


def wire_number(number: Decimal, what: str) -> str:
    """Spell a price or a size for the venue, exactly.

    Args:
        number: the value, in quote or base units.
        what: what it is, for the error.

    Raises:
        GridError: it is negative, not finite, or has more than eight decimals; nothing is ever rounded
            here.
    """
    sendable = _SENDABLE.fullmatch(str(number))
    if sendable is None and is_bounded(number):  # it may only be written with an exponent
        sendable = _SENDABLE.fullmatch(plain(number))
    if sendable is None:
        raise GridError(
            f"{what} cannot be sent",
            found=number,
            wanted=f"zero or above, below 1e{MAX_DIGITS}, at most {MAX_DECIMALS} decimals",
            remedy="round it to the instrument's grid first",
        )
    return sendable[1]


class Spelling:
    """Spells commands for one account of the venue.

    Args:
        assets: the venue's number of each instrument, from its meta answer; it differs between networks.
        mode: first letter of the trade mode, which stands in every client order id.
    """

    def __init__(self, assets: Mapping[InstrumentId, int], mode: str) -> None:
        self._assets = assets
        # All of an id but its 48 bits is the same for every order, and takes most of the time to spell.
        self._id_prefix = to_hex128(0, mode)[:-_ID_DIGITS]

    def action(self, command: Sent, at_ns: int) -> Action:
        """Turn a command into the action that asks for it.

        A dead-man switch of this venue is the account's: it cancels on every instrument, whichever the
        command names.

        Args:
            command: what is asked.
            at_ns: now, from which a dead-man window counts.

        Raises:
            LocalError: it cannot be expressed on the venue's wire.
        """
        match command:
            case PlaceOrder() | ModifyOrder() | CancelOrder():
                return self._batch((command,))
            case Batch():
                return self._batch(command.commands)
            case ArmDeadMan():
                return _dead_man(command, at_ns)
            case SetLeverage():
                return self._leverage(command)

    def _batch(self, commands: Sequence[PlaceOrder | ModifyOrder | CancelOrder]) -> Action:
        if not 1 <= len(commands) <= MAX_BATCH:
            raise LocalError("batch cannot be sent", found=len(commands), wanted=f"1 to {MAX_BATCH} commands")
        match commands[0]:
            case PlaceOrder():
                return PlaceAction(orders=_each(commands, PlaceOrder, self._place))
            case ModifyOrder():
                return ModifyAction(modifies=_each(commands, ModifyOrder, self._modify))
            case CancelOrder():
                return self._cancel(commands)

    def _place(self, order: PlaceOrder) -> WireOrder:
        resting = _POST_ONLY if order.post_only else _GTC
        return WireOrder(
            a=self._asset(order.instrument),
            b=order.side is Side.BUY,
            p=wire_number(order.price, "price"),
            s=wire_number(order.size, "size"),
            r=order.reduce_only,
            t=_IOC if order.time_in_force is TimeInForce.IOC else resting,
            c=self._id(order.client_order_id),
        )

    def _modify(self, order: ModifyOrder) -> WireModify:
        cloid = self._id(order.client_order_id)
        return WireModify(
            oid=cloid if order.venue_order_id is None else _order_id(order.venue_order_id),
            order=WireOrder(
                a=self._asset(order.instrument),
                b=order.side is Side.BUY,
                p=wire_number(order.price, "price"),
                s=wire_number(order.size, "size"),
                r=order.reduce_only,
                t=_POST_ONLY if order.post_only else _GTC,
                c=cloid,
            ),
        )

    def _cancel(self, commands: Sequence[PlaceOrder | ModifyOrder | CancelOrder]) -> Action:
        # One request names orders in one way only. Ours always works: every order placed here carries it.
        by_venue_id = all(isinstance(c, CancelOrder) and c.venue_order_id is not None for c in commands)
        if by_venue_id:
            return CancelAction(cancels=_each(commands, CancelOrder, self._cancel_by_venue_id), f=True)
        return CancelByCloidAction(cancels=_each(commands, CancelOrder, self._cancel_by_our_id), f=True)

    def _cancel_by_venue_id(self, order: CancelOrder) -> WireCancel:
        return WireCancel(a=self._asset(order.instrument), o=_order_id(order.venue_order_id or ""))

    def _cancel_by_our_id(self, order: CancelOrder) -> WireCancelByCloid:
        cloid = self._id(order.client_order_id)
        return WireCancelByCloid(asset=self._asset(order.instrument), cloid=cloid)

    def _leverage(self, command: SetLeverage) -> UpdateLeverageAction:
        if not 1 <= command.leverage <= MAX_LEVERAGE:
            raise LocalError("leverage cannot be set", found=command.leverage, wanted=f"1 to {MAX_LEVERAGE}")
        return UpdateLeverageAction(
            asset=self._asset(command.instrument), isCross=command.cross_margin, leverage=command.leverage
        )

    def _id(self, client_order_id: ClientOrderId) -> str:
        if not 0 <= client_order_id < 16**_ID_DIGITS:
            raise LocalError("client order id is out of range", found=client_order_id, wanted="48 bits")
        return f"{self._id_prefix}{client_order_id:0{_ID_DIGITS}x}"

    def _asset(self, instrument: InstrumentId) -> int:
        asset = self._assets.get(instrument)
        if asset is None:
            raise LocalError("the venue lists no such instrument", found=instrument)
        return asset


def _dead_man(command: ArmDeadMan, at_ns: int) -> ScheduleCancelAction:
    if command.window_ms == 0:
        return ScheduleCancelAction()
    if not command.window_ms >= MIN_DEAD_MAN_MS:
        raise LocalError(
            "dead-man switch cannot be armed",
            found=f"{command.window_ms} ms",
            wanted=f"at least {MIN_DEAD_MAN_MS} ms, or 0 to disarm it",
        )
    return ScheduleCancelAction(time=at_ns // NS_PER_MS + command.window_ms)


def _each(
    commands: Sequence[PlaceOrder | ModifyOrder | CancelOrder],
    kind: type[_Kind],
    spell: Callable[[_Kind], _Spelled],
) -> list[_Spelled]:
    spelled = [spell(command) for command in commands if isinstance(command, kind)]
    if len(spelled) != len(commands):
        found = sorted({type(command).__name__ for command in commands})
        raise LocalError("batch cannot be sent", found=found, wanted="commands of one kind")
    return spelled


def _order_id(text: str) -> int:
    if _ORDER_ID.fullmatch(text) is None:
        raise LocalError("order id is not the venue's", found=text[:64], wanted="a whole number")
    return int(text)

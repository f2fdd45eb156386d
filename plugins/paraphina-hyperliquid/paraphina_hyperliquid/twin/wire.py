"""What clients send to `/exchange`, read as the venue reads it: into its own spelling, which it hashes.

The venue decodes an action and spells it anew before it hashes it (docs "Signing", read 2026-08-22):
fields in its own order, numbers without trailing zeros, addresses in lower case, unused keys left out.
Whoever signed another spelling has signed another hash, and is taken for a stranger.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Final, Literal, TypeAlias, TypeVar

import msgspec

from paraphina_core.domain import RemoteProtocolError
from paraphina_hyperliquid.actions import MAX_DECIMALS

#: One request of a client; far above a batch of hundreds of orders.
MAX_BODY_BYTES: Final = 256 * 1024
#: Orders or cancels in one action. The venue states no limit; this one only bounds the work.
MAX_BATCH: Final = 1_000

_ADDRESS_PATTERN: Final = r"^0x[0-9a-fA-F]{40}$"
_NUMBER: Final = re.compile(rf"([0-9]{{1,20}})(?:\.([0-9]{{1,{MAX_DECIMALS}}}))?", re.ASCII)

Unsigned: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
Address: TypeAlias = Annotated[str, msgspec.Meta(pattern=_ADDRESS_PATTERN)]
Cloid: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"^0x[0-9a-fA-F]{32}$")]
Hex32: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"^0x[0-9a-fA-F]{1,64}$")]
ChainId: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"^0x[0-9a-fA-F]{1,16}$")]
Tif: TypeAlias = Literal["Alo", "Ioc", "Gtc", "FrontendMarket"]


class Limit(msgspec.Struct, frozen=True):
    """How long a limit order may rest."""

    tif: Tif


class Trigger(msgspec.Struct, frozen=True, rename="camel"):
    """An order that waits for a price."""

    is_market: bool
    trigger_px: str
    tpsl: Literal["tp", "sl"]


class OrderType(msgspec.Struct, frozen=True):
    """Exactly one of both."""

    limit: Limit | msgspec.UnsetType = msgspec.UNSET
    trigger: Trigger | msgspec.UnsetType = msgspec.UNSET

    def __post_init__(self) -> None:
        if (self.limit is msgspec.UNSET) == (self.trigger is msgspec.UNSET):
            raise ValueError("wanted a limit or a trigger")


class Order(msgspec.Struct, frozen=True):
    """One order: asset, is-buy, price, size, reduce-only, type, client order id."""

    a: Unsigned
    b: bool
    p: str
    s: str
    r: bool
    t: OrderType
    c: Cloid | msgspec.UnsetType | None = msgspec.UNSET


class Builder(msgspec.Struct, frozen=True):
    """Who is paid for having brought the order, and how much, in tenths of a basis point."""

    b: Address
    f: Unsigned


class Priority(msgspec.Struct, frozen=True):
    """A grouping that pays for priority."""

    p: Unsigned


class PlaceAction(msgspec.Struct, frozen=True, tag_field="type", tag="order"):
    """Place orders."""

    orders: Annotated[Sequence[Order], msgspec.Meta(max_length=MAX_BATCH)]
    grouping: Literal["na", "normalTpsl", "positionTpsl"] | Priority
    builder: Builder | msgspec.UnsetType | None = msgspec.UNSET


class Modify(msgspec.Struct, frozen=True):
    """An order, named by the venue's id or the client's, and what takes its place."""

    oid: Unsigned | Cloid
    order: Order


class ModifyAction(msgspec.Struct, frozen=True, tag_field="type", tag="modify"):
    """Replace one order; `a` places the new one even if the old one is gone."""

    oid: Unsigned | Cloid
    order: Order
    a: bool | msgspec.UnsetType = msgspec.UNSET


class BatchModifyAction(msgspec.Struct, frozen=True, tag_field="type", tag="batchModify"):
    """Replace orders; `a` as in `ModifyAction`."""

    modifies: Annotated[Sequence[Modify], msgspec.Meta(max_length=MAX_BATCH)]
    a: bool | msgspec.UnsetType = msgspec.UNSET


class Cancel(msgspec.Struct, frozen=True):
    """One order to cancel by the venue's id."""

    a: Unsigned
    o: Unsigned


class CancelByCloid(msgspec.Struct, frozen=True):
    """One order to cancel by the client's id."""

    asset: Unsigned
    cloid: Cloid


class CancelAction(msgspec.Struct, frozen=True, tag_field="type", tag="cancel"):
    """Cancel orders; `f` asks for the fast way."""

    cancels: Annotated[Sequence[Cancel], msgspec.Meta(max_length=MAX_BATCH)]
    f: bool | msgspec.UnsetType = msgspec.UNSET


class CancelByCloidAction(msgspec.Struct, frozen=True, tag_field="type", tag="cancelByCloid"):
    """Cancel orders by the client's ids; `f` as in `CancelAction`."""

    cancels: Annotated[Sequence[CancelByCloid], msgspec.Meta(max_length=MAX_BATCH)]
    f: bool | msgspec.UnsetType = msgspec.UNSET


class ScheduleCancelAction(msgspec.Struct, frozen=True, tag_field="type", tag="scheduleCancel"):
    """Cancel everything at a time (milliseconds); without one, never."""

    time: Unsigned | msgspec.UnsetType | None = msgspec.UNSET


class UpdateLeverageAction(msgspec.Struct, frozen=True, tag_field="type", tag="updateLeverage"):
    """Set leverage and margin mode of an asset."""

    asset: Unsigned
    isCross: bool  # noqa: N815  # the venue's spelling
    leverage: Unsigned


class NoopAction(msgspec.Struct, frozen=True, tag_field="type", tag="noop"):
    """Use up a nonce."""


class ApproveAgentAction(msgspec.Struct, frozen=True, tag_field="type", tag="approveAgent", rename="camel"):
    """Let another address trade for the signer; the zero address lets nobody."""

    hyperliquid_chain: Literal["Mainnet", "Testnet"]
    signature_chain_id: ChainId
    agent_address: Address
    nonce: Unsigned
    agent_name: Annotated[str, msgspec.Meta(max_length=64)] | None = None


class ApproveBuilderFeeAction(
    msgspec.Struct, frozen=True, tag_field="type", tag="approveBuilderFee", rename="camel"
):
    """Let a builder take a fee from the signer's orders."""

    hyperliquid_chain: Literal["Mainnet", "Testnet"]
    signature_chain_id: ChainId
    max_fee_rate: Annotated[str, msgspec.Meta(max_length=32)]
    builder: Address
    nonce: Unsigned


#: Signed as the hash of their MessagePack; an agent may sign them.
L1Action: TypeAlias = (
    PlaceAction
    | ModifyAction
    | BatchModifyAction
    | CancelAction
    | CancelByCloidAction
    | ScheduleCancelAction
    | UpdateLeverageAction
    | NoopAction
)
#: Signed field by field, so that a wallet can show them; only the master signs them.
UserSignedAction: TypeAlias = ApproveAgentAction | ApproveBuilderFeeAction
Action: TypeAlias = L1Action | UserSignedAction


class Signature(msgspec.Struct, frozen=True):
    """An ECDSA signature; r and s may lack leading zeros."""

    r: Hex32
    s: Hex32
    v: int


class Body(msgspec.Struct, frozen=True, rename="camel"):
    """The body of a request to `/exchange`."""

    action: Action
    nonce: Unsigned
    signature: Signature
    vault_address: Address | None = None
    expires_after: Unsigned | None = None


class NoJsonError(RemoteProtocolError):
    """What a client sent is no JSON at all; the venue has another status for it."""


_T = TypeVar("_T")

_BODY: Final = msgspec.json.Decoder(Body)
_PACK: Final = msgspec.msgpack.Encoder()


def read_body(body: bytes | msgspec.Raw) -> Body:
    """Read a request, its action in the venue's own spelling.

    Raises:
        RemoteProtocolError: it is no such request, or one for something that this twin does not do.
    """
    if len(bytes(body)) > MAX_BODY_BYTES:
        raise RemoteProtocolError(
            "request is too long", found=len(bytes(body)), wanted=f"at most {MAX_BODY_BYTES} bytes"
        )
    read = decode(_BODY, body)
    return msgspec.structs.replace(read, action=_respelled(read.action))


def decode(decoder: msgspec.json.Decoder[_T], body: bytes | msgspec.Raw) -> _T:
    """Decode what a client sent.

    Raises:
        NoJsonError: it is no JSON.
        RemoteProtocolError: it has another shape.
    """
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as e:
        raise RemoteProtocolError("the message has another shape", found=str(e)) from e
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as e:
        raise NoJsonError("the message is no JSON", found=str(e)) from e


def packed(action: L1Action) -> bytes:
    """Return the bytes that the venue hashes of an action in its own spelling."""
    return _PACK.encode(action)


def is_user_signed(action: Action) -> bool:
    """Tell whether an action is signed field by field."""
    return isinstance(action, ApproveAgentAction | ApproveBuilderFeeAction)


def number(text: str) -> str:
    """Spell a price or size as the venue does.

    Raises:
        RemoteProtocolError: it is not plain decimal notation with at most eight decimals.
    """
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise RemoteProtocolError("price or size is no number", found=text[:64], wanted="plain decimals")
    whole, decimals = match[1].lstrip("0") or "0", (match[2] or "").rstrip("0")
    return f"{whole}.{decimals}" if decimals else whole


def _respelled(action: Action) -> Action:
    match action:
        case PlaceAction(orders=orders, builder=builder):
            builder = (
                msgspec.structs.replace(builder, b=builder.b.lower())
                if isinstance(builder, Builder)
                else msgspec.UNSET
            )
            return msgspec.structs.replace(
                action, orders=[_order(order) for order in orders], builder=builder
            )
        case ModifyAction(oid=oid, order=order):
            return msgspec.structs.replace(action, oid=_oid(oid), order=_order(order), a=_flag(action.a))
        case BatchModifyAction(modifies=modifies):
            spelled = [Modify(oid=_oid(modify.oid), order=_order(modify.order)) for modify in modifies]
            return msgspec.structs.replace(action, modifies=spelled, a=_flag(action.a))
        case CancelAction():
            return msgspec.structs.replace(action, f=_flag(action.f))
        case CancelByCloidAction(cancels=cancels):
            named = [CancelByCloid(asset=cancel.asset, cloid=cancel.cloid.lower()) for cancel in cancels]
            return msgspec.structs.replace(action, cancels=named, f=_flag(action.f))
        case ScheduleCancelAction(time=None):
            return ScheduleCancelAction()
        case _:
            return action


def _order(order: Order) -> Order:
    cloid = order.c.lower() if isinstance(order.c, str) else msgspec.UNSET
    kind = order.t
    if isinstance(kind.trigger, Trigger):
        trigger = msgspec.structs.replace(kind.trigger, trigger_px=number(kind.trigger.trigger_px))
        kind = OrderType(trigger=trigger)
    return msgspec.structs.replace(order, p=number(order.p), s=number(order.s), t=kind, c=cloid)


def _oid(oid: int | str) -> int | str:
    return oid.lower() if isinstance(oid, str) else oid


def _flag(flag: bool | msgspec.UnsetType) -> bool | msgspec.UnsetType:  # noqa: FBT001  # the value itself
    return flag or msgspec.UNSET

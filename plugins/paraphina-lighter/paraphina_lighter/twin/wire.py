"""What clients send, as typed values; whatever else they send is skipped."""

from __future__ import annotations

from base64 import b64decode
from typing import Annotated, Any, Final, TypeAlias

import msgspec

from paraphina_lighter.transactions import (
    Body,
    CancelAllOrders,
    CancelOneOrder,
    CreateOrder,
    Kind,
    ModifyOneOrder,
    UpdateLeverage,
)

_U64: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]


class Sent(msgspec.Struct, frozen=True, rename="pascal"):
    """What every transaction has beside its own fields."""

    account_index: _U64
    api_key_index: _U64
    expired_at: _U64
    nonce: _U64
    sig: str
    l2_tx_attributes: dict[str, _U64] | None = msgspec.field(default=None, name="L2TxAttributes")

    @property
    def signature(self) -> bytes:
        """Return the 80 bytes of the signature; nothing where the text is none."""
        try:
            return b64decode(self.sig, validate=True)
        except ValueError:
            return b""


class SendData(msgspec.Struct, frozen=True):
    """A transaction on a stream."""

    tx_type: int
    tx_info: msgspec.Raw
    id: str | None = None


class SendBatchData(msgspec.Struct, frozen=True):
    """Several transactions on a stream: lists in JSON, as text."""

    tx_types: str
    tx_infos: str
    id: str | None = None


class Message(msgspec.Struct, frozen=True):
    """One message of a client."""

    type: str
    channel: str = ""
    auth: str = ""
    data: msgspec.Raw = msgspec.Raw(b"null")


MESSAGE: Final[msgspec.json.Decoder[Message]] = msgspec.json.Decoder(Message)
SEND: Final[msgspec.json.Decoder[SendData]] = msgspec.json.Decoder(SendData)
SEND_BATCH: Final[msgspec.json.Decoder[SendBatchData]] = msgspec.json.Decoder(SendBatchData)
TYPES: Final[msgspec.json.Decoder[list[int]]] = msgspec.json.Decoder(list[int])
INFOS: Final[msgspec.json.Decoder[list[str]]] = msgspec.json.Decoder(list[str])

_SENT: Final[msgspec.json.Decoder[Sent]] = msgspec.json.Decoder(Sent)
_BODIES: Final[dict[int, msgspec.json.Decoder[Any]]] = {
    int(kind.kind): msgspec.json.Decoder(kind)
    for kind in (CreateOrder, CancelOneOrder, CancelAllOrders, ModifyOneOrder, UpdateLeverage)
}


def transaction(kind: int, info: bytes | msgspec.Raw) -> tuple[Sent, Body] | None:
    """Read a transaction; None where it is none of the kinds that a trader sends, or makes no sense."""
    body = _BODIES.get(kind)
    if body is None or kind not in set(Kind):
        return None
    try:
        return _SENT.decode(info), body.decode(info)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None

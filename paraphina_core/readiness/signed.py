"""A statement with this installation's signature, in one spelling: a change of any byte is found."""

from __future__ import annotations

from typing import Protocol, TypeVar

import msgspec

from paraphina_core.domain import LocalError

from .identity import Identity


class Signable(Protocol):
    """A struct that names the installation which signs it."""

    @property
    def installation(self) -> str:
        """Name of the installation: its public key in hex."""
        ...


_Content = TypeVar("_Content", bound=Signable)


class _Envelope(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    content: msgspec.Raw
    signature: str


def sealed(content: Signable, context: bytes, identity: Identity) -> bytes:
    """Return a struct with its signature, as it is written.

    Args:
        content: a struct that msgspec encodes.
        context: signed in front of the content; it can then not pass for one of something else.
        identity: who signs.
    """
    encoded = msgspec.json.encode(content, order="deterministic")
    signature = identity.sign(context + encoded).hex()
    return msgspec.json.encode(_Envelope(content=msgspec.Raw(encoded), signature=signature)) + b"\n"


def unsealed(
    content: bytes, type_: type[_Content], context: bytes, identity: Identity, what: str
) -> _Content:
    """Return the struct inside, if this installation signed it and not a byte was changed.

    Args:
        content: what `sealed` made.
        type_: of the struct.
        context: as it was signed.
        identity: who must have signed.
        what: subject of the error's sentence.

    Raises:
        LocalError: it is damaged, another installation's, or edited; says which.
    """
    try:
        envelope = msgspec.json.decode(content, type=_Envelope)
        inside = msgspec.json.decode(envelope.content, type=type_)
        signature = bytes.fromhex(envelope.signature)
    except (msgspec.DecodeError, ValueError, RecursionError) as e:
        raise LocalError(f"{what} is damaged: nothing can be read from it") from e
    if inside.installation != identity.name:
        raise LocalError(
            f"{what} is of another installation", found=inside.installation[:16], wanted=identity.name[:16]
        )
    if not identity.signed(context + bytes(envelope.content), signature):
        raise LocalError(f"{what} has a broken signature: it was edited after it was written")
    if sealed(inside, context, identity) != content:  # another spelling of the same
        raise LocalError(f"{what} was edited after it was written")
    return inside

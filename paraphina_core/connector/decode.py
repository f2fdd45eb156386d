"""The seam where a venue's JSON becomes typed values: any bytes whatever raise `RemoteError` at most.

Numbers that are booked or sent stay text until the one strict parser reads them. Books are too many
numbers for that: `BookNumber` is read by the decoder itself, in C, and `is_plain` tells cheaply that
none of them was spelled in a way that the strict parser would refuse.
"""

from __future__ import annotations

from typing import Annotated, Final, TypeAlias, TypeVar

import msgspec

from paraphina_core.domain import RemoteProtocolError

#: No message of a venue comes near this size; one that does is refused before it is read.
MAX_FRAME_BYTES: Final = 4 * 1024 * 1024

#: A price or a size of a book that is not zero, for a decoder with `strict=False`, which reads it from
#: text. The bounds are those of the strict parser, and refuse what else the decoder takes for a number:
#: NaN, infinities and negative zero. It already refuses a sign `+`, blanks, underscores, hexadecimal and
#: foreign digits, leading zeros, a bare point and the empty text. Left are a JSON number without quotes,
#: which is one; more than twenty decimals, which are rounded like any others; and what `is_plain` is for.
BookNumber: TypeAlias = Annotated[float, msgspec.Meta(ge=1e-20, lt=1e20)]

_T = TypeVar("_T")

_LOWER_E: Final = ord("e")
_UPPER_E: Final = ord("E")
_BACKSLASH: Final = ord("\\")


def decode_json(
    decoder: msgspec.json.Decoder[_T], frame: bytes, what: str, max_bytes: int = MAX_FRAME_BYTES
) -> _T:
    """Decode one message of a venue strictly.

    Args:
        decoder: decoder of the type that the message must have.
        frame: the bytes as they arrived.
        what: name of the message, for the error.
        max_bytes: longest message worth reading.

    Raises:
        RemoteProtocolError: too long, not JSON, not of that type, or nested too deeply.
    """
    if len(frame) > max_bytes:
        raise RemoteProtocolError(
            f"{what} is too long", found=f"{len(frame)} bytes", wanted=f"at most {max_bytes}"
        )
    try:
        return decoder.decode(frame)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as e:
        raise RemoteProtocolError(f"{what} cannot be read: {e}", found=frame[:120]) from e


def is_plain(text: bytes) -> bool:
    """Tell whether no number in it can have an exponent or an escaped character.

    False proves nothing: other words have these letters too. Show it the part of a message that holds
    numbers only, and look more closely where it says no.
    """
    return _LOWER_E not in text and _UPPER_E not in text and _BACKSLASH not in text

"""The seam where a venue's JSON becomes typed values: any bytes whatever raise `RemoteError` at most."""

from __future__ import annotations

from typing import Final, TypeVar

import msgspec

from paraphina_core.domain import RemoteProtocolError

#: No message of a venue comes near this size; one that does is refused before it is read.
MAX_FRAME_BYTES: Final = 4 * 1024 * 1024

_T = TypeVar("_T")


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

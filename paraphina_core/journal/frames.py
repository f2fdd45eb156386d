"""A frame as it arrived, inside a record: readable where it is text, exact whatever it is."""

from __future__ import annotations

import base64
import binascii
from typing import Final

import msgspec

from .chain import Record
from .errors import JournalError

FRAME_KIND: Final = "frame"

#: Bytes of a record for each byte of its frame, and for what stands around it.
_MOST_PER_BYTE: Final = 2
_AROUND_BYTES: Final = 1024

_ENCODER: Final = msgspec.json.Encoder()


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """One frame of a connector's stream."""

    connector: str
    stream: str
    frame: bytes


class _Data(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    connector: str
    stream: str
    frame: str | dict[str, str]


_DATA: Final = msgspec.json.Decoder(_Data)


def encode_frame(connector: str, stream: str, frame: bytes) -> bytes:
    """Spell a frame as a record's data: a JSON string if it is UTF-8 text, else base64 in an object.

    Text of control characters, which JSON spells with six bytes each, is base64 too, so that no
    content makes a record more than about twice as large as its frame.
    """
    try:
        data = _spell(connector, stream, frame.decode())
    except UnicodeDecodeError:
        pass
    else:
        if len(data) <= _MOST_PER_BYTE * len(frame) + _AROUND_BYTES:
            return data
    return _spell(connector, stream, {"base64": base64.b64encode(frame).decode()})


def _spell(connector: str, stream: str, frame: str | dict[str, str]) -> bytes:
    return _ENCODER.encode({"connector": connector, "stream": stream, "frame": frame})


def decode_frame(record: Record) -> Frame:
    """Read the frame of a record back, byte for byte.

    Raises:
        JournalError: the record holds no frame.
    """
    try:
        data = _DATA.decode(record.data)
        if isinstance(data.frame, str):
            frame = data.frame.encode()
        else:
            frame = base64.b64decode(data.frame["base64"], validate=True)
    except (msgspec.MsgspecError, KeyError, binascii.Error) as e:
        raise JournalError(f"record {record.seq} holds no frame: {e}", found=record.kind) from e
    return Frame(connector=data.connector, stream=data.stream, frame=frame)

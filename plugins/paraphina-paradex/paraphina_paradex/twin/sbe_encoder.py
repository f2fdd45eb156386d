"""Spells frames as the venue does: the other half of `paraphina_paradex.sbe`, of the same layouts."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Final

from paraphina_paradex.sbe import LAYOUTS, NULL, SCHEMA_ID, SCHEMA_VERSION, Frame, RawLevel

_HEADER: Final = struct.Struct("<HHHH")
_GROUP: Final = struct.Struct("<HH")
_LEVEL: Final = struct.Struct("<qq")
#: Code of the only fields that have a null value.
_NULLABLE: Final = "q"


def encode(frame: Frame, version: int = SCHEMA_VERSION) -> bytes:
    """Spell a frame; None is sent as the null value, and the block ends before a field that has none.

    Args:
        frame: its numbers are those of its template, all of them.
        version: that is stated in the header.
    """
    layout = LAYOUTS[frame.template]
    values = [frame.numbers[name] for name in layout.names]
    count = next(
        (at for at, code in enumerate(layout.codes) if values[at] is None and code != _NULLABLE), len(values)
    )
    block = layout.structs[count].pack(*map(_spelled, values[:count]))
    groups = b"".join(map(_group, (frame.bids, frame.asks))) if layout.groups else b""
    texts = (frame.texts[name].encode() for name in layout.texts if name in frame.texts)
    strings = b"".join(bytes([len(text)]) + text for text in texts)
    return _HEADER.pack(len(block), frame.template, SCHEMA_ID, version) + block + groups + strings


def _spelled(number: int | str | None) -> int | bytes:
    if isinstance(number, str):
        return bytes.fromhex(number.removeprefix("0x"))
    return NULL if number is None else number


def _group(levels: Sequence[RawLevel]) -> bytes:
    return _GROUP.pack(_LEVEL.size, len(levels)) + b"".join(_LEVEL.pack(*level) for level in levels)

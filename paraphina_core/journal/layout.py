"""What lies in a journal's folder: numbered segments, the head that anchors them, and a lock."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import msgspec

from .errors import DamageError
from .files import FileLayer, write_file

HEAD_NAME: Final = "head.json"
LOCK_NAME: Final = "lock"
MAX_SEGMENTS: Final = 999_999

#: A head is a fraction of this; whatever is longer is none.
_MAX_HEAD_BYTES: Final = 1024

_SEGMENT: Final = re.compile(r"[0-9]{6}\.jsonl", re.ASCII)


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """The last record that is known to be on disk.

    `closed` says that the journal was ended in good order with that record, so that none may
    follow it.
    """

    seq: int
    hash: str
    segment: str
    closed: bool


def segment_name(number: int) -> str:
    """Return the file name of a segment; the first has number 1."""
    return f"{number:06d}.jsonl"


def segments(folder: Path) -> tuple[Path, ...]:
    """List the segments in order.

    Raises:
        DamageError: one is missing, or a file is named like a segment and is none.
    """
    found = sorted(path for path in folder.iterdir() if path.suffix == ".jsonl")
    for number, path in enumerate(found, 1):
        if not _SEGMENT.fullmatch(path.name):
            raise DamageError("the file is no segment of this journal", file=path.name)
        if path.name != segment_name(number):
            raise DamageError("the segment is missing", file=segment_name(number), found=path.name)
    return tuple(found)


def encode_head(head: Head) -> bytes:
    """Spell a head, always in the same way."""
    return msgspec.json.encode(head) + b"\n"


def read_head(folder: Path) -> Head:
    """Read the head.

    Raises:
        DamageError: it is missing, unreadable, or not spelled as it is written.
    """
    try:
        with (folder / HEAD_NAME).open("rb") as file:
            content = file.read(_MAX_HEAD_BYTES + 1)
        head = msgspec.json.decode(content, type=Head)
    except FileNotFoundError as e:
        raise DamageError("the head is missing", file=HEAD_NAME) from e
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as e:
        raise DamageError(f"the head cannot be read: {e}", file=HEAD_NAME) from e
    if encode_head(head) != content:
        raise DamageError("the head is not as it was written", file=HEAD_NAME)
    return head


def write_head(files: FileLayer, folder: Path, head: Head) -> None:
    """Replace the head in one step.

    Raises:
        OSError: it could not be written; the old head is then still there or the new one is.
    """
    write_file(files, folder / HEAD_NAME, encode_head(head))

"""What a crash left of a journal is made fit to be continued: a torn end is set aside, never lost."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

from .chain import Record
from .errors import JournalError
from .files import FileLayer, write_whole
from .layout import Head, segment_name
from .reader import Scan

#: Torn ends of one and the same place that are kept; each is another crash within one start.
_MAX_TORN_FILES: Final = 100

_CHUNK_BYTES: Final = 1024 * 1024


class Survey(msgspec.Struct, frozen=True, kw_only=True):
    """How a journal was found, and where it goes on.

    `first` is its first record, None if there is none yet; `size` is where the intact part of the
    last segment ends.
    """

    first: Record | None
    head: Head | None
    next_seq: int
    hash: bytes
    segments: int
    size: int
    torn_bytes: int


def survey(folder: Path) -> Survey:
    """Walk a journal from its first line to its end; change nothing.

    Raises:
        DamageError: it is damaged, other than by a crash at its end.
        JournalError: it cannot be read.
    """
    scan = Scan(folder, unfinished_start=True)
    first: Record | None = None
    for record in scan.records():
        first = first or record
    return Survey(
        first=first,
        head=scan.head,
        next_seq=scan.next_seq,
        hash=scan.hash,
        segments=scan.segments,
        size=scan.size,
        torn_bytes=scan.torn_bytes,
    )


def set_aside(folder: Path, found: Survey, files: FileLayer) -> str:
    """Move what follows the last intact record into a file of its own, and name that; empty for nothing.

    Raises:
        JournalError: too many torn ends are kept already.
        OSError: the disk refused.
    """
    if not found.torn_bytes:
        return ""
    segment = folder / segment_name(found.segments)
    kept = _free_name(segment, found.size)
    with segment.open("rb") as source:
        source.seek(found.size)
        target = files.create(kept)
        try:
            while chunk := source.read(_CHUNK_BYTES):
                write_whole(files, target, chunk)
            files.sync(target)
        finally:
            files.close(target)
    files.sync_folder(folder)
    descriptor = files.open(segment)
    try:
        files.truncate(descriptor, found.size)  # synced with the record that follows
    finally:
        files.close(descriptor)
    return kept.name


def _free_name(segment: Path, size: int) -> Path:
    for attempt in range(1, _MAX_TORN_FILES + 1):
        path = segment.with_name(f"{segment.stem}-{size}-{attempt}.torn")
        if not path.exists():
            return path
    raise JournalError(
        f"{_MAX_TORN_FILES} torn ends of {segment.name} at byte {size} are already kept",
        remedy="find out why the program dies at each start; keep the folder and begin a new one",
    )

"""The record of a run: append-only, hash-chained, whole after any crash, and checked whenever it is read."""

from __future__ import annotations

from .chain import MAX_DATA_BYTES, Record
from .errors import DamageError, JournalError
from .files import Disk, FileLayer
from .frames import FRAME_KIND, Frame, decode_frame
from .layout import Head
from .lock import FileLock
from .nonce_mark import NonceMark
from .reader import Verification, read, verify
from .run_number import allocate_run_number
from .writer import FORMAT, GENESIS_KIND, REOPENED_KIND, JournalWriter, SyncPolicy

__all__ = [
    "FORMAT",
    "FRAME_KIND",
    "GENESIS_KIND",
    "MAX_DATA_BYTES",
    "REOPENED_KIND",
    "DamageError",
    "Disk",
    "FileLayer",
    "FileLock",
    "Frame",
    "Head",
    "JournalError",
    "JournalWriter",
    "NonceMark",
    "Record",
    "SyncPolicy",
    "Verification",
    "allocate_run_number",
    "decode_frame",
    "read",
    "verify",
]

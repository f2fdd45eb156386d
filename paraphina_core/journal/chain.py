r"""One record, one line, and each line's hash covers all lines before it.

A line is `<hash> <body>\n`. The body is `{"seq":n,"at_ns":t,"kind":"k","data":...}` without any other
white space between those parts, and its hash is the SHA-256, in hex, of the previous line's hash and
the body. The line before the first has the hash of sixty-four zeros.
"""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from typing import Final

import msgspec

from paraphina_core.domain import LocalError

FIRST_PREVIOUS: Final = b"0" * 64

#: Most bytes of one record's data: far above any venue's message, far below memory.
MAX_DATA_BYTES: Final = 16 * 1024 * 1024

#: Most bytes of one line: the data, the hash, and what the body puts around the data.
MAX_LINE_BYTES: Final = MAX_DATA_BYTES + 256

#: Different kinds whose spelling is remembered; a program has a few dozen.
_REMEMBERED_KINDS: Final = 256

_KIND: Final = re.compile(r"[a-z][a-z0-9_]{0,39}", re.ASCII)
_LINE: Final = re.compile(
    rb'([0-9a-f]{64}) (\{"seq":(0|[1-9][0-9]{0,18}),"at_ns":(0|[1-9][0-9]{0,18}),'
    rb'"kind":"([a-z][a-z0-9_]{0,39})","data":(.+)\})\n',
    re.DOTALL,
)
_MAX_AT_NS: Final = 10**19 - 1
_JSON: Final = msgspec.json.Decoder(msgspec.Raw)


class Record(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One record: its place in the journal, session time, kind, and its data as JSON text."""

    seq: int
    at_ns: int
    kind: str
    data: bytes


class LineError(LocalError):
    """A line is not the one that must stand at this place."""


def chain_hash(previous: bytes, body: bytes) -> bytes:
    """Return the hash, in hex, of a line with this body after a line with this hash."""
    return hashlib.sha256(previous + body).hexdigest().encode()


def encode_line(previous: bytes, seq: int, at_ns: int, kind: str, data: bytes) -> tuple[bytes, bytes]:
    """Spell one record; `data` is not looked into (see `check_json`).

    Returns:
        The record's hash, and its line.

    Raises:
        LocalError: kind, time or size are not what a record may have.
    """
    if not 0 <= at_ns <= _MAX_AT_NS:
        raise LocalError("the time of a record is out of range", found=at_ns, wanted=f"0 to {_MAX_AT_NS} ns")
    if len(data) > MAX_DATA_BYTES:
        raise LocalError("a record is too large", found=len(data), wanted=f"at most {MAX_DATA_BYTES} bytes")
    body = b'{"seq":%d,"at_ns":%d,"kind":"%b","data":%b}' % (seq, at_ns, _kind(kind), data)
    digest = chain_hash(previous, body)
    return digest, b"%b %b\n" % (digest, body)


def decode_line(line: bytes, previous: bytes, seq: int) -> tuple[bytes, Record]:
    """Read the line of record `seq` that follows a line with hash `previous`.

    Returns:
        The record's hash, and the record.

    Raises:
        LineError: the line is malformed, another record's, or its hash does not fit.
    """
    match = _LINE.fullmatch(line)
    if match is None:
        raise LineError("the line is malformed", wanted="<hash> <record>")
    digest, body, number, at_ns, kind, data = match.groups()
    if int(number) != seq:
        raise LineError("a record is missing, repeated or moved", found=int(number), wanted=f"record {seq}")
    if chain_hash(previous, body) != digest:
        raise LineError("the hash does not follow from the line before and this record")
    try:
        check_json(data)
    except LocalError as e:
        raise LineError(e.what) from e
    return digest, Record(seq=seq, at_ns=int(at_ns), kind=kind.decode(), data=data)


def check_json(data: bytes) -> None:
    """Make sure that data is exactly one JSON value in UTF-8 on one line.

    Raises:
        LocalError: it is not.
    """
    try:
        _JSON.decode(data)
        data.decode()  # the JSON decoder skips strings unread
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as e:
        raise LocalError(f"the data of a record is not JSON: {e}") from e
    if b"\n" in data:
        raise LocalError("the data of a record has a line break", wanted="JSON on one line")


@lru_cache(maxsize=_REMEMBERED_KINDS)
def _kind(kind: str) -> bytes:
    if not _KIND.fullmatch(kind):
        raise LocalError("a record's kind is no name", found=kind, wanted=_KIND.pattern)
    return kind.encode()

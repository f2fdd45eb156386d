"""What arrived, as it arrived: raw frames and answers with their times, compressed and bounded.

A recording is a folder of files `000001.zst` and so on. A file is a Zstandard stream of records, each
with a checksum; what was flushed survives the death of the process, and a torn tail costs only itself.
Answers may hold tokens, so the files are for their owner only.
"""

from __future__ import annotations

import hashlib
import os
import re
import struct
import zlib
from collections.abc import Iterator
from enum import IntEnum
from pathlib import Path
from types import TracebackType
from typing import Final, NamedTuple, Self
from urllib.parse import urlsplit

import msgspec
import zstandard

from paraphina_core.connector import Answer, Failure, HttpRequest
from paraphina_core.domain import NS_PER_MS, LocalError

MAX_FILE_BYTES: Final = 256 * 1024 * 1024
MAX_FILES: Final = 999_999
MAX_RECORD_BYTES: Final = 64 * 1024 * 1024
FLUSH_MS: Final = 1_000
MAX_NAME_BYTES: Final = 0xFFFF

_LEVEL: Final = 3
_MAX_QUESTION: Final = 1_000
_READ_BYTES: Final = 256 * 1024
_NAME = re.compile(r"[0-9]{6}\.zst", re.ASCII)
#: Checksum of what follows; time of arrival; kind; length of the stream's name and of the data.
_HEAD: Final = struct.Struct("<IqBHI")
_CHECKED_FROM: Final = 4
_RESULTS: Final = msgspec.msgpack.Encoder()
_RESULT: Final = msgspec.msgpack.Decoder(tuple[Answer | None, Failure | None])


class RecordKind(IntEnum):
    """What a record holds."""

    FRAME = 1
    RESULT = 2
    OPENED = 3
    CLOSED = 4


class Recorded(NamedTuple):
    """One record: when something arrived, on which stream (or to which request), and its bytes.

    For a result the bytes are those that `result` reads; for a closing they are the reason.
    """

    at_ns: int
    stream: str
    data: bytes
    kind: RecordKind = RecordKind.FRAME

    @property
    def result(self) -> Answer | Failure:
        """The answer or failure of a request.

        Raises:
            LocalError: the record is a frame.
        """
        if self.kind is not RecordKind.RESULT:
            raise LocalError("record is no result", found=self.kind.name)
        answer, failure = _RESULT.decode(self.data)
        found = answer or failure
        if found is None:
            raise LocalError("record holds neither answer nor failure", found=self.stream)
        return found


class Recorder:
    """Writes a recording; use as a context manager.

    It raises what the disk raises: whether a session goes on without its recording is not decided
    here. After an error nothing more may be written.

    Args:
        folder: made if it is missing; a recording in it is continued in a new file.
        max_file_bytes: a new file is begun when this one has so many bytes.
        flush_ms: how much of the latest session time the death of the process may cost.

    Raises:
        LocalError: the folder holds as many files as there are numbers.
        OSError: it cannot be written.
    """

    def __init__(
        self, folder: Path, *, max_file_bytes: int = MAX_FILE_BYTES, flush_ms: int = FLUSH_MS
    ) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder
        self._max_file_bytes = max_file_bytes
        self._flush_ns = flush_ms * NS_PER_MS
        self._compressor = zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True)
        self._file_bytes = 0
        self._flushed_ns = 0
        self._number = max((int(path.stem) for path in recorded_files(folder)), default=0)
        self._open_next()

    def __enter__(self) -> Self:
        """Return the recorder."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the recording."""
        self.close()

    def frame(self, stream: str, frame: bytes, at_ns: int) -> None:
        """Record a frame of a stream; the arguments are those of `StreamEvents.frame`.

        Raises:
            LocalError: the stream's name or the frame is too long.
            OSError: it cannot be written.
        """
        self._write(RecordKind.FRAME, stream, frame, at_ns)

    def opened(self, stream: str, at_ns: int) -> None:
        """Record that a stream was opened; the arguments are those of `StreamEvents.opened`.

        Raises:
            LocalError: the stream's name is too long.
            OSError: it cannot be written.
        """
        self._write(RecordKind.OPENED, stream, b"", at_ns)

    def closed(self, stream: str, reason: str, at_ns: int) -> None:
        """Record that a stream has ended, and why.

        Raises:
            LocalError: the stream's name is too long.
            OSError: it cannot be written.
        """
        self._write(RecordKind.CLOSED, stream, reason.encode(), at_ns)

    def result(self, question: str, result: Answer | Failure, at_ns: int) -> None:
        """Record what came of a request, under what was asked (`question_of`).

        Raises:
            LocalError: the question or the answer is too long.
            OSError: it cannot be written.
        """
        pair = (result, None) if isinstance(result, Answer) else (None, result)
        self._write(RecordKind.RESULT, question, _RESULTS.encode(pair), at_ns)

    def flush(self) -> None:
        """Hand everything to the kernel, in a state from which it can be read back.

        Raises:
            OSError: it cannot be written.
        """
        self._out(self._chunks.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK))

    def close(self) -> None:
        """Complete the file; nothing can be recorded afterwards.

        Raises:
            OSError: it cannot be written.
        """
        if not self._file.closed:
            try:
                self._out(self._chunks.flush(zstandard.COMPRESSOBJ_FLUSH_FINISH))
            finally:
                self._file.close()

    def _write(self, kind: RecordKind, stream: str, data: bytes, at_ns: int) -> None:
        name = stream.encode()
        if not (len(name) <= MAX_NAME_BYTES and len(data) <= MAX_RECORD_BYTES):
            raise LocalError("record is too long", found=(len(name), len(data)), wanted=str(MAX_RECORD_BYTES))
        head = _HEAD.pack(0, at_ns, kind, len(name), len(data))
        body = head[_CHECKED_FROM:] + name + data
        self._out(self._chunks.compress(zlib.crc32(body).to_bytes(_CHECKED_FROM, "little") + body))
        if self._file_bytes >= self._max_file_bytes:
            self.close()
            self._open_next()
        elif at_ns - self._flushed_ns >= self._flush_ns:
            self._flushed_ns = at_ns
            self.flush()

    def _out(self, compressed: bytes) -> None:
        if compressed:
            self._file.write(compressed)
            self._file_bytes += len(compressed)

    def _open_next(self) -> None:
        if self._number >= MAX_FILES:
            raise LocalError("recording is full", found=str(self._folder), wanted=f"{MAX_FILES} files")
        self._number += 1
        path = self._folder / f"{self._number:06d}.zst"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        self._file = os.fdopen(descriptor, "wb", buffering=0)
        self._chunks = self._compressor.compressobj()
        self._file_bytes = 0


def question_of(request: HttpRequest) -> str:
    """Name a request by what is asked, so that the answer is found again when it is asked anew.

    Who is asked is left out: a recording of a twin answers what a venue would be asked.
    """
    url = urlsplit(request.url)
    target = url.path + (f"?{url.query}" if url.query else "")
    body = request.body.decode("utf-8", "backslashreplace")
    text = f"{request.method} {target} {body}".rstrip()
    return text if len(text) <= _MAX_QUESTION else hashlib.sha256(text.encode()).hexdigest()


def recorded_files(folder: Path) -> tuple[Path, ...]:
    """List the files of a recording in their order."""
    return tuple(sorted(path for path in folder.iterdir() if _NAME.fullmatch(path.name)))


def read_recording(folder: Path) -> Iterator[Recorded]:
    """Yield the records in the order of their arrival.

    A file that breaks off is read as far as it goes, wherever it stands in the row: a recorder that was
    killed leaves such a file, and the next one begins another.

    Raises:
        LocalError: a file is damaged otherwise, or is no recording; which file, and where.
        OSError: it cannot be read.
    """
    for path in recorded_files(folder):
        yield from _read_file(path)


def _read_file(path: Path) -> Iterator[Recorded]:
    pending = b""
    position = 0
    for chunk in _unpacked(path):
        pending += chunk
        begin = 0
        while (end := _end_of_record(pending, begin, path, position)) is not None:
            yield _record(pending[begin:end], path, position)
            position += end - begin
            begin = end
        pending = pending[begin:]


def _unpacked(path: Path) -> Iterator[bytes]:
    unpacker = zstandard.ZstdDecompressor().decompressobj()
    with path.open("rb") as file:
        while packed := file.read(_READ_BYTES):
            try:
                yield unpacker.decompress(packed)
            except zstandard.ZstdError as e:
                raise LocalError(f"recording is damaged: {e}", found=str(path)) from e
            if unpacker.eof:
                if unpacker.unused_data or file.read(1):
                    raise LocalError("recording is damaged: bytes follow its end", found=str(path))
                return


def _end_of_record(pending: bytes, begin: int, path: Path, position: int) -> int | None:
    """Return where the record that begins here ends; None if that has not been read yet."""
    if len(pending) - begin < _HEAD.size:
        return None
    _, _, _, name_bytes, data_bytes = _HEAD.unpack_from(pending, begin)
    if data_bytes > MAX_RECORD_BYTES:
        raise LocalError("recording is damaged: a record is too long", found=f"{path} at {position}")
    end = begin + _HEAD.size + int(name_bytes) + int(data_bytes)
    return end if end <= len(pending) else None


def _record(raw: bytes, path: Path, position: int) -> Recorded:
    checksum, at_ns, kind, name_bytes, _ = _HEAD.unpack_from(raw)
    try:
        if zlib.crc32(raw[_CHECKED_FROM:]) != checksum:
            raise LocalError("recording is damaged: a checksum differs", found=f"{path} at {position}")
        split = _HEAD.size + name_bytes
        return Recorded(at_ns, raw[_HEAD.size : split].decode(), raw[split:], RecordKind(kind))
    except ValueError as e:
        raise LocalError(f"recording is damaged: {e}", found=f"{path} at {position}") from e

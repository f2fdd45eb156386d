"""Telemetry as JSON Lines, which can fail without the session noticing and says so without being asked.

Telemetry is for looking at, the journal for relying on: a record that cannot be written is counted and
dropped, and after the first trouble with the disk no further one is tried.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import msgspec

#: Most bytes of one record; a snapshot of a session with a hundred markets is a tenth of it.
MAX_LINE_BYTES: Final = 1024 * 1024

#: Most bytes of one file: a week of 1.7 kB four times a second.
MAX_FILE_BYTES: Final = 4 * 1024 * 1024 * 1024

_FLAGS: Final = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW


class TelemetryWriter:
    """Appends one JSON object per line to a file; no method raises.

    Args:
        path: made, readable by its owner alone, if it is not there. Its folder must exist.
        max_line_bytes: a longer record is dropped.
        max_file_bytes: a record that would make the file longer ends the writing.
    """

    def __init__(
        self, path: Path, *, max_line_bytes: int = MAX_LINE_BYTES, max_file_bytes: int = MAX_FILE_BYTES
    ) -> None:
        self._max_line_bytes = max_line_bytes
        self._max_file_bytes = max_file_bytes
        self._encoder = msgspec.json.Encoder(decimal_format="string")
        self._descriptor = -1
        self._size = 0
        self._written = 0
        self._failures = 0
        self._last_failure = ""
        self._disabled_reason = ""
        try:
            self._descriptor = os.open(path, _FLAGS, 0o600)
            self._size = os.fstat(self._descriptor).st_size
            if self._size and os.pread(self._descriptor, 1, self._size - 1) != b"\n":
                self._put(b"\n")  # ends the line that an earlier writer did not
        except OSError as e:
            self._disable(f"{path} cannot be opened: {e.strerror or e}")

    def write(self, record: msgspec.Struct | Mapping[str, Any]) -> None:
        """Write one record, or count a failure."""
        if self._disabled_reason:
            self._fail(self._disabled_reason)
            return
        try:
            line = self._encoder.encode(record) + b"\n"
        except Exception as e:  # noqa: BLE001 - whatever a value's encoding raises, the session goes on
            self._fail(f"a record cannot be spelled: {e}")
            return
        if not line.startswith(b"{"):
            self._fail(f"a record is no object but a {type(record).__name__}")
        elif len(line) > self._max_line_bytes:
            self._fail(f"a record has {len(line)} bytes, more than {self._max_line_bytes}")
        elif self._size + len(line) > self._max_file_bytes:
            self._disable(f"the file has reached {self._max_file_bytes} bytes")
            self._fail(self._disabled_reason)
        else:
            self._write_line(line)

    def close(self) -> None:
        """End the writing; harmless when it has ended before."""
        self._disable("it is closed")

    @property
    def written(self) -> int:
        """How many records were written."""
        return self._written

    @property
    def failures(self) -> int:
        """How many records were not written, for whatever reason."""
        return self._failures

    @property
    def last_failure(self) -> str:
        """Why the last of those was not written; empty if there is none."""
        return self._last_failure

    @property
    def disabled_reason(self) -> str:
        """Why nothing is written any more; empty while it is."""
        return self._disabled_reason

    def _write_line(self, line: bytes) -> None:
        try:
            self._put(line)
        except OSError as e:
            self._disable(f"it cannot be written: {e.strerror or e}")
            self._fail(self._disabled_reason)
        else:
            self._written += 1

    def _put(self, data: bytes) -> None:
        written = os.write(self._descriptor, data)
        self._size += written
        if written != len(data):
            raise OSError(f"only {written} of {len(data)} bytes were written")

    def _fail(self, reason: str) -> None:
        self._failures += 1
        self._last_failure = reason

    def _disable(self, reason: str) -> None:
        self._disabled_reason = self._disabled_reason or reason
        if self._descriptor >= 0:
            with suppress(OSError):
                os.close(self._descriptor)
            self._descriptor = -1

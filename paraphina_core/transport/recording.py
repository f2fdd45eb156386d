"""A recording as a source: every stream of it again, in its own time, and every answer to its question.

Times are moved, never stretched: how fast session time passes is the session's own affair.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from pathlib import Path

from paraphina_core.connector import Answer, Failure, HttpRequest, LocalSource
from paraphina_core.domain import LocalError

from .recorder import Recorded, RecordKind, question_of, read_recording


class Recording:
    """What one recording holds.

    Args:
        folder: where a `Recorder` wrote it.

    Raises:
        LocalError: it is damaged, or holds nothing.
        OSError: it cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._first_ns: int | None = None
        self._last_ns = 0
        frames: dict[str, int] = {}
        answers: dict[str, deque[Answer | Failure]] = {}
        for record in read_recording(folder):
            self._first_ns = record.at_ns if self._first_ns is None else self._first_ns
            self._last_ns = record.at_ns
            if record.kind is RecordKind.RESULT:
                answers.setdefault(record.stream, deque()).append(record.result)
            else:
                frames.setdefault(record.stream, 0)
                frames[record.stream] += record.kind is RecordKind.FRAME
        if self._first_ns is None:
            raise LocalError(
                "recording is empty", found=str(folder), wanted="a folder that `paraphina record` wrote"
            )
        #: Number of frames of each stream.
        self.frames: Mapping[str, int] = frames
        self._answers = answers

    @property
    def duration_ns(self) -> int:
        """From the first record to the last."""
        return self._last_ns - (self._first_ns or 0)

    def answer(self, request: HttpRequest) -> Answer | Failure | None:
        """Return the next recorded answer to a question, the last one for ever; None if there is none."""
        recorded = self._answers.get(question_of(request))
        if recorded is None:
            return None
        return recorded.popleft() if len(recorded) > 1 else recorded[0]

    def results(self) -> Iterator[tuple[int, str, Answer | Failure]]:
        """Yield every answer: how long after the beginning it came, the question, and what came."""
        for record in read_recording(self._folder):
            if record.kind is RecordKind.RESULT:
                yield record.at_ns - (self._first_ns or 0), record.stream, record.result

    def source(self, stream: str) -> LocalSource:
        """Return a stream of the recording.

        It ends where the recorded connection was closed, and `repeat` opens the next one. A session that
        opens it anew of its own accord goes on with the next recorded connection, too: what was left of
        the one before is lost, as it would have been at the venue.

        Raises:
            LocalError: the recording has no such stream.
        """
        if stream not in self.frames:
            raise LocalError(
                "the recording has no such stream", found=stream, wanted=", ".join(sorted(self.frames))
            )
        played = _Played(
            (record for record in read_recording(self._folder) if record.stream == stream),
            self._first_ns or 0,
        )
        return LocalSource(frames=played.frames, repeat=True, is_over=lambda: played.is_over)


class _Played:
    """One stream of a recording and how far it has been played."""

    def __init__(self, records: Iterator[Recorded], first_ns: int) -> None:
        self._records = (record for record in records if record.kind is not RecordKind.RESULT)
        self._first_ns = first_ns
        self._offset_ns: int | None = None
        self._is_connected = False
        self._next = next(self._records, None)

    @property
    def is_over(self) -> bool:
        return self._next is None

    def frames(self, start_ns: int) -> Iterator[tuple[int, bytes]]:
        if self._offset_ns is None:
            self._offset_ns = start_ns - self._first_ns
        while self._is_connected and self._next is not None and self._next.kind is not RecordKind.OPENED:
            self._advance()
        self._is_connected = False
        while (record := self._next) is not None:
            if record.kind is RecordKind.OPENED and self._is_connected:
                return  # the closing was not recorded
            self._is_connected = record.kind is not RecordKind.CLOSED
            self._advance()
            if record.kind is RecordKind.CLOSED:
                self._skip_to_opening()
                return
            if record.kind is RecordKind.FRAME:
                yield max(start_ns, record.at_ns + self._offset_ns), record.data

    def _skip_to_opening(self) -> None:
        """Pass over attempts that failed."""
        while self._next is not None and self._next.kind is RecordKind.CLOSED:
            self._advance()

    def _advance(self) -> None:
        self._next = next(self._records, None)

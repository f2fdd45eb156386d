"""Reading is checking: records come out only while every line follows from the one before."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from .chain import FIRST_PREVIOUS, MAX_LINE_BYTES, LineError, Record, decode_line
from .errors import DamageError, JournalError
from .layout import HEAD_NAME, Head, read_head, segment_name, segments


class Scan:
    """One walk over a journal; the attributes say how far it has come.

    Args:
        folder: the journal's folder.
        unfinished_start: accept that the head is missing while there is at most one record, as
            when the program died while it made the journal.

    Attributes:
        next_seq: number of the record that comes next.
        hash: hash of the last good line.
        segments: how many segments were begun.
        line: number of the last good line in it.
        size: bytes of the good lines in it.
        total_bytes: bytes of all good lines.
        torn_bytes: what follows the last good line and was never written to its end.
        head: the head as it was when the walk began; None where it is missing or unreadable.

    Raises:
        DamageError: a segment is missing.
        JournalError: there is no journal, or no such folder.
    """

    def __init__(self, folder: Path, *, unfinished_start: bool = False) -> None:
        self.next_seq = 0
        self.hash = FIRST_PREVIOUS
        self.segments = 0
        self.line = 0
        self.size = 0
        self.total_bytes = 0
        self.torn_bytes = 0
        self.head: Head | None = None
        self._unfinished_start = unfinished_start
        self._head_problem: DamageError | None = None
        # The head comes first: a program that is writing at this moment only adds to what it covers.
        try:
            self.head = read_head(folder)
        except DamageError as e:
            self._head_problem = e
        try:
            self._paths = segments(folder)
        except OSError as e:
            raise JournalError(f"{folder} cannot be read: {e.strerror}") from e
        if not (self._paths or unfinished_start or (folder / HEAD_NAME).exists()):
            raise JournalError(f"{folder} holds no journal", wanted=f"{HEAD_NAME} and {segment_name(1)}")

    def records(self) -> Iterator[Record]:
        """Yield every intact record in order.

        Raises:
            DamageError: at the first line or file that is not what was written there. A torn end
                of the last segment is no damage: the walk ends before it.
            JournalError: a file cannot be read.
        """
        try:
            for path in self._paths:
                yield from self._segment(path, is_last=path == self._paths[-1])
        except OSError as e:
            raise JournalError(f"the journal's file {e.filename} cannot be read: {e.strerror}") from e
        self._check_end()

    def _segment(self, path: Path, *, is_last: bool) -> Iterator[Record]:
        self.segments += 1
        self.line = self.size = 0
        with path.open("rb") as file:
            while line := file.readline(MAX_LINE_BYTES + 1):
                try:
                    digest, record = decode_line(line, self.hash, self.next_seq)
                except LineError as e:
                    if is_last and self._is_torn(line):
                        self.torn_bytes = path.stat().st_size - self.size
                        return
                    wanted = e.wanted
                    raise DamageError(
                        e.what, file=path.name, line=self.line + 1, found=e.found, wanted=wanted
                    ) from e
                self._check_head(digest)
                self.hash = digest
                self.next_seq += 1
                self.line += 1
                self.size += len(line)
                self.total_bytes += len(line)
                yield record
        if not self.line and not is_last:
            raise DamageError("the segment is empty", file=path.name)

    def _is_torn(self, line: bytes) -> bool:
        """Say whether a bad line is what a crash leaves behind, and not a change made later.

        A write that was cut short leaves the beginning of a line. A loss of power may also leave
        zeros where data never reached the disk, which no record can contain, and later data
        behind them. What the head covers had reached the disk and is never torn, nor is anything
        in a journal that was closed.
        """
        head = self.head
        if head is not None and (head.closed or head.seq >= self.next_seq):
            return False
        if b"\0" in line:
            return True
        return not line.endswith(b"\n") and len(line) <= MAX_LINE_BYTES and not self._is_whole(line[:-1])

    def _is_whole(self, line: bytes) -> bool:
        """Say whether this is the next record but for its line break: then what follows was changed."""
        try:
            decode_line(line + b"\n", self.hash, self.next_seq)
        except LineError:
            return False
        return True

    def _check_head(self, digest: bytes) -> None:
        head = self.head
        if head is None or head.seq > self.next_seq:
            return
        file, line = segment_name(self.segments), self.line + 1
        if head.seq < self.next_seq:
            if head.closed:
                raise DamageError("a record follows the end of the journal", file=file, line=line)
        elif digest.decode() != head.hash:
            raise DamageError(f"another hash stands in {HEAD_NAME}", file=file, line=line)
        elif head.segment != file:
            raise DamageError(f"{HEAD_NAME} places the record elsewhere", file=file, line=line)

    def _check_end(self) -> None:
        if self._head_problem is not None and not (
            self._unfinished_start and self.next_seq <= 1 and self.segments <= 1
        ):
            raise self._head_problem
        if self.head is None:
            return
        if self.head.seq >= self.next_seq:
            raise DamageError(
                "the end of the journal is missing",
                file=segment_name(self.segments) if self.segments else self.head.segment,
                line=self.line + 1,
                found=f"{self.next_seq} records",
                wanted=f"{self.head.seq + 1} or more, says {HEAD_NAME}",
            )


class Verification(msgspec.Struct, frozen=True, kw_only=True):
    """What checking a whole journal found.

    `problem` is empty when it is intact, else `file` and `line` are where it first is not (line 0:
    the file as a whole), and the counts are of what is intact before that. `torn_bytes` at the end
    are a record whose writing a crash cut short; the next start sets them aside. `closed` says that
    the journal was ended in good order, so that not even its last record can be missing.
    """

    problem: str
    file: str
    line: int
    records: int
    segments: int
    bytes: int
    kinds: dict[str, int]
    first_at_ns: int | None
    last_at_ns: int | None
    last_hash: str
    closed: bool
    torn_bytes: int

    @property
    def intact(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problem


def read(folder: Path, *, unfinished_start: bool = False) -> Iterator[Record]:
    """Yield the records of a journal in order, each checked before it comes out.

    A record cut short by a crash at the very end is left out.

    Args:
        folder: the journal's folder.
        unfinished_start: take a journal that a crash kept from being made for one without records,
            where else it is damage that there is no head.

    Raises:
        DamageError: at the first line or file that is not what was written there.
        JournalError: there is no journal, or it cannot be read.
    """
    return Scan(folder, unfinished_start=unfinished_start).records()


def verify(folder: Path) -> Verification:
    """Check a whole journal and name the first thing that is wrong.

    Raises:
        JournalError: there is no journal, or it cannot be read.
    """
    kinds: dict[str, int] = {}
    first: Record | None = None
    last: Record | None = None
    problem, file, line = "", "", 0
    scan: Scan | None = None
    try:
        scan = Scan(folder)
        for last in scan.records():
            first = first or last
            kinds[last.kind] = kinds.get(last.kind, 0) + 1
    except DamageError as e:
        problem, file, line = str(e), e.file, e.line
    return Verification(
        problem=problem,
        file=file,
        line=line,
        records=scan.next_seq if scan else 0,
        segments=scan.segments if scan else 0,
        bytes=scan.total_bytes if scan else 0,
        kinds=dict(sorted(kinds.items())),
        first_at_ns=first.at_ns if first else None,
        last_at_ns=last.at_ns if last else None,
        last_hash=scan.hash.decode() if scan else "",
        closed=bool(not problem and scan and scan.head and scan.head.closed),
        torn_bytes=scan.torn_bytes if scan else 0,
    )

"""The journal's only writer: a record is in the kernel's hands before `append` returns, or nothing is.

Whatever fails while writing or syncing closes the journal for good: what the disk then holds is not
known, so nothing is retried, and every later append is refused. A person or the next start looks at
what is there.

Groups may be synced by a thread of their own, because a disk takes milliseconds: what it reports is
heard before the next record is written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, NoReturn, Self

import msgspec

from paraphina_core.domain import NS_PER_MS, LocalError

from .chain import Record, check_json, encode_line
from .errors import JournalError
from .files import Disk, FileLayer, write_whole
from .frames import FRAME_KIND, encode_frame
from .layout import LOCK_NAME, MAX_SEGMENTS, Head, segment_name, write_head
from .lock import FileLock
from .recover import set_aside, survey

FORMAT: Final = 1

#: The writer's own kinds: the first record of a journal, and the first of each later opening.
GENESIS_KIND: Final = "genesis"
REOPENED_KIND: Final = "reopened"

_IN_DOUBT: Final = "a write was interrupted before its outcome was known"
_CLOSED: Final = "it is closed"


class SyncPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """When records are made to outlive a loss of power; a death of the process alone loses none.

    Args:
        always: sync each record before `append` returns, instead of in groups.
        interval_ms: in groups: longest time a record waits, as far as `sync_if_due` is called.
        aside: in groups: a thread syncs, and `sync_if_due` does not wait for it; a record then waits for
            the group before it too.
        volatile_kinds: records that ask for no sync, because they can be lost: market data. Every
            other kind is synced, also one that nobody thought of here.
    """

    always: bool = False
    interval_ms: float = 5.0
    aside: bool = False
    volatile_kinds: frozenset[str] = frozenset({FRAME_KIND})

    def __post_init__(self) -> None:
        if not 0 <= self.interval_ms <= 60_000:  # noqa: PLR2004 - a minute, said in the error
            raise LocalError(
                "the sync interval is out of range", found=self.interval_ms, wanted="0 to 60000 ms"
            )


class _Genesis(msgspec.Struct, frozen=True, kw_only=True):
    format: int
    identity: dict[str, str]


class JournalWriter:
    """Appends records to the journal of one folder, which it holds alone until `close`.

    A folder that already holds a journal is checked from its first line on and continued; a record
    that a crash cut short is set aside as `*.torn`.

    Args:
        folder: made if it is not there.
        at_ns: session time of the opening.
        identity: what a journal belongs to (run, account, network, version...). It stands in the
            first record, and a journal with another identity is refused.
        files: the disk.
        sync: when records are synced.
        segment_bytes: a segment that would become larger is followed by a new one.
        anchor_bytes: how much may be written before the head is brought up to date: what stands
            behind the head can be cut off without a trace.

    Raises:
        DamageError: the journal is damaged.
        JournalError: another process is writing it, it belongs to something else, or the disk
            refuses.
    """

    def __init__(
        self,
        folder: Path,
        *,
        at_ns: int,
        identity: Mapping[str, str] | None = None,
        files: FileLayer | None = None,
        sync: SyncPolicy | None = None,
        segment_bytes: int = 64 * 1024 * 1024,
        anchor_bytes: int = 1024 * 1024,
    ) -> None:
        if not (segment_bytes > 0 and anchor_bytes > 0):
            raise LocalError(
                "a journal's segments and anchors need a size",
                found=(segment_bytes, anchor_bytes),
                wanted="1 byte or more",
            )
        self._folder = folder
        self._files: FileLayer = files or Disk()
        self._policy = sync or SyncPolicy()
        self._interval_ns = int(self._policy.interval_ms * NS_PER_MS)
        self._segment_bytes = segment_bytes
        self._anchor_bytes = anchor_bytes
        self._descriptor = -1
        self._segment_number = 0
        self._size = 0
        self._next_seq = 0
        self._hash = b""
        self._unsynced_since_ns: int | None = None  # of records that ask for a sync
        self._unanchored_bytes = 0
        self._closed = False
        self._failure = ""
        self._syncer = ThreadPoolExecutor(1, "journal-sync") if self._policy.aside else None
        self._syncing: Future[None] | None = None
        try:
            self._files.make_folder(folder)
        except OSError as e:
            raise JournalError(f"the journal's folder {folder} cannot be made: {e.strerror}") from e
        self._lock = FileLock(folder / LOCK_NAME, f"the journal {folder}")
        try:
            self._open(at_ns, dict(identity or {}))
        except OSError as e:
            self._release()
            raise JournalError(
                f"the journal {folder} cannot be opened: {e.strerror or e}", found=e.filename
            ) from e
        except BaseException:
            self._release()
            raise

    def append(self, kind: str, at_ns: int, data: bytes) -> int:
        """Write one record and return its number.

        When this returns, the record outlives the death of this process; it outlives a loss of
        power when it is synced (`SyncPolicy`).

        Args:
            kind: what the record is, as a short lower-case name.
            at_ns: session time.
            data: one JSON value, ready to be written, on one line.

        Raises:
            LocalError: the record is none; the journal is as it was.
            JournalError: the journal failed, now or before; nothing may be done that needs a record.
        """
        check_json(data)
        return self._append(kind, at_ns, data)

    def record_frame(self, at_ns: int, connector: str, stream: str, frame: bytes) -> int:
        """Write down a frame as it arrived; `decode_frame` gives back the same bytes.

        Raises:
            LocalError, JournalError: as in `append`.
        """
        return self._append(FRAME_KIND, at_ns, encode_frame(connector, stream, frame))

    def sync(self) -> None:
        """Return once every record outlives a loss of power.

        Raises:
            JournalError: the journal failed, now or before.
        """
        self._await_syncer()
        self._refuse_if_failed()
        self._guarded("synced", self._sync)

    def sync_if_due(self, at_ns: int) -> None:
        """Sync if a record that asks for it has waited long enough, or much was written since the last.

        With a thread for it, this begins the sync; what comes of it is heard with the next record.

        Raises:
            JournalError: the journal failed, now or before.
        """
        self._refuse_if_failed()
        since = self._unsynced_since_ns
        waited = since is not None and not (at_ns - since < self._interval_ns)
        if not (waited or self._unanchored_bytes >= self._anchor_bytes):
            return
        if self._syncer is None:
            self.sync()
        elif self._syncing is None:
            self._begin_sync(self._syncer)
        elif waited:
            self._unsynced_since_ns = at_ns  # look again after another interval

    def close(self) -> None:
        """Sync, say in the head that this is the end, and let others have the folder.

        Harmless when it was closed before or has failed: a failed journal is left as it is.

        Raises:
            JournalError: the last sync failed.
        """
        if self._closed:
            return
        self._closed = True
        try:
            self._await_syncer()
            if not self._failure:
                self._guarded("closed", self._finish)
        finally:
            self._failure = self._failure or _CLOSED
            self._release()

    @property
    def next_sync_ns(self) -> int | None:
        """When `sync_if_due` will have a record to sync, in session time; None while there is none."""
        since = self._unsynced_since_ns
        return None if since is None else since + self._interval_ns

    @property
    def head(self) -> Head:
        """The last record that was written, synced or not."""
        return self._head_now(closed=False)

    @property
    def failure(self) -> str:
        """Why nothing can be written any more; empty while it can."""
        return self._failure

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _append(self, kind: str, at_ns: int, data: bytes) -> int:
        self._refuse_if_failed()
        seq = self._next_seq
        digest, line = encode_line(self._hash, seq, at_ns, kind, data)
        if self._size and self._size + len(line) > self._segment_bytes:
            self._await_syncer()
            self._refuse_if_failed()
            self._guarded("continued in a new segment", self._begin_next_segment)
        self._failure = _IN_DOUBT
        try:
            write_whole(self._files, self._descriptor, line)
        except OSError as e:
            self._fail("written", e)
        self._hash = digest
        self._next_seq = seq + 1
        self._size += len(line)
        self._unanchored_bytes += len(line)
        self._failure = ""
        if kind not in self._policy.volatile_kinds:
            if self._unsynced_since_ns is None:
                self._unsynced_since_ns = at_ns
            if self._policy.always:
                self.sync()
        return seq

    def _open(self, at_ns: int, identity: dict[str, str]) -> None:
        found = survey(self._folder)
        if found.first is not None:
            _check_origin(found.first, identity)
        torn_file = set_aside(self._folder, found, self._files)
        self._next_seq, self._hash = found.next_seq, found.hash
        self._segment_number, self._size = max(found.segments, 1), found.size
        if found.first is not None and (found.head is None or found.head.closed):
            head = found.head or self._head_now(closed=False)  # without one there is a first record only
            write_head(self._files, self._folder, msgspec.structs.replace(head, closed=False))
        path = self._folder / segment_name(self._segment_number)
        self._descriptor = self._files.open(path) if found.segments else self._files.create(path)
        self._files.sync_folder(self._folder)
        if found.first is None:
            genesis = _Genesis(format=FORMAT, identity=identity)
            self._append(GENESIS_KIND, at_ns, msgspec.json.encode(genesis, order="deterministic"))
        else:
            torn = {"torn_bytes": found.torn_bytes, "torn_file": torn_file}
            self._append(REOPENED_KIND, at_ns, msgspec.json.encode(torn))
        self._guarded("synced", self._anchor)

    def _begin_sync(self, syncer: ThreadPoolExecutor) -> None:
        head = self._head_now(closed=False) if self._unanchored_bytes >= self._anchor_bytes else None
        descriptor = self._descriptor

        def work() -> None:
            self._files.sync(descriptor)
            if head is not None:
                write_head(self._files, self._folder, head)

        self._unsynced_since_ns = None
        if head is not None:
            self._unanchored_bytes = 0
        self._syncing = syncer.submit(work)

    def _hear_syncer(self) -> None:
        """Take what a sync that is done has to say."""
        done, self._syncing = self._syncing, None
        error = None if done is None else done.exception()
        if error is not None and not self._failure:
            what = error.strerror or error if isinstance(error, OSError) else error
            self._failure = f"it could not be synced: {what}"

    def _await_syncer(self) -> None:
        """Let a sync that has begun come to its end."""
        if self._syncing is not None:
            wait((self._syncing,))
            self._hear_syncer()

    def _sync(self) -> None:
        self._files.sync(self._descriptor)
        self._unsynced_since_ns = None
        if self._unanchored_bytes >= self._anchor_bytes:
            self._write_head(closed=False)

    def _anchor(self) -> None:
        self._sync()
        self._write_head(closed=False)

    def _finish(self) -> None:
        self._sync()
        self._write_head(closed=True)

    def _begin_next_segment(self) -> None:
        if self._segment_number >= MAX_SEGMENTS:
            raise OSError(f"the journal has {MAX_SEGMENTS} segments, which is the most it can have")
        self._anchor()
        descriptor = self._files.create(self._folder / segment_name(self._segment_number + 1))
        self._files.close(self._descriptor)
        self._descriptor = descriptor
        self._files.sync_folder(self._folder)
        self._segment_number += 1
        self._size = 0

    def _write_head(self, *, closed: bool) -> None:
        write_head(self._files, self._folder, self._head_now(closed=closed))
        self._unanchored_bytes = 0

    def _head_now(self, *, closed: bool) -> Head:
        segment = segment_name(self._segment_number)
        return Head(seq=self._next_seq - 1, hash=self._hash.decode(), segment=segment, closed=closed)

    def _guarded(self, doing: str, step: Callable[[], None]) -> None:
        """Run a step after which the journal can go on; after anything else it cannot."""
        self._failure = _IN_DOUBT
        try:
            step()
        except OSError as e:
            self._fail(doing, e)
        self._failure = ""

    def _fail(self, doing: str, error: OSError) -> NoReturn:
        self._failure = f"it could not be {doing}: {error.strerror or error}"
        raise self._failed() from error

    def _refuse_if_failed(self) -> None:
        if self._syncing is not None and self._syncing.done():
            self._hear_syncer()
        if self._failure:
            raise self._failed()

    def _failed(self) -> JournalError:
        remedy = "free or repair the disk and start again; the next start checks what was written"
        return JournalError(
            f"the journal {self._folder} takes no record: {self._failure}",
            remedy=None if self._failure == _CLOSED else remedy,
        )

    def _release(self) -> None:
        if self._descriptor >= 0:
            # What close reports is late news of a write; the sync before it has spoken already.
            with suppress(OSError):
                self._files.close(self._descriptor)
            self._descriptor = -1
        if self._syncer is not None:
            self._syncer.shutdown()
        self._lock.release()


def _check_origin(first: Record, identity: dict[str, str]) -> None:
    if first.kind != GENESIS_KIND:
        raise JournalError("the journal does not begin like one", found=first.kind, wanted=GENESIS_KIND)
    try:
        genesis = msgspec.json.decode(first.data, type=_Genesis)
    except msgspec.MsgspecError as e:
        raise JournalError(f"the journal does not begin like one: {e}") from e
    other = "keep this folder and give another one"
    if genesis.format != FORMAT:
        raise JournalError(
            "the journal has another format", found=genesis.format, wanted=f"{FORMAT}", remedy=other
        )
    if genesis.identity != identity:
        names = sorted(genesis.identity.keys() | identity.keys())
        differ = [name for name in names if genesis.identity.get(name) != identity.get(name)]
        raise JournalError(
            f"the journal belongs to something else: {', '.join(differ)}",
            found={name: genesis.identity.get(name) for name in differ},
            wanted=f"{ ({name: identity.get(name) for name in differ})!r}",
            remedy=other,
        )

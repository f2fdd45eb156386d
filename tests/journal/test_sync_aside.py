"""A thread may sync the journal: nobody waits for the disk, and nothing that it reports is lost."""

from __future__ import annotations

import errno
import threading
from pathlib import Path

import pytest

from journal_disks import CountedDisk
from paraphina_core.journal import JournalError, JournalWriter, SyncPolicy, verify

MS = 1_000_000
ASIDE = SyncPolicy(interval_ms=5, aside=True)


class SlowDisk(CountedDisk):
    """A disk on which the syncs of the syncing thread end when the test says so, well or badly."""

    def __init__(self) -> None:
        super().__init__()
        self.may_end = threading.Event()
        self.begun = threading.Semaphore(0)
        self.error: OSError | None = None
        self.synced = 0

    def sync(self, descriptor: int) -> None:
        """Wait in the syncing thread, and there alone."""
        if threading.current_thread() is not threading.main_thread():
            self.begun.release()
            assert self.may_end.wait(10)
            if self.error is not None:
                raise self.error
        self.synced += 1

    def wait_for_begin(self) -> None:
        """Return once the thread syncs."""
        assert self.begun.acquire(timeout=10)


def writer(folder: Path, disk: SlowDisk, **changes: int) -> JournalWriter:
    """Open a journal whose groups are synced by a thread."""
    opened = JournalWriter(folder, at_ns=0, files=disk, sync=ASIDE, **changes)
    opened.sync()
    return opened


def test_records_are_written_while_the_disk_still_syncs_the_ones_before(tmp_path: Path) -> None:
    """A slow disk delays no order; a record that came meanwhile waits for the next group."""
    disk = SlowDisk()
    with writer(tmp_path, disk) as journal:
        journal.append("place", 1 * MS, b"{}")
        assert journal.next_sync_ns == 6 * MS
        journal.sync_if_due(6 * MS)
        disk.wait_for_begin()
        assert journal.next_sync_ns is None
        journal.append("place", 7 * MS, b"{}")
        journal.sync_if_due(12 * MS)
        assert journal.next_sync_ns == 17 * MS  # the first group is not done: look again later
        synced = disk.synced
        disk.may_end.set()
        journal.sync()
        assert disk.synced == synced + 2  # that of the thread, and this one
        assert journal.next_sync_ns is None
    assert verify(tmp_path).records == 3


def test_f075_what_a_sync_reports_is_heard_before_the_next_record(tmp_path: Path) -> None:
    """After it nothing is written any more: what the disk holds is not known."""
    disk = SlowDisk()
    journal = writer(tmp_path, disk)
    journal.append("place", 1 * MS, b"{}")
    disk.error = OSError(errno.EIO, "Input/output error")
    disk.may_end.set()
    journal.sync_if_due(6 * MS)
    with pytest.raises(JournalError, match="could not be synced"):
        journal.sync()
    with pytest.raises(JournalError, match="could not be synced"):
        journal.append("place", 8 * MS, b"{}")
    journal.close()
    assert "synced" in journal.failure


def test_f075_a_new_segment_waits_for_the_sync_of_the_one_before(tmp_path: Path) -> None:
    """A file is not closed while it is being synced, and a failure there is not passed over."""
    for error in (None, OSError(errno.EIO, "Input/output error")):
        disk = SlowDisk()
        folder = tmp_path / str(error)
        journal = writer(folder, disk, segment_bytes=300)
        journal.append("place", 1 * MS, b"{}")
        journal.sync_if_due(6 * MS)
        disk.wait_for_begin()
        disk.error = error
        threading.Timer(0.02, disk.may_end.set).start()
        if error is None:
            journal.append("place", 7 * MS, b'{"a":"%s"}' % (b"x" * 200))
            journal.close()
            assert verify(folder).records == 3
        else:
            with pytest.raises(JournalError):
                journal.append("place", 7 * MS, b'{"a":"%s"}' % (b"x" * 200))
            journal.close()


def test_closing_waits_for_a_sync_that_has_begun_and_leaves_no_thread(tmp_path: Path) -> None:
    """The head that says that the journal is complete comes last."""
    disk = SlowDisk()
    journal = writer(tmp_path, disk, anchor_bytes=1)
    journal.append("frame", 1 * MS, b"{}")
    journal.sync_if_due(1 * MS)  # much was written: the head is brought up to date by the thread
    disk.wait_for_begin()
    threading.Timer(0.02, disk.may_end.set).start()
    journal.close()
    assert verify(tmp_path).records == 2
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("journal-sync")]

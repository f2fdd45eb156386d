"""A disk that refuses stops the journal for good; what it took before is whole at the next start."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

import pytest

from journal_disks import CALLS, CountedDisk, FailingDisk, die
from paraphina_core.journal import JournalError, JournalWriter, SyncPolicy, read, verify

if TYPE_CHECKING:
    from pathlib import Path

    from paraphina_core.journal import FileLayer

POLICY = SyncPolicy(always=True)


def use(folder: Path, disk: FileLayer, acknowledged: list[bytes]) -> None:
    """Open, write over several segments, close; note each record that `append` said was written."""
    with JournalWriter(
        folder, at_ns=0, files=disk, sync=POLICY, segment_bytes=500, anchor_bytes=300
    ) as writer:
        for number in range(8):
            data = b'{"order":%d,"after":%d}' % (number, len(acknowledged))
            if number % 3:
                writer.append("order", number, data)
            else:
                writer.record_frame(number, "mock", "orders", data)
            acknowledged.append(data)


def written(folder: Path) -> list[bytes]:
    """Return what is in the journal, without the writer's own records."""
    own = {"genesis", "reopened"}
    return [record.data for record in read(folder) if record.kind not in own]


def crash_and_tear(folder: Path) -> None:
    """Leave a journal as a dying process does: not closed, with the beginning of a line at its end."""
    writer = JournalWriter(folder, at_ns=0, sync=POLICY, segment_bytes=500)
    writer.append("order", 1, b"{}")
    segment = max(folder.glob("*.jsonl"))
    die(writer)
    with segment.open("ab") as file:
        file.write(b"0123456789abcdef")


def keeps(found: list[bytes], acknowledged: list[bytes]) -> bool:
    """Say whether all that was acknowledged is there in order, and at most one record more.

    That one was written, but its sync or the head after it failed, so it was not acknowledged.
    """
    rest = iter(found)
    in_order = all(any(_holds(record, data) for record in rest) for data in acknowledged)
    return in_order and len(found) - len(acknowledged) in {0, 1}


def _holds(record: bytes, data: bytes) -> bool:
    return record == data or data.replace(b'"', b'\\"') in record  # a frame stands in a string


def _calls_of_one_use(folder: Path) -> list[str]:
    disk = CountedDisk()
    use(folder, disk, [])
    return disk.names


@pytest.mark.parametrize("taken", [0.0, 0.01, 0.5, 0.99])
def test_f074_a_full_disk_at_any_write_loses_nothing_acknowledged(tmp_path: Path, taken: float) -> None:
    """At each write in turn the disk takes nothing or a part; what was acknowledged is there afterwards."""
    writes = _calls_of_one_use(tmp_path / "sound").count("write")
    assert writes > 15
    for number in range(1, writes + 1):
        folder = tmp_path / f"{number}"
        disk = FailingDisk(number, name="write", code=errno.ENOSPC, taken=taken)
        acknowledged: list[bytes] = []
        with pytest.raises(JournalError, match=r"No space left|were written"):
            use(folder, disk, acknowledged)
        assert disk.failed
        use(folder, CountedDisk(), acknowledged)
        assert keeps(written(folder), acknowledged), number
        assert verify(folder).closed


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("found", ["nothing", "closed", "torn"])
def test_f075_any_call_that_fails_stops_the_journal_and_spoils_nothing(
    tmp_path: Path, name: str, found: str
) -> None:
    """At each call of each kind in turn, also while a journal is begun, repaired or closed."""

    def prepare(folder: Path) -> None:
        if found == "closed":
            use(folder, CountedDisk(), [])
        elif found == "torn":
            crash_and_tear(folder)

    prepare(tmp_path / "sound")
    calls = _calls_of_one_use(tmp_path / "sound").count(name)
    for number in range(1, calls + 1):
        folder = tmp_path / f"{number}"
        prepare(folder)
        before = written(folder) if folder.exists() else []
        disk = FailingDisk(number, name=name)
        acknowledged: list[bytes] = []
        with pytest.raises(JournalError):
            use(folder, disk, acknowledged)
        assert disk.failed
        use(folder, CountedDisk(), acknowledged)
        after = written(folder)
        assert after[: len(before)] == before
        assert keeps(after[len(before) :], acknowledged), number
        assert verify(folder).closed


def test_the_faults_above_reach_every_kind_of_call(tmp_path: Path) -> None:
    """No call of the file layer is left out because nothing in the test uses it."""
    crash_and_tear(tmp_path / "torn")
    assert set(_calls_of_one_use(tmp_path / "torn")) | {"create"} == set(CALLS)


def _append_nine(writer: JournalWriter) -> None:
    for _ in range(9):
        writer.append("order", 1, b"{}")


@pytest.mark.parametrize("name", ["write", "sync", "create", "replace", "sync_folder"])
def test_after_a_failure_every_use_is_refused_with_the_reason(tmp_path: Path, name: str) -> None:
    """The first failure is the last word: no retry, no further call to the disk, closing is quiet."""
    folder = tmp_path / "journal"
    disk = FailingDisk(10**9, name=name)
    writer = JournalWriter(folder, at_ns=0, files=disk, sync=POLICY, segment_bytes=500)
    disk._number = disk.names.count(name) + 1  # noqa: SLF001 - the next one
    with pytest.raises(JournalError) as first:
        _append_nine(writer)
    assert "Input/output error" in writer.failure
    calls = disk.calls
    for refused in (lambda: writer.append("order", 1, b"{}"), writer.sync, lambda: writer.sync_if_due(0)):
        with pytest.raises(JournalError) as again:
            refused()
        assert str(again.value) == str(first.value)
    writer.close()
    assert disk.calls == calls
    assert not verify(folder).closed


def test_a_write_interrupted_by_an_exception_stops_the_journal(tmp_path: Path) -> None:
    """Ctrl-C within a write leaves its outcome unknown, so nothing may follow it."""

    def interrupt(name: str, _number: int) -> None:
        if armed and name == "write":
            raise KeyboardInterrupt

    armed = False
    writer = JournalWriter(tmp_path / "journal", at_ns=0, files=CountedDisk(interrupt))
    armed = True
    with pytest.raises(KeyboardInterrupt):
        writer.append("order", 1, b"{}")
    armed = False
    with pytest.raises(JournalError, match="before its outcome was known"):
        writer.append("order", 1, b"{}")


def test_a_folder_that_cannot_be_made_is_refused_in_words(tmp_path: Path) -> None:
    """A file in the way is named, and no trace of Python reaches the operator."""
    (tmp_path / "run").write_bytes(b"")
    with pytest.raises(JournalError, match=r"run/journal cannot be made: File exists"):
        JournalWriter(tmp_path / "run" / "journal", at_ns=0)

"""A loss of power at any moment: everything that was synced is there afterwards, and the chain is whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from journal_disks import CountedDisk, PowerCutDisk, PowerCutError, die
from paraphina_core.journal import JournalWriter, SyncPolicy, read, verify

if TYPE_CHECKING:
    from pathlib import Path

POLICIES = {"grouped": SyncPolicy(interval_ms=3e-6), "always": SyncPolicy(always=True)}


class Work:
    """Writes a journal, and remembers what must still be there when the power comes back."""

    def __init__(self, folder: Path, policy: SyncPolicy) -> None:
        self._folder = folder
        self._policy = policy
        self.written: list[bytes] = []
        self.synced = 0

    def run(self, disk: PowerCutDisk, first: int) -> None:
        """Write ten records, the frames among them larger than a segment."""
        with JournalWriter(
            self._folder, at_ns=0, files=disk, sync=self._policy, segment_bytes=900, anchor_bytes=700
        ) as writer:
            for number in range(first, first + 10):
                if number % 4 == 3:
                    data = b"frame %d" % number * 100
                    self.written.append(data)
                    writer.record_frame(number, "mock", "books", data)
                else:
                    data = b'{"order":%d}' % number
                    self.written.append(data)
                    writer.append("order", number, data)
                    if self._policy.always:
                        self.synced = len(self.written)
                calls = disk.calls
                writer.sync_if_due(number)
                if disk.calls > calls:
                    self.synced = len(self.written)
        self.synced = len(self.written)


def found_in(folder: Path) -> list[bytes]:
    """Return what stands in the journal of what `Work` wrote."""
    data = [record.data for record in read(folder) if record.kind in {"order", "frame"}]
    return [text if b"order" in text else text.split(b'"')[-2] for text in data]


@pytest.mark.parametrize("policy", sorted(POLICIES))
@pytest.mark.parametrize("begin", ["new", "closed"])
def test_f070_whatever_was_synced_outlives_a_loss_of_power_at_any_call(
    tmp_path: Path, policy: str, begin: str
) -> None:
    """The power goes at each call to the disk in turn, also during a repair, and after the close."""
    sound = PowerCutDisk(tmp_path / "sound")
    Work(tmp_path / "sound", POLICIES[policy]).run(sound, 0)
    assert sound.names.count("sync") > 10
    torn = zeros = 0
    for cut_at in range(1, sound.calls + 1):
        folder = tmp_path / f"{cut_at}"
        work = Work(folder, POLICIES[policy])
        cuts = [cut_at, cut_at // 2 + 1, 0]
        for attempt, cut in enumerate([0, *cuts] if begin == "closed" else cuts):
            disk = PowerCutDisk(folder, cut)
            try:
                work.run(disk, attempt * 10)
            except PowerCutError:
                if not folder.exists():
                    continue
            disk.restart(seed=cut_at)
            if not (folder / "head.json").exists():
                assert not work.synced
                continue
            found = found_in(folder)
            assert verify(folder).intact, verify(folder).problem
            assert found[: work.synced] == work.written[: work.synced], cut_at
            assert found == work.written[: len(found)]
            # What was neither synced nor found is gone, and the next start does not know of it.
            work.written, work.synced = found, len(found)
        kept = [path.read_bytes() for path in folder.glob("*.torn")]
        torn += bool(kept)
        zeros += any(b"\0" in tail for tail in kept)
    assert torn > 10  # the power cuts of this test do leave something to repair
    assert zeros > 3


def test_f073_a_torn_end_is_never_lost_while_it_is_set_aside(tmp_path: Path) -> None:
    """Whenever the power goes during a repair, the bytes are still in the segment, or already beside it."""
    tail = b"0123456789"
    cuts = 0
    for cut_at in range(1, 30):
        for seed in range(8):
            folder = tmp_path / f"{cut_at}-{seed}"
            JournalWriter(folder, at_ns=0, files=CountedDisk()).close()
            (folder / "head.json").write_bytes((folder / "head.json").read_bytes().replace(b"true", b"false"))
            segment = folder / "000001.jsonl"
            whole = segment.read_bytes() + tail
            segment.write_bytes(whole)
            disk = PowerCutDisk(folder, cut_at)
            try:
                JournalWriter(folder, at_ns=1, files=disk).close()
            except PowerCutError:
                cuts += 1
            disk.restart(seed)
            kept = [path.read_bytes() for path in folder.glob("*.torn")]
            assert tail in kept or segment.read_bytes() == whole, (cut_at, seed)
    assert cuts > 100


def test_what_was_not_synced_can_be_lost(tmp_path: Path) -> None:
    """The disk of this test does forget: without a sync, nothing of a record is promised."""
    folder = tmp_path / "journal"
    disk = PowerCutDisk(folder)
    writer = JournalWriter(folder, at_ns=0, files=disk)
    for number in range(20):
        writer.append("order", number, b"{}")
    die(writer)
    disk.restart(seed=1)
    JournalWriter(folder, at_ns=1).close()
    assert verify(folder).kinds.get("order", 0) < 20

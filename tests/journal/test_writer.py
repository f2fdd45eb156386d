"""What is appended comes out again; what is no record is refused; a journal has one writer."""

from __future__ import annotations

import base64
import json
import os
import resource
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journal_disks import CountedDisk
from paraphina_core.connector import MAX_FRAME_BYTES
from paraphina_core.domain import NS_PER_MS, LocalError
from paraphina_core.journal import (
    MAX_DATA_BYTES,
    JournalError,
    JournalWriter,
    SyncPolicy,
    decode_frame,
    read,
    verify,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder that is not there yet, in one that is not there either."""
    return tmp_path / "run" / "journal"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(values=st.lists(json_values, max_size=6), segment_bytes=st.integers(1, 2000))
def test_any_json_comes_back_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, values: list[Any], segment_bytes: int
) -> None:
    """Data is kept to the byte, in order, wherever segments end."""
    folder = tmp_path_factory.mktemp("any") / "journal"
    texts = [json.dumps(value, ensure_ascii=index % 2 == 0).encode() for index, value in enumerate(values)]
    with JournalWriter(folder, at_ns=0, segment_bytes=segment_bytes) as writer:
        numbers = [writer.append("value", index, text) for index, text in enumerate(texts)]
    records = list(read(folder))[1:]
    assert [record.data for record in records] == texts
    assert [record.seq for record in records] == numbers == list(range(1, len(texts) + 1))
    assert verify(folder).intact


frames = st.one_of(
    st.binary(max_size=200),
    st.text(max_size=100).map(str.encode),
    json_values.map(json.dumps).map(str.encode),
)


@given(sent=st.lists(frames, max_size=5), stream=st.text(max_size=20))
def test_any_frame_comes_back_byte_for_byte(
    tmp_path_factory: pytest.TempPathFactory, sent: list[bytes], stream: str
) -> None:
    """Text, broken text and binary alike."""
    folder = tmp_path_factory.mktemp("frames") / "journal"
    with JournalWriter(folder, at_ns=0) as writer:
        for frame in sent:
            writer.record_frame(5, "mock", stream, frame)
    found = [decode_frame(record) for record in read(folder) if record.kind == "frame"]
    assert [frame.frame for frame in found] == sent
    assert {(frame.connector, frame.stream) for frame in found} <= {("mock", stream)}


@pytest.mark.parametrize("byte", [b"\0", b'"', b"\\", b"\xff", b"x", b"\x7f", "é".encode()])
def test_the_largest_frame_fits_whatever_is_in_it(folder: Path, byte: bytes) -> None:
    """No venue can send something that a connector may read and the journal cannot keep."""
    frame = byte * (MAX_FRAME_BYTES // len(byte))
    with JournalWriter(folder, at_ns=0) as writer:
        writer.record_frame(1, "mock", "books", frame)
    assert decode_frame(list(read(folder))[1]).frame == frame
    assert (folder / "000001.jsonl").stat().st_size < 2 * MAX_FRAME_BYTES + 2000


def test_a_text_frame_can_be_read_with_the_eye(folder: Path) -> None:
    """Text stands as a JSON string, bytes as base64 under their name."""
    with JournalWriter(folder, at_ns=0) as writer:
        writer.record_frame(5, "mock", "books", b'{"px":"1"}')
        writer.record_frame(5, "mock", "books", b"\xff\x00")
    data = [json.loads(record.data)["frame"] for record in read(folder) if record.kind == "frame"]
    assert data == ['{"px":"1"}', {"base64": base64.b64encode(b"\xff\x00").decode()}]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"nan",
        b"NaN",
        b"{",
        b"{}}",
        b'1,"seq":9',
        b'"\xff"',
        b'"\n"',
        b'{"a":\n1}',
        b"\0",
        b"[" * 100_000 + b"]" * 100_000,
    ],
)
def test_what_is_no_json_on_one_line_is_refused_and_harms_nothing(folder: Path, data: bytes) -> None:
    """A wrong record is its author's error; the next right one is taken."""
    with JournalWriter(folder, at_ns=0) as writer:
        with pytest.raises(LocalError) as raised:
            writer.append("order", 1, data)
        assert not isinstance(raised.value, JournalError)
        assert writer.append("order", 1, b"{}") == 1
    assert verify(folder).records == 2


@pytest.mark.parametrize("kind", ["", "Order", "a b", 'a"', "1a", "a" * 41, "é", "a\n"])
def test_a_kind_that_is_no_name_is_refused(folder: Path, kind: str) -> None:
    """A kind cannot break out of its place in the line."""
    with JournalWriter(folder, at_ns=0) as writer, pytest.raises(LocalError, match="kind"):
        writer.append(kind, 1, b"{}")
    assert verify(folder).records == 1


@pytest.mark.parametrize("at_ns", [-1, 10**19])
def test_a_time_out_of_range_is_refused(folder: Path, at_ns: int) -> None:
    """Times are what a reader can read back."""
    with JournalWriter(folder, at_ns=0) as writer, pytest.raises(LocalError, match="time"):
        writer.append("order", at_ns, b"{}")
    assert verify(folder).intact


def test_the_largest_record_is_taken_and_one_byte_more_is_refused(folder: Path) -> None:
    """The limit holds exactly, for records and for frames, and the journal goes on."""
    largest = b'"' + b"x" * (MAX_DATA_BYTES - 2) + b'"'
    with JournalWriter(folder, at_ns=10**19 - 1) as writer:
        writer.append("k" * 40, 10**19 - 1, largest)
        with pytest.raises(LocalError, match="too large"):
            writer.append("order", 1, largest[:-1] + b'x"')
        with pytest.raises(LocalError, match="too large"):
            writer.record_frame(1, "mock", "books", largest)
        writer.append("order", 1, b"{}")
    assert [len(record.data) for record in read(folder)][1:] == [MAX_DATA_BYTES, 2]


def test_a_segment_that_would_grow_too_large_is_followed_by_a_new_one(folder: Path) -> None:
    """Segments stay under their size, but for a record that is larger by itself."""
    with JournalWriter(folder, at_ns=0, segment_bytes=1000) as writer:
        for size in [10, 400, 400, 3000, 10, 10]:
            writer.append("order", 1, b'"%b"' % (b"x" * size))
    sizes = [path.stat().st_size for path in sorted(folder.glob("*.jsonl"))]
    assert len(sizes) == 4
    assert [size > 1000 for size in sizes] == [False, False, True, False]
    assert verify(folder).intact


def test_a_record_is_in_the_kernels_hands_when_append_returns(folder: Path) -> None:
    """Another process sees it at once, synced or not."""
    with JournalWriter(folder, at_ns=0) as writer:
        for number in range(1, 5):
            writer.append("order", 1, b"{}")
            assert verify(folder).records == number + 1


def test_the_head_property_is_the_last_record_written(folder: Path) -> None:
    """Number and hash are those that a reader computes."""
    with JournalWriter(folder, at_ns=0, segment_bytes=300) as writer:
        for _ in range(5):
            writer.append("order", 1, b"{}")
            found = verify(folder)
            assert (writer.head.seq, writer.head.hash) == (found.records - 1, found.last_hash)
            assert writer.head.segment == f"{found.segments:06d}.jsonl"


def test_a_reopened_journal_goes_on_and_says_so(folder: Path) -> None:
    """Numbers and chain continue; a record marks where a new process took over."""
    with JournalWriter(folder, at_ns=1, identity={"run": "7"}) as writer:
        writer.append("order", 2, b"{}")
    with JournalWriter(folder, at_ns=3, identity={"run": "7"}) as writer:
        assert not verify(folder).closed
        assert writer.append("order", 4, b"{}") == 3
    assert [record.kind for record in read(folder)] == ["genesis", "order", "reopened", "order"]
    found = verify(folder)
    assert found.intact
    assert found.closed


def test_f083_a_journal_of_something_else_is_refused_and_left_alone(folder: Path) -> None:
    """Another account, network or version does not continue this journal; what differs is named."""
    with JournalWriter(folder, at_ns=1, identity={"account": "0xaa", "network": "main"}):
        pass
    before = {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "lock"}
    with pytest.raises(JournalError, match=r"belongs to something else: network.*main.*test.*another"):
        JournalWriter(folder, at_ns=2, identity={"account": "0xaa", "network": "test"})
    with pytest.raises(JournalError, match="account, network"):
        JournalWriter(folder, at_ns=2)
    assert {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "lock"} == before


def test_f078_a_second_writer_is_refused_with_the_holder(folder: Path) -> None:
    """Two processes never write one journal; the refusal names the process that does."""
    program = (
        "import sys; from pathlib import Path; from paraphina_core.journal import JournalWriter\n"
        "try:\n    JournalWriter(Path(sys.argv[1]), at_ns=1)\n"
        "except Exception as e:\n    print(e)\nelse:\n    print('opened')"
    )
    command = [sys.executable, "-c", program, str(folder)]
    with JournalWriter(folder, at_ns=1) as writer:
        with pytest.raises(JournalError, match=f"process id {os.getpid()}"):
            JournalWriter(folder, at_ns=1)
        refusal = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        assert f"in use by another process; found 'process id {os.getpid()}'" in refusal
        writer.append("order", 1, b"{}")
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "opened\n"


def _open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_a_refused_opening_leaves_no_file_open(folder: Path) -> None:
    """A program that tries again and again does not run out of descriptors, nor keep the lock."""
    before = _open_files()
    with JournalWriter(folder, at_ns=1):
        writing = _open_files()
        with pytest.raises(JournalError, match="in use"):
            JournalWriter(folder, at_ns=1)
        assert _open_files() == writing
    assert _open_files() == before
    with pytest.raises(JournalError, match="something else"):
        JournalWriter(folder, at_ns=1, identity={"run": "2"})
    (folder / "head.json").unlink()
    (folder / "head.json").mkdir()
    with pytest.raises(JournalError, match=r"cannot be opened.*head\.json"):
        JournalWriter(folder, at_ns=1)
    assert _open_files() == before


def test_a_lock_that_cannot_name_its_holder_is_not_held(folder: Path) -> None:
    """A disk that takes not even the process id is refused at once, and the lock is free again."""
    folder.mkdir(parents=True)
    before = _open_files()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, limits[1]))
    try:
        with pytest.raises(JournalError, match=r"lock cannot be used: File too large"):
            JournalWriter(folder, at_ns=1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert _open_files() == before
    JournalWriter(folder, at_ns=1).close()


def test_a_closed_journal_takes_nothing_more(folder: Path) -> None:
    """Closing twice is harmless, writing afterwards is refused."""
    writer = JournalWriter(folder, at_ns=1)
    writer.close()
    writer.close()
    for use in (lambda: writer.append("order", 1, b"{}"), writer.sync, lambda: writer.sync_if_due(5)):
        with pytest.raises(JournalError, match="it is closed"):
            use()
    assert verify(folder).records == 1


def test_f082_a_journal_is_readable_by_its_owner_alone(folder: Path) -> None:
    """Accounts and strategies stand in it."""
    before = os.umask(0)
    try:
        JournalWriter(folder, at_ns=1, segment_bytes=1).close()
    finally:
        os.umask(before)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


def test_f082_a_segment_that_is_a_symbolic_link_is_not_written_to(folder: Path, tmp_path: Path) -> None:
    """Nobody can turn the journal towards another file."""
    JournalWriter(folder, at_ns=1).close()
    moved = (folder / "000001.jsonl").rename(tmp_path / "elsewhere")
    (folder / "000001.jsonl").symlink_to(moved)
    before = moved.read_bytes()
    with pytest.raises(JournalError, match="cannot be opened"):
        JournalWriter(folder, at_ns=2)
    assert moved.read_bytes() == before


def _syncs(folder: Path, policy: SyncPolicy) -> tuple[JournalWriter, CountedDisk]:
    disk = CountedDisk()
    writer = JournalWriter(folder, at_ns=0, sync=policy, files=disk)
    disk.names.clear()
    return writer, disk


def test_grouped_records_are_synced_once_after_the_interval(folder: Path) -> None:
    """The first unsynced record starts the interval, later ones do not prolong it."""
    writer, disk = _syncs(folder, SyncPolicy(interval_ms=5))
    writer.append("order", 10 * NS_PER_MS, b"{}")
    writer.sync_if_due(12 * NS_PER_MS)
    writer.append("order", 14 * NS_PER_MS, b"{}")
    writer.sync_if_due(15 * NS_PER_MS - 1)
    assert disk.names == ["write", "write"]
    writer.sync_if_due(15 * NS_PER_MS)
    assert disk.names == ["write", "write", "sync"]
    writer.sync_if_due(100 * NS_PER_MS)
    assert disk.names == ["write", "write", "sync"]
    writer.close()


def test_frames_alone_ask_for_no_sync(folder: Path) -> None:
    """Market data may be lost with the power; it takes part in a sync that another record asks for."""
    for policy in (SyncPolicy(interval_ms=0), SyncPolicy(always=True)):
        writer, disk = _syncs(folder, policy)
        writer.record_frame(10, "mock", "books", b"{}")
        writer.sync_if_due(10**12)
        assert disk.names == ["write"]
        writer.close()


def test_always_means_synced_before_append_returns(folder: Path) -> None:
    """Every kind but market data, also one that nobody declared."""
    writer, disk = _syncs(folder, SyncPolicy(always=True))
    writer.append("order", 10, b"{}")
    writer.append("something_new", 10, b"{}")
    assert disk.names == ["write", "sync", "write", "sync"]
    writer.close()


def test_other_kinds_can_be_declared_volatile(folder: Path) -> None:
    """What a session may lose is its own decision, made in one place."""
    writer, disk = _syncs(folder, SyncPolicy(always=True, volatile_kinds=frozenset({"frame", "tick"})))
    writer.append("tick", 10, b"{}")
    assert disk.names == ["write"]
    writer.close()


@pytest.mark.parametrize("interval_ms", [-1, float("nan"), float("inf"), 60_001])
def test_an_interval_that_is_none_is_refused(interval_ms: float) -> None:
    """No number turns syncing off."""
    with pytest.raises(LocalError, match="interval"):
        SyncPolicy(interval_ms=interval_ms)


@pytest.mark.parametrize("sizes", [{"segment_bytes": 0}, {"anchor_bytes": 0}])
def test_sizes_that_are_none_are_refused(folder: Path, sizes: dict[str, int]) -> None:
    """A segment holds something, and so does the space between two anchors."""
    with pytest.raises(LocalError, match="size"):
        JournalWriter(folder, at_ns=0, **sizes)


def test_the_head_follows_what_is_written_even_when_only_frames_are(folder: Path) -> None:
    """No more than `anchor_bytes`, and the records of one step, stand where a cut would not be seen."""
    with JournalWriter(folder, at_ns=0, anchor_bytes=1000) as writer:
        for at_ns in range(100):
            writer.record_frame(at_ns, "mock", "books", b"x" * 100)
            writer.sync_if_due(at_ns)
            anchored = json.loads((folder / "head.json").read_bytes())["seq"]
            assert (writer.head.seq - anchored) * 200 < 1200 + 200
        assert anchored > 80


def test_the_real_disk_syncs_files_and_folders(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new journal's file, its head, its folder and the folder's own name are all on the disk."""
    synced: set[str] = set()

    def note(real: Callable[[int], None]) -> Callable[[int], None]:
        def sync(descriptor: int) -> None:
            synced.add(str(Path(f"/proc/self/fd/{descriptor}").readlink()))
            real(descriptor)

        return sync

    monkeypatch.setattr(os, "fsync", note(os.fsync))
    monkeypatch.setattr(os, "fdatasync", note(os.fdatasync))
    writer = JournalWriter(folder, at_ns=0)
    files = [folder / "000001.jsonl", folder / "head.json.new"]
    assert synced == {str(path) for path in [*files, folder, folder.parent, folder.parent.parent]}
    synced.clear()
    writer.append("order", 1, b"{}")
    assert not synced
    writer.sync()
    assert synced == {str(files[0])}
    writer.close()

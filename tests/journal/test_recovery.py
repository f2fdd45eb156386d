"""What a crash leaves at the end is set aside and the journal goes on; any other damage stops the start."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from journal_disks import CountedDisk, die
from paraphina_core.journal import DamageError, JournalError, JournalWriter, read, verify
from paraphina_core.journal.chain import FIRST_PREVIOUS, MAX_LINE_BYTES, encode_line

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def crashed(tmp_path: Path) -> Path:
    """Return a journal of two segments and five records whose writer died; the head stands at record 3."""
    folder = tmp_path / "crashed"
    writer = JournalWriter(folder, at_ns=0, files=CountedDisk(), segment_bytes=420)
    for number in range(4):
        writer.append("order", number, b'{"number":%d}' % number)
    die(writer)
    assert [path.stat().st_size > 0 for path in sorted(folder.glob("*.jsonl"))] == [True, True]
    return folder


def _last_segment(folder: Path) -> Path:
    return max(folder.glob("*.jsonl"))


def _content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "lock"}


def _copies(folder: Path, count: int) -> Iterator[Path]:
    for number in range(count):
        yield shutil.copytree(folder, folder.with_name(f"copy{number}"))


def test_f073_a_line_cut_at_any_byte_is_set_aside_and_the_rest_goes_on(crashed: Path) -> None:
    """Whatever part of the last line was written, it is kept beside the journal, and the journal is whole."""
    segment = _last_segment(crashed)
    whole = segment.read_bytes()
    start = whole[:-1].rindex(b"\n") + 1
    for cut, folder in zip(range(start + 1, len(whole)), _copies(crashed, len(whole)), strict=False):
        (folder / segment.name).write_bytes(whole[:cut])
        found = verify(folder)
        assert (found.intact, found.torn_bytes) == (True, cut - start)
        with JournalWriter(folder, at_ns=9, files=CountedDisk()) as writer:
            writer.append("order", 9, b"{}")
        records = list(read(folder))
        assert [record.kind for record in records[-3:]] == ["order", "reopened", "order"]
        torn = f"{segment.stem}-{start}-1.torn"
        assert records[-2].data == b'{"torn_bytes":%d,"torn_file":"%b"}' % (cut - start, torn.encode())
        assert (folder / torn).read_bytes() == whole[start:cut]
        assert (verify(folder).intact, verify(folder).torn_bytes) == (True, 0)


@pytest.mark.parametrize(
    "tail", [b"\0", b"\0" * 5000, b"0123\0\0\0\n", b"\0" * 300 + b"\nabc\n", b"a\0\n" * 10]
)
def test_f073_zeros_after_a_loss_of_power_are_set_aside(crashed: Path, tail: bytes) -> None:
    """No record contains a zero byte, so what begins with one never reached the disk."""
    segment = _last_segment(crashed)
    size = segment.stat().st_size
    with segment.open("ab") as file:
        file.write(tail)
    with JournalWriter(crashed, at_ns=9, files=CountedDisk()):
        pass
    assert (crashed / f"{segment.stem}-{size}-1.torn").read_bytes() == tail
    assert verify(crashed).records == 6


def test_each_torn_end_is_kept(crashed: Path) -> None:
    """A crash during a repair, at the same place again, overwrites nothing."""
    segment = _last_segment(crashed)
    size = segment.stat().st_size
    (crashed / f"{segment.stem}-{size}-1.torn").write_bytes(b"earlier")
    with segment.open("ab") as file:
        file.write(b"later")
    JournalWriter(crashed, at_ns=9, files=CountedDisk()).close()
    assert (crashed / f"{segment.stem}-{size}-1.torn").read_bytes() == b"earlier"
    assert (crashed / f"{segment.stem}-{size}-2.torn").read_bytes() == b"later"


def test_torn_ends_do_not_pile_up_without_end(crashed: Path) -> None:
    """A program that dies at each start at the same place is stopped and told about."""
    segment = _last_segment(crashed)
    size = segment.stat().st_size
    for number in range(1, 101):
        (crashed / f"{segment.stem}-{size}-{number}.torn").write_bytes(b"")
    with segment.open("ab") as file:
        file.write(b"later")
    with pytest.raises(JournalError, match=r"torn ends.*find out why"):
        JournalWriter(crashed, at_ns=9, files=CountedDisk())


def test_f073_damage_elsewhere_stops_the_start_and_changes_nothing(crashed: Path) -> None:
    """At every byte of every line but the last: refused with segment and line, not a byte touched."""
    before = _content(crashed)
    for name in sorted(before):
        whole = before[name]
        end = whole[:-1].rindex(b"\n") + 1 if name == _last_segment(crashed).name else len(whole)
        if not name.endswith(".jsonl"):
            continue
        for position in range(end):
            damaged = whole[:position] + bytes([whole[position] ^ 1]) + whole[position + 1 :]
            (crashed / name).write_bytes(damaged)
            line = whole.count(b"\n", 0, position) + 1
            with pytest.raises(DamageError, match=f"{name} line {line}: "):
                JournalWriter(crashed, at_ns=9, files=CountedDisk())
            assert _content(crashed) == before | {name: damaged}
        (crashed / name).write_bytes(whole)


def test_a_zero_in_what_the_head_covers_is_damage(crashed: Path) -> None:
    """What had reached the disk cannot be explained by a loss of power."""
    die(JournalWriter(crashed, at_ns=9, files=CountedDisk()))
    segment = _last_segment(crashed)
    whole = segment.read_bytes()
    for position in (-2, -20, -200):
        segment.write_bytes(whole[:position] + b"\0" + whole[position + 1 :])
        with pytest.raises(DamageError, match=f"{segment.name} line .*: the (line|hash)"):
            JournalWriter(crashed, at_ns=9, files=CountedDisk())


def test_a_changed_byte_in_the_last_record_is_damage_not_a_torn_end(crashed: Path) -> None:
    """A write that was cut short leaves the beginning of a line, never a whole line with another end."""
    segment = _last_segment(crashed)
    whole = segment.read_bytes()
    for changed in (whole[:-1] + b"x", whole[:-9] + b"x" + whole[-8:]):
        segment.write_bytes(changed)
        with pytest.raises(DamageError, match=r"line 2"):
            JournalWriter(crashed, at_ns=9, files=CountedDisk())


def test_a_cut_below_the_head_is_damage(crashed: Path) -> None:
    """A torn end that takes synced records with it is no crash."""
    segment = _last_segment(crashed)
    JournalWriter(crashed, at_ns=9, files=CountedDisk()).close()
    segment.write_bytes(segment.read_bytes()[:-5])
    with pytest.raises(DamageError, match=segment.name):
        JournalWriter(crashed, at_ns=9, files=CountedDisk())


@pytest.mark.parametrize("part", [0.0, 0.3, 1.0])
def test_f070_a_start_that_died_while_it_made_the_journal_is_made_good(tmp_path: Path, part: float) -> None:
    """A first segment without a head, empty or with a part of the first record, becomes a journal."""
    folder = tmp_path / "journal"
    JournalWriter(folder, at_ns=0, identity={"run": "1"}).close()
    (folder / "head.json").unlink()
    segment = folder / "000001.jsonl"
    segment.write_bytes(segment.read_bytes()[: int(segment.stat().st_size * part)])
    assert [record.kind for record in read(folder, unfinished_start=True)] == ["genesis"] * int(part)
    with pytest.raises(DamageError, match="the head is missing"):
        list(read(folder))
    with JournalWriter(folder, at_ns=1, identity={"run": "1"}) as writer:
        writer.append("order", 2, b"{}")
    kinds = ["genesis", "order"] if part < 1 else ["genesis", "reopened", "order"]
    assert [record.kind for record in read(folder)] == kinds
    assert verify(folder).closed


def test_a_missing_head_of_a_used_journal_stops_the_start(crashed: Path) -> None:
    """Whoever deletes the head could have cut the end too."""
    (crashed / "head.json").unlink()
    with pytest.raises(DamageError, match="the head is missing"):
        JournalWriter(crashed, at_ns=9, files=CountedDisk())


def test_a_missing_head_of_several_segments_stops_the_start(tmp_path: Path) -> None:
    """One record and an empty second segment is nothing that a start leaves behind."""
    JournalWriter(tmp_path, at_ns=0, files=CountedDisk()).close()
    (tmp_path / "head.json").unlink()
    (tmp_path / "000002.jsonl").write_bytes(b"")
    with pytest.raises(DamageError, match="the head is missing"):
        JournalWriter(tmp_path, at_ns=9, files=CountedDisk())


def test_only_the_last_segment_can_have_a_torn_end(crashed: Path) -> None:
    """A cut in an earlier one is named where it is, also when the head is gone."""
    (crashed / "head.json").unlink()
    first = crashed / "000001.jsonl"
    first.write_bytes(first.read_bytes()[:-5])
    found = verify(crashed)
    assert (found.file, found.line) == ("000001.jsonl", 3)


def test_a_torn_end_is_no_longer_than_a_line_can_be(crashed: Path) -> None:
    """What no write of this program can have begun was put there by somebody else."""
    segment = _last_segment(crashed)
    whole = segment.read_bytes()
    for length, intact in ((MAX_LINE_BYTES, True), (MAX_LINE_BYTES + 1, False)):
        segment.write_bytes(whole + b"x" * length)
        assert verify(crashed).intact is intact


def test_a_crash_right_after_a_new_segment_was_made_is_no_damage(crashed: Path) -> None:
    """The empty segment is used, and the journal goes on in it."""
    (crashed / "000003.jsonl").write_bytes(b"")
    assert verify(crashed).intact
    with JournalWriter(crashed, at_ns=9, files=CountedDisk()) as writer:
        assert writer.head.segment == "000003.jsonl"
    assert verify(crashed).records == 6


@pytest.mark.parametrize("data", [b'{"format":2,"identity":{}}', b"{}", b"7"])
def test_a_first_record_of_another_format_is_refused(tmp_path: Path, data: bytes) -> None:
    """A journal that a later version wrote is neither continued nor damaged."""
    folder = tmp_path / "journal"
    _digest, line = encode_line(FIRST_PREVIOUS, 0, 0, "genesis", data)
    folder.mkdir()
    (folder / "000001.jsonl").write_bytes(line)
    with pytest.raises(JournalError, match=r"another format; found 2|does not begin like one"):
        JournalWriter(folder, at_ns=1)
    assert (folder / "000001.jsonl").read_bytes() == line

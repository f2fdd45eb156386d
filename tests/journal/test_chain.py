"""Whatever is changed in a finished journal, the first line that is not as written is named."""

from __future__ import annotations

import hashlib
import json
import shutil
from typing import TYPE_CHECKING

import pytest

from paraphina_core.journal import DamageError, JournalWriter, read, verify
from paraphina_core.journal.chain import FIRST_PREVIOUS, encode_line

if TYPE_CHECKING:
    from pathlib import Path


def write_journal(folder: Path, *, run: str = "a", records: int = 6, segment_bytes: int = 520) -> Path:
    """Write and close a journal of several segments."""
    with JournalWriter(folder, at_ns=1, identity={"run": run}, segment_bytes=segment_bytes) as writer:
        for number in range(records - 1):
            writer.append("order", 10 + number, b'{"number":%d,"run":"%b"}' % (number, run.encode()))
    return folder


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a journal of two segments that nobody may change."""
    return write_journal(tmp_path_factory.mktemp("sound") / "journal")


@pytest.fixture
def journal(sound: Path, tmp_path: Path) -> Path:
    """Return a copy of it."""
    return shutil.copytree(sound, tmp_path / "journal")


def damage(folder: Path) -> tuple[str, int]:
    """Return file and line of the first damage, and see that reading stops there too."""
    found = verify(folder)
    assert not found.intact
    with pytest.raises(DamageError) as raised:
        list(read(folder))
    assert str(raised.value) == found.problem
    assert (raised.value.file, raised.value.line) == (found.file, found.line)
    return found.file, found.line


def _segment_lines(folder: Path, number: int) -> list[bytes]:
    return (folder / f"{number:06d}.jsonl").read_bytes().splitlines(keepends=True)


def _write_lines(folder: Path, number: int, lines: list[bytes]) -> None:
    (folder / f"{number:06d}.jsonl").write_bytes(b"".join(lines))


def test_a_finished_journal_is_intact(journal: Path) -> None:
    """What was written comes out, counted by kind, and the end is known to be the end."""
    found = verify(journal)
    assert found.intact
    assert found.closed
    assert (found.records, found.segments, found.torn_bytes) == (6, 2, 0)
    assert found.kinds == {"genesis": 1, "order": 5}
    assert (found.first_at_ns, found.last_at_ns) == (1, 14)
    assert [record.seq for record in read(journal)] == list(range(6))
    assert [record.data for record in read(journal)][2] == b'{"number":1,"run":"a"}'


def test_every_hash_can_be_computed_by_hand(journal: Path) -> None:
    """The documented rule alone, without this program, gives the hash of each line."""
    previous = b"0" * 64
    lines = [*_segment_lines(journal, 1), *_segment_lines(journal, 2)]
    for line in lines:
        found, body = line.rstrip(b"\n").split(b" ", 1)
        assert found == hashlib.sha256(previous + body).hexdigest().encode()
        assert list(json.loads(body)) == ["seq", "at_ns", "kind", "data"]
        previous = found
    assert (
        previous.decode()
        == verify(journal).last_hash
        == json.loads((journal / "head.json").read_bytes())["hash"]
    )


@pytest.mark.parametrize("change", ["one bit", "line break", "zero", "digit", "deleted"])
def test_every_changed_byte_is_found_in_its_line(sound: Path, journal: Path, change: str) -> None:
    """At every position of every segment, a change is reported with the segment and line it is in."""
    checked = 0
    for path in sorted(sound.glob("*.jsonl")):
        content = path.read_bytes()
        for position, byte in enumerate(content):
            new = {
                "one bit": bytes([byte ^ 1]),
                "line break": b"\n",
                "zero": b"\0",
                "digit": b"7",
                "deleted": b"",
            }[change]
            if new == bytes([byte]):
                continue
            (journal / path.name).write_bytes(content[:position] + new + content[position + 1 :])
            found = verify(journal)
            assert (found.file, found.line) == (path.name, content.count(b"\n", 0, position) + 1), position
            checked += 1
        (journal / path.name).write_bytes(content)
    assert checked > 700
    assert verify(journal).intact


@pytest.mark.parametrize("change", [1, 2, 7, 16, 32])
def test_every_changed_byte_of_the_head_is_found(journal: Path, change: int) -> None:
    """The head cannot be changed alone either."""
    path = journal / "head.json"
    content = path.read_bytes()
    for position, byte in enumerate(content):
        path.write_bytes(content[:position] + bytes([byte ^ change]) + content[position + 1 :])
        assert not verify(journal).intact, position


@pytest.mark.parametrize("byte", [b"x", b"\n", b"\0", b" ", b"{}\n"])
def test_something_added_after_the_end_is_found(journal: Path, byte: bytes) -> None:
    """A closed journal has one end and nothing behind it."""
    with (journal / "000002.jsonl").open("ab") as file:
        file.write(byte)
    assert damage(journal) == ("000002.jsonl", len(_segment_lines(journal, 2)))


def test_a_record_added_by_someone_who_knows_the_format_is_found(journal: Path, tmp_path: Path) -> None:
    """A further record that fits the chain does not fit the head of a closed journal."""
    longer = write_journal(tmp_path / "longer", records=7)
    shutil.copy(longer / "000003.jsonl", journal)
    assert damage(journal) == ("000003.jsonl", 1)


@pytest.mark.parametrize("line", [1, 2, 3])
def test_a_deleted_line_is_found(journal: Path, line: int) -> None:
    """The line that then stands in its place is named, or the place where it stood last."""
    lines = _segment_lines(journal, 1)
    del lines[line - 1]
    _write_lines(journal, 1, lines)
    assert damage(journal) == (("000001.jsonl", line) if line < 3 else ("000002.jsonl", 1))


def test_swapped_lines_are_found(journal: Path) -> None:
    """The first of the two places is named."""
    lines = _segment_lines(journal, 1)
    _write_lines(journal, 1, [lines[0], lines[2], lines[1]])
    assert damage(journal) == ("000001.jsonl", 2)


def test_a_repeated_line_is_found(journal: Path) -> None:
    """A fill cannot be counted twice by copying it."""
    lines = _segment_lines(journal, 1)
    _write_lines(journal, 1, [*lines[:2], lines[1], lines[2]])
    assert damage(journal) == ("000001.jsonl", 3)


@pytest.mark.parametrize("cut", [1, 2, 3, 4, 5])
def test_a_journal_spliced_from_two_is_found(journal: Path, tmp_path: Path, cut: int) -> None:
    """The first line that comes from the other journal is named."""
    other = write_journal(tmp_path / "other", run="b")
    lines = [*_segment_lines(journal, 1), *_segment_lines(journal, 2)]
    foreign = [*_segment_lines(other, 1), *_segment_lines(other, 2)]
    spliced = [*lines[:cut], *foreign[cut:]]
    _write_lines(journal, 1, spliced[:3])
    _write_lines(journal, 2, spliced[3:])
    assert damage(journal) == (f"{cut // 3 + 1:06d}.jsonl", cut % 3 + 1)


def test_a_foreign_head_is_found(journal: Path, tmp_path: Path) -> None:
    """The head of another run of the same length does not fit."""
    other = write_journal(tmp_path / "other", run="b")
    shutil.copy(other / "head.json", journal)
    assert damage(journal) == ("000002.jsonl", 3)


@pytest.mark.parametrize("kept", [0, 1, 2])
def test_a_deleted_tail_is_found(journal: Path, kept: int) -> None:
    """The head knows how many records there were; the first missing place is named."""
    _write_lines(journal, 2, _segment_lines(journal, 2)[:kept])
    assert damage(journal) == ("000002.jsonl", kept + 1)


@pytest.mark.parametrize(
    ("deleted", "named"),
    [
        ("000001.jsonl", ("000001.jsonl", 0)),
        ("000002.jsonl", ("000001.jsonl", 4)),
        ("head.json", ("head.json", 0)),
    ],
)
def test_a_deleted_file_is_found(journal: Path, deleted: str, named: tuple[str, int]) -> None:
    """A missing segment is named, the last one by where the journal then ends."""
    (journal / deleted).unlink()
    assert damage(journal) == named


def test_a_deleted_middle_segment_is_found(tmp_path: Path) -> None:
    """A gap in the numbers is named."""
    journal = write_journal(tmp_path / "journal", records=9)
    (journal / "000002.jsonl").unlink()
    assert damage(journal) == ("000002.jsonl", 0)


def test_a_closed_gap_of_segments_is_found(tmp_path: Path) -> None:
    """Renaming the later segments does not hide it."""
    journal = write_journal(tmp_path / "journal", records=9)
    (journal / "000003.jsonl").replace(journal / "000002.jsonl")
    assert damage(journal) == ("000002.jsonl", 1)


def test_all_segments_deleted_is_found(journal: Path) -> None:
    """An empty folder with a head is no empty journal."""
    for path in journal.glob("*.jsonl"):
        path.unlink()
    assert damage(journal) == ("000002.jsonl", 1)


@pytest.mark.parametrize(
    ("source", "copy", "named"),
    [
        ("000002.jsonl", "000003.jsonl", ("000003.jsonl", 1)),
        ("000001.jsonl", "000003.jsonl", ("000003.jsonl", 1)),
        ("000001.jsonl", "000002.jsonl", ("000002.jsonl", 1)),
        ("000002.jsonl", "000000.jsonl", ("000001.jsonl", 0)),
        ("000002.jsonl", "2.jsonl", ("2.jsonl", 0)),
        ("000002.jsonl", "000002 (copy).jsonl", ("000002 (copy).jsonl", 0)),
        ("000002.jsonl", "000004.jsonl", ("000003.jsonl", 0)),
    ],
)
def test_a_duplicated_segment_is_found(journal: Path, source: str, copy: str, named: tuple[str, int]) -> None:
    """A segment belongs in one place, whatever number a copy is given."""
    shutil.copy(journal / source, journal / copy)
    assert damage(journal) == named


def test_an_empty_segment_in_the_middle_is_found(journal: Path) -> None:
    """Only the last segment can be without a record, when a crash fell between making and using it."""
    (journal / "000001.jsonl").write_bytes(b"")
    assert damage(journal) == ("000001.jsonl", 0)


@pytest.mark.parametrize("data", [b"{", b"{}}", b'"\xff"', b"nan"])
def test_a_record_whose_data_is_no_json_is_found(tmp_path: Path, data: bytes) -> None:
    """A line that another program wrote by the rules of the chain is still held to those of the data."""
    previous, first = encode_line(FIRST_PREVIOUS, 0, 0, "genesis", b"{}")
    _digest, second = encode_line(previous, 1, 0, "order", data)
    _write_lines(tmp_path, 1, [first, second])
    assert damage(tmp_path) == ("000001.jsonl", 2)


def test_a_rewritten_journal_with_its_head_is_not_found(journal: Path, tmp_path: Path) -> None:
    """What the chain cannot show: someone who writes everything anew. A hash kept elsewhere shows it."""
    kept_elsewhere = verify(journal).last_hash
    shutil.rmtree(journal)
    shutil.copytree(write_journal(tmp_path / "forged", run="c"), journal)
    assert verify(journal).intact
    assert verify(journal).last_hash != kept_elsewhere

"""Evidence is believed whole or not at all: nothing edited, nothing dropped, nothing played again."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evidence_world import IDENTITY, folder, statement
from paraphina_core.domain import LocalError
from paraphina_core.readiness import (
    GENESIS,
    EvidenceFolder,
    EvidenceHead,
    Identity,
    Kind,
    Record,
    check_chain,
    content_hash,
    evidence_folder,
    head_bytes,
    record_bytes,
)

KINDS = (Kind.CONFORMANCE, Kind.SIMULATION, Kind.PAPER)


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the home of an installation with three records, which no test changes."""
    home = tmp_path_factory.mktemp("three") / "home"
    folder(home, *KINDS)
    return home


@pytest.fixture
def home(three: Path, tmp_path: Path) -> Path:
    """Return a copy of it, to be tampered with."""
    return Path(shutil.copytree(three, tmp_path / "home"))


def files(home: Path) -> list[Path]:
    """List the files of its records."""
    return sorted((home / "evidence").glob("0*.json"))


def read(home: Path) -> tuple[Kind, ...]:
    """Read its evidence; return the kinds."""
    return tuple(record.statement.kind for record in EvidenceFolder(home, IDENTITY).read())


def test_what_was_recorded_is_read_back(home: Path) -> None:
    """Every field, in the order of being written, in files for the owner alone."""
    kept = EvidenceFolder(home, IDENTITY).read()
    assert [record.statement for record in kept] == [statement(kind) for kind in KINDS]
    assert [record.number for record in kept] == [1, 2, 3]
    assert {path.stat().st_mode & 0o777 for path in (home / "evidence").iterdir()} == {0o600}


def test_without_a_record_there_is_nothing_to_doubt(tmp_path: Path) -> None:
    """A new installation has neither key nor evidence, and that is no fault."""
    assert EvidenceFolder(tmp_path / "home", None).read() == ()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(data=st.data())
def test_an_edited_byte_is_found_wherever_it_is(three: Path, data: st.DataObject) -> None:
    """Each byte of each record and of the head, changed to any other, makes all of it void."""
    path = data.draw(st.sampled_from(sorted((three / "evidence").iterdir())))
    content = path.read_bytes()
    at = data.draw(st.integers(0, len(content) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda value: value != content[at]))
    try:
        path.write_bytes(content[:at] + bytes([byte]) + content[at + 1 :])
        with pytest.raises(LocalError):
            read(three)
    finally:
        path.write_bytes(content)
    assert read(three) == KINDS


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_dropped_record_is_found_the_last_one_too(home: Path, number: int) -> None:
    """The chain misses one from the middle, the head one from the end."""
    files(home)[number - 1].unlink()
    with pytest.raises(LocalError):
        read(home)


@pytest.mark.parametrize("left", [0, 1, 2, 3])
def test_records_without_their_head_are_void(home: Path, left: int) -> None:
    """Nobody gets a shorter chain by taking the head away with the records that it counts."""
    (home / "evidence" / "head.json").unlink()
    for path in files(home)[left:]:
        path.unlink()
    if left:
        with pytest.raises(LocalError, match="head of the evidence is missing"):
            read(home)
    else:
        assert read(home) == ()


@pytest.mark.parametrize("renamed_to", [2, 3, 4])
def test_an_old_record_played_again_is_found(home: Path, renamed_to: int) -> None:
    """A signed record is good in its own place only: not instead of a newer one, not behind the last."""
    first = files(home)[0]
    shutil.copyfile(first, first.with_name(f"{renamed_to:08}.json"))
    (home / "evidence" / f"{renamed_to:08}.json").chmod(0o600)
    with pytest.raises(LocalError, match="is another one"):
        read(home)


def test_records_in_another_order_are_found(home: Path) -> None:
    """Two that change places both say so."""
    one, two, _ = files(home)
    first, second = one.read_bytes(), two.read_bytes()
    one.write_bytes(second)
    two.write_bytes(first)
    with pytest.raises(LocalError, match="record 1 of the evidence is another one"):
        read(home)


def test_a_record_of_another_history_does_not_fit(home: Path, tmp_path: Path) -> None:
    """The same number, signed by the same key, after other records: the hash before it is wrong."""
    folder(tmp_path / "other", Kind.SHADOW, Kind.SHADOW, Kind.SHADOW)
    shutil.copyfile(files(tmp_path / "other")[1], files(home)[1])
    with pytest.raises(LocalError, match="does not follow the one before it"):
        read(home)


def test_evidence_of_another_installation_is_nobodys(home: Path) -> None:
    """It was signed by a key that is not here."""
    with pytest.raises(LocalError, match="of another installation"):
        EvidenceFolder(home, Identity(b"x" * 32)).read()
    with pytest.raises(LocalError, match="key that signed it is lost"):
        EvidenceFolder(home, None).read()


def test_a_death_between_record_and_head_loses_nothing(home: Path) -> None:
    """The record that the head does not count yet is whole, counts, and is followed by the next."""
    head = home / "evidence" / "head.json"
    before = head.read_bytes()
    EvidenceFolder(home, IDENTITY).append([statement(Kind.SHADOW)])
    head.write_bytes(before)
    assert read(home) == (*KINDS, Kind.SHADOW)
    EvidenceFolder(home, IDENTITY).append([statement(Kind.TESTNET)])
    assert read(home) == (*KINDS, Kind.SHADOW, Kind.TESTNET)


def test_nothing_is_added_to_evidence_that_cannot_be_believed(home: Path) -> None:
    """A new record must not make a broken chain look continued."""
    files(home)[1].unlink()
    with pytest.raises(LocalError):
        EvidenceFolder(home, IDENTITY).append([statement(Kind.SHADOW)])
    assert len(files(home)) == 2


def test_a_full_folder_takes_no_more_and_says_what_to_do(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit is reached exactly, and one more is refused."""
    monkeypatch.setattr(evidence_folder, "MAX_RECORDS", 4)
    EvidenceFolder(home, IDENTITY).append([statement(Kind.SHADOW)])
    with pytest.raises(LocalError, match="is full") as refused:
        EvidenceFolder(home, IDENTITY).append([statement(Kind.SHADOW)])
    assert "move it away" in (refused.value.remedy or "")
    assert len(read(home)) == 4


@given(
    counts=st.dictionaries(st.text(max_size=8), st.integers(0, 2**53), max_size=4),
    note=st.text(max_size=20),
)
def test_any_content_survives_being_signed_and_read(counts: dict[str, int], note: str) -> None:
    """Names in any script and any order of keys: one spelling, and it is read back equal."""
    said = msgspec.structs.replace(statement(Kind.PAPER), counts=counts, note=note)
    record = Record(number=1, previous=GENESIS, installation=IDENTITY.name, statement=said)
    content = record_bytes(record, IDENTITY)
    head = EvidenceHead(count=1, last=content_hash(content), installation=IDENTITY.name)
    assert check_chain([content], head_bytes(head, IDENTITY), IDENTITY) == (record,)

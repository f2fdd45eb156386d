"""`paraphina journal`: whether a run's record is intact, where it is not, and what stands in it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from journal_disks import die
from paraphina_core.cli import main
from paraphina_core.journal import JournalWriter, verify

AT_NS = 1_795_500_000_123_456_789  # 2026-11-24


class Done(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


Paraphina = Callable[..., Done]


@pytest.fixture
def paraphina(capsys: pytest.CaptureFixture[str]) -> Paraphina:
    """Return the command line."""

    def run(*arguments: str | Path) -> Done:
        code = main([str(argument) for argument in arguments])
        return Done(code, *capsys.readouterr())

    return run


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    """Return the folder of a finished run, whose journal has seven records."""
    with JournalWriter(tmp_path / "run" / "journal", at_ns=AT_NS, segment_bytes=600) as writer:
        for number in range(3):
            writer.record_frame(AT_NS + number, "mock", "books", b'{"n":%d}' % number)
            writer.append("order", AT_NS + 10**9 * number, b'{"price":"1.%d"}' % number)
    return tmp_path / "run"


def damage(run_folder: Path) -> None:
    """Change one digit of the price in the fifth record."""
    path = run_folder / "journal" / "000002.jsonl"
    content = path.read_bytes()
    path.write_bytes(content.replace(b"1.1", b"9.1"))
    assert path.read_bytes() != content


@pytest.mark.parametrize("inner", [".", "journal"])
def test_an_intact_journal_is_reported_with_what_is_in_it(
    paraphina: Paraphina, run_folder: Path, inner: str
) -> None:
    """The run's folder or the journal's own; counts, times, the hash to keep elsewhere, and the end."""
    done = paraphina("journal", "verify", run_folder / inner)
    assert done.code == 0
    assert done.err == ""
    assert "INTACT" in done.out
    assert "frame 3, genesis 1, order 3" in done.out
    assert "2026-11-24T06:00:00.123Z to 2026-11-24T06:00:02.123Z" in done.out
    assert verify(run_folder / "journal").last_hash in done.out
    assert "closed in good order" in done.out


def test_damage_is_reported_with_its_place_and_exit_code_1(paraphina: Paraphina, run_folder: Path) -> None:
    """The operator reads which file and line, and what is intact before it."""
    damage(run_folder)
    done = paraphina("journal", "verify", run_folder)
    assert done.code == 1
    assert "DAMAGED: 000002.jsonl line 2: the hash does not follow" in done.out
    assert "INTACT" not in done.out
    assert "closed in good order" not in done.out
    assert "records    4 in 2 segments" in done.out


def test_the_findings_are_there_for_programs(paraphina: Paraphina, run_folder: Path) -> None:
    """One JSON object with all that the text shows, and the same exit codes."""
    done = paraphina("journal", "verify", run_folder, "--json")
    found = json.loads(done.out)
    assert done.code == 0
    assert (found["intact"], found["records"], found["closed"]) == (True, 7, True)
    damage(run_folder)
    done = paraphina("journal", "verify", run_folder, "--json")
    found = json.loads(done.out)
    assert done.code == 1
    assert (found["intact"], found["closed"]) == (False, False)
    assert (found["file"], found["line"], found["records"]) == ("000002.jsonl", 2, 4)
    assert found["problem"].startswith("000002.jsonl line 2: ")


def test_a_journal_that_was_not_closed_says_so(paraphina: Paraphina, tmp_path: Path) -> None:
    """A crash is no damage, but the reader learns of it and of the record it cut short."""
    writer = JournalWriter(tmp_path / "journal", at_ns=AT_NS)
    writer.append("order", AT_NS, b"{}")
    die(writer)
    with (tmp_path / "journal" / "000001.jsonl").open("ab") as file:
        file.write(b"0123")
    done = paraphina("journal", "verify", tmp_path)
    assert done.code == 0
    assert "not closed" in done.out
    assert "4 bytes of a record cut short" in done.out


def test_a_folder_without_a_journal_is_refused(paraphina: Paraphina, tmp_path: Path) -> None:
    """Nothing to check is no success."""
    for command in ("verify", "show"):
        done = paraphina("journal", command, tmp_path)
        assert done.code == 2
        assert "holds no journal" in done.err
    assert paraphina("journal", "verify", tmp_path / "nowhere").code == 2


def test_show_prints_every_record_on_a_line(paraphina: Paraphina, run_folder: Path) -> None:
    """Number, time, kind and data, in order."""
    done = paraphina("journal", "show", run_folder)
    lines = done.out.splitlines()
    assert done.code == 0
    assert [int(line.split()[0]) for line in lines] == list(range(7))
    assert lines[2].split() == ["2", "2026-11-24T06:00:00.123Z", "order", '{"price":"1.0"}']


def test_show_can_be_narrowed_by_kind_and_to_the_end(paraphina: Paraphina, run_folder: Path) -> None:
    """The tail is that of the chosen kinds."""
    shown = paraphina("journal", "show", run_folder, "--kind", "order", "--tail", "2").out.splitlines()
    assert [line.split()[0] for line in shown] == ["4", "6"]
    shown = paraphina("journal", "show", run_folder, "--kind", "order", "--kind", "genesis").out.splitlines()
    assert [line.split()[0] for line in shown] == ["0", "2", "4", "6"]
    assert paraphina("journal", "show", run_folder, "--tail", "0").code == 2


@pytest.mark.parametrize("arguments", [(), ("--tail", "2")])
def test_show_prints_what_stands_before_the_damage(
    paraphina: Paraphina, run_folder: Path, arguments: tuple[str, ...]
) -> None:
    """What is intact can be read; what is not is never printed as if it were."""
    damage(run_folder)
    done = paraphina("journal", "show", run_folder, *arguments)
    assert done.code == 1
    assert done.out.splitlines()[-1].split()[0] == "3"
    assert "9.1" not in done.out
    assert "000002.jsonl line 2" in done.err


def test_long_data_is_cut_unless_asked_for(paraphina: Paraphina, tmp_path: Path) -> None:
    """A line stays a line; how much is missing is said."""
    with JournalWriter(tmp_path / "journal", at_ns=AT_NS) as writer:
        writer.append("order", AT_NS, b'"' + b"x" * 1998 + b'"')
    cut = paraphina("journal", "show", tmp_path, "--tail", "1").out
    assert cut.endswith("xxx... (2,000 characters)\n")
    assert len(cut) < 300
    assert "x" * 1998 in paraphina("journal", "show", tmp_path, "--full").out


@pytest.mark.parametrize("text", ["\x1b[2J", "\x9b2J", "\u202e", "\x7f", "\u2028", "a\rb"])
def test_f080_text_of_a_venue_cannot_steer_the_terminal(
    paraphina: Paraphina, tmp_path: Path, text: str
) -> None:
    """Control characters, also the upper ones and those that turn the writing direction, are spelled out."""
    with JournalWriter(tmp_path / "journal", at_ns=AT_NS) as writer:
        writer.record_frame(AT_NS, "mock", "books", text.encode())
    done = paraphina("journal", "show", tmp_path, "--tail", "1")
    assert done.code == 0
    assert done.out.rstrip("\n").isprintable()

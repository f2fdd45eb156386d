"""No run number is ever given out twice on one machine."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from journal_disks import PowerCutError
from paraphina_core.domain import MAX_RUN, RUN_EPOCH_S, RUN_SLOT_S, LocalError
from paraphina_core.journal import JournalError, allocate_run_number, run_number

NOW_S = RUN_EPOCH_S + 1000 * RUN_SLOT_S


def test_the_first_number_comes_from_the_clock(tmp_path: Path) -> None:
    """An installation whose state was lost does not begin at zero again."""
    assert allocate_run_number(tmp_path / "home", NOW_S) == 1000


def test_f040_quick_restarts_get_different_numbers(tmp_path: Path) -> None:
    """The clock has not moved on, the number has."""
    numbers = [allocate_run_number(tmp_path, NOW_S) for _ in range(20)]
    assert numbers == list(range(1000, 1020))


def test_f040_a_clock_that_steps_back_repeats_no_number(tmp_path: Path) -> None:
    """What was given out is remembered, whatever the clock says."""
    times = [NOW_S, NOW_S - 10**6, RUN_EPOCH_S, NOW_S - 1, NOW_S + 100 * RUN_SLOT_S, NOW_S]
    assert [allocate_run_number(tmp_path, now_s) for now_s in times] == [1000, 1001, 1002, 1003, 1100, 1101]


def test_f040_processes_that_start_together_get_different_numbers(tmp_path: Path) -> None:
    """Many processes, many numbers each, none twice and none left out."""
    program = (
        "import sys; from pathlib import Path; from paraphina_core.journal import allocate_run_number\n"
        "sys.stdin.readline()\n"
        f"for _ in range(25): print(allocate_run_number(Path(sys.argv[1]), {NOW_S}))"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "home")]
    processes = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(4)
    ]
    outputs = [process.communicate("go\n")[0] for process in processes]
    assert [process.returncode for process in processes] == [0] * 4
    numbers = [int(line) for output in outputs for line in output.splitlines()]
    assert sorted(numbers) == list(range(1000, 1100))


def test_a_number_is_on_disk_before_it_is_given_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """File and folder are synced; a loss of power before that gives out nothing."""
    synced: list[bool] = []
    real_fsync = os.fsync

    def fsync(descriptor: int) -> None:
        synced.append(stat.S_ISDIR(os.fstat(descriptor).st_mode))
        if cut and len(synced) == cut:
            raise PowerCutError
        real_fsync(descriptor)

    cut = 0
    monkeypatch.setattr(os, "fsync", fsync)
    assert allocate_run_number(tmp_path, NOW_S) == 1000
    assert synced == [False, True]
    for cut in (1, 2):  # noqa: B007 - fsync above reads it
        synced.clear()
        with pytest.raises(PowerCutError):
            allocate_run_number(tmp_path, NOW_S)
    cut = 0
    assert allocate_run_number(tmp_path, NOW_S) in {1001, 1002}


@pytest.mark.parametrize(
    "content", [b"", b"1000", b"-1\n", b"01\n", b"1e3\n", b"x\n", b"12345678901\n", b"1\n2\n"]
)
def test_a_file_that_holds_no_number_is_refused(tmp_path: Path, content: bytes) -> None:
    """Guessing would risk a repetition; the remedy is named."""
    file = tmp_path / "run_number"
    file.write_bytes(content)
    file.chmod(0o600)
    with pytest.raises(JournalError, match=r"holds no run number.*remove the file"):
        allocate_run_number(tmp_path, NOW_S)
    assert file.read_bytes() == content


def test_the_last_number_is_given_out_and_then_no_more(tmp_path: Path) -> None:
    """The limit of the id format is reached, not passed."""
    file = tmp_path / "run_number"
    file.write_bytes(b"%d\n" % (MAX_RUN - 1))
    file.chmod(0o600)
    assert allocate_run_number(tmp_path, NOW_S) == MAX_RUN
    with pytest.raises(LocalError, match="no run number left"):
        allocate_run_number(tmp_path, NOW_S)


def test_f082_a_home_that_is_a_symbolic_link_is_refused(tmp_path: Path) -> None:
    """Whoever can turn the link could bring back an old number."""
    (tmp_path / "real").mkdir(mode=0o700)
    (tmp_path / "home").symlink_to(tmp_path / "real")
    with pytest.raises(LocalError, match="symbolic link"):
        allocate_run_number(tmp_path / "home", NOW_S)
    assert list((tmp_path / "real").iterdir()) == []


@pytest.mark.parametrize("mode", [0o720, 0o702, 0o777])
def test_f082_a_home_that_others_may_write_to_is_refused(tmp_path: Path, mode: int) -> None:
    """Others could replace the file."""
    tmp_path.chmod(mode)
    with pytest.raises(LocalError, match="chmod 700"):
        allocate_run_number(tmp_path, NOW_S)
    tmp_path.chmod(0o700)
    assert allocate_run_number(tmp_path, NOW_S) == 1000


@pytest.mark.parametrize("name", ["run_number", "run_number.lock"])
def test_f082_files_that_are_symbolic_links_are_refused(tmp_path: Path, name: str) -> None:
    """Neither the number nor its lock may lie elsewhere."""
    (tmp_path / "elsewhere").write_bytes(b"5\n")
    (tmp_path / name).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(LocalError, match=name):
        allocate_run_number(tmp_path, NOW_S)
    assert (tmp_path / "elsewhere").read_bytes() == b"5\n"


def test_f082_a_file_open_to_others_is_refused(tmp_path: Path) -> None:
    """A file that somebody may have changed is not believed."""
    allocate_run_number(tmp_path, NOW_S)
    (tmp_path / "run_number").chmod(0o666)
    with pytest.raises(LocalError, match="open to others"):
        allocate_run_number(tmp_path, NOW_S)


def test_a_process_that_hangs_with_the_lock_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The wait has an end, and the refusal says who is in the way."""
    monkeypatch.setattr(run_number, "_WAIT_S", 0.05)
    hang = (
        "import sys, time; from pathlib import Path\n"
        "from paraphina_core.journal.lock import FileLock\n"
        "lock = FileLock(Path(sys.argv[1]), 'it'); print('held', flush=True); sys.stdin.readline()"
    )
    command = [sys.executable, "-c", hang, str(tmp_path / "run_number.lock")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        with pytest.raises(
            JournalError, match=f"in use by another process; found 'process id {process.pid}'"
        ):
            allocate_run_number(tmp_path, NOW_S)
        process.communicate("\n")
    assert allocate_run_number(tmp_path, NOW_S) == 1000

"""`make` sets everything up from Python 3.11 alone, once, and passes signals on."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from environments import ROOT, VENUES, Environment, copy_checkout, run, run_ok, user_environment


@pytest.fixture
def set_up(tmp_path: Path) -> Path:
    """Return a folder that make takes for set up, where a script stands for the installed program."""
    (tmp_path / ".venv/bin").mkdir(parents=True)
    for name in ("Makefile", "pyproject.toml", "requirements.lock"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / ".venv/ready").write_text(f"{tmp_path}\n", encoding="utf-8")
    return tmp_path


def write_program(folder: Path, text: str) -> None:
    """Put a script where `make run` expects the installed program."""
    program = folder / ".venv/bin/paraphina"
    program.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    program.chmod(0o755)


def interrupt(folder: Path) -> tuple[int, str]:
    """Start `make run`, press Ctrl-C once the program says ready, return exit code and what was printed."""
    process = subprocess.Popen(
        ["make", "run"],
        cwd=folder,
        env=user_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    with process.stdout as output:
        assert output.readline() == "ready\n"
        os.killpg(process.pid, signal.SIGINT)  # a terminal sends Ctrl-C to the whole group
        rest = output.read()
    return process.wait(timeout=30), rest


def test_make_alone_lists_what_it_can_do(set_up: Path) -> None:
    """`make` without a target is `make help`."""
    listed = run_ok("make", cwd=set_up)
    assert listed == run_ok("make", "help", cwd=set_up)
    for target in ("run", "test", "test-slow", "bench", "lint", "lock", "clean"):
        assert f"make {target} " in listed


def test_make_run_starts_a_paper_session_and_hands_on_options(set_up: Path) -> None:
    """`make run` is a paper session on twins with its dashboard; ARGS adds options."""
    write_program(set_up, 'echo "$@"')
    output = run_ok("make", "run", "ARGS=--duration 5", cwd=set_up)
    assert output == ("run --trade-mode paper --twin --dashboard 127.0.0.1:9898 --browser --duration 5\n")


def test_make_run_ends_with_the_programs_failure(set_up: Path) -> None:
    """A session that was refused is a failure of make too."""
    write_program(set_up, "exit 2")
    done = run("make", "run", cwd=set_up)
    assert done.returncode != 0
    assert "Error 2" in done.stdout


@pytest.mark.parametrize("exit_code", [0, 130])
def test_ctrl_c_reaches_the_program_and_is_no_error(set_up: Path, exit_code: int) -> None:
    """The program closes its session and has the last word; make adds nothing to it."""
    write_program(
        set_up, f"trap 'echo closed; exit {exit_code}' INT\necho ready\nwhile :; do sleep 0.05; done"
    )
    returned, printed = interrupt(set_up)
    assert printed == "closed\n"
    assert returned in {0, -signal.SIGINT}


def test_ctrl_c_does_not_hide_that_orders_are_left(set_up: Path) -> None:
    """A session that ends with exit code 3 says so, through make as well."""
    write_program(set_up, "trap 'echo closed; exit 3' INT\necho ready\nwhile :; do sleep 0.05; done")
    returned, printed = interrupt(set_up)
    assert "Error 3" in printed
    assert returned != 0


def find_python(folder: Path, *arguments: str, **interpreters: str) -> subprocess.CompletedProcess[str]:
    """Run the search for an interpreter with nothing on PATH but the given scripts."""
    for name, text in interpreters.items():
        script = folder / name.replace("_", ".")
        script.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
        script.chmod(0o755)
    return run("/bin/sh", ROOT / ".ci/find-python", *arguments, cwd=folder, PATH=str(folder))


REAL = f'exec "{sys.executable}" "$@"'
TOO_OLD = 'test "$1" = --version && echo "Python 3.9.2"'


def test_python_3_11_is_preferred(tmp_path: Path) -> None:
    """Where both exist, python3.11 is taken before python3."""
    assert find_python(tmp_path, python3=REAL, python3_11=REAL).stdout == "python3.11\n"


def test_a_python3_that_fits_is_taken(tmp_path: Path) -> None:
    """Without python3.11, or with one that does not start, python3 serves if its version does."""
    assert find_python(tmp_path, python3=REAL, python3_11="exit 127").stdout == "python3\n"


def test_the_users_choice_comes_first(tmp_path: Path) -> None:
    """PYTHON=... is taken, and if it does not fit nothing else is taken in its place."""
    assert find_python(tmp_path, "python3", python3=REAL, python3_11=REAL).stdout == "python3\n"
    assert find_python(tmp_path, "python3", python3=TOO_OLD, python3_11=REAL).returncode == 1


@pytest.mark.parametrize(
    ("interpreters", "found"),
    [({"python3": TOO_OLD}, "Python 3.9.2"), ({}, "no python3 at all")],
)
def test_a_missing_python_is_explained(tmp_path: Path, interpreters: dict[str, str], found: str) -> None:
    """The error names what was found, what is needed and what to do."""
    done = find_python(tmp_path, **interpreters)
    assert done.returncode == 1
    for part in (found, "3.11, 3.12 or 3.13", "make PYTHON="):
        assert part in done.stdout


@pytest.mark.slow
def test_setup_happens_once_and_again_when_it_must(tmp_path: Path) -> None:
    """The first `make setup` installs everything, the second nothing; a change or a move does again."""
    checkout = copy_checkout(tmp_path)
    assert "Making .venv" in run_ok("make", "setup", cwd=checkout)
    environment = Environment(checkout / ".venv")
    assert environment.venues() == VENUES
    run_ok(environment.paraphina, "--version", cwd=tmp_path)

    started = time.monotonic()
    assert run_ok("make", "setup", cwd=checkout) == ".venv is ready\n"
    assert time.monotonic() - started < 5

    (checkout / "plugins/paraphina-aster/pyproject.toml").touch()
    again = run_ok("make", "setup", cwd=checkout)
    assert "Installing" in again
    assert "Making .venv" not in again

    moved = checkout.rename(tmp_path / "moved checkout")
    assert "Making .venv" in run_ok("make", "setup", cwd=moved)
    run_ok(moved / ".venv/bin/paraphina", "--version", cwd=tmp_path)


@pytest.mark.slow
def test_the_first_minute_from_a_checkout_to_quotes_that_move(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`make run` in a fresh checkout, packages cached, shows moving quotes on the dashboard within 90 s."""
    checkout = copy_checkout(tmp_path)
    started_s = time.monotonic()
    process = subprocess.Popen(
        ["make", "run", "ARGS=--view none --dashboard 127.0.0.1:0"],
        cwd=checkout,
        env={**user_environment(), "PARAPHINA_HOME": str(tmp_path / "home")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    with process.stdout as output:
        try:
            url = next(found[1] for line in output if (found := re.match(r"dashboard at (\S+) ", line)))
            seen: set[str] = set()
            while len(seen) < 2:  # own orders of two moments that differ
                assert time.monotonic() - started_s < 180, "nothing moves"
                with (
                    contextlib.suppress(urllib.error.HTTPError),  # 404 until the first snapshot
                    urllib.request.urlopen(f"{url}why/hyperliquid/buy", timeout=5) as answer,  # noqa: S310  # http, see above
                ):
                    (market,) = json.load(answer)["markets"]
                    seen |= {json.dumps(market["orders"])} if market["quoted"] else set()
                time.sleep(0.1)
            took_s = time.monotonic() - started_s
        finally:
            os.killpg(process.pid, signal.SIGINT)
            output.read()
            process.wait(timeout=30)
    with capsys.disabled():
        sys.stdout.write(f"\nfrom a checkout to moving quotes: {took_s:.1f} s\n")
    assert took_s <= 90


@pytest.mark.slow
def test_a_tampered_lock_file_stops_the_setup(tmp_path: Path) -> None:
    """A package whose bytes are not the locked ones is not installed, and the next call starts afresh."""
    checkout = copy_checkout(tmp_path)
    lock = checkout / "requirements.lock"
    text = lock.read_text(encoding="utf-8")
    start = text.index("\npluggy==")
    end = text.index("\n    # via", start)
    forged = text[start:end].split(" \\")[0] + f" \\\n    --hash=sha256:{'0' * 64}"
    lock.write_text(text[:start] + forged + text[end:], encoding="utf-8")
    done = run("make", "setup", cwd=checkout)
    assert done.returncode != 0
    assert "DO NOT MATCH THE HASHES" in done.stdout
    assert not (checkout / ".venv/ready").exists()

"""`paraphina keys`: what is typed is sealed; nothing secret is an argument, printed or left in clear."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

ADDRESS = "0x" + "05" * 20
KEY = "0x" + "00" * 31 + "03"
WORDS = "long enough passphrase"
ADD = ("keys", "add", "hyperliquid", "--network", "testnet", "--cost", "interactive")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return the home folder of a new installation."""
    return tmp_path / "home"


def paraphina(home: Path, *arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    """Run the command line with lines on its standard input."""
    return subprocess.run(
        [sys.executable, "-m", "paraphina_core", *arguments],
        input=typed,
        env=os.environ | {"PARAPHINA_HOME": str(home), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def add(home: Path, *lines: str) -> subprocess.CompletedProcess[str]:
    """Add a key of the connector that comes with this checkout."""
    return paraphina(home, *ADD, typed="".join(f"{line}\n" for line in lines or (ADDRESS, KEY, WORDS, WORDS)))


def test_a_key_is_added_listed_tested_and_removed(home: Path) -> None:
    """The whole life of a key, as somebody without a terminal types it."""
    added = add(home)
    assert (added.returncode, added.stderr) == (0, "")
    assert f"hyperliquid on testnet, default (vault_address {ADDRESS})" in added.stdout
    (listed,) = json.loads(paraphina(home, "keys", "list", "--json").stdout)
    assert (listed["connector"], listed["network"], listed["holds"]) == (
        "hyperliquid",
        "testnet",
        ["private_key"],
    )
    assert ADDRESS in paraphina(home, "keys", "list").stdout
    tested = paraphina(home, "keys", "test", "hl", "--network", "testnet", typed=f"{WORDS}\n")
    assert tested.returncode == 0
    removed = paraphina(home, "keys", "remove", "hyperliquid", "--network", "testnet", "--yes")
    assert "revoke it at the venue" in removed.stdout
    assert json.loads(paraphina(home, "keys", "list", "--json").stdout) == []
    assert paraphina(home, "keys", "remove", "hyperliquid", "--network", "testnet", "--yes").returncode == 1


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ((ADDRESS, KEY, WORDS, "something else entirely"), "the passphrases differ"),
        ((ADDRESS, KEY, "short", "short"), "too short"),
        ((ADDRESS, "", WORDS, WORDS), "no secret was given"),
        ((ADDRESS,), "no secret was given"),
    ],
)
def test_what_cannot_be_used_is_not_kept(home: Path, lines: tuple[str, ...], said: str) -> None:
    """A wrong answer ends with exit code 2, its reason, and no file."""
    done = add(home, *lines)
    assert done.returncode == 2
    assert said in done.stderr
    assert not (home / "keys").exists()


def test_f105_no_secret_is_printed_or_left_in_clear(home: Path) -> None:
    """Neither a good run nor a bad one repeats the key or the passphrase, and no file holds them."""
    runs = [
        add(home),
        add(home),
        paraphina(home, "keys", "test", "hyperliquid", "--network", "testnet", typed=f"{WORDS}\n"),
        paraphina(home, "keys", "test", "hyperliquid", "--network", "testnet", typed=f"{WORDS}?\n"),
        paraphina(home, "keys", "list"),
    ]
    assert [run.returncode for run in runs] == [0, 2, 0, 2, 0]
    told = "".join(run.stdout + run.stderr for run in runs)
    kept = "".join(path.read_text("latin-1") for path in home.rglob("*") if path.is_file())
    for secret in (KEY, KEY.removeprefix("0x"), WORDS):
        assert secret not in told
        assert secret not in kept


def test_at_a_terminal_nothing_secret_is_echoed(home: Path) -> None:
    """Somebody who looks over the shoulder sees the address, and neither key nor passphrase."""
    main, other = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "paraphina_core", *ADD],
        stdin=other,
        stdout=other,
        stderr=other,
        env=os.environ | {"PARAPHINA_HOME": str(home)},
        start_new_session=True,
    )
    os.close(other)
    screen = b""
    for prompt, answer in (
        (b"vault_address", ADDRESS),
        (b"private_key", KEY),
        (b"new passphrase", WORDS),
        (b"again", WORDS),
    ):
        screen = _until(main, screen, prompt)
        os.write(main, f"{answer}\n".encode())
    screen = _until(main, screen, b"sealed for")
    assert process.wait(30) == 0
    os.close(main)
    assert ADDRESS.encode() in screen
    assert KEY.encode() not in screen
    assert WORDS.encode() not in screen


def _until(terminal: int, screen: bytes, wanted: bytes) -> bytes:
    deadline = time.monotonic() + 30
    seen = len(screen)
    while wanted not in screen[seen:] or not screen[seen:].rstrip(b" \r\n"):
        assert time.monotonic() < deadline, screen
        if select.select([terminal], [], [], 0.2)[0]:
            screen += os.read(terminal, 4096)
    time.sleep(0.1)  # the echo is switched off just after the prompt is drawn
    return screen

"""The guards around every test: shown at work on small test files run by a pytest of their own."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def run_pytest(folder: Path, test_file: str, *arguments: str) -> dict[str, int]:
    """Run a test file under the project's conftest and settings; return how many tests ended how."""
    shutil.copy(ROOT / "conftest.py", folder)
    shutil.copy(ROOT / "pyproject.toml", folder)
    (folder / "test_it.py").write_text(test_file, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments, "test_it.py"]
    output = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False).stdout
    closing_line = output.strip().splitlines()[-1]
    return {word: int(count) for count, word in re.findall(r"(\d+) (passed|failed|errors?)", closing_line)}


OUTWARD = """
import asyncio, socket, urllib.request
def test_tcp(): socket.socket().connect(("192.0.2.1", 443))
def test_tcp_ex(): socket.socket().connect_ex(("192.0.2.1", 443))
def test_tcp6(): socket.socket(socket.AF_INET6).connect(("2001:db8::1", 443))
def test_tcp_by_name(): socket.socket().connect(("venue.example", 443))
def test_udp(): socket.socket(type=socket.SOCK_DGRAM).sendto(b"", ("192.0.2.1", 53))
def test_udp_with_flags(): socket.socket(type=socket.SOCK_DGRAM).sendto(b"", 0, ("192.0.2.1", 53))
def test_create_connection(): socket.create_connection(("venue.example", 443))
def test_look_up(): socket.getaddrinfo("venue.example", 443)
def test_asyncio(): asyncio.run(asyncio.open_connection("192.0.2.1", 443))
def test_asyncio_by_name(): asyncio.run(asyncio.open_connection("venue.example", 443))
def test_http(): urllib.request.urlopen("http://venue.example/")
"""


def test_a_test_that_reaches_another_machine_fails(tmp_path: Path) -> None:
    """Whatever way a test takes out of this machine, it fails before a packet leaves."""
    outcome = run_pytest(tmp_path, OUTWARD, "-W", "ignore::ResourceWarning")
    tests = OUTWARD.count("def test_")
    assert outcome == {"failed": tests, "errors": tests}  # an error too, so it was the guard that refused


def test_a_swallowed_connection_is_still_reported(tmp_path: Path) -> None:
    """Code that catches every error cannot hide that it reached for the network."""
    swallowed = (
        "import socket\ndef test_it():\n    try:\n        socket.create_connection(('venue.example', 443))\n"
        "    except Exception:\n        pass"
    )
    assert run_pytest(tmp_path, swallowed) == {"passed": 1, "error": 1}


def test_loopback_is_open(tmp_path: Path) -> None:
    """A server under test on this machine can be reached, by address and as localhost."""
    served = (
        "import socket\nimport pytest\n@pytest.mark.parametrize('host', ['127.0.0.1', 'localhost'])\n"
        "def test_it(host):\n    with socket.create_server(('127.0.0.1', 0)) as server:\n"
        "        socket.create_connection((host, server.getsockname()[1])).close()"
    )
    assert run_pytest(tmp_path, served) == {"passed": 2}


def test_a_leaked_environment_variable_fails_the_test_that_leaked_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The leak is an error of its own test, and the next test finds the environment as it was."""
    monkeypatch.setenv("KEPT", "1")
    test_file = (
        "import os\ndef test_adds(): os.environ['LEAK'] = '1'\ndef test_removes(): del os.environ['KEPT']\n"
        "def test_changes():\n    assert os.environ['KEPT'] == '1'\n    os.environ['KEPT'] = 'other'\n"
        "def test_next(): assert os.environ['KEPT'] == '1' and 'LEAK' not in os.environ"
    )
    assert run_pytest(tmp_path, test_file) == {"passed": 4, "errors": 3}


def test_an_environment_variable_set_by_monkeypatch_is_no_leak(tmp_path: Path) -> None:
    """The usual way to set a variable for one test stays open."""
    assert run_pytest(tmp_path, "def test_it(monkeypatch): monkeypatch.setenv('LEAK', '1')") == {"passed": 1}


def test_property_tests_try_the_same_examples_on_every_run(tmp_path: Path) -> None:
    """A property that fails for rare inputs fails on all runs or on none; `explore` looks further."""
    test_file = (
        "from pathlib import Path\nfrom hypothesis import given, strategies as st\n"
        "seen = Path('seen').open('w')\n"
        "@given(st.integers())\ndef test_it(n): print(n, file=seen, flush=True)"
    )
    seen = []
    for arguments in ((), (), ("--hypothesis-profile=explore",)):
        assert run_pytest(tmp_path, test_file, *arguments) == {"passed": 1}
        seen.append((tmp_path / "seen").read_text(encoding="utf-8").split())
    assert seen[0] == seen[1]
    assert len(seen[2]) > len(seen[0])


def test_a_warning_and_an_unexpected_pass_are_failures(tmp_path: Path) -> None:
    """What would otherwise scroll by as yellow text is red."""
    test_file = (
        "import pytest, warnings\ndef test_warns(): warnings.warn('old')\n"
        "@pytest.mark.xfail\ndef test_passes(): pass"
    )
    assert run_pytest(tmp_path, test_file) == {"failed": 2}


def test_a_misspelt_marker_is_an_error(tmp_path: Path) -> None:
    """A test marked `slwo` does not slip into the quick run."""
    assert run_pytest(tmp_path, "import pytest\n@pytest.mark.slwo\ndef test_it(): pass") == {"error": 1}

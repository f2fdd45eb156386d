"""The doctor finds what is wrong with an installation, says what to do, and shows no secret."""

from __future__ import annotations

import importlib.metadata
import resource
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from paraphina_core.connector import load_plugins, mock
from paraphina_core.domain import NS_PER_MS
from paraphina_core.session import Finding, Level, examine
from paraphina_core.session.doctor import (
    FEW_OPEN_FILES,
    OPEN_FILES,
    examine_clock,
    examine_disk,
    examine_home,
    examine_open_files,
    examine_python,
)
from paraphina_core.session.libraries import examine_libraries
from paraphina_core.transport import EventLoop, WebSocketLibrary, choose

NOW_NS = 1_800_000_000 * 1_000_000_000


class Clocks:
    """A wall clock and a monotonic clock that need not agree."""

    def __init__(self, wall_ns: int, wall_moves_ns: int, moves_ns: int) -> None:
        self.wall, self.monotonic = wall_ns, 5
        self._moves = (wall_moves_ns, moves_ns)

    def examined(self) -> Finding:
        return examine_clock(lambda: self.wall, lambda: self.monotonic, self._sleep)

    def _sleep(self, _seconds: float) -> None:
        self.wall += self._moves[0]
        self.monotonic += self._moves[1]


def the(what: str, findings: tuple[Finding, ...]) -> Finding:
    """Return the one finding of that name."""
    (found,) = (one for one in findings if one.what == what)
    return found


def test_this_installation_is_examined_whole_and_told_without_secrets(tmp_path: Path) -> None:
    """Every part has its line; a variable is named and its value never shown."""
    env = {"PARAPHINA_SECRET": "hunter2", "http_proxy": "http://user:hunter2@proxy", "PYTHONPATH": ""}
    findings = examine(load_plugins([mock]), tmp_path / "home", tmp_path, choose(), env)
    assert {"Python", "event loop", "WebSocket", "clock", "home folder", "journal disk", "open files"} < {
        one.what for one in findings
    }
    assert the("environment", findings).level is Level.WARN
    assert the("environment", findings).found == "http_proxy"
    assert "hunter2" not in repr(findings)
    assert not [one for one in findings if one.level is not Level.OK and not one.remedy]
    assert list(tmp_path.iterdir()) == []


def test_the_slow_engine_is_a_warning_with_the_way_to_the_fast_one(tmp_path: Path) -> None:
    """It works; it costs more. What to install is said."""
    slow = choose(WebSocketLibrary.WEBSOCKETS, EventLoop.ASYNCIO)
    findings = examine(load_plugins([mock]), tmp_path, tmp_path, slow, {})
    for what, fast in (("event loop", "uvloop"), ("WebSocket", "picows")):
        assert the(what, findings).level is Level.WARN
        assert f"pip install '{fast}" in the(what, findings).remedy
        assert "asked for" in the(what, findings).found


@pytest.mark.parametrize(
    ("version", "implementation", "level"),
    [
        ((3, 11), "CPython", Level.OK),
        ((3, 13), "CPython", Level.OK),
        ((3, 14), "CPython", Level.WARN),
        ((3, 10), "CPython", Level.WARN),
        ((3, 11), "PyPy", Level.WARN),
    ],
)
def test_a_python_nobody_tests_is_a_warning(
    version: tuple[int, int], implementation: str, level: Level
) -> None:
    """At the edges of what is tested."""
    assert examine_python(version, implementation).level is level


@pytest.mark.parametrize(
    ("clocks", "level"),
    [
        (Clocks(NOW_NS, 50 * NS_PER_MS, 50 * NS_PER_MS), Level.OK),
        (Clocks(NOW_NS, 54 * NS_PER_MS, 50 * NS_PER_MS), Level.OK),
        (Clocks(NOW_NS, -950 * NS_PER_MS, 50 * NS_PER_MS), Level.WARN),
        (Clocks(NOW_NS, 56 * NS_PER_MS, 50 * NS_PER_MS), Level.WARN),
        (Clocks(NOW_NS, 0, 0), Level.WARN),
        (Clocks(86_400 * 1_000_000_000, 50 * NS_PER_MS, 50 * NS_PER_MS), Level.FAIL),
    ],
)
def test_a_clock_that_steps_or_was_never_set_is_noticed(clocks: Clocks, level: Level) -> None:
    """Both clocks must move alike, and the wall clock must show our time."""
    assert clocks.examined().level is level


def test_a_home_folder_that_others_can_read_fails_with_the_command_that_closes_it(tmp_path: Path) -> None:
    """Files below count too; links are not followed; one that does not exist yet is fine."""
    home = tmp_path / "home"
    assert examine_home(home).level is Level.OK
    home.mkdir(mode=0o700)
    (home / "link").symlink_to("/etc/hostname")
    (home / "keys").mkdir(mode=0o700)
    key = home / "keys" / "one"
    key.touch(mode=0o600)
    assert examine_home(home).level is Level.OK
    key.chmod(0o640)
    found = examine_home(home)
    assert found.level is Level.FAIL
    assert found.found == f"{key} has mode 0640"
    assert found.remedy == f"chmod -R go-rwx {home}"


def test_the_disk_of_the_journal_is_measured_where_it_would_be(tmp_path: Path) -> None:
    """The folder need not exist; nothing is left; what cannot be written fails."""
    found = examine_disk(tmp_path / "not" / "there")
    assert found.level in {Level.OK, Level.WARN}
    assert "synced write" in found.found
    assert str(tmp_path) in found.found
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_refuses_fails() -> None:
    """A folder in which nobody can make a file."""
    found = examine_disk(Path("/proc"))
    assert found.level is Level.FAIL
    assert "--out-dir" in found.remedy


@pytest.mark.parametrize(
    ("limit", "level"),
    [
        (FEW_OPEN_FILES - 1, Level.FAIL),
        (FEW_OPEN_FILES, Level.WARN),
        (OPEN_FILES - 1, Level.WARN),
        (OPEN_FILES, Level.OK),
        (resource.RLIM_INFINITY, Level.OK),
    ],
)
def test_the_limit_of_open_files_is_judged_at_its_edges(limit: int, level: Level) -> None:
    """Too few fails, few is a warning, no limit is fine."""
    assert examine_open_files(limit).level is level


def about(purpose: str) -> tuple[str, str, str]:
    """Return what is found of a library."""
    (found,) = ((level, found, do) for what, level, found, do in examine_libraries() if what == purpose)
    return found


def test_a_signing_library_is_tried_and_not_only_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that gives a wrong answer, or none, must not be traded with."""
    pytest.importorskip("sha3")
    assert about("Keccak-256")[0] == "ok"

    def wrong(_data: bytes) -> Any:
        return SimpleNamespace(hexdigest=lambda: "00")

    monkeypatch.setitem(sys.modules, "sha3", SimpleNamespace(keccak_256=wrong))  # type: ignore[arg-type]  # stands in for a module
    level, found, remedy = about("Keccak-256")
    assert level == "fail"
    assert "wrong answer" in found
    assert "Do not trade" in remedy
    monkeypatch.setitem(sys.modules, "sha3", None)  # type: ignore[arg-type]  # how Python marks what cannot be imported
    assert about("Keccak-256")[0] == "fail"


def test_a_missing_library_is_a_warning_if_optional_and_fails_if_required(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With the command that installs it."""
    real = importlib.metadata.version

    def version(name: str) -> str:
        if name in {"coincurve", "h11"}:
            raise importlib.metadata.PackageNotFoundError(name)
        return real(name)

    monkeypatch.setattr(importlib.metadata, "version", version)
    assert about("libraries") == ("fail", "missing: h11", "pip install h11")
    level, found, remedy = about("secp256k1 signing")
    assert (level, found) == ("warn", "coincurve is not installed")
    assert remedy.startswith("pip install 'coincurve")

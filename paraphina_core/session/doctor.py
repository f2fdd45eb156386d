"""Examines an installation: what is there, what works, what is slow, and what to do about it.

Everything is tried and nothing believed, nothing is left behind, and of secrets only file modes are seen.
"""

from __future__ import annotations

import os
import platform
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Final

import msgspec

from paraphina_core import __version__
from paraphina_core.connector import CheckStatus, Plugins, PluginStatus, core_hash
from paraphina_core.domain import NS_PER_MS
from paraphina_core.transport import INSTALL, Choice, Engine

from .facts import unsafe_variables
from .libraries import examine_libraries
from .probes import nearest_folder, probe_kill_latch

#: Pythons that the project is tested with.
OLDEST_PYTHON: Final = (3, 11)
NEWEST_PYTHON: Final = (3, 13)

#: Each connection takes a descriptor, and so do journal, recording, libraries.
OPEN_FILES: Final = 1024
FEW_OPEN_FILES: Final = 256

#: A synced write that takes longer holds back every order that waits for it; a slow disk is to be known of.
SLOW_SYNC_MS: Final = 20.0
MIN_FREE_MB: Final = 1024
_SYNCS: Final = 9
_BLOCK: Final = b"\0" * 4096
_BYTES_PER_MB: Final = 1024 * 1024

#: A wall clock before this was never set (2026-01-01).
_EARLIEST_NS: Final = 1_767_225_600 * 1_000_000_000
_CLOCK_S: Final = 0.05
_CLOCK_DRIFT_NS: Final = 5 * NS_PER_MS
_OTHERS: Final = 0o077


class Level(StrEnum):
    """How a finding is to be taken."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the examination: what was looked at, what was found, what to do."""

    what: str
    level: Level
    found: str
    remedy: str = ""


def examine(
    plugins: Plugins, home: Path, runs: Path, engine: Engine, env: Mapping[str, str] | None = None
) -> tuple[Finding, ...]:
    """Examine this installation.

    Args:
        plugins: what is installed.
        home: state folder of the installation; need not exist.
        runs: folder that runs are written to; need not exist.
        engine: what the configuration chose.
        env: the environment; None for this process's.
    """
    return (
        Finding(what="paraphina", level=Level.OK, found=f"{__version__}, core {core_hash()[:12]}"),
        examine_python(sys.version_info[:2], platform.python_implementation()),
        _platform(),
        _choice("event loop", engine.event_loop),
        _choice("WebSocket", engine.websocket),
        *(
            Finding(what=what, level=Level(level), found=found, remedy=remedy)
            for what, level, found, remedy in examine_libraries()
        ),
        examine_clock(time.time_ns, time.monotonic_ns, time.sleep),
        examine_home(home),
        _kill_latch(home),
        examine_disk(runs),
        examine_open_files(resource.getrlimit(resource.RLIMIT_NOFILE)[0]),
        _environment(os.environ if env is None else env),
        *_plugins(plugins),
    )


def examine_python(version: tuple[int, int], implementation: str) -> Finding:
    """Tell whether the project is tested with this Python."""
    found = f"{implementation} {sys.version.split()[0]}"
    oldest, newest = (".".join(map(str, one)) for one in (OLDEST_PYTHON, NEWEST_PYTHON))
    if not (OLDEST_PYTHON <= version <= NEWEST_PYTHON and implementation == "CPython"):
        remedy = f"Use CPython {oldest} to {newest}; others are not tested."
        return Finding(what="Python", level=Level.WARN, found=found, remedy=remedy)
    return Finding(what="Python", level=Level.OK, found=found)


def examine_clock(
    wall_ns: Callable[[], int], monotonic_ns: Callable[[], int], sleep: Callable[[float], None]
) -> Finding:
    """Tell whether the wall clock is set, and both clocks go at one speed."""
    what = "clock"
    wall, monotonic = wall_ns(), monotonic_ns()
    sleep(_CLOCK_S)
    wall_passed, monotonic_passed = wall_ns() - wall, monotonic_ns() - monotonic
    if wall < _EARLIEST_NS:
        found = f"the wall clock shows {time.strftime('%Y-%m-%d', time.gmtime(wall // 1_000_000_000))}"
        return Finding(what=what, level=Level.FAIL, found=found, remedy="Set it; venues refuse old times.")
    if monotonic_passed <= 0 or abs(wall_passed - monotonic_passed) > _CLOCK_DRIFT_NS:
        found = (
            f"in {monotonic_passed / NS_PER_MS:.1f} ms of the monotonic clock the wall clock moved by "
            f"{wall_passed / NS_PER_MS:.1f} ms"
        )
        return Finding(
            what=what, level=Level.WARN, found=found, remedy="Look at the time service; it is stepping."
        )
    found = "set, and both clocks go alike; a venue's clock is compared when a session connects"
    return Finding(what=what, level=Level.OK, found=found)


def examine_home(home: Path) -> Finding:
    """Tell whether the state folder and what lies in it belong to the owner alone."""
    what = "home folder"
    if not home.exists():
        return Finding(what=what, level=Level.OK, found=f"{home} will be made when it is first needed")
    open_to_others = [path for path in (home, *_below(home)) if _mode(path) & _OTHERS]
    if open_to_others:
        found = ", ".join(f"{path} has mode {_mode(path) & 0o777:04o}" for path in open_to_others[:3])
        more = len(open_to_others) - 3
        found += f" and {more} more" if more > 0 else ""
        return Finding(what=what, level=Level.FAIL, found=found, remedy=f"chmod -R go-rwx {home}")
    return Finding(what=what, level=Level.OK, found=f"{home} is its owner's alone")


def examine_disk(folder: Path) -> Finding:
    """Measure how long a synced write takes where runs are written, and how much room is left."""
    what = "journal disk"
    place = nearest_folder(folder)
    try:
        times_ms = [_synced_write_ms(place) for _ in range(_SYNCS)]
        free_mb = os.statvfs(place).f_bavail * os.statvfs(place).f_frsize // _BYTES_PER_MB
    except OSError as e:
        remedy = "Make it writable, or name another folder with --out-dir."
        return Finding(what=what, level=Level.FAIL, found=f"{place}: {e.strerror or e}", remedy=remedy)
    typical_ms, worst_ms = statistics.median(times_ms), max(times_ms)
    found = f"{place}: synced write {typical_ms:.1f} ms, at worst {worst_ms:.1f} ms; {free_mb} MB free"
    if not typical_ms <= SLOW_SYNC_MS:
        remedy = "Write runs to a faster disk."
        return Finding(what=what, level=Level.WARN, found=found, remedy=remedy)
    if not free_mb >= MIN_FREE_MB:
        return Finding(what=what, level=Level.WARN, found=found, remedy="Make room.")
    return Finding(what=what, level=Level.OK, found=found)


def examine_open_files(limit: int) -> Finding:
    """Tell whether enough files may be open at once."""
    what = "open files"
    if limit in {resource.RLIM_INFINITY, -1} or limit >= OPEN_FILES:
        found = "no limit" if limit in {resource.RLIM_INFINITY, -1} else f"at most {limit}"
        return Finding(what=what, level=Level.OK, found=found)
    level = Level.FAIL if limit < FEW_OPEN_FILES else Level.WARN
    return Finding(what=what, level=level, found=f"at most {limit}", remedy=f"ulimit -n {OPEN_FILES}")


# --- the rest ------------------------------------------------------------------------------------


def _platform() -> Finding:
    found = platform.platform()
    if platform.system() != "Linux":
        return Finding(what="platform", level=Level.WARN, found=found, remedy="Linux is what is tested.")
    return Finding(what="platform", level=Level.OK, found=found)


def _choice(what: str, choice: Choice) -> Finding:
    found = f"{choice.name} {choice.version}".strip() + f" ({choice.why})"
    if choice.is_fast:
        return Finding(what=what, level=Level.OK, found=found)
    fast = {"asyncio": "uvloop", "websockets": "picows"}[choice.name]
    remedy = f"{INSTALL[fast]} makes every frame cheaper."
    return Finding(what=what, level=Level.WARN, found=found, remedy=remedy)


def _kill_latch(home: Path) -> Finding:
    result = probe_kill_latch(home)
    level = {CheckStatus.PASS: Level.OK, CheckStatus.FAIL: Level.FAIL, CheckStatus.UNKNOWN: Level.WARN}
    return Finding(what="kill switch", level=level[result.status], found=result.found, remedy=result.remedy)


def _environment(env: Mapping[str, str]) -> Finding:
    names = ", ".join(unsafe_variables(env))
    if names:
        remedy = "Unset them; they change what code runs or where traffic goes. Testnet and live refuse them."
        return Finding(what="environment", level=Level.WARN, found=names, remedy=remedy)
    return Finding(what="environment", level=Level.OK, found="no variable that changes code or traffic")


def _plugins(plugins: Plugins) -> Iterator[Finding]:
    loaded = [record for record in plugins.plugins if record.status is PluginStatus.LOADED]
    connectors = sum(len(record.connectors) for record in loaded)
    found = f"{len(loaded)} loaded, {connectors} connectors"
    yield Finding(what="plugins", level=Level.OK, found=found)
    for record in plugins.plugins:
        if record.status is not PluginStatus.LOADED:
            found = f"{record.name} of {record.distribution} is {record.status.value}: {record.reason}"
            yield Finding(
                what="plugins", level=Level.FAIL, found=found, remedy="Repair, reinstall or remove it."
            )


def _below(folder: Path) -> Iterator[Path]:
    """List what the state folder holds, links not followed; what cannot be listed holds nothing of ours."""
    for where, folders, files in os.walk(folder, followlinks=False):
        yield from (Path(where) / name for name in (*folders, *files))


def _mode(path: Path) -> int:
    try:
        found = path.lstat()
    except OSError:
        return 0
    return 0 if path.is_symlink() else found.st_mode


def _synced_write_ms(place: Path) -> float:
    with tempfile.TemporaryFile(dir=place) as file:
        began = time.perf_counter()
        file.write(_BLOCK)
        file.flush()
        os.fsync(file.fileno())
        return (time.perf_counter() - began) * 1000

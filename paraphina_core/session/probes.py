"""Tries out whether the disk and the state folder are fit for a run, and leaves no trace."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from paraphina_core.connector import CheckResult, CheckStatus
from paraphina_core.domain import NS_PER_S, LocalError

from .kill_latch import KillLatch
from .running import sessions

#: Deaths of so long ago are no part of a loop.
CRASH_LOOP_S: Final = 600

#: What a fired kill switch asks for.
CLEAR_REMEDY: Final = (
    "`paraphina kill` cancels what is left; look at positions, then let sessions start with "
    "`paraphina kill --clear`."
)

_PROBE: Final = b"\0" * 4096
_MAX_SHOWN: Final = 300
_BYTES_PER_MB: Final = 1024 * 1024
#: Journal segments that must fit on the disk when a run starts.
_SEGMENTS: Final = 2


def probe_output(folder: Path, journal: Path, home: Path) -> CheckResult:
    """Tell whether a run may write to its folder and to the state folder.

    Args:
        folder: of the run; need not exist.
        journal: where the run's journal would be; if it exists, the folder holds another run.
        home: state folder of the installation; need not exist.
    """
    if journal.exists():
        return _failed(f"{folder} holds another run", "Name a new folder with --out-dir.")
    for place in (folder, home):
        fault = _write_fault(place)
        if fault:
            return _failed(fault, "Make it writable, or name another folder.")
    return CheckResult(status=CheckStatus.PASS, found=f"{folder} and {home} can be written")


def probe_journal(folder: Path, segment_mb: int) -> CheckResult:
    """Tell whether a journal in the folder can be synced to disk, and has room."""
    fault = _write_fault(folder)
    if fault:
        return _failed(fault, "Make it writable, or name another folder.")
    free_mb = shutil.disk_usage(nearest_folder(folder)).free // _BYTES_PER_MB
    wanted_mb = _SEGMENTS * segment_mb
    if not free_mb >= wanted_mb:
        return _failed(
            f"{free_mb} MB are free where {folder} lies, {wanted_mb} MB are needed",
            "Make room, or state a smaller [journal] segment_mb.",
        )
    return CheckResult(status=CheckStatus.PASS, found=f"{folder}, {free_mb} MB free")


def probe_kill_latch(home: Path) -> CheckResult:
    """Tell whether the kill switch has fired and was not cleared; a latch that cannot be seen is unknown."""
    latch = KillLatch(home)
    try:
        reason = latch.read()
    except LocalError as e:
        remedy = "Look at it; without a file there the switch has not fired."
        return CheckResult(status=CheckStatus.UNKNOWN, found=str(e), remedy=remedy)
    if reason is None:
        return CheckResult(status=CheckStatus.PASS, found="it has not fired")
    return _failed(f"it has fired: {reason[:_MAX_SHOWN]}", CLEAR_REMEDY)


def probe_crashes(home: Path, connectors: Collection[str], limit: int, now_ns: int) -> CheckResult:
    """Tell whether sessions on these connectors died again and again.

    Args:
        home: state folder of the installation.
        connectors: that are selected.
        limit: so many deaths within ten minutes are a loop.
        now_ns: wall clock, nanoseconds since 1970.
    """
    since = datetime.fromtimestamp(now_ns / NS_PER_S - CRASH_LOOP_S, UTC)
    try:
        dead = [told for told, is_alive in sessions(home) if not is_alive and not told.left]
    except LocalError as e:
        return CheckResult(status=CheckStatus.UNKNOWN, found=str(e), remedy="Look at it.")
    ours = [
        told
        for told in dead
        if told.accounts.keys() & set(connectors) and datetime.fromisoformat(told.started) >= since
    ]
    if len(ours) < limit:
        return CheckResult(status=CheckStatus.PASS, found=f"{len(ours)} sessions died lately")
    runs = ", ".join(str(told.run) for told in ours)
    remedy = "Read why they died. `paraphina kill` cancels what they left; `paraphina kill --clear` follows."
    return _failed(f"{len(ours)} sessions died within ten minutes: runs {runs}", remedy)


def _write_fault(folder: Path) -> str:
    """Write and sync a file without a name where the folder is or would be; say what refused."""
    nearest = nearest_folder(folder)
    try:
        with tempfile.TemporaryFile(dir=nearest) as file:
            file.write(_PROBE)
            file.flush()
            os.fsync(file.fileno())
    except OSError as e:
        return f"{folder} cannot be written: {e.strerror or e}"
    return ""


def nearest_folder(folder: Path) -> Path:
    """Return the folder itself, or the nearest one above it that exists."""
    path = folder.absolute()
    while not path.exists() and path != path.parent:
        path = path.parent
    return path


def _failed(found: str, remedy: str) -> CheckResult:
    return CheckResult(status=CheckStatus.FAIL, found=found, remedy=remedy)

"""Which sessions run on this installation, and which did not end clean: one locked file for each.

The kernel gives the lock back when a process dies, so a file without a holder is a session that nobody
ended. Its orders and positions are unexplained until a later session of the same accounts ends clean.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import msgspec

from paraphina_core.connector import TradeMode, read_private, write_private
from paraphina_core.domain import LocalError, RunNumber
from paraphina_core.journal import FileLock, JournalError

SESSIONS_FOLDER: Final = "sessions"


class SessionFile(msgspec.Struct, frozen=True, kw_only=True):
    """What a session says of itself.

    `accounts` is what may be told of each account that it sends orders for, by connector, and empty on
    paper. `left` says what it left when it ended, and is empty while it runs and after a death.
    """

    run: RunNumber
    pid: int
    mode: TradeMode
    connectors: tuple[str, ...]
    accounts: dict[str, dict[str, str]]
    folder: str
    started: str
    left: tuple[str, ...] = ()


class Running:
    """The file of one session, held from now until `close`.

    Args:
        home: state folder of the installation.
        told: what the file says.

    Raises:
        LocalError: the file cannot be written or locked.
    """

    def __init__(self, home: Path, told: SessionFile) -> None:
        self._folder = home / SESSIONS_FOLDER
        self._told = told
        self._path = self._folder / f"{told.run}.json"
        write_private(self._path, msgspec.json.encode(told))
        self._lock = FileLock(_lock_path(self._path), f"run {told.run}")

    def close(self, left: tuple[str, ...]) -> None:
        """End it: without anything left its file goes, and those of dead sessions of the same accounts.

        Raises:
            LocalError: the disk refuses; the session then counts as not ended clean.
        """
        try:
            if left:
                write_private(self._path, msgspec.json.encode(msgspec.structs.replace(self._told, left=left)))
                return
            _remove(self._path)
            for path, other, is_alive in _all(self._folder):
                if not is_alive and other is not None and _covers(self._told.accounts, other.accounts):
                    _remove(path)
        finally:
            self._lock.release()


def sessions(home: Path) -> Iterator[tuple[SessionFile, bool]]:
    """List the sessions that run, and those that did not end clean; the second value is True for the first.

    Sessions on paper that died are left out: nothing of theirs is at a venue.

    Raises:
        LocalError: a file of a session cannot be read.
    """
    for path, told, is_alive in _all(home / SESSIONS_FOLDER):
        if told is None:
            raise LocalError(f"{path} cannot be read", remedy="look at it; remove it if no session runs")
        if is_alive or told.accounts:
            yield told, is_alive


def _all(folder: Path) -> Iterator[tuple[Path, SessionFile | None, bool]]:
    for path in sorted(folder.glob("*.json")):
        try:
            content = read_private(path)
            told = None if content is None else msgspec.json.decode(content, type=SessionFile)
        except (LocalError, msgspec.DecodeError):
            yield path, None, False
            continue
        if content is not None:  # else it has ended just now
            yield path, told, _is_alive(path)


def _is_alive(path: Path) -> bool:
    """Tell whether somebody holds a session's lock; the lock is what counts, process ids are used again."""
    if not _lock_path(path).exists():
        return False
    try:
        FileLock(_lock_path(path), "the session").release()
    except JournalError:
        return True
    return False


def _covers(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> bool:
    return all(ours.get(connector) == identity for connector, identity in theirs.items())


def _lock_path(path: Path) -> Path:
    return path.with_suffix(".lock")


def _remove(path: Path) -> None:
    with suppress(FileNotFoundError):
        _lock_path(path).unlink()
    try:
        path.unlink(missing_ok=True)
    except OSError as e:
        raise LocalError(f"{path} cannot be removed", found=e.strerror) from e

"""Run numbers, of which client order ids are made: never the same one twice on one machine."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from paraphina_core.connector import read_private, write_private
from paraphina_core.domain import LocalError, RunNumber, next_run_number

from .errors import JournalError
from .lock import FileLock

_FILE_NAME: Final = "run_number"
_LOCK_NAME: Final = "run_number.lock"

#: The lock is held for two syncs of a small file; whoever holds it longer hangs.
_WAIT_S: Final = 10.0

_NUMBER: Final = re.compile(rb"(0|[1-9][0-9]{0,9})\n")


def allocate_run_number(home: Path, now_s: int) -> RunNumber:
    """Give out a run number that was never given out before, and remember it before returning it.

    Processes that ask at the same time get different numbers. Quick restarts and a clock that
    steps back do not repeat one, because the last is on disk.

    Args:
        home: the installation's state folder; made if it is not there.
        now_s: wall clock, seconds since 1970.

    Raises:
        LocalError: the folder is a symbolic link or open to others, the file in it is not what
            this function writes, the numbers are used up, or the disk refuses.
    """
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as e:
        raise LocalError(f"the state folder {home} cannot be made", found=e.strerror) from e
    if home.is_symlink():
        raise LocalError(
            f"the state folder {home} is a symbolic link, which somebody else may turn",
            found=str(home.readlink()),
            wanted="a folder of your own with mode 0700",
        )
    lock = FileLock(home / _LOCK_NAME, "the run number", _WAIT_S)
    try:
        path = home / _FILE_NAME
        number = next_run_number(now_s, _last(path))
        write_private(path, b"%d\n" % number)
    finally:
        lock.release()
    return number


def _last(path: Path) -> int | None:
    content = read_private(path)
    if content is None:
        return None
    match = _NUMBER.fullmatch(content)
    if match is None:
        raise JournalError(
            f"{path} holds no run number",
            found=content[:40],
            wanted="one number",
            remedy="if the clock is right, remove the file: numbers then go on from the clock",
        )
    return int(match[1])

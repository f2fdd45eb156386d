"""A file that one process at a time may hold, and that says which one does."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path
from typing import Final

from .errors import JournalError

_RETRY_S: Final = 0.01


class FileLock:
    """An exclusive lock, held until `release`; the kernel gives it back when the process dies.

    Args:
        path: the lock file; it stays behind and means nothing by itself.
        what: what the lock protects, for the refusal.
        wait_s: how long to wait for another holder.

    Raises:
        JournalError: another process holds it, with its process id; or the file cannot be opened.
    """

    def __init__(self, path: Path, what: str, wait_s: float = 0.0) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        try:
            self._descriptor = os.open(path, flags, 0o600)
        except OSError as e:
            raise JournalError(f"the lock file {path} cannot be opened: {e.strerror}") from e
        try:
            self._acquire(what, wait_s)
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, b"%d\n" % os.getpid(), 0)
        except OSError as e:
            self.release()
            raise JournalError(f"the lock file {path} cannot be used: {e.strerror}") from e
        except BaseException:
            self.release()
            raise

    def _acquire(self, what: str, wait_s: float) -> None:
        for remaining in range(int(wait_s / _RETRY_S), -1, -1):
            try:
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as e:
                if not remaining:
                    holder = os.pread(self._descriptor, 32, 0).decode("ascii", "replace").strip()
                    raise JournalError(
                        f"{what} is in use by another process",
                        found=f"process id {holder or 'unknown'}",
                        remedy="wait for it to end, or stop it",
                    ) from e
                time.sleep(_RETRY_S)
            else:
                return

    def release(self) -> None:
        """Let others have it; harmless when it was released before."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

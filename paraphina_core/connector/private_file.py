"""State files that only their owner may read or write, replaced whole or not at all."""

from __future__ import annotations

import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Final

from paraphina_core.domain import LocalError

#: No file of state comes near this size.
MAX_BYTES: Final = 1024 * 1024

_OTHERS: Final = 0o077
_OTHERS_MAY_WRITE: Final = 0o022


def read_private(path: Path) -> bytes | None:
    """Return the content of a private file, None if there is no such file.

    Raises:
        LocalError: it is a symbolic link, no regular file, somebody else's, readable or writable
            by others, too large, or lies in a folder that others may write to.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    except OSError as e:
        raise LocalError(
            f"{path} cannot be opened", found=e.strerror, wanted="a file of your own, not a link"
        ) from e
    try:
        _check_file(path, os.fstat(descriptor))
        _check_folder(path.parent)
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            content = file.read(MAX_BYTES + 1)
    finally:
        os.close(descriptor)
    if len(content) > MAX_BYTES:
        raise LocalError(f"{path} is too large", wanted=f"at most {MAX_BYTES} bytes")
    return content


def write_private(path: Path, content: bytes) -> None:
    """Replace a private file; after a power cut it holds either the old content or the new.

    Raises:
        LocalError: the folder is open to others, or the disk refuses.
    """
    temporary = None
    try:
        _make_folder(path.parent)
        _check_folder(path.parent)
        descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # mode 0600
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        Path(temporary).replace(path)
        _sync_folder(path.parent)
    except OSError as e:
        if temporary is not None:
            with suppress(OSError):
                Path(temporary).unlink()
        raise LocalError(f"{path} cannot be written", found=e.strerror) from e


def _check_file(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid():
        raise LocalError(f"{path} is no file of this user", remedy="remove it")
    if status.st_mode & _OTHERS:
        raise LocalError(
            f"{path} is open to others",
            found=f"mode {stat.S_IMODE(status.st_mode):04o}",
            wanted="mode 0600",
            remedy="check its content, then `chmod 600` it",
        )


def _check_folder(folder: Path) -> None:
    status = folder.stat()
    if status.st_uid != os.geteuid() or status.st_mode & _OTHERS_MAY_WRITE:
        raise LocalError(
            f"others may replace what lies in {folder}",
            found=f"mode {stat.S_IMODE(status.st_mode):04o} of user {status.st_uid}",
            wanted="a folder of your own with mode 0700",
            remedy="check its content, then `chmod 700` it",
        )


def _make_folder(folder: Path) -> None:
    """Make a folder and those around it, all private; `mkdir(parents=True)` leaves the outer ones open."""
    if not folder.exists():
        _make_folder(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

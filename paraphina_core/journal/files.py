"""The disk as the journal sees it: the few calls that change it, so that a test can bring a worse one."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final, Protocol

_FLAGS: Final = os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW


class FileLayer(Protocol):
    """Every call through which the journal changes files; each raises OSError when it fails."""

    def make_folder(self, folder: Path) -> None:
        """Make a folder and its parents, if they are not there; its name then outlives a loss of power."""

    def create(self, path: Path) -> int:
        """Make a new file, open it for appending and return its descriptor."""

    def open(self, path: Path) -> int:
        """Open an existing file for appending and return its descriptor."""

    def write(self, descriptor: int, data: bytes) -> int:
        """Hand bytes to the kernel; return how many it took."""

    def truncate(self, descriptor: int, length: int) -> None:
        """Cut a file to so many bytes."""

    def sync(self, descriptor: int) -> None:
        """Return once everything written to the file outlives a loss of power."""

    def close(self, descriptor: int) -> None:
        """Close a descriptor."""

    def replace(self, source: Path, target: Path) -> None:
        """Give a file another name, in place of whatever has that name."""

    def remove(self, path: Path) -> None:
        """Delete a file, if it is there."""

    def sync_folder(self, folder: Path) -> None:
        """Return once the names in a folder outlive a loss of power."""


class Disk:
    """The real disk; folders and files are readable by their owner alone."""

    def make_folder(self, folder: Path) -> None:
        """Make a folder and its parents, if they are not there; its name then outlives a loss of power."""
        if not folder.parent.is_dir():
            self.make_folder(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)
        self.sync_folder(folder.parent)

    def create(self, path: Path) -> int:
        """Make a new file, open it for appending and return its descriptor."""
        return os.open(path, _FLAGS | os.O_CREAT | os.O_EXCL, 0o600)

    def open(self, path: Path) -> int:
        """Open an existing file for appending and return its descriptor."""
        return os.open(path, _FLAGS)

    def write(self, descriptor: int, data: bytes) -> int:
        """Hand bytes to the kernel; return how many it took."""
        return os.write(descriptor, data)

    def truncate(self, descriptor: int, length: int) -> None:
        """Cut a file to so many bytes."""
        os.ftruncate(descriptor, length)

    def sync(self, descriptor: int) -> None:
        """Return once everything written to the file outlives a loss of power."""
        os.fdatasync(descriptor)

    def close(self, descriptor: int) -> None:
        """Close a descriptor."""
        os.close(descriptor)

    def replace(self, source: Path, target: Path) -> None:
        """Give a file another name, in place of whatever has that name."""
        source.replace(target)

    def remove(self, path: Path) -> None:
        """Delete a file, if it is there."""
        path.unlink(missing_ok=True)

    def sync_folder(self, folder: Path) -> None:
        """Return once the names in a folder outlive a loss of power."""
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def write_whole(files: FileLayer, descriptor: int, data: bytes) -> None:
    """Write all of it or raise: what the kernel did not take is no room on the disk, mostly.

    Raises:
        OSError: the write failed, or was short.
    """
    written = files.write(descriptor, data)
    if written != len(data):
        raise OSError(f"only {written} of {len(data)} bytes were written")


def write_file(files: FileLayer, path: Path, data: bytes) -> None:
    """Put a small file in place as a whole: after any crash it has its old content or the new one.

    Raises:
        OSError: some step failed; the file then has one of the two contents.
    """
    draft = path.with_name(f"{path.name}.new")
    files.remove(draft)
    descriptor = files.create(draft)
    try:
        write_whole(files, descriptor, data)
        files.sync(descriptor)
    finally:
        files.close(descriptor)
    files.replace(draft, path)
    files.sync_folder(path.parent)

"""Disks that are worse than the real one: full, failing, short of breath, and cut off from power."""

from __future__ import annotations

import errno
import os
import random
import time
from typing import TYPE_CHECKING

from paraphina_core.journal import Disk, JournalWriter

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CALLS = ("make_folder", "create", "open", "write", "truncate", "sync", "replace", "remove", "sync_folder")


def die(writer: JournalWriter) -> None:
    """End a writer as the kernel does for a process that died: its files are closed, its lock is free."""
    writer._release()  # noqa: SLF001 - only a dead process ends like this


class CountedDisk(Disk):
    """The real files, never really synced; calls `before` with name and number of each call that may fail."""

    def __init__(self, before: Callable[[str, int], None] = lambda _name, _number: None) -> None:
        self._before = before
        self.calls = 0
        self.names: list[str] = []

    def _count(self, name: str) -> None:
        self.calls += 1
        self.names.append(name)
        self._before(name, self.calls)

    def make_folder(self, folder: Path) -> None:
        self._count("make_folder")
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def create(self, path: Path) -> int:
        self._count("create")
        return super().create(path)

    def open(self, path: Path) -> int:
        self._count("open")
        return super().open(path)

    def write(self, descriptor: int, data: bytes) -> int:
        self._count("write")
        return super().write(descriptor, data)

    def truncate(self, descriptor: int, length: int) -> None:
        self._count("truncate")
        super().truncate(descriptor, length)

    def sync(self, descriptor: int) -> None:
        self._count("sync")

    def replace(self, source: Path, target: Path) -> None:
        self._count("replace")
        super().replace(source, target)

    def remove(self, path: Path) -> None:
        self._count("remove")
        super().remove(path)

    def sync_folder(self, folder: Path) -> None:
        self._count("sync_folder")


class FailingDisk(CountedDisk):
    """Refuses one call, by its number among all calls or among those of one name.

    Args:
        number: which call is refused, from 1.
        name: count only these calls.
        code: the error it is refused with.
        taken: part of a refused write that the disk takes before: 0 fails it, more makes it short.
    """

    def __init__(self, number: int, *, name: str = "", code: int = errno.EIO, taken: float = 0.0) -> None:
        super().__init__()
        self._number = number
        self._name = name
        self._code = code
        self._taken = taken
        self.failed = False

    def _count(self, name: str) -> None:
        super()._count(name)
        number = self.names.count(self._name) if self._name else self.calls
        if number == self._number and self._name in {"", name}:
            self.failed = True
            if name == "write" and self._taken:
                return
            raise OSError(self._code, os.strerror(self._code))

    def write(self, descriptor: int, data: bytes) -> int:
        had_failed = self.failed
        self._count("write")
        if self.failed and not had_failed:
            return os.write(descriptor, data[: int(len(data) * self._taken)])
        return os.write(descriptor, data)


class SplitDisk(Disk):
    """Hands each write to the kernel in two halves, far enough apart that a process dies in between."""

    def write(self, descriptor: int, data: bytes) -> int:
        half = len(data) // 2
        written = os.write(descriptor, data[:half])
        time.sleep(0.0002)
        return written + os.write(descriptor, data[half:])


class PowerCutError(BaseException):
    """The power is gone: nothing after this happened."""


class _Content:
    """A file's bytes as the program sees them, and as they are on the disk."""

    def __init__(self, content: bytes = b"", durable: bytes = b"") -> None:
        self.now = content
        self.durable = durable


class PowerCutDisk(CountedDisk):
    """Loses power at one call: what was not synced then is gone, half there, or zeros.

    Args:
        folder: the only folder with files in it; its files are durable at the start.
        cut_at: number of the call that never happens, from 1; 0 for no cut.
    """

    def __init__(self, folder: Path, cut_at: int = 0) -> None:
        super().__init__(self._cut)
        self._cut_at = cut_at
        self._folder = folder
        self._open_files: dict[int, _Content] = {}
        self._names = {
            path: _Content(path.read_bytes(), path.read_bytes())
            for path in (folder.iterdir() if folder.is_dir() else ())
            if path.name != "lock"
        }
        self._durable_names = dict(self._names)

    def _cut(self, _name: str, number: int) -> None:
        if number == self._cut_at:
            raise PowerCutError

    def create(self, path: Path) -> int:
        descriptor = super().create(path)
        self._open_files[descriptor] = self._names[path] = _Content()
        return descriptor

    def open(self, path: Path) -> int:
        descriptor = super().open(path)
        self._open_files[descriptor] = self._names[path]
        return descriptor

    def write(self, descriptor: int, data: bytes) -> int:
        written = super().write(descriptor, data)
        self._open_files[descriptor].now += data[:written]
        return written

    def truncate(self, descriptor: int, length: int) -> None:
        super().truncate(descriptor, length)
        file = self._open_files[descriptor]
        file.now = file.now[:length]

    def sync(self, descriptor: int) -> None:
        super().sync(descriptor)
        file = self._open_files[descriptor]
        file.durable = file.now

    def replace(self, source: Path, target: Path) -> None:
        super().replace(source, target)
        self._names[target] = self._names.pop(source)

    def remove(self, path: Path) -> None:
        super().remove(path)
        self._names.pop(path, None)

    def sync_folder(self, folder: Path) -> None:
        super().sync_folder(folder)
        if folder == self._folder:
            self._durable_names = dict(self._names)

    def restart(self, seed: int) -> None:
        """Leave in the folder what a machine could find there after the power came back."""
        dice = random.Random(seed)
        before, after = self._durable_names, self._names
        found = {}
        for path in sorted({*before, *after}):
            file = dice.choice([before, after]).get(path)
            if file is not None:
                found[path] = _survivor(file, dice)
        for path in self._folder.iterdir():
            path.unlink()
        for path, content in found.items():
            path.write_bytes(content)


def _survivor(file: _Content, dice: random.Random) -> bytes:
    if not file.now.startswith(file.durable):  # it was cut shorter, which may not have reached the disk
        return dice.choice([file.durable, file.now])
    unsynced = bytearray(file.now[len(file.durable) :])
    del unsynced[dice.randint(0, len(unsynced)) :]
    if unsynced and dice.random() < 0.5:  # pages reach the disk in any order; the others are zeros
        start = dice.randrange(len(unsynced))
        end = dice.randint(start, len(unsynced))
        unsynced[start:end] = bytes(end - start)
    return file.durable + bytes(unsynced)

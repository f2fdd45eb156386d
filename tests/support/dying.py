"""A program whose disk kills it: `python dying.py KIND COUNT WHEN ARGUMENT...` runs `paraphina ARGUMENT...`.

With the COUNTth record of a KIND the process is killed as by `kill -9`: before anything of the record is
written, after half of it, or after all of it.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import NoReturn

from paraphina_core.cli import main
from paraphina_core.journal.files import Disk

WHEN = ("before", "half", "after")


class DeadlyDisk:
    """Counts the records of one kind, and kills with the last of them."""

    def __init__(self, kind: str, count: int, when: str) -> None:
        self._kind = f'"kind":"{kind}"'.encode()
        self._left = count
        self._when = when

    def write(self, descriptor: int, data: bytes) -> int:
        """Write, unless it is the record to die with."""
        self._left -= self._kind in data
        if self._left > 0 or self._kind not in data:
            return os.write(descriptor, data)
        os.write(descriptor, {"before": b"", "half": data[: len(data) // 2], "after": data}[self._when])
        return die()


def die() -> NoReturn:
    """End at once, with nothing closed, flushed or said."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("SIGKILL does not return")


if __name__ == "__main__":
    deadly = DeadlyDisk(sys.argv[1], int(sys.argv[2]), sys.argv[3])
    Disk.write = lambda _, descriptor, data: deadly.write(descriptor, data)  # type: ignore[method-assign]  # the disk
    sys.exit(main(sys.argv[4:]))

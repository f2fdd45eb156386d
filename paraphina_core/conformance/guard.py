"""Watches what code does to the world while it runs: files, sockets, processes, threads, clocks, chance.

The interpreter's audit events tell of the first four, patched functions of the last two. Clocks that a
module has bound by `from time import ...` are not seen here; two connectors at two times then differ.
"""

from __future__ import annotations

import os
import random
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any, Final

#: Audit events (docs.python.org, "Audit events table", read 2026-11) that no translator causes.
_FORBIDDEN: Final = (
    *("open", "socket.", "subprocess.", "os.", "shutil.", "tempfile.", "glob.", "urllib.", "http."),
    *("sqlite3.", "ctypes.", "_thread.start_new_thread", "signal.", "mmap.", "fcntl.", "time.sleep"),
)
#: Where the time and chance come from; the functions are replaced while the guard is up.
_SOURCES: Final[tuple[tuple[ModuleType, tuple[str, ...]], ...]] = (
    (
        time,
        ("time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "sleep"),
    ),
    (random, ("random", "randint", "randrange", "uniform", "choice", "shuffle", "getrandbits", "gauss")),
    (os, ("urandom", "getenv")),
)

#: The guards that are up, each with its thread; the audit hook stays for good once it is there.
_watching: list[tuple[int, list[str]]] = []
_installed: list[bool] = []


@contextmanager
def guard() -> Iterator[list[str]]:
    """Yield the list that takes what this thread does to the world, in words, while the block runs."""
    seen: list[str] = []
    thread = threading.get_ident()
    _install()
    originals = [(module, name, getattr(module, name)) for module, names in _SOURCES for name in names]
    for module, name, original in originals:
        setattr(module, name, _noting(f"{module.__name__}.{name}()", original))
    _watching.append((thread, seen))
    try:
        yield seen
    finally:
        _watching.pop()
        for module, name, original in originals:
            setattr(module, name, original)


def _install() -> None:
    if not _installed:
        _installed.append(True)
        sys.addaudithook(_audit)


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if _watching and event.startswith(_FORBIDDEN):
        _note(f"{event} {arguments!r}"[:200])


def _note(what: str) -> None:
    for thread, seen in _watching:
        if thread == threading.get_ident():
            seen.append(what)


def _noting(name: str, original: Callable[..., Any]) -> Callable[..., Any]:
    def noted(*args: Any, **keywords: Any) -> Any:  # noqa: ANN401  # stands for any function
        _note(name)
        return original(*args, **keywords)

    return noted

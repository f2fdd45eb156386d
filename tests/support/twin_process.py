"""A twin in a process of its own, as a user starts one."""

from __future__ import annotations

import re
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def served(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Start a twin in a process of its own; yield it with its address."""
    process = subprocess.Popen(
        [sys.executable, "-m", "paraphina_core", "twin", "hyperliquid", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    try:
        first = process.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:\d+", first)
        assert found, first
        yield process, found[0]
    finally:
        process.kill()
        process.stdout.close()
        process.wait()

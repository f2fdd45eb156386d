"""A `paraphina` process as a user starts it: signals, lines, the end."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

_OURS = ("PARAPHINA_", "HL_", "COLUMNS")


class Program:
    """One `paraphina_live` or `paraphina` process under test."""

    def __init__(
        self,
        folder: Path,
        *arguments: str,
        env: Mapping[str, str] | None = None,
        file_bytes: int | None = None,
    ) -> None:
        clean = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}

        def limit() -> None:
            if file_bytes is not None:
                resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, file_bytes))

        self.process = subprocess.Popen(
            [sys.executable, "-m", "paraphina_core", *arguments],
            cwd=folder,
            env=clean | {"PARAPHINA_HOME": str(folder / "home")} | dict(env or {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=limit,  # noqa: PLW1509  # the only way to give a child a smaller disk
        )

    def until(self, word: str) -> str:
        """Read lines until one has the word."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if word in line:
                return line
        raise AssertionError(
            f"no line with {word!r}: {self.process.stderr.read() if self.process.stderr else ''}"
        )

    def signal(self, number: int) -> None:
        """Send a signal."""
        self.process.send_signal(number)

    def end(self) -> tuple[int, str, str]:
        """Wait for the end."""
        out, err = self.process.communicate(timeout=30)
        return self.process.returncode, out, err

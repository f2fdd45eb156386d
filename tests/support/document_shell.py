"""Executes the commands of a document as a reader would: in order, in one folder, in a shell of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from documents import Command, Document
from environments import copy_checkout

#: Programs that come with every system, behind those of the environment under test.
_SYSTEM_PATH: Final = "/usr/local/bin:/usr/bin:/bin"

TIMED_OUT: Final = -1


@dataclass(frozen=True)
class Shell:
    """A copy of the checkout, and the environment whose programs are found in it.

    Args:
        folder: where commands are executed.
        environment: virtual environment; it is also found as `.venv`.
        variables: what a command sees beside PATH and the home folders.
        timeout_s: longest time of one command.
    """

    folder: Path
    environment: Path
    variables: Mapping[str, str]
    timeout_s: float

    @classmethod
    def in_copy(
        cls,
        parent: Path,
        environment: Path = Path(sys.prefix),
        variables: Mapping[str, str] | None = None,
        timeout_s: float = 60,
    ) -> Shell:
        """Copy the checkout into a folder and open a shell there."""
        folder = copy_checkout(parent)
        (folder / ".venv").symlink_to(environment)
        return cls(folder, environment, variables or {}, timeout_s)

    def execute(self, text: str) -> tuple[int, str]:
        """Execute one command; return its exit code and everything it printed."""
        home = self.folder.with_name("home")
        home.mkdir(exist_ok=True)
        process = subprocess.Popen(
            ["/bin/sh", "-c", text],
            cwd=self.folder,
            env={
                **self.variables,
                "PATH": f"{self.environment / 'bin'}:{_SYSTEM_PATH}",
                "HOME": str(home),
                "PARAPHINA_HOME": str(home / ".paraphina"),
                "LANG": "C.UTF-8",
                "COLUMNS": "100",
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            output, _ = process.communicate(timeout=self.timeout_s)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            output, _ = process.communicate()
            return TIMED_OUT, output
        return process.returncode, output

    def follow(self, document: Document, when: Collection[str]) -> Iterator[str]:
        """Do what a document says, in order, and yield what is not as it says.

        Args:
            document: its blocks are followed from the first to the last.
            when: kinds of blocks that are executed; others are passed over.
        """
        for block in document.blocks:
            if "file" in block.attributes:
                (self.folder / block.attributes["file"]).write_text(block.text, encoding="utf-8")
            if block.when in when:
                for command in block.commands:
                    yield from self._complaints(command)

    def _complaints(self, command: Command) -> Iterator[str]:
        code, output = self.execute(command.text)
        told = f"{command.where}: `{command.text}`"
        if code == TIMED_OUT:
            yield f"{told} did not end within {self.timeout_s:g} s and printed\n{output}"
        elif code != command.exit_code:
            yield f"{told} ended with {code}, documented is {command.exit_code}, and printed\n{output}"
        elif not command.is_printed_by(output):
            shown = "\n".join(command.printed)
            yield f"{told} printed\n{output}\ndocumented is\n{shown}"

"""What can be wrong with a journal: it can no longer be written, or what was written is not intact."""

from __future__ import annotations

from paraphina_core.domain import LocalError


class JournalError(LocalError):
    """The journal cannot be used; whoever must write down what it does may do nothing more."""


class DamageError(JournalError):
    """A journal is not what was written.

    Args:
        what: what is wrong, in one sentence without a full stop.
        file: name of the file within the journal's folder.
        line: number of the first bad line in it, from 1; 0 when it is about the file as a whole.
        found: the value that was met, when there is one.
        wanted: what would have been accepted.
    """

    def __init__(
        self, what: str, *, file: str, line: int = 0, found: object = None, wanted: str | None = None
    ) -> None:
        self.file = file
        self.line = line
        where = f"{file} line {line}" if line else file
        super().__init__(f"{where}: {what}", found=found, wanted=wanted)

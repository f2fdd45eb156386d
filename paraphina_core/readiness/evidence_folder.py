"""Where an installation keeps its evidence: private files that are only ever added to."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from paraphina_core.connector import read_private, write_private
from paraphina_core.domain import LocalError

from .evidence import (
    GENESIS,
    EvidenceHead,
    Record,
    Statement,
    check_chain,
    content_hash,
    head_bytes,
    record_bytes,
)
from .identity import Identity

FOLDER: Final = "evidence"

#: Records that one folder holds; all are checked whenever one is read.
MAX_RECORDS: Final = 10_000

_HEAD_FILE: Final = "head.json"
_RECORD_FILE: Final = re.compile(r"\d{8}\.json")


class EvidenceFolder:
    """The evidence of one installation.

    Args:
        home: state folder of the installation.
        identity: who signs; None if there is no key, which is right only while there is no record.
    """

    def __init__(self, home: Path, identity: Identity | None) -> None:
        self.path = home / FOLDER
        self._identity = identity

    def read(self) -> tuple[Record, ...]:
        """Return every record, in order, all of them checked.

        Raises:
            LocalError: one was edited, is missing or stands where it does not belong; none may be believed.
        """
        return self._checked(self._contents())

    def append(self, statements: Sequence[Statement]) -> tuple[Record, ...]:
        """Add records and return them. The caller lets nobody else append meanwhile.

        Raises:
            LocalError: what is there cannot be believed, the folder is full, or the disk refuses.
        """
        if self._identity is None:
            raise LocalError("evidence cannot be signed", found="no key of this installation")
        contents = self._contents()
        self._checked(contents)
        if not contents:
            self._write_head(self._identity, contents)  # so that a record without a head is never right
        added = []
        for statement in statements:
            number = len(contents) + 1
            if number > MAX_RECORDS:
                raise LocalError(
                    "the folder of the evidence is full",
                    found=f"{len(contents)} records in {self.path}",
                    remedy="move it away; evidence is then collected anew",
                )
            record = Record(
                number=number,
                previous=content_hash(contents[-1]) if contents else GENESIS,
                installation=self._identity.name,
                statement=statement,
            )
            contents.append(record_bytes(record, self._identity))
            write_private(self.path / f"{number:08}.json", contents[-1])
            self._write_head(self._identity, contents)
            added.append(record)
        return tuple(added)

    def _write_head(self, identity: Identity, contents: Sequence[bytes]) -> None:
        last = content_hash(contents[-1]) if contents else GENESIS
        head = EvidenceHead(count=len(contents), last=last, installation=identity.name)
        write_private(self.path / _HEAD_FILE, head_bytes(head, identity))

    def _contents(self) -> list[bytes]:
        try:
            names = sorted(entry.name for entry in self.path.iterdir() if _RECORD_FILE.fullmatch(entry.name))
        except FileNotFoundError:
            return []
        except OSError as e:
            raise LocalError(f"{self.path} cannot be read", found=e.strerror) from e
        return [read_private(self.path / name) or b"" for name in names]

    def _checked(self, contents: Sequence[bytes]) -> tuple[Record, ...]:
        head = read_private(self.path / _HEAD_FILE) if self.path.exists() else None
        if self._identity is None:
            if contents or head is not None:
                raise LocalError("the evidence cannot be checked", found="the key that signed it is lost")
            return ()
        return check_chain(contents, head, self._identity)

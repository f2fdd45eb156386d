"""How far the nonces of a signer were given out, kept over restarts and held by one process alone."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from paraphina_core.connector import read_private, write_private

from .errors import JournalError
from .lock import FileLock

_FOLDER: Final = "nonces"
_NUMBER: Final = re.compile(rb"(0|[1-9][0-9]{0,19})\n")


class NonceMark:
    """The mark of one signer; nobody else may sign with its key while this is held.

    Args:
        home: state folder of the installation.
        connector: the connector's name.
        identity: what may be told of the account.

    Raises:
        JournalError: another process holds it, or the file holds something else.
        LocalError: the file is open to others, or the disk refuses.
    """

    def __init__(self, home: Path, connector: str, identity: Mapping[str, str]) -> None:
        spelled = msgspec.json.encode(identity, order="deterministic")
        name = f"{connector}-{hashlib.sha256(spelled).hexdigest()[:16]}"
        folder = home / _FOLDER
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path = folder / name
        self._lock = FileLock(folder / f"{name}.lock", f"the account of {connector}")
        try:
            self.floor = self._read()
        except BaseException:
            self._lock.release()
            raise

    def reserve(self, number: int) -> None:
        """Write down that numbers up to this one may be used; it is on disk when this returns.

        Raises:
            LocalError: the disk refuses.
        """
        write_private(self._path, b"%d\n" % number)

    def close(self) -> None:
        """Let another process have the account."""
        self._lock.release()

    def _read(self) -> int:
        content = read_private(self._path)
        if content is None:
            return 0
        match = _NUMBER.fullmatch(content)
        if match is None:
            raise JournalError(
                f"{self._path} holds no nonce",
                found=content[:40],
                wanted="one number",
                remedy="sign with a new key, then remove the file",
            )
        return int(match[1])

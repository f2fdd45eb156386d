"""The kill switch on disk: a file in the home folder that keeps every session from starting.

Who makes the file by hand fires the switch as well: its being there counts, not what it says.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from paraphina_core.connector import write_private
from paraphina_core.domain import LocalError

KILL_LATCH_FILE: Final = "kill_latch.json"

#: A reason is cut to this, so that the file of it always fits what is read of it.
_MAX_REASON: Final = 1_000
_MAX_SHOWN: Final = 8_000


class KillLatch:
    """The latch of one installation.

    Args:
        home: state folder of the installation; need not exist.
    """

    def __init__(self, home: Path) -> None:
        self.path = home / KILL_LATCH_FILE

    def read(self) -> str | None:
        """Return why the switch has fired, None if it has not.

        Raises:
            LocalError: nobody can tell.
        """
        try:
            self.path.lstat()  # cheap: sessions ask at every tick
            return _reason(self.path.read_bytes()[:_MAX_SHOWN])
        except FileNotFoundError:
            return None
        except OSError as e:
            raise LocalError(f"the kill latch {self.path} cannot be seen", found=e.strerror) from e

    def fire(self, reason: str, *, flatten: bool = False) -> None:
        """Latch, unless it is latched: the first reason stays.

        Args:
            reason: why.
            flatten: sessions shall also close their positions; is added to a latch that does not say so.

        Raises:
            LocalError: the disk refuses.
        """
        known = self.read()
        if known is None or (flatten and not self.wants_flat()):
            told = {
                "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
                "reason": (reason if known is None else known)[:_MAX_REASON],
                "flatten": flatten,
            }
            write_private(self.path, msgspec.json.encode(told))

    def wants_flat(self) -> bool:
        """Tell whether an operator wants positions closed; nobody does where that cannot be read."""
        try:
            latch = msgspec.json.decode(self.path.read_bytes()[:_MAX_SHOWN])
        except (OSError, msgspec.DecodeError, RecursionError):
            return False
        return isinstance(latch, dict) and latch.get("flatten") is True

    def clear(self) -> None:
        """Let sessions start again.

        Raises:
            LocalError: the file cannot be removed.
        """
        try:
            self.path.unlink(missing_ok=True)
        except OSError as e:
            raise LocalError(f"{self.path} cannot be removed", found=e.strerror) from e


def _reason(content: bytes) -> str:
    try:
        latch = msgspec.json.decode(content)
    except (msgspec.DecodeError, RecursionError):
        latch = None
    if isinstance(latch, dict) and isinstance(latch.get("reason"), str):
        return str(latch["reason"])
    return content.decode(errors="replace").strip() or "no reason is given"

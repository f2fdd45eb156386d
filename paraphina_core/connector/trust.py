"""Which plugins the operator trusts with real money: name, version and source hash, as they were looked at.

A built-in plugin is trusted by being part of the core. Everything else stands in `trust.json` of the
home folder, or is not trusted; a plugin whose version or code changed since is not trusted either.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Final

import msgspec

from paraphina_core.domain import LocalError

from .plugins import PluginRecord, PluginStatus
from .private_file import read_private, write_private

FILE_NAME: Final = "trust.json"

#: No installation has more plugins; the file cannot grow without end.
MAX_TRUSTED: Final = 1_000


class TrustStatus(StrEnum):
    """What the operator said of a plugin, as far as it still holds."""

    TRUSTED = "trusted"
    UNTRUSTED = "untrusted"
    CHANGED = "changed"


class TrustState(msgspec.Struct, frozen=True, kw_only=True):
    """Trust in one plugin; `differences` says what changed since it was given."""

    status: TrustStatus
    differences: tuple[str, ...] = ()

    @property
    def is_trusted(self) -> bool:
        """True if it may be used in live mode."""
        return self.status is TrustStatus.TRUSTED


class _Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    plugin: str
    distribution: str
    version: str
    source_hash: str


class _Content(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    format: int
    trusted: tuple[_Entry, ...]


_FORMAT: Final = 1


class TrustFile:
    """The trust file of one installation.

    Args:
        home: the installation's state folder; it is made when trust is first given.
    """

    def __init__(self, home: Path) -> None:
        self.path = home / FILE_NAME

    def state(self, record: PluginRecord) -> TrustState:
        """Say whether a plugin is trusted as it is now.

        Raises:
            LocalError: the file cannot be believed: open to others, a link, or not readable.
        """
        if record.builtin:
            return TrustState(status=TrustStatus.TRUSTED)
        entry = next((one for one in self._read() if _same_plugin(one, record)), None)
        if entry is None:
            return TrustState(status=TrustStatus.UNTRUSTED)
        compared = (
            ("version", entry.version, record.version),
            ("source hash", entry.source_hash, record.source_hash),
        )
        differences = tuple(f"{what} was {then}, is {now}" for what, then, now in compared if then != now)
        status = TrustStatus.CHANGED if differences else TrustStatus.TRUSTED
        return TrustState(status=status, differences=differences)

    def trust(self, record: PluginRecord) -> None:
        """Trust a plugin as it is now, in place of what was trusted of it before.

        Raises:
            LocalError: it is not loaded, has no source hash or is built in, or the file cannot be
                believed or written.
        """
        if record.builtin:
            raise LocalError(f"{record.name} is part of the core and needs no trust of its own")
        if record.status is not PluginStatus.LOADED:
            raise LocalError(f"{record.name} cannot be trusted: it is {record.status}: {record.reason}")
        if not record.source_hash:
            raise LocalError(f"{record.name} cannot be trusted: its code has no hash")
        entry = _Entry(
            plugin=record.name,
            distribution=record.distribution,
            version=record.version,
            source_hash=record.source_hash,
        )
        self._write((*self._others(record), entry))

    def revoke(self, record: PluginRecord) -> bool:
        """Take trust in a plugin back; return whether there was any.

        Raises:
            LocalError: the file cannot be believed or written.
        """
        others = self._others(record)
        if len(others) == len(self._read()):
            return False
        self._write(others)
        return True

    def _others(self, record: PluginRecord) -> tuple[_Entry, ...]:
        return tuple(entry for entry in self._read() if not _same_plugin(entry, record))

    def _read(self) -> tuple[_Entry, ...]:
        content = read_private(self.path)
        if content is None:
            return ()
        try:
            read = msgspec.json.decode(content, type=_Content)
        except (msgspec.DecodeError, UnicodeDecodeError) as e:
            raise LocalError(
                f"{self.path} cannot be read: {e}", remedy="remove it and trust the plugins anew"
            ) from e
        if read.format != _FORMAT:
            raise LocalError(f"{self.path} has another format", found=read.format, wanted=str(_FORMAT))
        return read.trusted

    def _write(self, entries: tuple[_Entry, ...]) -> None:
        if len(entries) > MAX_TRUSTED:
            raise LocalError(f"{self.path} is full", wanted=f"at most {MAX_TRUSTED} plugins")
        ordered = tuple(sorted(entries, key=lambda entry: (entry.distribution, entry.plugin)))
        content = msgspec.json.encode(_Content(format=_FORMAT, trusted=ordered))
        write_private(self.path, msgspec.json.format(content, indent=2) + b"\n")


def _same_plugin(entry: _Entry, record: PluginRecord) -> bool:
    return (entry.plugin, entry.distribution) == (record.name, record.distribution)

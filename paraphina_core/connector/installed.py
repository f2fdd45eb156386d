"""What a distribution on the import path says of itself, and whether its files are still as installed.

Nothing here imports the distribution: names and requirements come from its metadata, file hashes
from its RECORD (binary distribution format, packaging.python.org, read 2026-11).
"""

from __future__ import annotations

import base64
import csv
import hashlib
import importlib.metadata
import json
from collections.abc import Iterator
from configparser import ConfigParser
from configparser import Error as IniError
from email.message import Message
from email.parser import HeaderParser
from functools import cached_property
from importlib.machinery import all_suffixes
from pathlib import Path, PurePosixPath
from typing import Final
from urllib.parse import unquote, urlsplit

from packaging.utils import canonicalize_name

from paraphina_core.domain import LocalError

#: RECORD may name any guaranteed algorithm but the weak ones.
_HASHES: Final = frozenset({"sha256", "sha384", "sha512"})

#: What this program believes in a dist-info folder; each of them must stand in RECORD with its hash.
_BELIEVED: Final = ("METADATA", "entry_points.txt", "direct_url.json")


class Installed:
    """One distribution in one folder of the import path.

    Args:
        distribution: as `importlib.metadata` found it.
        root: the folder of the import path that holds its metadata.
    """

    def __init__(self, distribution: importlib.metadata.Distribution, root: Path) -> None:
        self._distribution = distribution
        self.root = root

    @cached_property
    def metadata(self) -> Message:
        """The headers of METADATA; without any if the file is missing or unreadable."""
        return HeaderParser().parsestr(self._text("METADATA") or self._text("PKG-INFO") or "")

    @property
    def name(self) -> str:
        """Normalised name, `?` if it has none."""
        return canonicalize_name(self.metadata.get("Name") or "?")

    @property
    def version(self) -> str:
        """Version as written, `?` if it has none."""
        return self.metadata.get("Version") or "?"

    @property
    def requirements(self) -> tuple[str, ...]:
        """The Requires-Dist lines."""
        return tuple(self.metadata.get_all("Requires-Dist", ()))

    @property
    def extras(self) -> tuple[str, ...]:
        """The Provides-Extra lines."""
        return tuple(self.metadata.get_all("Provides-Extra", ()))

    def entry_points(self, group: str) -> tuple[tuple[str, str], ...]:
        """Return `(name, value)` of each entry point of a group.

        Raises:
            LocalError: the file names the group but cannot be read, or a name stands there twice.
        """
        text = self._text("entry_points.txt") or ""
        if f"[{group}]" not in text:
            return ()
        parser = ConfigParser(delimiters=("=",), interpolation=None)
        parser.optionxform = str  # type: ignore[method-assign,assignment]  # entry point names keep their case
        try:
            parser.read_string(text)
        except IniError as e:
            problem = str(e).splitlines()[0]
            raise LocalError(f"entry_points.txt of {self.name} cannot be read", found=problem) from e
        return tuple(parser.items(group))

    @cached_property
    def project(self) -> Path | None:
        """The folder an editable installation points to; None for any other installation."""
        try:
            direct = json.loads(self._text("direct_url.json") or "{}")
            editable = direct["dir_info"]["editable"] is True
            parts = urlsplit(direct["url"])
        except (ValueError, LookupError, TypeError, AttributeError):
            return None
        return Path(unquote(parts.path)).resolve() if editable and parts.scheme == "file" else None

    @cached_property
    def record(self) -> dict[str, str]:
        """RECORD's `algorithm=hash` by path relative to `root`; empty if there is no RECORD.

        Raises:
            LocalError: it is no table of three columns.
        """
        try:
            rows = list(csv.reader((self._text("RECORD") or "").splitlines()))
            return {path: digest for path, digest, _size in rows}
        except (csv.Error, ValueError) as e:
            raise LocalError(
                f"RECORD of {self.name} cannot be read", wanted="path, hash and size in each line"
            ) from e

    def source_files(self) -> tuple[str, ...]:
        """List the files of RECORD that lie beside the metadata: what can be imported, and its data."""
        return tuple(path for path in self.record if _is_source(path))

    def damage(self) -> Iterator[str]:
        """Say each way in which the files differ from RECORD.

        Scripts and data outside `root`, and compiled caches, are left out: the import of the
        plugin does not read them.

        Raises:
            LocalError: RECORD cannot be read.
        """
        if not self.record:
            yield "it has no RECORD, so its files cannot be verified"
            return
        folder = self._metadata_folder()
        for name in _BELIEVED:
            if (self.root / folder / name).exists() and not self.record.get(f"{folder}/{name}"):
                yield f"{folder}/{name} does not stand in RECORD"
        for path, expected in sorted(self.record.items()):
            if expected and _is_inside(path):
                yield from self._compare(path, expected)
        yield from self._not_recorded()

    def _compare(self, path: str, expected: str) -> Iterator[str]:
        algorithm, _, digest = expected.partition("=")
        if algorithm not in _HASHES:
            yield f"{path} is recorded with the hash {algorithm!r}, which proves nothing"
            return
        try:
            content = (self.root / path).read_bytes()
        except OSError as e:
            yield f"{path} cannot be read ({e.strerror})"
            return
        found = base64.urlsafe_b64encode(hashlib.new(algorithm, content).digest()).rstrip(b"=").decode()
        if found != digest:
            yield f"{path} differs from RECORD"

    def _not_recorded(self) -> Iterator[str]:
        """Find modules that somebody added to the packages after the installation."""
        for package in sorted(self._packages()):
            for path in sorted((self.root / package).rglob("*")):
                relative = path.relative_to(self.root).as_posix()
                importable = path.name.endswith(tuple(all_suffixes())) and _is_source(relative)
                if importable and relative not in self.record:
                    yield f"{relative} does not stand in RECORD"

    def _packages(self) -> set[str]:
        """Return the outermost packages; a namespace folder is shared with others and is none."""
        packages = set()
        for path in self.source_files():
            folders = [parent.as_posix() for parent in reversed(PurePosixPath(path).parents)]
            packages.update([folder for folder in folders if f"{folder}/__init__.py" in self.record][:1])
        return packages

    def _metadata_folder(self) -> str:
        return next((path.split("/")[0] for path in self.record if path.endswith(".dist-info/RECORD")), "?")

    def _text(self, name: str) -> str | None:
        try:
            return self._distribution.read_text(name)
        except (OSError, UnicodeDecodeError):
            return None


def _is_inside(path: str) -> bool:
    return not path.startswith("/") and ".." not in PurePosixPath(path).parts


def _is_source(path: str) -> bool:
    parts = PurePosixPath(path).parts
    return _is_inside(path) and "__pycache__" not in parts and not parts[0].endswith(".dist-info")


def installed_below(folder: Path) -> tuple[Installed, ...]:
    """Return the distributions of one folder of the import path, sorted by name and version."""
    found = (Installed(entry, folder) for entry in importlib.metadata.distributions(path=[str(folder)]))
    return tuple(sorted(found, key=lambda installed: (installed.name, installed.version)))

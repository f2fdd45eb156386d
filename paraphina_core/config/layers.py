"""The places a value may be set in: command line, environment, file; what is found keeps its origin."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from paraphina_core.domain import ConfigError

from .readers import Reader
from .sections import Origin, OriginKind
from .toml_file import read_toml


class Found(NamedTuple):
    """A value as it was written, and the folder that a path in it is relative to."""

    value: object
    origin: Origin
    folder: Path

    def read(self, name: str, reader: Reader[Any]) -> Any:  # noqa: ANN401  # whatever the reader reads
        """Return the value in its type, a path as an absolute one.

        Raises:
            ConfigError: it is not usable.
        """
        is_text = self.origin.kind is not OriginKind.FILE
        value = reader.read(self.value, name=name, origin=str(self.origin), is_text=is_text)
        if not isinstance(value, Path):
            return value
        try:
            return (self.folder / value.expanduser()).absolute()
        except RuntimeError as e:  # ~somebody, who has no home here
            remedy = f"{e}; it is set by {self.origin}"
            raise ConfigError(f"{name} is not usable", found=str(value), remedy=remedy) from e


class Layers:
    """Command line, environment and file. A variable that is set to nothing counts as not set.

    Args:
        cli: options by flag; None is not given.
        env: variables by name.
        file: the configuration file, None for none.

    Raises:
        ConfigError: the file cannot be read.
    """

    def __init__(self, cli: Mapping[str, object], env: Mapping[str, str], file: Path | None) -> None:
        self.cli = cli
        self.env = env
        self._file = file
        self.tables: Mapping[str, Any] = read_toml(file) if file else {}

    @property
    def file_name(self) -> str:
        """The configuration file as it was given."""
        return str(self._file)

    def first(self, sources: Iterable[str]) -> Found | None:
        """Return what the first of these options and variables says."""
        for source in sources:
            is_option = source.startswith("--")
            value = self.cli.get(source) if is_option else self.env.get(source) or None
            if value is not None:
                kind = OriginKind.OPTION if is_option else OriginKind.ENVIRONMENT
                return Found(value, Origin(kind, source), Path())
        return None

    def in_file(self, table: str, key: str) -> Found | None:
        """Return what the file says; a table within a table is written `connectors.mock`."""
        content: Any = self.tables
        for name in table.split(".", maxsplit=1):
            content = content.get(name) if isinstance(content, dict) else None
        if self._file is None or not isinstance(content, dict) or key not in content:
            return None
        origin = Origin(OriginKind.FILE, f"[{table}] {key} in {self._file}")
        return Found(content[key], origin, self._file.parent)

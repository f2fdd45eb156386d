"""Read a TOML file of the operator's; what is broken in it or means nothing is a `ConfigError`."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from paraphina_core.domain import ConfigError, did_you_mean, nearest_name

#: Larger than any configuration; a wrong path should not read a recording into memory.
MAX_BYTES: Final = 1_000_000


def read_toml(file: Path) -> dict[str, Any]:
    """Return the file's tables.

    Raises:
        ConfigError: it cannot be read, is larger than `MAX_BYTES`, or is not TOML (says the line).
    """
    try:
        with file.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except OSError as e:
        raise ConfigError(
            f"cannot read {file}", found=e.strerror, remedy="give the path of a TOML file"
        ) from e
    return parse_toml(content, str(file))


def parse_toml(content: bytes, origin: str) -> dict[str, Any]:
    """Return the tables of a file's content; raises as `read_toml` does."""
    if len(content) > MAX_BYTES:
        raise ConfigError(f"{origin} is too large", wanted=f"at most {MAX_BYTES:,} bytes")
    try:
        return tomllib.loads(content.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as e:
        raise ConfigError(f"{origin} is not TOML", found=str(e), wanted="UTF-8 text in TOML 1.0") from e


def unknown_keys(
    tables: Mapping[str, Any], known: Mapping[str, Collection[str]], origin: str
) -> Iterator[ConfigError]:
    """Yield an error for each table, and each key in a table, that does not exist.

    Args:
        tables: what was found.
        known: the keys of each table.
        origin: the file, for the error.
    """
    for table, content in tables.items():
        if table not in known:
            homes = {key: f"[{home}] {key}" for home, keys in known.items() for key in keys}
            nearest = None if isinstance(content, dict) else nearest_name(table, homes)
            remedy = f"did you mean {homes[nearest]}?" if nearest else did_you_mean(table, known)
            yield ConfigError(f"{origin} has an unknown key", found=table, remedy=remedy)
        elif not isinstance(content, dict):
            yield ConfigError(f"{table} in {origin} is not usable", wanted=f"a table, [{table}]")
        else:
            for key in content:
                if key not in known[table]:
                    remedy = did_you_mean(key, known[table])
                    yield ConfigError(f"{origin} has an unknown key", found=f"[{table}] {key}", remedy=remedy)

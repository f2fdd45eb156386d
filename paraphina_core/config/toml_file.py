"""Read a TOML file of the operator's; whatever can be wrong with it is a `ConfigError` with its path."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, Final

from paraphina_core.domain import ConfigError

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

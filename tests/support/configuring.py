"""Resolve a configuration from what a test writes down, and look at what was wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

import harbour
from paraphina_core import strategy
from paraphina_core.config import Config, ConfigErrors, resolve
from paraphina_core.connector import Plugins, load_plugins, mock
from paraphina_core.domain import ConfigError


def plugins_for_tests() -> Plugins:
    """Return the built-in connector and strategy, and the connectors of `harbour`."""
    return load_plugins([mock, strategy, harbour], candidates=(), flags=())


class Configure:
    """Calls `resolve` with the plugins of these tests; a file is given as its text."""

    def __init__(self, plugins: Plugins, folder: Path) -> None:
        self._plugins = plugins
        self.file = folder / "paraphina.toml"

    def __call__(
        self,
        *,
        cli: Mapping[str, object] | None = None,
        env: Mapping[str, str] | None = None,
        file: str | None = None,
    ) -> Config:
        if file is not None:
            self.file.write_text(file, encoding="utf-8")
        path = None if file is None else self.file
        return resolve(cli=cli or {}, env=env or {}, file=path, plugins=self._plugins)

    def errors(
        self,
        *,
        cli: Mapping[str, object] | None = None,
        env: Mapping[str, str] | None = None,
        file: str | None = None,
    ) -> list[str]:
        """Return the texts of what is wrong; fails the test when nothing is."""
        with pytest.raises(ConfigError) as caught:
            self(cli=cli, env=env, file=file)
        return texts(caught.value)


def texts(error: ConfigError) -> list[str]:
    """Return the text of each error that was reported together with others, or of the only one."""
    return [str(one) for one in (error.errors if isinstance(error, ConfigErrors) else (error,))]

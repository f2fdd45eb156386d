"""Fixtures of the configuration's tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from configuring import Configure, plugins_for_tests
from paraphina_core.connector import Plugins


@pytest.fixture(scope="session")
def plugins() -> Plugins:
    """Return what `plugins_for_tests` loads."""
    return plugins_for_tests()


@pytest.fixture
def configure(plugins: Plugins, tmp_path: Path) -> Configure:
    """Return a `resolve` that writes the configuration file itself."""
    return Configure(plugins, tmp_path)

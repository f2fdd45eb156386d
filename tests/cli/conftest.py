"""Fresh installations to run the command line in."""

from __future__ import annotations

from pathlib import Path

import pytest

from command_line import Installation, make_installation


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    """Return an installation of the core without any plugin."""
    return make_installation(tmp_path / "environment")


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what commands write down about this installation away from the one that runs the tests."""
    monkeypatch.setenv("PARAPHINA_HOME", str(tmp_path / "own home"))

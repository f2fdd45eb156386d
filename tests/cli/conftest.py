"""Fresh installations to run the command line in."""

from __future__ import annotations

from pathlib import Path

import pytest

from command_line import Installation, make_installation


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    """Return an installation of the core without any plugin."""
    return make_installation(tmp_path / "environment")

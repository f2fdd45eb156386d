"""Fresh virtual environments and copies of the checkout, for tests that install as a user does."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENUES = frozenset({"hyperliquid", "lighter", "extended", "aster", "paradex"})

#: Variables that would leak the environment the tests themselves run in into the one under test.
_OUTER = ("VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME", "PYTEST_ADDOPTS", "MAKEFLAGS", "MAKELEVEL", "MFLAGS")
_NOT_COPIED = (".venv", ".git", "build", "dist", "runs", "uv.lock", "__pycache__", ".*_cache", ".hypothesis")

_PLUGINS = """
import importlib, importlib.metadata as metadata, json
importlib.import_module("paraphina_core")
installed = sorted(d.name for d in metadata.distributions() if d.name.startswith("paraphina-"))
points = {p.name: p.load().__name__ for p in metadata.entry_points(group="paraphina")}
print(json.dumps([installed, points]))
"""


def user_environment() -> dict[str, str]:
    """Return the environment variables without those that the tests themselves run under."""
    return {name: value for name, value in os.environ.items() if name not in _OUTER}


def run(
    *command: str | Path, cwd: Path, timeout_s: float = 600, **env: str
) -> subprocess.CompletedProcess[str]:
    """Run a program with the environment a user would have; output and exit code come back."""
    return subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=user_environment() | env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=timeout_s,
    )


def run_ok(*command: str | Path, cwd: Path, timeout_s: float = 600, **env: str) -> str:
    """Run a program that must succeed and return what it printed."""
    done = run(*command, cwd=cwd, timeout_s=timeout_s, **env)
    assert done.returncode == 0, f"{command} ended with {done.returncode}:\n{done.stdout[-4000:]}"
    return done.stdout


def copy_checkout(parent: Path) -> Path:
    """Copy the tree as it is now, without what was built in it, to a path with a space in it."""
    # pip before 26.2 caches wheels by the path they were built from, so no path may come back later.
    checkout = parent / f"a checkout {time.time_ns()}"
    shutil.copytree(ROOT, checkout, ignore=shutil.ignore_patterns(*_NOT_COPIED))
    return checkout


@dataclass(frozen=True)
class Environment:
    """A virtual environment of its own."""

    folder: Path

    @property
    def python(self) -> Path:
        """The interpreter of this environment."""
        return self.folder / "bin" / "python"

    @property
    def paraphina(self) -> Path:
        """The command line that the installation put into this environment."""
        return self.folder / "bin" / "paraphina"

    def venues(self) -> set[str]:
        """Return the venues whose plugins are installed, importable and registered; all three must agree."""
        output = run_ok(self.python, "-I", "-c", _PLUGINS, cwd=self.folder)
        installed, points = json.loads(output)
        venues = {name.removeprefix("paraphina-") for name in installed}
        assert points == {venue: f"paraphina_{venue}" for venue in venues}
        return venues


def make_environment(folder: Path, python: str | Path, pip: str) -> Environment:
    """Make an environment whose pip is of the given version, or the newest there is."""
    run_ok(python, "-m", "venv", folder, cwd=folder.parent)
    environment = Environment(folder)
    wanted = ["--upgrade", "pip"] if pip == "newest" else [f"pip=={pip}"]
    run_ok(environment.python, "-m", "pip", "install", "--quiet", *wanted, cwd=folder)
    return environment

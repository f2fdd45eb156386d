"""The command line in a fresh environment: the core, its libraries, and what a test installs beside them."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import subprocess
import sysconfig
import venv
from dataclasses import dataclass
from pathlib import Path

from environments import ROOT

#: Variables of the tests' own environment that must not reach the one under test.
_OURS = ("PYTHON", "PARAPHINA_", "VIRTUAL_ENV", "HL_", "COLUMNS", "FORCE_COLOR", "NO_COLOR", "TTY_")


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Installation:
    """A virtual environment whose core is this checkout, without any plugin."""

    folder: Path

    @property
    def site(self) -> Path:
        """Its site-packages folder."""
        (found,) = self.folder.glob("lib/python3.*/site-packages")
        return found

    @property
    def home(self) -> Path:
        """Where its state is kept."""
        return self.folder / "home"

    def paraphina(self, *arguments: str, cwd: Path | None = None, **env: str) -> Done:
        """Run the command line."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
        done = subprocess.run(
            [self.folder / "bin" / "python", "-m", "paraphina_core", *arguments],
            cwd=cwd or self.folder,
            env=clean | {"PARAPHINA_HOME": str(self.home)} | env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        return Done(done.returncode, done.stdout, done.stderr)


def make_installation(folder: Path) -> Installation:
    """Make an environment in which the core is installed as a working copy and its libraries are shared."""
    venv.create(folder, with_pip=False, symlinks=True)
    installation = Installation(folder)
    for entry in Path(sysconfig.get_paths()["purelib"]).iterdir():
        if "paraphina" not in entry.name:
            (installation.site / entry.name).symlink_to(entry)
    (installation.site / "core.pth").write_text(f"{ROOT}\n", encoding="utf-8")
    core = Path(str(importlib.metadata.distribution("paraphina").locate_file("")))
    for info in core.glob("paraphina-*.dist-info"):
        shutil.copytree(info, installation.site / info.name)
    return installation

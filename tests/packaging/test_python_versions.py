"""What runs on Python 3.11 runs on every newer Python that the distributions promise."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from environments import VENUES, copy_checkout, make_environment, run_ok

pytestmark = pytest.mark.slow

NEWEST = "3.13"

IMPORT_ALL = """
import importlib, pkgutil, sys
names = [m for m in sys.argv[1:]]
for name in names:
    package = importlib.import_module(name)
    for module in pkgutil.walk_packages(package.__path__, f"{name}."):
        if not module.name.endswith(".__main__"):
            importlib.import_module(module.name)
print(len([m for m in sys.modules if m.startswith("paraphina_")]))
"""


def find_python(version: str) -> str:
    """Return an interpreter of the version, from PATH or from pyenv; skip the test where there is none."""
    installed = Path.home().glob(f".pyenv/versions/{version}.*/bin/python{version}")
    for candidate in [shutil.which(f"python{version}"), *map(str, installed)]:
        # A pyenv shim is on PATH for versions too that it then refuses to start.
        if (
            candidate
            and subprocess.run([candidate, "-c", ""], capture_output=True, check=False).returncode == 0
        ):
            return candidate
    pytest.skip(f"no Python {version} on this machine")


@pytest.mark.parametrize("version", ["3.12", NEWEST])
def test_everything_installs_and_imports(version: str, tmp_path: Path) -> None:
    """The core and all five plugins install as wheels, every module imports without a warning."""
    environment = make_environment(tmp_path / "environment", find_python(version), "newest")
    run_ok(environment.python, "-m", "pip", "install", ".[live,twin,dashboard]", cwd=copy_checkout(tmp_path))
    assert environment.venues() == VENUES
    packages = ("paraphina_core", *(f"paraphina_{venue}" for venue in sorted(VENUES)))
    imported = run_ok(environment.python, "-I", "-W", "error", "-c", IMPORT_ALL, *packages, cwd=tmp_path)
    assert int(imported) > len(packages)
    assert re.search(r"\d+\.\d+\.\d+", run_ok(environment.paraphina, "--version", cwd=tmp_path))


def test_the_quick_suite_passes_on_the_newest(tmp_path: Path) -> None:
    """`make test` with it sets itself up from the same lock file and passes.

    Properties with few examples, and neither pages nor simulations: what those add takes long and depends on
    no Python.
    """
    arguments = "--hypothesis-profile=few --ignore=tests/docs --ignore=tests/simulation"
    options = (f"PYTHON={find_python(NEWEST)}", f"ARGS={arguments}")
    output = run_ok("make", "test", *options, cwd=copy_checkout(tmp_path), timeout_s=1800)
    assert re.search(r"\d+ passed", output.splitlines()[-1])

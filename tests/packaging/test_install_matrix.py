"""A feature flag installs exactly its venue's plugin, with old pip, new pip and uv.

Everything here installs into fresh environments from a copy of the checkout, as a user would. pip before
23.3 and every later pip answer an unknown extra with a warning and exit code 0, so the documented way to
install ends with `paraphina plugins --require FLAG`, which is tested here too.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from environments import VENUES, Environment, copy_checkout, make_environment, run, run_ok

pytestmark = pytest.mark.slow

OLD_PIP = "23.2.1"  # comes with Python 3.11


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a copy of the checkout under a path with a space."""
    return copy_checkout(tmp_path)


@pytest.fixture(params=[OLD_PIP, "newest"], ids=lambda version: f"pip-{version}")
def pip(request: pytest.FixtureRequest, tmp_path: Path) -> Environment:
    """Return a fresh environment with the pip under test."""
    return make_environment(tmp_path / "environment", sys.executable, request.param)


@pytest.fixture(scope="module")
def uv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return uv, installed for these tests; there is no skipping without it."""
    folder = tmp_path_factory.mktemp("uv") / "environment"
    environment = make_environment(folder, sys.executable, "newest")
    run_ok(environment.python, "-m", "pip", "install", "--quiet", "uv>=0.9,<1", cwd=folder)
    return folder / "bin" / "uv"


def install(environment: Environment, *arguments: str, cwd: Path) -> str:
    """Run `pip install` from a folder; it must succeed."""
    return run_ok(environment.python, "-m", "pip", "install", *arguments, cwd=cwd)


def uv_sync(uv: Path, checkout: Path, *arguments: str) -> Environment:
    """Run `uv sync` in the checkout; it must succeed."""
    run_ok(uv, "sync", "--python", sys.executable, *arguments, cwd=checkout)
    return Environment(checkout / ".venv")


@pytest.mark.parametrize(
    ("extras", "venues"),
    [
        ("", set()),
        ("[live_aster]", {"aster"}),
        ("[live_aster,live_paradex]", {"aster", "paradex"}),
        ("[live]", VENUES),
    ],
)
def test_a_flag_installs_its_plugin_and_no_other(
    pip: Environment, checkout: Path, extras: str, venues: set[str]
) -> None:
    """`pip install '.[live_aster]'` in the checkout installs the core, Aster and nothing else of ours."""
    install(pip, f".{extras}", cwd=checkout)
    assert pip.venues() == venues
    run_ok(pip.python, "-m", "pip", "check", cwd=checkout)


@pytest.mark.parametrize("venue", sorted(VENUES))
def test_each_flag_names_its_own_venue(tmp_path: Path, checkout: Path, venue: str) -> None:
    """`pip install '.[live_VENUE]' && paraphina plugins --require live_VENUE` installs VENUE and no other."""
    environment = make_environment(tmp_path / "environment", sys.executable, OLD_PIP)
    install(environment, f".[live_{venue}]", cwd=checkout)
    run_ok(environment.paraphina, "plugins", "--require", f"live_{venue}", cwd=checkout)
    assert environment.venues() == {venue}


def test_a_flag_works_from_another_folder(pip: Environment, checkout: Path, tmp_path: Path) -> None:
    """The path in the flag is that of the checkout, wherever pip is started."""
    install(pip, f"{checkout}[live_aster]", cwd=tmp_path)
    assert pip.venues() == {"aster"}


def test_a_flag_can_be_added_to_an_editable_core(pip: Environment, checkout: Path) -> None:
    """After `pip install -e .`, `pip install 'paraphina[live_aster]'` adds Aster without asking an index."""
    install(pip, "-e", ".", cwd=checkout)
    assert pip.venues() == set()
    install(pip, "paraphina[live_aster]", cwd=checkout)
    assert pip.venues() == {"aster"}


def test_the_developers_file_installs_everything_editable(pip: Environment, checkout: Path) -> None:
    """`pip install -r requirements-dev.txt` gives the core, all five plugins and the tools."""
    install(pip, "-r", "requirements-dev.txt", cwd=checkout)
    assert pip.venues() == VENUES
    location = run_ok(pip.python, "-I", "-c", "import paraphina_aster as a; print(a.__file__)", cwd=checkout)
    assert Path(location.strip()).is_relative_to(checkout)
    run_ok(pip.python, "-m", "pytest", "--version", cwd=checkout)


def test_a_misspelt_flag_is_loud(pip: Environment, checkout: Path) -> None:
    """Where pip only warns of an unknown flag, the second half of the documented command fails."""
    done = run(pip.python, "-m", "pip", "install", ".[live_astre]", cwd=checkout)
    assert re.search(r"does not provide the extra '?live.astre", done.stdout)
    assert pip.venues() == set()
    required = run(pip.paraphina, "plugins", "--require", "live_astre", cwd=checkout)
    assert required.returncode == 1, required.stdout
    assert "live_astre" in required.stdout


def test_a_required_flag_passes_where_its_plugin_is_installed(pip: Environment, checkout: Path) -> None:
    """`paraphina plugins --require` tells an installed plugin from one that is not."""
    install(pip, ".[live_aster]", cwd=checkout)
    run_ok(pip.paraphina, "plugins", "--require", "live_aster", cwd=checkout)
    assert run(pip.paraphina, "plugins", "--require", "live_paradex", cwd=checkout).returncode == 1


@pytest.mark.parametrize(
    ("arguments", "venues"),
    [
        ((), set()),
        (("--extra", "live_aster"), {"aster"}),
        (("--extra", "live"), VENUES),
        (("--all-packages",), VENUES),
    ],
)
def test_uv_sync_installs_what_the_flag_says(
    uv: Path, checkout: Path, arguments: tuple[str, ...], venues: set[str]
) -> None:
    """`uv sync --extra live_aster` installs the core, Aster and nothing else of ours."""
    assert uv_sync(uv, checkout, *arguments).venues() == venues


def test_uv_pip_installs_what_the_flag_says(uv: Path, checkout: Path) -> None:
    """`uv pip` behaves as pip does, for the flag and for the developers' file."""
    for arguments, venues in ((".[live_aster]",), {"aster"}), (("-r", "requirements-dev.txt"), VENUES):
        run_ok(uv, "venv", "--quiet", "--clear", "--python", sys.executable, cwd=checkout)
        run_ok(uv, "pip", "install", *arguments, cwd=checkout)
        assert Environment(checkout / ".venv").venues() == venues


def test_uv_adds_a_flag_to_an_editable_core(uv: Path, checkout: Path) -> None:
    """With uv a flag is added to a synchronised checkout by naming it in the next `uv sync`."""
    assert uv_sync(uv, checkout).venues() == set()
    assert uv_sync(uv, checkout, "--extra", "live_aster").venues() == {"aster"}


def test_uv_refuses_a_misspelt_flag(uv: Path, checkout: Path) -> None:
    """With uv the command itself is loud about a flag that does not exist."""
    done = run(uv, "sync", "--python", sys.executable, "--extra", "live_astre", cwd=checkout)
    assert done.returncode != 0
    assert "live_astre" in done.stdout.replace("-", "_")

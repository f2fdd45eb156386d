"""The six distributions agree with each other and with the files that list them."""

from __future__ import annotations

import re
import sys
import tomllib
import zipfile
from email.parser import HeaderParser
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from environments import ROOT, VENUES, run_ok


def pyproject(folder: Path) -> dict[str, Any]:
    """Read a distribution's pyproject.toml."""
    return tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))


def version_of(package: Path) -> str:
    """Read a package's version without importing it."""
    found = re.search(
        r'^__version__ = "(.+)"$', (package / "__init__.py").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert found is not None, f"{package} names no version"
    return found[1]


CORE = pyproject(ROOT)
EXTRAS: dict[str, list[str]] = CORE["project"]["optional-dependencies"]


def reference(venue: str) -> str:
    """Return the direct reference that a flag must be."""
    return f"paraphina-{venue} @ {{root:uri}}/plugins/paraphina-{venue}"


def test_the_flags_are_the_plugin_folders() -> None:
    """Each plugin folder has its flag, each flag its folder, and `live` is all of them."""
    folders = {folder.name.removeprefix("paraphina-") for folder in (ROOT / "plugins").iterdir()}
    assert folders == VENUES
    assert EXTRAS.keys() == {f"live_{venue}" for venue in VENUES} | {"live", "twin", "dashboard"}
    assert sorted(EXTRAS["live"]) == sorted(reference(venue) for venue in VENUES)
    sources = CORE["tool"]["uv"]["sources"]
    assert sources == {
        name: {"workspace": True} for name in ("paraphina", *(f"paraphina-{v}" for v in VENUES))
    }


def test_the_developers_file_lists_the_core_without_flags_and_every_plugin() -> None:
    """The core stands there without a flag: pip refuses a flag and `-e` of the same plugin in one command."""
    lines = (ROOT / "requirements-dev.txt").read_text(encoding="utf-8").splitlines()
    editable = [line for line in lines if line.startswith("-e")]
    plugins = (f"-e ./plugins/paraphina-{venue}" for venue in VENUES)
    assert sorted(editable) == sorted(["-e .[twin,dashboard]", *plugins])


@pytest.mark.parametrize("venue", sorted(VENUES))
def test_a_plugin_is_a_distribution_of_its_own(venue: str) -> None:
    """Flag, name, entry point, version, licence and types of each plugin follow the venue's name."""
    folder = ROOT / "plugins" / f"paraphina-{venue}"
    package = folder / f"paraphina_{venue}"
    project = pyproject(folder)["project"]
    assert EXTRAS[f"live_{venue}"] == [reference(venue)]
    assert project["name"] == f"paraphina-{venue}"
    assert project["entry-points"] == {"paraphina": {venue: f"paraphina_{venue}"}}
    assert project["requires-python"] == CORE["project"]["requires-python"]
    assert "paraphina>=0.1,<0.2" in project["dependencies"]
    assert version_of(package) == version_of(ROOT / "paraphina_core")
    assert (folder / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()
    assert not (folder / "LICENSE").is_symlink()
    assert f"live_{venue}" in (folder / "README.md").read_text(encoding="utf-8")
    assert (package / "py.typed").is_file()


def test_the_cores_version_satisfies_what_the_plugins_require() -> None:
    """A release of the core that its own plugins refuse cannot be tagged by accident."""
    assert Requirement("paraphina>=0.1,<0.2").specifier.contains(version_of(ROOT / "paraphina_core"))


def locked() -> dict[str, Version]:
    """Return the packages of the lock file with their versions."""
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    pins = re.findall(r"^([A-Za-z0-9._-]+)==(\S+)", text, re.MULTILINE)
    return {canonicalize_name(name): Version(version) for name, version in pins}


def test_the_lock_file_names_no_host_and_no_path() -> None:
    """The same lock file serves every index, and tells nothing of the machine it was made on."""
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert not re.search(r"://|--(extra-)?index-url|--find-links|--trusted-host|\.org\b|\.com\b", text)
    assert not re.search(r"^-|@ |\s/\w", text, re.MULTILINE)


def test_every_locked_package_has_hashes() -> None:
    """A pin without a hash would be installed unchecked; pip then refuses the whole file, and so do we."""
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    blocks = re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE)[1:]
    assert len(blocks) == len(re.findall(r"^[A-Za-z0-9._-]+==", text, re.MULTILINE)) >= len(locked())
    assert not [block for block in blocks if not re.search(r"--hash=sha256:[0-9a-f]{64}\b", block)]


def test_the_lock_file_covers_what_is_required_and_none_of_our_own() -> None:
    """After a change of a requirement the lock file is made anew: `make lock`."""
    lines = (ROOT / "requirements-dev.txt").read_text(encoding="utf-8").splitlines()
    required = [line.split("#")[0].strip() for line in lines if re.match(r"[a-z]", line)]
    for folder in (ROOT, *(ROOT / "plugins").iterdir()):
        project = pyproject(folder)
        required += project["project"]["dependencies"] + project["build-system"]["requires"]
    required += EXTRAS["twin"] + EXTRAS["dashboard"]
    pins = locked()
    for requirement in map(Requirement, required):
        if requirement.name != "paraphina":
            pin = pins.get(canonicalize_name(requirement.name))
            assert pin is not None, f"{requirement} is not in requirements.lock; run make lock"
            assert requirement.specifier.contains(pin), f"{requirement} is locked as {pin}; run make lock"
    assert not [name for name in pins if name.startswith("paraphina")]


def build_wheel(folder: Path, out: Path) -> zipfile.ZipFile:
    """Build a wheel with the build backend that is installed."""
    run_ok(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", out, cwd=folder)
    (wheel,) = out.iterdir()
    return zipfile.ZipFile(wheel)


@pytest.mark.parametrize(
    ("folder", "package"), [(".", "paraphina_core"), ("plugins/paraphina-aster", "paraphina_aster")]
)
def test_a_wheel_holds_its_package_whole_and_nothing_else(folder: str, package: str, tmp_path: Path) -> None:
    """Tests, plugins and tools stay out of a wheel; types, data files and the licence are in it."""
    with build_wheel(ROOT / folder, tmp_path) as wheel:
        names = {name for name in wheel.namelist() if not name.endswith("/")}
    files = (path for path in (ROOT / folder / package).rglob("*") if path.is_file())
    wanted = {path.relative_to(ROOT / folder).as_posix() for path in files if path.suffix != ".pyc"}
    assert {name for name in names if ".dist-info/" not in name} == wanted
    assert f"{package}/py.typed" in names
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)


def test_the_flags_stand_in_the_metadata_as_they_are_written(tmp_path: Path) -> None:
    """A flag written as live-aster would install nothing, silently, with pip before 23.3."""
    with build_wheel(ROOT, tmp_path) as wheel:
        (name,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = HeaderParser().parsestr(wheel.read(name).decode())
    assert set(metadata.get_all("Provides-Extra", [])) == EXTRAS.keys()
    uri = (ROOT / "plugins/paraphina-aster").as_uri()
    assert f"paraphina-aster @ {uri} ; extra == 'live_aster'" in metadata.get_all("Requires-Dist", [])

"""Finding plugins: nothing is imported, and whatever cannot be believed has its problem said."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from distributions import Site, Wheel
from environments import ROOT, VENUES
from paraphina_core.connector import Candidate, core_hash, discover


def test_an_installed_plugin_is_listed_with_what_identifies_it(site: Site) -> None:
    """Name, module, distribution, version, place and hash are known before anything is imported."""
    Wheel("found-one").install(site.folder)
    candidate = site.only()
    assert candidate == Candidate(
        name="found_one",
        module="found_one",
        distribution="found-one",
        version="1.0",
        location=str(site.folder / "found_one"),
        source_hash=candidate.source_hash,
    )
    assert len(bytes.fromhex(candidate.source_hash)) == 32


def test_discovery_imports_nothing(site: Site) -> None:
    """Code of a plugin, also of a package around it, does not run while it is looked at."""
    code = "raise SystemExit('imported')"
    points = "[paraphina]\nquiet = quiet_one.inner\n"
    Wheel("quiet-one", code, entry_points=points, files={"quiet_one/inner.py": code}).install(site.folder)
    assert site.only().problems == ()
    assert "quiet_one" not in sys.modules


def test_distributions_that_are_no_plugins_are_not_listed(site: Site) -> None:
    """Entry points of other groups, also of similar names, are none of our business."""
    Wheel("other-one", entry_points="[console_scripts]\nparaphina = x:y\n").install(site.folder)
    Wheel("other-two", entry_points="[paraphina.tools]\nparaphina = x\n").install(site.folder)
    assert site.candidates() == ()


def test_the_source_hash_can_be_recomputed_by_hand(site: Site) -> None:
    """The hash is that of a `sha256sum` listing of the source files, sorted by path."""
    Wheel("hash-one", "A = 1\n", files={"hash_one/data.toml": "b = 2\n"}).install(site.folder)
    files = {"hash_one/__init__.py": b"A = 1\n", "hash_one/data.toml": b"b = 2\n"}
    listing = "".join(f"{hashlib.sha256(content).hexdigest()}  {path}\n" for path, content in files.items())
    assert site.only().source_hash == hashlib.sha256(listing.encode()).hexdigest()


@pytest.mark.parametrize("editable", [False, True], ids=["wheel", "working copy"])
def test_compiled_caches_do_not_change_the_hash(site: Site, tmp_path: Path, editable: bool) -> None:
    """Python writes `__pycache__` whenever it likes; the code is the same."""
    wheel = Wheel("cache-one")
    project = tmp_path / "project" if editable else site.folder
    if editable:
        wheel.install_editable(site.folder, project)
    else:
        wheel.install(site.folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(project))
        before = site.only()
        (project / wheel.package / "__pycache__").mkdir()
        (project / wheel.package / "__pycache__" / "x.cpython-311.pyc").write_bytes(b"0")
        assert site.only() == before
    assert (before.editable, before.problems) == (editable, ())


@given(content=st.binary(max_size=50))
def test_any_change_of_a_file_changes_the_hash_of_an_editable_plugin(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    """No other content of a file has the same hash."""
    folder = tmp_path_factory.mktemp("site")
    project = folder / "project"
    Wheel("edit-hash", "# original\n").install_editable(folder, project)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(project))
        (before,) = discover(search_path=[str(folder)], environment=[folder])
        (project / "edit_hash" / "more.bin").write_bytes(content)
        (after,) = discover(search_path=[str(folder)], environment=[folder])
    assert before.source_hash != after.source_hash


def test_an_editable_plugin_has_the_hash_of_its_wheel(site: Site, tmp_path: Path) -> None:
    """Trust given to reviewed source holds for the wheel that is built from it."""
    other = tmp_path / "other"
    Wheel("same-code").install(site.folder)
    as_wheel = site.only()
    Wheel("same-code").install_editable(other, tmp_path / "project")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(tmp_path / "project"))
        (as_copy,) = discover(search_path=[str(other)], environment=[other])
    assert as_copy.editable
    assert not as_wheel.editable
    assert as_copy.source_hash == as_wheel.source_hash
    assert as_copy.location == str(tmp_path / "project" / "same_code")


def test_the_core_has_a_hash_of_its_own() -> None:
    """The core hashes itself the way it hashes plugins, once."""
    assert len(bytes.fromhex(core_hash())) == 32
    assert core_hash() is core_hash()


def test_the_plugins_of_this_workspace_load_as_editable_installations() -> None:
    """The five venues' plugins are found here, working copies of this checkout, without a problem."""
    found = {candidate.name: candidate for candidate in discover() if candidate.name in VENUES}
    assert found.keys() == VENUES
    for venue, candidate in found.items():
        assert candidate.problems == ()
        assert candidate.distribution == f"paraphina-{venue}"
        assert Path(candidate.location).is_relative_to(ROOT) or not candidate.editable


def test_f091_a_name_that_two_distributions_claim_is_refused_for_both(site: Site) -> None:
    """A squatter gains nothing from being listed first, and both claimants are named."""
    for name in ("claim-a", "claim-b"):
        Wheel(name, entry_points=f"[paraphina]\nvenue = {name.replace('-', '_')}\n").install(site.folder)
    first, second = site.candidates()
    assert "claimed by claim-b 1.0" in first.problems[-1]
    assert "claimed by claim-a 1.0" in second.problems[-1]


@pytest.mark.parametrize("squatted", ["Venue-X", "VENUE_X", "venue_x"])
def test_f091_spelling_does_not_get_around_a_taken_name(site: Site, squatted: str) -> None:
    """Names that a user could confuse are one name."""
    Wheel("spelt-a", entry_points="[paraphina]\nvenue_x = spelt_a\n").install(site.folder)
    Wheel("spelt-b", entry_points=f"[paraphina]\n{squatted} = spelt_b\n").install(site.folder)
    assert all("claimed by" in candidate.problems[-1] for candidate in site.candidates())


@given(
    names=st.lists(st.from_regex(r"squat-[a-z0-9]{6}", fullmatch=True), min_size=8, max_size=8, unique=True)
)
def test_f091_no_order_of_the_folder_lets_a_squatter_win(
    tmp_path_factory: pytest.TempPathFactory, names: list[str]
) -> None:
    """Whatever the distributions are called, all claimants of one name are refused."""
    folder = tmp_path_factory.mktemp("site")
    for name in names:
        Wheel(name, entry_points=f"[paraphina]\nvenue = {name.replace('-', '_')}\n").install(folder)
    candidates = discover(search_path=[str(folder)], environment=[folder])
    assert len(candidates) == len(names)
    assert all("also claimed by" in candidate.problems[-1] for candidate in candidates)


def test_two_versions_of_one_distribution_are_refused(site: Site) -> None:
    """An upgrade that failed half-way leaves two sets of metadata; neither is believed."""
    Wheel("twice-one", version="1.0").install(site.folder)
    Wheel("twice-one", version="2.0").install(site.folder)
    assert [bool(candidate.problems) for candidate in site.candidates()] == [True, True]


def test_a_name_that_stands_twice_in_one_file_is_refused(site: Site) -> None:
    """Which of two lines counts is not for us to guess."""
    Wheel("lines-one", entry_points="[paraphina]\nx = lines_one\nx = lines_one.other\n").install(site.folder)
    assert any("entry_points.txt of lines-one cannot be read" in one for one in site.only().problems)


def test_a_plugin_outside_the_environment_is_refused(site: Site, tmp_path: Path) -> None:
    """Metadata that merely lies on the import path is reported with its place and not believed."""
    elsewhere = tmp_path / "elsewhere"
    Wheel("foreign-one").install(elsewhere)
    (candidate,) = site.candidates(elsewhere)
    assert "outside this environment" in candidate.problems[0]
    assert str(elsewhere) in candidate.problems[0]


def test_a_foreign_claim_does_not_take_a_name_from_an_installed_plugin(site: Site, tmp_path: Path) -> None:
    """A folder on the import path cannot switch an installed plugin off either."""
    elsewhere = tmp_path / "elsewhere"
    Wheel("honest-one", entry_points="[paraphina]\nvenue = honest_one\n").install(site.folder)
    Wheel("thief-one", entry_points="[paraphina]\nvenue = thief_one\n").install_metadata_only(elsewhere)
    by_distribution = {one.distribution: one for one in site.candidates(elsewhere)}
    assert by_distribution["honest-one"].problems == ()
    assert "outside this environment" in by_distribution["thief-one"].problems[0]


def test_build_leftovers_of_a_working_copy_are_no_second_plugin(site: Site, tmp_path: Path) -> None:
    """Building an editable plugin leaves metadata in its project folder, which is on the import path."""
    project = tmp_path / "project"
    wheel = Wheel("left-over").install_editable(site.folder, project)
    wheel.install_metadata_only(project)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(project))
        (candidate,) = site.candidates(project)
    assert candidate.editable
    assert candidate.problems == ()


_DISCOVER = """
from paraphina_core.connector import discover
for candidate in discover():
    print(candidate.name, bool(candidate.problems), *candidate.problems)
"""


def test_f098_pythonpath_injects_no_plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Metadata in a folder of PYTHONPATH is listed as refused; the installed plugins stay as they are."""
    Wheel("inj-one").install(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    done = subprocess.run([sys.executable, "-c", _DISCOVER], capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert [line for line in lines if line.startswith("inj_one True it lies in")]
    assert {line.split()[0] for line in lines if line.split()[1] == "False"} >= VENUES


def test_f098_a_hostile_current_folder_injects_no_plugin(tmp_path: Path) -> None:
    """Starting Python in a prepared folder loads nothing from there, complete wheel or not."""
    Wheel("inj-two").install(tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", _DISCOVER], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert [line for line in done.stdout.splitlines() if line.startswith("inj_two True it lies in")]


def test_f098_a_hostile_folder_cannot_stand_in_for_an_installed_module(tmp_path: Path) -> None:
    """A package of the plugin's name that shadows the installed one is noticed before it is imported."""
    (tmp_path / "paraphina_aster").mkdir()
    (tmp_path / "paraphina_aster" / "__init__.py").write_text("print('SHADOW RAN')", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", _DISCOVER], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("aster ")]
    assert line.startswith("aster True importing paraphina_aster would run a file that is not of")
    assert "SHADOW RAN" not in done.stdout


def test_a_changed_file_is_refused(site: Site) -> None:
    """Code that is not what was installed is not imported; the file is named."""
    Wheel("damage-one").install(site.folder)
    (site.folder / "damage_one/__init__.py").write_text("import os", encoding="utf-8")
    assert site.problem() == "damage_one/__init__.py differs from RECORD; reinstall damage-one"


def test_a_missing_file_is_refused(site: Site) -> None:
    """An installation that lost a file is not run without it."""
    Wheel("missing-one", files={"missing_one/part.py": ""}).install(site.folder)
    (site.folder / "missing_one/part.py").unlink()
    assert "missing_one/part.py cannot be read (No such file or directory)" in site.only().problems[0]


@pytest.mark.parametrize("added", ["evil.py", "deep/evil.py", "evil.so", "evil.pyc"])
def test_an_added_module_is_refused(site: Site, added: str) -> None:
    """A module that somebody put into an installed package is not of the plugin."""
    wheel = Wheel("added-one").install(site.folder)
    path = site.folder / wheel.package / added
    path.parent.mkdir(exist_ok=True)
    path.write_text("", encoding="utf-8")
    assert site.problem() == f"added_one/{added} does not stand in RECORD; reinstall added-one"


@pytest.mark.parametrize("name", ["entry_points.txt", "METADATA", "direct_url.json"])
def test_metadata_without_a_recorded_hash_is_refused(site: Site, name: str) -> None:
    """Nobody turns a wheel into an editable installation, or renames it, by adding a file."""
    wheel = Wheel("meta-one").install(site.folder)
    record = site.folder / wheel.dist_info / "RECORD"
    lines = record.read_text(encoding="utf-8").splitlines()
    record.write_text("\n".join(line for line in lines if name not in line), encoding="utf-8")
    if name == "direct_url.json":
        text = f'{{"url": "{site.folder.as_uri()}", "dir_info": {{"editable": true}}}}'
        (site.folder / wheel.dist_info / name).write_text(text, encoding="utf-8")
    assert f"{wheel.dist_info}/{name} does not stand in RECORD" in site.only().problems[0]


def test_a_distribution_without_record_is_refused(site: Site) -> None:
    """What cannot be verified is not run."""
    Wheel("bare-one").install_metadata_only(site.folder)
    assert "it has no RECORD" in site.only().problems[0]


@pytest.mark.parametrize("algorithm", ["md5", "sha1", "nonsense"])
def test_a_weak_hash_in_record_proves_nothing(site: Site, algorithm: str) -> None:
    """An algorithm for which a second content can be made is not accepted."""
    wheel = Wheel("weak-one").install(site.folder)
    record = site.folder / wheel.dist_info / "RECORD"
    record.write_text(
        record.read_text(encoding="utf-8").replace("sha256=", f"{algorithm}="), encoding="utf-8"
    )
    assert f"recorded with the hash '{algorithm}', which proves nothing" in site.only().problems[0]


@pytest.mark.parametrize("record", ["one column\n", "a,b,c,d\n", '"unclosed\n', "a,b\n\n\n"])
def test_a_record_that_is_no_table_is_refused(site: Site, record: str) -> None:
    """A RECORD that cannot be read verifies nothing."""
    wheel = Wheel("table-one").install(site.folder)
    (site.folder / wheel.dist_info / "RECORD").write_text(record, encoding="utf-8")
    assert any("RECORD of table-one cannot be read" in problem for problem in site.only().problems)


def test_many_damaged_files_make_one_short_problem(site: Site) -> None:
    """The reason stays readable when everything is damaged."""
    files = {f"many_one/f{number:03}.py": "" for number in range(200)}
    wheel = Wheel("many-one", files=files).install(site.folder)
    for path in files:
        (site.folder / path).write_text("changed", encoding="utf-8")
    assert site.problem().endswith("; and 195 more; reinstall many-one")
    assert wheel.package in site.problem()


@pytest.mark.parametrize(
    ("requires", "core_version", "fits"),
    [
        (("paraphina>=0.1,<0.2",), "0.1.0", True),
        (("paraphina>=0.1,<0.2",), "0.2.0", False),
        (("paraphina>=0.1,<0.2",), "0.1.5.dev1", True),
        (("Paraphina ~= 1.0",), "0.1.0", False),
        (("paraphina",), "0.1.0", True),
        (("paraphina>=0.1", "paraphina<0.1"), "0.1.0", False),
        (("paraphina>=9; python_version < '3'", "paraphina>=0.1"), "0.1.0", True),
        (("click>=8", "paraphina>=0.1"), "0.1.0", True),
    ],
)
def test_a_plugin_must_fit_the_version_of_the_core(
    site: Site, requires: tuple[str, ...], core_version: str, fits: bool
) -> None:
    """A plugin built for another core is refused, with both versions in the reason."""
    Wheel("fit-one", requires=requires).install(site.folder)
    problems = site.only(core_version=core_version).problems
    assert (problems == ()) == fits
    if not fits:
        assert f"and this is paraphina {core_version}" in problems[0]


@pytest.mark.parametrize(
    "requires", [(), ("click>=8",), ("paraphina>>>1",), ("paraphina>=0.1; extra == 'x'",)]
)
def test_a_plugin_that_does_not_say_which_core_it_fits_is_refused(
    site: Site, requires: tuple[str, ...]
) -> None:
    """Unknown is not a pass."""
    Wheel("mute-one", requires=requires).install(site.folder)
    assert "does not say which paraphina it requires" in site.problem()


@pytest.mark.parametrize(
    ("points", "problem"),
    [
        ("x = point_one:thing", "does not name a module"),
        ("x = no_such_module_here", "cannot be found"),
        ("x = json", "a file that is not of point-one"),
        ("x = sys", "a file that is not of point-one"),
        ("x = __main__", "a file that is not of point-one|cannot be looked up"),
        ("x = ../point_one", "does not name a module"),
        ("x =", "does not name a module"),
        ("x", "entry_points.txt of point-one cannot be read"),
    ],
)
def test_an_entry_point_must_name_a_module_of_its_distribution(site: Site, points: str, problem: str) -> None:
    """An entry point that leads to somebody else's code, or to none, is refused."""
    Wheel("point-one", entry_points=f"[paraphina]\n{points}\n").install(site.folder)
    assert any(part in one for one in site.only().problems for part in problem.split("|"))


def test_a_plugin_may_live_in_a_namespace_folder(site: Site, tmp_path: Path) -> None:
    """A namespace shared with others is no obstacle, and does not hide the plugin's own files."""
    points = "[paraphina]\nspace = trading_space.venue\n"
    files = {"trading_space/venue/__init__.py": "A = 1\n"}
    Wheel("space-one", "", entry_points=points, files=files).install(site.folder)
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "trading_space").mkdir(parents=True)
    (elsewhere / "trading_space" / "other.py").write_text("", encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(elsewhere))
        candidate = site.only()
    assert candidate.problems == ()
    assert candidate.location == str(site.folder / "trading_space" / "venue")


def test_a_working_copy_with_a_linked_folder_is_refused(site: Site, tmp_path: Path) -> None:
    """Code behind a symbolic link would run without standing in the hash."""
    project = tmp_path / "project"
    Wheel("link-one").install_editable(site.folder, project)
    (tmp_path / "behind").mkdir()
    (project / "link_one" / "inner").symlink_to(tmp_path / "behind")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(project))
        assert "a folder of source code is a symbolic link" in site.problem()


def test_a_broken_distribution_elsewhere_hides_no_plugin(site: Site) -> None:
    """Metadata of others that nobody can read does not stop the search."""
    Wheel("sound-one").install(site.folder)
    for name, content in (("a-1.dist-info", b"\xff\xfe"), ("b-1.dist-info", b"")):
        (site.folder / name).mkdir()
        (site.folder / name / "METADATA").write_bytes(content)
        (site.folder / name / "entry_points.txt").write_bytes(content)
    (site.folder / "c-1.dist-info").write_text("not a folder", encoding="utf-8")
    assert [candidate.name for candidate in site.candidates()] == ["sound_one"]


@given(text=st.text(max_size=200))
def test_no_text_in_metadata_stops_the_search(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    """Whatever stands in entry_points.txt, METADATA and RECORD, the sound plugin is found."""
    folder = tmp_path_factory.mktemp("site")
    Wheel("steady-one").install(folder)
    junk = Wheel("junk-one").install(folder)
    raw = text.encode("utf-8", "surrogatepass")
    (folder / junk.dist_info / "entry_points.txt").write_bytes(b"[paraphina]\n" + raw)
    (folder / junk.dist_info / "METADATA").write_bytes(raw)
    (folder / junk.dist_info / "RECORD").write_bytes(raw)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        found = discover(search_path=[str(folder)], environment=[folder])
    assert [one.problems for one in found if one.distribution == "steady-one"] == [()]
    assert all(one.problems for one in found if one.distribution != "steady-one")

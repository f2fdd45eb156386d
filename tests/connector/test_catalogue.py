"""The feature flags: read from the metadata of the core, installed or not."""

from __future__ import annotations

from pathlib import Path

from environments import VENUES
from paraphina_core.connector import FeatureFlag, feature_flags


def core(folder: Path, *headers: str) -> Path:
    """Write the metadata of a core that has these headers."""
    info = folder / "paraphina-0.1.0.dist-info"
    info.mkdir(parents=True)
    text = "\n".join(["Metadata-Version: 2.1", "Name: paraphina", "Version: 0.1.0", *headers, "", ""])
    (info / "METADATA").write_text(text, encoding="utf-8")
    return folder


def test_the_flags_of_this_core_are_the_five_venues_and_the_bundle() -> None:
    """Each `live_` extra installs the one distribution of its venue; `live` installs all."""
    flags = {flag.name: flag for flag in feature_flags()}
    assert flags.keys() == {"live", *(f"live_{venue}" for venue in VENUES)}
    for venue in VENUES:
        flag = flags[f"live_{venue}"]
        assert flag.distributions == (f"paraphina-{venue}",)
        assert flag.connector == venue
        assert flag.command == f"pip install 'paraphina[live_{venue}]'"
        assert not flag.is_bundle
    assert set(flags["live"].distributions) == {f"paraphina-{venue}" for venue in VENUES}
    assert flags["live"].is_bundle


def test_a_flag_that_a_builder_spelt_with_a_dash_is_the_same_flag(tmp_path: Path) -> None:
    """Builders normalise extras differently; the documented spelling is the one with the underscore."""
    folder = core(
        tmp_path,
        "Requires-Dist: click>=8",
        "Provides-Extra: live-venue",
        "Requires-Dist: Paraphina_Venue @ file:///x ; extra == 'live-venue'",
        "Provides-Extra: docs",
        "Requires-Dist: sphinx ; extra == 'docs'",
    )
    assert feature_flags([folder]) == (FeatureFlag(name="live_venue", distributions=("paraphina-venue",)),)


def test_without_an_installed_core_there_are_no_flags(tmp_path: Path) -> None:
    """A core that runs from a bare folder knows no extras and claims none."""
    assert feature_flags([tmp_path]) == ()


def test_flags_come_from_the_environment_only(tmp_path: Path) -> None:
    """Metadata that lies elsewhere on the import path does not decide what users are told to install."""
    elsewhere = core(tmp_path / "elsewhere", "Provides-Extra: live_evil")
    inside = core(tmp_path / "inside", "Provides-Extra: live_venue")
    assert elsewhere != inside
    assert [flag.name for flag in feature_flags([inside])] == ["live_venue"]


def test_a_flag_says_which_names_its_plugin_may_bring() -> None:
    """Asking for a second connector of the venue is answered with the same command."""
    flag = FeatureFlag(name="live_venue", distributions=("paraphina-venue",))
    assert [flag.brings(name) for name in ("venue", "live_venue", "venue_fixture")] == [True] * 3
    assert [flag.brings(name) for name in ("venues", "live", "mock", "")] == [False] * 4

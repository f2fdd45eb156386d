"""Trust: given by a person for exactly what was looked at, and kept where nobody else can write."""

from __future__ import annotations

import json
import os
from pathlib import Path

import msgspec
import pytest

from paraphina_core.connector import PluginRecord, PluginStatus, TrustFile, TrustState, TrustStatus
from paraphina_core.domain import LocalError

RECORD = PluginRecord(
    name="venue",
    distribution="paraphina-venue",
    version="1.0",
    source_hash="a" * 64,
    location="/somewhere",
    editable=False,
    status=PluginStatus.LOADED,
)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return a state folder that does not exist yet."""
    return tmp_path / "home"


def changed(**fields: object) -> PluginRecord:
    """Return the plugin as it is after something changed."""
    return msgspec.structs.replace(RECORD, **fields)


def test_nothing_is_trusted_from_the_start(home: Path) -> None:
    """Without a trust file no plugin is trusted, and looking makes no file."""
    assert TrustFile(home).state(RECORD) == TrustState(status=TrustStatus.UNTRUSTED)
    assert not home.exists()


def test_a_built_in_plugin_is_trusted_as_part_of_the_core(home: Path) -> None:
    """The core needs no entry for its own code."""
    assert TrustFile(home).state(changed(builtin=True)).is_trusted


def test_a_trusted_plugin_is_trusted_by_the_next_start(home: Path) -> None:
    """Trust is kept in the home folder."""
    TrustFile(home).trust(RECORD)
    assert TrustFile(home).state(RECORD).is_trusted


@pytest.mark.parametrize(
    ("fields", "difference"),
    [
        ({"version": "1.1"}, "version was 1.0, is 1.1"),
        ({"source_hash": "b" * 64}, f"source hash was {'a' * 64}, is {'b' * 64}"),
        ({"source_hash": ""}, f"source hash was {'a' * 64}, is "),
    ],
)
def test_f103_changed_code_is_not_trusted_and_the_change_is_named(
    home: Path, fields: dict[str, object], difference: str
) -> None:
    """Trust holds for the code that was looked at, not for what an upgrade or an edit made of it."""
    TrustFile(home).trust(RECORD)
    state = TrustFile(home).state(changed(**fields))
    assert state == TrustState(status=TrustStatus.CHANGED, differences=(difference,))
    assert not state.is_trusted


@pytest.mark.parametrize("fields", [{"name": "other"}, {"distribution": "someone-else"}])
def test_trust_does_not_reach_another_plugin(home: Path, fields: dict[str, object]) -> None:
    """Equal code under another name, or of another distribution, was not trusted."""
    TrustFile(home).trust(RECORD)
    assert TrustFile(home).state(changed(**fields)).status is TrustStatus.UNTRUSTED


def test_trusting_again_replaces_what_was_trusted(home: Path) -> None:
    """After an upgrade the new code is trusted and the old is not."""
    trust = TrustFile(home)
    trust.trust(RECORD)
    trust.trust(changed(version="2.0"))
    trust.trust(changed(name="second"))
    assert trust.state(changed(version="2.0")).is_trusted
    assert trust.state(changed(name="second")).is_trusted
    assert trust.state(RECORD).status is TrustStatus.CHANGED


def test_trust_can_be_taken_back(home: Path) -> None:
    """A plugin that is trusted no longer is as one that never was; the others stay."""
    trust = TrustFile(home)
    trust.trust(RECORD)
    trust.trust(changed(name="second"))
    assert trust.revoke(RECORD)
    assert not trust.revoke(RECORD)
    assert trust.state(RECORD).status is TrustStatus.UNTRUSTED
    assert trust.state(changed(name="second")).is_trusted


@pytest.mark.parametrize(
    "fields",
    [
        {"status": PluginStatus.BROKEN, "reason": "it raises"},
        {"status": PluginStatus.REFUSED, "reason": "it lies elsewhere"},
        {"source_hash": ""},
        {"builtin": True},
    ],
)
def test_only_a_loaded_plugin_with_a_hash_can_be_trusted(home: Path, fields: dict[str, object]) -> None:
    """What cannot be checked later is not trusted now."""
    with pytest.raises(LocalError):
        TrustFile(home).trust(changed(**fields))
    assert not home.exists()


def test_the_file_and_its_folder_are_private(home: Path) -> None:
    """Nobody else reads or writes what is trusted, and no temporary file is left."""
    TrustFile(home).trust(RECORD)
    assert (home / "trust.json").stat().st_mode & 0o777 == 0o600
    assert home.stat().st_mode & 0o777 == 0o700
    assert [path.name for path in home.iterdir()] == ["trust.json"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666, 0o620])
def test_f082_a_file_that_is_open_to_others_is_refused(home: Path, mode: int) -> None:
    """A file that somebody else may have written says nothing; the remedy is named."""
    trust = TrustFile(home)
    trust.trust(RECORD)
    trust.path.chmod(mode)
    with pytest.raises(LocalError, match=r"is open to others.*chmod 600"):
        trust.state(RECORD)
    with pytest.raises(LocalError, match="is open to others"):
        trust.trust(RECORD)


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o1777])
def test_f082_a_folder_that_others_may_write_to_is_refused(home: Path, mode: int) -> None:
    """Whoever can write to the folder can replace the file."""
    trust = TrustFile(home)
    trust.trust(RECORD)
    home.chmod(mode)
    with pytest.raises(LocalError, match="others may replace"):
        trust.state(RECORD)
    with pytest.raises(LocalError, match="others may replace"):
        trust.trust(changed(version="3"))


def test_f082_a_symbolic_link_is_refused(home: Path, tmp_path: Path) -> None:
    """A link could point to a file that somebody else prepared."""
    TrustFile(tmp_path / "elsewhere").trust(RECORD)
    home.mkdir(mode=0o700)
    (home / "trust.json").symlink_to(tmp_path / "elsewhere" / "trust.json")
    with pytest.raises(LocalError, match="cannot be opened"):
        TrustFile(home).state(RECORD)


def test_f082_no_file_at_all_is_refused(home: Path) -> None:
    """A folder or a pipe in the file's place is refused and does not block."""
    home.mkdir(mode=0o700)
    os.mkfifo(home / "trust.json", 0o600)
    with pytest.raises(LocalError, match="is no file of this user"):
        TrustFile(home).state(RECORD)
    (home / "trust.json").unlink()
    (home / "trust.json").mkdir(mode=0o700)
    with pytest.raises(LocalError):
        TrustFile(home).state(RECORD)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        '{"format": 1}',
        '{"format": 1, "trusted": [{"plugin": "venue"}]}',
        '{"format": 1, "trusted": [], "more": 1}',
        '{"format": 2, "trusted": []}',
        '{"format": 1, "trusted": "all"}',
        "\udcff",
        " " * (1024 * 1024 + 1),
    ],
)
def test_a_damaged_file_is_an_error_and_never_trust(home: Path, content: str) -> None:
    """What cannot be read exactly is not guessed at, and is not overwritten either."""
    trust = TrustFile(home)
    trust.trust(RECORD)
    trust.path.write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(LocalError, match=r"trust\.json"):
        trust.state(RECORD)
    with pytest.raises(LocalError, match=r"trust\.json"):
        trust.trust(RECORD)
    assert trust.path.read_bytes() == content.encode("utf-8", "surrogateescape")


def test_the_file_can_be_read_by_people(home: Path) -> None:
    """It is indented JSON with one entry for each plugin, sorted, so that it can be compared."""
    trust = TrustFile(home)
    trust.trust(RECORD)
    trust.trust(changed(name="earlier"))
    text = trust.path.read_text(encoding="utf-8")
    assert [entry["plugin"] for entry in json.loads(text)["trusted"]] == ["earlier", "venue"]
    assert len(text.splitlines()) > 10


def test_a_failed_write_leaves_the_old_file(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the disk refuses, what was trusted before still is, and nothing is left lying about."""
    trust = TrustFile(home)
    trust.trust(RECORD)

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(LocalError, match="No space left on device"):
        trust.trust(changed(version="2.0"))
    assert trust.state(RECORD).is_trusted
    assert [path.name for path in home.iterdir()] == ["trust.json"]

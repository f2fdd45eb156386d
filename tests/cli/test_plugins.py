"""`paraphina plugins`: every plugin with its state and reason; the sound ones work whatever the others do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from command_line import Installation
from distributions import Wheel

IMPORTS = "from paraphina_core.connector import *\n"
REGISTER = (
    "@hookimpl\ndef paraphina_register_connectors(register):\n    register(ConnectorSpec(\n"
    "        name={name!r}, venue='V', feature_flag={flag!r}, capabilities={{Capability.MARKET: ''}},\n"
    "        trade_modes=frozenset({{TradeMode.PAPER}}), factory=lambda context: None,\n"
    "        contract_version={version!r}))\n"
)


def registering(name: str, flag: str | None = None, version: tuple[int, int] = (1, 0)) -> str:
    """Return the code of a plugin that registers one connector."""
    return IMPORTS + REGISTER.format(name=name, flag=flag, version=version)


def venue(version: str = "1.0", code: str | None = None) -> Wheel:
    """Return a stand-in for the plugin that the feature flag `live_aster` installs."""
    return Wheel(
        "paraphina-aster",
        registering("aster", "live_aster") if code is None else code,
        version=version,
        entry_points="[paraphina]\naster = paraphina_aster\n",
    )


def listed(installation: Installation, **env: str) -> dict[str, dict[str, Any]]:
    """Return the plugins that are not built in, by distribution."""
    done = installation.paraphina("plugins", "--json", **env)
    assert done.code == 0, done.err
    return {one["distribution"]: one for one in json.loads(done.out) if not one["builtin"]}


def test_a_fresh_installation_lists_the_built_in_plugins(installation: Installation) -> None:
    """The core's own connector and strategy are there, trusted as a part of it."""
    done = installation.paraphina("plugins", "--json")
    plugins = json.loads(done.out)
    assert (done.code, done.err) == (0, "")
    assert {one["name"] for one in plugins} == {"mock", "strategy"}
    assert {one["trust"] for one in plugins} == {"trusted"}
    assert {one["status"] for one in plugins} == {"loaded"}


def test_an_installed_plugin_is_listed_with_what_identifies_it(installation: Installation) -> None:
    """Distribution, version, source hash, hooks, connectors, trust and state, in full for programs."""
    venue().install(installation.site)
    one = listed(installation)["paraphina-aster"]
    assert one["name"] == "aster"
    assert one["version"] == "1.0"
    assert len(one["source_hash"]) == 64
    assert one["hooks"] == ["paraphina_register_connectors"]
    assert one["connectors"] == ["aster"]
    assert (one["status"], one["reason"]) == ("loaded", "")
    assert (one["trust"], one["trust_differences"]) == ("untrusted", [])
    assert (one["editable"], one["location"]) == (False, str(installation.site / "paraphina_aster"))


def test_f084_broken_duplicate_foreign_and_unfit_plugins_are_listed_and_the_rest_work(
    installation: Installation, tmp_path: Path
) -> None:
    """Everything that can go wrong at once: each has its reason, and the sound plugin is loaded."""
    Wheel("sound-one").install(installation.site)
    Wheel("broken-one", "raise SystemExit('stop')").install(installation.site)
    Wheel("printing-one", "print('noise')\n1 / 0").install(installation.site)
    Wheel("double-a", registering("double")).install(installation.site)
    Wheel("double-b", registering("double")).install(installation.site)
    Wheel("unfit-one", requires=("paraphina>=7",)).install(installation.site)
    Wheel("contract-one", registering("contract_one", version=(2, 0))).install(installation.site)
    Wheel("changed-one").install(installation.site)
    (installation.site / "changed_one" / "__init__.py").write_text("", encoding="utf-8")
    Wheel("foreign-one").install(tmp_path / "elsewhere")
    found = listed(installation, PYTHONPATH=str(tmp_path / "elsewhere"))
    expected = {
        "sound-one": ("loaded", ""),
        "broken-one": ("broken", "SystemExit: stop"),
        "printing-one": ("broken", "ZeroDivisionError: division by zero"),
        "double-a": ("refused", "connector double is also registered by double-b"),
        "double-b": ("refused", "connector double is also registered by double-a"),
        "unfit-one": ("refused", "it requires paraphina >=7, and this is paraphina"),
        "contract-one": ("refused", "connector contract_one is built for contract 2.0"),
        "changed-one": ("refused", "changed_one/__init__.py differs from RECORD"),
        "foreign-one": ("refused", f"it lies in {tmp_path / 'elsewhere'}, outside this environment"),
    }
    assert found.keys() == expected.keys()
    for distribution, (status, reason) in expected.items():
        assert found[distribution]["status"] == status
        assert found[distribution]["reason"].startswith(reason)
    assert [name for name, one in found.items() if one["connectors"]] == ["sound-one"]


def test_f098_a_hostile_current_folder_is_listed_as_refused(
    installation: Installation, tmp_path: Path
) -> None:
    """`python -m` in a prepared folder runs none of what lies there."""
    hostile = tmp_path / "hostile"
    Wheel("hostile-one", "open('RAN', 'w')").install(hostile)
    done = installation.paraphina("plugins", cwd=hostile)
    assert done.code == 0
    assert "hostile-one" in done.out
    assert "outside this environment" in " ".join(done.out.replace("|", " ").split())
    assert not (hostile / "RAN").exists()


def test_a_table_is_plain_without_a_terminal_and_fits_the_width(installation: Installation) -> None:
    """What is piped has no colours, no drawing characters and no line longer than it should be."""
    venue().install(installation.site)
    done = installation.paraphina("plugins", COLUMNS="80")
    assert done.out.isascii()
    assert "\x1b" not in done.out
    assert max(map(len, done.out.splitlines())) <= 80
    assert "paraphina-aster" in done.out
    wide = installation.paraphina("plugins", COLUMNS="250")
    (line,) = [line for line in wide.out.splitlines() if "paraphina-aster" in line]
    assert [cell.strip() for cell in line.strip("|").split("|")] == [
        *("aster", "paraphina-aster", "1.0", line.split("|")[4].strip(), "register_connectors", "aster"),
        *("untrusted", "loaded", ""),
    ]


def test_text_of_a_plugin_cannot_steer_the_terminal(installation: Installation) -> None:
    """Escape sequences in an error or in metadata are made visible, not sent."""
    Wheel("escape-one", "raise ValueError('\\x1b[2J\\u202e cleared')", version="1\x1b[2J").install(
        installation.site
    )
    done = installation.paraphina("plugins", COLUMNS="250")
    assert "\x1b" not in done.out
    assert "\u202e" not in done.out
    assert "?[2J? cleared" in done.out
    assert "1\\x1b[2J" in done.out


@pytest.mark.parametrize(
    "name", ["live_aster", "live-aster", "aster", "paraphina-aster", "paraphina_aster", "mock"]
)
def test_what_is_loaded_satisfies_a_requirement(installation: Installation, name: str) -> None:
    """A feature flag, a distribution or a connector may be required, in any usual spelling."""
    venue().install(installation.site)
    done = installation.paraphina("plugins", "--require", name)
    assert (done.code, done.err) == (0, "")


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("live_aster", "paraphina-aster is not installed; pip install 'paraphina[live_aster]'"),
        ("aster", "connector aster is not installed; install it: pip install 'paraphina[live_aster]'"),
        ("live_astre", "nothing has this name; did you mean live_aster?"),
        ("paraphina-astre", "nothing has this name; did you mean paraphina-aster?"),
    ],
)
def test_what_is_missing_is_loud(installation: Installation, name: str, why: str) -> None:
    """A flag that pip ignored ends with exit code 1 and what to do, on stderr, after the listing."""
    done = installation.paraphina("plugins", "--json", "--require", name, "--require", "mock")
    assert done.code == 1
    assert done.err == f"required and missing: {name}: {why}\n"
    assert {one["name"] for one in json.loads(done.out)} == {"mock", "strategy"}


@pytest.mark.parametrize("name", ["live_aster", "aster", "paraphina-aster"])
def test_a_required_plugin_that_is_broken_is_missing(installation: Installation, name: str) -> None:
    """To be installed is not enough; the reason is given."""
    venue(code="1 / 0").install(installation.site)
    done = installation.paraphina("plugins", "--require", name)
    assert done.code == 1
    assert "broken: ZeroDivisionError: division by zero" in done.err


def test_the_flag_of_all_venues_requires_all_of_them(installation: Installation) -> None:
    """`live` is satisfied by nothing less than every plugin it installs."""
    venue().install(installation.site)
    done = installation.paraphina("plugins", "--require", "live")
    assert done.code == 1
    assert done.err.count("is not installed") == 4
    assert "paraphina-aster" not in done.err


def test_trusting_shows_what_is_trusted_and_keeps_it(installation: Installation) -> None:
    """The operator sees distribution, version, hash and place of what he trusts."""
    venue().install(installation.site)
    done = installation.paraphina("plugins", "trust", "aster")
    assert done.code == 0, done.err
    one = listed(installation)["paraphina-aster"]
    for text in ("paraphina-aster 1.0", one["source_hash"], one["location"], "trust.json"):
        assert text in done.out
    assert one["trust"] == "trusted"
    assert (installation.home / "trust.json").stat().st_mode & 0o777 == 0o600
    assert installation.home.stat().st_mode & 0o777 == 0o700


def test_f103_an_upgraded_plugin_is_shown_as_changed(installation: Installation) -> None:
    """After an upgrade the listing says what differs, and trusting again says it too."""
    venue().install(installation.site)
    installation.paraphina("plugins", "trust", "paraphina-aster")
    for path in (installation.site / venue().dist_info).iterdir():
        path.unlink()
    venue("2.0", registering("aster", "live_aster") + "# new\n").install(installation.site)
    one = listed(installation)["paraphina-aster"]
    assert one["trust"] == "changed"
    assert one["trust_differences"][0] == "version was 1.0, is 2.0"
    assert one["trust_differences"][1].startswith("source hash was ")
    again = installation.paraphina("plugins", "trust", "aster")
    assert "changed since it was last trusted: version was 1.0, is 2.0" in again.out
    assert listed(installation)["paraphina-aster"]["trust"] == "trusted"


def test_trust_can_be_taken_back(installation: Installation) -> None:
    """`untrust` undoes `trust`, and says if there was nothing to undo."""
    venue().install(installation.site)
    installation.paraphina("plugins", "trust", "aster")
    assert "no longer trusted" in installation.paraphina("plugins", "untrust", "aster").out
    assert listed(installation)["paraphina-aster"]["trust"] == "untrusted"
    assert "was not trusted" in installation.paraphina("plugins", "untrust", "aster").out


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("astre", "no plugin has this name"),
        ("mock", "mock is part of the core and needs no trust of its own"),
        ("broken_one", "broken_one cannot be trusted: it is broken: ZeroDivisionError"),
    ],
)
def test_what_cannot_be_trusted_is_refused(installation: Installation, name: str, why: str) -> None:
    """An unknown, a built-in and a broken plugin are no candidates for trust; exit code 2."""
    venue().install(installation.site)
    Wheel("broken-one", "1 / 0").install(installation.site)
    done = installation.paraphina("plugins", "trust", name)
    assert done.code == 2
    assert f"error: {why}" in done.err
    assert not installation.home.exists()


def test_a_damaged_trust_file_hides_no_plugin(installation: Installation) -> None:
    """The listing still works, says that trust is unknown, and trusting is refused."""
    venue().install(installation.site)
    installation.paraphina("plugins", "trust", "aster")
    (installation.home / "trust.json").write_text("{", encoding="utf-8")
    one = listed(installation)["paraphina-aster"]
    assert one["trust"] == "unknown"
    assert "trust.json cannot be read" in one["trust_differences"][0]
    done = installation.paraphina("plugins", "trust", "aster")
    assert done.code == 2
    assert "trust the plugins anew" in done.err


def test_listing_writes_nothing(installation: Installation) -> None:
    """Looking at plugins makes no home folder."""
    assert installation.paraphina("plugins").code == 0
    assert not installation.home.exists()

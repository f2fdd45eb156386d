"""`paraphina backtest`: the same session as everywhere, repeatable, and its results in its folder."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner, Result

from paraphina_core.cli.main import cli
from paraphina_core.domain import ConfigError


def backtest(*arguments: str) -> Result:
    """Run the command in this process."""
    return CliRunner().invoke(cli, ["backtest", *arguments])


def result(folder: Path, *arguments: str) -> dict[str, object]:
    """Return the results of a short backtest."""
    done = backtest("--duration", "20", "--out-dir", str(folder), *arguments)
    assert done.exit_code == 0, done.output
    return dict(json.loads((folder / "backtest.json").read_bytes()))


def test_the_same_seed_gives_the_same_digest(tmp_path: Path) -> None:
    """And another seed another one; orders are placed and filled."""
    first, again = result(tmp_path / "a"), result(tmp_path / "b")
    other = result(tmp_path / "c", "--seed", "2")
    assert first["digest"] == again["digest"] != other["digest"]
    assert first["placed"]
    assert first["fills"]
    assert first["duration_s"]
    assert (tmp_path / "a" / "summary.json").exists()
    assert (tmp_path / "a" / "telemetry.jsonl").exists()


def test_a_scenario_file_shapes_the_market(tmp_path: Path) -> None:
    """Two venues, one of which says nothing for a while."""
    file = tmp_path / "outage.toml"
    file.write_text(
        '[market]\nvenues = 2\n[[shock]]\nkind = "outage"\nat_s = 5\nlasts_s = 5\nvenue = "venue2"\n'
    )
    result(tmp_path / "run", "--scenario", str(file))
    summary = json.loads((tmp_path / "run" / "summary.json").read_bytes())
    assert [venue["connector"] for venue in summary["session"]["venues"]] == ["venue1", "venue2"]
    assert 340 <= summary["session"]["frames"] <= 360


def test_a_wrong_scenario_is_refused(tmp_path: Path) -> None:
    """And says what is wrong."""
    file = tmp_path / "wrong.toml"
    file.write_text("[market]\nvenue = 2\n")
    done = backtest("--scenario", str(file))
    assert isinstance(done.exception, ConfigError)
    assert "did you mean venues?" in str(done.exception)

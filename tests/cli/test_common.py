"""What the commands share: the home folder, the configuration's options, text that is safe to print."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from paraphina_core.cli.common import config_options, home, load, printable, resolve_config
from paraphina_core.config import Config, cli_options
from paraphina_core.domain import ConfigError


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start without any variable of this project."""
    for name in os.environ:
        if name.startswith(("PARAPHINA_", "HL_")):
            monkeypatch.delenv(name)


def given_options(*arguments: str) -> dict[str, Any]:
    """Return the parameters of a command that was called with these options."""
    seen: dict[str, Any] = {}

    @click.command()
    @config_options
    @click.option("--own", default="mine")
    def command(**params: Any) -> None:
        seen.update(params)

    result = CliRunner().invoke(command, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return seen


def resolved(*arguments: str) -> Config:
    """Return the configuration of a command that was called with these options."""
    return resolve_config(given_options(*arguments), load())


def test_the_built_in_connector_and_strategy_are_loaded() -> None:
    """Without any plugin there is something to run."""
    plugins = load()
    assert plugins.origin_of("mock").builtin
    assert "two_sided" in plugins.strategies


@pytest.mark.parametrize(
    ("variable", "folder"),
    [(None, Path.home() / ".paraphina"), ("", Path.home() / ".paraphina"), ("~/x", Path.home() / "x")],
)
def test_the_home_folder_has_a_default(
    monkeypatch: pytest.MonkeyPatch, variable: str | None, folder: Path
) -> None:
    """An empty variable is none, and a tilde is the user's folder."""
    if variable is not None:
        monkeypatch.setenv("PARAPHINA_HOME", variable)
    assert home() == folder


def test_a_relative_home_folder_is_taken_from_here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The folder stays the same when the program changes its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PARAPHINA_HOME", "state")
    assert home() == tmp_path / "state"


def test_every_option_of_the_configuration_is_an_option_of_the_command() -> None:
    """The table of keys is the only list of options."""

    @click.command()
    @config_options
    def command(**params: Any) -> None:
        """Do nothing."""

    flags = [option for parameter in command.params for option in parameter.opts]
    assert flags == ["--config", *(option.flag for option in cli_options())]


def test_options_that_were_not_given_set_nothing() -> None:
    """Without options every value has its default."""
    config = resolved()
    assert config.session.connectors == ("mock",)
    assert {origin.kind.value for origin in config.origins.values()} == {"default"}


def test_given_options_reach_the_configuration() -> None:
    """Each value arrives at its key, whatever its type, and knows the option it came from."""
    config = resolved(
        *("--trade-mode", "paper", "--connectors", "mock", "--tick-ms", "500", "--duration", "15m"),
        "--enable-live-execution",
    )
    assert (config.session.trade_mode, config.session.tick_ms) == ("paper", 500)
    assert config.session.duration_s == 900
    assert config.live.enable_execution
    assert str(config.origins["session.tick_ms"]) == "--tick-ms"


def test_the_two_options_for_connectors_are_both_there() -> None:
    """`--connectors` beats `--connector`; neither swallows the other."""
    assert resolved("--connector", "mock").session.connectors == ("mock",)
    assert resolved("--connectors", "mock,mock", "--connector", "nonsense").session.connectors == ("mock",)


def test_a_configuration_file_is_read(tmp_path: Path) -> None:
    """`--config` names the file."""
    file = tmp_path / "run.toml"
    file.write_text("[session]\ntick_ms = 750\n", encoding="utf-8")
    assert resolved("--config", str(file)).session.tick_ms == 750


def test_a_configuration_file_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    """A misspelt file is not the same as none."""
    with pytest.raises(ConfigError):
        resolved("--config", str(tmp_path / "missing.toml"))


def test_a_wrong_value_is_an_error_that_names_the_option() -> None:
    """The operator sees which of his options it was."""
    with pytest.raises(ConfigError, match="--tick-ms"):
        resolved("--tick-ms", "soon")


@given(text=st.text(), plain=st.from_regex(r"[ -~äöü→…]*", fullmatch=True))
def test_printed_text_never_steers_a_terminal(text: str, plain: str) -> None:
    """Whatever comes in, only printable characters come out, and ordinary text comes out as it is."""
    assert printable(text).isprintable()
    assert printable(plain) == plain

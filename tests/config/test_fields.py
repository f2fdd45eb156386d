"""The table of keys: complete, without contradiction, and every default usable."""

from __future__ import annotations

import re

import msgspec
import pytest

from paraphina_core.config import FIELDS, Config, Field, cli_options
from paraphina_core.config.fields import SECTIONS, portable

ARMING = {"live.preflight_ok", "live.enable_execution", "live.exec_enable", "live.execution_confirm"}


def test_the_table_and_the_typed_sections_have_the_same_keys() -> None:
    """A typed key that is not in the table could never be set; one in the table alone never be read."""
    typed = [
        f"{section}.{field.name}"
        for section, defaults in SECTIONS.items()
        for field in msgspec.structs.fields(defaults)
    ]
    assert [field.key for field in FIELDS] == typed
    assert SECTIONS.keys() <= {field.name for field in msgspec.structs.fields(Config)}


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.key)
def test_a_default_is_a_value_that_could_be_set(field: Field) -> None:
    """Defaults obey the rules of their keys; None is the absence of a value."""
    if field.default is not None:
        kept = portable(field.default)
        is_text = isinstance(kept, str)
        assert field.reader.read(kept, name=field.key, origin="default", is_text=is_text) == field.default


def test_no_option_and_no_variable_sets_two_keys() -> None:
    """What an operator sets has one effect."""
    sources = [source for field in FIELDS for source in field.sources]
    assert len(sources) == len(set(sources))


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.key)
def test_names_have_the_house_style(field: Field) -> None:
    """Options are words with hyphens, variables carry the project's prefix, every key says what it means."""
    assert all(re.fullmatch(r"--[a-z]+(-[a-z]+)*", option) for option in field.flags)
    assert all(re.fullmatch(r"PARAPHINA_[A-Z_]+", variable) for variable in field.variables)
    assert field.help[0].islower()
    assert not field.help.endswith(".")


def test_f097_what_arms_real_orders_stands_in_no_file_and_in_different_places() -> None:
    """No file arms; the command alone does not, and neither does the environment alone."""
    switches = {field.key: field for field in FIELDS if not field.in_file}
    assert switches.keys() == ARMING
    assert all(len(field.sources) == 1 for field in switches.values())
    assert switches["live.enable_execution"].flags == ("--enable-live-execution",)
    assert {key for key, field in switches.items() if field.variables} == ARMING - {"live.enable_execution"}


def test_f097_nothing_is_armed_by_default() -> None:
    """Without a word from the operator a run records orders and sends none."""
    config = Config()
    assert config.session.trade_mode.value == "shadow"
    assert not config.live.preflight_ok
    assert not config.live.enable_execution
    assert not config.live.exec_enable
    assert config.live.execution_confirm is None
    assert config.live.canary_profile is None
    assert config.live.allowed_connectors == ()


def test_every_option_of_the_table_is_offered_once() -> None:
    """The command line is generated from the table: each option with its key, help and default."""
    options = cli_options()
    assert [option.flag for option in options] == [option for field in FIELDS for option in field.flags]
    by_flag = {option.flag: option for option in options}
    assert {"--connectors", "--connector", "--trade-mode", "--duration", "--out-dir"} <= by_flag.keys()
    assert by_flag["--tick-ms"].default == "250"
    assert [option.flag for option in options if option.is_switch] == [
        "--twin",
        "--enable-live-execution",
    ]

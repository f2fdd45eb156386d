"""How single values are read: strictly, and whatever is written, with an error that says what was wanted."""

from __future__ import annotations

import math
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paraphina_core.config import FIELDS, Field
from paraphina_core.config.fields import BY_KEY, portable
from paraphina_core.connector import TradeMode
from paraphina_core.domain import ConfigError

REFUSED = object()


def read(key: str, value: object, *, is_text: bool = True) -> Any:
    """Read a value as the key's reader does; REFUSED when it is not taken."""
    try:
        return BY_KEY[key].reader.read(value, name=key, origin="a test", is_text=is_text)
    except ConfigError:
        return REFUSED


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("session.tick_ms", "250", 250),
        ("session.tick_ms", " 250\n", 250),
        ("session.tick_ms", "10", 10),
        ("session.tick_ms", "9", REFUSED),
        ("session.tick_ms", "60000", 60_000),
        ("session.tick_ms", "60001", REFUSED),
        ("session.tick_ms", "-250", REFUSED),
        ("session.tick_ms", "250.0", REFUSED),
        ("session.tick_ms", "2_50", REFUSED),
        ("session.tick_ms", "+250", REFUSED),
        ("session.tick_ms", "0x64", REFUSED),
        ("session.tick_ms", "٢٥٠", REFUSED),
        ("session.tick_ms", "250ms", REFUSED),
        ("session.tick_ms", "", REFUSED),
        ("session.tick_ms", "9" * 5_000, REFUSED),
        ("session.speed", "2.5", 2.5),
        ("session.speed", "nan", REFUSED),
        ("session.speed", "inf", REFUSED),
        ("session.speed", "1e2", REFUSED),
        ("session.speed", "0", REFUSED),
        ("paper.balance_usd", "0.1", REFUSED),
        ("paper.balance_usd", "10000.10", Decimal("10000.10")),
        ("paper.balance_usd", "NaN", REFUSED),
        ("paper.balance_usd", "Infinity", REFUSED),
        ("session.duration_s", "90", 90.0),
        ("session.duration_s", "90s", 90.0),
        ("session.duration_s", "1.5m", 90.0),
        ("session.duration_s", "12h", 43_200.0),
        ("session.duration_s", "0", REFUSED),
        ("session.duration_s", "-1m", REFUSED),
        ("session.duration_s", "90 sec", REFUSED),
        ("session.duration_s", "1d", REFUSED),
        ("session.trade_mode", "shadow", TradeMode.SHADOW),
        ("session.trade_mode", "SAFE", TradeMode.SHADOW),
        ("session.trade_mode", "s", TradeMode.SHADOW),
        ("session.trade_mode", "Paper", TradeMode.PAPER),
        ("session.trade_mode", "p", TradeMode.PAPER),
        ("session.trade_mode", "testnet", TradeMode.TESTNET),
        ("session.trade_mode", "tn", TradeMode.TESTNET),
        ("session.trade_mode", "t", TradeMode.TESTNET),
        ("session.trade_mode", "live", TradeMode.LIVE),
        ("session.trade_mode", "real", TradeMode.LIVE),
        ("session.trade_mode", "L", TradeMode.LIVE),
        ("session.trade_mode", "papr", REFUSED),
        ("session.trade_mode", "", REFUSED),
        ("session.trade_mode", "live;", REFUSED),
        ("session.connectors", "mock", ("mock",)),
        ("session.connectors", "mock, HL-Fixture ,mock", ("mock", "hl_fixture")),
        ("session.connectors", "mock,,hl", REFUSED),
        ("session.connectors", ",", REFUSED),
        ("session.connectors", "", REFUSED),
        ("live.allowed_connectors", "", ()),
        ("risk.profile", "prod-canary", "prod_canary"),
        ("risk.profile", "own.toml", Path("own.toml")),
        ("risk.profile", "profiles/own", Path("profiles/own")),
        ("risk.profile", "", REFUSED),
        ("live.declared_hosts", "API.example.com,10.0.0.1", ("api.example.com", "10.0.0.1")),
        ("live.declared_hosts", "https://api.example.com", REFUSED),
        ("live.declared_hosts", "api.example.com:443", REFUSED),
        ("live.declared_hosts", "api..example.com", REFUSED),
        ("live.declared_hosts", "-api.example.com", REFUSED),
        ("live.execution_confirm", "YES", "YES"),
        ("live.execution_confirm", " yes", " yes"),
        ("live.execution_confirm", "\x1b[2K", REFUSED),
    ],
)
def test_text_is_read_as_it_stands_or_refused(key: str, text: str, value: object) -> None:
    """Text from the environment and the command line has one meaning or none."""
    assert read(key, text) == value


@pytest.mark.parametrize("word", ["1", "true", "yes", "on", "TRUE", "Yes", " oN "])
def test_four_words_switch_on(word: str) -> None:
    """Any case will do."""
    assert read("live.exec_enable", word) is True


@pytest.mark.parametrize("word", ["0", "false", "no", "off", "FALSE", "No", " oFF "])
def test_four_words_switch_off(word: str) -> None:
    """Any case will do."""
    assert read("live.exec_enable", word) is False


@pytest.mark.parametrize("word", ["", "2", "y", "t", "enable", "yes!", "да", "-1", "None"])
def test_no_other_word_is_a_switch(word: str) -> None:
    """What is neither on nor off is not taken for either."""
    assert read("live.exec_enable", word) is REFUSED


@pytest.mark.parametrize(
    ("key", "value", "result"),
    [
        ("session.tick_ms", 250, 250),
        ("session.tick_ms", "250", REFUSED),
        ("session.tick_ms", 250.0, REFUSED),
        ("session.tick_ms", True, REFUSED),
        ("session.speed", 2, 2.0),
        ("session.speed", True, REFUSED),
        ("session.speed", math.nan, REFUSED),
        ("session.speed", math.inf, REFUSED),
        ("paper.balance_usd", 0.3 * 10, Decimal("3.0")),
        ("paper.balance_usd", 10_000, Decimal(10_000)),
        ("paper.balance_usd", math.nan, REFUSED),
        ("paper.balance_usd", Decimal("NaN"), REFUSED),
        ("paper.balance_usd", Decimal("sNaN"), REFUSED),
        ("session.duration_s", 90, 90.0),
        ("session.duration_s", "15m", 900.0),
        ("session.duration_s", math.inf, REFUSED),
        ("journal.record_frames", False, False),
        ("journal.record_frames", 0, REFUSED),
        ("journal.record_frames", "no", REFUSED),
        ("session.connectors", ["mock", "hl"], ("mock", "hl")),
        ("session.connectors", "mock,hl", REFUSED),
        ("session.connectors", [], REFUSED),
        ("session.connectors", [1], REFUSED),
        ("session.trade_mode", 1, REFUSED),
        ("session.out_dir", "", REFUSED),
        ("session.out_dir", "a\x00b", REFUSED),
    ],
)
def test_a_value_of_a_file_has_the_right_type(key: str, value: object, result: object) -> None:
    """TOML gives types, so a file's value is taken in its type only."""
    assert read(key, value, is_text=False) == result


def test_an_error_says_what_was_found_what_is_wanted_and_where_it_stands() -> None:
    """Everything needed to put it right stands in one line, the nearest name among it."""
    with pytest.raises(ConfigError) as caught:
        BY_KEY["session.trade_mode"].reader.read(
            "papr", name="session.trade_mode", origin="--trade-mode", is_text=True
        )
    assert str(caught.value) == (
        "session.trade_mode is not usable; found 'papr'; "
        "wanted one of shadow, paper, testnet, live, safe, s, p, tn, t, real, l; "
        "did you mean paper?; it is set by --trade-mode"
    )


def test_a_huge_value_does_not_flood_the_terminal() -> None:
    """Of a long value only the beginning is shown."""
    with pytest.raises(ConfigError) as caught:
        BY_KEY["session.seed"].reader.read("9" * 100_000, name="x", origin="y", is_text=True)
    assert len(str(caught.value)) < 600


@given(st.sampled_from(FIELDS), st.text() | st.from_regex(r"-?[0-9]{1,25}(\.[0-9]{1,5})?", fullmatch=True))
@settings(max_examples=1_000)
def test_any_text_is_a_usable_value_or_a_configuration_error(field: Field, text: str) -> None:
    """Nothing that can stand in an environment raises anything else, and what is read survives a record."""
    value = read(field.key, text)
    if value is not REFUSED:
        kept = portable(value)
        assert read(field.key, kept, is_text=isinstance(kept, str)) == value


_TOML = st.recursive(
    st.booleans() | st.integers() | st.floats() | st.text() | st.dates() | st.datetimes() | st.times(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(st.sampled_from(FIELDS), _TOML)
@settings(max_examples=1_000)
def test_any_value_of_a_file_is_usable_or_a_configuration_error(field: Field, value: object) -> None:
    """Whatever type stands in a file, no other error escapes."""
    read(field.key, value, is_text=False)

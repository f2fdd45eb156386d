"""Risk profiles: nothing is defaulted, nothing implausible is taken, zero means none."""

from __future__ import annotations

import json
import math
import re
import tomllib
from importlib import resources
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from configuring import texts
from paraphina_core.config import LIMITS, Limit, RiskProfile, load_profile, packaged_profiles
from paraphina_core.domain import ConfigError

NUMERIC = [limit for limit in LIMITS if limit.table not in {"profile", "enforcement"}]
PROFILES = resources.files("paraphina_core.config") / "profiles"


def tables_of(name: str = "paper") -> dict[str, dict[str, Any]]:
    """Return the tables of a built-in profile, to be changed."""
    return tomllib.loads((PROFILES / f"{name}.toml").read_text(encoding="utf-8"))


def write(folder: Path, tables: dict[str, dict[str, Any]]) -> Path:
    """Write a profile file."""
    lines = []
    for table, content in tables.items():
        lines += [f"[{table}]", *(f"{key} = {toml(value)}" for key, value in content.items())]
    file = folder / "own.toml"
    file.write_text("\n".join(lines), encoding="utf-8")
    return file


def toml(value: object) -> str:
    """Spell a value in TOML, which has JSON's texts, booleans and brackets, and Python's numbers."""
    return (
        repr(value) if isinstance(value, int | float) and not isinstance(value, bool) else json.dumps(value)
    )


def by_path(limit: Limit) -> str:
    """Return what a parametrised test calls a limit."""
    return limit.path


def complaint(folder: Path, tables: dict[str, dict[str, Any]]) -> list[str]:
    """Return what is wrong with a profile file; fails when nothing is."""
    with pytest.raises(ConfigError) as caught:
        load_profile(write(folder, tables))
    return texts(caught.value)


def test_the_package_brings_a_canary_and_a_paper_profile() -> None:
    """Both built-in profiles load and are called what their files are called."""
    assert packaged_profiles() == ("paper", "prod_canary")
    for name in packaged_profiles():
        assert load_profile(name).name == name


def test_the_canary_is_small_in_every_respect() -> None:
    """The built-in canary stays below the paper profile in every number, and both flags are enforced."""
    canary, paper = load_profile("prod_canary"), load_profile("paper")
    assert canary.canary
    assert not paper.canary
    for limit in NUMERIC:
        assert getattr(canary, limit.attribute) < getattr(paper, limit.attribute), limit.path
    assert canary.post_only_quotes
    assert canary.reduce_only_others
    assert canary.max_position_notional_usd_total <= 500
    assert canary.max_daily_loss_usd <= 25


@pytest.mark.parametrize("name", packaged_profiles())
def test_every_number_of_a_built_in_profile_says_why(name: str) -> None:
    """A limit without a reason is a limit that nobody dares to change."""
    lines = (PROFILES / f"{name}.toml").read_text(encoding="utf-8").splitlines()
    unexplained = [line for line in lines if re.match(r"\w+ = [\d_]", line) and "# " not in line]
    assert unexplained == []


def test_an_own_file_is_named_by_its_path(tmp_path: Path) -> None:
    """A path, as text or as Path, selects the operator's own profile."""
    tables = tables_of()
    tables["profile"]["name"] = "desk"
    tables["orders"]["max_order_notional_usd"] = 250_000
    file = write(tmp_path, tables)
    assert load_profile(str(file)).max_order_notional_usd == 250_000
    assert load_profile(file) == load_profile(str(file))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("prod_canry", ["prod_canry", "did you mean prod_canary?"]),
        ("", ["paper or prod_canary"]),
        ("nowhere/own.toml", ["cannot read nowhere/own.toml", "No such file"]),
        ("/", ["cannot read /", "directory"]),
        ("own.toml", ["cannot read own.toml"]),
    ],
)
def test_a_profile_that_is_not_there_is_an_error(name: str, words: list[str]) -> None:
    """No other profile takes its place; the error says which there are."""
    with pytest.raises(ConfigError) as caught:
        load_profile(name)
    assert all(word in str(caught.value) for word in words), str(caught.value)


@pytest.mark.parametrize("limit", LIMITS, ids=by_path)
def test_f096_an_absent_limit_is_an_error(limit: Limit, tmp_path: Path) -> None:
    """No limit has a default: a file that leaves one out is refused and the limit named."""
    tables = tables_of()
    del tables[limit.table][limit.key]
    (text,) = complaint(tmp_path, tables)
    assert text.startswith(f"{limit.path} is missing in {tmp_path}")


@pytest.mark.parametrize("table", sorted({limit.table for limit in LIMITS}))
def test_f096_an_absent_table_lacks_each_of_its_limits(table: str, tmp_path: Path) -> None:
    """Whoever leaves out a whole table reads every limit that stood in it."""
    tables = tables_of()
    del tables[table]
    assert len(complaint(tmp_path, tables)) == sum(limit.table == table for limit in LIMITS)


@pytest.mark.parametrize("value", [-1, -0.5, math.nan, math.inf, -math.inf, "100", True, [], {}, 1e300])
@pytest.mark.parametrize("limit", NUMERIC, ids=by_path)
def test_f096_a_limit_that_is_no_plain_number_is_an_error(
    limit: Limit, value: object, tmp_path: Path
) -> None:
    """Negative, endless, not a number, text, truth: none of them is a limit."""
    tables = tables_of()
    tables[limit.table][limit.key] = value
    (text,) = complaint(tmp_path, tables)
    assert text.startswith(f"{limit.path} is not usable")
    assert "wanted" in text


@pytest.mark.parametrize("value", [math.nan, math.inf, -1, None, "1"])
@pytest.mark.parametrize("limit", NUMERIC, ids=by_path)
def test_f096_a_profile_made_in_code_is_held_to_the_same_rules(limit: Limit, value: object) -> None:
    """No way into a profile goes past the checks of its file."""
    values = msgspec.structs.asdict(load_profile("paper")) | {limit.attribute: value}
    with pytest.raises(ConfigError, match=re.escape(limit.path)):
        RiskProfile(**values)


def test_f096_a_profile_that_is_changed_in_code_is_checked_again() -> None:
    """A copy with another value is a new profile, held to the same rules."""
    with pytest.raises(ConfigError, match="max_order_notional_usd is not usable"):
        msgspec.structs.replace(load_profile("paper"), max_order_notional_usd=math.nan)


def test_f096_zero_is_a_limit_and_means_none(tmp_path: Path) -> None:
    """Every number may be 0: then nothing of the kind is allowed."""
    tables = tables_of()
    for limit in NUMERIC:
        tables[limit.table][limit.key] = 0
    profile = load_profile(write(tmp_path, tables))
    assert {getattr(profile, limit.attribute) for limit in NUMERIC} == {0}


@pytest.mark.parametrize("limit", [limit for limit in LIMITS if limit.table == "enforcement"], ids=by_path)
@pytest.mark.parametrize("value", [1, 0, "true", "yes"])
def test_a_switch_is_true_or_false(limit: Limit, value: object, tmp_path: Path) -> None:
    """In a file only TOML's own truth values are switches."""
    tables = tables_of()
    tables[limit.table][limit.key] = value
    (text,) = complaint(tmp_path, tables)
    assert text.startswith(f"{limit.path} is not usable")


@pytest.mark.parametrize(
    ("path", "value", "mistake"),
    [
        ("orders.max_order_notional_usd", 0.05, "base units in place of USD"),
        ("orders.base_order_notional_usd", 0.001, "base units in place of USD"),
        ("orders.max_order_notional_usd", 50_000_000_000, "millionths in place of USD"),
        ("freshness.max_book_age_ms", 2, "seconds in place of milliseconds"),
        ("freshness.max_book_age_ms", 2_000_000, "microseconds in place of milliseconds"),
        ("collar.book_bps", 0.005, "a fraction in place of basis points"),
        ("collar.book_bps", 5_000, "a price in place of basis points"),
        ("messages.rate_per_s", 60_000, "a rate per hour"),
    ],
)
def test_f095_a_value_in_a_wrong_unit_is_refused(
    path: str, value: float, mistake: str, tmp_path: Path
) -> None:
    """Plausible bounds catch the usual mistakes of units, and say what they are."""
    table, key = path.split(".")
    tables = tables_of()
    tables[table][key] = value
    (text,) = complaint(tmp_path, tables)
    assert text.startswith(f"{path} is not usable"), mistake


@pytest.mark.parametrize(
    ("table", "key", "text"),
    [
        (
            "position",
            "max_postion_notional_usd_total",
            "[position] max_postion_notional_usd_total'; did you mean max_position_notional_usd_total?",
        ),
        ("orders", "max_open_order", "'[orders] max_open_order'; did you mean max_open_orders?"),
        ("messages", "rate_per_m", "'[messages] rate_per_m'; did you mean rate_per_s?"),
        ("loss", "zzz", "'[loss] zzz'; known are max_daily_loss_usd"),
        ("order", "max_open_orders", "'order'; did you mean orders?"),
    ],
)
def test_f094_an_unknown_key_is_an_error_with_the_nearest_name(
    table: str, key: str, text: str, tmp_path: Path
) -> None:
    """A misspelt limit is no limit, so it is never ignored."""
    tables = tables_of()
    tables.setdefault(table, {})[key] = 1
    (found,) = complaint(tmp_path, tables)
    assert found.startswith(f"{tmp_path / 'own.toml'} has an unknown key")
    assert found.endswith(text)


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("orders.base_order_notional_usd", 5_001, "base_order_notional_usd is above max_order_notional_usd"),
        ("position.max_position_notional_usd_per_venue", 30_001, "per_venue is above max_position"),
        ("messages.cancel_reserve", 50, "leaves nothing of message_burst"),
        ("messages.burst", 0, "leaves nothing of message_burst"),
    ],
)
def test_limits_that_contradict_each_other_are_refused(
    path: str, value: float, words: str, tmp_path: Path
) -> None:
    """A smaller thing cannot have the larger limit, and cancels cannot take the whole budget."""
    table, key = path.split(".")
    tables = tables_of()
    tables[table][key] = value
    (text,) = complaint(tmp_path, tables)
    assert words in text


@pytest.mark.parametrize("limit", [limit for limit in LIMITS if limit.canary_max is not None], ids=by_path)
def test_what_calls_itself_a_canary_is_small(limit: Limit) -> None:
    """A profile with canary = true is refused above a canary's ceiling; without the word it is taken."""
    assert limit.canary_max is not None
    values = msgspec.structs.asdict(load_profile("prod_canary"))
    values |= {
        "max_order_notional_usd": 1_000.0,
        "max_position_notional_usd_per_venue": 5_000.0,
        "max_position_notional_usd_total": 10_000.0,
    }
    RiskProfile(**values | {limit.attribute: limit.canary_max})
    larger = values | {limit.attribute: limit.canary_max + 1}
    with pytest.raises(ConfigError, match=f"{re.escape(limit.path)} is too large for a canary"):
        RiskProfile(**larger)


def test_every_fault_of_a_file_is_reported_at_once(tmp_path: Path) -> None:
    """One start is enough to read all that is wrong with a profile."""
    tables = tables_of()
    tables["orders"]["max_open_orders"] = -1
    tables["collar"]["book_bps"] = math.nan
    tables["loss"]["max_dayly_loss_usd"] = tables["loss"].pop("max_daily_loss_usd")
    found = complaint(tmp_path, tables)
    assert [text.split(" ")[0] for text in found] == [
        str(tmp_path / "own.toml"),
        "orders.max_open_orders",
        "collar.book_bps",
        "loss.max_daily_loss_usd",
    ]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"[orders\n", "line 1"),
        (b"[orders]\nmax_open_orders = 1\nmax_open_orders = 2\n", "line 3"),
        (b"\xff\xfe", "utf-8"),
        (b"x = " + b"[" * 5_000, "is not TOML"),
        (b"#" * 1_000_001, "at most 1,000,000 bytes"),
        (b"", "profile.name is missing"),
        (b"orders = 1", "wanted a table, [orders]"),
    ],
)
def test_a_file_that_is_no_profile_is_an_error(content: bytes, words: str, tmp_path: Path) -> None:
    """Whatever stands in the file, the error names the file or the limit and says where."""
    file = tmp_path / "own.toml"
    file.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        load_profile(file)
    assert words in str(caught.value)
    assert "own.toml" in str(caught.value)


@pytest.mark.parametrize("limit", LIMITS, ids=by_path)
def test_the_digest_changes_with_every_limit(limit: Limit) -> None:
    """A receipt for one set of limits is none for another."""
    profile = load_profile("prod_canary")
    value = getattr(profile, limit.attribute)
    other = not value if isinstance(value, bool) else "other" if isinstance(value, str) else value + 1
    assert msgspec.structs.replace(profile, **{limit.attribute: other}).digest() != profile.digest()


def test_the_digest_does_not_depend_on_how_a_number_is_written() -> None:
    """20 and 20.0 are the same limit."""
    values = msgspec.structs.asdict(load_profile("paper"))
    as_integers = {key: int(value) if isinstance(value, float) else value for key, value in values.items()}
    assert RiskProfile(**as_integers).digest() == load_profile("paper").digest()


@given(st.sampled_from(NUMERIC), st.floats(allow_nan=True, allow_infinity=True) | st.integers())
def test_f096_a_number_is_taken_exactly_within_its_bounds(limit: Limit, value: float) -> None:
    """Whatever number is written, it is either refused or finite, not negative and kept as it is."""
    try:
        read = limit.reader.read(value, name=limit.path, origin="a test")
    except ConfigError:
        return
    assert read == value
    assert math.isfinite(read)
    assert read >= 0

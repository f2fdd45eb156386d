"""The documentation of the configuration is what the tables say, and its example works."""

from __future__ import annotations

import re
from pathlib import Path

from configuring import Configure
from paraphina_core.config import FIELDS, LIMITS, packaged_profiles, reference

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "configuration.md"


def test_the_documentation_holds_the_reference_of_this_version() -> None:
    """After a change of the tables: `paraphina config reference`, between the markers."""
    text = DOCUMENT.read_text(encoding="utf-8")
    _, _, rest = text.partition("<!-- reference: begin -->\n")
    part, marker, after = rest.partition("<!-- reference: end -->\n")
    assert marker
    assert part == reference()
    assert after == ""


def test_the_reference_has_a_line_for_every_key_and_every_limit() -> None:
    """Nothing can be set that is not documented, with all its sources, its default and its unit."""
    lines = {
        line.split(" | ")[0].removeprefix("| "): line for line in reference().splitlines() if "`" in line
    }
    assert len(lines) == len(FIELDS) + len(LIMITS)
    for field in FIELDS:
        line = lines[f"`{field.key}`"]
        assert all(f"`{source}`" in line for source in field.sources)
        assert field.reader.wanted in line
    assert lines["`session.tick_ms`"] == (
        "| `session.tick_ms` | `--tick-ms`, `PARAPHINA_MAIN_LOOP_INTERVAL_MS`, file | `250` | ms "
        "| a whole number from 10 to 60,000 | time between two decisions |"
    )
    assert {lines[f"`{field.key}`"].count("|") for field in FIELDS} == {7}
    assert {lines[f"`[{limit.table}] {limit.key}`"].count("|") for limit in LIMITS} == {6}


def test_the_example_of_the_documentation_is_a_usable_file(configure: Configure) -> None:
    """Whoever copies the example gets a session; an optional plugin's connector is replaced here."""
    (example,) = re.findall(r"```toml\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    config = configure(file=example.replace("hyperliquid_fixture", "harbour_recorded"))
    assert config.selected == ("harbour_recorded", "mock")
    assert config.session.duration_s == 900.0
    assert config.strategy_parameters["half_spread_bps"] == 2.0
    assert config.connectors["mock"]["annual_volatility"] == 0.8


def test_the_documentation_names_every_built_in_profile() -> None:
    """Both profiles are introduced, with a path that leads to them."""
    text = DOCUMENT.read_text(encoding="utf-8")
    for name in packaged_profiles():
        (link,) = re.findall(rf"\[{name}\.toml\]\((.*?)\)", text)
        assert (DOCUMENT.parent / link).is_file()

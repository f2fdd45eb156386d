"""`paraphina config`: what would be used and why, without a secret; and the reference."""

from __future__ import annotations

import json
import os
import re

import pytest

from paraphina_core.cli import main
from paraphina_core.config import Config, load_profile, reference

KEY = "0x" + "4c" * 32


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start without any variable of this project or of a connector."""
    for name in os.environ:
        if name.startswith(("PARAPHINA_", "HL_")):
            monkeypatch.delenv(name)


def line(text: str, key: str) -> list[str]:
    """Return the columns of one key's line."""
    (found,) = (row for row in text.splitlines() if row.startswith(f"{key} "))
    return re.split(r"  +", found)


def test_every_value_is_shown_with_what_set_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Key, value, origin; then the limits in force with their meaning; then the digest."""
    monkeypatch.setenv("PARAPHINA_SEED", "7")
    assert main(["config", "show", "--trade-mode", "p", "--tick-ms", "500"]) == 0
    out = capsys.readouterr().out
    assert line(out, "key") == ["key", "value", "set by"]
    assert line(out, "session.trade_mode") == ["session.trade_mode", "paper", "--trade-mode"]
    assert line(out, "session.tick_ms") == ["session.tick_ms", "500", "--tick-ms"]
    assert line(out, "session.seed") == ["session.seed", "7", "PARAPHINA_SEED"]
    assert line(out, "session.connectors") == ["session.connectors", "mock", "default"]
    assert line(out, "live.account_reconcile_ms") == ["live.account_reconcile_ms", "-", "default"]
    assert line(out, "orders.max_order_notional_usd") == [
        "orders.max_order_notional_usd",
        "5000 USD",
        "largest order",
    ]
    assert re.search(r"\ndigest  [0-9a-f]{64}\n$", out)


def test_json_is_what_is_kept_with_a_run(capsys: pytest.CaptureFixture[str]) -> None:
    """The object rebuilds the configuration."""
    assert main(["config", "show", "--json", "--strategy", "two-sided"]) == 0
    config = Config.from_resolved(json.loads(capsys.readouterr().out))
    assert config.session.strategy == "two_sided"
    assert config.profile == load_profile("paper")


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_f105_a_secret_is_shown_as_set(
    options: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever checks a configuration in public shows no key."""
    monkeypatch.setenv("HL_PRIVATE_KEY", KEY)
    assert main(["config", "show", "--connectors", "hl", *options]) == 0
    shown = capsys.readouterr()
    assert re.search(r'private_key"?:? +"?set', shown.out)
    assert KEY not in shown.out + shown.err


def test_a_live_configuration_without_a_profile_says_that_there_are_no_limits(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Showing is not starting: what is missing is shown as missing."""
    assert main(["config", "show", "--trade-mode", "live", "--connectors", "hyperliquid"]) == 0
    assert "no limits in force: live.canary_profile names no profile" in capsys.readouterr().out


def test_errors_are_listed_together_and_end_with_two(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit code 2, nothing on stdout, every mistake on stderr."""
    monkeypatch.setenv("PARAPHINA_TRADE_MOD", "live")
    assert main(["config", "show", "--trade-mode", "papr", "--connectors", "hyperliquid-fixtur"]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "has 3 errors" in shown.err
    for meant in ("PARAPHINA_TRADE_MODE?", "paper?", "hyperliquid_fixture?"):
        assert f"did you mean {meant}" in shown.err


def test_the_reference_is_printed_as_it_stands_in_the_documentation(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """It is redirected into the documentation, so nothing else is printed."""
    assert main(["config", "reference"]) == 0
    assert capsys.readouterr().out == reference()

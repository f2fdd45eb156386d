"""`paraphina gates` and `paraphina preflight`: every gate with its verdict, and an exit code that says it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from paraphina_core.cli import live_main, main
from paraphina_core.cli.gates import reference
from paraphina_core.gates import ORDER_GATES, STARTUP_GATES

#: What a session that reaches a venue is asked.
VENUE_GATES = [gate for gate in STARTUP_GATES if not gate.on_twins_only]


ROOT = Path(__file__).parents[2]

#: Everything that a shell can hold of what arms a live session.
ARMING = {
    "PARAPHINA_TRADE_MODE": "live",
    "PARAPHINA_LIVE_ALLOWED_CONNECTORS": "mock",
    "PARAPHINA_LIVE_PREFLIGHT_OK": "1",
    "PARAPHINA_LIVE_EXEC_ENABLE": "1",
    "PARAPHINA_LIVE_EXECUTION_CONFIRM": "YES",
    "PARAPHINA_LIVE_CANARY_PROFILE": "prod_canary",
    "PARAPHINA_LIVE_ACCOUNT_RECONCILE_MS": "5000",
}


class Done(NamedTuple):
    """How a command ended, with blanks and lines of a table taken together."""

    code: int
    out: str
    err: str


Paraphina = Callable[..., Done]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return the state folder, which does not exist yet."""
    return tmp_path / "home"


@pytest.fixture
def paraphina(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Paraphina:
    """Return the command line, run in an empty folder and a clean environment."""
    monkeypatch.chdir(tmp_path)
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "PYTHONPATH"):
        for spelled in (name, name.lower()):
            monkeypatch.delenv(spelled, raising=False)
    monkeypatch.setenv("PARAPHINA_HOME", str(home))
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: str, entry: Callable[[list[str]], int] = main, **env: str) -> Done:
        with pytest.MonkeyPatch.context() as patch:
            for name, value in env.items():
                patch.setenv(name, value)
            code = entry(list(arguments))
        out, err = capsys.readouterr()
        return Done(code, out, err)

    return run


def _verdicts(done: Done) -> dict[str, str]:
    content: dict[str, Any] = json.loads(done.out)
    return {verdict["id"]: verdict["status"] for verdict in content["startup_gates"]}


# --- gates -------------------------------------------------------------------------------------


def test_gates_of_the_default_session_pass_and_every_order_gate_is_listed(paraphina: Paraphina) -> None:
    """A newcomer sees that nothing stands in the way of shadow mode, and which limits are in force."""
    done = paraphina("gates")
    assert (done.code, done.err) == (0, "")
    assert "no gate refuses shadow mode" in done.out
    for rule in ORDER_GATES:
        assert rule.code in done.out
    assert "ms old" in done.out


def test_gates_of_live_mode_show_every_gate_with_its_remedy_and_exit_1(paraphina: Paraphina) -> None:
    """A script that asks gets an exit code, a person the table."""
    done = paraphina("gates", "--trade-mode", "live")
    assert done.code == 1
    for gate in VENUE_GATES:
        assert gate.id in done.out
    assert "> Add --enable-live-execution to the command." in done.out
    assert re.search(r"live mode is refused: \d+ of 23 gates do not pass; nothing is started", done.out)


def test_limits_in_force_are_those_of_the_profile(paraphina: Paraphina) -> None:
    """Without a profile, as in live mode with none named, the list says so."""
    done = paraphina("gates", "--trade-mode", "live", "--canary-profile", "prod_canary")
    assert re.search(r"NOTIONAL_ABOVE_MAXIMUM\s*\| at most 50 USD", done.out)
    assert "no profile is loaded" in paraphina("gates", "--trade-mode", "live").out


def test_eighty_columns_are_enough_for_every_word(paraphina: Paraphina) -> None:
    """The table folds its last column and cuts no name in two."""
    done = paraphina("gates", "--trade-mode", "live", COLUMNS="80")
    words = set(re.findall(r"[A-Z_]{12,}", done.out))
    assert {"PARAPHINA_LIVE_EXECUTION_CONFIRM", "DUPLICATE_CLIENT_ORDER_ID"} <= words


def test_gates_as_json_are_for_programs(paraphina: Paraphina) -> None:
    """One object: mode, verdicts with status, finding and remedy, order gates with their limits."""
    done = paraphina("gates", "--trade-mode", "live", "--json")
    assert done.code == 1
    content = json.loads(done.out)
    assert content["trade_mode"] == "live"
    assert content["refused"] is True
    assert content["risk_profile"] is None
    assert [verdict["id"] for verdict in content["startup_gates"]] == [gate.id for gate in VENUE_GATES]
    assert all(verdict["status"] in {"pass", "fail", "unknown"} for verdict in content["startup_gates"])
    assert [gate["code"] for gate in content["order_gates"]] == [rule.code for rule in ORDER_GATES]


@pytest.mark.parametrize("gate_id", [gate.id for gate in STARTUP_GATES])
def test_why_explains_each_startup_gate(paraphina: Paraphina, gate_id: str) -> None:
    """In words, with the modes it can refuse."""
    done = paraphina("gates", "--why", gate_id)
    assert done.code == 0
    (gate,) = [gate for gate in STARTUP_GATES if gate.id == gate_id]
    assert gate.explanation in done.out
    assert "It can refuse: " in done.out


@pytest.mark.parametrize("typed", ["BOOK_STALE", "book-stale", " Book_Stale "])
def test_why_explains_an_order_gate_however_it_is_spelled(paraphina: Paraphina, typed: str) -> None:
    """By the code that stands in the journal."""
    done = paraphina("gates", "--why", typed)
    assert done.code == 0
    assert "The book's last message is recent." in done.out
    assert "max_book_age_ms" in done.out


def test_why_names_the_nearest_gate_for_a_name_that_is_none(paraphina: Paraphina) -> None:
    """And exits 2, as wrong usage does."""
    done = paraphina("gates", "--why", "bok_stale")
    assert done.code == 2
    assert "did you mean BOOK_STALE?" in done.err


def test_gates_prints_one_thing_at_a_time(paraphina: Paraphina) -> None:
    """Two output formats at once are wrong usage."""
    for one, other in combinations((("--json",), ("--markdown",), ("--why", "environment")), 2):
        assert paraphina("gates", *one, *other).code == 2


def test_a_configuration_error_is_no_verdict(paraphina: Paraphina) -> None:
    """F-094: a misspelt variable is named before any gate is asked."""
    done = paraphina("gates", PARAPHINA_LIVE_PREFLIGHT_KO="1")
    assert done.code == 2
    assert "did you mean PARAPHINA_LIVE_PREFLIGHT_OK?" in done.err


# --- starting ----------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["live", "testnet"])
@pytest.mark.parametrize("entry", [lambda arguments: main(["run", *arguments]), live_main])
def test_a_start_with_nothing_else_set_exits_2_and_names_every_gate(
    paraphina: Paraphina, tmp_path: Path, mode: str, entry: Callable[[list[str]], int]
) -> None:
    """It lists what is missing with what to do, and no other mode is run in its place."""
    done = paraphina("--trade-mode", mode, entry=entry)
    assert done.code == 2
    for gate in VENUE_GATES:
        assert gate.id in done.out
    for remedy in (
        *("Set PARAPHINA_LIVE_PREFLIGHT_OK=1.", "Set PARAPHINA_LIVE_EXEC_ENABLE=1."),
        *("Set PARAPHINA_LIVE_EXECUTION_CONFIRM=YES.", "Give --canary-profile prod_canary"),
        *("Add --enable-live-execution", "Run `paraphina preflight`"),
    ):
        assert remedy in done.out
    assert not (tmp_path / "runs").exists()


def test_f097_no_environment_arms_a_live_session(paraphina: Paraphina, home: Path) -> None:
    """Whatever subset of the variables is left in a shell: without receipt and switch nothing starts."""
    subsets = [{}, ARMING, *({name: ARMING[name]} for name in ARMING)]
    subsets += [{name: ARMING[name] for name in ARMING if name != left_out} for left_out in ARMING]
    for env in subsets:
        if env.get("PARAPHINA_TRADE_MODE") != "live":
            env = env | {"PARAPHINA_TRADE_MODE": "live"}  # noqa: PLW2901  # each of them is tried in live mode
        done = paraphina("gates", "--json", **env)
        assert done.code == 1
        verdicts = _verdicts(done)
        assert verdicts["preflight_receipt"] == "fail"
        assert verdicts["enable_live_execution"] == "fail"
    assert not home.exists()


def test_f097_even_with_the_switch_everything_set_does_not_start(paraphina: Paraphina) -> None:
    """The receipt is missing, and what is not proven is not proven."""
    done = paraphina("run", "--enable-live-execution", **ARMING)
    assert done.code == 2
    assert "there is no receipt" in done.out
    assert "live mode needs proof of CanaryLive" in " ".join(done.out.split())


# --- preflight ---------------------------------------------------------------------------------


def test_preflight_of_a_paper_session_writes_its_receipt(paraphina: Paraphina, home: Path) -> None:
    """Exit 0, and it says where and until when."""
    done = paraphina("preflight", "--trade-mode", "paper")
    assert done.code == 0
    assert "receipt for paper mode, good until 20" in done.out
    assert str(home / "preflight_receipt.json") in done.out
    assert (home / "preflight_receipt.json").stat().st_mode & 0o777 == 0o600


def test_the_older_spelling_of_preflight_does_the_same(paraphina: Paraphina, home: Path) -> None:
    """`paraphina_live --preflight`."""
    done = paraphina("--preflight", "--trade-mode", "shadow", entry=live_main)
    assert done.code == 0
    assert (home / "preflight_receipt.json").exists()


def test_f100_a_paper_receipt_does_not_open_the_live_gate(paraphina: Paraphina) -> None:
    """It says for which mode it was written."""
    assert paraphina("preflight", "--trade-mode", "paper").code == 0
    done = paraphina("gates", "--json", **ARMING)
    (verdict,) = [one for one in json.loads(done.out)["startup_gates"] if one["id"] == "preflight_receipt"]
    assert "trade mode changed: paper then, live now" in verdict["found"]


def test_a_failed_preflight_exits_1_and_leaves_no_receipt(paraphina: Paraphina, home: Path) -> None:
    """Also the one of a moment ago is gone."""
    assert paraphina("preflight").code == 0
    (home / "kill_latch.json").write_text('{"reason": "operator"}', encoding="utf-8")
    done = paraphina("preflight")
    assert done.code == 1
    assert "it has fired: operator" in done.out
    assert "no receipt was written" in done.out
    assert not (home / "preflight_receipt.json").exists()


def test_a_fired_kill_switch_stops_paper_sessions_too(paraphina: Paraphina, home: Path) -> None:
    """Whatever mode comes next, somebody looks first."""
    home.mkdir(mode=0o700)
    (home / "kill_latch.json").write_text("{}", encoding="utf-8")
    assert paraphina("run", "--trade-mode", "paper", "--max-ticks", "1").code == 5


# --- documentation -----------------------------------------------------------------------------


def test_the_documentation_lists_the_gates_as_they_are(paraphina: Paraphina) -> None:
    """What stands between the markers of docs/gates.md is what `paraphina gates --markdown` prints."""
    text = (ROOT / "docs" / "gates.md").read_text(encoding="utf-8")
    found = re.search(r"<!-- gates: begin[^>]*-->\n\n(.*)\n<!-- gates: end -->", text, re.DOTALL)
    assert found is not None
    assert found[1] == reference()
    assert paraphina("gates", "--markdown").out == reference()

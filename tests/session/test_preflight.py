"""Preflight writes a receipt if and only if every check passes, and the receipt is good for nothing else."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from configuring import Configure
from paraphina_core.config import Config
from paraphina_core.connector import (
    CheckResult,
    CheckStatus,
    Plugins,
    PreflightCheck,
    PreflightFacts,
    TradeMode,
)
from paraphina_core.domain import NS_PER_S
from paraphina_core.gates import evaluate, read_receipt, refusals
from paraphina_core.readiness import load_identity
from paraphina_core.session import PreflightReport, gather, preflight
from reef import RECORD, plugins_with_reef

NOW_NS = 1_800_000_000 * NS_PER_S
HOUR_NS = 3_600 * NS_PER_S
GOOD = CheckResult(status=CheckStatus.PASS, found="all is well")


class World:
    """One installation: a home folder, a run folder, and a reef to sail to on paper."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self.folder = folder
        self.out_dir = folder / "run"

    def config(self, plugins: Plugins, **given: Any) -> Config:
        options = {"--trade-mode": "paper", "--connector": "reef", "--out-dir": str(self.out_dir)}
        given["cli"] = options | given.get("cli", {})
        return Configure(plugins, self.folder)(**given)

    def preflight(
        self, plugins: Plugins | None = None, *, max_check_s: float = 60.0, now_ns: int = NOW_NS, **given: Any
    ) -> PreflightReport:
        plugins = plugins or plugins_with_reef()
        config = self.config(plugins, **given)
        return preflight(config, plugins, self.home, env={}, now_ns=now_ns, max_check_s=max_check_s)

    def receipt_verdict(self, plugins: Plugins | None = None, *, now_ns: int = NOW_NS, **given: Any) -> str:
        """Return what a live start would say of the receipt now there."""
        plugins = plugins or plugins_with_reef()
        facts = gather(self.config(plugins, **given), plugins, self.home, env={}, now_ns=now_ns)
        sending = msgspec.structs.replace(facts, mode=TradeMode.LIVE)
        (verdict,) = [one for one in evaluate(sending) if one.id == "preflight_receipt"]
        return "" if verdict.status is CheckStatus.PASS else verdict.found


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Return a fresh installation."""
    return World(tmp_path)


def _check(run: Any, id_: str = "tides") -> PreflightCheck:
    return PreflightCheck(id=id_, summary="Tides", run=run)


def _with_check(run: Any) -> Plugins:
    return plugins_with_reef(checks=(_check(run),))


# --- writing -----------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["shadow", "paper"])
def test_preflight_of_an_offline_mode_passes_and_writes_a_receipt_for_it(world: World, mode: str) -> None:
    """What applies to the mode is checked, and the receipt says which mode that was."""
    report = world.preflight(cli={"--trade-mode": mode})
    assert refusals(report.verdicts) == ()
    assert report.path == world.home / "preflight_receipt.json"
    assert report.receipt is not None
    assert report.receipt.bound.trade_mode == mode
    assert report.receipt.expires_at_ns == NOW_NS + 12 * HOUR_NS
    assert read_receipt(world.home, load_identity(world.home)) == report.receipt


def test_a_receipt_is_good_for_the_run_it_was_written_for_until_it_expires(world: World) -> None:
    """The same configuration, plugins and core pass the gate; twelve hours later they do not."""
    world.preflight()
    assert world.receipt_verdict() == ""
    assert "expired" in world.receipt_verdict(now_ns=NOW_NS + 12 * HOUR_NS)
    assert "from the future" in world.receipt_verdict(now_ns=NOW_NS - 1)


def test_the_configuration_says_how_long_a_receipt_is_good_for(world: World) -> None:
    """Half an hour, if that is what the operator wants."""
    report = world.preflight(file="[live]\npreflight_valid_hours = 0.5\n")
    assert report.receipt is not None
    assert report.receipt.expires_at_ns == NOW_NS + HOUR_NS // 2


def test_the_folder_and_the_length_of_a_run_are_not_part_of_what_was_checked(world: World) -> None:
    """A receipt serves a run into another folder, or for longer."""
    world.preflight()
    given = {"cli": {"--out-dir": str(world.folder / "other"), "--duration": "1h"}}
    assert world.receipt_verdict(**given) == ""


def test_the_signing_key_is_made_once(world: World) -> None:
    """A second preflight signs with the first one's key."""
    first, second = world.preflight(), world.preflight(now_ns=NOW_NS + 1)
    assert first.receipt is not None
    assert second.receipt is not None
    assert first.receipt.installation == second.receipt.installation


# --- refusing ----------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["testnet", "live"])
def test_preflight_of_a_sending_mode_fails_today_and_writes_nothing(world: World, mode: str) -> None:
    """Nothing is proven of any connector yet, and preflight says so instead of writing a receipt."""
    report = world.preflight(cli={"--trade-mode": mode, "--canary-profile": "prod_canary"})
    assert report.receipt is None
    assert report.path is None
    assert "readiness_stage" in {refused.id for refused in refusals(report.verdicts)}
    assert not (world.home / "preflight_receipt.json").exists()


def test_preflight_does_not_ask_for_what_comes_after_it(world: World) -> None:
    """It cannot need its own receipt, nor the switches of the start."""
    report = world.preflight(cli={"--trade-mode": "live"})
    assert not {"preflight_receipt", "preflight_ok", "execution_confirm"} & {v.id for v in report.verdicts}


def test_a_failed_preflight_takes_the_last_receipt_away(world: World) -> None:
    """Whoever has just been told that something is wrong cannot start on yesterday's word."""
    assert world.preflight().path is not None
    (world.home / "kill_latch.json").write_text('{"reason": "daily loss"}', encoding="utf-8")
    assert world.preflight().receipt is None
    assert not (world.home / "preflight_receipt.json").exists()
    assert world.receipt_verdict() == "there is no receipt"


def test_a_state_folder_that_cannot_be_believed_is_a_verdict_and_no_crash(world: World) -> None:
    """F-082: others could replace what lies in it, so nothing is written there."""
    world.home.mkdir(mode=0o777)
    world.home.chmod(0o777)
    report = world.preflight()
    assert report.receipt is None
    (refused,) = refusals(report.verdicts)
    assert refused.id == "receipt_written"
    assert "others may replace" in refused.found


def test_a_home_that_is_a_file_is_a_verdict_and_no_crash(world: World) -> None:
    """Neither key nor receipt can be written, and both gates say so."""
    world.home.write_text("", encoding="utf-8")
    report = world.preflight()
    assert report.receipt is None
    assert {"output_writable", "receipt_written"} <= {refused.id for refused in refusals(report.verdicts)}


# --- what voids a receipt ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({"cli": {"--trade-mode": "shadow"}}, "trade mode changed: paper then, shadow now"),
        ({"cli": {"--connector": "mock"}}, "connectors changed: reef then, mock now"),
        ({"cli": {"--risk-profile": "prod_canary"}}, "risk profile changed: paper then, prod_canary now"),
        ({"cli": {"--seed": "2"}}, "configuration changed"),
        ({"env": {"REEF_MARKET": "ETH"}}, "configuration changed"),
        ({"env": {"REEF_KEY": "another"}}, "account of reef changed: private_key"),
    ],
)
def test_f101_what_changed_since_preflight_is_named(world: World, given: dict[str, Any], found: str) -> None:
    """One change is enough, and the operator reads which."""
    world.preflight()
    assert found in world.receipt_verdict(**given)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"version": "1.1"}, "plugin reef changed: version 1.0 then, 1.1 now"),
        ({"source_hash": "2" * 64}, "plugin reef changed: other source code"),
        ({"name": "atoll"}, "plugin atoll was added; plugin reef was removed"),
    ],
)
def test_f103_other_code_voids_the_receipt(world: World, change: dict[str, str], found: str) -> None:
    """A plugin that was upgraded, edited or swapped must pass preflight anew."""
    world.preflight()
    upgraded = plugins_with_reef(msgspec.structs.replace(RECORD, **change))
    assert found in world.receipt_verdict(upgraded)


def test_a_receipt_of_another_installation_is_refused_by_name(world: World, tmp_path: Path) -> None:
    """Copied over from the test machine."""
    world.preflight()
    elsewhere = World(tmp_path / "elsewhere")
    elsewhere.folder.mkdir()
    elsewhere.preflight()
    name = "preflight_receipt.json"
    (world.home / name).write_bytes((elsewhere.home / name).read_bytes())
    assert "another installation" in world.receipt_verdict()


def test_an_edited_receipt_is_refused_by_name(world: World) -> None:
    """One digit more, and the signature is broken."""
    path = world.preflight().path
    assert path is not None
    path.write_bytes(path.read_bytes().replace(b'"expires_at_ns":18', b'"expires_at_ns":19'))
    assert "broken signature" in world.receipt_verdict()


def test_a_receipt_whose_key_was_removed_is_void(world: World) -> None:
    """Without the key nobody can say who signed it."""
    world.preflight()
    (world.home / "identity.key").unlink()
    assert "lost the key" in world.receipt_verdict()


# --- plugins' own checks -----------------------------------------------------------------------


def test_a_plugins_check_stands_beside_the_cores_and_sees_no_secret(world: World) -> None:
    """It knows mode, connectors and settings; the key is not among them."""
    seen: list[PreflightFacts] = []

    def run(facts: PreflightFacts) -> CheckResult:
        seen.append(facts)
        return GOOD

    report = world.preflight(_with_check(run), env={"REEF_KEY": "canary-secret", "REEF_ACCOUNT": "0xabc"})
    assert report.verdicts[-1].id == "plugin:tides"
    assert report.receipt is not None
    (facts,) = seen
    assert (facts.mode, facts.connectors) == (TradeMode.PAPER, ("reef",))
    assert facts.settings == {"reef": {"market": "BTC", "account": "0xabc"}}


@pytest.mark.parametrize("status", [CheckStatus.FAIL, CheckStatus.UNKNOWN])
def test_a_plugins_check_that_does_not_pass_costs_the_receipt(world: World, status: CheckStatus) -> None:
    """With what it found and what to do."""
    report = world.preflight(_with_check(lambda _: CheckResult(status=status, found="ebb", remedy="wait")))
    (refused,) = refusals(report.verdicts)
    assert (refused.id, refused.status, refused.found, refused.remedy) == (
        "plugin:tides",
        status,
        "ebb",
        "wait",
    )
    assert report.receipt is None


@pytest.mark.parametrize("error", [ValueError("bug"), SystemExit(0), KeyboardInterrupt()])
def test_f085_a_plugins_check_that_raises_is_unknown(world: World, error: BaseException) -> None:
    """Not even an exit with code 0 passes for a pass."""

    def run(_: PreflightFacts) -> CheckResult:
        raise error

    (refused,) = refusals(world.preflight(_with_check(run)).verdicts)
    assert refused.status is CheckStatus.UNKNOWN
    assert type(error).__name__ in refused.found


@pytest.mark.parametrize("answer", [None, True, "pass", CheckResult(status="pass", found="")])  # type: ignore[arg-type]  # a plugin may
def test_f088_a_plugins_check_that_answers_something_else_is_unknown(world: World, answer: Any) -> None:
    """Only a verdict is a verdict."""
    (refused,) = refusals(world.preflight(_with_check(lambda _: answer)).verdicts)
    assert refused.status is CheckStatus.UNKNOWN


def test_f086_a_plugins_check_that_never_answers_does_not_hold_preflight_up(world: World) -> None:
    """It has a deadline, and silence is unknown."""

    def run(_: PreflightFacts) -> CheckResult:
        time.sleep(1.0)
        return GOOD

    (refused,) = refusals(world.preflight(_with_check(run), max_check_s=0.02).verdicts)
    assert "did not answer within 0.02 s" in refused.found

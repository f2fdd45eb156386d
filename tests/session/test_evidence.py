"""What a session reached is told by its addresses, and a network only by the venue's own."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path
from threading import Thread
from typing import Any

import msgspec
import pytest

from configuring import Configure
from evidence_world import statement
from paraphina_core import strategy
from paraphina_core.config import Config, load_profile
from paraphina_core.connector import TradeMode, load_plugins, mock
from paraphina_core.domain import LocalError
from paraphina_core.readiness import Kind, Reached, Statement
from paraphina_core.session import AccountSnapshot, Run, Summary, keep, read_evidence, session_statements
from paraphina_core.session.evidence import reached

PLUGINS = load_plugins([mock, strategy])
MODE = {"--trade-mode": "shadow"}


@pytest.mark.parametrize(
    ("connector", "given", "expected"),
    [
        ("mock", {}, Reached.NOTHING),
        ("hyperliquid_fixture", {}, Reached.RECORDING),
        ("hyperliquid", {}, Reached.MAINNET),
        ("hyperliquid", {"cli": {"--trade-mode": "testnet"}}, Reached.TESTNET),
        ("hyperliquid", {"cli": {"--twin": "true"}}, Reached.TWIN),
        ("hyperliquid", {"env": {"HL_WS_URL": "ws://127.0.0.1:9/ws"}}, Reached.TWIN),
        ("hyperliquid", {"env": {"HL_WS_URL": "wss://proxy.example/ws"}}, Reached.NOTHING),
    ],
)
def test_a_network_is_reached_only_at_the_addresses_of_the_venue(
    tmp_path: Path, connector: str, given: dict[str, Any], expected: Reached
) -> None:
    """An override makes it a twin if it leads to this machine, and nothing that counts otherwise."""
    options = MODE | {"--connectors": connector} | given.get("cli", {})
    config = Configure(PLUGINS, tmp_path)(cli=options, env=given.get("env", {}))
    assert reached(connector, config, PLUGINS) is expected


def test_two_that_record_at_once_follow_each_other(tmp_path: Path) -> None:
    """Neither overwrites the other, and whoever reads meanwhile finds the chain whole."""
    writers = [Thread(target=keep, args=(tmp_path / "home", [statement(Kind.PAPER)] * 3)) for _ in range(4)]
    keep(tmp_path / "home", [statement(Kind.SHADOW)])
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        assert 1 <= len(read_evidence(tmp_path / "home")) <= 13
    for writer in writers:
        writer.join()
    assert [record.number for record in read_evidence(tmp_path / "home")] == list(range(1, 14))


def test_the_key_is_made_at_first_use_for_its_owner_alone(tmp_path: Path) -> None:
    """Mode 0600, and the same key signs from then on."""
    (first,) = keep(tmp_path / "home", [statement(Kind.PAPER)])
    assert (tmp_path / "home" / "identity.key").stat().st_mode & 0o777 == 0o600
    (second,) = keep(tmp_path / "home", [statement(Kind.PAPER)])
    assert first.installation == second.installation


def test_evidence_without_its_key_is_not_continued_with_another(tmp_path: Path) -> None:
    """A new key would make the old records somebody else's; that is refused, and nothing is added."""
    keep(tmp_path / "home", [statement(Kind.PAPER)])
    (tmp_path / "home" / "identity.key").unlink()
    with pytest.raises(LocalError):
        keep(tmp_path / "home", [statement(Kind.PAPER)])
    assert len(list((tmp_path / "home" / "evidence").glob("0*.json"))) == 1


def _drill(folder: Path) -> tuple[Summary, Config, Path]:
    """Run a session of which an operator fires the kill switch, and which leaves nothing."""
    options = {"--trade-mode": "paper", "--connectors": "mock", "--out-dir": str(folder / "out")}
    config = Configure(PLUGINS, folder)(cli=options)
    run = Run(config, PLUGINS, folder / "home", killed="a drill")
    return asyncio.run(run.execute()), config, run.folder


def _said(summary: Summary, config: Config, folder: Path) -> Statement:
    (said,) = session_statements(summary, folder, config, PLUGINS)
    return said


def test_each_session_leaves_a_record_of_its_own_kind(tmp_path: Path) -> None:
    """A live one is a canary as long as its profile says so; what it was called with stands in it."""
    summary, config, folder = _drill(tmp_path)
    assert _said(summary, config, folder).kind is Kind.PAPER
    live = msgspec.structs.replace(config.session, trade_mode=TradeMode.LIVE)
    for is_canary, kind in ((True, Kind.CANARY), (False, Kind.LIVE)):
        profile = msgspec.structs.replace(load_profile("prod_canary"), canary=is_canary)
        said = _said(summary, msgspec.structs.replace(config, session=live, profile=profile), folder)
        assert said.kind is kind
        assert said.command == "paraphina run --trade-mode live --connectors mock"


def test_a_drill_passes_and_a_kill_by_a_breach_does_not(tmp_path: Path) -> None:
    """The exit code is the same; only the first is counted as a drill."""
    summary, config, folder = _drill(tmp_path)
    drill = _said(summary, config, folder)
    assert (drill.exit_code, drill.passed, drill.counts["kill_drills"]) == (5, True, 1)
    for change in ({"was_breached": True}, {"latch_fault": "the disk is full"}, {"unconfirmed": ("mock",)}):
        failed = _said(msgspec.structs.replace(summary, **change), config, folder)
        assert (failed.passed, failed.counts["kill_drills"]) == (False, 0)


def test_a_drift_that_nobody_explains_fails_the_session(tmp_path: Path) -> None:
    """One that stays at the end, and one that lasted in between."""
    summary, config, folder = _drill(tmp_path)
    (venue,) = summary.session.venues
    for drift, lasted in (({"mock:BTC": Decimal(1)}, 0), ({}, 1)):
        account = AccountSnapshot(
            asset="USD",
            equity=None,
            available=None,
            positions={},
            open_orders=0,
            drift=drift,
            unexplained_drifts=lasted,
        )
        venues = (msgspec.structs.replace(venue, account=account),)
        session = msgspec.structs.replace(summary.session, venues=venues)
        said = _said(msgspec.structs.replace(summary, session=session), config, folder)
        assert (said.passed, said.outcomes["no unexplained drift"]) == (False, "failed")

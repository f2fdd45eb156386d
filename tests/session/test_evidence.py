"""What a session reached is told by its addresses, and a network only by the venue's own."""

from __future__ import annotations

from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from configuring import Configure
from evidence_world import statement
from paraphina_core import strategy
from paraphina_core.connector import load_plugins, mock
from paraphina_core.domain import LocalError
from paraphina_core.readiness import Kind, Reached
from paraphina_core.session import keep, read_evidence
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

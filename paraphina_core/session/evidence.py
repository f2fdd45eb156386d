"""Turns what ran into records of evidence, with the code, the machine and the tools that it ran on."""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import platform
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Final

import paraphina_core
from paraphina_core import __version__
from paraphina_core.config import Config
from paraphina_core.connector import DataSource, Plugins, TradeMode, core_hash
from paraphina_core.domain import NS_PER_MS, LocalError
from paraphina_core.gates import host_of, hosts_of, is_this_machine
from paraphina_core.journal import FileLock
from paraphina_core.readiness import (
    FOLDER,
    SEED_BYTES,
    Code,
    EvidenceFolder,
    Kind,
    Proof,
    Reached,
    Record,
    Statement,
    create_identity,
    load_identity,
    proven_stage,
    why_void,
)

from .endpoints import resolved_endpoints
from .outputs import BUILD_FILE, CONFIG_FILE, SUMMARY_FILE
from .run import Summary
from .snapshot import VenueSnapshot

#: Raised whenever a session records or judges more than before.
SESSION_SUITE: Final = "session 2"

_LOCK_NAME: Final = "evidence.lock"
_WAIT_S: Final = 10.0
_GIT_WAIT_S: Final = 5.0
_LIBRARIES: Final = ("msgspec", "pynacl", "websockets", "h11", "httpx")
_KINDS: Final = {
    TradeMode.SHADOW: Kind.SHADOW,
    TradeMode.PAPER: Kind.PAPER,
    TradeMode.TESTNET: Kind.TESTNET,
    TradeMode.LIVE: Kind.LIVE,
}


def keep(home: Path, statements: Sequence[Statement]) -> tuple[Record, ...]:
    """Sign statements with the installation's key, made now if there is none, and add them to its evidence.

    Raises:
        LocalError: the evidence cannot be believed or written, or another process holds it for too long.
    """
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _alone(home):
        identity = load_identity(home) or create_identity(home, os.urandom(SEED_BYTES))
        return EvidenceFolder(home, identity).append(statements)


def read_evidence(home: Path) -> tuple[Record, ...]:
    """Return this installation's records, all of them checked.

    Raises:
        LocalError: they cannot be believed; says why.
    """
    if not (home / FOLDER).exists():  # nothing is written only to look
        return ()
    with _alone(home):  # between a record and its head the chain is another one
        return EvidenceFolder(home, load_identity(home)).read()


def proofs(plugins: Plugins, home: Path, now_ns: int) -> Mapping[str, Proof]:
    """Return what this installation's evidence proves of each connector that is loaded.

    Args:
        plugins: what is installed.
        home: state folder of the installation.
        now_ns: wall clock, nanoseconds since 1970.
    """
    try:
        records = read_evidence(home)
    except LocalError as e:
        anew = f"its evidence anew: move {home / FOLDER} away and collect"
        return dict.fromkeys(plugins.connectors, Proof(stage=None, reason=str(e), missing=anew))
    return {
        name: proven_stage(spec, records, code_of(name, plugins), now_ns)
        for name, spec in plugins.connectors.items()
    }


def void_reason(record: Record, plugins: Plugins, now_ns: int) -> str:
    """Say why a record does not count for what is installed now; empty if it does.

    Args:
        record: one of a chain that was checked.
        plugins: what is installed.
        now_ns: wall clock, nanoseconds since 1970.
    """
    name = record.statement.connector
    if name not in plugins.connectors:
        return "its connector is not installed"
    return why_void(record, code_of(name, plugins), now_ns)


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    lock = FileLock(home / _LOCK_NAME, "the evidence", _WAIT_S)
    try:
        yield
    finally:
        lock.release()


def code_of(connector: str, plugins: Plugins) -> Code:
    """Return the code that runs when a connector does."""
    origin = plugins.origin_of(connector)
    return Code(
        core_version=__version__,
        core_hash=core_hash(),
        plugin=origin.distribution,
        plugin_version=origin.version,
        plugin_hash=origin.source_hash,
    )


def host_facts() -> Mapping[str, str]:
    """Say what this machine is."""
    return {
        "machine": platform.machine(),
        "platform": platform.platform(),
        "processors": str(os.cpu_count() or 0),
    }


def tool_versions() -> Mapping[str, str]:
    """Say which Python and libraries this process uses."""
    libraries = {name: importlib.metadata.version(name) for name in _LIBRARIES}
    return {platform.python_implementation(): platform.python_version(), **libraries}


def commit() -> str:
    """Return the commit of the checkout that the core runs from, empty where it is none."""
    checkout = Path(paraphina_core.__file__).parent.parent
    if not (checkout / ".git").exists():
        return ""
    command = ("git", "-C", str(checkout), "rev-parse", "HEAD")
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_GIT_WAIT_S)  # noqa: S603  # nobody's words but ours
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def session_statements(
    summary: Summary, folder: Path, config: Config, plugins: Plugins
) -> tuple[Statement, ...]:
    """Return what a session shows, one statement for each connector.

    Args:
        summary: how it ended.
        folder: what it left behind.
        config: of the run.
        plugins: with which it ran.
    """
    mode = config.session.trade_mode
    profile = config.profile
    kind = Kind.CANARY if mode is TradeMode.LIVE and profile is not None and profile.canary else _KINDS[mode]
    command = f"paraphina run --trade-mode {mode} --connectors {','.join(config.selected)}"
    command += " --twin" if config.session.twin else ""
    files = (SUMMARY_FILE, CONFIG_FILE, BUILD_FILE)
    artifacts = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in files} | {
        "journal": summary.journal_head.hash
    }
    shown = [(venue, _counts(venue, summary)) for venue in summary.session.venues]
    return tuple(
        Statement(
            kind=kind,
            suite=SESSION_SUITE,
            command=command,
            exit_code=summary.exit_code,
            connector=venue.connector,
            code=code_of(venue.connector, plugins),
            commit=commit(),
            config_hash=config.digest(),
            reached=reached(venue.connector, config, plugins),
            started_ns=_ns(summary.started),
            ended_ns=_ns(summary.ended),
            passed=set(_outcomes(summary, counts).values()) == {"passed"},
            whole=True,
            counts=counts,
            outcomes=_outcomes(summary, counts),
            artifacts=artifacts,
            host=host_facts(),
            tools=tool_versions(),
        )
        for venue, counts in shown
    )


def waiver(connector: str, reason: str, plugins: Plugins, at_ns: int) -> Statement:
    """Return the operator's word that a connector goes without a testnet run, for this code and a while.

    Args:
        connector: its name.
        reason: why its test network cannot be reached.
        plugins: what is installed.
        at_ns: wall clock, nanoseconds since 1970.
    """
    return Statement(
        kind=Kind.WAIVER,
        suite="waiver of the test network 1",
        command=f"paraphina evidence waive {connector}",
        exit_code=0,
        connector=connector,
        code=code_of(connector, plugins),
        commit=commit(),
        config_hash="",
        reached=Reached.NOTHING,
        started_ns=at_ns,
        ended_ns=at_ns,
        passed=True,
        whole=True,
        counts={},
        outcomes={},
        artifacts={},
        host=host_facts(),
        tools=tool_versions(),
        note=reason,
    )


def reached(connector: str, config: Config, plugins: Plugins) -> Reached:
    """Return what a connector talks to in a run; a network only if every address is the venue's own there."""
    spec = plugins.connectors[connector]
    if spec.data_source is DataSource.SYNTHETIC:
        return Reached.NOTHING
    if spec.data_source is DataSource.RECORDED or config.session.recording is not None:
        return Reached.RECORDING
    network = config.session.trade_mode.network
    hosts = {host_of(endpoint.url) for endpoint in resolved_endpoints(spec, config)}
    if config.is_on_twins or any(map(is_this_machine, hosts)):
        return Reached.TWIN
    return Reached(network.value) if hosts and hosts <= hosts_of(spec, network) else Reached.NOTHING


def _outcomes(summary: Summary, counts: Mapping[str, int]) -> dict[str, str]:
    checks = {
        "no order is left": not (summary.orders_left or summary.unconfirmed),
        "no unexplained drift": not counts["drift"],
        "ended in good order": summary.exit_code == 0 or summary.was_drill,
    }
    return {check: "passed" if good else "failed" for check, good in checks.items()}


def _counts(venue: VenueSnapshot, summary: Summary) -> Mapping[str, int]:
    account = venue.account
    return {
        "markets": len(venue.markets),
        "books": sum(None not in {market.best_bid, market.best_ask} for market in venue.markets),
        "fills": sum(market.fills for market in venue.markets),
        "drift": 0 if account is None else account.unexplained_drifts + len(account.drift),
        "kill_drills": int(summary.was_drill),
    }


def _ns(moment: str) -> int:
    return int(datetime.fromisoformat(moment).timestamp() * 1_000) * NS_PER_MS

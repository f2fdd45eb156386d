"""Runs what the evidence lacks and this machine can show: each command as a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

import paraphina_core

from .evidence import kept

if TYPE_CHECKING:
    from paraphina_core.connector import ConnectorSpec, FeatureFlag, Plugins
    from paraphina_core.readiness import Proof, Report, Statement

_SHADOW_S: Final = 10
_OURS: Final = "PARAPHINA_"


def collect(plugins: Plugins, home: Path, hours: float) -> bool:
    """Run what is missing, tell of each how it ended, and let its record be written; False if one failed.

    A command that fails is told and the rest go on: its record says so too.

    Args:
        plugins: what is installed.
        home: state folder of the installation.
        hours: of each simulation, virtual.
    """
    from paraphina_core.session import proofs

    shown = proofs(plugins, home, time.time_ns())
    wanted = [a for name, spec in plugins.connectors.items() for a in missing(spec, shown[name], hours)]
    codes = [_run(arguments, home) for arguments in wanted]
    together = _run_together(plugins, home, hours)
    return _install(plugins, home) and together and not any(codes)


def missing(spec: ConnectorSpec, proof: Proof, hours: float) -> Iterator[Sequence[str]]:
    """Yield the commands that can show the rungs which are not proven, without a network.

    Args:
        spec: the connector.
        proof: what is proven of it.
        hours: of a simulation, virtual.
    """
    from paraphina_core.connector import Capability, DataSource
    from paraphina_core.readiness import Stage

    if spec.factory is None:
        return
    if not proof.reaches(Stage.FIXTURE_MARKET_ACCOUNT):
        yield "conformance", spec.name
    if spec.data_source is not DataSource.VENUE or not spec.twin:
        return
    if not proof.reaches(Stage.SHADOW_LIVE_MARKET):
        yield (
            "run",
            "--trade-mode",
            "shadow",
            "--connectors",
            spec.name,
            "--twin",
            "--duration",
            f"{_SHADOW_S}s",
        )
    if Capability.EXECUTION in spec.capabilities and not proof.reaches(Stage.PAPER_EXEC):
        yield "simulate", spec.name, "--hours", f"{hours:g}"


def _run_together(plugins: Plugins, home: Path, hours: float) -> bool:
    """Simulate one session on all venues of the catalogue twice, where each can and it was not yet."""
    from paraphina_core.readiness import NOT_SHOWN, Stage
    from paraphina_core.session import proofs

    names = [flag.connector for flag in plugins.flags if not flag.is_bundle]
    shown = proofs(plugins, home, time.time_ns())
    if names and all(name in shown and shown[name].reaches(Stage.PAPER_EXEC) for name in names):
        while _answer(plugins, home, "PaperExec") == NOT_SHOWN:
            if _run(["simulate", *names, "--hours", f"{hours:g}"], home):
                return False
    return True


def _install(plugins: Plugins, home: Path) -> bool:
    from paraphina_core.readiness import YES

    checkout = Path(paraphina_core.__file__).parent.parent
    if not plugins.flags or _answer(plugins, home, "install") == YES:
        return True
    if not (checkout / "pyproject.toml").exists():
        click.echo("feature flags are not tried: the core does not run from a checkout", err=True)
        return True
    return record_installs(plugins, checkout)


def _answer(plugins: Plugins, home: Path, word: str) -> str:
    from paraphina_core.session import readiness_report

    report: Report = readiness_report(plugins, home, time.time_ns())
    return next(line.answer for line in report.gates if word in line.gate)


def record_installs(plugins: Plugins, checkout: Path) -> bool:
    """Install each feature flag alone, and all together, in fresh environments; record how it went.

    Code that changes meanwhile was not what was installed, so its record says failed.
    """
    from paraphina_core.session import code_of

    before = {name: code_of(name, plugins) for name in plugins.connectors}
    together = [flag for flag in plugins.flags if flag.is_bundle]
    started_ns = time.time_ns()
    outcomes = {flag.name: _installed(flag, checkout) for flag in plugins.flags}
    statements = []
    for flag in plugins.flags:
        if not flag.is_bundle and flag.connector in plugins.connectors:
            mine = {one.name: outcomes[one.name] for one in (flag, *together)}
            if code_of(flag.connector, plugins) != before[flag.connector]:
                mine["unchanged"] = "failed"
            statements.append(_statement(flag, mine, plugins, started_ns))
    kept(statements)
    return all(statement.passed for statement in statements)


def _statement(
    flag: FeatureFlag, outcomes: Mapping[str, str], plugins: Plugins, started_ns: int
) -> Statement:
    import hashlib

    from paraphina_core.readiness import Kind, Reached, Statement
    from paraphina_core.session import code_of, commit, host_facts, tool_versions

    passed = set(outcomes.values()) == {"passed"}
    return Statement(
        kind=Kind.INSTALL,
        suite="install 1",
        command=f"{flag.command} && paraphina plugins --require {flag.name}",
        exit_code=0 if passed else 1,
        connector=flag.connector,
        code=code_of(flag.connector, plugins),
        commit=commit(),
        config_hash=hashlib.sha256(" ".join(outcomes).encode()).hexdigest(),
        reached=Reached.NOTHING,
        started_ns=started_ns,
        ended_ns=time.time_ns(),
        passed=passed,
        whole=True,
        counts={"environments": len(outcomes)},
        outcomes=outcomes,
        artifacts={},
        host=host_facts(),
        tools=tool_versions(),
    )


def _installed(flag: FeatureFlag, checkout: Path) -> str:
    """Install a flag from the checkout as a user would, and ask what was installed; say how it ended."""
    with tempfile.TemporaryDirectory() as folder:
        python = Path(folder) / "environment" / "bin" / "python"
        steps: tuple[Sequence[str], ...] = (
            (sys.executable, "-m", "venv", str(python.parent.parent)),
            (str(python), "-m", "pip", "install", "--quiet", f"{checkout}[{flag.name}]"),
            (str(python), "-I", "-m", "paraphina_core", "plugins", "--require", flag.name),
        )
        for step in steps:
            if _called(step, os.environ, folder):
                return "failed"
    return "passed"


def _run(arguments: Sequence[str], home: Path) -> int:
    env = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    with tempfile.TemporaryDirectory() as folder:
        command = (sys.executable, "-m", "paraphina_core", *arguments)
        return _called(command, env | {f"{_OURS}HOME": str(home)}, folder, f"paraphina {' '.join(arguments)}")


def _called(command: Sequence[str], env: Mapping[str, str], folder: str, shown: str = "") -> int:
    """Run a command, its output kept back unless it fails, and tell how it ended and how long it took."""
    click.echo(f"{shown or ' '.join(command)} ... ", nl=False, err=True)
    started_s = time.monotonic()
    done = subprocess.run(  # noqa: S603  # our own commands
        command,
        env=dict(env),
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    click.echo(f"exit code {done.returncode}, {time.monotonic() - started_s:.0f} s", err=True)
    if done.returncode:
        click.echo(done.stdout[-2_000:] + done.stderr[-2_000:], err=True)
    return done.returncode

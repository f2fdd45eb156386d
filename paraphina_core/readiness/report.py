"""The readiness report as values: every line follows from a spec, the catalogue or a record that verifies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

import msgspec

from paraphina_core.connector import Capability, ConnectorSpec, FeatureFlag, Plugins, TradeMode
from paraphina_core.domain import NS_PER_S

from .evidence import Kind, Record
from .matrix import Row, matrix
from .stage import Proof, Stage

#: What the two gates of all venues answer; *not shown* is not *no*.
YES: Final = "yes"
NO: Final = "no"
NOT_SHOWN: Final = "not shown"


class StageLine(msgspec.Struct, frozen=True, kw_only=True):
    """Where one connector stands, by what, and what the next rung lacks."""

    connector: str
    declared: str
    proven: str
    reason: str
    missing: str
    waiver: str


class GateLine(msgspec.Struct, frozen=True, kw_only=True):
    """Answer of one gate over all venues of the catalogue, and why."""

    gate: str
    answer: str
    why: str


class ResultLine(msgspec.Struct, frozen=True, kw_only=True):
    """How a command last ended.

    Args:
        record: its number; 0 if nothing is on record, and all that follows is then empty.
        void: why the record no longer counts; empty if it does.
    """

    connector: str
    command: str
    record: int = 0
    passed: bool = False
    exit_code: int = 0
    duration_s: float = 0.0
    ended: str = ""
    commit: str = ""
    void: str = ""


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """A record, and why it does not count now; empty if it does."""

    record: Record
    void: str = ""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The whole report, in the order of its headings.

    Args:
        generated: UTC, to the second.
        commit: of the checkout that the core runs from; empty where it is none.
        evidence_fault: why no record can be believed; empty if they can.
    """

    generated: str
    core_version: str
    core_hash: str
    commit: str
    evidence_fault: str
    matrix: tuple[Row, ...]
    stages: tuple[StageLine, ...]
    gates: tuple[GateLine, ...]
    blockers: Mapping[str, str]
    feature_flags: Mapping[str, str]
    execution_gates: tuple[str, ...]
    how_to_run: tuple[str, ...]
    results: tuple[ResultLine, ...]


class Build(msgspec.Struct, frozen=True, kw_only=True):
    """What makes the report and is no evidence: the moment and the code."""

    now_ns: int
    core_version: str
    core_hash: str
    commit: str


def report(
    build: Build,
    plugins: Plugins,
    catalogue: Sequence[FeatureFlag],
    proofs: Mapping[str, Proof],
    standings: Sequence[Standing],
    execution_gates: Sequence[str],
    evidence_fault: str = "",
) -> Report:
    """Return the report.

    Args:
        build: moment and code.
        plugins: what was loaded.
        catalogue: the feature flags of the core.
        proofs: what evidence proves, for each connector that is loaded.
        standings: every record, oldest first.
        execution_gates: what must hold before an order leaves for a venue, a line each.
        evidence_fault: why no record can be believed.
    """
    rows = matrix(plugins, catalogue, proofs)
    stages = tuple(_stage(row, proofs.get(row.connector)) for row in rows)
    flags = [flag for flag in catalogue if not flag.is_bundle]
    return Report(
        generated=moment(build.now_ns),
        core_version=build.core_version,
        core_hash=build.core_hash,
        commit=build.commit,
        evidence_fault=evidence_fault,
        matrix=rows,
        stages=stages,
        gates=tuple(_gates(flags, proofs, standings)),
        blockers={line.connector: line.missing or "none" for line in stages},
        feature_flags={flag.name: flag.command for flag in catalogue},
        execution_gates=tuple(execution_gates),
        how_to_run=tuple(_how_to_run(plugins.connectors, rows)),
        results=tuple(_results(plugins.connectors, rows, standings)),
    )


def moment(at_ns: int) -> str:
    """Return nanoseconds since 1970 as people and programs read it, to the second."""
    return datetime.fromtimestamp(at_ns // NS_PER_S, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _stage(row: Row, proof: Proof | None) -> StageLine:
    found = proof or Proof(stage=Stage.MISSING_FEATURE, reason="it is not loaded", missing=row.notes)
    return StageLine(
        connector=row.connector,
        declared=row.declared,
        proven=row.proven,
        reason=found.reason,
        missing=found.missing,
        waiver=found.waiver,
    )


# --- gates over all venues -----------------------------------------------------------------------


def _gates(
    flags: Sequence[FeatureFlag], proofs: Mapping[str, Proof], standings: Sequence[Standing]
) -> Iterator[GateLine]:
    names = [flag.connector for flag in flags]
    count = len(names)
    yield _installs(f"All-{count} install under feature flags", names, standings)
    yield _deterministic(f"All-{count} PaperExec (offline deterministic)", names, proofs, standings)
    ready = [name for name, proof in proofs.items() if proof.reaches(Stage.CANARY_LIVE)]
    yield GateLine(
        gate="CanaryLive-ready connectors",
        answer=", ".join(ready) or "none",
        why="proven, not declared",
    )


def _installs(gate: str, names: Sequence[str], standings: Sequence[Standing]) -> GateLine:
    last = {
        standing.record.statement.connector: standing.record
        for standing in standings
        if standing.record.statement.kind is Kind.INSTALL and not standing.void
    }
    failed = [name for name in names if name in last and not last[name].statement.passed]
    if failed:
        told = ", ".join(f"{name} (record {last[name].number})" for name in failed)
        return GateLine(gate=gate, answer=NO, why=f"failed: {told}")
    unshown = [name for name in names if name not in last]
    if unshown or not names:
        why = f"no record that counts: {', '.join(unshown) or 'no flag'}; `paraphina report readiness --run`"
        return GateLine(gate=gate, answer=NOT_SHOWN, why=why)
    return GateLine(gate=gate, answer=YES, why=_by([last[name] for name in names]))


def _deterministic(
    gate: str, names: Sequence[str], proofs: Mapping[str, Proof], standings: Sequence[Standing]
) -> GateLine:
    short = [name for name in names if name not in proofs or not proofs[name].reaches(Stage.PAPER_EXEC)]
    if short or not names:
        return GateLine(gate=gate, answer=NOT_SHOWN, why=f"PaperExec is not proven of {', '.join(short)}")
    sessions: dict[tuple[str, int], dict[str, Record]] = {}
    for standing in standings:
        what = standing.record.statement
        if what.kind is Kind.SIMULATION and what.whole and not standing.void:
            sessions.setdefault((what.config_hash, what.started_ns), {})[what.connector] = standing.record
    alike: dict[str, list[dict[str, Record]]] = {}
    for (config_hash, _), of in sessions.items():
        if of.keys() >= set(names) and all(record.statement.passed for record in of.values()):
            alike.setdefault(config_hash, []).append(of)
    for first, *others in reversed(alike.values()):
        if others:
            records = [first[names[0]], *(other[names[0]] for other in others)]
            same = len({tuple(sorted(r.statement.artifacts.items())) for r in records}) == 1
            return GateLine(gate=gate, answer=YES if same else NO, why=f"{_by(records)} compared")
    why = f"no session on all {len(names)} was simulated twice: `paraphina simulate`, twice"
    return GateLine(gate=gate, answer=NOT_SHOWN, why=why)


def _by(records: Sequence[Record]) -> str:
    return "records " + ", ".join(str(record.number) for record in records)


# --- how to run, and how it ended ----------------------------------------------------------------


def command_of(kind: Kind, connector: str) -> str:
    """Return the command that writes a record of the kind for a connector."""
    if kind is Kind.CONFORMANCE:
        return f"paraphina conformance {connector}"
    if kind is Kind.SIMULATION:
        return f"paraphina simulate {connector}"
    if kind is Kind.SOAK:
        return f"paraphina soak --connectors {connector}"
    return f"paraphina run --trade-mode {kind} --connectors {connector}"


def _how_to_run(specs: Mapping[str, ConnectorSpec], rows: Sequence[Row]) -> Iterator[str]:
    for spec in (specs[row.connector] for row in rows if row.connector in specs):
        for mode in TradeMode:
            if mode in spec.trade_modes and not mode.reaches_venue:
                yield f"paraphina run --trade-mode {mode} --connectors {spec.name}"
        if spec.twin:
            yield f"paraphina run --trade-mode testnet --connectors {spec.name} --twin"
    yield "paraphina preflight --trade-mode live --connectors NAME"


def _results(
    specs: Mapping[str, ConnectorSpec], rows: Sequence[Row], standings: Sequence[Standing]
) -> Iterator[ResultLine]:
    last = {(s.record.statement.connector, s.record.statement.kind): s for s in standings}
    for name in (row.connector for row in rows if row.connector in specs):
        for kind in Kind:
            if kind is Kind.WAIVER:  # nothing ran
                continue
            if (name, kind) in last:
                yield _result(last[name, kind])
            elif kind in _expected(specs[name]):
                yield ResultLine(connector=name, command=command_of(kind, name))


def _expected(spec: ConnectorSpec) -> Iterator[Kind]:
    yield Kind.CONFORMANCE
    if Capability.EXECUTION in spec.capabilities:
        yield Kind.SIMULATION
    for mode, kind in ((TradeMode.SHADOW, Kind.SHADOW), (TradeMode.TESTNET, Kind.TESTNET)):
        if mode in spec.trade_modes:
            yield kind


def _result(standing: Standing) -> ResultLine:
    what = standing.record.statement
    return ResultLine(
        connector=what.connector,
        command=what.command,
        record=standing.record.number,
        passed=what.passed,
        exit_code=what.exit_code,
        duration_s=round((what.ended_ns - what.started_ns) / NS_PER_S, 1),
        ended=moment(what.ended_ns),
        commit=what.commit,
        void=standing.void,
    )

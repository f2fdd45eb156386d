"""The rungs that evidence proves: each needs its own record, that of every rung below, and the same code.

`docs/readiness.md` says the rules in words. The newest record of a kind decides, so that a failure takes
back what an earlier pass had shown.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from paraphina_core.connector import Capability, ConnectorSpec, DataSource
from paraphina_core.domain import NS_PER_S

from .evidence import AGE_LIMIT_DAYS, Code, Kind, Reached, Record, Statement
from .stage import Proof, Stage, declared_stage

#: Virtual time that a simulation must cover to count for order entry.
MIN_SIMULATED_S: Final = 3_600

#: What live sessions must come to for full size, without one in between that failed.
MIN_LIVE_HOURS: Final = 24
MIN_LIVE_FILLS: Final = 100
MIN_KILL_DRILLS: Final = 2

_NS_PER_HOUR: Final = 3_600 * NS_PER_S
_NS_PER_DAY: Final = 24 * _NS_PER_HOUR


def why_void(record: Record, code: Code, now_ns: int) -> str:
    """Say why a record does not count now; empty if it does.

    Args:
        record: one of a chain that was checked.
        code: what is installed now.
        now_ns: wall clock, nanoseconds since 1970.
    """
    statement = record.statement
    then = statement.code
    if then.core_hash != code.core_hash:
        return "of another core"
    if (then.plugin, then.plugin_hash) != (code.plugin, code.plugin_hash) or not code.plugin_hash:
        return "of another plugin"
    if not statement.started_ns <= statement.ended_ns <= now_ns:
        return "from the future"
    limit_days = AGE_LIMIT_DAYS[statement.kind]
    if not now_ns - statement.ended_ns < limit_days * _NS_PER_DAY:
        return f"older than {limit_days} days"
    return ""


class _Shown(NamedTuple):
    """What a rung's rule found: the record that shows it, or else what is missing."""

    by: str = ""
    missing: str = ""
    waiver: str = ""


class _Evidence(NamedTuple):
    """A connector with the records of it that count, oldest first."""

    spec: ConnectorSpec
    records: tuple[Record, ...]

    def decides(self, *kinds: Kind, reached: Sequence[Reached] = tuple(Reached)) -> Record | None:
        """Return the newest record of these kinds; one that passed a selection only decides nothing."""
        for record in reversed(self.records):
            what = record.statement
            if what.kind in kinds and what.reached in reached and (what.whole or not what.passed):
                return record
        return None

    def row(self, *kinds: Kind, reached: Reached) -> tuple[Record, ...]:
        """Return the records of these kinds since the last that failed, oldest first."""
        row: list[Record] = []
        for record in reversed(self.records):
            what = record.statement
            if what.kind in kinds and what.reached is reached:
                if not what.passed:
                    break
                row.insert(0, record)
        return tuple(row)


def proven_stage(spec: ConnectorSpec, records: Sequence[Record], code: Code, now_ns: int) -> Proof:
    """Return what the evidence proves of an installed connector.

    Args:
        spec: the connector.
        records: of a chain that was checked, oldest first; those of other connectors are passed over.
        code: the core and the connector's plugin as they are installed.
        now_ns: wall clock, nanoseconds since 1970.
    """
    ours = [record for record in records if record.statement.connector == spec.name]
    evidence = _Evidence(spec, tuple(record for record in ours if not why_void(record, code, now_ns)))
    stage, reasons, waiver = Stage.STUB, ["it is installed"], ""
    void = len(ours) - len(evidence.records)
    for rung, rule in _RULES:
        shown = rule(evidence)
        if shown.missing:
            missing = f"{rung}: {shown.missing}" + (f" ({void} older records do not count)" if void else "")
            return Proof(stage=stage, reason="; ".join(reasons), missing=missing, waiver=waiver)
        stage, waiver = rung, shown.waiver or waiver
        reasons.append(f"{rung} by {shown.by}")
    return Proof(stage=stage, reason="; ".join(reasons), waiver=waiver)


def _fixture(evidence: _Evidence) -> _Shown:
    spec = evidence.spec
    if spec.factory is None:
        return _Shown(missing="it is not built")
    record = evidence.decides(Kind.CONFORMANCE)
    return _passed(record, "a whole conformance run", f"`paraphina conformance {spec.name}`")


def _shadow(evidence: _Evidence) -> _Shown:
    spec = evidence.spec
    if spec.data_source is not DataSource.VENUE:
        return _Shown(missing="its market data is not a venue's")
    record = evidence.decides(
        Kind.SHADOW, Kind.PAPER, reached=(Reached.TWIN, Reached.TESTNET, Reached.MAINNET)
    )
    command = f"`paraphina run --trade-mode shadow --connectors {spec.name}`, on the venue or with --twin"
    if record is not None and record.statement.passed and not record.statement.counts.get("books"):
        return _Shown(missing=f"a shadow or paper run that saw a book: {command}")
    return _passed(record, "a shadow or paper run", command)


def _paper(evidence: _Evidence) -> _Shown:
    spec = evidence.spec
    if Capability.EXECUTION not in spec.capabilities:
        return _Shown(missing="it declares no order entry")
    record = evidence.decides(Kind.SIMULATION)
    what = (
        f"a simulation of an hour at least under every fault that passes by itself, with fills on {spec.name}"
    )
    command = f"`paraphina simulate {spec.name}`"
    if record is not None and record.statement.passed:
        counts = record.statement.counts
        if not (counts.get("virtual_s", 0) >= MIN_SIMULATED_S and counts.get("fills", 0) > 0):
            return _Shown(missing=f"{what}: {command}")
    return _passed(record, what, command)


def _canary(evidence: _Evidence) -> _Shown:
    spec = evidence.spec
    if declared_stage(spec) < Stage.CANARY_LIVE:
        return _Shown(missing="it declares no live mode with cancel-all")
    live = evidence.decides(Kind.SHADOW, Kind.PAPER, reached=(Reached.MAINNET,))
    if live is None or not (live.statement.passed and live.statement.counts.get("books")):
        command = f"`paraphina run --trade-mode shadow --connectors {spec.name}`"
        return _Shown(missing=f"a shadow or paper run on the venue's own network: {command}")
    record = evidence.decides(Kind.TESTNET, reached=(Reached.TESTNET,))
    if record is not None:
        command = f"`paraphina run --trade-mode testnet --connectors {spec.name}`"
        if record.statement.passed and not record.statement.counts.get("fills"):
            return _Shown(missing=f"a testnet run with a fill: {command}")
        return _passed(record, "a testnet run", command)
    waiver = evidence.decides(Kind.WAIVER)
    if waiver is not None:
        return _Shown(by=f"{_told(live)} and the waiver of {_told(waiver)}", waiver=waiver.statement.note)
    return _Shown(
        missing=f"a testnet run (`paraphina run --trade-mode testnet --connectors {spec.name}`), or where "
        f"the test network cannot be reached `paraphina evidence waive {spec.name} --reason TEXT`"
    )


def _scaled(evidence: _Evidence) -> _Shown:
    name = evidence.spec.name
    soak = evidence.decides(Kind.SOAK)
    soaked = _passed(soak, "a soak of an hour at least", f"`paraphina soak --connectors {name}`")
    if soaked.missing:
        return soaked
    live = evidence.row(Kind.CANARY, Kind.LIVE, reached=Reached.MAINNET)
    hours = sum(one.statement.ended_ns - one.statement.started_ns for one in live) / _NS_PER_HOUR
    fills, drills = (
        sum(one.statement.counts.get(what, 0) for one in live) for what in ("fills", "kill_drills")
    )
    if not (hours >= MIN_LIVE_HOURS and fills >= MIN_LIVE_FILLS and drills >= MIN_KILL_DRILLS):
        return _Shown(
            missing=f"canary sessions in good order, since the last that was not: {hours:.1f} of "
            f"{MIN_LIVE_HOURS} hours, {fills} of {MIN_LIVE_FILLS} fills, {drills} of {MIN_KILL_DRILLS} ended "
            f"by the kill switch as a drill: `paraphina run --trade-mode live --connectors {name}`"
        )
    told = ", ".join(str(one.number) for one in live)
    return _Shown(by=f"{soaked.by} and live sessions {told} ({hours:.0f} h, {fills} fills, {drills} drills)")


_RULES: Final[tuple[tuple[Stage, Callable[[_Evidence], _Shown]], ...]] = (
    (Stage.FIXTURE_MARKET_ACCOUNT, _fixture),
    (Stage.SHADOW_LIVE_MARKET, _shadow),
    (Stage.PAPER_EXEC, _paper),
    (Stage.CANARY_LIVE, _canary),
    (Stage.SCALED_LIVE, _scaled),
)


def _passed(record: Record | None, what: str, command: str) -> _Shown:
    if record is None:
        return _Shown(missing=f"{what}: {command}")
    if not record.statement.passed:
        return _Shown(missing=f"record {record.number} failed ({_faults(record.statement)}): {command}")
    return _Shown(by=_told(record))


def _told(record: Record) -> str:
    return f"record {record.number} ({record.statement.kind}, {record.statement.reached})"


def _faults(statement: Statement) -> str:
    bad = [check for check, outcome in statement.outcomes.items() if outcome not in {"passed", "skipped"}]
    return ", ".join(bad[:3]) + (" ..." if len(bad) > 3 else "") or "no check passed"  # noqa: PLR2004  # fit a line

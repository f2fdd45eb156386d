"""Makes the readiness report of this installation: of its code, its plugins, its evidence and the gates."""

from __future__ import annotations

from pathlib import Path

from paraphina_core import __version__
from paraphina_core.connector import Plugins, TradeMode, core_hash
from paraphina_core.domain import LocalError
from paraphina_core.gates import STARTUP_GATES
from paraphina_core.readiness import Build, Record, Report, Standing, report

from .evidence import commit, proofs, read_evidence, void_reason


def readiness_report(plugins: Plugins, home: Path, now_ns: int) -> Report:
    """Return the report; evidence that cannot be believed counts for nothing and is told.

    Args:
        plugins: what was loaded.
        home: state folder of the installation.
        now_ns: wall clock, nanoseconds since 1970.
    """
    records: tuple[Record, ...] = ()
    fault = ""
    try:
        records = read_evidence(home)
    except LocalError as e:
        fault = str(e)
    return report(
        Build(now_ns=now_ns, core_version=__version__, core_hash=core_hash(), commit=commit()),
        plugins,
        plugins.flags,
        proofs(plugins, home, now_ns),
        [Standing(record=record, void=void_reason(record, plugins, now_ns)) for record in records],
        [f"{gate.id}: {gate.explanation}" for gate in STARTUP_GATES if TradeMode.LIVE in gate.required_in],
        fault,
    )

"""Preflight: every check that can be made before a start, and a signed receipt if all of them pass."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import msgspec

from paraphina_core.config import Config
from paraphina_core.connector import CheckResult, CheckStatus, Plugins, PreflightCheck, PreflightFacts
from paraphina_core.domain import LocalError
from paraphina_core.gates import (
    GateVerdict,
    Receipt,
    evaluate,
    issue,
    refusals,
    remove_receipt,
    write_receipt,
)
from paraphina_core.readiness import SEED_BYTES, Identity, create_identity, load_identity

from .facts import gather
from .visit import visited

#: Longest time a plugin's check may take.
MAX_CHECK_S: Final = 60.0


class PreflightReport(msgspec.Struct, frozen=True, kw_only=True):
    """What preflight found.

    Args:
        verdicts: of every check, in a stable order.
        receipt: what was written, None if a check refused.
        path: where it was written.
    """

    verdicts: tuple[GateVerdict, ...]
    receipt: Receipt | None = None
    path: Path | None = None


def preflight(
    config: Config,
    plugins: Plugins,
    home: Path,
    *,
    env: Mapping[str, str] | None = None,
    now_ns: int | None = None,
    max_check_s: float = MAX_CHECK_S,
) -> PreflightReport:
    """Make every check of the trade mode and write the receipt if all pass; else remove the last one.

    The gates that are opened for one start (the receipt itself and the switches) are not asked.

    Args:
        config: the configuration of the run to come.
        plugins: what is installed; their own checks run too.
        home: state folder of the installation; its signing key is made here the first time.
        env: the environment; None for this process's.
        now_ns: wall clock, nanoseconds since 1970; None for now.
        max_check_s: longest time a plugin's check may take.
    """
    identity, fault = _identity(home)
    facts = visited(gather(config, plugins, home, env=env, now_ns=now_ns), config, plugins)
    verdicts = [*evaluate(facts, arming=False), *_plugin_verdicts(config, plugins, max_check_s)]
    if identity is None:
        verdicts.append(_unwritable(fault))
    try:
        if identity is None or refusals(verdicts):
            remove_receipt(home)
            return PreflightReport(verdicts=tuple(verdicts))
        valid_hours = config.live.preflight_valid_hours
        receipt = issue(identity, facts.bound, now_ns=facts.now_ns, valid_hours=valid_hours)
        path = write_receipt(home, receipt, identity)
    except LocalError as e:
        return PreflightReport(verdicts=(*verdicts, _unwritable(str(e))))
    return PreflightReport(verdicts=tuple(verdicts), receipt=receipt, path=path)


def _identity(home: Path) -> tuple[Identity | None, str]:
    """Return the installation's identity, made now if there is none, or why it cannot be had."""
    try:
        return load_identity(home) or create_identity(home, os.urandom(SEED_BYTES)), ""
    except LocalError as e:
        return None, str(e)


def _unwritable(fault: str) -> GateVerdict:
    return GateVerdict(
        id="receipt_written",
        title="Receipt written",
        status=CheckStatus.FAIL,
        found=fault,
        remedy="Put the state folder right, then run preflight again.",
    )


def _plugin_verdicts(config: Config, plugins: Plugins, max_check_s: float) -> list[GateVerdict]:
    facts = PreflightFacts(
        mode=config.session.trade_mode, connectors=config.selected, settings=config.connectors
    )
    return [_plugin_verdict(check, facts, max_check_s) for check in plugins.preflight_checks]


def _plugin_verdict(check: PreflightCheck, facts: PreflightFacts, max_check_s: float) -> GateVerdict:
    result = _within(max_check_s, lambda: check.run(facts))
    return GateVerdict(
        id=f"plugin:{check.id}",
        title=check.summary,
        status=result.status,
        found=result.found,
        remedy="" if result.status is CheckStatus.PASS else result.remedy,
    )


def _within(limit_s: float, run: Callable[[], object]) -> CheckResult:
    """Run a plugin's check on a thread of its own, because it may never answer."""
    answers: list[CheckResult] = []

    def answer() -> None:
        try:
            result = run()
        except BaseException as e:  # noqa: BLE001  # not even sys.exit() in a check may end preflight
            answers.append(_unknown(f"it raised {type(e).__name__}: {e}"))
            return
        is_verdict = isinstance(result, CheckResult) and isinstance(result.status, CheckStatus)
        answers.append(result if is_verdict else _unknown(f"it answered {type(result).__name__}"))  # type: ignore[arg-type]  # checked

    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    thread.join(limit_s)
    return answers[0] if answers else _unknown(f"it did not answer within {limit_s:g} s")


def _unknown(found: str) -> CheckResult:
    return CheckResult(status=CheckStatus.UNKNOWN, found=found, remedy="See the plugin's documentation.")

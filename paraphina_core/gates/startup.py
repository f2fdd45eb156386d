"""Whether a session may start: a stable list of gates, each a pure function of the facts, all of them asked.

A gate passes, fails, or does not know, which counts as a failure. Shadow and paper sessions reach no
venue's order entry and are asked only what applies to them; testnet and live sessions are asked all.
On twins a session is asked what a paper session is, and that no address leads away from this machine.
"""

from __future__ import annotations

from typing import Final

from paraphina_core.connector import CheckStatus

from . import connector_gates, session_gates
from .startup_facts import StartupFacts
from .startup_gate import StartupGate, unknown
from .verdict import GateVerdict

#: Every gate, in the order in which they are shown.
STARTUP_GATES: Final = (*connector_gates.GATES, *session_gates.GATES)


def evaluate(facts: StartupFacts, *, arming: bool = True) -> tuple[GateVerdict, ...]:
    """Ask every gate that applies to the trade mode, whatever the others said.

    Args:
        facts: what the session would start from.
        arming: ask also the gates that are opened for one start only.
    """
    return tuple(
        _verdict(gate, facts)
        for gate in STARTUP_GATES
        if gate.applies_to(facts) and (arming or not gate.arms)
    )


def _verdict(gate: StartupGate, facts: StartupFacts) -> GateVerdict:
    try:
        result = gate.judge(facts)
    except Exception as e:  # noqa: BLE001  # a gate that cannot judge has not passed; the others still speak
        result = unknown(f"could not be judged: {type(e).__name__}: {e}", "Report this defect.")
    return GateVerdict(
        id=gate.id,
        title=gate.title,
        status=result.status,
        found=result.found,
        remedy="" if result.status is CheckStatus.PASS else result.remedy,
        required=facts.asked_as in gate.required_in,
    )

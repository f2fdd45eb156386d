"""What a start-up gate concluded: pass, fail or unknown, with what was found and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from paraphina_core.connector import CheckStatus


class GateVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """One gate's conclusion.

    Args:
        id: the gate's stable name.
        title: what it is about, in a few words.
        found: what it looked at, in the operator's terms.
        remedy: the one thing to do; empty when the gate passed.
        required: a gate that is not required informs and refuses nothing.
    """

    id: str
    title: str
    status: CheckStatus
    found: str
    remedy: str = ""
    required: bool = True

    @property
    def refuses(self) -> bool:
        """True unless the gate passed; unknown refuses as fail does."""
        return self.required and self.status is not CheckStatus.PASS


def refusals(verdicts: Iterable[GateVerdict]) -> tuple[GateVerdict, ...]:
    """Return the verdicts that refuse, in their order."""
    return tuple(verdict for verdict in verdicts if verdict.refuses)

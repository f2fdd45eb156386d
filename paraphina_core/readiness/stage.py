"""The readiness ladder: what a connector declares, and what has been proven of it.

A declaration is read from the spec and is worth no more than its author's word; gates ask for proof.
"""

from __future__ import annotations

from enum import IntEnum

import msgspec

from paraphina_core.connector import Capability, ConnectorSpec, DataSource, TradeMode


class Stage(IntEnum):
    """A rung of the ladder; a higher one compares greater. `str()` gives the name people read."""

    MISSING_FEATURE = 0
    STUB = 1
    FIXTURE_MARKET_ACCOUNT = 2
    SHADOW_LIVE_MARKET = 3
    PAPER_EXEC = 4
    CANARY_LIVE = 5
    SCALED_LIVE = 6

    def __str__(self) -> str:
        return _TEXTS[self]


_TEXTS = {
    Stage.MISSING_FEATURE: "MissingFeature",
    Stage.STUB: "Stub",
    Stage.FIXTURE_MARKET_ACCOUNT: "FixtureMarket+Account",
    Stage.SHADOW_LIVE_MARKET: "ShadowLiveMarket",
    Stage.PAPER_EXEC: "PaperExec",
    Stage.CANARY_LIVE: "CanaryLive",
    Stage.SCALED_LIVE: "ScaledLive",
}


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """What evidence proves of a connector.

    Args:
        stage: the highest rung that is proven, None where the evidence cannot be believed.
        reason: what proves it, or why nothing can be believed.
        missing: what the next rung needs and how to get it; empty where no rung is left.
        waiver: why an operator waived the test network; empty where nobody did or it is not needed.
    """

    stage: Stage | None
    reason: str
    missing: str = ""
    waiver: str = ""

    def reaches(self, required: Stage) -> bool:
        """Say whether the proven stage is at least the required one; nothing proven reaches nothing."""
        return self.stage is not None and self.stage >= required


def declared_stage(spec: ConnectorSpec) -> Stage:
    """Return the stage that a connector's own description amounts to.

    Data that is not a venue's own feed, recorded or made up, counts as fixture whatever else is
    declared. `SCALED_LIVE` cannot be declared.
    """
    if spec.factory is None:
        return Stage.STUB
    if spec.data_source is not DataSource.VENUE:
        return Stage.FIXTURE_MARKET_ACCOUNT
    if Capability.EXECUTION not in spec.capabilities:
        return Stage.SHADOW_LIVE_MARKET
    if TradeMode.LIVE in spec.trade_modes and Capability.CANCEL_ALL in spec.capabilities:
        return Stage.CANARY_LIVE
    return Stage.PAPER_EXEC

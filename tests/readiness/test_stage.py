"""The ladder: declarations are computed from the spec, and nothing is proven without evidence."""

from __future__ import annotations

from collections.abc import Collection

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paraphina_core.connector import Capability, ConnectorSpec, DataSource, TradeMode, mock
from paraphina_core.readiness import Proof, Stage, declared_stage

MARKET, ACCOUNT, EXECUTION, CANCEL_ALL = (
    Capability.MARKET,
    Capability.ACCOUNT,
    Capability.EXECUTION,
    Capability.CANCEL_ALL,
)


def spec(
    capabilities: Collection[Capability],
    modes: Collection[TradeMode] = (TradeMode.SHADOW,),
    source: DataSource = DataSource.VENUE,
) -> ConnectorSpec:
    """Return a connector that can do these things."""
    return ConnectorSpec(
        name="venue",
        venue="Venue",
        feature_flag=None,
        capabilities=dict.fromkeys(capabilities, ""),
        trade_modes=frozenset(modes),
        factory=mock.MockConnector if modes else None,
        data_source=source,
    )


def test_the_ladder_has_these_rungs_in_this_order() -> None:
    """The names are those of the readiness report."""
    assert " → ".join(map(str, sorted(Stage))) == (
        "MissingFeature → Stub → FixtureMarket+Account → ShadowLiveMarket"
        " → PaperExec → CanaryLive → ScaledLive"
    )


@pytest.mark.parametrize(
    ("described", "stage"),
    [
        (spec((), modes=()), Stage.STUB),
        (spec({MARKET}), Stage.SHADOW_LIVE_MARKET),
        (spec({MARKET, ACCOUNT}), Stage.SHADOW_LIVE_MARKET),
        (spec({MARKET, ACCOUNT}, source=DataSource.RECORDED), Stage.FIXTURE_MARKET_ACCOUNT),
        (spec({MARKET}, source=DataSource.SYNTHETIC), Stage.FIXTURE_MARKET_ACCOUNT),
        (spec({MARKET, EXECUTION}), Stage.PAPER_EXEC),
        (spec({MARKET, EXECUTION, CANCEL_ALL}, modes=(TradeMode.TESTNET,)), Stage.PAPER_EXEC),
        (spec({MARKET, EXECUTION}, modes=(TradeMode.LIVE,)), Stage.PAPER_EXEC),
        (spec({MARKET, EXECUTION, CANCEL_ALL}, modes=(TradeMode.LIVE,)), Stage.CANARY_LIVE),
    ],
)
def test_a_description_amounts_to_a_stage(described: ConnectorSpec, stage: Stage) -> None:
    """Capabilities, data source and trade modes decide; neither name nor notes do."""
    assert declared_stage(described) is stage


@given(
    capabilities=st.frozensets(st.sampled_from(list(Capability))),
    modes=st.frozensets(st.sampled_from(list(TradeMode)), min_size=1),
    source=st.sampled_from(list(DataSource)),
    more=st.sampled_from(list(Capability)),
)
def test_one_more_capability_never_lowers_the_stage(
    capabilities: frozenset[Capability], modes: frozenset[TradeMode], source: DataSource, more: Capability
) -> None:
    """Being able to do more is never declared as less, and scaled live is never declared at all."""
    less = declared_stage(spec({*capabilities, MARKET}, modes, source))
    assert less <= declared_stage(spec({*capabilities, MARKET, more}, modes, source)) < Stage.SCALED_LIVE


def test_the_built_in_connector_is_no_live_market() -> None:
    """A market that the program makes up is a fixture, whatever it looks like."""
    assert declared_stage(mock.SPEC) is Stage.FIXTURE_MARKET_ACCOUNT


def test_evidence_that_cannot_be_believed_reaches_nothing() -> None:
    """Unknown is a value: it reaches no stage, not even the lowest."""
    proof = Proof(stage=None, reason="a record was edited")
    assert not any(proof.reaches(stage) for stage in Stage)


def test_a_proven_stage_reaches_itself_and_what_is_below() -> None:
    """A requirement is met by its own stage and every higher one."""
    proof = Proof(stage=Stage.PAPER_EXEC, reason="shown")
    assert [stage for stage in Stage if proof.reaches(stage)] == list(Stage)[: Stage.PAPER_EXEC + 1]

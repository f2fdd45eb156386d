"""A rung is proven by its own records and those of every rung below, on this code, while they are fresh."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidence_world import CODE, DAY_NS, NOW_NS, records, statement
from paraphina_core.connector import Capability, DataSource, TradeMode
from paraphina_core.readiness import (
    AGE_LIMIT_DAYS,
    Kind,
    Proof,
    Reached,
    Stage,
    Statement,
    declared_stage,
    proven_stage,
)
from reef import SPEC as REEF

SPEC = msgspec.structs.replace(REEF, capabilities={**REEF.capabilities, Capability.CANCEL_ALL: ""})

CONFORMS = statement(Kind.CONFORMANCE)
ON_TWIN = statement(Kind.SHADOW)
SIMULATED = statement(Kind.SIMULATION)
ON_MAINNET = statement(Kind.SHADOW, Reached.MAINNET)
ON_TESTNET = statement(Kind.TESTNET, Reached.TESTNET)
WAIVED = statement(Kind.WAIVER, Reached.NOTHING, note="a firewall")
OFFLINE = (CONFORMS, ON_TWIN, SIMULATED)
EVERYTHING = (*OFFLINE, ON_MAINNET, ON_TESTNET)
SOAKED = statement(Kind.SOAK)
HALF_A_DAY = statement(Kind.CANARY, Reached.MAINNET, started_ns=NOW_NS - DAY_NS // 2)
FULL_SIZE = (*EVERYTHING, SOAKED, HALF_A_DAY, HALF_A_DAY)


def proof(*statements: Statement, now_ns: int = NOW_NS, **changes: Any) -> Proof:
    """Prove what can be proven of the connector `reef`."""
    spec = msgspec.structs.replace(SPEC, **changes)
    return proven_stage(spec, records(*statements), CODE, now_ns)


def test_the_test_connector_declares_enough() -> None:
    """Otherwise the rungs below would be missed for another reason than the one that is tested."""
    assert declared_stage(SPEC) is Stage.CANARY_LIVE
    assert SPEC.data_source is DataSource.VENUE


@pytest.mark.parametrize(
    ("statements", "stage"),
    [
        ((), Stage.STUB),
        ((CONFORMS,), Stage.FIXTURE_MARKET_ACCOUNT),
        ((CONFORMS, ON_TWIN), Stage.SHADOW_LIVE_MARKET),
        (OFFLINE, Stage.PAPER_EXEC),
        ((*OFFLINE, ON_MAINNET), Stage.PAPER_EXEC),
        (EVERYTHING, Stage.CANARY_LIVE),
        ((*OFFLINE, ON_MAINNET, WAIVED), Stage.CANARY_LIVE),
        ((ON_TWIN, SIMULATED, ON_MAINNET, ON_TESTNET), Stage.STUB),
        ((CONFORMS, SIMULATED, ON_TESTNET), Stage.FIXTURE_MARKET_ACCOUNT),
        ((CONFORMS, ON_TWIN, ON_MAINNET, ON_TESTNET), Stage.SHADOW_LIVE_MARKET),
        (FULL_SIZE, Stage.SCALED_LIVE),
        ((*EVERYTHING, HALF_A_DAY, HALF_A_DAY), Stage.CANARY_LIVE),
        ((*OFFLINE, SOAKED, HALF_A_DAY, HALF_A_DAY), Stage.PAPER_EXEC),
    ],
)
def test_each_rung_needs_its_record_and_all_below(statements: tuple[Statement, ...], stage: Stage) -> None:
    """Nothing higher makes up for what is missing below."""
    assert proof(*statements).stage is stage


OFFLINE_STATEMENTS = st.builds(
    statement,
    st.sampled_from([kind for kind in Kind if kind not in {Kind.TESTNET, Kind.CANARY, Kind.LIVE}]),
    st.sampled_from([Reached.NOTHING, Reached.RECORDING, Reached.TWIN]),
)


@given(st.lists(OFFLINE_STATEMENTS, max_size=12), st.booleans())
def test_offline_alone_shows_no_rung_that_only_a_network_can_prove(
    statements: list[Statement], on_twin: bool
) -> None:
    """However much was run on recordings and twins, a testnet session on a twin and a waiver among it."""
    more = [statement(Kind.TESTNET, Reached.TWIN)] if on_twin else []
    proven = proof(*OFFLINE, WAIVED, *statements, *more).stage
    assert proven is not None
    assert proven <= Stage.PAPER_EXEC


@given(st.lists(st.sampled_from([*EVERYTHING, SOAKED]), max_size=20))
def test_nothing_but_live_sessions_proves_full_size(statements: list[Statement]) -> None:
    """However much was run without real orders."""
    found = proof(*EVERYTHING, *statements)
    assert found.stage is Stage.CANARY_LIVE
    assert found.missing.startswith("ScaledLive: ")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"started_ns": NOW_NS - DAY_NS // 3}, "16.0 of 24 hours"),
        ({"counts": {"fills": 49, "kill_drills": 1}}, "98 of 100 fills"),
        ({"counts": {"fills": 60, "kill_drills": 0}}, "0 of 2 ended by the kill switch"),
        ({"reached": Reached.TWIN}, "0.0 of 24 hours"),
        ({"reached": Reached.TESTNET}, "0.0 of 24 hours"),
    ],
)
def test_full_size_asks_for_each_of_its_minima(change: dict[str, Any], told: str) -> None:
    """A day, a hundred fills and two drills, on the venue's own network; one of them short is short."""
    short = msgspec.structs.replace(HALF_A_DAY, **change)
    found = proof(*EVERYTHING, SOAKED, short, short)
    assert found.stage is Stage.CANARY_LIVE
    assert told in found.missing


def test_a_live_session_that_fails_takes_back_what_those_before_it_had_shown() -> None:
    """A drift that nobody explains, or an order that was left: the count begins anew, at full size too."""
    for kind in (Kind.CANARY, Kind.LIVE):
        failed = msgspec.structs.replace(HALF_A_DAY, kind=kind, passed=False)
        assert proof(*FULL_SIZE, failed).stage is Stage.CANARY_LIVE
        assert proof(*FULL_SIZE, failed, HALF_A_DAY).stage is Stage.CANARY_LIVE
        assert proof(*FULL_SIZE, failed, HALF_A_DAY, HALF_A_DAY).stage is Stage.SCALED_LIVE


def test_a_soak_that_failed_takes_full_size_back() -> None:
    """Until another passes."""
    failed = msgspec.structs.replace(SOAKED, passed=False, outcomes={"memory": "failed"})
    found = proof(*FULL_SIZE, failed)
    assert found.stage is Stage.CANARY_LIVE
    assert "failed (memory)" in found.missing
    assert proof(*FULL_SIZE, failed, SOAKED).stage is Stage.SCALED_LIVE


@pytest.mark.parametrize("kind", [CONFORMS, ON_TWIN, SIMULATED, ON_TESTNET])
def test_the_newest_record_decides(kind: Statement) -> None:
    """A failure takes back what was shown, though it was a selection only, until a pass follows it."""
    failed = msgspec.structs.replace(kind, passed=False, whole=False, outcomes={"CO-010": "failed"})
    fallen = proof(*EVERYTHING, failed)
    assert fallen.stage is not None
    assert fallen.stage < Stage.CANARY_LIVE
    if kind is not ON_TWIN:  # the run on the venue's own network may follow it
        assert "failed (CO-010)" in fallen.missing
    assert proof(*EVERYTHING, failed, kind, ON_MAINNET).stage is Stage.CANARY_LIVE


def test_a_selection_that_passed_shows_nothing() -> None:
    """One card of a hundred is no conformance."""
    some = msgspec.structs.replace(CONFORMS, whole=False)
    assert proof(some).stage is Stage.STUB
    assert proof(CONFORMS, some).stage is Stage.FIXTURE_MARKET_ACCOUNT


@pytest.mark.parametrize(
    "code",
    [{"core_hash": "9" * 64}, {"plugin_hash": "9" * 64}, {"plugin": "another"}],
)
def test_evidence_counts_for_the_code_that_ran_and_for_no_other(code: dict[str, str]) -> None:
    """One changed byte of core or plugin, and everything has to be shown again."""
    then = msgspec.structs.replace(CODE, **code)
    found = proof(*(msgspec.structs.replace(one, code=then) for one in EVERYTHING))
    assert found.stage is Stage.STUB
    assert "5 older records do not count" in found.missing


def test_code_without_a_hash_is_never_the_same() -> None:
    """Where the hash of a plugin could not be taken, nothing says that it is the one that ran."""
    unknown = msgspec.structs.replace(CODE, plugin_hash="")
    said = records(msgspec.structs.replace(CONFORMS, code=unknown))
    assert proven_stage(SPEC, said, unknown, NOW_NS).stage is Stage.STUB


@pytest.mark.parametrize("kind", [CONFORMS, SIMULATED, ON_TESTNET])
def test_each_kind_expires_at_its_own_age(kind: Statement) -> None:
    """A nanosecond before it counts, and then no more."""
    limit_ns = AGE_LIMIT_DAYS[kind.kind] * DAY_NS
    fresh = [
        msgspec.structs.replace(one, started_ns=NOW_NS + limit_ns - 1, ended_ns=NOW_NS + limit_ns - 1)
        for one in EVERYTHING
        if one is not kind
    ]
    assert proof(kind, *fresh, now_ns=NOW_NS + limit_ns - 1).stage is Stage.CANARY_LIVE
    fresh = [msgspec.structs.replace(one, ended_ns=NOW_NS + limit_ns) for one in fresh]
    assert proof(kind, *fresh, now_ns=NOW_NS + limit_ns).stage is not Stage.CANARY_LIVE


def test_evidence_from_the_future_does_not_count() -> None:
    """One of two clocks is wrong."""
    assert proof(*EVERYTHING, now_ns=NOW_NS - 1).stage is Stage.STUB


def test_evidence_of_another_connector_is_nothing() -> None:
    """Not even of the same plugin."""
    other = (msgspec.structs.replace(one, connector="atoll") for one in EVERYTHING)
    assert proof(*other).stage is Stage.STUB


@pytest.mark.parametrize(
    ("instead", "of", "stage"),
    [
        (statement(Kind.SHADOW, counts={"books": 0}), ON_TWIN, Stage.FIXTURE_MARKET_ACCOUNT),
        (statement(Kind.SHADOW, Reached.RECORDING), ON_TWIN, Stage.FIXTURE_MARKET_ACCOUNT),
        (
            statement(Kind.SIMULATION, counts={"virtual_s": 3_599, "fills": 9}),
            SIMULATED,
            Stage.SHADOW_LIVE_MARKET,
        ),
        (
            statement(Kind.SIMULATION, counts={"virtual_s": 3_600, "fills": 0}),
            SIMULATED,
            Stage.SHADOW_LIVE_MARKET,
        ),
    ],
)
def test_a_run_in_which_nothing_happened_shows_nothing(
    instead: Statement, of: Statement, stage: Stage
) -> None:
    """It passed because there was nothing to fail at."""
    assert proof(*(instead if one is of else one for one in OFFLINE)).stage is stage


def test_a_testnet_run_without_a_fill_shows_nothing() -> None:
    """Being connected is not trading."""
    idle = statement(Kind.TESTNET, Reached.TESTNET, counts={"fills": 0})
    assert proof(*OFFLINE, ON_MAINNET, idle).stage is Stage.PAPER_EXEC


def test_a_waiver_shows_its_reason_and_excuses_no_failure() -> None:
    """Whoever reads the proof reads it; a testnet run that failed is not waived away."""
    assert proof(*OFFLINE, ON_MAINNET, WAIVED).waiver == "a firewall"
    failed = msgspec.structs.replace(ON_TESTNET, passed=False)
    assert proof(*OFFLINE, ON_MAINNET, WAIVED, failed).stage is Stage.PAPER_EXEC
    assert proof(*OFFLINE, ON_MAINNET, failed, WAIVED).stage is Stage.PAPER_EXEC


@pytest.mark.parametrize(
    ("changes", "stage"),
    [
        ({"factory": None, "trade_modes": frozenset()}, Stage.STUB),
        ({"data_source": DataSource.RECORDED}, Stage.FIXTURE_MARKET_ACCOUNT),
        (
            {
                "capabilities": {Capability.MARKET: "", Capability.ACCOUNT: ""},
                "trade_modes": frozenset({TradeMode.SHADOW}),
            },
            Stage.SHADOW_LIVE_MARKET,
        ),
    ],
)
def test_nothing_is_proven_beyond_what_is_declared(changes: dict[str, Any], stage: Stage) -> None:
    """Records of what a connector once could show nothing that it does not claim now."""
    assert proof(*EVERYTHING, **changes).stage is stage


def test_what_is_missing_names_the_command_that_would_show_it() -> None:
    """Each step up says how it is taken."""
    wanted = ("conformance reef", "run --trade-mode shadow", "simulate reef", "run --trade-mode shadow")
    for have, command in enumerate(wanted):
        assert f"`paraphina {command}" in proof(*OFFLINE[:have]).missing

"""Facts with which every start-up gate passes, for tests that then break one thing."""

from __future__ import annotations

from typing import Any

import msgspec

from order_world import LIMITS
from paraphina_core.connector import CheckResult, CheckStatus, Network, TradeMode
from paraphina_core.domain import NS_PER_S
from paraphina_core.gates import (
    Binding,
    ConnectorFacts,
    GateVerdict,
    ResolvedEndpoint,
    StartupFacts,
    evaluate,
    issue,
)
from paraphina_core.readiness import Identity, Proof, Stage
from reef import SPEC

NOW_NS = 1_800_000_000 * NS_PER_S
IDENTITY = Identity(b"i" * 32)
OK = CheckResult(status=CheckStatus.PASS, found="fine")


def connector(mode: TradeMode = TradeMode.LIVE, **changes: Any) -> ConnectorFacts:
    """Make the facts of a connector with which nothing is wrong."""
    facts = ConnectorFacts(
        name="reef",
        spec=SPEC,
        plugin="paraphina-reef 1.0",
        remedy="",
        trust=CheckResult(status=CheckStatus.PASS, found="paraphina-reef 1.0 is trusted"),
        fault="",
        endpoints=tuple(
            ResolvedEndpoint(purpose=endpoint.purpose, url=endpoint.url)
            for endpoint in SPEC.endpoints[mode.network]
        ),
        missing=(),
        stated_networks=(("network", mode.network.value),),
        sealed=False,
        underlyings=("BTC",),
        proof=Proof(stage=Stage.CANARY_LIVE, reason="run 7"),
    )
    return msgspec.structs.replace(facts, **changes)


def startup_facts(mode: TradeMode = TradeMode.LIVE, **changes: Any) -> StartupFacts:
    """Make facts of a session that every gate lets start."""
    bound = Binding(
        trade_mode=mode,
        network=mode.network,
        connectors=("reef",),
        config_digest="c" * 64,
        profile="test",
        profile_digest="p" * 64,
        core_version="0.1.0",
        core_hash="a" * 64,
        plugins={},
        accounts={},
    )
    other = Network.TESTNET if mode.network is Network.MAINNET else Network.MAINNET
    facts = StartupFacts(
        is_on_twins=False,
        now_ns=NOW_NS,
        mode=mode,
        connectors=(connector(mode),),
        allowed_connectors=("reef",),
        declared_hosts=(),
        other_network_hosts=frozenset(endpoint.url.split("/")[2] for endpoint in SPEC.endpoints[other]),
        clock_skew_ms=1.5,
        clock_skew_fault="",
        max_clock_skew_ms=500,
        receipt=issue(IDENTITY, bound, now_ns=NOW_NS, valid_hours=12),
        receipt_fault="",
        bound=bound,
        preflight_ok=True,
        enable_execution=True,
        exec_enable=True,
        execution_confirm="YES",
        profile=LIMITS,
        account_reconcile_ms=5_000,
        kill_latch=OK,
        crash_loop=OK,
        output=OK,
        journal=OK,
        dead_man_waivers=(),
        unsafe_variables=(),
    )
    return msgspec.structs.replace(facts, **changes)


def verdict(gate_id: str, facts: StartupFacts) -> GateVerdict:
    """Return the verdict of one gate."""
    (found,) = [verdict for verdict in evaluate(facts) if verdict.id == gate_id]
    return found

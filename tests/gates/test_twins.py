"""A session on twins needs no arming, because nothing of it leaves this machine; nothing else changes."""

from __future__ import annotations

import msgspec
import pytest

from paraphina_core.connector import CheckStatus, TradeMode
from paraphina_core.gates import ResolvedEndpoint, StartupFacts, evaluate, refusals
from startup_world import connector, startup_facts, verdict

_HERE = (
    ResolvedEndpoint(purpose="rest", url="http://127.0.0.1:8000"),
    ResolvedEndpoint(purpose="ws", url="ws://127.0.0.1:8000/ws"),
)
_DISARMED = {
    "receipt": None,
    "preflight_ok": False,
    "enable_execution": False,
    "exec_enable": False,
    "execution_confirm": None,
    "allowed_connectors": (),
    "clock_skew_ms": None,
    "account_reconcile_ms": None,
}
_SENDING = (TradeMode.TESTNET, TradeMode.LIVE)


def _on_twins(mode: TradeMode, *endpoints: ResolvedEndpoint) -> StartupFacts:
    return startup_facts(
        mode, is_on_twins=True, connectors=(connector(mode, endpoints=endpoints),), **_DISARMED
    )


@pytest.mark.parametrize("mode", list(TradeMode))
def test_a_session_on_twins_starts_in_every_mode_without_receipt_switches_and_evidence(
    mode: TradeMode,
) -> None:
    """It is asked what a paper session is asked, and for its addresses."""
    verdicts = evaluate(_on_twins(mode, *_HERE))
    assert refusals(verdicts) == ()
    offline = {one.id for one in evaluate(startup_facts(TradeMode.PAPER))}
    assert {one.id for one in verdicts} == offline | {"twin_addresses"}
    assert verdict("twin_addresses", _on_twins(mode, *_HERE)).required


@pytest.mark.parametrize("mode", list(TradeMode))
@pytest.mark.parametrize(
    "url",
    [
        "https://api.reef.example",
        "wss://ws.reef.example/v1",
        "http://192.168.0.5:8000",
        "http://127.0.0.1.reef.example",
        "http://localhost.reef.example",
        "http://0.0.0.0:8000",
        "http://someone@127.0.0.1:8000",
        "ftp://127.0.0.1",
        "",
    ],
)
def test_one_address_of_another_machine_refuses_a_session_on_twins(mode: TradeMode, url: str) -> None:
    """A venue's address and a twin do not go together, in no mode and in no disguise."""
    facts = _on_twins(mode, *_HERE, ResolvedEndpoint(purpose="detour", url=url))
    refused = verdict("twin_addresses", facts)
    assert refused.status is CheckStatus.FAIL
    assert refused.refuses
    assert "detour" in refused.found


def test_a_connector_without_an_address_is_on_no_twin() -> None:
    """Nothing found is not the same as everything fine."""
    assert verdict("twin_addresses", _on_twins(TradeMode.TESTNET)).status is CheckStatus.FAIL


@pytest.mark.parametrize("mode", _SENDING)
def test_without_twins_every_gate_stands_even_before_addresses_of_this_machine(mode: TradeMode) -> None:
    """It is the word --twin that spares the gates, never the look of an address."""
    facts = msgspec.structs.replace(_on_twins(mode, *_HERE), is_on_twins=False)
    refused = {one.id for one in refusals(evaluate(facts))}
    assert {
        *("preflight_receipt", "preflight_ok", "enable_live_execution", "live_exec_enable"),
        *("execution_confirm", "connector_allowed", "endpoints_network", "clock_skew", "account_reconcile"),
    } <= refused
    assert "twin_addresses" not in {one.id for one in evaluate(facts)}

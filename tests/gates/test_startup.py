"""Each start-up gate passes, fails and, where it can be, is unknown; all are asked, and unknown refuses."""

from __future__ import annotations

import math
from itertools import product
from typing import Any

import msgspec
import pytest

from order_world import limits
from paraphina_core.connector import CheckResult, CheckStatus, Network, TradeMode
from paraphina_core.gates import (
    STARTUP_GATES,
    ResolvedEndpoint,
    evaluate,
    refusals,
)
from paraphina_core.readiness import Proof, Stage
from startup_world import NOW_NS, SPEC, connector, startup_facts, verdict

PASS, FAIL, UNKNOWN = CheckStatus.PASS, CheckStatus.FAIL, CheckStatus.UNKNOWN
SENDING = [TradeMode.TESTNET, TradeMode.LIVE]
BROKEN = CheckResult(status=FAIL, found="broken", remedy="repair it")
UNSEEN = CheckResult(status=UNKNOWN, found="cannot be seen", remedy="look at it")

ALL_GATES = (
    *("connector_installed", "connector_trusted", "connector_mode", "connector_builds", "connector_allowed"),
    *(
        "one_underlying",
        "endpoints_network",
        "credentials",
        "clock_skew",
        "preflight_receipt",
        "preflight_ok",
    ),
    *("enable_live_execution", "live_exec_enable", "execution_confirm", "canary_profile"),
    *("account_reconcile", "kill_latch", "crash_loop", "output_writable", "journal_writable"),
    *("readiness_stage", "dead_man", "environment"),
)
OFFLINE_GATES = (
    *("connector_installed", "connector_mode", "connector_builds", "one_underlying", "credentials"),
    *("kill_latch", "crash_loop", "output_writable", "journal_writable"),
)


# --- the list ----------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", SENDING)
def test_every_gate_is_asked_in_a_stable_order_where_orders_are_sent(mode: TradeMode) -> None:
    """Testnet is held to the same gates as live: none of them is skipped because the money is not real."""
    assert tuple(verdict.id for verdict in evaluate(startup_facts(mode))) == ALL_GATES


@pytest.mark.parametrize("mode", [TradeMode.SHADOW, TradeMode.PAPER])
def test_offline_modes_are_asked_what_applies_to_them(mode: TradeMode) -> None:
    """A paper session needs no receipt and no arming, and still a disk and its settings."""
    assert tuple(verdict.id for verdict in evaluate(startup_facts(mode))) == OFFLINE_GATES


@pytest.mark.parametrize("mode", list(TradeMode))
def test_a_session_with_which_nothing_is_wrong_may_start(mode: TradeMode) -> None:
    """Every gate can pass; none is a wall."""
    verdicts = evaluate(startup_facts(mode))
    assert refusals(verdicts) == ()
    assert all(verdict.status is PASS and not verdict.remedy and verdict.found for verdict in verdicts)


def test_preflight_asks_all_but_the_gates_that_are_opened_for_one_start() -> None:
    """The receipt and the four switches come after preflight."""
    asked = {verdict.id for verdict in evaluate(startup_facts(), arming=False)}
    assert set(ALL_GATES) - asked == {
        *("preflight_receipt", "preflight_ok"),
        *("enable_live_execution", "live_exec_enable", "execution_confirm"),
    }


def test_all_gates_are_asked_even_if_the_first_one_fails() -> None:
    """The operator reads everything that is missing at once."""
    stranger = connector(
        spec=None,
        plugin="not installed",
        remedy="install it",
        trust=BROKEN,
        fault="it is not installed",
        endpoints=(),
        missing=("REEF_KEY",),
        underlyings=None,
        proof=Proof(stage=None, reason="no evidence"),
    )
    nothing = startup_facts(
        connectors=(stranger,),
        allowed_connectors=(),
        clock_skew_ms=None,
        receipt=None,
        preflight_ok=False,
        enable_execution=False,
        exec_enable=False,
        execution_confirm=None,
        profile=None,
        account_reconcile_ms=None,
        kill_latch=BROKEN,
        crash_loop=BROKEN,
        output=BROKEN,
        journal=BROKEN,
        unsafe_variables=("PYTHONPATH",),
    )
    refused = refusals(evaluate(nothing))
    assert tuple(verdict.id for verdict in refused) == ALL_GATES
    assert all(verdict.found and verdict.remedy for verdict in refused)


def test_unknown_counts_as_a_failure() -> None:
    """What nobody could find out does not let a session start."""
    assert refusals([verdict("clock_skew", startup_facts(clock_skew_ms=None))])


def test_a_gate_that_cannot_judge_has_not_passed_and_the_others_still_speak() -> None:
    """A defect in one gate is shown as unknown; the table is whole."""
    facts = startup_facts()
    msgspec.structs.force_setattr(facts, "account_reconcile_ms", "often")
    verdicts = evaluate(facts)
    assert tuple(verdict.id for verdict in verdicts) == ALL_GATES
    (refused,) = refusals(verdicts)
    assert (refused.id, refused.status) == ("account_reconcile", UNKNOWN)


def test_each_gate_explains_itself() -> None:
    """For `paraphina gates --why`."""
    for gate in STARTUP_GATES:
        assert gate.title
        assert gate.explanation.endswith(".")
        assert not gate.required_in & gate.informs_in


# --- one verdict at a time ---------------------------------------------------------------------

Change = dict[str, Any]


def _one(**changes: Any) -> Change:
    """Change the one connector."""
    return {"connectors": (connector(**changes),)}


def _two(**changes: Any) -> Change:
    """Add a second connector that differs."""
    return {
        "connectors": (connector(), connector(name="atoll", **changes)),
        "allowed_connectors": ("reef", "atoll"),
    }


def _spec(**changes: Any) -> Change:
    return _one(spec=msgspec.structs.replace(SPEC, **changes))


def _url(url: str, *declared: str) -> Change:
    return {
        **_one(endpoints=(ResolvedEndpoint(purpose="rest", url=url),)),
        "declared_hosts": declared,
    }


def _receipt(**changes: Any) -> Change:
    good = startup_facts().receipt
    assert good is not None
    return {"receipt": msgspec.structs.replace(good, **changes)}


PROVEN = {stage: {"proof": Proof(stage=stage, reason="run 7")} for stage in Stage}


@pytest.mark.parametrize(
    ("gate_id", "change", "status", "found"),
    [
        ("connector_installed", {"connectors": ()}, FAIL, "no connector"),
        (
            "connector_installed",
            _one(spec=None, plugin="not installed", remedy="pip install it"),
            FAIL,
            "not ins",
        ),
        ("connector_trusted", _one(trust=BROKEN), FAIL, "broken"),
        ("connector_trusted", _one(trust=UNSEEN), UNKNOWN, "cannot be seen"),
        ("connector_trusted", _two(trust=BROKEN), FAIL, "atoll: broken"),
        ("connector_mode", _spec(trade_modes=frozenset({TradeMode.PAPER})), FAIL, "runs in paper"),
        ("connector_mode", _spec(trade_modes=frozenset(), factory=None), FAIL, "no mode yet"),
        ("connector_mode", _one(spec=None), FAIL, "no mode yet"),
        ("connector_builds", _one(fault="no such market"), FAIL, "no such market"),
        ("connector_allowed", {"allowed_connectors": ()}, FAIL, "reef is not on the list"),
        ("connector_allowed", {"allowed_connectors": ("re",)}, FAIL, "reef is not on the list"),
        ("one_underlying", _two(underlyings=("TAO",)), FAIL, "atoll: TAO"),
        ("one_underlying", _one(underlyings=("BTC", "ETH")), FAIL, "BTC, ETH"),
        ("one_underlying", _one(underlyings=None), UNKNOWN, "reef"),
        ("one_underlying", _one(underlyings=()), UNKNOWN, "reef"),
        ("one_underlying", {"connectors": ()}, UNKNOWN, "no connector"),
        ("endpoints_network", _one(endpoints=()), FAIL, "no address on mainnet"),
        ("endpoints_network", _one(spec=None), FAIL, "no address on mainnet"),
        ("credentials", _one(missing=("REEF_KEY",)), FAIL, "needs REEF_KEY"),
        ("credentials", _one(stated_networks=(("network", "testnet"),)), FAIL, "network is testnet"),
        ("credentials", _one(stated_networks=(("network", "prod"),)), FAIL, "network is prod"),
        ("credentials", _one(stated_networks=()), UNKNOWN, "nothing says"),
        ("credentials", _spec(settings=(), endpoints={}), UNKNOWN, "nothing says"),
        ("credentials", _two(stated_networks=()), UNKNOWN, "of atoll"),
        ("clock_skew", {"clock_skew_ms": None}, UNKNOWN, "not measured"),
        ("clock_skew", {"clock_skew_ms": 500.1}, FAIL, "limit 500 ms"),
        ("clock_skew", {"clock_skew_ms": -500.1}, FAIL, "limit 500 ms"),
        ("clock_skew", {"clock_skew_ms": math.nan}, FAIL, "nan"),
        ("clock_skew", {"max_clock_skew_ms": math.nan}, FAIL, "nan"),
        ("preflight_receipt", {"receipt": None}, FAIL, "no receipt"),
        ("preflight_receipt", {"receipt_fault": "its signature is broken"}, FAIL, "signature is broken"),
        ("preflight_receipt", {"now_ns": NOW_NS + 10**15}, FAIL, "expired"),
        ("preflight_receipt", {"now_ns": NOW_NS - 1}, FAIL, "from the future"),
        ("preflight_ok", {"preflight_ok": False}, FAIL, "not set"),
        ("enable_live_execution", {"enable_execution": False}, FAIL, "not given"),
        ("live_exec_enable", {"exec_enable": False}, FAIL, "not set"),
        ("execution_confirm", {"execution_confirm": None}, FAIL, "not set"),
        ("execution_confirm", {"execution_confirm": "yes"}, FAIL, "'yes'"),
        ("execution_confirm", {"execution_confirm": "1"}, FAIL, "'1'"),
        ("canary_profile", {"profile": None}, FAIL, "no profile"),
        ("canary_profile", {"profile": limits(canary=False)}, FAIL, "ScaledLive is not proven"),
        ("account_reconcile", {"account_reconcile_ms": None}, FAIL, "not set"),
        ("account_reconcile", {"account_reconcile_ms": 0}, FAIL, "every 0 ms"),
        ("account_reconcile", {"account_reconcile_ms": -5}, FAIL, "every -5 ms"),
        ("kill_latch", {"kill_latch": BROKEN}, FAIL, "broken"),
        ("kill_latch", {"kill_latch": UNSEEN}, UNKNOWN, "cannot be seen"),
        ("crash_loop", {"crash_loop": BROKEN}, FAIL, "broken"),
        ("output_writable", {"output": BROKEN}, FAIL, "broken"),
        ("journal_writable", {"journal": BROKEN}, FAIL, "broken"),
        ("readiness_stage", _one(proof=Proof(stage=None, reason="no evidence")), FAIL, "no evidence"),
        ("readiness_stage", _one(**PROVEN[Stage.PAPER_EXEC]), FAIL, "PaperExec"),
        ("readiness_stage", _two(**PROVEN[Stage.PAPER_EXEC]), FAIL, "atoll"),
        ("readiness_stage", {"connectors": ()}, FAIL, "no connector"),
        (
            "dead_man",
            _spec(capabilities={key: "" for key in SPEC.capabilities if key != "dead_man"}),
            FAIL,
            "reef",
        ),
        ("dead_man", _one(spec=None), FAIL, "reef has none"),
        ("environment", {"unsafe_variables": ("PYTHONPATH",)}, FAIL, "PYTHONPATH"),
    ],
)
def test_each_gate_refuses_by_itself(gate_id: str, change: Change, status: CheckStatus, found: str) -> None:
    """One thing wrong is refused by the gate that is there for it, with what it found and a remedy."""
    refused = verdict(gate_id, startup_facts(**change))
    assert refused.status is status
    assert found in refused.found
    assert refused.remedy
    assert refused.refuses


def test_the_conditions_of_a_dead_man_switch_are_shown() -> None:
    """Some venues have one only for accounts that have traded enough; whoever starts a session reads that."""
    how = dict.fromkeys(SPEC.capabilities, "") | {"dead_man": "once 1,000,000 USD were traded"}
    shown = verdict("dead_man", startup_facts(**_spec(capabilities=how)))
    assert "reef: once 1,000,000 USD were traded" in shown.found


def test_every_gate_is_seen_to_refuse_in_this_file() -> None:
    """A gate that is added is tested too."""
    marks = test_each_gate_refuses_by_itself.pytestmark  # type: ignore[attr-defined]  # set by the decorator
    tested = {case[0] for case in marks[0].args[1]}
    assert tested == set(ALL_GATES)


@pytest.mark.parametrize(
    ("gate_id", "change"),
    [
        ("clock_skew", {"clock_skew_ms": -500.0}),
        ("readiness_stage", _one(**PROVEN[Stage.SCALED_LIVE])),
        ("dead_man", {**_spec(capabilities={"market": "Yes"}), "dead_man_waivers": ("reef",)}),
        ("one_underlying", _two(underlyings=("BTC",))),
    ],
)
def test_a_gate_passes_at_its_limit(gate_id: str, change: Change) -> None:
    """What is just enough is enough."""
    assert verdict(gate_id, startup_facts(**change)).status is PASS


def test_a_connector_that_needs_no_secret_where_orders_are_sent_is_not_believed() -> None:
    """An account's name signs nothing, and a secret that another mode needs is not needed in this one."""
    account = SPEC.setting("account")
    secret = msgspec.structs.replace(SPEC.setting("private_key"), required_in=frozenset({TradeMode.PAPER}))
    facts = startup_facts(**_spec(settings=(account, secret), endpoints={}))
    assert verdict("credentials", facts).status is UNKNOWN


def test_f099_a_key_from_the_key_store_needs_no_other_word_on_its_network() -> None:
    """The key store gives only the key of the mode's network; a setting that contradicts still refuses."""
    sealed = startup_facts(**_one(sealed=True, stated_networks=()))
    found = verdict("credentials", sealed)
    assert (found.status, found.found) == (PASS, "reef: from the key store, for mainnet")
    contradicted = startup_facts(**_one(sealed=True, stated_networks=(("network", "testnet"),)))
    assert verdict("credentials", contradicted).status is FAIL


def test_a_key_from_the_environment_is_said_to_be_one() -> None:
    """Who trades live with it reads that every process started there can read it too."""
    assert "from the environment, which every process" in verdict("credentials", startup_facts()).found


def test_a_waiver_for_another_connector_waives_nothing() -> None:
    """The dead-man switch is waived by name."""
    facts = startup_facts(**_spec(capabilities={"market": "Yes"}), dead_man_waivers=("atoll",))
    assert verdict("dead_man", facts).refuses


def test_f095_the_limits_in_force_are_said_in_words_with_their_units() -> None:
    """The operator reads what is at stake before the first order."""
    assert verdict("canary_profile", startup_facts()).found == (
        "test: at most 500 USD an order, 1000 USD a connector, 1500 USD in all, 10 open orders, "
        "50 USD loss a day"
    )


def test_testnet_needs_proof_of_paper_execution_and_live_of_a_canary() -> None:
    """The stage that is asked for rises with the stakes."""
    change = _one(**PROVEN[Stage.PAPER_EXEC])
    assert not verdict("readiness_stage", startup_facts(TradeMode.TESTNET, **change)).refuses
    assert verdict("readiness_stage", startup_facts(TradeMode.LIVE, **change)).refuses
    lower = _one(**PROVEN[Stage.SHADOW_LIVE_MARKET])
    assert verdict("readiness_stage", startup_facts(TradeMode.TESTNET, **lower)).refuses


def test_full_size_needs_proof_of_every_connector() -> None:
    """A profile beyond a canary passes where ScaledLive is proven, and not where one connector lacks it."""
    full = {"profile": limits(canary=False)}
    assert not verdict("canary_profile", startup_facts(**full, **_one(**PROVEN[Stage.SCALED_LIVE]))).refuses
    assert verdict("canary_profile", startup_facts(**full, **_two(**PROVEN[Stage.CANARY_LIVE]))).refuses
    assert verdict("canary_profile", startup_facts(**full, connectors=())).refuses


def test_different_underlyings_on_paper_are_shown_and_refuse_nothing() -> None:
    """On paper it is information; with money it is a refusal."""
    facts = startup_facts(TradeMode.PAPER, **_two(underlyings=("TAO",)))
    shown = verdict("one_underlying", facts)
    assert shown.status is FAIL
    assert not shown.refuses
    assert refusals(evaluate(facts)) == ()


def test_a_missing_setting_refuses_offline_modes_too() -> None:
    """A connector that cannot work does not start, whatever the mode."""
    assert verdict("credentials", startup_facts(TradeMode.SHADOW, **_one(missing=("REEF_DIR",)))).refuses


# --- who cannot arm ----------------------------------------------------------------------------


def test_f097_no_combination_of_switches_arms_without_a_receipt() -> None:
    """The environment alone never starts a live session; the receipt is a file."""
    for preflight_ok, enable, exec_enable, confirm in product(
        (True, False), (True, False), (True, False), ("YES", None)
    ):
        facts = startup_facts(
            receipt=None,
            preflight_ok=preflight_ok,
            enable_execution=enable,
            exec_enable=exec_enable,
            execution_confirm=confirm,
        )
        assert "preflight_receipt" in {refused.id for refused in refusals(evaluate(facts))}


@pytest.mark.parametrize("mode", SENDING)
@pytest.mark.parametrize(
    "missing",
    [
        {"preflight_ok": False},
        {"enable_execution": False},
        {"exec_enable": False},
        {"execution_confirm": None},
        {"receipt": None},
    ],
)
def test_each_switch_is_needed_in_testnet_and_live(mode: TradeMode, missing: Change) -> None:
    """Four of five is not armed, on a test network neither."""
    assert len(refusals(evaluate(startup_facts(mode, **missing)))) == 1


def test_f100_a_receipt_of_a_paper_run_never_serves_a_live_one() -> None:
    """It is bound to its mode, and says so."""
    paper = startup_facts(TradeMode.PAPER)
    refused = verdict("preflight_receipt", startup_facts(receipt=paper.receipt))
    assert "trade mode changed: paper then, live now" in refused.found


def test_f101_a_configuration_edited_after_preflight_voids_the_receipt() -> None:
    """The digest is compared, and the gate says that it was the configuration."""
    facts = startup_facts()
    edited = msgspec.structs.replace(
        facts, bound=msgspec.structs.replace(facts.bound, config_digest="d" * 64)
    )
    assert "configuration changed" in verdict("preflight_receipt", edited).found


def test_f096_without_limits_nothing_is_armed() -> None:
    """No profile, no start: no limit has a default."""
    assert [refused.id for refused in refusals(evaluate(startup_facts(profile=None)))] == ["canary_profile"]


# --- addresses ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "declared"),
    [
        ("https://api.reef.example", ()),
        ("https://api.reef.example/v2", ()),
        ("https://API.reef.example:443/v2", ()),
        ("https://proxy.mine.example", ("proxy.mine.example",)),
        ("http://127.0.0.1:8080", ("127.0.0.1",)),
        ("ws://localhost:8080/ws", ("localhost",)),
        ("http://[::1]:8080", ("::1",)),
    ],
)
def test_an_address_of_the_venue_or_a_declared_one_passes(url: str, declared: tuple[str, ...]) -> None:
    """The venue's own hosts, one's own proxy once it is declared, and this machine."""
    assert verdict("endpoints_network", startup_facts(**_url(url, *declared))).status is PASS


@pytest.mark.parametrize(
    ("url", "declared", "found"),
    [
        ("https://api.testnet.reef.example", (), "an address of testnet"),
        ("https://api.testnet.reef.example", ("api.testnet.reef.example",), "an address of testnet"),
        ("https://api.testnet.reef.example/v2", ("api.testnet.reef.example",), "a host of testnet"),
        ("https://API.TESTNET.reef.example./", ("api.testnet.reef.example",), "a host of testnet"),
        ("https://eu.api.testnet.reef.example", ("eu.api.testnet.reef.example",), "a host of testnet"),
        ("https://api.reef.example.evil.example", (), "not declared"),
        ("https://proxy.mine.example", (), "not declared"),
        ("https://127.0.0.1", (), "not declared"),
        ("https://api.reef.example@evil.example", ("evil.example",), "without a login"),
        ("https://user:pw@api.reef.example", (), "without a login"),
        ("http://api.reef.example", (), "not encrypted"),
        ("ws://proxy.mine.example", ("proxy.mine.example",), "not encrypted"),
        ("ftp://api.reef.example", (), "not the address"),
        ("file:///etc/passwd", (), "not the address"),
        ("https://", (), "not the address"),
        ("https://[", (), "not the address"),
        ("api.reef.example", (), "not the address"),
        ("", (), "not the address"),
    ],
)
def test_f099_an_address_of_the_other_network_or_of_nobody_is_refused(
    url: str, declared: tuple[str, ...], found: str
) -> None:
    """Live mode never holds a testnet address, whatever is declared, and no look-alike either."""
    refused = verdict("endpoints_network", startup_facts(**_url(url, *declared)))
    assert refused.status is FAIL
    assert found in refused.found


def test_f099_testnet_mode_never_holds_an_address_of_production() -> None:
    """The same rule the other way round: this is how a test run would trade real money."""
    for endpoint in SPEC.endpoints[Network.MAINNET]:
        change = _url(endpoint.url, "api.reef.example", "ws.reef.example")
        assert (
            "an address of mainnet"
            in verdict("endpoints_network", startup_facts(TradeMode.TESTNET, **change)).found
        )


def test_f099_a_venue_without_a_test_network_does_not_run_in_testnet_mode() -> None:
    """It is refused, not sent to production instead."""
    only_mainnet = msgspec.structs.replace(SPEC, endpoints={Network.MAINNET: SPEC.endpoints[Network.MAINNET]})
    facts = startup_facts(TradeMode.TESTNET, connectors=(connector(spec=only_mainnet, endpoints=()),))
    assert "no address on testnet" in verdict("endpoints_network", facts).found


def test_an_address_that_the_description_gives_both_networks_serves_neither() -> None:
    """If a venue's two networks cannot be told apart, nothing is sent to either."""
    same = SPEC.endpoints[Network.MAINNET]
    both = msgspec.structs.replace(SPEC, endpoints={Network.MAINNET: same, Network.TESTNET: same})
    for mode in SENDING:
        facts = startup_facts(mode, connectors=(connector(spec=both),))
        assert verdict("endpoints_network", facts).refuses


def test_another_venues_host_of_the_other_network_is_foreign_too() -> None:
    """An override that points one venue's connector at another venue's production is refused."""
    facts = startup_facts(
        TradeMode.TESTNET,
        **_url("https://api.atoll.example", "api.atoll.example"),
        other_network_hosts=frozenset({"api.atoll.example"}),
    )
    assert "a host of mainnet" in verdict("endpoints_network", facts).found

"""What is gathered for the start-up gates is what is there: plugins, trust, addresses, keys, files, disk."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from configuring import Configure
from evidence_world import statement
from paraphina_core.connector import (
    CheckStatus,
    ConnectorContext,
    Network,
    Plugins,
    PluginStatus,
    TradeMode,
    TrustFile,
    write_private,
)
from paraphina_core.domain import RunNumber
from paraphina_core.gates import ConnectorFacts, GateVerdict, StartupFacts, evaluate, refusals
from paraphina_core.readiness import Kind, Stage, create_identity
from paraphina_core.session import code_of, gather, keep
from paraphina_core.session.look_ahead import look_ahead
from paraphina_core.session.probes import probe_crashes, probe_journal, probe_kill_latch, probe_output
from paraphina_core.session.running import SessionFile
from reef import RECORD, SPEC, plugins_with_reef

NOW_NS = 1_800_000_000_000_000_000
SECRET = "canary-secret"
LIVE_ENV = {"REEF_KEY": SECRET, "REEF_ACCOUNT": "0xabc", "REEF_NETWORK": "mainnet"}
ARMED_ENV = {
    **LIVE_ENV,
    "PARAPHINA_TRADE_MODE": "live",
    "PARAPHINA_LIVE_CONNECTOR": "reef",
    "PARAPHINA_LIVE_ALLOWED_CONNECTORS": "reef",
    "PARAPHINA_LIVE_PREFLIGHT_OK": "1",
    "PARAPHINA_LIVE_EXEC_ENABLE": "1",
    "PARAPHINA_LIVE_EXECUTION_CONFIRM": "YES",
    "PARAPHINA_LIVE_CANARY_PROFILE": "prod_canary",
    "PARAPHINA_LIVE_ACCOUNT_RECONCILE_MS": "5000",
}

Gather = Callable[..., StartupFacts]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return a state folder that does not exist yet."""
    return tmp_path / "home"


@pytest.fixture
def look(tmp_path: Path, home: Path) -> Gather:
    """Return a `gather` for a configuration given as in `Configure`, in an empty environment."""

    def gathered(
        plugins: Plugins | None = None, real_env: dict[str, str] | None = None, **given: Any
    ) -> StartupFacts:
        plugins = plugins or plugins_with_reef()
        given["cli"] = {"--out-dir": str(tmp_path / "run")} | given.get("cli", {})
        config = Configure(plugins, tmp_path)(**given)
        return gather(config, plugins, home, env=real_env or {}, now_ns=NOW_NS)

    return gathered


def _live(look: Gather, **given: Any) -> StartupFacts:
    """Gather for live mode on the reef."""
    given["cli"] = {"--trade-mode": "live", "--connector": "reef"} | given.get("cli", {})
    return look(**given)


def _verdict(facts: StartupFacts, gate_id: str) -> GateVerdict:
    (found,) = [verdict for verdict in evaluate(facts) if verdict.id == gate_id]
    return found


def _reef(facts: StartupFacts) -> ConnectorFacts:
    (connector,) = facts.connectors
    return connector


# --- a whole session ---------------------------------------------------------------------------


def test_a_shadow_session_on_the_built_in_connector_may_start_at_once(look: Gather, home: Path) -> None:
    """A newcomer's first command meets no gate, and nothing is written to look."""
    facts = look()
    assert refusals(evaluate(facts)) == ()
    assert _reef(facts).underlyings == ("BTC",)
    assert not home.exists()
    assert not (home.parent / "run").exists()


def test_live_with_nothing_else_set_names_every_missing_gate(look: Gather) -> None:
    """Each of them with what to do; none is found out one start later."""
    refused = refusals(evaluate(look(cli={"--trade-mode": "live"})))
    assert {verdict.id for verdict in refused} >= {
        *("connector_mode", "connector_allowed", "endpoints_network", "credentials", "clock_skew"),
        *("preflight_receipt", "preflight_ok", "enable_live_execution", "live_exec_enable"),
        *("execution_confirm", "canary_profile", "account_reconcile", "readiness_stage", "dead_man"),
    }
    assert all(verdict.remedy for verdict in refused)


@pytest.mark.parametrize("mode", ["live", "testnet"])
def test_f097_an_environment_with_everything_set_does_not_arm(look: Gather, mode: str) -> None:
    """No variable stands for the receipt, the command's own switch, trust, or evidence."""
    network = "testnet" if mode == "testnet" else "mainnet"
    facts = look(env={**ARMED_ENV, "PARAPHINA_TRADE_MODE": mode, "REEF_NETWORK": network})
    assert {verdict.id for verdict in refusals(evaluate(facts))} == {
        *("connector_trusted", "connector_builds", "one_underlying", "clock_skew", "preflight_receipt"),
        *("enable_live_execution", "readiness_stage"),
    }


def test_what_this_version_cannot_establish_it_refuses_honestly(look: Gather, home: Path) -> None:
    """With everything done that an operator can do, what is not built yet still stands in the way."""
    TrustFile(home).trust(RECORD)
    facts = look(env=ARMED_ENV, cli={"--enable-live-execution": True})
    refused = {verdict.id: verdict.status for verdict in refusals(evaluate(facts, arming=False))}
    assert refused == {
        "one_underlying": CheckStatus.UNKNOWN,
        "clock_skew": CheckStatus.UNKNOWN,
        "readiness_stage": CheckStatus.FAIL,
    }


# --- connectors --------------------------------------------------------------------------------


def test_a_plugin_is_trusted_as_it_was_looked_at_and_no_longer_after_a_change(
    look: Gather, home: Path
) -> None:
    """F-103: another version or other source code takes the trust away, and is named."""
    assert "never trusted" in _verdict(_live(look), "connector_trusted").found
    TrustFile(home).trust(RECORD)
    assert _verdict(_live(look), "connector_trusted").status is CheckStatus.PASS
    changed = plugins_with_reef(msgspec.structs.replace(RECORD, source_hash="2" * 64))
    assert "source hash was" in _verdict(_live(look, plugins=changed), "connector_trusted").found


def test_a_trust_file_that_cannot_be_believed_is_unknown(look: Gather, home: Path) -> None:
    """Loose permissions are not read as trust, nor as its absence."""
    TrustFile(home).trust(RECORD)
    (home / "trust.json").chmod(0o666)
    refused = _verdict(_live(look), "connector_trusted")
    assert refused.status is CheckStatus.UNKNOWN
    assert "open to others" in refused.found


def test_an_untrusted_plugin_is_not_asked_to_build_anything_for_real_money(look: Gather, home: Path) -> None:
    """Its protocol code runs only once it is trusted; on paper it may."""
    assert "not trusted" in _reef(_live(look)).fault
    assert _reef(look(cli={"--connector": "reef"})).fault == ""
    TrustFile(home).trust(RECORD)
    assert _reef(_live(look)).fault == ""


def test_a_connector_whose_settings_do_not_work_is_named_before_the_start(look: Gather) -> None:
    """Its own error stands in the verdict."""
    facts = look(cli={"--connector": "reef"}, env={"REEF_MARKET": "missing"})
    assert "there is no such market" in _verdict(facts, "connector_builds").found


def test_a_selected_connector_that_is_not_installed_is_a_verdict_too(tmp_path: Path) -> None:
    """As when a configuration is read back on another machine."""
    config = Configure(plugins_with_reef(), tmp_path)(cli={"--connector": "reef"})
    facts = gather(config, Plugins([], []), tmp_path / "home", env={}, now_ns=NOW_NS)
    assert "no connector has this name" in _verdict(facts, "connector_installed").found
    assert facts.bound.accounts == {}


@pytest.mark.parametrize(("mode", "network"), [("live", Network.MAINNET), ("testnet", Network.TESTNET)])
def test_the_addresses_are_those_of_the_modes_network_and_of_the_plan(
    look: Gather, home: Path, mode: str, network: Network
) -> None:
    """Both what the description names and what the connector would really open."""
    TrustFile(home).trust(RECORD)
    urls = [endpoint.url for endpoint in _reef(_live(look, cli={"--trade-mode": mode})).endpoints]
    rest, ws = (endpoint.url for endpoint in SPEC.endpoints[network])
    assert urls == [rest, ws, ws, f"{rest}/markets"]


def test_f099_an_override_counts_as_the_address(look: Gather) -> None:
    """A variable that points at the other network is found, declared or not."""
    production = SPEC.endpoints[Network.MAINNET][0].url
    given = {"cli": {"--trade-mode": "testnet"}, "env": {"REEF_REST_URL": production}}
    facts = _live(look, file='[live]\ndeclared_hosts = ["api.reef.example"]\n', **given)
    assert "an address of mainnet" in _verdict(facts, "endpoints_network").found


def test_f099_a_plan_that_leads_elsewhere_than_the_description_is_found(look: Gather, home: Path) -> None:
    """What the connector would open is judged, not only what it says of itself."""
    TrustFile(home).trust(RECORD)
    facts = _live(look, env={"REEF_DETOUR": "https://api.testnet.reef.example/markets"})
    assert "a host of testnet" in _verdict(facts, "endpoints_network").found


def test_a_declared_host_of_ones_own_passes(look: Gather) -> None:
    """A proxy is allowed once the configuration names it."""
    env = {"REEF_REST_URL": "https://proxy.mine.example"}
    assert "not declared" in _verdict(_live(look, env=env), "endpoints_network").found
    declared = _live(look, env=env, file='[live]\ndeclared_hosts = ["proxy.mine.example"]\n')
    assert _verdict(declared, "endpoints_network").status is CheckStatus.PASS


def test_missing_settings_are_named_by_the_variable_that_sets_them(look: Gather) -> None:
    """And only those that the mode needs."""
    assert _reef(_live(look)).missing == ("REEF_ACCOUNT", "REEF_KEY")
    assert _reef(_live(look, env=LIVE_ENV)).missing == ()
    assert _reef(look(cli={"--connector": "reef"})).missing == ()


def test_f099_a_network_setting_that_contradicts_the_mode_refuses(look: Gather) -> None:
    """Testnet credentials in live mode, and the reverse; without a statement it is unknown."""
    assert _verdict(_live(look, env=LIVE_ENV), "credentials").status is CheckStatus.PASS
    wrong = _live(look, env={**LIVE_ENV, "REEF_NETWORK": "testnet"})
    assert _verdict(wrong, "credentials").status is CheckStatus.FAIL
    reverse = _live(look, env=LIVE_ENV, cli={"--trade-mode": "testnet"})
    assert _verdict(reverse, "credentials").status is CheckStatus.FAIL
    silent = _live(look, env={name: LIVE_ENV[name] for name in ("REEF_KEY", "REEF_ACCOUNT")})
    assert _verdict(silent, "credentials").status is CheckStatus.UNKNOWN


def test_what_is_proven_is_read_from_the_evidence_of_the_installation(look: Gather, home: Path) -> None:
    """Without a record that it is installed; then what a record shows; nothing once one is edited."""
    assert _reef(_live(look)).proof.stage is Stage.STUB
    shown = statement(Kind.CONFORMANCE, code=code_of("reef", plugins_with_reef()))
    keep(home, [shown])
    assert _reef(_live(look)).proof.stage is Stage.FIXTURE_MARKET_ACCOUNT
    path = home / "evidence" / "00000001.json"
    path.write_bytes(path.read_bytes().replace(b'"passed":9', b'"passed":8'))
    void = _live(look)
    assert _reef(void).proof.stage is None
    assert "edited" in _verdict(void, "readiness_stage").found
    assert "move " in _verdict(void, "readiness_stage").remedy


@pytest.mark.parametrize("variable", ["PYTHONPATH", "https_proxy", "SSLKEYLOGFILE", "LD_PRELOAD"])
def test_f098_variables_that_redirect_traffic_or_load_code_are_found(look: Gather, variable: str) -> None:
    """In any case of letters; one that is set to nothing does nothing."""
    assert _verdict(_live(look, real_env={variable: "something"}), "environment").found == variable
    assert _verdict(_live(look, real_env={variable: ""}), "environment").status is CheckStatus.PASS


# --- looking ahead -----------------------------------------------------------------------------


def _context(**settings: str) -> ConnectorContext:
    return ConnectorContext(mode=TradeMode.PAPER, network=Network.MAINNET, settings=settings, seed=1)


def test_what_a_venue_trades_is_not_guessed() -> None:
    """Only frames that are already here are read."""
    assert look_ahead(SPEC, _context()).underlyings is None


@pytest.mark.parametrize("error", [RuntimeError("bug"), SystemExit(3), RecursionError("deep")])
def test_a_connector_that_raises_anything_is_a_fault_and_no_crash(error: BaseException) -> None:
    """F-084: whatever a plugin does when it is built, the other gates still speak."""

    def broken(_: ConnectorContext) -> Any:
        raise error

    ahead = look_ahead(msgspec.structs.replace(SPEC, factory=broken), _context())
    assert type(error).__name__ in ahead.fault


def test_a_stub_says_that_it_is_one() -> None:
    """A description without a connector behind it."""
    stub = msgspec.structs.replace(SPEC, factory=None, trade_modes=frozenset())
    assert "not built yet" in look_ahead(stub, _context()).fault


# --- the receipt's binding ---------------------------------------------------------------------


def test_a_receipt_is_bound_to_everything_that_was_checked(look: Gather, home: Path) -> None:
    """Mode, network, connectors, configuration, limits, core, plugins, accounts."""
    create_identity(home, b"s" * 32)
    bound = look(env=ARMED_ENV).bound
    assert (bound.trade_mode, bound.network, bound.connectors) == (TradeMode.LIVE, Network.MAINNET, ("reef",))
    assert bound.profile == "prod_canary"
    assert len(bound.config_digest) == len(bound.profile_digest) == len(bound.core_hash) == 64
    assert bound.plugins.keys() == {"reef"}
    assert bound.plugins["reef"].version == "1.0"
    assert bound.accounts["reef"].keys() == {"account", "private_key"}
    assert bound.accounts["reef"]["account"] == "0xabc"


def test_another_key_is_another_account_and_no_key_is_in_the_binding(look: Gather, home: Path) -> None:
    """F-105: a secret is bound by a fingerprint that gives nothing away."""
    create_identity(home, b"s" * 32)
    bound = look(env=ARMED_ENV).bound
    other = look(env={**ARMED_ENV, "REEF_KEY": "another-secret"}).bound
    assert bound.accounts["reef"]["private_key"] != other.accounts["reef"]["private_key"]
    assert SECRET not in msgspec.json.encode(bound).decode()


def test_a_plugin_that_is_not_loaded_is_not_part_of_the_binding(look: Gather) -> None:
    """Broken code runs nowhere, so it changes nothing."""
    broken = plugins_with_reef(msgspec.structs.replace(RECORD, status=PluginStatus.BROKEN))
    assert look(plugins=broken).bound.plugins == {}


def test_a_key_that_cannot_be_believed_voids_the_receipt_with_the_reason(look: Gather, home: Path) -> None:
    """F-082: loose permissions on the signing key."""
    create_identity(home, b"s" * 32)
    (home / "identity.key").chmod(0o644)
    assert "open to others" in _verdict(_live(look), "preflight_receipt").found


# --- disk --------------------------------------------------------------------------------------


def test_a_folder_is_tried_out_without_a_trace(tmp_path: Path) -> None:
    """Neither the run's folder nor the state folder is made."""
    folder, home = tmp_path / "a" / "b", tmp_path / "c"
    assert probe_output(folder, folder / "journal", home).status is CheckStatus.PASS
    assert probe_journal(folder / "journal", 64).status is CheckStatus.PASS
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    """Nothing can be written below a file, for the run as for the state."""
    blocked = tmp_path / "file"
    blocked.write_text("", encoding="utf-8")
    free = tmp_path / "free"
    for folder, home in ((blocked, free), (blocked / "below", free), (free, blocked)):
        refused = probe_output(folder, folder / "journal", home)
        assert refused.status is CheckStatus.FAIL
        assert "cannot be written" in refused.found
    assert probe_journal(blocked / "journal", 64).status is CheckStatus.FAIL


def test_a_folder_with_another_run_is_refused(tmp_path: Path) -> None:
    """A journal is continued by nobody but its own run."""
    (tmp_path / "journal").mkdir()
    refused = probe_output(tmp_path, tmp_path / "journal", tmp_path)
    assert refused.found == f"{tmp_path} holds another run"


def test_a_disk_without_room_for_two_segments_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A journal that fills the disk in the first hour is known before the start."""
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=127 * 2**20))
    refused = probe_journal(tmp_path / "journal", 64)
    assert refused.found.startswith("127 MB are free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=128 * 2**20))
    assert probe_journal(tmp_path / "journal", 64).status is CheckStatus.PASS


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b'{"reason": "daily loss"}', "daily loss"),
        (b"{}", "{}"),
        (b"", "no reason is given"),
        (b"\xff\xfe", "\ufffd\ufffd"),
        (b"[" * 10_000, "["),
    ],
)
def test_a_kill_latch_refuses_whatever_is_in_it(tmp_path: Path, content: bytes, reason: str) -> None:
    """The file's presence is what counts; its reason is shown as far as it can be read."""
    (tmp_path / "kill_latch.json").write_bytes(content)
    refused = probe_kill_latch(tmp_path)
    assert refused.status is CheckStatus.FAIL
    assert reason in refused.found
    assert "paraphina kill --clear" in refused.remedy


def test_a_kill_latch_that_cannot_be_seen_is_unknown(tmp_path: Path) -> None:
    """It may have fired; only an absent file says that it has not."""
    (tmp_path / "kill_latch.json").mkdir()
    assert probe_kill_latch(tmp_path).status is CheckStatus.UNKNOWN
    assert probe_kill_latch(tmp_path / "absent").status is CheckStatus.PASS


def _dead(home: Path, run: int, age_s: float, connector: str = "reef", left: tuple[str, ...] = ()) -> None:
    """Leave behind what a session leaves that died, or ended with something left, so long after its start."""
    started = datetime.fromtimestamp(NOW_NS / 1e9 - age_s, UTC).isoformat(timespec="seconds")
    told = SessionFile(
        run=RunNumber(run),
        pid=1,
        mode=TradeMode.TESTNET,
        connectors=(connector,),
        accounts={connector: {"address": "0x1"}},
        folder="runs/x",
        started=started,
        left=left,
    )
    write_private(home / "sessions" / f"{run}.json", msgspec.json.encode(told))


def test_f072_the_start_after_too_many_deaths_is_refused_until_somebody_has_looked(tmp_path: Path) -> None:
    """Deaths of long ago, of other accounts and orderly ends that left something are no loop."""
    for run, age_s in enumerate((5.0, 60.0, 599.0), 1):
        assert probe_crashes(tmp_path, ("reef",), 3, NOW_NS).status is CheckStatus.PASS
        _dead(tmp_path, run, age_s)
    _dead(tmp_path, 8, 602.0)
    _dead(tmp_path, 9, 5.0, "atoll")
    _dead(tmp_path, 10, 5.0, left=("a position",))
    refused = probe_crashes(tmp_path, ("reef",), 3, NOW_NS)
    assert (refused.status, refused.found) == (
        CheckStatus.FAIL,
        "3 sessions died within ten minutes: runs 1, 2, 3",
    )
    assert "paraphina kill" in refused.remedy
    assert probe_crashes(tmp_path, ("atoll",), 3, NOW_NS).status is CheckStatus.PASS
    assert probe_crashes(tmp_path, ("reef",), 4, NOW_NS).status is CheckStatus.PASS
    (tmp_path / "sessions" / "11.json").mkdir()
    assert probe_crashes(tmp_path, ("reef",), 3, NOW_NS).status is CheckStatus.UNKNOWN

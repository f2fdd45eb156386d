"""Start-up gates about the session: clock, receipt, switches, limits, files, evidence, environment."""

from __future__ import annotations

from typing import Final

from paraphina_core.connector import Capability, CheckResult, TradeMode
from paraphina_core.readiness import Proof, Stage

from .receipt import compare, moment
from .startup_facts import StartupFacts
from .startup_gate import ALL_MODES, Gates, failed, passed, passed_if_none, unknown

# ruff: noqa: D103  # what a gate checks is said in its decorator, where `paraphina gates --why` finds it

GATES: Final = Gates()

_CONFIRMATION: Final = "YES"
_REQUIRED_STAGE: Final = {TradeMode.TESTNET: Stage.PAPER_EXEC, TradeMode.LIVE: Stage.CANARY_LIVE}


@GATES.gate(
    "Clock",
    "This machine's clock agrees with the venues' within [live] max_clock_skew_ms. Signed requests carry a "
    "time, and a wrong clock makes fresh data look old or old data fresh.",
)
def clock_skew(facts: StartupFacts) -> CheckResult:
    skew_ms, limit_ms = facts.clock_skew_ms, facts.max_clock_skew_ms
    if skew_ms is None:
        return unknown(
            f"the difference to the venues' clocks was not measured{_because(facts.clock_skew_fault)}",
            "Let `paraphina preflight` or a start measure it; put right what it names.",
        )
    if abs(skew_ms) <= limit_ms:
        return passed(f"{skew_ms:+.0f} ms, limit {limit_ms:g} ms")
    return failed(
        f"{skew_ms:+.0f} ms, limit {limit_ms:g} ms", "Synchronise the clock (NTP) and run preflight."
    )


def _because(fault: str) -> str:
    return f": {fault}" if fault else ""


@GATES.gate(
    "Preflight receipt",
    "Preflight has passed on this installation, not too long ago, for exactly this mode, network, "
    "configuration, set of plugins, core and account; its signed receipt says so. Since the receipt is a "
    "file that expires, environment variables left behind in a shell can never arm a session by themselves.",
    arms=True,
)
def preflight_receipt(facts: StartupFacts) -> CheckResult:
    remedy = "Run `paraphina preflight` with the same options, and read its report."
    if facts.receipt_fault:
        return failed(f"the receipt is void: {facts.receipt_fault}", remedy)
    if facts.receipt is None:
        return failed("there is no receipt", remedy)
    faults = compare(facts.receipt, facts.now_ns, facts.bound)
    if faults:
        return failed(f"the receipt is void: {'; '.join(faults)}", remedy)
    return passed(
        f"of {moment(facts.receipt.created_at_ns)}, good until {moment(facts.receipt.expires_at_ns)}"
    )


@GATES.gate(
    "Preflight read",
    "PARAPHINA_LIVE_PREFLIGHT_OK=1 says that the operator has read the preflight report. It is no proof; the "
    "receipt is.",
    arms=True,
)
def preflight_ok(facts: StartupFacts) -> CheckResult:
    if facts.preflight_ok is True:
        return passed("PARAPHINA_LIVE_PREFLIGHT_OK is set")
    return failed("PARAPHINA_LIVE_PREFLIGHT_OK is not set", "Set PARAPHINA_LIVE_PREFLIGHT_OK=1.")


@GATES.gate(
    "Switch on the command line",
    "--enable-live-execution says that this very command shall send orders. No variable and no file can say "
    "it.",
    arms=True,
)
def enable_live_execution(facts: StartupFacts) -> CheckResult:
    if facts.enable_execution is True:
        return passed("--enable-live-execution is given")
    return failed("--enable-live-execution is not given", "Add --enable-live-execution to the command.")


@GATES.gate(
    "Switch in the environment",
    "PARAPHINA_LIVE_EXEC_ENABLE=1 says that this environment may send orders.",
    arms=True,
)
def live_exec_enable(facts: StartupFacts) -> CheckResult:
    if facts.exec_enable is True:
        return passed("PARAPHINA_LIVE_EXEC_ENABLE is set")
    return failed("PARAPHINA_LIVE_EXEC_ENABLE is not set", "Set PARAPHINA_LIVE_EXEC_ENABLE=1.")


@GATES.gate(
    "Confirmation",
    "PARAPHINA_LIVE_EXECUTION_CONFIRM=YES, in capital letters, confirms that real orders are wanted.",
    arms=True,
)
def execution_confirm(facts: StartupFacts) -> CheckResult:
    if facts.execution_confirm == _CONFIRMATION:
        return passed("PARAPHINA_LIVE_EXECUTION_CONFIRM is YES")
    is_set = "not set" if facts.execution_confirm is None else f"{facts.execution_confirm!r}"
    return failed(
        f"PARAPHINA_LIVE_EXECUTION_CONFIRM is {is_set}", "Set PARAPHINA_LIVE_EXECUTION_CONFIRM=YES."
    )


@GATES.gate(
    "Canary profile",
    "A risk profile that calls itself a canary is loaded with every one of its limits. Limits for full size "
    "need proof of ScaledLive for each connector.",
)
def canary_profile(facts: StartupFacts) -> CheckResult:
    profile = facts.profile
    if profile is None:
        return failed(
            "no profile is named",
            "Give --canary-profile prod_canary, or set PARAPHINA_LIVE_CANARY_PROFILE.",
        )
    if profile.canary is not True and not (
        facts.connectors and all(connector.proof.reaches(Stage.SCALED_LIVE) for connector in facts.connectors)
    ):
        return failed(
            f"{profile.name} is a profile for full size, and ScaledLive is not proven of each connector",
            "Use a canary profile such as prod_canary until `paraphina connectors` shows ScaledLive.",
        )
    return passed(
        f"{profile.name}: at most {profile.max_order_notional_usd:g} USD an order, "
        f"{profile.max_position_notional_usd_per_venue:g} USD a connector, "
        f"{profile.max_position_notional_usd_total:g} USD in all, {profile.max_open_orders} open orders, "
        f"{profile.max_daily_loss_usd:g} USD loss a day"
    )


@GATES.gate(
    "Account comparison",
    "The session compares its own orders and positions with the venue's account every "
    "PARAPHINA_LIVE_ACCOUNT_RECONCILE_MS milliseconds.",
)
def account_reconcile(facts: StartupFacts) -> CheckResult:
    every_ms = facts.account_reconcile_ms
    if every_ms is not None and every_ms > 0:
        return passed(f"every {every_ms} ms")
    return failed(
        "not set" if every_ms is None else f"every {every_ms} ms",
        "Set PARAPHINA_LIVE_ACCOUNT_RECONCILE_MS above 0, for example 5000.",
    )


@GATES.gate(
    "Kill switch",
    "The kill switch has not fired in an earlier session. It stays fired over restarts until somebody has "
    "made sure of orders and positions and clears it.",
    required_in=ALL_MODES,
)
def kill_latch(facts: StartupFacts) -> CheckResult:
    return facts.kill_latch


@GATES.gate(
    "No crash loop",
    "Sessions of these connectors' accounts did not die again and again: less than [live] max_crashes of "
    "them within ten minutes without one that ended clean. What starts by itself must not go on where a "
    "person has to look.",
    required_in=ALL_MODES,
)
def crash_loop(facts: StartupFacts) -> CheckResult:
    return facts.crash_loop


@GATES.gate(
    "Output folder writable",
    "The folder of the run can be created and written.",
    required_in=ALL_MODES,
)
def output_writable(facts: StartupFacts) -> CheckResult:
    return facts.output


@GATES.gate(
    "Journal writable",
    "The journal can be written and synced to disk, and the disk has room for it. No order leaves that is "
    "not in the journal first.",
    required_in=ALL_MODES,
)
def journal_writable(facts: StartupFacts) -> CheckResult:
    return facts.journal


@GATES.gate(
    "Readiness proven",
    "Evidence, not a claim, proves each connector's readiness: stage PaperExec for testnet, CanaryLive for "
    "live.",
)
def readiness_stage(facts: StartupFacts) -> CheckResult:
    wanted = _REQUIRED_STAGE.get(facts.mode)
    if wanted is None:
        return passed(f"no stage is needed in {facts.mode} mode")
    behind = [connector for connector in facts.connectors if not connector.proof.reaches(wanted)]
    if not behind and facts.connectors:
        return passed("; ".join(f"{c.name}: {_proven(c.proof)}" for c in facts.connectors))
    lacking = (f"{c.name} needs {c.proof.missing}" for c in behind if c.proof.missing)
    return failed(
        "; ".join(f"{c.name}: {_proven(c.proof)}" for c in behind) or "no connector is selected",
        f"{facts.mode} mode needs proof of {wanted}. {'; '.join(lacking)}".rstrip(),
    )


def _proven(proof: Proof) -> str:
    if proof.stage is None:
        return proof.reason
    return f"{proof.stage}" + (f", test network waived: {proof.waiver}" if proof.waiver else "")


@GATES.gate(
    "Dead-man switch",
    "Each venue cancels by itself when this program goes silent, or the configuration waives that for the "
    "connector by name. Without it, orders of a dead session stay in the market.",
)
def dead_man(facts: StartupFacts) -> CheckResult:
    without = [
        connector.name
        for connector in facts.connectors
        if connector.spec is None or Capability.DEAD_MAN not in connector.spec.capabilities
    ]
    bare = [name for name in without if name not in facts.dead_man_waivers]
    found = [
        # How it works is shown, because venues attach conditions to it.
        f"{connector.name}: {connector.spec.capabilities[Capability.DEAD_MAN]}"
        for connector in facts.connectors
        if connector.spec is not None and connector.name not in without
    ]
    found += [f"waived for {', '.join(without)}"] if without else []
    return passed_if_none(
        (f"{name} has none" for name in bare),
        "; ".join(found),
        "Choose another connector, or accept the risk by name in [live] dead_man_waivers.",
    )


@GATES.gate(
    "Clean environment",
    "No environment variable is set that loads other code or redirects or decrypts traffic: a program that "
    "signs orders talks to the venue directly.",
)
def environment(facts: StartupFacts) -> CheckResult:
    return passed_if_none(
        facts.unsafe_variables, "none of them is set", f"Unset {', '.join(facts.unsafe_variables)}."
    )

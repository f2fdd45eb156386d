"""Everything the start-up gates look at, gathered before they look: values only, nothing is asked again."""

from __future__ import annotations

import msgspec

from paraphina_core.config import RiskProfile
from paraphina_core.connector import CheckResult, ConnectorSpec, TradeMode
from paraphina_core.readiness import Proof

from .receipt import Binding, Receipt


class ResolvedEndpoint(msgspec.Struct, frozen=True, kw_only=True):
    """An address that the connector would use, after the operator's overrides."""

    purpose: str
    url: str


class ConnectorFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one selected connector.

    Args:
        spec: its description, None if it is not installed or its plugin is not used.
        plugin: the plugin that brings it, with its version; if it is not used, why.
        remedy: how to get it, if it is not installed.
        trust: whether the operator trusts the plugin as it is now.
        fault: why it cannot be built from its settings; empty if it can.
        endpoints: the addresses of the mode's network, and those that its plan would open.
        missing: environment variables or keys of required settings that have no value.
        stated_networks: settings that select a network, as `name: value`.
        sealed: its secrets come from the key store, from the key of the mode's network.
        underlyings: assets of the markets it would trade, None while that is not known.
        proof: what its evidence proves of its readiness.
    """

    name: str
    spec: ConnectorSpec | None
    plugin: str
    remedy: str
    trust: CheckResult
    fault: str
    endpoints: tuple[ResolvedEndpoint, ...]
    missing: tuple[str, ...]
    stated_networks: tuple[tuple[str, str], ...]
    sealed: bool
    underlyings: tuple[str, ...] | None
    proof: Proof


class StartupFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What a session would start from.

    Args:
        now_ns: wall clock, nanoseconds since 1970.
        mode: the trade mode that is asked for.
        is_on_twins: twins stand in for the venues.
        connectors: the selected ones, in their order.
        allowed_connectors: what `live.allowed_connectors` lists.
        declared_hosts: what `live.declared_hosts` lists.
        other_network_hosts: hosts of the network that the mode does not use, of all connectors.
        clock_skew_ms: how far this machine's clock is from the venues', None while not measured.
        clock_skew_fault: why it was not measured; empty if it was, or was not tried.
        max_clock_skew_ms: the largest difference allowed.
        receipt: the preflight receipt of this installation, if one can be believed.
        receipt_fault: why no receipt can be believed; empty if there is one, or none at all.
        bound: what a receipt must be bound to.
        preflight_ok: PARAPHINA_LIVE_PREFLIGHT_OK.
        enable_execution: --enable-live-execution.
        exec_enable: PARAPHINA_LIVE_EXEC_ENABLE.
        execution_confirm: PARAPHINA_LIVE_EXECUTION_CONFIRM.
        profile: limits in force, None while none is named.
        account_reconcile_ms: time between two comparisons with the account, None while not set.
        kill_latch: passes if the kill switch has not fired.
        crash_loop: passes if sessions have not died again and again.
        output: passes if the run's folder can be written.
        journal: passes if the journal can be written and synced.
        dead_man_waivers: what `live.dead_man_waivers` lists.
        unsafe_variables: environment variables that are set and can redirect traffic or load code.
    """

    now_ns: int
    mode: TradeMode
    is_on_twins: bool
    connectors: tuple[ConnectorFacts, ...]
    allowed_connectors: tuple[str, ...]
    declared_hosts: tuple[str, ...]
    other_network_hosts: frozenset[str]
    clock_skew_ms: float | None
    clock_skew_fault: str
    max_clock_skew_ms: float
    receipt: Receipt | None
    receipt_fault: str
    bound: Binding
    preflight_ok: bool
    enable_execution: bool
    exec_enable: bool
    execution_confirm: str | None
    profile: RiskProfile | None
    account_reconcile_ms: int | None
    kill_latch: CheckResult
    crash_loop: CheckResult
    output: CheckResult
    journal: CheckResult
    dead_man_waivers: tuple[str, ...]
    unsafe_variables: tuple[str, ...]

    @property
    def reaches_venue(self) -> bool:
        """True if orders would leave for the order entry of a real venue."""
        return self.mode.reaches_venue and not self.is_on_twins

    @property
    def asked_as(self) -> TradeMode:
        """The mode whose gates are asked: what is sent to a twin is as good as matched on paper."""
        return TradeMode.PAPER if self.is_on_twins and self.mode.reaches_venue else self.mode

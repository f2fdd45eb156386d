"""Gathers what the start-up gates look at: from the configuration, the plugins, the home folder, the disk."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from paraphina_core import __version__
from paraphina_core.config import Config, OriginKind
from paraphina_core.connector import (
    CheckResult,
    CheckStatus,
    ConnectorContext,
    ConnectorSpec,
    PluginRecord,
    Plugins,
    PluginStatus,
    Setting,
    SettingKind,
    TrustFile,
    TrustStatus,
    core_hash,
)
from paraphina_core.domain import LocalError
from paraphina_core.gates import (
    Binding,
    ConnectorFacts,
    PluginVersion,
    Receipt,
    StartupFacts,
    hosts_of,
    other_network,
    read_receipt,
)
from paraphina_core.readiness import Identity, Proof, Stage, load_identity

from .endpoints import resolved_endpoints
from .evidence import proofs
from .look_ahead import LookAhead, look_ahead
from .outputs import JOURNAL_FOLDER, RUNS_FOLDER
from .probes import probe_crashes, probe_journal, probe_kill_latch, probe_output

#: Variables that make Python load other code, or send, read or trust traffic otherwise.
UNSAFE_VARIABLES: Final = frozenset(
    {
        *("PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "LD_PRELOAD"),
        *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "SSLKEYLOGFILE", "SSL_CERT_FILE", "SSL_CERT_DIR"),
    }
)
#: A setting of this name, or one that ends with it, selects a venue's network.
_NETWORK: Final = "network"


def gather(
    config: Config,
    plugins: Plugins,
    home: Path,
    *,
    env: Mapping[str, str] | None = None,
    now_ns: int | None = None,
) -> StartupFacts:
    """Look at everything on this machine that the start-up gates judge; changes nothing, connects to nothing.

    Args:
        config: the configuration of the run.
        plugins: what is installed.
        home: state folder of the installation.
        env: the environment; None for this process's.
        now_ns: wall clock, nanoseconds since 1970; None for now.
    """
    identity, receipt, receipt_fault = _receipt(home)
    folder = config.session.out_dir or RUNS_FOLDER
    journal = folder / JOURNAL_FOLDER
    network = config.session.trade_mode.network
    now_ns = time.time_ns() if now_ns is None else now_ns
    proven = proofs(plugins, home, now_ns)
    return StartupFacts(
        now_ns=now_ns,
        mode=config.session.trade_mode,
        is_on_twins=config.is_on_twins,
        connectors=tuple(
            _connector(name, config, plugins, TrustFile(home), proven) for name in config.selected
        ),
        allowed_connectors=config.live.allowed_connectors,
        declared_hosts=config.live.declared_hosts,
        other_network_hosts=frozenset[str]().union(
            *(hosts_of(spec, other_network(network)) for spec in plugins.connectors.values())
        ),
        clock_skew_ms=None,
        clock_skew_fault="",
        max_clock_skew_ms=config.live.max_clock_skew_ms,
        receipt=receipt,
        receipt_fault=receipt_fault,
        bound=_binding(config, plugins, identity),
        preflight_ok=config.live.preflight_ok,
        enable_execution=config.live.enable_execution,
        exec_enable=config.live.exec_enable,
        execution_confirm=config.live.execution_confirm,
        profile=config.profile,
        account_reconcile_ms=config.live.account_reconcile_ms,
        kill_latch=probe_kill_latch(home),
        crash_loop=probe_crashes(home, config.selected, config.live.max_crashes, now_ns),
        output=probe_output(folder, journal, home),
        journal=probe_journal(journal, config.journal.segment_mb),
        dead_man_waivers=config.live.dead_man_waivers,
        unsafe_variables=unsafe_variables(os.environ if env is None else env),
    )


def unsafe_variables(env: Mapping[str, str]) -> tuple[str, ...]:
    """Name the variables of `UNSAFE_VARIABLES` that are set, in any case of letters."""
    return tuple(sorted(name for name, value in env.items() if value and name.upper() in UNSAFE_VARIABLES))


def _receipt(home: Path) -> tuple[Identity | None, Receipt | None, str]:
    identity = None
    try:
        identity = load_identity(home)
        return identity, read_receipt(home, identity), ""
    except LocalError as e:
        return identity, None, str(e)


# --- one connector -------------------------------------------------------------------------------


def _connector(
    name: str,
    config: Config,
    plugins: Plugins,
    trust_file: TrustFile,
    proven: Mapping[str, Proof],
) -> ConnectorFacts:
    spec = plugins.connectors.get(name)
    if spec is None:
        return _absent(name, plugins)
    record = plugins.origin_of(name)
    trust = _trust(record, trust_file)
    ahead = _look_ahead(spec, config, trust)
    settings = config.connectors.get(name, {})
    return ConnectorFacts(
        name=name,
        spec=spec,
        plugin=_plugin(record),
        remedy="",
        trust=trust,
        fault=ahead.fault,
        endpoints=(*resolved_endpoints(spec, config), *ahead.addresses),
        missing=tuple(setting.env for setting in _needed(spec, config) if not _value(setting, name, config)),
        stated_networks=tuple(
            (setting, str(value))
            for setting, value in settings.items()
            if setting == _NETWORK or setting.endswith(f"_{_NETWORK}")
        ),
        sealed=_sealed(spec, config),
        underlyings=ahead.underlyings,
        proof=proven[name],
    )


def _absent(name: str, plugins: Plugins) -> ConnectorFacts:
    try:
        plugins.connector(name)
    except LocalError as e:
        plugin, remedy = e.what, e.remedy or ""
    else:
        plugin, remedy = "an alias, not a connector's name", "Select it by its name."
    return ConnectorFacts(
        name=name,
        spec=None,
        plugin=plugin,
        remedy=remedy,
        trust=CheckResult(status=CheckStatus.FAIL, found="there is no plugin", remedy=remedy),
        fault="it is not installed",
        endpoints=(),
        missing=(),
        stated_networks=(),
        sealed=False,
        underlyings=None,
        proof=Proof(stage=Stage.MISSING_FEATURE, reason="it is not installed", missing=remedy),
    )


def _plugin(record: PluginRecord) -> str:
    return "the core" if record.builtin else f"{record.distribution} {record.version}"


def _trust(record: PluginRecord, trust_file: TrustFile) -> CheckResult:
    try:
        state = trust_file.state(record)
    except LocalError as e:
        return CheckResult(status=CheckStatus.UNKNOWN, found=str(e), remedy="Put the trust file right.")
    plugin = _plugin(record)
    if state.status is TrustStatus.TRUSTED:
        return CheckResult(status=CheckStatus.PASS, found=f"{plugin} is trusted")
    what = "was never trusted" if state.status is TrustStatus.UNTRUSTED else "; ".join(state.differences)
    return CheckResult(
        status=CheckStatus.FAIL,
        found=f"{plugin}: {what}",
        remedy=f"Look at its code, then `paraphina plugins trust {record.name}`.",
    )


def _look_ahead(spec: ConnectorSpec, config: Config, trust: CheckResult) -> LookAhead:
    mode = config.session.trade_mode
    if spec.factory is not None and config.reaches_venue and trust.status is not CheckStatus.PASS:
        return LookAhead(fault="it was not built, because its plugin is not trusted")
    context = ConnectorContext(
        mode=mode,
        network=mode.network,
        settings=config.connectors.get(spec.name, {}),
        seed=config.session.seed,
    )
    return look_ahead(spec, context)


def _needed(spec: ConnectorSpec, config: Config) -> Iterator[Setting]:
    return (setting for setting in spec.settings if config.session.trade_mode in setting.required_in)


def _sealed(spec: ConnectorSpec, config: Config) -> bool:
    """Tell whether the key store gave every secret that the mode needs, and that it needs some."""
    needed = [setting for setting in _needed(spec, config) if setting.kind is SettingKind.SECRET]
    origins = [config.origins.get(f"connectors.{spec.name}.{setting.name}") for setting in needed]
    return bool(needed) and all(o is not None and o.kind is OriginKind.KEY_STORE for o in origins)


def _value(setting: Setting, connector: str, config: Config) -> bool:
    """Tell whether a setting has a value."""
    if setting.kind is SettingKind.SECRET:
        secret = config.secrets.get(connector, {}).get(setting.name)
        return secret is not None and secret.is_set
    return config.connectors.get(connector, {}).get(setting.name) is not None


# --- what a receipt is bound to ------------------------------------------------------------------


def _binding(config: Config, plugins: Plugins, identity: Identity | None) -> Binding:
    profile = config.profile
    return Binding(
        trade_mode=config.session.trade_mode,
        network=config.session.trade_mode.network,
        connectors=config.selected,
        config_digest=config.digest(),
        profile="" if profile is None else profile.name,
        profile_digest="" if profile is None else profile.digest(),
        core_version=__version__,
        core_hash=core_hash(),
        plugins={
            record.name: PluginVersion(version=record.version, source_hash=record.source_hash)
            for record in plugins.plugins
            if record.status is PluginStatus.LOADED and not record.builtin
        },
        accounts={
            name: dict(_account(plugins.connectors[name], config, identity))
            for name in config.selected
            if name in plugins.connectors
        },
    )


def _account(spec: ConnectorSpec, config: Config, identity: Identity | None) -> Iterator[tuple[str, str]]:
    """Yield what says whose account it is: every secret as a fingerprint, what the mode needs in clear."""
    values = config.connectors.get(spec.name, {})
    secrets = config.secrets.get(spec.name, {})
    for setting in spec.settings:
        secret = secrets.get(setting.name)
        if secret is not None and secret.is_set:
            told = secret.seal or secret.reveal()  # no passphrase is asked for to see that a key has changed
            yield setting.name, "" if identity is None else identity.fingerprint(told)
        elif config.session.trade_mode in setting.required_in and setting.name in values:
            yield setting.name, str(values[setting.name])

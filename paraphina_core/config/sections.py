"""The parts of a configuration as typed values; a default here is that key's default everywhere."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import TypeAlias

import msgspec

from paraphina_core.connector import TradeMode

#: Value of a connector's setting that is not a secret; a path is absolute text.
SettingValue: TypeAlias = str | int | float | bool


class ClockKind(StrEnum):
    """How session time passes: with the wall clock, or as fast as an offline source is worked off."""

    REAL = "real"
    VIRTUAL = "virtual"


class JournalSync(StrEnum):
    """When the journal is synced to disk: in groups, or before each further step."""

    GROUPED = "grouped"
    ALWAYS = "always"


class QueueModel(StrEnum):
    """Who leaves the queue ahead of a paper order when a level shrinks: nobody, or its share."""

    CONSERVATIVE = "conservative"
    PROPORTIONAL = "proportional"


class LeftoverPolicy(StrEnum):
    """Which open orders that the session did not send it cancels: own earlier ones, all, or none."""

    CANCEL_OWN = "cancel_own"
    CANCEL_ALL = "cancel_all"
    LEAVE = "leave"


class OriginKind(StrEnum):
    """The kinds of place a value can come from, the strongest first."""

    OPTION = "option"
    ENVIRONMENT = "environment"
    FILE = "file"
    KEY_STORE = "key store"
    DEFAULT = "default"


class Origin(msgspec.Struct, frozen=True):
    """Where a value comes from: the option, variable or file key that set it."""

    kind: OriginKind
    place: str

    def __str__(self) -> str:
        return self.place


class SessionConfig(msgspec.Struct, frozen=True, kw_only=True):
    """What runs, for how long and in which time."""

    trade_mode: TradeMode = TradeMode.SHADOW
    connectors: tuple[str, ...] = ("mock",)
    strategy: str = "two_sided"
    seed: int = 1
    duration_s: float | None = None
    max_ticks: int | None = None
    tick_ms: int = 250
    max_call_ms: int = 250
    speed: float = 1.0
    clock: ClockKind = ClockKind.REAL
    out_dir: Path | None = None
    recording: Path | None = None
    twin: bool = False
    twin_urls: tuple[str, ...] = ()


class JournalConfig(msgspec.Struct, frozen=True, kw_only=True):
    """How the record of the run is kept."""

    sync: JournalSync = JournalSync.GROUPED
    sync_interval_ms: int = 5
    segment_mb: int = 64
    record_frames: bool = True


class TransportConfig(msgspec.Struct, frozen=True, kw_only=True):
    """What moves the bytes."""

    websocket: str = "auto"
    event_loop: str = "auto"


class PaperConfig(msgspec.Struct, frozen=True, kw_only=True):
    """The paper exchange."""

    latency_ms: int = 50
    latency_jitter_ms: int = 20
    balance_usd: Decimal = Decimal(10_000)
    queue_model: QueueModel = QueueModel.CONSERVATIVE


class RiskConfig(msgspec.Struct, frozen=True, kw_only=True):
    """The limits of shadow and paper runs: a built-in profile's name or an own file."""

    profile: str | Path = "paper"


class DashboardConfig(msgspec.Struct, frozen=True, kw_only=True):
    """What shows the session to people and to monitoring."""

    address: str | None = None


class LiveConfig(msgspec.Struct, frozen=True, kw_only=True):
    """What stands between a configuration and real orders; whatever is missing here, a gate names."""

    allowed_connectors: tuple[str, ...] = ()
    canary_profile: str | Path | None = None
    preflight_ok: bool = False
    enable_execution: bool = False
    exec_enable: bool = False
    execution_confirm: str | None = None
    account_reconcile_ms: int | None = None
    preflight_valid_hours: float = 12.0
    max_clock_skew_ms: int = 500
    declared_hosts: tuple[str, ...] = ()
    drift_repeats: int = 3
    drift_lasts: int = 12
    drift_tolerated_lots: int = 0
    drift_tolerated_usd: float = 1.0
    reducing_cool_down_s: int = 300
    dead_man_waivers: tuple[str, ...] = ()
    dead_man_window_ms: int = 30_000
    max_crashes: int = 3
    watchdog: bool = True
    watchdog_window_ms: int = 10_000
    leftover_orders: LeftoverPolicy = LeftoverPolicy.CANCEL_OWN
    key_name: str = "default"
    passphrase_file: Path | None = None

"""Every key of the configuration in one table: where it may be set, how it is read, what it means.

Resolving, the command line's options, the configuration hash and the reference in the documentation
are all made from this table; what connectors add to it stands in their specs.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import msgspec

from paraphina_core.connector import TradeMode
from paraphina_core.domain import plain

from .readers import (
    Reader,
    choice,
    duration,
    flag,
    hosts,
    integer,
    listen_address,
    loopback_origins,
    money,
    name,
    names,
    number,
    path,
    profile_name,
    text,
)
from .sections import (
    ClockKind,
    DashboardConfig,
    JournalConfig,
    JournalSync,
    LeftoverPolicy,
    LiveConfig,
    PaperConfig,
    QueueModel,
    RiskConfig,
    SessionConfig,
    TransportConfig,
)

#: The typed sections with their defaults, by the name of their table in a configuration file.
SECTIONS: Final[Mapping[str, msgspec.Struct]] = {
    "session": SessionConfig(),
    "journal": JournalConfig(),
    "transport": TransportConfig(),
    "paper": PaperConfig(),
    "risk": RiskConfig(),
    "dashboard": DashboardConfig(),
    "live": LiveConfig(),
}

#: Variables of this project that are no key of the configuration.
HOME_VARIABLE: Final = "PARAPHINA_HOME"
CONFIG_VARIABLE: Final = "PARAPHINA_CONFIG"


#: Units as they stand in names, the longer before the shorter.
_UNITS: Final = {
    "per_s": "1/s",
    "ms": "ms",
    "s": "s",
    "hours": "h",
    "usd": "USD",
    "bps": "bps",
    "mb": "MB",
}


def unit_of(key: str) -> str:
    """Return the unit that stands in a key's name, empty for none."""
    return next((unit for word, unit in _UNITS.items() if f"_{word}_" in f"{key}_"), "")


class Field(msgspec.Struct, frozen=True):
    """One key.

    Args:
        key: section and name, as `session.tick_ms`.
        reader: reads its value.
        help: what it means; the unit stands in the key's name.
        sources: options (`--tick-ms`) and variables that set it, the strongest first.
        in_file: a configuration file may set it; what arms real orders never stands in a file.
        is_switch: its option takes no value.
        binds: a run with another value is another run, so a check of the one says nothing about
            the other. Not binding: how long a run lasts, where it writes, the arming switches,
            and a profile's name, since its content binds.
    """

    key: str
    reader: Reader[Any]
    help: str
    sources: tuple[str, ...] = ()
    in_file: bool = True
    is_switch: bool = False
    binds: bool = True

    @property
    def section(self) -> str:
        """The section it stands in."""
        return self.key.partition(".")[0]

    @property
    def name(self) -> str:
        """Its name within the section."""
        return self.key.partition(".")[2]

    @property
    def unit(self) -> str:
        """The unit of its value, empty for none."""
        return unit_of(self.key)

    @property
    def default(self) -> Any:  # noqa: ANN401  # as many types as there are keys
        """Its value when nothing sets it."""
        return getattr(SECTIONS[self.section], self.name)

    @property
    def flags(self) -> tuple[str, ...]:
        """Its command-line options."""
        return tuple(source for source in self.sources if source.startswith("--"))

    @property
    def variables(self) -> tuple[str, ...]:
        """Its environment variables."""
        return tuple(source for source in self.sources if not source.startswith("--"))


_TRADE_MODE_ALIASES: Final = {
    "safe": "shadow",
    "s": "shadow",
    "p": "paper",
    "tn": "testnet",
    "t": "testnet",
    "real": "live",
    "l": "live",
}

FIELDS: Final = (
    Field(
        "session.trade_mode",
        choice({mode.value: mode for mode in TradeMode}, _TRADE_MODE_ALIASES),
        "what happens to orders: recorded, matched on paper, sent to a test network or to production",
        ("--trade-mode", "PARAPHINA_TRADE_MODE"),
    ),
    Field(
        "session.connectors",
        names(),
        "connectors to run, in order, separated by commas",
        ("--connectors", "PARAPHINA_LIVE_CONNECTORS", "--connector", "PARAPHINA_LIVE_CONNECTOR"),
    ),
    Field("session.strategy", name(), "strategy that decides", ("--strategy", "PARAPHINA_STRATEGY")),
    Field(
        "session.seed",
        integer(0, 2**63 - 1),
        "seed of everything that must look random",
        ("--seed", "PARAPHINA_SEED"),
    ),
    Field(
        "session.duration_s",
        duration(31 * 86_400),
        "how long to run, if not for ever; may carry a unit: 90s, 15m, 12h",
        ("--duration",),
        binds=False,
    ),
    Field(
        "session.max_ticks",
        integer(1, 10**12),
        "end after this many ticks",
        ("--max-ticks", "PARAPHINA_LIVE_MAX_TICKS"),
        binds=False,
    ),
    Field(
        "session.tick_ms",
        integer(10, 60_000),
        "time between two decisions",
        ("--tick-ms", "PARAPHINA_MAIN_LOOP_INTERVAL_MS"),
    ),
    Field(
        "session.max_call_ms",
        integer(1, 60_000),
        "longest call of a connector; one that blocks longer is quarantined, in real time only",
    ),
    Field(
        "session.speed",
        number(0.01, 1_000),
        "how many times faster than real time; other than 1 for offline sources only",
        ("--speed", "PARAPHINA_SPEED"),
    ),
    Field(
        "session.clock",
        choice({kind.value: kind for kind in ClockKind}),
        "real time, or virtual time that waits for nothing (offline sources only)",
        ("--clock", "PARAPHINA_CLOCK"),
    ),
    Field(
        "session.out_dir",
        path(),
        "folder the run writes to; if not set, a new one in runs",
        ("--out-dir", "PARAPHINA_LIVE_OUT_DIR"),
        binds=False,
    ),
    Field(
        "session.recording",
        path(),
        "folder of a recording that takes the place of its venue, in shadow and paper mode",
        ("--recording", "PARAPHINA_RECORDING"),
    ),
    Field(
        "session.twin",
        flag(),
        "run on twins of the connectors: servers on this machine, started and ended with the session",
        ("--twin", "PARAPHINA_TWIN"),
        is_switch=True,
    ),
    Field(
        "session.twin_urls",
        loopback_origins(),
        "run on twins that are running already, one for each connector, in their order",
        ("--twin-url", "PARAPHINA_TWIN_URL"),
    ),
    Field(
        "journal.sync",
        choice({kind.value: kind for kind in JournalSync}),
        "sync the journal to disk in groups, or always before going on",
        ("PARAPHINA_JOURNAL_SYNC",),
    ),
    Field("journal.sync_interval_ms", integer(1, 1_000), "longest wait of a group for its sync"),
    Field("journal.segment_mb", integer(1, 1_024), "size at which a journal segment is closed"),
    Field("journal.record_frames", flag(), "record every frame of market data, as a replay needs it"),
    Field(
        "transport.websocket",
        choice({name: name for name in ("auto", "picows", "websockets")}),
        "what carries WebSocket streams; auto takes the fastest that works",
        ("PARAPHINA_WEBSOCKET",),
        binds=False,
    ),
    Field(
        "transport.event_loop",
        choice({name: name for name in ("auto", "uvloop", "asyncio")}),
        "the event loop; auto takes the fastest that works",
        ("PARAPHINA_EVENT_LOOP",),
        binds=False,
    ),
    Field(
        "paper.latency_ms",
        integer(0, 60_000),
        "time an order or cancel takes to the paper exchange",
        ("PARAPHINA_PAPER_LATENCY_MS",),
    ),
    Field("paper.latency_jitter_ms", integer(0, 60_000), "most that chance adds to the latency"),
    Field(
        "paper.balance_usd",
        money(1, 1_000_000_000),
        "starting balance of each connector",
        ("PARAPHINA_PAPER_BALANCE_USD",),
    ),
    Field(
        "paper.queue_model",
        choice({kind.value: kind for kind in QueueModel}),
        "who leaves the queue ahead of a paper order when its level shrinks: nobody, or a share",
    ),
    Field(
        "risk.profile",
        profile_name(),
        "limits of shadow and paper runs: a built-in profile or the path of an own one",
        ("--risk-profile", "PARAPHINA_RISK_PROFILE"),
        binds=False,
    ),
    Field(
        "dashboard.address",
        listen_address(),
        "where dashboard, health and metrics are served, by a process of their own",
        ("--dashboard", "PARAPHINA_LIVE_METRICS_ADDR"),
        binds=False,
    ),
    Field(
        "live.allowed_connectors",
        names(or_none=True),
        "connectors that may send orders in testnet and live mode",
        ("PARAPHINA_LIVE_ALLOWED_CONNECTORS",),
    ),
    Field(
        "live.canary_profile",
        profile_name(),
        "limits of testnet and live runs: a built-in profile or the path of an own one",
        ("--canary-profile", "PARAPHINA_LIVE_CANARY_PROFILE"),
        binds=False,
    ),
    Field(
        "live.preflight_ok",
        flag(),
        "arming: the operator has read the preflight report",
        ("PARAPHINA_LIVE_PREFLIGHT_OK",),
        in_file=False,
        binds=False,
    ),
    Field(
        "live.enable_execution",
        flag(),
        "arming: this command shall send orders",
        ("--enable-live-execution",),
        in_file=False,
        is_switch=True,
        binds=False,
    ),
    Field(
        "live.exec_enable",
        flag(),
        "arming: this environment may send orders",
        ("PARAPHINA_LIVE_EXEC_ENABLE",),
        in_file=False,
        binds=False,
    ),
    Field(
        "live.execution_confirm",
        text(),
        "arming: the word YES",
        ("PARAPHINA_LIVE_EXECUTION_CONFIRM",),
        in_file=False,
        binds=False,
    ),
    Field(
        "live.account_reconcile_ms",
        integer(100, 3_600_000),
        "time between two comparisons of our account with the venue's",
        ("PARAPHINA_LIVE_ACCOUNT_RECONCILE_MS",),
    ),
    Field("live.preflight_valid_hours", number(0.1, 168), "how long a preflight receipt is good for"),
    Field(
        "live.max_clock_skew_ms",
        integer(1, 10_000),
        "largest difference between this machine's clock and a venue's",
    ),
    Field(
        "live.declared_hosts",
        hosts(),
        "hosts that may stand in for a venue's own, such as a proxy of one's own",
    ),
    Field(
        "live.drift_repeats",
        integer(1, 1_000),
        "lists in a row that must show a difference of positions before the venue may only reduce",
    ),
    Field(
        "live.drift_lasts",
        integer(2, 10_000),
        "lists in a row after which such a difference fires the kill switch",
    ),
    Field(
        "live.drift_tolerated_lots",
        integer(0, 1_000_000),
        "difference of positions, in lots of the instrument, that counts as none",
    ),
    Field(
        "live.drift_tolerated_usd",
        number(0, 1_000_000),
        "difference of money that counts as none, beside a thousandth of what the positions are worth",
    ),
    Field(
        "live.reducing_cool_down_s",
        integer(0, 86_400),
        "how long what made a venue only reduce must be absent before it goes on; 0: until the operator says",
    ),
    Field(
        "live.dead_man_waivers",
        names(or_none=True),
        "connectors that may trade although they have no dead-man switch",
    ),
    Field(
        "live.dead_man_window_ms",
        integer(5_000, 3_600_000),
        "time after which a venue cancels by itself unless it hears from this program",
    ),
    Field(
        "live.max_crashes",
        integer(1, 1_000),
        "sessions of an account that may die within ten minutes before none starts by itself any more",
    ),
    Field(
        "live.watchdog",
        flag(),
        "have a second process that cancels everything when the session hangs or dies",
    ),
    Field(
        "live.watchdog_window_ms",
        integer(2_000, 600_000),
        "time within which that process cancels; half of it may pass without a sign of life",
    ),
    Field(
        "live.leftover_orders",
        choice({policy.value: policy for policy in LeftoverPolicy}),
        "open orders found at a venue that are cancelled: those of earlier runs, everybody's, or none",
    ),
    Field(
        "live.key_name",
        name(),
        "which of several keys in the key store testnet and live mode use",
        ("--key-name", "PARAPHINA_KEY_NAME"),
    ),
    Field(
        "live.passphrase_file",
        path(),
        "private file (mode 0600) whose first line opens the key store where nobody can type",
        ("PARAPHINA_PASSPHRASE_FILE",),
        binds=False,
    ),
)

#: The table by key.
BY_KEY: Final[Mapping[str, Field]] = {field.key: field for field in FIELDS}


class CliOption(msgspec.Struct, frozen=True, kw_only=True):
    """One command-line option, for whoever builds the command.

    Its value goes to `resolve(cli=...)` under `flag`, as text (a switch as True); an option that
    is not given is absent or None.
    """

    flag: str
    key: str
    help: str
    is_switch: bool
    default: str


def cli_options() -> tuple[CliOption, ...]:
    """Return the options of all keys that have one, in the table's order."""
    return tuple(
        CliOption(
            flag=option,
            key=field.key,
            help=f"{field.help}, {field.unit}" if field.unit else field.help,
            is_switch=field.is_switch,
            default=shown(field.default),
        )
        for field in FIELDS
        for option in field.flags
    )


def shown(value: object) -> str:
    """Spell a value for people, a dash for nothing."""
    if value is None or value == ():
        return "-"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ",".join(value)
    return f"{value:.15g}" if isinstance(value, float) else str(value)


def portable(value: object) -> object:
    """Return a value as JSON can hold it; its reader takes it back from there."""
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, Decimal):
        return plain(value)
    return str(value) if isinstance(value, Path) else value

"""One typed configuration, read once, in which every value knows where it comes from."""

from __future__ import annotations

from .fields import CONFIG_VARIABLE, FIELDS, HOME_VARIABLE, CliOption, Field, cli_options, shown, unit_of
from .key_store import MIN_PASSPHRASE, KeyChain, KeyCost, KeyHead, KeyStore, new_head
from .model import Config
from .problems import ConfigErrors
from .profile import LIMITS, Limit, RiskProfile, load_profile, packaged_profiles
from .reference import reference
from .resolve import resolve
from .secret import MASK, Secret
from .sections import (
    ClockKind,
    DashboardConfig,
    JournalConfig,
    JournalSync,
    LeftoverPolicy,
    LiveConfig,
    Origin,
    OriginKind,
    PaperConfig,
    QueueModel,
    RiskConfig,
    SessionConfig,
    SettingValue,
)
from .toml_file import read_toml, unknown_keys

__all__ = [
    "CONFIG_VARIABLE",
    "FIELDS",
    "HOME_VARIABLE",
    "LIMITS",
    "MASK",
    "MIN_PASSPHRASE",
    "CliOption",
    "ClockKind",
    "Config",
    "ConfigErrors",
    "DashboardConfig",
    "Field",
    "JournalConfig",
    "JournalSync",
    "KeyChain",
    "KeyCost",
    "KeyHead",
    "KeyStore",
    "LeftoverPolicy",
    "Limit",
    "LiveConfig",
    "Origin",
    "OriginKind",
    "PaperConfig",
    "QueueModel",
    "RiskConfig",
    "RiskProfile",
    "Secret",
    "SessionConfig",
    "SettingValue",
    "cli_options",
    "load_profile",
    "new_head",
    "packaged_profiles",
    "read_toml",
    "reference",
    "resolve",
    "shown",
    "unit_of",
    "unknown_keys",
]

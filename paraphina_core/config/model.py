"""The configuration of one run, and the hash that says whether two runs are told the same."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import msgspec

from .fields import FIELDS, Field, portable
from .profile import RiskProfile
from .secret import Secret
from .sections import (
    JournalConfig,
    LiveConfig,
    Origin,
    PaperConfig,
    RiskConfig,
    SessionConfig,
    SettingValue,
)


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a run was told, read once; nothing of it changes while the run lasts.

    Args:
        strategy_parameters: every parameter of the selected strategy, in force.
        connectors: settings by connector, those that have a value and are no secret.
        secrets: every secret of the selected connectors' specs, set or not.
        profile: the limits in force. In shadow and paper those of `risk.profile`; in testnet and
            live those of `live.canary_profile`, None as long as none is named.
        origins: where each value comes from, by dotted key (`session.tick_ms`).
    """

    session: SessionConfig = SessionConfig()
    journal: JournalConfig = JournalConfig()
    paper: PaperConfig = PaperConfig()
    risk: RiskConfig = RiskConfig()
    live: LiveConfig = LiveConfig()
    strategy_parameters: Mapping[str, float] = {}
    connectors: Mapping[str, Mapping[str, SettingValue]] = {}
    secrets: Mapping[str, Mapping[str, Secret]] = {}
    profile: RiskProfile | None = None
    origins: Mapping[str, Origin] = {}

    @property
    def selected(self) -> tuple[str, ...]:
        """Names of the selected connectors' specs, in the order given."""
        return self.session.connectors

    def value(self, field: Field) -> object:
        """Return the value of a key of the table `FIELDS`."""
        return getattr(getattr(self, field.section), field.name)

    def digest(self) -> str:
        """Return the SHA-256, in hex, of everything that makes this run another run.

        That is every binding key, the strategy's parameters, the connectors' settings, which
        secrets are set (never their values) and the content of the risk profile in force.
        """
        content = {
            "values": {field.key: portable(self.value(field)) for field in FIELDS if field.binds},
            "strategy": self.strategy_parameters,
            "connectors": self.connectors,
            "secrets_set": {
                connector: sorted(setting for setting, secret in secrets.items() if secret.is_set)
                for connector, secrets in self.secrets.items()
            },
            "profile": self.profile,
        }
        return hashlib.sha256(msgspec.json.encode(content, order="deterministic")).hexdigest()

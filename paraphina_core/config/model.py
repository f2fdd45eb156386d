"""The configuration of one run, and the hash that says whether two runs are told the same."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

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

"""The configuration of one run: its values, their hash, and the record that a replay starts from."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from paraphina_core.domain import ConfigError

from .fields import FIELDS, SECTIONS, Field, portable
from .profile import RiskProfile
from .secret import Secret
from .sections import (
    DashboardConfig,
    JournalConfig,
    LiveConfig,
    Origin,
    PaperConfig,
    RiskConfig,
    SessionConfig,
    SettingValue,
    TransportConfig,
)

_SET: Final = "set"
_NOT_SET: Final = "not set"


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a run was told, read once; nothing of it changes while the run lasts.

    Args:
        strategy_parameters: every parameter of the selected strategy, in force.
        connectors: settings by connector, those that have a value and are no secret.
        secrets: every secret of the selected connectors' specs, set or not.
        profile: the limits in force. In shadow and paper those of `risk.profile`; in testnet and
            live those of `live.canary_profile`, None as long as none is named; on twins then the former.
        origins: where each value comes from, by dotted key (`session.tick_ms`).
    """

    session: SessionConfig = SessionConfig()
    journal: JournalConfig = JournalConfig()
    transport: TransportConfig = TransportConfig()
    paper: PaperConfig = PaperConfig()
    risk: RiskConfig = RiskConfig()
    dashboard: DashboardConfig = DashboardConfig()
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

    @property
    def is_on_twins(self) -> bool:
        """True if twins stand in for the venues: then no address may lead away from this machine."""
        return self.session.twin or bool(self.session.twin_urls)

    @property
    def reaches_venue(self) -> bool:
        """True if orders leave for the order entry of a real venue."""
        return self.session.trade_mode.reaches_venue and not self.is_on_twins

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
            "secrets": _states(self.secrets),
            "profile": self.profile,
        }
        return hashlib.sha256(msgspec.json.encode(content, order="deterministic")).hexdigest()

    def resolved(self) -> dict[str, Any]:
        """Return every value and its origin as JSON has them; of a secret, whether it is set.

        It is safe to write to disk, and `from_resolved` rebuilds the configuration from it.
        """
        record = _Record(
            digest=self.digest(),
            values={field.key: portable(self.value(field)) for field in FIELDS},
            strategy_parameters=self.strategy_parameters,
            connectors=self.connectors,
            secrets=_states(self.secrets),
            profile=self.profile,
            origins=self.origins,
        )
        plain: dict[str, Any] = msgspec.to_builtins(record)
        return plain

    @classmethod
    def from_resolved(cls, resolved: Mapping[str, Any]) -> Config:
        """Rebuild what `resolved` described, for a replay: its secrets are known to be set, no more.

        Raises:
            ConfigError: it is no such description, of another version, or changed since.
        """
        try:
            record = msgspec.convert(resolved, _Record)
        except msgspec.ValidationError as e:
            raise ConfigError("this is no resolved configuration", found=str(e)) from e
        config = cls(
            **record.sections(),
            strategy_parameters=record.strategy_parameters,
            connectors=record.connectors,
            secrets={
                connector: {name: Secret(None, is_set=state == _SET) for name, state in states.items()}
                for connector, states in record.secrets.items()
            },
            profile=record.profile,
            origins=record.origins,
        )
        if config.digest() != record.digest:
            raise ConfigError(
                "this resolved configuration was changed after it was written",
                found=f"digest {config.digest()}",
                wanted=record.digest,
            )
        return config


class _Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    digest: str
    values: Mapping[str, Any]
    strategy_parameters: Mapping[str, float]
    connectors: Mapping[str, Mapping[str, SettingValue]]
    secrets: Mapping[str, Mapping[str, str]]
    profile: RiskProfile | None
    origins: Mapping[str, Origin]

    def sections(self) -> dict[str, Any]:
        keys = {field.key for field in FIELDS}
        if self.values.keys() != keys:
            raise ConfigError(
                "this resolved configuration is of another version",
                found=f"other keys: {', '.join(sorted(self.values.keys() ^ keys))}",
                remedy="use the version that wrote it",
            )
        return sections_of({field.key: self._value(field) for field in FIELDS})

    def _value(self, field: Field) -> Any:  # noqa: ANN401  # as many types as there are keys
        value = self.values[field.key]
        if value is None and field.default is None:
            return None
        is_text = isinstance(value, str)
        return field.reader.read(value, name=field.key, origin="the resolved configuration", is_text=is_text)


def sections_of(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the typed sections of values by key."""
    return {
        section: type(defaults)(**{f.name: values[f.key] for f in FIELDS if f.section == section})
        for section, defaults in SECTIONS.items()
    }


def _states(secrets: Mapping[str, Mapping[str, Secret]]) -> dict[str, dict[str, str]]:
    return {
        connector: {name: _SET if secret.is_set else _NOT_SET for name, secret in one.items()}
        for connector, one in secrets.items()
    }

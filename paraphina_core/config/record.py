"""The configuration as it is kept with a run: safe to write to disk, and enough to run it again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from paraphina_core.domain import ConfigError

from .fields import FIELDS, SECTIONS, Field, portable
from .model import Config
from .profile import RiskProfile
from .secret import Secret
from .sections import Origin

_SET: Final = "set"
_NOT_SET: Final = "not set"


class _Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    digest: str
    values: Mapping[str, Any]
    strategy_parameters: Mapping[str, float]
    connectors: Mapping[str, Mapping[str, str | int | float | bool]]
    secrets: Mapping[str, Mapping[str, str]]
    profile: RiskProfile | None
    origins: Mapping[str, Origin]


def config_resolved(config: Config) -> dict[str, Any]:
    """Return every value and its origin as plain JSON values; of a secret, whether it is set."""
    record = _Record(
        digest=config.digest(),
        values={field.key: portable(config.value(field)) for field in FIELDS},
        strategy_parameters=config.strategy_parameters,
        connectors=config.connectors,
        secrets={
            connector: {name: _SET if secret.is_set else _NOT_SET for name, secret in secrets.items()}
            for connector, secrets in config.secrets.items()
        },
        profile=config.profile,
        origins=config.origins,
    )
    plain: dict[str, Any] = msgspec.to_builtins(record)
    return plain


def from_resolved(resolved: Mapping[str, Any]) -> Config:
    """Rebuild the configuration that `config_resolved` described, its secrets as set but not known.

    Raises:
        ConfigError: it is not such a description, or its digest says that somebody changed it.
    """
    try:
        record = msgspec.convert(resolved, _Record)
    except msgspec.ValidationError as e:
        raise ConfigError("this is no resolved configuration", found=str(e)) from e
    keys = {field.key for field in FIELDS}
    if record.values.keys() != keys:
        raise ConfigError(
            "this resolved configuration is of another version",
            found=f"other keys: {', '.join(sorted(record.values.keys() ^ keys))}",
            remedy="use the version that wrote it",
        )
    sections: dict[str, Any] = {
        section: type(defaults)(
            **{field.name: _restored(field, record.values) for field in FIELDS if field.section == section}
        )
        for section, defaults in SECTIONS.items()
    }
    config = Config(
        **sections,
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


def _restored(field: Field, values: Mapping[str, Any]) -> Any:  # noqa: ANN401  # as many types as there are keys
    value = values[field.key]
    if value is None and field.default is None:
        return None
    is_text = isinstance(value, str)
    return field.reader.read(value, name=field.key, origin="the resolved configuration", is_text=is_text)

"""Find the names that mean nothing here, so that a misspelt key is not silently ignored."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from paraphina_core.connector import ConnectorSpec, SettingKind
from paraphina_core.domain import ConfigError, nearest_name

from .fields import CONFIG_VARIABLE, FIELDS, HOME_VARIABLE, SECTIONS
from .toml_file import unknown_keys

_PREFIX: Final = "PARAPHINA_"

#: Tables of a configuration file beside the sections.
STRATEGY_TABLE: Final = "strategy"
CONNECTORS_TABLE: Final = "connectors"


def unknown_variables(env: Collection[str], specs: Collection[ConnectorSpec]) -> Iterator[ConfigError]:
    """Yield an error for each variable with this project's prefix that neither a key nor a connector has."""
    known = {CONFIG_VARIABLE, HOME_VARIABLE}
    known |= {variable for field in FIELDS for variable in field.variables}
    known |= {setting.env for spec in specs for setting in spec.settings}
    ours = [name.removeprefix(_PREFIX) for name in known if name.startswith(_PREFIX)]
    for name in sorted(env):
        if name.startswith(_PREFIX) and name not in known:
            # Compared without the prefix, which would make every name resemble every other.
            nearest = nearest_name(name.removeprefix(_PREFIX), ours)
            remedy = f"did you mean {_PREFIX}{nearest}?" if nearest else "unset it"
            yield ConfigError("environment variable is not known", found=name, remedy=remedy)


def misplaced_keys(tables: Mapping[str, Any], file: str) -> Iterator[ConfigError]:
    """Yield an error for each table and key of the sections that is unknown or must not stand in a file."""
    known: dict[str, list[str]] = {STRATEGY_TABLE: [], CONNECTORS_TABLE: []}
    judged_later: dict[str, Any] = {table: {} for table in known if isinstance(tables.get(table), dict)}
    known |= {section: [f.name for f in FIELDS if f.section == section] for section in SECTIONS}
    yield from unknown_keys({**tables, **judged_later}, known, file)
    for field in FIELDS:
        section = tables.get(field.section)
        if not field.in_file and isinstance(section, dict) and field.name in section:
            yield ConfigError(
                f"{field.key} stands in {file}",
                wanted=f"only {' or '.join(field.sources)}: no file arms real orders",
            )


def misplaced_settings(table: str, content: object, spec: ConnectorSpec, file: str) -> Iterator[ConfigError]:
    """Yield an error for each key of a connector's table that is no setting of it, or a secret."""
    yield from unknown_keys({table: content}, {table: [setting.name for setting in spec.settings]}, file)
    for setting in spec.settings:
        if setting.kind is SettingKind.SECRET and isinstance(content, dict) and setting.name in content:
            yield ConfigError(  # never with what was found
                f"[{table}] {setting.name} stands in {file}",
                wanted=f"only the environment variable {setting.env}, since it is a secret",
                remedy="remove it there, and consider the secret known to others",
            )


def unknown_parameters(tables: Mapping[str, Any], names: Collection[str], file: str) -> Iterator[ConfigError]:
    """Yield an error for each key of the strategy's table that is no parameter of the strategy."""
    content = tables.get(STRATEGY_TABLE)
    if isinstance(content, dict):
        yield from unknown_keys({STRATEGY_TABLE: content}, {STRATEGY_TABLE: names}, file)

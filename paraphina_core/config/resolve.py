"""Make one configuration of command line, environment, file and defaults, or say everything that is wrong.

An option beats a variable, a variable beats the file, the file beats the default; for the connectors
the order stands in the table `FIELDS`. What is only missing is no error here: the start-up gates name it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from paraphina_core.connector import DataSource, Parameter, Plugins, SettingKind
from paraphina_core.domain import ConfigError, LocalError

from .fields import BY_KEY, CONFIG_VARIABLE, FIELDS, Field
from .key_store import KeyChain
from .layers import Found, Layers
from .model import Config, sections_of
from .problems import Problems
from .profile import RiskProfile, load_profile
from .readers import Reader, flag, integer, number, path, text
from .secret import Secret
from .sections import ClockKind, Origin, OriginKind, SettingValue
from .vocabulary import (
    CONNECTORS_TABLE,
    STRATEGY_TABLE,
    misplaced_keys,
    misplaced_settings,
    unknown_parameters,
    unknown_variables,
)

_DEFAULT: Final = Origin(OriginKind.DEFAULT, "default")
#: Keys whose values are names of connectors.
_OF_CONNECTORS: Final = ("session.connectors", "live.allowed_connectors", "live.dead_man_waivers")

_SETTING_READERS: Final[Mapping[SettingKind, Reader[Any]]] = {
    SettingKind.TEXT: text(),
    SettingKind.INTEGER: integer(-(2**63), 2**63 - 1),
    SettingKind.NUMBER: number(-1e18, 1e18),
    SettingKind.FLAG: flag(),
    SettingKind.PATH: path(),
}
#: Range of a parameter that its strategy says nothing about.
_ANY_PARAMETER: Final = (-1e12, 1e12)


def resolve(
    *,
    cli: Mapping[str, object],
    env: Mapping[str, str],
    file: Path | None,
    plugins: Plugins,
    keys: KeyChain | None = None,
) -> Config:
    """Return the configuration of a run.

    Args:
        cli: the options that were given, by flag (`--tick-ms`), as text, a switch as True; None
            is not given.
        env: the environment.
        file: the configuration file; when None, PARAPHINA_CONFIG may name it.
        plugins: knows the connectors and strategies.
        keys: the key store; in the modes that send orders it gives what the environment does not.

    Raises:
        ConfigError: names every value that is not usable and every name that is not known, each
            with where it stands and what would do.
    """
    options = {option for field in FIELDS for option in field.flags}
    if not cli.keys() <= options:
        raise LocalError("no key has such an option", found=sorted(cli.keys() - options))
    named = env.get(CONFIG_VARIABLE)
    layers = Layers(cli, env, file or (Path(named) if named else None))
    return _Resolver(layers, plugins, keys).config()


class _Resolver:
    """Reads one key after the other, notes every problem and every origin."""

    def __init__(self, layers: Layers, plugins: Plugins, keys: KeyChain | None) -> None:
        self._layers = layers
        self._keys = keys
        self._plugins = plugins
        self._problems = Problems()
        self._origins: dict[str, Origin] = {}
        self._tables: dict[str, str] = {}  # of the file, by the connector they are for

    def config(self) -> Config:
        self._check_names()
        values = {field.key: self._value(field) for field in FIELDS}
        for key in _OF_CONNECTORS:
            values[key] = self._connector_names(key, values[key])
        connectors, secrets = self._settings(values["session.connectors"])
        is_on_twins = values["session.twin"] or values["session.twin_urls"]
        is_sending = values["session.trade_mode"].reaches_venue
        if self._keys is not None and is_sending and not is_on_twins:
            for name in values["session.connectors"]:
                self._take_key(self._keys, name, values, connectors[name], secrets[name])
        values["session.strategy"], parameters = self._strategy(values["session.strategy"])
        paper_profile = self._profile("risk.profile", values["risk.profile"])
        real_profile = self._profile("live.canary_profile", values["live.canary_profile"])
        self._problems.raise_if_any()
        self._problems.add(self._misplaced_time(values))
        self._problems.raise_if_any()
        return Config(
            **sections_of(values),
            strategy_parameters=parameters,
            connectors=connectors,
            secrets=secrets,
            profile=(real_profile or (paper_profile if is_on_twins else None))
            if is_sending
            else paper_profile,
            origins=self._origins,
        )

    def _check_names(self) -> None:
        tables, file = self._layers.tables, self._layers.file_name
        self._problems.add(unknown_variables(self._layers.env.keys(), self._plugins.connectors.values()))
        self._problems.add(misplaced_keys(tables, file))
        of_connectors = tables.get(CONNECTORS_TABLE)
        for typed, content in of_connectors.items() if isinstance(of_connectors, dict) else ():
            table = f"{CONNECTORS_TABLE}.{typed}"
            with self._problems.collect(f"[{table}] in {file}"):
                spec = self._plugins.connector(typed)
                self._problems.add(misplaced_settings(table, content, spec, file))
                if self._tables.setdefault(spec.name, table) != table:
                    raise ConfigError(
                        "a second table for the same connector",
                        found=f"[{self._tables[spec.name]}]",
                        wanted="one of the two",
                    )

    def _value(self, field: Field) -> Any:  # noqa: ANN401  # as many types as there are keys
        found = self._layers.first(field.sources)
        if found is None and field.in_file:
            found = self._layers.in_file(field.section, field.name)
        return self._read(field.key, found, field.reader, field.default)

    def _read(self, key: str, found: Found | None, reader: Reader[Any], default: object) -> Any:  # noqa: ANN401  # same
        self._origins[key] = found.origin if found else _DEFAULT
        if found is not None:
            with self._problems.collect():
                return found.read(key, reader)
        return default

    def _connector_names(self, key: str, typed: tuple[str, ...]) -> tuple[str, ...]:
        names: dict[str, None] = {}
        for name in typed:
            with self._problems.collect(f"{key}, set by {self._origins[key]}"):
                names[self._plugins.connector(name).name] = None
        return tuple(names)

    def _settings(
        self, selected: tuple[str, ...]
    ) -> tuple[dict[str, dict[str, SettingValue]], dict[str, dict[str, Secret]]]:
        values: dict[str, dict[str, SettingValue]] = {name: {} for name in selected}
        secrets: dict[str, dict[str, Secret]] = {name: {} for name in selected}
        for name in selected:
            table = self._tables.get(name, "")
            for setting in self._plugins.connectors[name].settings:
                key = f"{CONNECTORS_TABLE}.{name}.{setting.name}"
                found = self._layers.first([setting.env])
                if setting.kind is SettingKind.SECRET:
                    secrets[name][setting.name] = Secret(str(found.value) if found else None)
                    self._origins[key] = found.origin if found else _DEFAULT
                    continue
                found = found or self._layers.in_file(table, setting.name)
                if found is None and setting.default is not None:
                    found = Found(setting.default, _DEFAULT, Path())
                value = self._read(key, found, _SETTING_READERS[setting.kind], None)
                if value is not None:
                    values[name][setting.name] = str(value) if isinstance(value, Path) else value
        return values, secrets

    def _take_key(
        self,
        keys: KeyChain,
        connector: str,
        values: Mapping[str, Any],
        settings: dict[str, SettingValue],
        secrets: dict[str, Secret],
    ) -> None:
        """Complete a connector's secrets and account from the key store."""
        network, key_name = values["session.trade_mode"].network, values["live.key_name"]
        with self._problems.collect(f"key of {connector}"):
            head = keys.head(connector, network, key_name)
            taken = () if head is None else [name for name in head.holds if not secrets[name].is_set]
            if head is None or not taken:
                return
            origin = Origin(OriginKind.KEY_STORE, f"the key {connector}.{network}.{key_name}")
            for name in taken:
                secrets[name] = keys.secret(head, name, values["live.passphrase_file"])
                self._origins[f"{CONNECTORS_TABLE}.{connector}.{name}"] = origin
            for name, value in head.account.items():
                if settings.setdefault(name, value) != value:
                    raise ConfigError(
                        f"{name} is of another account than the key",
                        found=settings[name],
                        wanted=value,
                        remedy="leave it out, or name the key of that account",
                    )
                self._origins.setdefault(f"{CONNECTORS_TABLE}.{connector}.{name}", origin)

    def _strategy(self, typed: str) -> tuple[str, Mapping[str, float]]:
        with self._problems.collect(f"session.strategy, set by {self._origins['session.strategy']}"):
            spec = self._plugins.strategy(typed)
            names = spec.parameters.keys()
            self._problems.add(unknown_parameters(self._layers.tables, names, self._layers.file_name))
            return spec.name, {
                parameter: self._read(
                    f"{STRATEGY_TABLE}.{parameter}",
                    self._layers.in_file(STRATEGY_TABLE, parameter),
                    _parameter_reader(spec.explained.get(parameter)),
                    default,
                )
                for parameter, default in spec.parameters.items()
            }
        return typed, {}

    def _profile(self, key: str, name_or_path: str | Path | None) -> RiskProfile | None:
        if name_or_path is not None:
            with self._problems.collect(f"{key}, set by {self._origins[key]}"):
                return load_profile(name_or_path)
        return None

    def _misplaced_time(self, values: Mapping[str, Any]) -> Iterator[ConfigError]:
        """Yield an error for time that is not a venue's where a venue is, and for a speed nobody uses."""
        mode = values["session.trade_mode"]
        is_recorded = values["session.recording"] is not None
        online = [
            name
            for name in values["session.connectors"]
            if mode.reaches_venue
            or (self._plugins.connectors[name].data_source is DataSource.VENUE and not is_recorded)
        ]
        for key in ("session.speed", "session.clock") if online else ():
            if values[key] != BY_KEY[key].default:
                yield ConfigError(
                    f"{key}, set by {self._origins[key]}, needs recorded or synthetic markets on paper",
                    found=f"{values[key]} with {', '.join(online)} in {mode} mode",
                    wanted=str(BY_KEY[key].default),
                )
        if values["session.clock"] is ClockKind.VIRTUAL and values["session.speed"] != 1.0:
            yield ConfigError(
                f"session.speed, set by {self._origins['session.speed']}, has no meaning in virtual time",
                found=values["session.speed"],
                remedy="leave out one of the two",
            )


def _parameter_reader(explained: Parameter | None) -> Reader[float]:
    """Return what reads a strategy's parameter within the range that the strategy gives."""
    low, high = _ANY_PARAMETER if explained is None else (explained.low, explained.high)
    return number(low, high)

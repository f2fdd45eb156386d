"""What was loaded: every connector, strategy, gate and check by name, and a record of each plugin."""

from __future__ import annotations

import copy
import logging
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from traceback import walk_tb
from types import MappingProxyType
from typing import Final, Protocol

import msgspec

from paraphina_core.domain import ConfigError, ParaphinaError, canonical_name, did_you_mean

from .catalogue import FeatureFlag
from .extensions import Observation, OrderGate, PreflightCheck, StrategySpec
from .spec import ConnectorSpec

#: Characters of a plugin's error that are kept; whatever could steer a terminal is replaced.
_MAX_REASON: Final = 300

#: Errors after which an observer is not called any more.
MAX_OBSERVER_ERRORS: Final = 10

_log = logging.getLogger(__name__)


class PluginStatus(StrEnum):
    """Loaded and used, broken by an error of its own, or refused by a rule of the core."""

    LOADED = "loaded"
    BROKEN = "broken"
    REFUSED = "refused"


class PluginRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One plugin as it was found.

    Args:
        name: name of its entry point; for a built-in one the name of its module.
        distribution: normalised name of the distribution that brings it.
        version: version of that distribution.
        source_hash: hash of its source code, empty if it could not be taken.
        location: where its code lies.
        editable: the code is a working copy.
        builtin: it is a part of the core.
        hooks: hooks it implements, of a loaded plugin.
        connectors: names of the connectors it registered, of a loaded plugin.
        reason: why it is broken or refused.
    """

    name: str
    distribution: str
    version: str
    source_hash: str
    location: str
    editable: bool
    status: PluginStatus
    builtin: bool = False
    hooks: tuple[str, ...] = ()
    connectors: tuple[str, ...] = ()
    reason: str = ""


class Observe(Protocol):
    """The hook `paraphina_observe` of one plugin."""

    def __call__(self, *, observation: Observation) -> object:
        """Show it one step of the session."""


class Observer:
    """One plugin's observer, called until it has failed too often."""

    def __init__(self, record: PluginRecord, call: Observe) -> None:
        self._record = record
        self._call = call
        self._errors = 0

    def observe(self, observation: Observation) -> None:
        """Call the plugin; an error is logged and never raised."""
        if self._errors >= MAX_OBSERVER_ERRORS:
            return
        try:
            self._call(observation=observation)
        except KeyboardInterrupt:
            raise
        except BaseException as e:  # noqa: BLE001  # not even sys.exit() in an observer may end trading
            self._errors += 1
            _log.warning(
                "observer of plugin %s failed: %s", self._record.name, describe(e, self._record.location)
            )
            if self._errors >= MAX_OBSERVER_ERRORS:
                _log.warning(
                    "observer of plugin %s is muted after %d errors", self._record.name, self._errors
                )


class Registration(msgspec.Struct, frozen=True, kw_only=True):
    """What one loaded plugin registered."""

    record: PluginRecord
    connectors: tuple[ConnectorSpec, ...] = ()
    strategies: tuple[StrategySpec, ...] = ()
    order_gates: tuple[OrderGate, ...] = ()
    preflight_checks: tuple[PreflightCheck, ...] = ()
    observer: Observer | None = None


class Plugins:
    """Everything that plugins brought.

    Args:
        records: every plugin that was found, usable or not.
        registrations: what the loaded ones registered; no name stands there twice.
        flags: feature flags of the core, installed or not.
    """

    def __init__(
        self,
        records: Sequence[PluginRecord],
        registrations: Sequence[Registration],
        flags: Sequence[FeatureFlag] = (),
    ) -> None:
        self.plugins = tuple(records)
        self.flags = tuple(flags)
        self.connectors: Mapping[str, ConnectorSpec] = MappingProxyType(
            {spec.name: spec for one in registrations for spec in one.connectors}
        )
        self.strategies: Mapping[str, StrategySpec] = MappingProxyType(
            {spec.name: spec for one in registrations for spec in one.strategies}
        )
        self.order_gates = tuple(gate for one in registrations for gate in one.order_gates)
        self.preflight_checks = tuple(check for one in registrations for check in one.preflight_checks)
        self._observers = tuple(one.observer for one in registrations if one.observer is not None)
        self._origins = {spec.name: one.record for one in registrations for spec in one.connectors}
        self._by_name = {
            name: spec for spec in self.connectors.values() for name in (spec.name, *spec.aliases)
        }

    def replaced(self, spec: ConnectorSpec) -> Plugins:
        """Return the same plugins with a connector in the place of its namesake, or as a further one."""
        other = copy.copy(self)
        other.connectors = MappingProxyType({**self.connectors, spec.name: spec})
        other._by_name = {name: one for one in other.connectors.values() for name in (one.name, *one.aliases)}  # noqa: SLF001  # another of this class
        return other

    def connector(self, name_or_alias: str) -> ConnectorSpec:
        """Return the connector that somebody typed the name or an alias of.

        Raises:
            ConfigError: there is none; the error says how to install it, why its plugin is not
                used, or which name is nearest.
        """
        name = canonical_name(name_or_alias)
        spec = self._by_name.get(name)
        if spec is not None:
            return spec
        flag = next((flag for flag in self.flags if flag.brings(name)), None)
        brought = self.records_of(flag.distributions) if flag else ()
        if flag and not brought:
            raise ConfigError(f"connector {name} is not installed", remedy=f"install it: {flag.command}")
        for record in (*brought, *(record for record in self.plugins if canonical_name(record.name) == name)):
            if record.status is not PluginStatus.LOADED:
                raise ConfigError(
                    f"connector {name} cannot be used: its plugin is {record.status}: {record.reason}",
                    remedy="`paraphina plugins` lists every plugin and its state",
                )
        known = {*self._by_name, *(flag.connector for flag in self.flags if not flag.is_bundle)}
        raise ConfigError("no connector has this name", found=name_or_alias, remedy=did_you_mean(name, known))

    def strategy(self, typed: str) -> StrategySpec:
        """Return the strategy of that name.

        Raises:
            ConfigError: there is none; the error names the nearest.
        """
        for spec in self.strategies.values():
            if canonical_name(spec.name) == canonical_name(typed):
                return spec
        raise ConfigError(
            "no strategy has this name", found=typed, remedy=did_you_mean(typed, self.strategies)
        )

    def origin_of(self, connector: str) -> PluginRecord:
        """Return the plugin that registered the connector of that name or alias.

        Raises:
            ConfigError: there is no such connector.
        """
        return self._origins[self.connector(connector).name]

    def records_of(self, distributions: Iterable[str]) -> tuple[PluginRecord, ...]:
        """Return the plugins, usable or not, that these distributions brought."""
        wanted = set(distributions)
        return tuple(record for record in self.plugins if record.distribution in wanted)

    @property
    def observed(self) -> bool:
        """Whether any plugin wants to see the session's steps."""
        return bool(self._observers)

    def observe(self, observation: Observation) -> None:
        """Show a step of the session to every observer; never raises and mutes whoever keeps failing."""
        for observer in self._observers:
            observer.observe(observation)


def describe(error: BaseException, location: str) -> str:
    """Say in one line what a plugin raised, whatever its exception does when it is printed.

    Args:
        error: what was raised.
        location: folder or file of the plugin's code; the innermost line in it is named.
    """
    try:
        text = "".join(letter if letter.isprintable() else "?" for letter in " ".join(str(error).split()))
    except Exception:  # noqa: BLE001  # the exception is the plugin's, and so is its __str__
        text = "an error that cannot be printed"
    frames = [(frame.f_code.co_filename, line) for frame, line in walk_tb(error.__traceback__)]
    own = [f" ({file}, line {line})" for file, line in frames if location and file.startswith(location)]
    kind = "" if isinstance(error, ParaphinaError) else f"{type(error).__name__}: "
    return f"{kind}{text[:_MAX_REASON]}{own[-1] if own else ''}"

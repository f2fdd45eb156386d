"""Load the plugins that may be loaded, and keep what each registers apart until all have registered.

Every import and every hook call is guarded: a plugin that fails is listed with the reason, and the
rest work. Each plugin has a hook registry of its own, so that no plugin can wrap, reorder or answer
for another. Names are compared after all have registered, so that no order of loading decides.
"""

from __future__ import annotations

import contextlib
import importlib
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, Final, TypeVar, get_type_hints

import msgspec
import pluggy

from paraphina_core import __version__
from paraphina_core.domain import LocalError, canonical_name

from . import hooks
from .catalogue import FeatureFlag, feature_flags
from .core_watch import core_parts, replaced
from .discovery import Candidate, discover, environment_folders
from .extensions import OrderGate, PreflightCheck, StrategySpec
from .hooks import PROJECT
from .plugins import Observer, PluginRecord, Plugins, PluginStatus, Registration, describe
from .protocol import Connector, ConnectorContext, SigningKey
from .source_hash import core_hash
from .spec import CONTRACT_VERSION, ConnectorSpec

#: No plugin has reason to register more of one kind.
MAX_REGISTRATIONS: Final = 100

#: Parts of the core that a message names at most.
_MOST_NAMED: Final = 5

#: The fields of each kind that hold a function, and whether it may be missing; all others are plain data.
_FUNCTIONS: Final[Mapping[type, Mapping[str, bool]]] = {
    ConnectorSpec: {"factory": True, "signer": True},
    StrategySpec: {"build": False},
    OrderGate: {"refuses": False},
    PreflightCheck: {"run": False},
}

_Kind = TypeVar("_Kind", ConnectorSpec, StrategySpec, OrderGate, PreflightCheck)


def load_plugins(
    builtins: Sequence[ModuleType],
    candidates: Sequence[Candidate] | None = None,
    flags: Sequence[FeatureFlag] | None = None,
) -> Plugins:
    """Import every candidate without problems, call its registering hooks, and keep what has no rival.

    Never raises for anything a plugin does; its record says what went wrong.

    Args:
        builtins: modules of the core that implement hooks.
        candidates: plugins found; None to look for them.
        flags: feature flags of the core, whose names are kept for the distributions they install;
            None to read them.
    """
    known = feature_flags() if flags is None else tuple(flags)
    tried = [_try(_builtin_record(module), module) for module in builtins]
    for candidate in discover() if candidates is None else candidates:
        record = _candidate_record(candidate)
        usable = record.status is PluginStatus.LOADED
        tried.append(_try(record, candidate.module) if usable else Registration(record=record))
    rivals = _rivals(tried)
    judged = [_judge(one, [*_objections(one, known), *rivals[index]]) for index, one in enumerate(tried)]
    loaded = [one for one in judged if one.record.status is PluginStatus.LOADED]
    return Plugins([one.record for one in judged], loaded, known)


def _builtin_record(module: ModuleType) -> PluginRecord:
    location = Path(str(module.__file__)).resolve()
    return PluginRecord(
        name=module.__name__.rpartition(".")[2],
        distribution=PROJECT,
        version=__version__,
        source_hash=core_hash(),
        location=str(location),
        editable=not any(location.is_relative_to(folder) for folder in environment_folders()),
        builtin=True,
        status=PluginStatus.LOADED,
    )


def _candidate_record(candidate: Candidate) -> PluginRecord:
    return PluginRecord(
        name=candidate.name,
        distribution=candidate.distribution,
        version=candidate.version,
        source_hash=candidate.source_hash,
        location=candidate.location,
        editable=candidate.editable,
        status=PluginStatus.REFUSED if candidate.problems else PluginStatus.LOADED,
        reason="; ".join(candidate.problems),
    )


def _try(record: PluginRecord, module: ModuleType | str) -> Registration:
    """Import a plugin and call its registering hooks; what it raises becomes its record's reason.

    Only Ctrl-C gets through. What a plugin prints goes to stderr, so that it cannot spoil output
    that a program reads.
    """
    try:
        with contextlib.redirect_stdout(sys.stderr):
            return _register(record, module) if isinstance(module, ModuleType) else _import(record, module)
    except KeyboardInterrupt:
        raise
    except BaseException as e:  # noqa: BLE001  # a plugin may raise anything, SystemExit too
        return Registration(
            record=msgspec.structs.replace(
                record, status=PluginStatus.BROKEN, reason=describe(e, record.location)
            )
        )


def _import(record: PluginRecord, module: str) -> Registration:
    before = core_parts()
    registered = _register(record, importlib.import_module(module))
    if changes := replaced(before):
        raise LocalError(
            "it replaces parts of the core",
            found=", ".join(changes[:_MOST_NAMED]),
            wanted="a plugin that uses hooks alone",
            remedy="uninstall it, and begin a new process: this one is not what was tested",
        )
    return registered


def _register(record: PluginRecord, module: ModuleType) -> Registration:
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(hooks)
    manager.register(module, record.name)
    manager.check_pending()
    callers = manager.get_hookcallers(module)
    if not callers:
        raise LocalError(f"{module.__name__} implements no hook", remedy="is @hookimpl missing?")
    connectors = _collect(manager.hook.paraphina_register_connectors, ConnectorSpec)
    return Registration(
        record=msgspec.structs.replace(
            record,
            hooks=tuple(sorted(caller.name for caller in callers)),
            connectors=tuple(spec.name for spec in connectors),
        ),
        connectors=connectors,
        strategies=_collect(manager.hook.paraphina_register_strategies, StrategySpec),
        order_gates=_collect(manager.hook.paraphina_register_order_gates, OrderGate),
        preflight_checks=_collect(manager.hook.paraphina_register_preflight_checks, PreflightCheck),
        observer=(
            Observer(record, manager.hook.paraphina_observe)
            if manager.hook.paraphina_observe.get_hookimpls()
            else None
        ),
    )


def _collect(hook: pluggy.HookCaller, kind: type[_Kind]) -> tuple[_Kind, ...]:
    """Call a registering hook and return what the plugin registered in it."""
    items: list[_Kind] = []
    errors: list[Exception] = []

    def register(item: object, /) -> None:
        try:
            items.append(_checked(item, kind))
        except Exception as e:
            errors.append(e)
            raise

    hook(register=register)
    if errors:  # also when the plugin caught it
        raise errors[0]
    if len(items) > MAX_REGISTRATIONS:
        raise LocalError(
            f"it registers too much with {hook.name}", found=len(items), wanted=f"at most {MAX_REGISTRATIONS}"
        )
    return tuple(items)


def _checked(item: object, kind: type[_Kind]) -> _Kind:
    """Return the item with each field of exactly the type that the contract gives it.

    A struct does not check its fields when it is made; from a plugin they are as foreign as the
    fields of a message from a venue.
    """
    if not isinstance(item, kind):
        raise LocalError(f"registered is no {kind.__name__}", found=type(item).__name__)
    hints = get_type_hints(kind, localns={t.__name__: t for t in (Connector, ConnectorContext, SigningKey)})
    fields: dict[str, Any] = {}
    for name, hint in hints.items():
        may_be_missing = _FUNCTIONS[kind].get(name)
        if may_be_missing is not None:
            function = getattr(item, name)
            if not callable(function) and not (function is None and may_be_missing):
                raise LocalError(f"{kind.__name__}.{name} is no function", found=type(function).__name__)
            continue
        try:
            fields[name] = msgspec.convert(msgspec.to_builtins(getattr(item, name)), hint)
        except (msgspec.ValidationError, TypeError, ValueError) as e:
            raise LocalError(f"{kind.__name__}.{name} is not usable: {e}") from e
    return msgspec.structs.replace(item, **fields)


def _judge(one: Registration, objections: Sequence[str]) -> Registration:
    if not objections or one.record.builtin or one.record.status is not PluginStatus.LOADED:
        return one
    record = msgspec.structs.replace(
        one.record, status=PluginStatus.REFUSED, reason="; ".join(objections), hooks=(), connectors=()
    )
    return Registration(record=record)


def _objections(one: Registration, flags: Sequence[FeatureFlag]) -> Iterator[str]:
    """Say why the core does not take what a plugin registered, whatever other plugins did."""
    major, minor = CONTRACT_VERSION
    for spec in one.connectors:
        if not (spec.contract_version[0] == major and spec.contract_version[1] <= minor):
            found = ".".join(map(str, spec.contract_version))
            yield f"connector {spec.name} is built for contract {found}, and this core has {major}.{minor}"
    claimed = {
        canonical_name(one.record.name),
        *(name for spec in one.connectors for name in (spec.name, *spec.aliases)),
        *(canonical_name(spec.feature_flag) for spec in one.connectors if spec.feature_flag),
    }
    for flag in flags:
        if not flag.is_bundle and one.record.distribution not in flag.distributions:
            for name in sorted(claimed & {flag.name, flag.connector}):
                yield f"the name {name} is kept for {', '.join(flag.distributions)}"


def _rivals(tried: Sequence[Registration]) -> dict[int, list[str]]:
    """Return, by position, the names of each plugin that another one registered too.

    All claimants are refused but a built-in one: taking the first would let the order of a folder
    listing, and with it an attacker, choose.
    """
    claims: dict[tuple[str, str], list[int]] = defaultdict(list)
    for index, one in enumerate(tried):
        for claim in _claims(one):
            claims[claim].append(index)
    objections: dict[int, list[str]] = defaultdict(list)
    for (kind, name), claimants in claims.items():
        for index in set(claimants) if len(claimants) > 1 else ():
            others = sorted({tried[other].record.distribution for other in claimants if other != index})
            by = f"also registered by {' and '.join(others)}" if others else "registered twice"
            objections[index].append(f"{kind} {name} is {by}")
    return objections


def _claims(one: Registration) -> Iterator[tuple[str, str]]:
    for spec in one.connectors:
        for name in (spec.name, *spec.aliases):
            yield "connector", name
    for strategy in one.strategies:
        yield "strategy", canonical_name(strategy.name)
    for gate in one.order_gates:
        yield "order gate", canonical_name(gate.code)
    for check in one.preflight_checks:
        yield "preflight check", canonical_name(check.id)

"""Notices when a plugin replaces a part of the core: a function, method or class that is another than before.

This finds carelessness, such as a patch meant for tests, and the plain kind of attack. Code within the
process can undo whatever looks at it; against that stands the allowlist of plugins.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import Final

from paraphina_core import __name__ as core

_KEPT: Final = (staticmethod, classmethod, property)


def core_parts() -> Mapping[str, object]:
    """Return every function, method and class of the core's loaded modules by its full name."""
    parts: dict[str, object] = {}
    for name, module in list(sys.modules.items()):
        if not (name == core or name.startswith(f"{core}.")):
            continue
        for key, value in list(vars(module).items()):
            if isinstance(value, type):
                parts[f"{name}.{key}"] = value
                if value.__module__ == name:
                    parts.update(_methods(f"{name}.{key}", value))
            elif callable(value):
                parts[f"{name}.{key}"] = _code(value)
    return parts


def replaced(before: Mapping[str, object]) -> tuple[str, ...]:
    """Name what is another part now, or gone; whatever was added since is no matter."""
    now = core_parts()
    return tuple(sorted(name for name, part in before.items() if now.get(name) is not part))


def _methods(prefix: str, kind: type) -> Iterator[tuple[str, object]]:
    for key, value in list(vars(kind).items()):
        if isinstance(value, _KEPT) or callable(value):
            yield f"{prefix}.{key}", _code(value)


def _code(function: object) -> object:
    """Return what runs: a function's code can be replaced while the function stays the same object."""
    inner = getattr(function, "__func__", function)
    if isinstance(inner, property):
        inner = inner.fget
    return getattr(inner, "__code__", inner)

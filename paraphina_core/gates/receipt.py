"""The preflight receipt: which checks passed, for exactly what, until when, signed by this installation.

A receipt is good for one trade mode, network, configuration, set of plugins, core and accounts. If any
of them changes it is void, and `compare` says which. The file holds canonical JSON and nothing else, so
a change of any byte of it is found.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from paraphina_core.connector import Network, TradeMode, read_private, write_private
from paraphina_core.domain import NS_PER_S, LocalError
from paraphina_core.readiness import Identity, sealed, unsealed

FILE_NAME: Final = "preflight_receipt.json"

_CONTEXT: Final = b"paraphina preflight receipt 2\n"
_SECONDS_PER_HOUR: Final = 3_600


class PluginVersion(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A plugin's code at the time of the checks."""

    version: str
    source_hash: str


class Binding(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that must still be the same when the receipt is used.

    Args:
        accounts: by connector, the settings that say whose account it is: in clear, a secret as
            the fingerprint that this installation makes of it.
    """

    trade_mode: TradeMode
    network: Network
    connectors: tuple[str, ...]
    config_digest: str
    profile: str
    profile_digest: str
    core_version: str
    core_hash: str
    plugins: Mapping[str, PluginVersion]
    accounts: Mapping[str, Mapping[str, str]]


class Receipt(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The statement that every check passed. Times are nanoseconds since 1970."""

    installation: str
    created_at_ns: int
    expires_at_ns: int
    bound: Binding


def issue(identity: Identity, bound: Binding, *, now_ns: int, valid_hours: float) -> Receipt:
    """Make a receipt that is good from now on for so many hours."""
    return Receipt(
        installation=identity.name,
        created_at_ns=now_ns,
        expires_at_ns=now_ns + int(valid_hours * _SECONDS_PER_HOUR * NS_PER_S),
        bound=bound,
    )


def seal(receipt: Receipt, identity: Identity) -> bytes:
    """Return the receipt with its signature, as it is written."""
    return sealed(receipt, _CONTEXT, identity)


def unseal(content: bytes, identity: Identity) -> Receipt:
    """Return the receipt inside, if this installation signed it and not a byte was changed.

    Raises:
        LocalError: it is no receipt, another installation's, or edited; says which.
    """
    return unsealed(content, Receipt, _CONTEXT, identity, "it")


def write_receipt(home: Path, receipt: Receipt, identity: Identity) -> Path:
    """Keep a receipt in place of the last one and return where.

    Raises:
        LocalError: the home folder is open to others, or the disk refuses.
    """
    path = home / FILE_NAME
    write_private(path, seal(receipt, identity))
    return path


def remove_receipt(home: Path) -> None:
    """Take the last receipt away, if there is one.

    Raises:
        LocalError: it cannot be removed.
    """
    path = home / FILE_NAME
    try:
        path.unlink(missing_ok=True)
    except OSError as e:
        raise LocalError(f"{path} cannot be removed", found=e.strerror) from e


def read_receipt(home: Path, identity: Identity | None) -> Receipt | None:
    """Return the receipt of this installation, None if there is none.

    Raises:
        LocalError: it cannot be believed; says why.
    """
    content = read_private(home / FILE_NAME)
    if content is None:
        return None
    if identity is None:
        raise LocalError("it cannot be checked: this installation has lost the key that signed it")
    return unseal(content, identity)


def compare(receipt: Receipt, now_ns: int, expected: Binding) -> tuple[str, ...]:
    """Return why the receipt is not good for this start; empty if it is.

    Args:
        receipt: as read, its signature checked.
        now_ns: wall clock, nanoseconds since 1970.
        expected: what it would be bound to if it were written now.
    """
    return (*_untimely(receipt, now_ns), *_differences(receipt.bound, expected))


def moment(at_ns: int) -> str:
    """Spell a time for people."""
    return datetime.fromtimestamp(at_ns // NS_PER_S, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _untimely(receipt: Receipt, now_ns: int) -> Iterator[str]:
    if not receipt.created_at_ns <= now_ns:
        yield f"it is from the future ({moment(receipt.created_at_ns)}): this clock or that one was wrong"
    if not now_ns < receipt.expires_at_ns:
        yield f"it expired at {moment(receipt.expires_at_ns)}"


def _differences(then: Binding, now: Binding) -> Iterator[str]:
    for field, name in _NAMES.items():
        before, after = getattr(then, field), getattr(now, field)
        if before != after:
            yield f"{name} changed: {_spelled(before)} then, {_spelled(after)} now"
    for plugin in sorted(then.plugins.keys() | now.plugins.keys()):
        yield from _plugin_changes(plugin, then.plugins.get(plugin), now.plugins.get(plugin))
    for connector in sorted(then.accounts.keys() | now.accounts.keys()):
        before, after = then.accounts.get(connector, {}), now.accounts.get(connector, {})
        changed = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
        if changed:
            yield f"account of {connector} changed: {', '.join(changed)}"


def _plugin_changes(name: str, then: PluginVersion | None, now: PluginVersion | None) -> Iterator[str]:
    if then is None or now is None:
        yield f"plugin {name} was {'added' if then is None else 'removed'}"
        return
    if then.version != now.version:
        yield f"plugin {name} changed: version {then.version} then, {now.version} now"
    if then.source_hash != now.source_hash:
        yield f"plugin {name} changed: other source code (hash)"


_NAMES: Final = {
    "trade_mode": "trade mode",
    "network": "network",
    "connectors": "connectors",
    "config_digest": "configuration",
    "profile": "risk profile",
    "profile_digest": "limits of the risk profile",
    "core_version": "version of the core",
    "core_hash": "source code of the core",
}
_SHOWN_OF_A_HASH: Final = 12


def _spelled(value: object) -> str:
    text = ", ".join(value) if isinstance(value, tuple) else str(value)
    is_hash = len(text) == 64 and " " not in text  # noqa: PLR2004  # hex digits of a SHA-256
    return text[:_SHOWN_OF_A_HASH] if is_hash else text or "none"

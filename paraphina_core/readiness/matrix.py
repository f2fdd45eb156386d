"""The connector matrix: every known connector, installed or not, from its spec and its evidence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec

from paraphina_core.connector import (
    Capability,
    ConnectorSpec,
    FeatureFlag,
    PluginRecord,
    Plugins,
    PluginStatus,
    TradeMode,
)

from .stage import Proof, Stage, declared_stage


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One connector, each field the text of one column."""

    connector: str
    venue: str
    feature_flags: str
    support: str
    declared: str
    proven: str
    market_data: str
    account: str
    execution: str
    cancel_all: str
    trade_modes: str
    multi_connector: str
    selection: str
    notes: str

    @property
    def cells(self) -> tuple[str, ...]:
        """The texts in the order of `COLUMNS`."""
        return tuple(msgspec.structs.astuple(self))


#: Headings of the columns, in the order of the fields of `Row`.
COLUMNS: Final = (
    "Connector",
    "Venue",
    "Feature flags",
    "Support",
    "Declared",
    "Proven",
    "Market data",
    "Account",
    "Execution",
    "Cancel all",
    "Trade modes",
    "Multi-connector",
    "CLI/env selection",
    "Notes",
)

_NONE: Final = "none"
_NO: Final = "No"
_SUPPORT: Final = ((Capability.ACCOUNT, "Account"), (Capability.EXECUTION, "Exec"))


def matrix(
    plugins: Plugins, catalogue: Sequence[FeatureFlag], proofs: Mapping[str, Proof]
) -> tuple[Row, ...]:
    """Return a row for each connector that is loaded and for each feature flag that brought none.

    Built-in connectors come first, then those of the catalogue by feature flag and name, then third parties'.

    Args:
        plugins: what was loaded.
        catalogue: the feature flags of the core.
        proofs: what evidence proves, for each connector that is loaded.
    """
    specs = plugins.connectors.values()
    present = {spec.feature_flag for spec in specs}
    missing = [flag for flag in catalogue if not flag.is_bundle and flag.name not in present]
    rows = [
        *(_loaded(spec, proofs[spec.name]) for spec in specs),
        *(_absent(flag, plugins.records_of(flag.distributions)) for flag in missing),
    ]
    ours = {flag.name for flag in catalogue}
    builtin = {spec.name for spec in specs if plugins.origin_of(spec.name).builtin}
    return tuple(
        sorted(
            rows,
            key=lambda row: (
                row.connector not in builtin,
                row.feature_flags not in ours,
                row.feature_flags,
                row.connector,
            ),
        )
    )


def to_markdown(rows: Sequence[Row]) -> str:
    """Return the matrix as a Markdown table whose columns are padded to equal width.

    A bar inside a cell is escaped, so that it does not end the cell.
    """
    table = [COLUMNS, *(tuple(_markdown(cell) for cell in row.cells) for row in rows)]
    widths = [max(len(line[column]) for line in table) for column in range(len(COLUMNS))]
    table.insert(1, tuple("-" * width for width in widths))
    return "".join(f"| {' | '.join(map(str.ljust, line, widths))} |\n" for line in table)


def _markdown(cell: str) -> str:
    return " ".join(cell.split()).replace("\\", "\\\\").replace("|", "\\|")


def _loaded(spec: ConnectorSpec, proof: Proof) -> Row:
    built = spec.factory is not None
    return Row(
        connector=spec.name,
        venue=spec.venue,
        feature_flags=spec.feature_flag or _NONE,
        support=_support(spec),
        declared=str(declared_stage(spec)),
        proven=_proven(proof),
        market_data=_capability(spec, Capability.MARKET),
        account=_capability(spec, Capability.ACCOUNT),
        execution=_capability(spec, Capability.EXECUTION),
        cancel_all=_capability(spec, Capability.CANCEL_ALL),
        trade_modes=", ".join(mode.capitalize() for mode in TradeMode if mode in spec.trade_modes) or _NONE,
        multi_connector="Yes (multi-connector supported)" if built and spec.multi_connector else _NO,
        selection=_selection(spec.name),
        notes=spec.notes,
    )


def _absent(flag: FeatureFlag, records: Sequence[PluginRecord]) -> Row:
    return Row(
        connector=flag.connector,
        venue="unknown",
        feature_flags=flag.name,
        support=str(Stage.MISSING_FEATURE),
        declared=str(Stage.MISSING_FEATURE),
        proven=str(Stage.MISSING_FEATURE),
        market_data=_NO,
        account=_NO,
        execution=_NO,
        cancel_all=_NO,
        trade_modes=_NONE,
        multi_connector=_NO,
        selection=_selection(flag.connector),
        notes="; ".join(_why_absent(records)) or f"Not installed: {flag.command}",
    )


def _why_absent(records: Sequence[PluginRecord]) -> Iterator[str]:
    for record in records:
        installed = f"{record.distribution} {record.version} is installed"
        if record.status is PluginStatus.LOADED:
            yield f"{installed} and registers no connector of this flag"
        else:
            yield f"{installed} but {record.status}: {record.reason}"


def _support(spec: ConnectorSpec) -> str:
    if spec.factory is None:
        return str(Stage.STUB)
    more = [word for capability, word in _SUPPORT if capability in spec.capabilities]
    return "+".join(["Market", *more]) if more else "MarketOnly"


def _proven(proof: Proof) -> str:
    if proof.stage is None:
        return "none (evidence void)"
    return f"{proof.stage} (test network waived)" if proof.waiver else str(proof.stage)


def _capability(spec: ConnectorSpec, capability: Capability) -> str:
    how = spec.capabilities.get(capability)
    if how is None:
        return _NO
    return f"Yes ({how})" if how else "Yes"


def _selection(connector: str) -> str:
    return f"--connector {connector} | PARAPHINA_LIVE_CONNECTOR={connector}"

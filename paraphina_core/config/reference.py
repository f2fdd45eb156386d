"""The reference of every key and every limit, as Markdown, made from the tables that resolve them."""

from __future__ import annotations

from collections.abc import Iterator

from .fields import FIELDS, shown, unit_of
from .profile import LIMITS

_EVERY_TABLE_ENDS_IN = ("Unit", "Accepted", "Meaning")


def reference() -> str:
    """Return both tables; the documentation holds them between two markers."""
    keys = (
        (
            f"`{f.key}`",
            _sources(f.sources, in_file=f.in_file),
            _default(f.default),
            f.unit,
            f.reader.wanted,
            f.help,
        )
        for f in FIELDS
    )
    limits = (
        (
            f"`[{limit.table}] {limit.key}`",
            "" if limit.canary_max is None else f"at most {limit.canary_max:,.0f}",
            unit_of(limit.key),
            limit.reader.wanted,
            limit.help,
        )
        for limit in LIMITS
    )
    return "\n".join(
        [
            "### Keys",
            "",
            *_table(("Key", "Set by, the strongest first", "Default", *_EVERY_TABLE_ENDS_IN), keys),
            "",
            "### Limits of a risk profile",
            "",
            *_table(("Key", "In a canary", *_EVERY_TABLE_ENDS_IN), limits),
            "",
        ]
    )


def _sources(sources: tuple[str, ...], *, in_file: bool) -> str:
    return ", ".join([*(f"`{source}`" for source in sources), *(["file"] if in_file else [])])


def _default(value: object) -> str:
    text = shown(value)
    return text if text == "-" else f"`{text}`"


def _table(head: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> Iterator[str]:
    for cells in (head, ("---",) * len(head), *rows):
        yield f"| {' | '.join(cells)} |"

"""What a benchmark found, as a table that reads the same in a terminal and in the documentation."""

from __future__ import annotations

from typing import NamedTuple


class Table(NamedTuple):
    """One table: a title, a sentence on what was measured, a header and rows of ready text."""

    title: str
    note: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def markdown(self) -> str:
        """Spell the table for a page; all columns but the first are numbers."""
        rule = ("---", *("---:" for _ in self.header[1:]))
        lines = [f"| {' | '.join(row)} |" for row in (self.header, rule, *self.rows)]
        return "\n".join((f"### {self.title}", "", self.note, "", *lines))


def times(ratio: float) -> str:
    """Spell how many times slower than ours something is, or ours than it."""
    return f"{ratio:.2f}x" if ratio < 10 else f"{ratio:.1f}x" if ratio < 100 else f"{ratio:.0f}x"


def micros(nanoseconds: float) -> str:
    """Spell a time in microseconds."""
    value = nanoseconds / 1e3
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:,.0f}"

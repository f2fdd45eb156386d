"""The readiness report as pages: Markdown for documents, HTML for browsers, both of the same sections."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from itertools import groupby
from typing import Final, NamedTuple

import msgspec

from .matrix import COLUMNS, to_markdown
from .report import Report, ResultLine
from .stage import Stage

TITLE: Final = "Readiness Report"
#: The headings, in order; a page has all of them, always.
HEADINGS: Final = (
    "Connector Matrix",
    "Feature Gap & Connector Readiness Ladder",
    "All-5 Readiness Gates",
    "Connector Blockers",
    "Feature Flags",
    "Execution Gates",
    "How To Run",
    "Last Known Test Results",
)

_STYLE: Final = (
    "body{font:15px/1.5 system-ui,sans-serif;margin:2rem}table{border-collapse:collapse;display:block;"
    "overflow-x:auto}td,th{border:1px solid #bbb;padding:.3em .6em;text-align:left;vertical-align:top}"
)
_COMMIT_LETTERS: Final = 12


class _Item(NamedTuple):
    """A line of a list; what is code stands in it between backticks."""

    text: str
    of: str = ""


def report_json(report: Report) -> bytes:
    """Return the report for programs."""
    return msgspec.json.format(msgspec.json.encode(report), indent=2) + b"\n"


def report_markdown(report: Report) -> str:
    """Return the report as Markdown."""
    lines = [f"# {TITLE}", "", *(f"- {_plain(line)}" for line in _head(report)), ""]
    for heading, items in _sections(report):
        lines += [f"## {heading}", ""]
        if heading == HEADINGS[0]:
            lines += [*to_markdown(report.matrix).splitlines(), ""]
        for of, group in groupby(items, key=lambda item: item.of):
            lines += [*([f"{of}:", ""] if of else []), *(f"- {_plain(item.text)}" for item in group), ""]
    return "\n".join(lines)


def report_html(report: Report) -> str:
    """Return the report as one HTML page that loads nothing and runs nothing."""
    parts = [
        "<!doctype html>",
        f'<html lang="en"><head><meta charset="utf-8"><title>{TITLE}</title>',
        f"<style>{_STYLE}</style></head><body>",
        f"<h1>{TITLE}</h1>",
        _list(_head(report)),
    ]
    for heading, items in _sections(report):
        parts.append(f"<h2>{escape(heading)}</h2>")
        if heading == HEADINGS[0]:
            parts.append(_table(COLUMNS, [row.cells for row in report.matrix]))
        for of, group in groupby(items, key=lambda item: item.of):
            parts += [f"<p>{escape(of)}:</p>"] if of else []
            parts.append(_list([item.text for item in group]))
    return "\n".join([*parts, "</body></html>", ""])


# --- what stands under the headings --------------------------------------------------------------


def _head(report: Report) -> Iterator[str]:
    yield f"Generated (UTC): {report.generated}"
    yield f"Core: {report.core_version}, source {report.core_hash[:16]}, commit {report.commit or 'none'}"
    if report.evidence_fault:
        yield f"NO EVIDENCE COUNTS: {report.evidence_fault}"


def _sections(report: Report) -> Iterator[tuple[str, Sequence[_Item]]]:
    ladder = " → ".join(map(str, Stage))
    stages = [
        _Item(
            f"{line.connector}: declared {line.declared}, proven {line.proven}: {line.reason}"
            + (f"; WAIVED: {line.waiver}" if line.waiver else ""),
            "Connector stages",
        )
        for line in report.stages
    ]
    contents: tuple[Sequence[_Item], ...] = (
        (),
        (_Item(ladder, "Ladder"), *stages),
        tuple(_Item(f"{line.gate}: {line.answer} ({line.why})") for line in report.gates),
        tuple(_Item(f"{name}: {missing}") for name, missing in report.blockers.items()),
        tuple(_Item(f"{name}: `{command}`") for name, command in report.feature_flags.items()),
        tuple(map(_Item, report.execution_gates)),
        tuple(_Item(f"`{command}`") for command in report.how_to_run),
        tuple(_Item(_told(line)) for line in report.results),
    )
    return zip(HEADINGS, contents, strict=True)


def _told(line: ResultLine) -> str:
    if not line.record:
        return f"`{line.command}` → not run: no record"
    verdict = "passed" if line.passed else "failed"
    told = (
        f"`{line.command}` → {verdict}, exit code {line.exit_code}, {line.duration_s:.1f} s, "
        f"{line.connector}, record {line.record}, {line.ended}, "
        f"commit {line.commit[:_COMMIT_LETTERS] or 'none'}"
    )
    return told + (f"; no longer counts: {line.void}" if line.void else "")


def _plain(text: str) -> str:
    """Keep text of plugins and operators on its line, and from being read as HTML."""
    return " ".join(text.split()).replace("<", "&lt;")


def _list(lines: Iterator[str] | Sequence[str]) -> str:
    return "<ul>" + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul>"


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(cell)}</th>" for cell in columns)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{body}</table>"

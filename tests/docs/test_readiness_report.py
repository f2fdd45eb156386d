"""The committed readiness report says of the code what the code says; `make report` writes it."""

from __future__ import annotations

import re
import time
from pathlib import Path

from environments import ROOT
from paraphina_core.connector import load_plugins, mock
from paraphina_core.readiness import COLUMNS, HEADINGS, report_markdown
from paraphina_core.session import readiness_report

#: What is proven is of the core that the page names; all else follows from the code that stands here.
_OF_EVIDENCE = {"All-5 Readiness Gates", "Connector Blockers", "Last Known Test Results"}
_STAGE = re.compile(r"(?m)^(- \w+: declared \S+), proven .*$")


def _of_the_code(page: str) -> dict[str, object]:
    """Return the parts of a page that no evidence changes."""
    parts = re.split(r"(?m)^## (.*)$", page)
    sections: dict[str, object] = dict(zip(parts[1::2], parts[2::2], strict=True))
    assert tuple(sections) == HEADINGS
    table, ladder = HEADINGS[:2]
    proven = COLUMNS.index("Proven")
    cells = [re.split(r"(?<!\\)\|", line)[1:-1] for line in parts[2].strip().splitlines()]
    rows = [[cell.strip() for at, cell in enumerate(row) if at != proven] for row in cells]
    kept = {name: text for name, text in sections.items() if name not in _OF_EVIDENCE}
    return kept | {
        table: [row for at, row in enumerate(rows) if at != 1],  # the line of dashes
        ladder: _STAGE.sub(r"\1", str(sections[ladder])),
    }


def test_the_committed_report_is_not_stale(tmp_path: Path) -> None:
    """Matrix, declared stages, feature flags, gates and commands are those of this checkout."""
    made = report_markdown(readiness_report(load_plugins([mock]), tmp_path, time.time_ns()))
    committed = (ROOT / "docs" / "readiness-report.md").read_text(encoding="utf-8")
    assert _of_the_code(committed) == _of_the_code(made), "run `make report`"

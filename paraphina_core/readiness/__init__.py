"""How far a connector has come: what it declares, what evidence proves of it, and the matrix of all."""

from __future__ import annotations

from .evidence import (
    AGE_LIMIT_DAYS,
    GENESIS,
    Code,
    EvidenceHead,
    Kind,
    Reached,
    Record,
    Statement,
    check_chain,
    content_hash,
    head_bytes,
    record_bytes,
)
from .evidence_folder import FOLDER, MAX_RECORDS, EvidenceFolder
from .identity import SEED_BYTES, Identity, create_identity, load_identity
from .ladder import (
    MIN_KILL_DRILLS,
    MIN_LIVE_FILLS,
    MIN_LIVE_HOURS,
    MIN_SIMULATED_S,
    proven_stage,
    why_void,
)
from .matrix import COLUMNS, Row, matrix, to_markdown
from .report import (
    NO,
    NOT_SHOWN,
    YES,
    Build,
    GateLine,
    Report,
    ResultLine,
    StageLine,
    Standing,
    report,
)
from .report_pages import HEADINGS, report_html, report_json, report_markdown
from .signed import sealed, unsealed
from .stage import Proof, Stage, declared_stage

__all__ = [
    "AGE_LIMIT_DAYS",
    "COLUMNS",
    "FOLDER",
    "GENESIS",
    "HEADINGS",
    "MAX_RECORDS",
    "MIN_KILL_DRILLS",
    "MIN_LIVE_FILLS",
    "MIN_LIVE_HOURS",
    "MIN_SIMULATED_S",
    "NO",
    "NOT_SHOWN",
    "SEED_BYTES",
    "YES",
    "Build",
    "Code",
    "EvidenceFolder",
    "EvidenceHead",
    "GateLine",
    "Identity",
    "Kind",
    "Proof",
    "Reached",
    "Record",
    "Report",
    "ResultLine",
    "Row",
    "Stage",
    "StageLine",
    "Standing",
    "Statement",
    "check_chain",
    "content_hash",
    "create_identity",
    "declared_stage",
    "head_bytes",
    "load_identity",
    "matrix",
    "proven_stage",
    "record_bytes",
    "report",
    "report_html",
    "report_json",
    "report_markdown",
    "sealed",
    "to_markdown",
    "unsealed",
    "why_void",
]

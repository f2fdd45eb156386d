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
from .ladder import MIN_SIMULATED_S, proven_stage, why_void
from .matrix import COLUMNS, Row, matrix, to_markdown
from .signed import sealed, unsealed
from .stage import Proof, Stage, declared_stage

__all__ = [
    "AGE_LIMIT_DAYS",
    "COLUMNS",
    "FOLDER",
    "GENESIS",
    "MAX_RECORDS",
    "MIN_SIMULATED_S",
    "SEED_BYTES",
    "Code",
    "EvidenceFolder",
    "EvidenceHead",
    "Identity",
    "Kind",
    "Proof",
    "Reached",
    "Record",
    "Row",
    "Stage",
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
    "sealed",
    "to_markdown",
    "unsealed",
    "why_void",
]

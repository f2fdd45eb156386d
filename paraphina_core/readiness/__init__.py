"""How far a connector has come: what it declares, what is proven of it, and the matrix of all of them."""

from __future__ import annotations

from .matrix import COLUMNS, Row, matrix, to_markdown
from .stage import Proof, Stage, declared_stage, proven_stage

__all__ = [
    "COLUMNS",
    "Proof",
    "Row",
    "Stage",
    "declared_stage",
    "matrix",
    "proven_stage",
    "to_markdown",
]

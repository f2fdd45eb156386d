"""A local Aster: its paths, streams, signatures, filters, limits and refusals, without its money."""

from __future__ import annotations

from .venue import AsterTwin

__all__ = ["AsterTwin"]

"""A local Extended: its paths, streams, signatures, refusals and delays, without its money."""

from __future__ import annotations

from .venue import ExtendedTwin

__all__ = ["ExtendedTwin"]

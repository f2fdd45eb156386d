"""A local Hyperliquid: its paths, channels, signatures, refusals and rhythms, without its money."""

from __future__ import annotations

from .venue import HyperliquidTwin

__all__ = ["HyperliquidTwin"]

"""Connector of the venue Paradex for Paraphina."""

from __future__ import annotations

__version__ = "0.1.0"

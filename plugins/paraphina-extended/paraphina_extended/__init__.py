"""Connector of the venue Extended for Paraphina."""

from __future__ import annotations

__version__ = "0.1.0"

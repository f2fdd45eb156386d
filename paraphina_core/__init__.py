"""A small, safe core for trading perpetual futures, with one separately installed plugin per venue."""

from __future__ import annotations

__version__ = "0.1.0"

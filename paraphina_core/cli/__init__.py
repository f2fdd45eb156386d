"""The face: commands, tables and exit codes. Nothing is decided here and nothing below knows of it."""

from __future__ import annotations

from .main import live_main, main

__all__ = ["live_main", "main"]

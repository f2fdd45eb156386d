"""What operators watch: telemetry, written beside a run and never in its way."""

from __future__ import annotations

from .telemetry import MAX_FILE_BYTES, MAX_LINE_BYTES, TelemetryWriter

__all__ = ["MAX_FILE_BYTES", "MAX_LINE_BYTES", "TelemetryWriter"]

"""The folder a run leaves behind: what was configured, what ran, what happened, what is left."""

from __future__ import annotations

import platform
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from paraphina_core import __version__
from paraphina_core.connector import CONTRACT_VERSION, Plugins, core_hash, write_private
from paraphina_core.domain import NS_PER_S, LocalError, RunNumber

CONFIG_FILE: Final = "config_resolved.json"
BUILD_FILE: Final = "build_info.json"
SUMMARY_FILE: Final = "summary.json"
TELEMETRY_FILE: Final = "telemetry.jsonl"
DRIFT_FILE: Final = "reconcile_drift.jsonl"
JOURNAL_FOLDER: Final = "journal"

#: Where runs are kept when the operator names no folder, relative to where the program was started.
RUNS_FOLDER: Final = Path("runs")


def run_folder(wanted: Path | None, run: RunNumber, at_ns: int) -> Path:
    """Make the folder of a run and return it.

    Raises:
        LocalError: it cannot be made, or holds another run already.
    """
    stamp = datetime.fromtimestamp(at_ns / NS_PER_S, UTC).strftime("%Y%m%dT%H%M%SZ")
    folder = RUNS_FOLDER / f"{stamp}-{run}" if wanted is None else wanted
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise LocalError("the output folder cannot be made", found=f"{folder}: {e.strerror}") from e
    if (folder / JOURNAL_FOLDER).exists():
        raise LocalError(
            "the output folder holds another run",
            found=str(folder),
            remedy="name a new folder: --out-dir DIR",
        )
    return folder


def build_info(plugins: Plugins) -> dict[str, Any]:
    """Say which code runs: versions and source hashes of the core and of every loaded plugin."""
    return {
        "version": __version__,
        "contract": list(CONTRACT_VERSION),
        "core_hash": core_hash(),
        "python": sys.version.split()[0],
        "platform": platform.platform(),
        "plugins": [
            {
                "name": record.name,
                "distribution": record.distribution,
                "version": record.version,
                "source_hash": record.source_hash,
                "editable": record.editable,
                "status": record.status.value,
            }
            for record in plugins.plugins
        ],
    }


def write_json(path: Path, value: Mapping[str, Any] | msgspec.Struct) -> None:
    """Write a file for its owner alone, whole or not at all, indented for people.

    Raises:
        LocalError: it cannot be written.
    """
    write_private(path, msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n")

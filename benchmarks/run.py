"""Runs the benchmarks beside other libraries and writes what they find into docs/performance.md.

Usage: python benchmarks/run.py [--quick]

Everything is measured against its peers in the same run, on this machine, without a network. Only the part
of the page between the two markers is written. `--quick` shows the tables and writes nothing.
"""

from __future__ import annotations

import os
import platform
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final

import frames
import hyperliquid_signing
import tick_to_order
from measuring.tables import Table

PAGE: Final = Path(__file__).resolve().parents[1] / "docs" / "performance.md"
BEGIN: Final = "<!-- begin: written by benchmarks/run.py -->"
END: Final = "<!-- end: written by benchmarks/run.py -->"
COMMAND: Final = "python benchmarks/run.py"


def measured(*, quick: bool) -> list[Table]:
    """Run every benchmark that has peers."""
    return [
        *frames.measure(10_000 if quick else frames.FRAMES),
        *tick_to_order.measure(1 if quick else tick_to_order.ROUNDS),
        *hyperliquid_signing.measure(3 if quick else hyperliquid_signing.ROUNDS),
    ]


def circumstances() -> str:
    """Say when, on what and with what it was measured."""
    libraries = ("msgspec", "picows", "uvloop", "coincurve", "hyperliquid-python-sdk", "ccxt")
    return (
        f"Measured on {datetime.now(UTC):%Y-%m-%d} by `{COMMAND}`: {_processor()}, {os.cpu_count()} cores, "
        f"load {os.getloadavg()[0]:.1f} at the end, {platform.system()} {platform.release()}, "
        f"{platform.python_implementation()} {platform.python_version()}; "
        + ", ".join(f"{name} {version(name)}" for name in libraries)
        + "."
    )


def written(page: str, tables: list[Table], circumstance: str) -> str:
    """Return the page with its measured part replaced."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    assert rest, f"{PAGE} has no place for tables: {BEGIN}"
    parts = (circumstance, *(table.markdown() for table in tables))
    return f"{before}{BEGIN}\n\n" + "\n\n".join(parts) + f"\n\n{END}{after}"


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


if __name__ == "__main__":
    quick = sys.argv[1:] == ["--quick"]
    tables = measured(quick=quick)
    if quick:
        for table in tables:
            print(table.markdown(), end="\n\n")
    else:
        PAGE.write_text(written(PAGE.read_text(), tables, circumstances()))
        print(f"written: {PAGE}")

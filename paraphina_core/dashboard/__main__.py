"""Starts the dashboard's process; only a session does that, see `Channel`."""

from __future__ import annotations

import sys
from pathlib import Path


def main(address: str, token_file: str) -> int:
    """Serve, or say which packages are missing."""
    try:
        from .server import serve  # noqa: PLC0415  # an extra, whose absence must be told
    except ImportError as e:
        reason = f"packages are not installed ({e.name}); run pip install 'paraphina[dashboard]'"
        sys.stdout.write(f'{{"kind":"refused","reason":"{reason}"}}\n')
        return 1
    return serve(address, Path(token_file))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

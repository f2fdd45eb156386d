"""The core is light: quick to import, and nothing heavy comes with it."""

from __future__ import annotations

import importlib.metadata
import re
import subprocess
import sys

CORE = "paraphina_core"
SERVERS = {"http.server", "socketserver", "aiohttp", "uvicorn", "starlette", "fastapi", "flask", "tornado"}
#: Required by the core, for the one room that opens connections, and loaded with that room only.
CLIENTS = {"httpx", "httpcore", "h11", "websockets", "zstandard"}
OTHER_CLIENTS = {"requests", "urllib3"}


def _python(code: str) -> str:
    return subprocess.run(
        [sys.executable, "-I", "-c", code], check=True, capture_output=True, text=True, cwd="/"
    ).stdout


def test_importing_the_core_is_quick() -> None:
    """`import paraphina_core` takes less than 150 ms beyond the start of a bare interpreter."""
    timed = "import time; t = time.perf_counter(); {}; print(time.perf_counter() - t)"
    bare, core = (
        min(float(_python(timed.format(statement))) for _ in range(5))
        for statement in ("pass", f"import {CORE}")
    )
    assert core - bare < 0.150


def test_importing_the_core_pulls_in_no_web_server() -> None:
    """After `import paraphina_core` no module of a server or of a network client is loaded."""
    loaded = _python(f"import sys, {CORE}; print(*sys.modules)").split()
    assert CORE in loaded
    assert not (SERVERS | CLIENTS | OTHER_CLIENTS) & set(loaded)
    assert not [name for name in loaded if name.startswith("paraphina_") and not name.startswith(CORE)]


def test_installing_the_core_alone_installs_no_web_server() -> None:
    """What the core requires without extras names no web framework and no venue's library."""
    requires = importlib.metadata.requires("paraphina") or []
    always = [line for line in requires if "extra ==" not in line]
    plain = {re.split(r"[^A-Za-z0-9._-]", line, maxsplit=1)[0].lower() for line in always}
    assert "pluggy" in plain
    assert not plain & (SERVERS | OTHER_CLIENTS)
    assert not [name for name in plain if name.startswith("paraphina-")]

"""A paper session with its dashboard, and requests to it as monitoring and browsers send them."""

from __future__ import annotations

import http.client
import json
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from program import Program


class Board:
    """The dashboard of a session under test."""

    def __init__(self, program: Program, folder: Path, port: int) -> None:
        self.program = program
        self.folder = folder
        self.port = port

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    @property
    def token(self) -> str:
        return (self.folder / "home/dashboard_token").read_text(encoding="utf-8").strip()

    def ask(
        self,
        path: str,
        method: str = "GET",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, str]:
        """Send one request; return status and body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, path, body, dict(headers or {}))
            answer = connection.getresponse()
            return answer.status, answer.read().decode("utf-8")
        finally:
            connection.close()

    def json(self, path: str) -> Any:
        return json.loads(self.ask(path)[1])

    def until(self, path: str, status: int) -> str:
        """Ask until the answer has a status."""
        deadline_s = time.monotonic() + 20
        while time.monotonic() < deadline_s:
            found, body = self.ask(path)
            if found == status:
                return body
            time.sleep(0.1)
        raise AssertionError(f"{path} answers {found}: {body}")

    def kill(self, body: object, token: str | None = None) -> tuple[int, str]:
        """Press the kill button."""
        headers = {"Authorization": f"Bearer {self.token if token is None else token}"}
        return self.ask("/kill", "POST", json.dumps(body).encode(), headers)


@contextmanager
def board(folder: Path, *arguments: str, env: Mapping[str, str] | None = None) -> Iterator[Board]:
    """Start a paper session with a dashboard on a free port; end it afterwards."""
    program = Program(
        folder,
        *("run", "--trade-mode", "paper", "--connectors", "mock", "--view", "none"),
        *("--dashboard", "127.0.0.1:0", "--out-dir", "out", *arguments),
        env=env,
    )
    try:
        found = re.search(r"http://[0-9.]+:(\d+)/", program.until("dashboard at"))
        assert found is not None
        yield Board(program, folder, int(found[1]))
    finally:
        program.process.terminate()
        program.end()

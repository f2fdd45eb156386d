"""The key of a session that trades appears nowhere: no file, no line, no page, no byte that leaves."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from coast import NAME, Coast, coast_in
from paraphina_core.twin import Reply, SessionId, TwinHost, TwinRequest
from watching import board

_PATHS: Final = (
    "/",
    "/health",
    "/ready",
    "/metrics",
    "/config",
    "/why/hyperliquid/buy",
    "/why/hyperliquid/sell",
)
_heard: list[bytes] = []


class _Listening(TwinHost):
    """A venue that keeps every byte it is sent."""

    def request(self, request: TwinRequest, at_ns: int) -> Reply:
        _heard.extend((request.target.encode(), repr(request.headers).encode(), request.body))
        return super().request(request, at_ns)

    def receive(self, session: SessionId, message: bytes, at_ns: int) -> None:
        _heard.append(message)
        super().receive(session, message, at_ns)


@pytest.fixture
def coast(tmp_path: Path) -> Iterator[Coast]:
    """Serve a twin that keeps what it is sent."""
    _heard.clear()
    with coast_in(tmp_path, _Listening) as made:
        yield made


def _spellings(key: str) -> list[bytes]:
    """Return what a key may look like where somebody wrote it down."""
    raw = bytes.fromhex(key.removeprefix("0x"))
    digits = raw.hex()
    return [
        *(raw, digits.encode(), digits.upper().encode(), str(int(digits, 16)).encode()),
        *(
            base64.b64encode(raw).rstrip(b"="),
            base64.urlsafe_b64encode(raw).rstrip(b"="),
            repr(raw)[2:-1].encode(),
        ),
    ]


def _written(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _until_orders_are_final(coast: Coast, count: int) -> None:
    deadline_s = time.monotonic() + 30
    while len(coast.truth().final_orders) < count:
        assert time.monotonic() < deadline_s, "no orders arrive"
        time.sleep(0.1)


def test_f105_the_key_of_a_session_that_trades_appears_nowhere(coast: Coast, tmp_path: Path) -> None:
    """It trades, loses an answer, is refused, shows its pages and ends; its key is found in no spelling.

    That the right things are searched is seen by the account's address, which is no secret: it stands in
    files and in what was sent.
    """
    (key,) = coast.login.secrets.values()
    folder = tmp_path / "session"
    folder.mkdir()
    session = ("--connectors", NAME, "--trade-mode", "testnet", "--twin-url", coast.origin)
    with board(folder, *session) as page:
        page.until("/ready", 200)
        _until_orders_are_final(coast, 3)
        coast.arm("lose_answer:count=1", "server_error:status=500,count=2", "ignore:count=2")
        _until_orders_are_final(coast, 6)
        coast.arm("expire_credentials:ms=1500")
        time.sleep(2)
        found = {f"page {path}": page.ask(path)[1].encode() for path in _PATHS}
        page.program.process.terminate()
        _, out, err = page.program.end()
    found |= {"stdout": out.encode(), "stderr": err.encode()}
    found |= {f"sent {number}": sent for number, sent in enumerate(_heard)}
    found |= {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert [name for name, content in found.items() if any(text in content for text in _spellings(key))] == []
    address = coast.login.account
    with_address = [name for name, content in found.items() if address.encode() in content]
    assert any(name.startswith("sent ") for name in with_address)
    assert any("journal" in name for name in with_address)

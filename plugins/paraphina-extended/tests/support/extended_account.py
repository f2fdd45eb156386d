"""A connector with an account at nobody: what it is told and what it would send, without a venue."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from paraphina_core.connector import (
    Answer,
    ConnectorContext,
    Failure,
    HttpRequest,
    Request,
    TradeMode,
    WriteContext,
)
from paraphina_core.domain import Command, Event, Query, QueryInstruments, instrument_id
from paraphina_extended.connector import ACCOUNT, ExtendedConnector
from paraphina_extended.questions import ACCOUNT as WHOSE
from paraphina_extended.questions import FEES
from paraphina_extended.signer import Signer
from paraphina_extended.twin import conformance

VECTORS: Final = Path(__file__).parents[1] / "vectors"
FRAMES: Final[dict[str, Any]] = json.loads((VECTORS / "account_frames.json").read_bytes())
NAME: Final = conformance.MARKET_NAME
BTC: Final = instrument_id("extended", NAME)
VAULT: Final = 10_002
SECRETS: Final = {  # nobody's
    "api_key": "0123456789abcdef",
    "stark_private_key": "0x7a7ff6fd3cab02ccdcd4a572563f5976f8976899b03a39773795a3c486d4986",
}
NOW_MS: Final = 1_800_000_000_000
NS_PER_MS: Final = 1_000_000


def body(data: object) -> bytes:
    """Spell an answer that refuses nothing."""
    return msgspec.json.encode({"status": "OK", "data": data})


def error(code: int, message: str = "no") -> bytes:
    """Spell a refusal."""
    return msgspec.json.encode({"status": "ERROR", "error": {"code": code, "message": message}})


class Desk:
    """A connector that knows its instruments, whose account it is and what it pays.

    Attributes:
        connector: it.
    """

    def __init__(self, *, confirmed: bool = True, maker: str = "0", **settings: str) -> None:
        self.signer = Signer.of(SECRETS)
        mode = TradeMode.TESTNET
        context = ConnectorContext(
            mode=mode, network=mode.network, settings={"vault": str(VAULT)} | settings, seed=1
        )
        self.connector = ExtendedConnector(context)
        self._nonce = NOW_MS
        self._seq = 0
        self.ask(QueryInstruments(), conformance.markets())
        if confirmed:
            self.ask(WHOSE, body(self.account()))
            fees = {"market": NAME, "makerFeeRate": maker, "takerFeeRate": "0.00025"}
            self.ask(FEES, body([fees]))
        self.connector.opened(ACCOUNT, self.context())

    def account(self, **changes: object) -> dict[str, object]:
        """Spell whose API key it is."""
        return {
            "l2Key": self.signer.public_key,
            "l2Vault": str(VAULT),
            "status": "ACTIVE",
        } | changes

    def context(self, at_ms: int = NOW_MS) -> WriteContext:
        """Return what a request may use of the world; each has a nonce of its own."""
        self._nonce += 1
        return WriteContext(
            nonce=self._nonce,
            at_ns=at_ms * NS_PER_MS,
            sign=self.signer.sign,
            identity=self.signer.identity,
        )

    def request(self, query: Query) -> HttpRequest:
        """Spell a question."""
        request = self.connector.ask(query, self.context())
        assert isinstance(request, HttpRequest)
        return request

    def ask(self, query: Query, answer: bytes, status: int = 200) -> Sequence[Event]:
        """Ask something, and answer it."""
        return self.answer(self.request(query), answer, status)

    def write(self, command: Command) -> HttpRequest:
        """Spell a command."""
        request = self.connector.write(command, self.context())
        assert isinstance(request, HttpRequest)
        return request

    def send(self, command: Command, answer: bytes, status: int = 200) -> Sequence[Event]:
        """Send a command, and answer it."""
        return self.answer(self.write(command), answer, status)

    def answer(self, request: Request, answer: bytes | Failure, status: int = 200) -> Sequence[Event]:
        """Hand in an answer."""
        what = answer if isinstance(answer, Failure) else Answer(status=status, body=answer)
        return self.connector.read_answer(request, what, NOW_MS * NS_PER_MS)

    def hear(self, kind: str, seq: int | None = None, **data: object) -> Sequence[Event]:
        """Read a message of the account's stream; numbered by itself unless a number is given."""
        self._seq = self._seq + 1 if seq is None else seq
        message = {"type": kind, "data": data, "ts": NOW_MS, "seq": self._seq}
        return self.connector.read(ACCOUNT, msgspec.json.encode(message), NOW_MS * NS_PER_MS)


def order(external_id: str, status: str = "NEW", **changes: object) -> dict[str, object]:
    """Spell an own order."""
    return {
        "id": 2_100_000_000_000_000_001,
        "externalId": external_id,
        "market": NAME,
        "side": "BUY",
        "status": status,
        "price": "60000.000000",
        "qty": "0.002000",
        "filledQty": "0",
        "reduceOnly": False,
        "updatedTime": NOW_MS,
    } | changes


def trade(number: int = 1, **changes: object) -> dict[str, object]:
    """Spell an own fill."""
    return {
        "id": number,
        "market": NAME,
        "orderId": 2_100_000_000_000_000_001,
        "side": "BUY",
        "price": "60000.0000000000000000",
        "qty": "0.0010000000000000",
        "fee": "0.0150000000000000",
        "isTaker": True,
        "createdTime": NOW_MS,
    } | changes

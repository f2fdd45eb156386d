"""A desk at the twin: what a careful client would send, and everything that comes back, without a socket."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any, Final

import msgspec

from paraphina_core.connector import Network
from paraphina_core.domain import NS_PER_MS, NS_PER_S
from paraphina_core.twin import SessionId, TwinContext, TwinRequest, VenueClock
from paraphina_hyperliquid.signer import Signer
from paraphina_hyperliquid.signing import connection_id, digest, parse_address
from paraphina_hyperliquid.twin import HyperliquidTwin

START_NS: Final = 1_790_000_000 * NS_PER_S

#: Numbers of the test network: others trade BTC as well, ATOM is traded by clients alone.
ATOM, BTC, MATIC = 2, 3, 5
CLOID: Final = "0x" + "c1" * 16


def order(  # an order has as many parts
    price: str,
    size: str,
    *,
    buy: bool = True,
    asset: int = ATOM,
    tif: str = "Gtc",
    reduce_only: bool = False,
    cloid: str | None = None,
) -> dict[str, Any]:
    """Spell one order."""
    spelled = {
        "a": asset,
        "b": buy,
        "p": price,
        "s": size,
        "r": reduce_only,
        "t": {"limit": {"tif": tif}},
    }
    return spelled if cloid is None else spelled | {"c": cloid}


def place(*orders: dict[str, Any]) -> dict[str, Any]:
    """Spell the action that places orders."""
    return {"type": "order", "orders": list(orders), "grouping": "na"}


def modify(oid: int | str, new: dict[str, Any]) -> dict[str, Any]:
    """Spell the action that modifies one order."""
    return {"type": "batchModify", "modifies": [{"oid": oid, "order": new}]}


def cancel(oid: int, asset: int = ATOM) -> dict[str, Any]:
    """Spell the action that cancels one order."""
    return {"type": "cancel", "cancels": [{"a": asset, "o": oid}]}


class Desk:
    """One twin, and two of its clients, who have traded nothing: `maker` and `taker`, by their masters' keys.

    Attributes:
        twin: the twin.
        now_ns: the world's time.
        sent: every message to a session, and the code with which one was closed.
    """

    def __init__(self, network: Network = Network.TESTNET, seed: int = 7, **settings: str) -> None:
        self.now_ns = START_NS
        self.network = network
        self.sent: list[tuple[SessionId, Any]] = []
        self.clock = VenueClock()
        self.twin = HyperliquidTwin(
            TwinContext(
                seed=seed,
                start_ns=START_NS,
                network=network,
                clock=self.clock,
                wire=self,
                balance_usd=Decimal(10_000),
                settings={"traded_usd": "0"} | settings,
            )
        )
        self.maker, self.taker = self.twin.accounts
        self._nonce = START_NS // NS_PER_MS

    # --- the wire -------------------------------------------------------------------------------

    def send(self, session: SessionId, payload: bytes, *, binary: bool = False) -> None:
        """Take a message."""
        assert not binary
        self.sent.append((session, json.loads(payload)))

    def close(self, session: SessionId, code: int = 1000, reason: str = "") -> None:
        """Take note of an end."""
        self.sent.append((session, code))

    # --- time -----------------------------------------------------------------------------------

    @property
    def now_ms(self) -> int:
        """The venue's time."""
        return self.now_ns // NS_PER_MS

    def wait(self, ms: int) -> None:
        """Let time pass."""
        self.now_ns += ms * NS_PER_MS
        self.twin.advance(self.now_ns)

    # --- requests -------------------------------------------------------------------------------

    def post(self, path: str, body: Any, peer: str = "127.0.0.1") -> tuple[int, Any]:
        """Send a request; return the status and what came back, decoded if it is JSON."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        answer = self.twin.request(TwinRequest(method="POST", target=path, body=raw, peer=peer), self.now_ns)
        is_json = "json" in answer.headers.get("content-type", "")
        return answer.status, json.loads(answer.body) if is_json else answer.body.decode()

    def get(self, path: str) -> int:
        """Send a request of the wrong method; return the status."""
        return self.twin.request(TwinRequest(method="GET", target=path), self.now_ns).status

    def ask(self, kind: str, **more: Any) -> Any:
        """Ask a question that has an answer."""
        status, said = self.post("/info", {"type": kind, **more})
        assert status == 200, said
        return said

    def nonce(self) -> int:
        """Return a nonce that nobody has used."""
        self._nonce = max(self._nonce + 1, self.now_ms)
        return self._nonce

    def signed(
        self,
        action: dict[str, Any],
        key: str | None = None,
        *,
        nonce: int | None = None,
        vault: str | None = None,
        expires_after: int | None = None,
        network: Network | None = None,
    ) -> dict[str, Any]:
        """Sign an action exactly as it is spelled, by default with the key of the maker."""
        used = self.nonce() if nonce is None else nonce
        account = None if vault is None else parse_address(vault)
        hashed = connection_id(msgspec.msgpack.encode(action), used, account, expires_after)
        signature = Signer(key or self.maker.key).sign(digest(hashed, network or self.network))
        return {
            "action": action,
            "nonce": used,
            "signature": {
                "r": "0x" + signature[:32].hex(),
                "s": "0x" + signature[32:64].hex(),
                "v": signature[64],
            },
            "vaultAddress": vault,
            "expiresAfter": expires_after,
        }

    def act(self, action: dict[str, Any], key: str | None = None, **more: Any) -> Any:
        """Sign and send an action; return the answer."""
        status, said = self.post("/exchange", self.signed(action, key, **more))
        assert status == 200, said
        return said

    def statuses(self, action: dict[str, Any], key: str | None = None, **more: Any) -> list[Any]:
        """Send an action that is looked at; return what became of each of its parts."""
        said = self.act(action, key, **more)
        assert said["status"] == "ok", said
        statuses: list[Any] = said["response"]["data"]["statuses"]
        return statuses

    def refused(self, action: dict[str, Any], key: str | None = None, **more: Any) -> str:
        """Send an action that is refused as a whole; return the sentence."""
        said = self.act(action, key, **more)
        assert said["status"] == "err", said
        sentence: str = said["response"]
        return sentence

    def rest(self, *args: Any, key: str | None = None, **more: Any) -> int:
        """Place an order that rests; return its id."""
        (status,) = self.statuses(place(order(*args, **more)), key)
        oid: int = status["resting"]["oid"]
        return oid

    # --- sockets --------------------------------------------------------------------------------

    def connect(self, session: SessionId = 1, peer: str = "127.0.0.1") -> int:
        """Open a WebSocket; return 101, or the status that refuses it."""
        answer = self.twin.connect(session, TwinRequest(method="GET", target="/ws", peer=peer), self.now_ns)
        return 101 if answer is None else answer.status

    def tell(self, message: Any, session: SessionId = 1) -> list[Any]:
        """Send a message; return what that session is sent at once, or the code that ends it."""
        before = len(self.sent)
        raw = message if isinstance(message, bytes) else json.dumps(message).encode()
        self.twin.receive(session, raw, self.now_ns)
        return [said for to, said in self.sent[before:] if to == session]

    def subscribe(self, kind: str, session: SessionId = 1, **more: Any) -> list[Any]:
        """Subscribe; return what comes at once."""
        message = {"method": "subscribe", "subscription": {"type": kind, **more}}
        return self.tell(message, session)

    def heard(self, channel: str, session: SessionId = 1) -> list[Any]:
        """Return and forget the data of every message of a channel so far."""
        found = [
            said["data"]
            for to, said in self.sent
            if to == session and isinstance(said, dict) and said["channel"] == channel
        ]
        self.sent.clear()
        return found

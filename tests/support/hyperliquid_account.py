"""One Hyperliquid account's stream with everything behind it, and the messages that the venue sends on it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from paraphina_core.connector import Network, StreamRequest, WriteContext
from paraphina_core.domain import ClientOrderId, Event, ModifyOrder, Side, instrument_id, to_hex128
from paraphina_hyperliquid.actions import Spelling
from paraphina_hyperliquid.changes import Changes
from paraphina_hyperliquid.order_entry import OrderEntry
from paraphina_hyperliquid.private_feed import PrivateFeed
from paraphina_hyperliquid.roles import Roles
from paraphina_hyperliquid.signing import Authority

ETH = instrument_id("hyperliquid", "ETH")
USER = "0x" + "ab" * 20
NS_PER_MS = 1_000_000
NOW_MS = 1_763_800_000_000
OURS = to_hex128(7, "l")


class Account:
    """One account's stream with everything behind it."""

    def __init__(self) -> None:
        self.changes = Changes()
        spelling = Spelling({ETH: 1}, "l")
        self.entry = OrderEntry(
            "https://venue.test", Authority(network=Network.MAINNET), spelling, self.changes
        )
        self.feed = PrivateFeed("hyperliquid", self.changes, self.entry, Roles(USER, is_named=False))
        self.feed.opened(NOW_MS * NS_PER_MS)
        self.nonce = NOW_MS

    def hears(self, channel: str, data: object) -> Sequence[Event]:
        """Return what a message means."""
        return self.feed.read(json.dumps({"channel": channel, "data": data}).encode())

    def changes_order(self, size: str = "1", venue_order_id: str | None = "5") -> tuple[int, dict[str, Any]]:
        """Send a change of order 7 as a post; return the post's id and the action."""
        self.nonce += 1
        context = WriteContext(nonce=self.nonce, at_ns=NOW_MS * NS_PER_MS, sign=lambda _: bytes(64) + b"\x1b")
        command = ModifyOrder(
            instrument=ETH,
            client_order_id=ClientOrderId(7),
            venue_order_id=venue_order_id,
            side=Side.BUY,
            price=Decimal(1500),
            size=Decimal(size),
        )
        request = self.entry.write(command, context, "account")
        assert isinstance(request, StreamRequest)
        payload = json.loads(request.payload)
        return self.nonce, payload["request"]["payload"]["action"]

    def answers(self, nonce: int, payload: object, kind: str = "action") -> Sequence[Event]:
        """Return what the answer to a post means."""
        return self.hears("post", {"id": nonce, "response": {"type": kind, "payload": payload}})


def update(status: str, *, oid: int = 5, cloid: str | None = OURS, left: str = "1.0") -> dict[str, Any]:
    """Return one entry of an orderUpdates message."""
    order = {"coin": "ETH", "side": "B", "limitPx": "1500.0", "sz": left, "oid": oid}
    order |= {"timestamp": NOW_MS, "origSz": "1.0"} | ({} if cloid is None else {"cloid": cloid})
    return {"order": order, "status": status, "statusTimestamp": NOW_MS + 1}


def fill(tid: int = 1, **changes: object) -> dict[str, Any]:
    """Return one fill."""
    values: dict[str, Any] = {
        "coin": "ETH",
        "px": "1500.5",
        "sz": "0.4",
        "side": "B",
        "time": NOW_MS,
        "startPosition": "0.0",
        "dir": "Open Long",
        "closedPnl": "0.0",
        "hash": "0x00",
        "oid": 5,
        "crossed": False,
        "fee": "-0.0123",
        "tid": tid,
        "cloid": OURS,
        "feeToken": "USDC",
    }
    return values | changes


RESTING = {"status": "ok", "response": {"type": "order", "data": {"statuses": [{"resting": {"oid": 6}}]}}}


def funding(time: int, coin: str = "ETH") -> dict[str, Any]:
    """Return one funding payment."""
    return {"time": time, "coin": coin, "usdc": "-0.5", "szi": "1", "fundingRate": "0.0000125"}

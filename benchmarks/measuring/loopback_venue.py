"""A venue on loopback that sends books and stops the clock when a signed order arrives.

It speaks as much of Hyperliquid's protocol as a client needs to start, over HTTP and WebSocket on one
port, in a process of its own: `python loopback_venue.py BOOKS`. It prints its port; at a line on its input
it begins to send books to whoever subscribed to them, one at a time, the next one a pause after the order
that the last one caused; at the end it prints what was measured. Orders are accepted and then cancelled
by the venue, so that none is left when the next book comes.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import sys
import time
from collections.abc import Callable
from typing import Any, Final, cast

sys.path.insert(0, str(__import__("pathlib").Path(__file__).resolve().parents[1]))

from measuring.market_frames import COINS, Market, dice_of

COIN: Final = COINS[0]
PAUSE_S: Final = 0.005
#: A book that causes no order in so long is counted as missed, and the next one is sent.
GIVE_UP_S: Final = 2.0
KEEP_FRESH_S: Final = 0.2

_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
META: Final = {
    "universe": [{"name": coin.name, "szDecimals": coin.size_decimals, "maxLeverage": 20} for coin in COINS],
    "marginTables": [],
    "collateralToken": 0,
}
_NO_MARGIN: Final = {"accountValue": "1000000.0", "totalMarginUsed": "0.0", "totalNtlPos": "0.0"}


class Clock:
    """Sends books and measures how long it takes until an order arrives."""

    def __init__(self, books: int) -> None:
        self.left = books
        self.market = Market(COIN, dice_of(1))
        self.watchers: list[Client] = []
        self.taken_ns: list[int] = []
        self.missed = 0
        self.is_measuring = False
        self._sent_ns: int | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._last_id = 10**9

    def take_id(self) -> int:
        """Give an order a number."""
        self._last_id += 1
        return self._last_id

    def keep_fresh(self) -> None:
        """Send a book now and then until the measuring begins, so that a client has one."""
        if not self.is_measuring:
            self._tell()
            asyncio.get_running_loop().call_later(KEEP_FRESH_S, self.keep_fresh)

    def begin(self) -> None:
        """Measure from now on."""
        self.is_measuring = True
        asyncio.get_running_loop().call_later(KEEP_FRESH_S, self._next)

    def arrived(self, at_ns: int) -> None:
        """Stop the clock: an order is here."""
        if self._sent_ns is None:
            return
        self.taken_ns.append(at_ns - self._sent_ns)
        self._sent_ns = None
        if self._timer is not None:
            self._timer.cancel()
        asyncio.get_running_loop().call_later(PAUSE_S, self._next)

    def _next(self) -> None:
        loop = asyncio.get_running_loop()
        if not self.left:
            print(json.dumps({"taken_ns": self.taken_ns, "missed": self.missed}), flush=True)
            loop.stop()
            return
        self.left -= 1
        self._timer = loop.call_later(GIVE_UP_S, self._give_up)
        self._sent_ns = self._tell()

    def _give_up(self) -> None:
        self._sent_ns = None
        self.missed += 1
        self._next()

    def _tell(self) -> int:
        self.market.move(always=True)
        frame = _frame(self.market.book(time.time_ns() // 10**6, 20))
        began = time.perf_counter_ns()
        for client in self.watchers:
            client.transport.write(frame)
        return began


class Client(asyncio.Protocol):
    """One connection: HTTP, or WebSocket once it was asked for."""

    transport: asyncio.Transport

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._data = bytearray()
        self._is_websocket = False
        self._wants_updates = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self.transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Send nothing more."""
        if self in self._clock.watchers:
            self._clock.watchers.remove(self)

    def data_received(self, data: bytes) -> None:
        """Take what arrived, and every message that is complete with it."""
        at_ns = time.perf_counter_ns()
        self._data += data
        while self._take(at_ns):
            pass

    def _take(self, at_ns: int) -> bool:
        return self._websocket(at_ns) if self._is_websocket else self._http(at_ns)

    # --- HTTP ---------------------------------------------------------------------------------

    def _http(self, at_ns: int) -> bool:
        head, end, rest = bytes(self._data).partition(b"\r\n\r\n")
        if not end:
            return False
        lines = head.split(b"\r\n")
        headers = {
            name.strip().lower(): value.strip()
            for name, _, value in (line.partition(b":") for line in lines[1:])
        }
        if b"sec-websocket-key" in headers:
            digest = hashlib.sha1(headers[b"sec-websocket-key"] + _GUID).digest()  # noqa: S324  # RFC 6455 demands it
            self.transport.write(
                b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Accept: " + base64.b64encode(digest) + b"\r\n\r\n"
            )
            self._is_websocket = True
            self._data = bytearray(rest)
            return bool(rest)
        length = int(headers.get(b"content-length", b"0"))
        if len(rest) < length:
            return False
        self._data = bytearray(rest[length:])
        body = json.loads(rest[:length] or b"{}")
        answer = self._exchange(body, at_ns) if b"/exchange" in lines[0] else info(body)
        payload = json.dumps(answer).encode()
        self.transport.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: "
            + str(len(payload)).encode()
            + b"\r\n\r\n"
            + payload
        )
        return bool(self._data)

    def _exchange(self, body: dict[str, Any], at_ns: int) -> dict[str, Any]:
        action = body["action"]
        if action["type"] != "order":
            return {"status": "ok", "response": {"type": "default"}}
        assert len(body["signature"]["r"]) > 2, "orders are signed"
        self._clock.arrived(at_ns)
        oids = [self._clock.take_id() for _ in action["orders"]]
        self._cancel(action["orders"], oids)
        statuses = [{"resting": {"oid": oid}} for oid in oids]
        return {"status": "ok", "response": {"type": "order", "data": {"statuses": statuses}}}

    def _cancel(self, orders: list[dict[str, Any]], oids: list[int]) -> None:
        """Tell the account's stream, if there is one, that orders are gone, before it hears that they came.

        So a client that trades once for each book sends nothing more for this one.
        """
        if not self._wants_updates:
            return
        now_ms = time.time_ns() // 10**6
        updates = []
        for order, oid in zip(orders, oids, strict=True):
            told = {"coin": COIN.name, "side": "B" if order["b"] else "A", "limitPx": order["p"]}
            told |= {"sz": order["s"], "origSz": order["s"], "oid": oid, "timestamp": now_ms}
            told |= {"cloid": order["c"]} if "c" in order else {}
            updates.append({"order": told, "status": "canceled", "statusTimestamp": now_ms})
        self._say({"channel": "orderUpdates", "data": updates})

    # --- WebSocket ------------------------------------------------------------------------------

    def _websocket(self, at_ns: int) -> bool:
        data = self._data
        if len(data) < 6:
            return False
        length, at = data[1] & 0x7F, 2
        if length == 126:
            length, at = int.from_bytes(data[2:4]), 4
        elif length == 127:
            length, at = int.from_bytes(data[2:10]), 10
        end = at + 4 + length
        if len(data) < end:
            return False
        opcode, mask, payload = data[0] & 0x0F, bytes(data[at : at + 4]), bytes(data[at + 4 : end])
        del data[:end]
        text = (int.from_bytes(payload) ^ int.from_bytes((mask * (length // 4 + 1))[:length])).to_bytes(
            length
        )
        if opcode == 1:
            self._message(json.loads(text), at_ns)
        elif opcode == 8:
            self.transport.close()
        return bool(data)

    def _message(self, message: dict[str, Any], at_ns: int) -> None:
        method = message["method"]
        if method == "ping":
            self._say({"channel": "pong"})
        elif method == "post":
            request = message["request"]
            if request["type"] == "action":
                payload: object = self._exchange(request["payload"], at_ns)
            else:
                payload = {"type": request["payload"]["type"], "data": info(request["payload"])}
            response = {"type": request["type"], "payload": payload}
            self._say({"channel": "post", "data": {"id": message["id"], "response": response}})
        elif method == "subscribe":
            self._subscribe(message["subscription"])

    def _subscribe(self, subscription: dict[str, Any]) -> None:
        self._say(
            {
                "channel": "subscriptionResponse",
                "data": {"method": "subscribe", "subscription": subscription},
            }
        )
        user = subscription.get("user")
        first = {
            "userFills": {"isSnapshot": True, "user": user, "fills": []},
            "userFundings": {"isSnapshot": True, "user": user, "fundings": []},
        }.get(subscription["type"])
        if first is not None:
            self._say({"channel": subscription["type"], "data": first})
        elif subscription["type"] == "orderUpdates":
            self._wants_updates = True
        elif subscription["type"] == "l2Book":
            self._clock.watchers.append(self)

    def _say(self, message: object) -> None:
        self.transport.write(_frame(json.dumps(message, separators=(",", ":")).encode()))


def info(request: dict[str, Any]) -> object:
    """Answer a question about an account that holds nothing but its balance."""
    now_ms = time.time_ns() // 10**6
    answers: dict[str, Callable[[], object]] = {
        "meta": lambda: META,
        "spotMeta": lambda: {"universe": [], "tokens": []},
        "clearinghouseState": lambda: {
            "assetPositions": [],
            "marginSummary": _NO_MARGIN,
            "crossMarginSummary": _NO_MARGIN,
            "withdrawable": "1000000.0",
            "time": now_ms,
        },
        "exchangeStatus": lambda: {"specialStatuses": None, "time": now_ms},
        "userRateLimit": lambda: {
            "cumVlm": "1000000000.0",
            "nRequestsUsed": 1,
            "nRequestsCap": 10**9,
            "nRequestsSurplus": 0,
        },
        "userRole": lambda: {"role": "user"},
        "orderStatus": lambda: {"status": "unknownOid"},
    }
    return answers.get(request["type"], list)()


def _frame(payload: bytes) -> bytes:
    """Wrap a text message of the server."""
    if len(payload) < 126:
        return bytes((0x81, len(payload))) + payload
    return bytes((0x81, 126)) + len(payload).to_bytes(2) + payload


async def _serve(clock: Clock) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Client(clock), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    loop.add_reader(sys.stdin, lambda: (loop.remove_reader(sys.stdin), clock.begin()))
    clock.keep_fresh()


def main() -> None:
    """Serve until the books are sent."""
    try:
        import uvloop
    except ImportError:
        loop = asyncio.new_event_loop()
    else:
        loop = uvloop.new_event_loop()
    loop.create_task(_serve(Clock(int(sys.argv[1]))))
    loop.run_forever()


if __name__ == "__main__":
    main()

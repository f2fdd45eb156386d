"""Measures signing for Hyperliquid beside the official SDK.

From an order (one, and a batch of ten) to the bytes of a request, ready to send; nothing is sent. The peer
is hyperliquid-python-sdk, which is not needed for anything else and gets environments of its own, as it
installs and with the faster curve library that it picks up when it is there:

    python -m venv /tmp/sdk && /tmp/sdk/bin/pip install hyperliquid-python-sdk
    python -m venv /tmp/sdk-coincurve && /tmp/sdk-coincurve/bin/pip install hyperliquid-python-sdk coincurve
    python benchmarks/hyperliquid_signing.py /tmp/sdk/bin/python /tmp/sdk-coincurve/bin/python

All run in rounds by turns, because a machine's mood changes within seconds. Requests are compared first: key
for key and number for number they are the same.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from decimal import Decimal
from importlib.metadata import PackageNotFoundError, version
from statistics import median

ROUNDS = 15
CALLS = {"ours": {1: 400, 10: 200}, "sdk": {1: 30, 10: 30}}
COUNTS = (1, 10)
NONCE = 1_763_800_000_000
KEY = "0x0123456789012345678901234567890123456789012345678901234567890123"  # of the SDK's own tests
PRICES = [Decimal("3150.5") - n for n in range(10)]
SIZE = Decimal("0.25")

#: Makes the request of so many orders with a nonce.
Make = Callable[[int, int], bytes]


def ours() -> Make:
    """Return our way from commands to bytes: the connector's whole `write`."""
    from paraphina_core.connector import Network, WriteContext  # the peer's side has none of it
    from paraphina_core.domain import Batch, ClientOrderId, PlaceOrder, Side, instrument_id  # same
    from paraphina_hyperliquid.actions import Spelling  # same
    from paraphina_hyperliquid.order_entry import OrderEntry  # same
    from paraphina_hyperliquid.signer import Signer  # same
    from paraphina_hyperliquid.signing import Authority  # same

    instrument = instrument_id("hyperliquid", "ETH")
    entry = OrderEntry("https://x.test", Authority(network=Network.MAINNET), Spelling({instrument: 1}, "l"))
    sign = Signer(KEY).sign
    orders = tuple(
        PlaceOrder(
            instrument=instrument,
            client_order_id=ClientOrderId(n),
            side=Side.BUY,
            price=price,
            size=SIZE,
            post_only=True,
        )
        for n, price in enumerate(PRICES)
    )

    def make(count: int, nonce: int) -> bytes:
        command = orders[0] if count == 1 else Batch(commands=orders[:count])
        context = WriteContext(nonce=nonce, at_ns=NONCE * 1_000_000, sign=sign)
        return entry.write(command, context).body

    return make


def sdk() -> Make:
    """Return the official SDK's way, as its `bulk_orders` goes it, up to the bytes that it posts."""
    from eth_account import Account  # the peer's environment only
    from hyperliquid.utils.signing import (  # same
        order_request_to_order_wire,
        order_wires_to_order_action,
        sign_l1_action,
    )
    from hyperliquid.utils.types import Cloid  # same

    wallet = Account.from_key(KEY)
    orders = [
        {
            "coin": "ETH",
            "is_buy": True,
            "sz": float(SIZE),
            "limit_px": float(price),
            "order_type": {"limit": {"tif": "Alo"}},
            "reduce_only": False,
            "cloid": Cloid(f"0x7061726170686e61006c{n:012x}"),
        }
        for n, price in enumerate(PRICES)
    ]

    def make(count: int, nonce: int) -> bytes:
        action = order_wires_to_order_action(
            [order_request_to_order_wire(order, 1) for order in orders[:count]]
        )
        signature = sign_l1_action(wallet, action, None, nonce, NONCE + 3_000, True)  # noqa: FBT003  # the SDK's call
        payload = {
            "action": action,
            "nonce": nonce,
            "signature": signature,
            "vaultAddress": None,
            "expiresAfter": NONCE + 3_000,
        }
        return json.dumps(payload).encode()

    return make


class Timer:
    """Times requests; every one has a nonce of its own, and nothing is left over from earlier rounds."""

    def __init__(self, prepare: Callable[[], Make], calls: dict[int, int]) -> None:
        self._prepare = prepare
        self._calls = calls
        self._nonce = NONCE

    def microseconds(self, count: int) -> float:
        """Return the mean time of a request with so many orders."""
        make = self._prepare()
        first, last = self._nonce, self._nonce + self._calls[count]
        self._nonce = last
        begin = time.perf_counter_ns()
        for nonce in range(first, last):
            make(count, nonce)
        return (time.perf_counter_ns() - begin) / self._calls[count] / 1e3


class Peer:
    """The SDK in another environment, as a process that measures when it is asked."""

    def __init__(self, python: str) -> None:
        self._process = subprocess.Popen(  # noqa: S603  # the interpreter that the caller named
            [python, __file__, "--peer"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.name = self._line()
        self.bodies = {count: self._line() for count in COUNTS} if self.name else {}

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def microseconds(self, count: int) -> float:
        """Return the mean time of a request with so many orders."""
        assert self._process.stdin is not None
        print(count, file=self._process.stdin, flush=True)
        return float(self._line())

    def close(self) -> None:
        """End the process."""
        self._process.communicate()


def installed(package: str) -> str:
    """Return a package's version, empty when it is not there."""
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def serve() -> None:
    """Be a peer: name oneself, show the requests, then measure on demand."""
    if not installed("hyperliquid-python-sdk"):
        print()
        return
    curve = f" + coincurve {installed('coincurve')}" if installed("coincurve") else " as installed"
    print(f"hyperliquid-python-sdk {installed('hyperliquid-python-sdk')}{curve}")
    make = sdk()
    for count in COUNTS:
        print(make(count, NONCE).decode(), flush=True)
    timer = Timer(sdk, CALLS["sdk"])
    for line in sys.stdin:
        print(timer.microseconds(int(line)), flush=True)


def meaning(body: str | bytes) -> str:
    """Return a request with r and s as numbers: the SDK drops their leading zeros."""
    request = json.loads(body)
    signature = request["signature"]
    signature |= {part: int(signature[part], 16) for part in "rs"}
    return json.dumps(request)


def main(pythons: list[str]) -> None:
    """Measure and print medians over the rounds, with the ratio to ours."""
    peers = []
    for python in pythons:
        peer = Peer(python)
        if not peer.name:
            print(
                f"not measured: {python} has no hyperliquid-python-sdk; the text of this script installs it"
            )
            continue
        peers.append(peer)
    if not pythons:
        print(
            "not measured: hyperliquid-python-sdk, no PYTHON was named; the text of this script installs it"
        )
    for peer in peers:
        for count in COUNTS:
            assert meaning(peer.bodies[count]) == meaning(ours()(count, NONCE)), "requests differ"
    timed = [("paraphina-hyperliquid", Timer(ours, CALLS["ours"])), *((peer.name, peer) for peer in peers)]
    for count in COUNTS:
        times: list[list[float]] = [[] for _ in timed]
        for _ in range(ROUNDS):
            for kept, (_, timer) in zip(times, timed, strict=True):
                kept.append(timer.microseconds(count))
        print(f"{count} order{'s' if count > 1 else ''}, microseconds, median (best) of {ROUNDS} rounds")
        for (name, _), kept in zip(timed, times, strict=True):
            ratio = median(kept) / median(times[0])
            print(f"  {name:52}{median(kept):10.1f} ({min(kept):.1f}){ratio:10.1f}x")
    for peer in peers:
        peer.close()


if __name__ == "__main__":
    if sys.argv[1:] == ["--peer"]:
        serve()
    else:
        main(sys.argv[1:])

"""From an order to the bytes of a request, ready to send, beside the official SDK; nothing is sent.

Usage: python benchmarks/hyperliquid_signing.py

One order and a batch of ten. The SDK runs in processes of its own: as it installs, with the curve arithmetic
in Python that its signature library brings, and with coincurve, which that library picks up where it is
there. Requests are compared first: key for key and number for number they are the same. All run in rounds by
turns, because a machine's mood changes within seconds.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from importlib.metadata import version

from measuring.rounds import middle, percentile
from measuring.tables import Table, micros, times

ROUNDS = 15
#: What the SDK's library for signatures is told to use where coincurve shall not count.
AS_INSTALLED = {"ECC_BACKEND_CLASS": "eth_keys.backends.NativeECCBackend"}
OURS = "Paraphina"
SDK = "hyperliquid-python-sdk as it installs"
SDK_COINCURVE = "hyperliquid-python-sdk with coincurve"
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
    """The SDK as a process that measures when it is asked."""

    def __init__(self, env: dict[str, str]) -> None:
        self._process = subprocess.Popen(  # noqa: S603  # this interpreter and this script
            [sys.executable, __file__, "--peer"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | env,
        )
        self.bodies = {count: self._line() for count in COUNTS}

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


def serve() -> None:
    """Be a peer: show the requests, then measure on demand."""
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


def measure(rounds: int = ROUNDS) -> list[Table]:
    """Measure ours and both forms of the SDK, by turns."""
    peers = {SDK: Peer(AS_INSTALLED), SDK_COINCURVE: Peer({})}
    for peer in peers.values():
        for count in COUNTS:
            assert meaning(peer.bodies[count]) == meaning(ours()(count, NONCE)), "requests differ"
    timed: dict[str, Timer | Peer] = {OURS: Timer(ours, CALLS["ours"]), **peers}
    taken: dict[tuple[str, int], list[float]] = {(who, count): [] for count in COUNTS for who in timed}
    for _ in range(rounds):
        for (who, count), ns in taken.items():
            ns.append(timed[who].microseconds(count) * 1e3)
    for peer in peers.values():
        peer.close()
    return tables(taken, rounds)


def tables(taken: Mapping[tuple[str, int], Sequence[float]], rounds: int) -> list[Table]:
    """Show nanoseconds per request, by library and number of orders."""
    sdk_version, curve_version = version("hyperliquid-python-sdk"), version("coincurve")
    return [
        Table(
            title="From an order to signed bytes that are ready to send",
            note=(
                f"Microseconds per request, median and 99th percentile of {rounds} rounds; the requests are "
                f"equal. Beside hyperliquid-python-sdk {sdk_version} and coincurve {curve_version}."
            ),
            header=("library", "p50", "p99", "p50 ÷ ours"),
            rows=tuple(
                (
                    f"{who}, {count} order{'s' if count > 1 else ''}",
                    micros(middle(ns)),
                    micros(percentile(ns, 99)),
                    times(middle(ns) / middle(taken[OURS, count])),
                )
                for (who, count), ns in taken.items()
            ),
        )
    ]


if __name__ == "__main__":
    if sys.argv[1:] == ["--peer"]:
        serve()
    else:
        for table in measure():
            print(table.markdown(), end="\n\n")

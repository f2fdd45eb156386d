"""From an order's numbers to a signed transaction for Lighter, here and by the vendor's library.

Usage: python benchmarks/lighter_signing.py

Both make the same order with the same key, and what each has made verifies under it. Signatures are made one
by one with a pause, as a session makes them: ours prepares its secret numbers aside in it. The library is
called as the plugin calls it, from a thread of its own, and from the main thread, as its own SDK does.
"""

from __future__ import annotations

import importlib.util
import json
import time
from collections.abc import Callable
from typing import Final

from measuring.rounds import middle, percentile
from measuring.tables import Table, micros, times

ORDERS: Final = 200
PAUSE_S: Final = 0.005
KEY: Final = "1f2e3d4c5b6a79880796a5b4c3d2e1f00112233445566778899aabbccddeeff00102030405060708"  # nobody's
OURS, LIBRARY, MAIN = "Paraphina", "lighter-sdk, own thread", "lighter-sdk, main thread"

#: Makes the text of a transaction with a nonce.
Make = Callable[[int], bytes]


def makers() -> dict[str, Make]:
    """Return every way there is here."""
    from paraphina_lighter.signer import SignedBy, Signer
    from paraphina_lighter.transactions import CreateOrder, Transaction
    from paraphina_lighter.vendor import VendorLibrary

    signer = Signer(KEY)

    def transaction(nonce: int) -> Transaction:
        body = CreateOrder(0, nonce, 1_000, 405_000, 1, 0, 2, 0, 0, 1_800_000_000_000)
        return Transaction(
            chain_id=304,
            account_index=12_345,
            api_key_index=4,
            nonce=nonce,
            expired_at_ms=1_795_331_199_406,
            body=body,
        )

    def by(whose: SignedBy) -> Make:
        def make(nonce: int) -> bytes:
            made = transaction(nonce)
            return made.info(signer.sign(made.payload(whose)))

        return make

    found = {OURS: by(SignedBy.OURS)}
    if importlib.util.find_spec("lighter"):
        library = VendorLibrary(KEY)

        def on_main(nonce: int) -> bytes:
            numbers = (
                304,
                14,
                nonce,
                0,
                12_345,
                4,
                0,
                nonce,
                1_000,
                405_000,
                1,
                0,
                2,
                0,
                0,
                1_800_000_000_000,
            )
            expired, signature = library._sign(numbers, ())  # noqa: SLF001  # past its thread on purpose
            return transaction(nonce).info(expired.to_bytes(8, "little") + signature)

        found |= {LIBRARY: by(SignedBy.LIBRARY), MAIN: on_main}
    return found


def check(text: bytes) -> None:
    """Hold one transaction against the key that it must be signed with."""
    from base64 import b64decode

    from paraphina_lighter.crypto import hash_to_quintic, verify
    from paraphina_lighter.signer import Signer

    told = json.loads(text)
    signature = b64decode(told.pop("Sig"))
    header = (
        304,
        14,
        told.pop("Nonce"),
        told.pop("ExpiredAt"),
        told.pop("AccountIndex"),
        told.pop("ApiKeyIndex"),
    )
    told.pop("L2TxAttributes")
    public = bytes.fromhex(Signer(KEY).identity["public_key"])
    assert verify(public, hash_to_quintic((*header, *told.values())), signature)


def measure(orders: int = ORDERS) -> list[Table]:
    """Measure each, by turns."""
    ways = makers()
    taken: dict[str, list[float]] = {who: [] for who in ways}
    for make in ways.values():
        check(make(1))
    for nonce in range(orders):
        for who, make in ways.items():
            time.sleep(PAUSE_S)
            begin = time.perf_counter_ns()
            make(nonce)
            taken[who].append(time.perf_counter_ns() - begin)
    base = middle(taken[OURS])
    return [
        Table(
            title="From an order to a signed transaction for Lighter",
            note=(
                f"Microseconds for which the caller waits, median and 99th percentile of {orders} orders, "
                f"each after a pause of {PAUSE_S * 1e3:.0f} ms. Every signature verifies under one key."
            ),
            header=("signer", "p50", "p99", "p50 ÷ ours"),
            rows=tuple(
                (who, micros(middle(ns)), micros(percentile(ns, 99)), times(middle(ns) / base))
                for who, ns in taken.items()
            ),
        )
    ]


if __name__ == "__main__":
    for table in measure():
        print(table.markdown(), end="\n\n")

"""What it costs to sign an order for Paradex, beside the figure that was recorded of the venue's SDK.

Usage: python benchmarks/paradex_signing.py [ROUNDS]

From price and size to the text of the signature: typed data, nine Pedersen hashes of which the prefixes are
kept, and the signature; with the library in Rust, and with plain Python where it has no wheel. The SDK
(paradex-py 0.8.2) cannot be installed here without a compiler: its figure is the best of five rounds of its
`sign_order` on an AMD EPYC, of 2026-11-22, on another day and perhaps on another machine.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Final

from measuring.tables import Table, micros, times

from paraphina_core.connector import Network, stark_curve
from paraphina_core.domain import Side
from paraphina_paradex.signer import Signer, wire_signature
from paraphina_paradex.typed_data import Account

ROUNDS: Final = 5
CALLS: Final = 100
#: A throwaway, which may never be funded.
KEY: Final = "0xbed3cad0d83aad946cff3674eed9fd48ff164081aa7d5e40fe24b9549ee166"
SDK_RECORDED_NS: Final = 5_400_000


def sign(account: Account, signer: Signer, at_ms: int) -> str:
    """Make the signature of an order."""
    digest = account.order("BTC-USD-PERP", Side.BUY, Decimal("0.001"), Decimal("43445.5"), at_ms=at_ms)
    return wire_signature(signer.sign(digest.to_bytes(32)))


def best_ns(make: Callable[[int], str], rounds: int) -> float:
    """Return nanoseconds of processor time per signature in the best of some rounds."""
    make(0)
    found = []
    for number in range(rounds):
        began = time.thread_time_ns()
        for call in range(CALLS):
            make(number * CALLS + call)
        found.append((time.thread_time_ns() - began) / CALLS)
    return min(found)


def measure(rounds: int = ROUNDS) -> list[Table]:
    """Measure both ways of signing."""
    rust = partial(sign, Account(Network.MAINNET, "0x5"), Signer(KEY))
    taken = {"Paraphina": best_ns(rust, rounds)}
    expected = rust(1)
    library = stark_curve._curve  # noqa: SLF001  # the one place that chooses
    stark_curve._curve = lambda: stark_curve.PYTHON  # type: ignore[assignment]  # noqa: SLF001  # as without wheel
    try:
        assert rust(1) == expected, "two ways, two signatures"
        taken["Paraphina, plain Python"] = best_ns(rust, rounds)
    finally:
        stark_curve._curve = library  # noqa: SLF001  # same
    taken["paradex-py 0.8.2, as recorded"] = SDK_RECORDED_NS
    return [
        Table(
            title="From an order to its signature for Paradex",
            note=f"Microseconds of processor time, best of {rounds} rounds of {CALLS} orders.",
            header=("library", "best", "÷ ours"),
            rows=tuple((name, micros(ns), times(ns / taken["Paraphina"])) for name, ns in taken.items()),
        )
    ]


if __name__ == "__main__":
    for table in measure(int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS):
        print(table.markdown(), end="\n\n")

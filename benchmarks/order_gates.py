"""What the order gates cost for an order that passes, in microseconds, and each gate alone.

Usage: PYTHONPATH=tests/support python benchmarks/order_gates.py

Five instruments on five venues, so that the totals have something to add up.
"""

from __future__ import annotations

import timeit

from order_world import order_context, quote, session_context
from paraphina_core.gates import ORDER_GATES, check

_ROUNDS, _CHECKS = 15, 10_000


def _mean_us(call: str, **names: object) -> float:
    """Return the mean time of the calmest round, in microseconds."""
    return min(timeit.repeat(call, globals=names, number=_CHECKS, repeat=_ROUNDS)) / _CHECKS * 1e6


def main() -> None:
    """Print the time of the whole check, and of each gate alone."""
    session = session_context(used=set())
    context, *_ = [order_context(session, venue) for venue in ("one", "two", "three", "four", "five")]
    order = quote()
    if check(order, context) is not None:
        raise SystemExit("the order does not pass")
    total = _mean_us("check(order, context)", check=check, order=order, context=context)
    print(f"check: {total:.2f} us for {len(ORDER_GATES)} gates")
    for rule in ORDER_GATES:
        alone = _mean_us(
            "gate(order, context, price, size)",
            gate=rule.check,
            order=order,
            context=context,
            price=float(order.price),
            size=float(order.size),
        )
        print(f"{alone:6.2f} {rule.code}")


if __name__ == "__main__":
    main()

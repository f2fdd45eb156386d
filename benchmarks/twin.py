"""How fast a twin's market lives in virtual time: seconds of the market for each second of this machine.

Usage: python benchmarks/twin.py [MINUTES]

One instrument alone, then the whole twin of each connector that has one, with all of its instruments;
nobody listens and nobody trades but the background participants.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from decimal import Decimal

from paraphina_core.connector import FeeSchedule, load_plugins
from paraphina_core.domain import NS_PER_S, FixedTick, Instrument
from paraphina_core.twin import Exchange, HouseRules, Listing, TwinHost, VenueClock

_START_NS = 1_800_000_000 * NS_PER_S


def one_instrument() -> Exchange:
    """Return an exchange with one liquid instrument."""
    instrument = Instrument(
        venue="bench",
        native_id="BTC",
        base="BTC",
        quote="USD",
        price_rule=FixedTick(tick=Decimal("0.5")),
        lot_size=Decimal("0.001"),
        min_size=Decimal("0.001"),
        min_notional=Decimal(10),
    )
    return Exchange(
        HouseRules(fees=FeeSchedule(maker_bps=1.0, taker_bps=5.0, source="chosen")),
        (Listing(instrument=instrument, price=Decimal(50_000)),),
        clock=VenueClock(),
        seed=1,
        start_ns=_START_NS,
    )


def measure(what: str, advance: Callable[[int], None], minutes: float) -> None:
    """Let time pass and print how fast it did."""
    began = time.perf_counter()
    advance(_START_NS + int(minutes * 60 * NS_PER_S))
    took_s = time.perf_counter() - began
    print(f"{what:32} {minutes * 60 / took_s:8.0f} s of the market in 1 s")


def main() -> None:
    """Measure and print."""
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 10.0
    measure("exchange with one instrument", one_instrument().advance, minutes)
    for spec in load_plugins([]).connectors.values():
        if spec.twin is not None:
            host = TwinHost.of(spec, seed=1, start_ns=_START_NS)
            living = sum(market.listing.has_flow for market in host.exchange.markets.values())
            measure(f"twin of {spec.name}, {living} instruments", host.advance, minutes)


if __name__ == "__main__":
    main()

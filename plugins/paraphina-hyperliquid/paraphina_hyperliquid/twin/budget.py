"""How much an account may ask: requests and open orders are earned by trading.

Docs "Rate limits and user limits" (read 2026-08-22): one request for each USDC traded since the beginning
and 10,000 to start with; whoever has none left may ask once in ten seconds. Cancels reach further.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from paraphina_core.domain import CONTEXT, plain

INITIAL_REQUESTS: Final = 10_000
EXTRA_CANCELS: Final = 100_000
SLOW_REQUEST_MS: Final = 10_000
#: What a request costs that comes after its own expiry.
STALE_REQUESTS: Final = 5

#: Open orders of an account: so many, and one more for every so many USDC traded, up to so many.
INITIAL_OPEN_ORDERS: Final = 1_000
USD_FOR_OPEN_ORDER: Final = 5_000_000
MAX_OPEN_ORDERS: Final = 5_000

#: Seen on 2026-09-07 and not in the docs: nobody may schedule a cancel before having traded so much.
DEAD_MAN_USD: Final = Decimal(1_000_000)

_CENT: Final = Decimal("0.01")


class Budget:
    """Requests of one account.

    Args:
        traded_usd: volume that counts as traded before the start.
        used: requests that count as used before the start.

    Attributes:
        traded_usd: cumulative volume.
        used: requests so far; a batch counts each of its orders.
    """

    def __init__(self, traded_usd: Decimal, used: int) -> None:
        self.traded_usd = traded_usd
        self.used = used
        self._slow_ms = -SLOW_REQUEST_MS

    @property
    def limit(self) -> int:
        """Requests that are earned so far."""
        return INITIAL_REQUESTS + int(self.traded_usd)

    @property
    def cancel_limit(self) -> int:
        """Requests up to which cancels are taken."""
        return min(self.limit + EXTRA_CANCELS, 2 * self.limit)

    @property
    def open_orders(self) -> int:
        """Orders that may be open at once."""
        return min(INITIAL_OPEN_ORDERS + int(self.traded_usd) // USD_FOR_OPEN_ORDER, MAX_OPEN_ORDERS)

    def trade(self, notional_usd: Decimal) -> None:
        """Count a fill."""
        self.traded_usd = CONTEXT.add(self.traded_usd, notional_usd)

    def spend(self, requests: int, venue_ms: int, *, is_cancel: bool) -> str | None:
        """Count requests; return the venue's sentence where there are too many."""
        limit = self.cancel_limit if is_cancel else self.limit
        if self.used + requests > limit:
            if venue_ms < self._slow_ms + SLOW_REQUEST_MS:
                traded = plain(self.traded_usd.quantize(_CENT))
                return (
                    f"Too many cumulative requests sent ({self.used + requests} > {limit}) for cumulative "
                    f"volume traded ${traded}. Place taker orders to free up 1 request per USDC traded."
                )
            self._slow_ms = venue_ms
        self.used += requests
        return None

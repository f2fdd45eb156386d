"""What the venue allows: requests of one IP address, open orders, and how long orders may live."""

from __future__ import annotations

from typing import Final

#: Requests of one IP address, over all endpoints (docs "Rate limits", read 2026-11).
REQUESTS: Final = "requests"

#: Base tier: so many requests a minute. Registered market makers have so many in five minutes.
REQUESTS_PER_MINUTE: Final = 1_000
REQUESTS_PER_FIVE_MINUTES_OF_MARKET_MAKERS: Final = 60_000

#: Nonsense above it is kept off the wire; the venue's markets allow at most 50 (capture of 2026-09).
MAX_LEVERAGE: Final = 100

#: Markets of one connector: each has six topics, and a run trades one underlying.
MAX_MARKETS: Final = 20

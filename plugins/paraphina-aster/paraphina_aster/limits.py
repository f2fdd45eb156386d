"""What the venue allows: budgets of requests and orders, and what they cost."""

from __future__ import annotations

from typing import Final

#: Weight of the requests of one IP address.
IP_WEIGHT: Final = "ip_weight"
#: Orders of one account.
ORDERS: Final = "orders"
ORDERS_BURST: Final = "orders_burst"

#: Docs "Limits" (read 2026-10-08) and a recorded exchangeInfo (2025-10).
IP_WEIGHT_PER_MINUTE: Final = 2_400
ORDERS_PER_MINUTE: Final = 1_200
ORDERS_PER_TEN_SECONDS: Final = 300

#: Docs "Websocket market streams" (read 2026-10-08): streams in one connection.
MAX_STREAMS: Final = 200
#: Markets of one connector: each has four streams, and a run trades one underlying.
MAX_MARKETS: Final = 20
#: Orders of one request (docs "Place multiple orders", read 2026-10-08); ten could be cancelled in one.
MAX_BATCH: Final = 5
#: Nonsense above it is kept off the wire; the venue's brackets end below.
MAX_LEVERAGE: Final = 300

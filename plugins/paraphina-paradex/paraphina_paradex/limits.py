"""What the venue allows: budgets of requests and orders."""

from __future__ import annotations

from typing import Final

#: Docs "Rate limits", read 2026-08-20: orders and private reads per account, the rest per IP address.
ORDERS: Final = "orders"
ORDERS_PER_MINUTE: Final = 17_250
ORDERS_BURST: Final = "orders_burst"
ORDERS_PER_SECOND: Final = 800
PRIVATE_READS: Final = "private_reads"
PRIVATE_READS_PER_MINUTE: Final = 600
IP_REQUESTS: Final = "ip_requests"
IP_REQUESTS_PER_MINUTE: Final = 1_500

#: Markets of one connector: each has five channels, and a run trades one underlying.
MAX_MARKETS: Final = 20

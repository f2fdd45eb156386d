"""What the venue allows: budgets of requests, messages and subscriptions, and what they cost."""

from __future__ import annotations

from typing import Final

#: Requests of one account of the standard tier, and messages that a client sends on its streams.
REQUESTS: Final = "requests"
WS_MESSAGES: Final = "ws_messages"

#: Docs "Rate limits" (read 2026-07-19): a standard account may make so many requests of any kind in a rolling
#: minute; premium accounts are counted by weight and have far more.
REQUESTS_PER_MINUTE: Final = 60
#: Same: messages of one IP address, transactions excepted.
WS_MESSAGES_PER_MINUTE: Final = 200

#: Same: subscriptions of one connection are 500 (older pages say 100). A run trades one underlying.
MAX_MARKETS: Final = 20

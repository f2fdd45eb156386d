"""What the venue allows: its rate limits, and the condition on its dead-man switch."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

#: Budget of requests of one IP address; requests on a stream count into it too.
IP_WEIGHT: Final = "ip_weight"
#: Messages sent on streams.
WS_MESSAGES: Final = "ws_messages"
#: Docs "Rate limits and user limits" (read 2026-08-22): a minute's budgets of one IP address.
IP_WEIGHT_PER_MINUTE: Final = 1_200
WS_MESSAGES_PER_MINUTE: Final = 2_000
#: Same: posts without an answer, over all streams of one IP address.
MAX_POSTS: Final = 100

#: Same: a request costs one unit, and one more for every 40 commands in it.
_COMMANDS_PER_WEIGHT: Final = 40

#: Commands in one request. The venue states no limit; a hundred cost 3 of 1,200 units of weight a minute.
MAX_BATCH: Final = 100

#: What the test network answered on 2026-09-07, and mainnet to others: "Cannot set scheduled cancel time
#: until enough volume traded. Required: $1000000."
DEAD_MAN_VOLUME_USD: Final = Decimal(1_000_000)
#: Docs "Exchange endpoint" (read 2026-08-22): it fires so often a day, counted from 00:00 UTC.
DEAD_MAN_FIRINGS_A_DAY: Final = 10


def weight_of(commands: int) -> int:
    """Return the units of `ip_weight` that a request with so many commands costs."""
    return 1 + commands // _COMMANDS_PER_WEIGHT

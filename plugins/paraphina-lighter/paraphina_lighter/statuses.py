"""What the venue's words for the state of an order mean.

The venue accepts an order before it executes it, so that an order that was accepted may end as one that never
rested. New words for an end ship unannounced and are told by their beginning; any other word has no meaning
here, and the order must be asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from paraphina_core.domain import OrderState

_CANCELLED: Final = "canceled"

#: Docs "Data structures" (read 2026-07-19). What is in progress or pending can fill, so it counts as live.
_WORDS: Final[Mapping[str, OrderState]] = {
    "in-progress": OrderState.LIVE,
    "pending": OrderState.LIVE,
    "open": OrderState.LIVE,
    "filled": OrderState.FILLED,
    "canceled-expired": OrderState.EXPIRED,
    "canceled-post-only": OrderState.REJECTED,  # it would have traded at once, and never rested
}


def state_of(status: str) -> OrderState | None:
    """Return the state that a status stands for, None when nobody knows."""
    known = _WORDS.get(status)
    if known is not None:
        return known
    return OrderState.CANCELLED if status.startswith(_CANCELLED) else None

"""The one table of an order's life: what state it is in after what was heard of it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from paraphina_core.domain import (
    CancelRejected,
    ModifyRejected,
    OrderAccepted,
    OrderCancelled,
    OrderExpired,
    OrderRejected,
    OrderState,
    OutcomeUnknown,
)


class OrderInput(StrEnum):
    """What can happen to an order.

    `fill_complete` is the fill that leaves nothing open, or the venue's word that nothing is.
    """

    SENT = "sent"
    CANCEL_SENT = "cancel_sent"
    MODIFY_SENT = "modify_sent"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    FILL = "fill"
    FILL_COMPLETE = "fill_complete"
    MODIFIED = "modified"
    MODIFY_REJECTED = "modify_rejected"
    CANCELLED = "cancelled"
    CANCEL_REJECTED = "cancel_rejected"
    EXPIRED = "expired"
    UNKNOWN = "unknown"


#: The same in every open state. A refused cancel or change leaves a doubt whether the order is still there.
_FROM_ANY_OPEN: Final[Mapping[OrderInput, OrderState]] = {
    OrderInput.CANCEL_SENT: OrderState.PENDING_CANCEL,
    OrderInput.MODIFY_SENT: OrderState.PENDING_MODIFY,
    OrderInput.ACCEPTED: OrderState.LIVE,
    OrderInput.REJECTED: OrderState.REJECTED,
    OrderInput.FILL: OrderState.PARTIALLY_FILLED,
    OrderInput.FILL_COMPLETE: OrderState.FILLED,
    OrderInput.MODIFIED: OrderState.LIVE,
    OrderInput.MODIFY_REJECTED: OrderState.UNKNOWN,
    OrderInput.CANCELLED: OrderState.CANCELLED,
    OrderInput.CANCEL_REJECTED: OrderState.UNKNOWN,
    OrderInput.EXPIRED: OrderState.EXPIRED,
    OrderInput.UNKNOWN: OrderState.UNKNOWN,
}


def _stays(state: OrderState) -> dict[OrderInput, OrderState]:
    return {given: state for given in OrderInput if given is not OrderInput.SENT}


#: State and input to state; nothing else changes an order's state. Only a created order can be sent.
TRANSITIONS: Final[Mapping[OrderState, Mapping[OrderInput, OrderState]]] = {
    OrderState.CREATED: {**_FROM_ANY_OPEN, OrderInput.SENT: OrderState.PENDING},
    OrderState.PENDING: _FROM_ANY_OPEN,
    OrderState.LIVE: _FROM_ANY_OPEN,
    OrderState.PARTIALLY_FILLED: {
        **_FROM_ANY_OPEN,
        OrderInput.ACCEPTED: OrderState.PARTIALLY_FILLED,
        OrderInput.MODIFIED: OrderState.PARTIALLY_FILLED,
    },
    OrderState.PENDING_CANCEL: {  # a change that was sent before the cancel does not call it back
        **_FROM_ANY_OPEN,
        OrderInput.ACCEPTED: OrderState.PENDING_CANCEL,
        OrderInput.FILL: OrderState.PENDING_CANCEL,
        OrderInput.MODIFIED: OrderState.PENDING_CANCEL,
    },
    OrderState.PENDING_MODIFY: {
        **_FROM_ANY_OPEN,
        OrderInput.ACCEPTED: OrderState.PENDING_MODIFY,
        OrderInput.FILL: OrderState.PENDING_MODIFY,
    },
    OrderState.UNKNOWN: {  # a fill proves that the order was there, not that it still is
        **_FROM_ANY_OPEN,
        OrderInput.FILL: OrderState.UNKNOWN,
    },
    OrderState.FILLED: _stays(OrderState.FILLED),
    OrderState.CANCELLED: {**_stays(OrderState.CANCELLED), OrderInput.FILL_COMPLETE: OrderState.FILLED},
    OrderState.REJECTED: {**_stays(OrderState.REJECTED), OrderInput.FILL_COMPLETE: OrderState.FILLED},
    OrderState.EXPIRED: {**_stays(OrderState.EXPIRED), OrderInput.FILL_COMPLETE: OrderState.FILLED},
}

#: What a venue's word on an order means.
INPUT_OF: Final[Mapping[type, OrderInput]] = {
    OrderAccepted: OrderInput.ACCEPTED,
    OrderRejected: OrderInput.REJECTED,
    OrderCancelled: OrderInput.CANCELLED,
    OrderExpired: OrderInput.EXPIRED,
    CancelRejected: OrderInput.CANCEL_REJECTED,
    ModifyRejected: OrderInput.MODIFY_REJECTED,
    OutcomeUnknown: OrderInput.UNKNOWN,
}

#: What a venue's own statement of an order's state means; other states of a report say nothing.
REPORTED: Final[Mapping[OrderState, OrderInput]] = {
    OrderState.PENDING: OrderInput.ACCEPTED,
    OrderState.LIVE: OrderInput.ACCEPTED,
    OrderState.PARTIALLY_FILLED: OrderInput.ACCEPTED,
    OrderState.PENDING_CANCEL: OrderInput.ACCEPTED,
    OrderState.PENDING_MODIFY: OrderInput.ACCEPTED,
    OrderState.FILLED: OrderInput.FILL_COMPLETE,
    OrderState.CANCELLED: OrderInput.CANCELLED,
    OrderState.REJECTED: OrderInput.REJECTED,
    OrderState.EXPIRED: OrderInput.EXPIRED,
}

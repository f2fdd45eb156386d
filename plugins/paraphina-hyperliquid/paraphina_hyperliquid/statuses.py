"""What the venue's words for the state of an order mean.

New words ship unannounced, so they are told apart by their endings; a word with no known ending has no
meaning here, and the order must be asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from paraphina_core.domain import OrderState

from .refusals import Code

#: The account's dead-man switch has fired.
SCHEDULED_CANCEL: Final = "scheduledCancel"

_WORDS: Final[Mapping[str, OrderState]] = {
    "open": OrderState.LIVE,
    "triggered": OrderState.LIVE,
    "filled": OrderState.FILLED,
    "canceled": OrderState.CANCELLED,
    "rejected": OrderState.REJECTED,
}
#: Docs "Info endpoint", query of an order's status (read 2026-08-22).
_ENDINGS: Final[tuple[tuple[str, OrderState], ...]] = (
    ("Rejected", OrderState.REJECTED),
    ("Canceled", OrderState.CANCELLED),
    ("Cancel", OrderState.CANCELLED),
)

_CODES: Final[Mapping[str, Code]] = {
    "tickRejected": Code.BAD_PRICE,
    "oracleRejected": Code.BAD_PRICE,
    "minTradeNtlRejected": Code.BELOW_MIN_NOTIONAL,
    "perpMarginRejected": Code.INSUFFICIENT_MARGIN,
    "insufficientSpotBalanceRejected": Code.INSUFFICIENT_MARGIN,
    "perpMaxPositionRejected": Code.ABOVE_POSITION_LIMIT,
    "reduceOnlyRejected": Code.REDUCE_ONLY_INCREASES,
    "badAloPxRejected": Code.POST_ONLY_CROSSED,
    "iocCancelRejected": Code.IOC_NO_MATCH,
    "marketOrderNoLiquidityRejected": Code.IOC_NO_MATCH,
    "badTriggerPxRejected": Code.BAD_REQUEST,
    "positionIncreaseAtOpenInterestCapRejected": Code.OPEN_INTEREST_CAPPED,
    "positionFlipAtOpenInterestCapRejected": Code.OPEN_INTEREST_CAPPED,
    "tooAggressiveAtOpenInterestCapRejected": Code.OPEN_INTEREST_CAPPED,
    "openInterestIncreaseRejected": Code.OPEN_INTEREST_TOO_FAST,
    "tooManyOpenOrdersRejected": Code.TOO_MANY_OPEN_ORDERS,
}


def state_of(status: str) -> OrderState | None:
    """Return the state that a status stands for, None when nobody knows."""
    known = _WORDS.get(status)
    if known is not None:
        return known
    return next((state for ending, state in _ENDINGS if status.endswith(ending)), None)


def rejection_code(status: str) -> Code:
    """Return the code of a status that rejects, the same as for the sentence in an answer."""
    return _CODES.get(status, Code.OTHER)

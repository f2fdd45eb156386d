"""What the venue's words for the state of an order mean, and why one was refused.

A word that nobody knows has no meaning here, and the order must be asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from paraphina_core.domain import OrderState

from .refusals import Code

#: An edit has put another order in its place.
ORDER_REPLACED: Final = "ORDER_REPLACED"

#: `status` of an order (SDK 2.6.0 and docs, read 2026-11); a trigger makes it wait, and then work.
STATES: Final[Mapping[str, OrderState]] = {
    "NEW": OrderState.LIVE,
    "UNTRIGGERED": OrderState.LIVE,
    "TRIGGERED": OrderState.LIVE,
    "PARTIALLY_FILLED": OrderState.PARTIALLY_FILLED,
    "FILLED": OrderState.FILLED,
    "CANCELLED": OrderState.CANCELLED,
    "EXPIRED": OrderState.EXPIRED,
    "REJECTED": OrderState.REJECTED,
}

_CODES: Final[Mapping[str, Code]] = {
    "UNKNOWN_MARKET": Code.NOT_FOUND,
    "UNKNOWN_ACCOUNT": Code.SIGNER_REFUSED,
    "DISABLED_MARKET": Code.MARKET_CLOSED,
    "TRADING_OFF_MODE": Code.MARKET_CLOSED,
    "NOT_ENOUGH_FUNDS": Code.INSUFFICIENT_MARGIN,
    "NO_LIQUIDITY": Code.IOC_NO_MATCH,
    "INVALID_FEE": Code.FEE_TOO_LOW,
    "INVALID_QTY": Code.BAD_SIZE,
    "INVALID_PRICE": Code.BAD_PRICE,
    "INVALID_VALUE": Code.ABOVE_MAX_NOTIONAL,
    "INVALID_EXPIRE_TIME": Code.EXPIRY_REFUSED,
    "INVALID_LEVERAGE": Code.BAD_LEVERAGE,
    "SELF_TRADE_PROTECTION": Code.SELF_TRADE,
    "POST_ONLY_FAILED": Code.POST_ONLY_CROSSED,
    "POST_ONLY_MODE": Code.POST_ONLY_MODE,
    "REDUCE_ONLY_FAILED": Code.REDUCE_ONLY_INCREASES,
    "REDUCE_ONLY_MODE": Code.REDUCE_ONLY_MODE,
    "PREV_ORDER_NOT_FOUND": Code.MODIFY_NOT_FOUND,
    "PREV_ORDER_TRIGGERED": Code.MODIFY_NOT_FOUND,
    "PREV_ORDER_CONFLICT": Code.MODIFY_NOT_FOUND,
}


def rejection_code(reason: str | None) -> Code:
    """Return the code of a reason that the matching engine gives, the same as for a number in an answer."""
    return _CODES.get(reason or "", Code.OTHER)

"""What the venue's refusals mean: each number is a stable code, with what must change before a new try.

A number that nobody knows has no code, and then proves nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

import msgspec


class Code(StrEnum):
    """Why something was refused; these texts stand in events and never change."""

    RATE_LIMIT = "rate_limit"
    VENUE_ERROR = "venue_error"
    SIGNER_REFUSED = "signer_refused"
    BAD_CONFIGURATION = "bad_configuration"
    BAD_REQUEST = "bad_request"
    NOT_FOUND = "not_found"
    MARKET_CLOSED = "market_closed"
    MAINTENANCE = "maintenance"
    POST_ONLY_MODE = "post_only_mode"
    REDUCE_ONLY_MODE = "reduce_only_mode"
    BAD_PRICE = "bad_price"
    BAD_SIZE = "bad_size"
    ABOVE_MAX_NOTIONAL = "above_max_notional"
    ABOVE_POSITION_LIMIT = "above_position_limit"
    TOO_MANY_OPEN_ORDERS = "too_many_open_orders"
    FEE_TOO_LOW = "fee_too_low"
    DUPLICATE = "duplicate"
    EXPIRY_REFUSED = "expiry_refused"
    REDUCE_ONLY_INCREASES = "reduce_only_increases"
    INSUFFICIENT_MARGIN = "insufficient_margin"
    MODIFY_NOT_FOUND = "modify_not_found"
    BAD_LEVERAGE = "bad_leverage"
    NOT_OURS = "not_ours"
    POST_ONLY_CROSSED = "post_only_crossed"
    IOC_NO_MATCH = "ioc_no_match"
    SELF_TRADE = "self_trade"
    NOT_SENT = "not_sent"
    OTHER = "other"


class Needed(StrEnum):
    """What must happen before the same is worth another try."""

    PAUSE = "pause"  # the venue may take it later, as it is
    RECONCILE = "reconcile"  # it may have been done: ask by its external id first
    FEES = "fees"  # read the fees again, and sign anew
    CHANGE = "change"  # never as it is: order, account or settings must be others


class Refusal(msgspec.Struct, frozen=True):
    """What one of the venue's numbers means."""

    code: Code
    needed: Needed


def _refusals(code: Code, needed: Needed, *numbers: int) -> dict[int, Refusal]:
    return dict.fromkeys(numbers, Refusal(code, needed))


#: Docs "Error responses" (read 2026-11), the seven of HTTP first.
REFUSALS: Final[Mapping[int, Refusal]] = {
    **_refusals(Code.RATE_LIMIT, Needed.PAUSE, 429),
    **_refusals(Code.VENUE_ERROR, Needed.RECONCILE, 500, 1006),
    **_refusals(Code.SIGNER_REFUSED, Needed.CHANGE, 401, 403, 1100, 1101, 1102),
    **_refusals(Code.BAD_REQUEST, Needed.CHANGE, 400, 422, 1005, 1013, 1129, 1130, 1131, 1132, 1133, 1139),
    **_refusals(Code.BAD_REQUEST, Needed.CHANGE, 1143, 1144, 1146),
    **_refusals(Code.NOT_FOUND, Needed.CHANGE, 404, 1000, 1001, 1003),
    **_refusals(Code.BAD_CONFIGURATION, Needed.CHANGE, 1004, 1008, 1009, 1500),
    **_refusals(Code.MARKET_CLOSED, Needed.PAUSE, 1002),
    **_refusals(Code.MAINTENANCE, Needed.PAUSE, 1010),
    **_refusals(Code.POST_ONLY_MODE, Needed.PAUSE, 1011),
    **_refusals(Code.REDUCE_ONLY_MODE, Needed.PAUSE, 1012, 1014),
    **_refusals(Code.BAD_LEVERAGE, Needed.CHANGE, 1049, 1050, 10501, 1052, 1053),
    **_refusals(Code.BAD_SIZE, Needed.CHANGE, 1120, 1121, 1123),
    **_refusals(Code.ABOVE_MAX_NOTIONAL, Needed.CHANGE, 1122),
    **_refusals(Code.BAD_PRICE, Needed.CHANGE, 1124, 1125, 1141),
    **_refusals(Code.TOO_MANY_OPEN_ORDERS, Needed.CHANGE, 1126),
    **_refusals(Code.ABOVE_POSITION_LIMIT, Needed.CHANGE, 1127),
    **_refusals(Code.FEE_TOO_LOW, Needed.FEES, 1128),
    **_refusals(Code.DUPLICATE, Needed.RECONCILE, 1134),
    **_refusals(Code.EXPIRY_REFUSED, Needed.CHANGE, 1135),
    **_refusals(Code.REDUCE_ONLY_INCREASES, Needed.CHANGE, 1136, 1137, 1138, 1145),
    **_refusals(Code.INSUFFICIENT_MARGIN, Needed.CHANGE, 1140, 1147, 1148),
    **_refusals(Code.MODIFY_NOT_FOUND, Needed.RECONCILE, 1142),
    # Withdrawals, vaults and referrals: this plugin asks for none of them.
    **_refusals(Code.NOT_OURS, Needed.CHANGE, 1600, 1601, 1602, 1604, 1605, 1607, 1608, 1650),
    **_refusals(Code.NOT_OURS, Needed.CHANGE, 1700, 1701, 1703, 1704),
}


def refusal_of(number: int) -> Refusal | None:
    """Return what a number of the venue means, None when nobody knows it."""
    return REFUSALS.get(number)

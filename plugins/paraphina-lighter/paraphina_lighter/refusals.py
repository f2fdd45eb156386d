"""What the venue's refusals mean: its numbers become stable codes.

A number that nobody knows has no code, and then proves nothing. Nor do those that speak of the venue's own
trouble, of limits that are counted after a request has left, or of an order that is there already.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class Code(StrEnum):
    """Why a command was refused; these texts stand in events and never change."""

    NOT_SENT = "not_sent"
    BAD_PRICE = "bad_price"
    BAD_SIZE = "bad_size"
    BAD_REQUEST = "bad_request"
    BAD_CONFIGURATION = "bad_configuration"
    SIGNER_REFUSED = "signer_refused"
    SIGNER_OUTDATED = "signer_outdated"
    INVALID_NONCE = "invalid_nonce"
    INSUFFICIENT_MARGIN = "insufficient_margin"
    IN_LIQUIDATION = "in_liquidation"
    REDUCE_ONLY_INCREASES = "reduce_only_increases"
    POST_ONLY_CROSSED = "post_only_crossed"
    PRICE_TOO_FAR = "price_too_far"
    TOO_MANY_OPEN_ORDERS = "too_many_open_orders"
    TOO_MANY_PENDING = "too_many_pending"
    BOOK_FULL = "book_full"
    CANCEL_ALL_QUEUED = "cancel_all_queued"
    DUPLICATE_ID = "duplicate_id"
    ORDER_GONE = "order_gone"
    MARKET_CLOSED = "market_closed"
    RATE_LIMIT = "rate_limit"
    VENUE_TROUBLE = "venue_trouble"
    OTHER = "other"


#: Refusals that do not prove that an order never was live. A nonce that was used may have been used by the
#: same transaction, and an id that exists may be that of the same order, sent twice on its way.
NO_EVIDENCE: Final = frozenset(
    {Code.INVALID_NONCE, Code.DUPLICATE_ID, Code.ORDER_GONE, Code.RATE_LIMIT, Code.VENUE_TROUBLE}
)

#: Refusals that will not go away by themselves: an operator must read them.
ALARMING: Final = frozenset(
    {
        Code.SIGNER_REFUSED,
        Code.SIGNER_OUTDATED,
        Code.BAD_CONFIGURATION,
        Code.INVALID_NONCE,
        Code.IN_LIQUIDATION,
        Code.RATE_LIMIT,
    }
)

#: Docs "Data structures, constants and errors" (read 2026-07-19).
_CODES: Final[Mapping[Code, tuple[int, ...]]] = {
    Code.BAD_PRICE: (21702,),
    Code.BAD_SIZE: (21603, 21701, 21706),
    Code.BAD_REQUEST: (
        *(21113, 21132, 21501, 21505, 21513, 21514, 21602, 21613, 21618, 21619, 21621),
        *(21700, 21703, 21704, 21705, 21708, 21710, 21711, 21713, 21714, 21727, 21729, 21736, 21737),
        *(21740, 21741, 21742, 21743, 30000, 30001, 30006, 30007),
    ),
    Code.BAD_CONFIGURATION: (
        *(21100, 21101, 21102, 21107, 21110, 21121, 21123, 21511, 21515, 21707, 21744, 30008),
    ),
    Code.SIGNER_REFUSED: (21108, 21109, 21120),
    Code.SIGNER_OUTDATED: (21136,),
    Code.INVALID_NONCE: (21104, 21105),
    Code.INSUFFICIENT_MARGIN: (21301, 21304, 21305, 21507, 21508, 21739),
    Code.IN_LIQUIDATION: (21111, 21112, 21122, 21723),
    Code.REDUCE_ONLY_INCREASES: (21732, 21738),
    Code.PRICE_TOO_FAR: (21733, 21734, 21735),
    Code.TOO_MANY_OPEN_ORDERS: (21717, 21718, 21721, 21722),
    Code.TOO_MANY_PENDING: (21506, 21719, 21720),
    Code.BOOK_FULL: (21601,),
    Code.CANCEL_ALL_QUEUED: (21712,),
    Code.DUPLICATE_ID: (21728,),
    Code.ORDER_GONE: (21500, 21600, 21709, 21715, 21730, 29404),
    Code.MARKET_CLOSED: (21605,),
    Code.RATE_LIMIT: (23000, 23001, 23002, 23003, 23004, 30009, 30010),
    Code.VENUE_TROUBLE: (21502, 21503, 29500, 29501, 30004, 30011),
}
_BY_NUMBER: Final = {number: code for code, numbers in _CODES.items() for number in numbers}

#: Numbers of refusals of transactions; those that are not named above concern what is never sent here.
_REFUSALS: Final = range(21_100, 22_000)


def code_of(number: int) -> Code | None:
    """Return what a refusal means, None when nobody knows the number."""
    known = _BY_NUMBER.get(number)
    if known is not None:
        return known
    return Code.OTHER if number in _REFUSALS else None

"""What the venue's refusals mean: its words become stable codes.

A word that nobody knows is judged by its HTTP status, and proves nothing where that does not. Nor do words
that speak of the venue's own trouble, of limits that are counted after a request has left, or of an order
that is there already.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

#: Longest part of the venue's own words that is kept.
MAX_LETTERS: Final = 200


class Code(StrEnum):
    """Why a command was refused; these texts stand in events and never change."""

    NOT_SENT = "not_sent"
    BAD_REQUEST = "bad_request"
    BAD_SIZE = "bad_size"
    BAD_PRICE = "bad_price"
    SIGNER_REFUSED = "signer_refused"
    NOT_LOGGED_IN = "not_logged_in"
    NOT_ALLOWED = "not_allowed"
    INSUFFICIENT_MARGIN = "insufficient_margin"
    POST_ONLY_CROSSED = "post_only_crossed"
    REDUCE_ONLY_INCREASES = "reduce_only_increases"
    TOO_MANY_OPEN_ORDERS = "too_many_open_orders"
    DUPLICATE_ID = "duplicate_id"
    ORDER_GONE = "order_gone"
    MARKET_CLOSED = "market_closed"
    RATE_LIMIT = "rate_limit"
    VENUE_TROUBLE = "venue_trouble"
    OTHER = "other"


#: Refusals that do not prove that an order never was live.
NO_EVIDENCE: Final = frozenset({Code.DUPLICATE_ID, Code.ORDER_GONE, Code.RATE_LIMIT, Code.VENUE_TROUBLE})

#: Refusals that will not go away by themselves: an operator must read them.
ALARMING: Final = frozenset({Code.SIGNER_REFUSED, Code.NOT_ALLOWED, Code.RATE_LIMIT})

#: Docs "Error codes" (read 2026-08-20).
_CODES: Final[Mapping[Code, tuple[str, ...]]] = {
    Code.BAD_REQUEST: (
        "VALIDATION_ERROR",
        "BINDING_ERROR",
        "INVALID_REQUEST_PARAMETER",
        "BATCH_SIZE_OUT_OF_RANGE",
        "MARKET_NOT_FOUND",
    ),
    Code.BAD_SIZE: ("INVALID_ORDER_SIZE",),
    Code.BAD_PRICE: ("INVALID_ORDER_PRICE",),
    Code.SIGNER_REFUSED: (
        "INVALID_ORDER_SIGNATURE",
        "INVALID_STARKNET_SIGNATURE",
        "STARKNET_SIGNATURE_VERIFICATION_FAILED",
        "INVALID_TIMESTAMP",
        "INVALID_SUBKEY",
    ),
    Code.NOT_LOGGED_IN: ("INVALID_TOKEN", "UNAUTHORIZED_ERROR"),
    Code.NOT_ALLOWED: (
        "GEO_IP_BLOCK",
        "IP_NOT_ALLOWED",
        "REQUEST_NOT_ALLOWED",
        "NO_ACCESS_TO_MARKET",
        "RPI_ACCOUNT_NOT_WHITELISTED",
        "NOT_ONBOARDED",
    ),
    Code.INSUFFICIENT_MARGIN: ("NOT_ENOUGH_MARGIN",),
    Code.TOO_MANY_OPEN_ORDERS: ("MAX_OPEN_ORDERS_EXCEEDED",),
    Code.DUPLICATE_ID: ("DUPLICATED_CLIENT_ID",),
    Code.ORDER_GONE: (
        "ORDER_ID_NOT_FOUND",
        "CLIENT_ORDER_ID_NOT_FOUND",
        "ORDER_IS_CLOSED",
        "ORDER_IS_NOT_OPEN",
    ),
    Code.MARKET_CLOSED: ("SYSTEM_STATUS_POST_ONLY", "SYSTEM_STATUS_CANCEL_ONLY", "MARKET_NOT_OPEN"),
    Code.RATE_LIMIT: ("RATE_LIMIT_EXCEEDED",),
    Code.VENUE_TROUBLE: ("SERVICE_UNAVAILABLE", "INTERNAL_ERROR"),
}
_BY_WORD: Final = {word: code for code, words in _CODES.items() for word in words}

#: Why an order was closed without ever having rested (docs, and what other connectors have seen).
NEVER_RESTED: Final[Mapping[str, Code]] = {
    "POST_ONLY_WOULD_CROSS": Code.POST_ONLY_CROSSED,
    "NOT_ENOUGH_MARGIN": Code.INSUFFICIENT_MARGIN,
    "REDUCE_ONLY_WOULD_INCREASE": Code.REDUCE_ONLY_INCREASES,
    "ORDER_EXCEEDS_POSITION_LIMIT": Code.INSUFFICIENT_MARGIN,
}

#: HTTP statuses that refuse a request for what it is, not for its time or for what others have done.
_FAULTS_OF_OURS: Final = frozenset(range(400, 500)) - {408, 409, 425, 429}


def code_of(word: str, status: int) -> Code | None:
    """Return what a refusal means by its word, and where nobody knows it by its HTTP status.

    None where nobody knows.
    """
    known = _BY_WORD.get(word)
    if known is not None:
        return known
    if status == 429:  # noqa: PLR2004  # HTTP's word for too many
        return Code.RATE_LIMIT
    return Code.OTHER if word and status in _FAULTS_OF_OURS else None


def clean(text: str) -> str:
    """Return the beginning of a text without anything that is not printable."""
    return "".join(letter if letter.isprintable() else " " for letter in text[:MAX_LETTERS])

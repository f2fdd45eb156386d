"""What the venue's refusals mean: its sentences become stable codes.

Sentences are recognised by how they begin, because live ones carry asset numbers, prices, limits and
addresses, and the venue changes those. A sentence that nobody knows has no code, and then proves nothing.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Code(StrEnum):
    """Why a command was refused; these texts stand in events and never change."""

    NOT_SENT = "not_sent"
    BAD_PRICE = "bad_price"
    BAD_SIZE = "bad_size"
    BAD_REQUEST = "bad_request"
    BAD_CONFIGURATION = "bad_configuration"
    BELOW_MIN_NOTIONAL = "below_min_notional"
    ABOVE_MAX_NOTIONAL = "above_max_notional"
    ABOVE_POSITION_LIMIT = "above_position_limit"
    INSUFFICIENT_MARGIN = "insufficient_margin"
    REDUCE_ONLY_INCREASES = "reduce_only_increases"
    POST_ONLY_CROSSED = "post_only_crossed"
    IOC_NO_MATCH = "ioc_no_match"
    OPEN_INTEREST_CAPPED = "open_interest_capped"
    OPEN_INTEREST_TOO_FAST = "open_interest_too_fast"
    TOO_MANY_OPEN_ORDERS = "too_many_open_orders"
    ORDER_GONE = "order_gone"
    MODIFY_LOST_ORDER = "modify_lost_order"
    ACTION_EXPIRED = "action_expired"
    INVALID_NONCE = "invalid_nonce"
    SIGNER_REFUSED = "signer_refused"
    ACCOUNT_RATE_LIMIT = "account_rate_limit"
    DEAD_MAN_UNAVAILABLE = "dead_man_unavailable"
    OTHER = "other"


#: Refusals that do not prove that an order never was live. A used nonce may have been used by the same
#: request, sent twice on its way; the others speak of an order that was there.
NO_EVIDENCE: Final = frozenset({Code.INVALID_NONCE, Code.ORDER_GONE, Code.MODIFY_LOST_ORDER})

#: Refusals that will not go away by themselves: an operator must read them.
ALARMING: Final = frozenset(
    {
        Code.SIGNER_REFUSED,
        Code.BAD_CONFIGURATION,
        Code.INVALID_NONCE,
        Code.ACCOUNT_RATE_LIMIT,
        Code.DEAD_MAN_UNAVAILABLE,
    }
)

#: How a sentence begins, and what it means. Docs "Error responses" and "Signing" (read 2026-08-22),
#: and sentences seen on the live venue up to 2026-09.
BEGINNINGS: Final[tuple[tuple[str, Code], ...]] = (
    ("Price must be divisible by tick size", Code.BAD_PRICE),
    ("Order price cannot be more than", Code.BAD_PRICE),
    ("Order price too far from oracle", Code.BAD_PRICE),
    ("Order has invalid size", Code.BAD_SIZE),
    ("Order has zero size", Code.BAD_SIZE),
    ("Invalid TP/SL price", Code.BAD_REQUEST),
    ("Attempted to modify to invalid new order", Code.BAD_REQUEST),
    ("Order must have minimum value of", Code.BELOW_MIN_NOTIONAL),
    ("Order value too large", Code.ABOVE_MAX_NOTIONAL),
    ("Order would cause position to exceed margin tier limit", Code.ABOVE_POSITION_LIMIT),
    ("Insufficient margin to place order", Code.INSUFFICIENT_MARGIN),
    ("Reduce only order would increase position", Code.REDUCE_ONLY_INCREASES),
    ("Reduce-only TWAP order would increase position", Code.REDUCE_ONLY_INCREASES),
    ("Post only order would have immediately matched", Code.POST_ONLY_CROSSED),
    ("Order could not immediately match against any resting orders", Code.IOC_NO_MATCH),
    ("No liquidity available for market order", Code.IOC_NO_MATCH),
    ("Order would increase open interest while open interest is capped", Code.OPEN_INTEREST_CAPPED),
    ("Order rejected due to price more aggressive than oracle", Code.OPEN_INTEREST_CAPPED),
    ("Order would increase open interest too quickly", Code.OPEN_INTEREST_TOO_FAST),
    ("Order was never placed, already canceled, or filled", Code.ORDER_GONE),
    ("Cannot modify canceled or filled order", Code.ORDER_GONE),
    ("Error placing new order during modify", Code.MODIFY_LOST_ORDER),
    ("Action already expired", Code.ACTION_EXPIRED),
    ("Invalid nonce", Code.INVALID_NONCE),
    ("User or API Wallet", Code.SIGNER_REFUSED),
    ("Must deposit before performing actions", Code.SIGNER_REFUSED),
    ("Unable to recover signer", Code.SIGNER_REFUSED),
    ("Too many cumulative requests sent", Code.ACCOUNT_RATE_LIMIT),
    ("Cannot set scheduled cancel time", Code.DEAD_MAN_UNAVAILABLE),
    ("Cannot switch leverage type with open position", Code.BAD_CONFIGURATION),
    ("Position does not use isolated margin", Code.BAD_CONFIGURATION),
    ("Builder fee has not been approved", Code.BAD_CONFIGURATION),
    ("Vault not registered", Code.BAD_CONFIGURATION),
    ("Agent valid_until already expired", Code.BAD_CONFIGURATION),
    ("Too many extra agents", Code.BAD_CONFIGURATION),
    ("Invalid send", Code.BAD_CONFIGURATION),
)

_LAYER: Final = "L1 error: "


def code_of(sentence: str) -> Code | None:
    """Return what a refusal means, None when nobody knows the sentence."""
    said = sentence.removeprefix(_LAYER)
    return next((code for beginning, code in BEGINNINGS if said.startswith(beginning)), None)

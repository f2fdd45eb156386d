"""What the venue's refusals mean: its numbers become stable codes.

A number that nobody knows has no code, and then proves nothing. Nor do those that speak of the venue's own
trouble, of its limits, of a nonce that may have been used by the same request, or of an order that was there.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class Code(StrEnum):
    """Why a request was refused; these texts stand in events and never change."""

    BAD_PRICE = "bad_price"
    BAD_SIZE = "bad_size"
    BAD_REQUEST = "bad_request"
    BAD_CONFIGURATION = "bad_configuration"
    BELOW_MIN_NOTIONAL = "below_min_notional"
    SIGNER_REFUSED = "signer_refused"
    NOT_DEPOSITED = "not_deposited"
    INVALID_NONCE = "invalid_nonce"
    INSUFFICIENT_MARGIN = "insufficient_margin"
    IN_LIQUIDATION = "in_liquidation"
    REDUCE_ONLY_INCREASES = "reduce_only_increases"
    PRICE_TOO_FAR = "price_too_far"
    TOO_MANY_OPEN_ORDERS = "too_many_open_orders"
    REDUCE_ONLY_ACCOUNT = "reduce_only_account"
    POST_ONLY_CROSSED = "post_only_crossed"
    ORDER_GONE = "order_gone"
    ALREADY_SO = "already_so"
    MARKET_CLOSED = "market_closed"
    LISTEN_KEY_GONE = "listen_key_gone"
    RATE_LIMIT = "rate_limit"
    VENUE_TROUBLE = "venue_trouble"


#: Refusals that do not prove that an order never was live.
NO_EVIDENCE: Final = frozenset({Code.INVALID_NONCE, Code.ORDER_GONE, Code.RATE_LIMIT, Code.VENUE_TROUBLE})

#: Refusals that will not go away by themselves: an operator must read them.
ALARMING: Final = frozenset(
    {
        Code.SIGNER_REFUSED,
        Code.NOT_DEPOSITED,
        Code.BAD_CONFIGURATION,
        Code.INVALID_NONCE,
        Code.IN_LIQUIDATION,
        Code.REDUCE_ONLY_ACCOUNT,
        Code.RATE_LIMIT,
    }
)

#: What an operator can do about some of them.
REMEDIES: Final[Mapping[Code, str]] = {
    Code.SIGNER_REFUSED: "check the key, and that the agent may trade perpetuals and has not expired",
    Code.NOT_DEPOSITED: "the main wallet must have deposited once (since 2026-09-07)",
    Code.INVALID_NONCE: "set this machine's clock, and let no other process use the same agent",
}

#: Docs "Error codes", futures V3 (read 2026-06-30 and 2026-10-08); -5060 and -5076 as ccxt 4.5.90 knows them;
#: -5022 is that of Binance, the model: the docs say nothing of a post-only order that would trade.
_CODES: Final[Mapping[Code, tuple[int, ...]]] = {
    Code.BAD_PRICE: (-4001, -4002, -4006, -4013, -4014, -4029, -4183),
    Code.BAD_SIZE: (-1111, -4003, -4004, -4005, -4023, -4030),
    Code.BAD_REQUEST: (
        *(-1010, -1013, -1020, -1023, -1100, -1101, -1102, -1103, -1104, -1105, -1106, -1108, -1109, -1110),
        *(-1112, -1113, -1114, -1115, -1116, -1117, -1118, -1119, -1120, -1121, -1127, -1128, -1130, -1136),
        *(-2021, -2026, -4000, -4015, -4020, -4021, -4032, -4055, -4060, -4083, -4084, -4104, -4115),
        *(-4131, -4137, -4138, -4139, -4142, -4144, -4165),
    ),
    Code.BAD_CONFIGURATION: (
        *(-1004, -1005, -4008, -4009, -4010, -4012, -4017, -4018, -4025, -4026, -4028, -4033, -4044, -4047),
        *(-4048, -4054, -4058, -4061, -4062, -4067, -4068, -4085, -4168),
    ),
    Code.BELOW_MIN_NOTIONAL: (-4164, -5076),
    Code.SIGNER_REFUSED: (-1002, -1011, -1022, -2014, -2015, -4056, -4088),
    Code.NOT_DEPOSITED: (-5050,),
    Code.INVALID_NONCE: (-1021, -4225),
    Code.INSUFFICIENT_MARGIN: (-2018, -2019, -2024, -2027, -2028, -4050, -4051, -4118),
    Code.IN_LIQUIDATION: (-2023,),
    Code.REDUCE_ONLY_INCREASES: (-2022,),
    Code.PRICE_TOO_FAR: (-4016, -4024, -5060),
    Code.TOO_MANY_OPEN_ORDERS: (-2025, -4045),
    Code.REDUCE_ONLY_ACCOUNT: (-4087,),
    Code.POST_ONLY_CROSSED: (-5022,),
    Code.ORDER_GONE: (-2011, -2013),
    Code.ALREADY_SO: (-4046, -4052, -4059),
    Code.MARKET_CLOSED: (-2016, -4022, -4141),
    Code.LISTEN_KEY_GONE: (-1125,),
    Code.RATE_LIMIT: (-1003, -1015),
    Code.VENUE_TROUBLE: (-1000, -1001, -1006, -1007, -1016),
}
_BY_NUMBER: Final = {number: code for code, numbers in _CODES.items() for number in numbers}

#: The statuses that come from the venue itself, judging a request (docs "HTTP return codes"); at its model,
#: Binance, the second one goes with keys that may not act.
_REFUSED: Final = frozenset({400, 401})


def code_of(number: int) -> Code | None:
    """Return what a refusal means, None when nobody knows the number."""
    return _BY_NUMBER.get(number)


def proves_refusal(status: int, number: int) -> bool:
    """Tell whether an answer proves that an order never was live.

    Args:
        status: of HTTP; from 500 on a request may have been executed (docs "HTTP return codes"), and 403,
            418 and 429 may come from what stands before the venue.
        number: of the refusal in the body.
    """
    code = code_of(number)
    return status in _REFUSED and code is not None and code not in NO_EVIDENCE

"""The twin's refusals: the venue's numbers and sentences, with the HTTP status that goes with each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from paraphina_core.connector import Answer

JSON_TYPE: Final[Mapping[str, str]] = {"content-type": "application/json"}

#: Docs "Error codes", futures V3 (read 2026-10-08); -4116 and -5022 are those of Binance, the venue's model.
_SENTENCES: Final[Mapping[int, str]] = {
    -1003: "Too many requests.",
    -1015: "Too many new orders.",
    -1021: "Timestamp for this request is outside of the recvWindow.",
    -1022: "Signature for this request is not valid.",
    -1102: "Mandatory parameter was not sent, was empty/null, or malformed.",
    -1104: "Not all sent parameters were read.",
    -1115: "Invalid timeInForce.",
    -1116: "Invalid orderType.",
    -1117: "Invalid side.",
    -1121: "Invalid symbol.",
    -1125: "This listenKey does not exist.",
    -1130: "Data sent for a parameter is not valid.",
    -2011: "Unknown order sent.",
    -2013: "Order does not exist.",
    -2015: "Invalid API-key, IP, or permissions for action.",
    -2019: "Margin is insufficient.",
    -2022: "ReduceOnly Order is rejected.",
    -2025: "Reach max open order limit.",
    -4001: "Price less than 0.",
    -4002: "Price greater than max price.",
    -4003: "Quantity less than zero.",
    -4004: "Quantity less than min quantity.",
    -4005: "Quantity greater than max quantity.",
    -4013: "Price less than min price.",
    -4014: "Price not increased by tick size.",
    -4015: "Client order id is not valid.",
    -4016: "Limit price can't be higher than multiplier up.",
    -4022: "Market Status is not for trade.",
    -4023: "Qty not increased by step size.",
    -4024: "Limit price can't be lower than multiplier down.",
    -4028: "Leverage is not valid.",
    -4046: "No need to change margin type.",
    -4059: "No need to change position side.",
    -4061: "Order's position side does not match user's setting.",
    -4116: "ClientOrderId is duplicated.",
    -4164: "Order's notional must be no smaller than 5.0 (unless you choose reduce only).",
    -4225: "Nonce Expired",
    -5022: "Due to the order could not be executed as maker, the Post Only order will be rejected.",
    -5050: "This function can only be used after deposit",
}
_STATUSES: Final[Mapping[int, int]] = {-1003: 429, -1015: 429, -2015: 401}
_BAD_REQUEST: Final = 400


class Refused(Exception):  # noqa: N818  # the venue's answer, and no error of ours
    """A request that the venue refuses.

    Args:
        code: its number.
        headers: sent with it.
    """

    def __init__(self, code: int, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(_SENTENCES[code])
        self.code = code
        self.headers = headers or {}

    @property
    def spelled(self) -> dict[str, int | str]:
        """The venue's own words, as they also stand for one order of a batch."""
        return {"code": self.code, "msg": _SENTENCES[self.code]}

    @property
    def answer(self) -> Answer:
        """The whole answer."""
        return Answer(
            status=_STATUSES.get(self.code, _BAD_REQUEST),
            body=msgspec.json.encode(self.spelled),
            headers={**JSON_TYPE, **self.headers},
        )


def fine(data: object) -> Answer:
    """Spell an answer that refuses nothing."""
    return Answer(status=200, body=msgspec.json.encode(data), headers=JSON_TYPE)

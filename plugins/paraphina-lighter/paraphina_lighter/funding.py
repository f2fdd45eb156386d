"""Funding rates in one unit, the fraction of one hour; the venue states them in three ways.

No document names the units. They follow from recorded numbers: clamps of "0.0500" and "4.0000" stand beside
the rates of a market and make sense as percent alone; a payment of 0.02707872 USD for one ETH at 2,256 USD
was recorded as the rate "0.0012" of an hour; and the list that compares venues had 0.000096 for ETH, eight
times that hour's rate.
"""

from __future__ import annotations

from typing import Final

from paraphina_core.domain import RemoteProtocolError, parse_float

#: Paid every hour, on the hour.
INTERVAL_S: Final = 3_600
_INTERVAL_MS: Final = INTERVAL_S * 1_000
_PERCENT: Final = 100.0
_COMPARED_HOURS: Final = 8
_SIGNS: Final = {"long": 1.0, "short": -1.0}


def of_market(text: str) -> float:
    """Return the rate of one hour from the messages of a market, which state percent an hour.

    Raises:
        RemoteError: it is no number.
    """
    return parse_float(text, "funding rate") / _PERCENT


def of_history(rate: str, direction: str) -> float:
    """Return the rate of one hour from the list of past rates: percent an hour, and the side that paid.

    Raises:
        RemoteError: it is no number, or nobody paid.
    """
    sign = _SIGNS.get(direction)
    if sign is None:
        raise RemoteProtocolError("nobody pays the funding", found=direction[:64], wanted="long or short")
    return sign * parse_float(rate, "funding rate") / _PERCENT


def of_comparison(rate: float) -> float:
    """Return the rate of one hour from the list that compares venues: fractions of eight hours."""
    return rate / _COMPARED_HOURS


def next_ms(last_ms: int) -> int:
    """Return when funding is paid next, after it was paid within the first moments of an hour."""
    return (last_ms // _INTERVAL_MS + 1) * _INTERVAL_MS

"""Compares what venues say one underlying is worth: a price that stands alone is nothing to trade on."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import median_high, median_low
from typing import Final, TypeVar

_Name = TypeVar("_Name", bound=str)

_BPS: Final = 1e-4


def outliers(prices: Mapping[_Name, float], limit_bps: float) -> dict[_Name, float]:
    """Return whose price is too far from the middle of all, and by how many basis points.

    The middle is the median; of an even number of prices both middle ones count, and who is far from either
    is an outlier. So of two prices that differ both are, because nobody can tell which is wrong, and of three
    or more the one that stands alone.

    Args:
        prices: of one underlying, in quote units for each base unit, by whoever says so; all above zero.
        limit_bps: the largest difference that is none, in basis points of the middle.
    """
    if len(prices) < 2:  # noqa: PLR2004  # one has nobody to differ from
        return {}
    middles = (median_low(prices.values()), median_high(prices.values()))
    found = {}
    for name, price in prices.items():
        apart_bps = max(abs(price / middle - 1.0) for middle in middles) / _BPS
        if not apart_bps <= limit_bps:
            found[name] = apart_bps
    return found

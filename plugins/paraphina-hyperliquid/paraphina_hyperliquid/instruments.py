"""The venue's precision rules: which prices and sizes a perpetual may have."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from paraphina_core.domain import Instrument, SignificantFigures

#: Docs "Tick and lot size" (read 2026-08-22): a price has at most five significant figures and at
#: most `6 - szDecimals` decimals (perpetuals), integers always pass; a size has `szDecimals` decimals.
PRICE_FIGURES: Final = 5
PRICE_DECIMALS: Final = 6

#: Docs "Error responses" (read 2026-08-22): orders must have a value of at least 10 USD.
MIN_NOTIONAL_USD: Final = Decimal(10)

#: What prices are quoted in, and what an account's balance is held in.
QUOTE: Final = "USD"
COLLATERAL: Final = "USDC"


def perpetual(connector: str, coin: str, size_decimals: int) -> Instrument:
    """Describe a perpetual of the venue.

    Args:
        connector: name of the connector that trades it.
        coin: the venue's name, for example `BTC`.
        size_decimals: `szDecimals` of the venue's meta answer, 0 to 6.
    """
    lot = Decimal(1).scaleb(-size_decimals)
    return Instrument(
        venue=connector,
        native_id=coin,
        base=coin,
        quote=QUOTE,
        price_rule=SignificantFigures(figures=PRICE_FIGURES, max_decimals=PRICE_DECIMALS - size_decimals),
        lot_size=lot,
        min_size=lot,
        min_notional=MIN_NOTIONAL_USD,
    )

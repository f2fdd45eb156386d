"""The fee rates that orders must name, as the venue last stated them for the account.

A rate is part of what is signed. It is read again at intervals, and at once when an order is refused for it.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from paraphina_core.domain import LocalError, RemoteProtocolError, parse_decimal

from .account_messages import WireFees

_ZERO: Final = Decimal(0)


class Fees:
    """Maker and taker rate of each market."""

    def __init__(self) -> None:
        self._rates: dict[str, tuple[Decimal, Decimal]] = {}

    def rate(self, market: str, *, post_only: bool) -> Decimal:
        """Return the rate to sign: the maker's for post-only orders, the taker's for all others.

        What is signed is the most that is accepted; a rebate is signed as nothing.

        Raises:
            LocalError: the venue has not stated it.
        """
        rates = self._rates.get(market)
        if rates is None:
            raise LocalError("fees of the market are not known", found=market, remedy="wait for the venue")
        return rates[0] if post_only else rates[1]

    def read(self, fees: Iterable[WireFees]) -> None:
        """Take over what the venue states; nothing of it if a rate makes no sense.

        Raises:
            RemoteError: one is no fraction of the value.
        """
        rates = {}
        for fee in fees:
            maker = parse_decimal(fee.maker_fee_rate, "makerFeeRate")
            taker = parse_decimal(fee.taker_fee_rate, "takerFeeRate")
            if not (-1 < maker < 1 and 0 <= taker < 1):
                raise RemoteProtocolError(
                    f"fees of {fee.market[:32]} are not usable",
                    found=f"{maker}, {taker}",
                    wanted="fractions of the value",
                )
            rates[fee.market] = (max(_ZERO, maker), taker)
        self._rates.update(rates)

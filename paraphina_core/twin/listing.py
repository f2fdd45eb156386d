"""What a twin lists and how its exchange behaves: instruments with a life of their own, fees, house rules."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import Final

import msgspec

from paraphina_core.connector import FeeSchedule
from paraphina_core.domain import Instrument, LocalError, is_positive

#: Beyond this a leverage limits nothing.
MAX_LEVERAGE: Final = 1_000

#: Most levels on one side that makers are asked to keep up.
MAX_LEVELS: Final = 500


class SelfTrade(StrEnum):
    """What happens when an order meets one of its own account."""

    CANCEL_RESTING = "cancel_resting"
    CANCEL_INCOMING = "cancel_incoming"
    REFUSE = "refuse"


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """One instrument of a twin and the market around it.

    Args:
        instrument: grid and limits, as the venue states them.
        price: first price, quote units.
        max_leverage: the highest that the venue allows; half of its inverse is the maintenance margin.
        funding_interval_s: funding is paid at whole multiples of it in the venue's time.
        annual_volatility: standard deviation of the log price over a year.
        levels: levels on each side that background makers keep up.
        has_flow: background makers and takers trade it; without, its book holds what clients place.
    """

    instrument: Instrument
    price: Decimal
    max_leverage: int = 50
    funding_interval_s: int = 3_600
    annual_volatility: float = 0.6
    levels: int = 20
    has_flow: bool = True

    def __post_init__(self) -> None:
        usable = is_positive(self.price) and 1 <= self.max_leverage <= MAX_LEVERAGE
        usable = usable and 1 <= self.levels <= MAX_LEVELS
        if not (usable and self.funding_interval_s > 0 and 0.0 <= self.annual_volatility <= 10.0):  # noqa: PLR2004  # a thousand percent
            raise LocalError(
                f"listing {self.instrument.id} is not usable",
                found=self,
                wanted=f"a price, a leverage up to {MAX_LEVERAGE}, an interval, a volatility up to 10, "
                f"1 to {MAX_LEVELS} levels",
            )


class HouseRules(msgspec.Struct, frozen=True, kw_only=True):
    """How the exchange behaves towards everyone.

    Args:
        fees: what every fill of an account pays.
        self_trade: what happens when an order meets one of its own account.
        max_open_orders: resting orders of one account; one more is refused.
        default_leverage: of an account that has set none, at most the listing's.
    """

    fees: FeeSchedule
    self_trade: SelfTrade = SelfTrade.CANCEL_RESTING
    max_open_orders: int = 1_000
    default_leverage: int = 20

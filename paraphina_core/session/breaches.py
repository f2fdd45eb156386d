"""What a breach leads to: one table, from the least that suffices to the kill switch.

Latched means: nothing but cancels leaves, the run ends, and no session starts until an operator has looked.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Consequence(StrEnum):
    """What follows from a breach, mildest first."""

    REDUCE_VENUE = "nothing leaves on the venue that enlarges a position, until it has been absent for long"
    REDUCE = "nothing leaves that enlarges a position, until an operator says otherwise"
    HALT = "nothing but cancels leaves for the rest of the run"
    LATCH = "the kill switch fires"


class Breach(StrEnum):
    """What must not happen."""

    EXTERNAL_ORDER = "external order"
    DRIFT = "drift"
    LASTING_DRIFT = "lasting drift"
    UNEXPLAINED_MONEY = "unexplained money"
    STRATEGY_RAISED = "strategy raised"
    DAILY_LOSS = "daily loss"
    EXPOSURE = "exposure"
    CANARY_EXPOSURE = "exposure of a canary"
    OVERFILL = "overfill"
    CONFLICTING_FILL = "conflicting fill"
    FILL_AFTER_REJECT = "fill after reject"
    STALE_MARKET = "stale market"
    EXPIRING_LOGIN = "expiring login"


#: A journal that takes no record halts too, and is no row here: there is nowhere to write the row down.
CONSEQUENCES: Final = {
    Breach.EXTERNAL_ORDER: Consequence.REDUCE,
    Breach.DRIFT: Consequence.REDUCE_VENUE,
    Breach.LASTING_DRIFT: Consequence.LATCH,
    Breach.UNEXPLAINED_MONEY: Consequence.REDUCE_VENUE,
    Breach.STRATEGY_RAISED: Consequence.HALT,
    Breach.DAILY_LOSS: Consequence.LATCH,
    Breach.EXPOSURE: Consequence.REDUCE_VENUE,
    Breach.CANARY_EXPOSURE: Consequence.LATCH,
    Breach.OVERFILL: Consequence.LATCH,
    Breach.CONFLICTING_FILL: Consequence.LATCH,
    Breach.FILL_AFTER_REJECT: Consequence.LATCH,
    Breach.STALE_MARKET: Consequence.LATCH,
    Breach.EXPIRING_LOGIN: Consequence.REDUCE_VENUE,
}

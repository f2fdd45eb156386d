"""Where one market is quoted: a reservation price and a half-spread, both in basis points of the fair value.

The optimal quotes of a market maker with exponential utility whose limit orders fill at a rate that falls
with their distance, in the closed form of Guéant, Lehalle and Fernandez-Tapia, "Dealing with the inventory
risk" (Mathematics and Financial Economics 7, 2013, section 5; arXiv:1105.3115), which solves the problem of
Avellaneda and Stoikov (2008). The form is that of inventories of many orders; it is within a tenth of the
exact solution while the slope is below the core, and too steep beyond. Distances are basis points here and
inventory is counted in orders of the usual size, so the same settings hold at any price:

    core  = ln(1 + gamma/k) / gamma                   what the shape of the demand is worth
    slope = sigma * sqrt(gamma / (2*k*A) * (1 + gamma/k)^(1 + k/gamma))
                                                      what one order of inventory moves the quotes by
    half  = core + slope/2 + maker fee + adverse selection, at least fee + adverse selection + least edge
    shift = -slope * (inventory + anchor * (venue's inventory - its target)) - funding
    bid   = fair * exp((shift - half) / 10^4)
    ask   = fair * exp((shift + half) / 10^4)

with risk aversion gamma (1/bp for each order), decay of the fill rate k (1/bp), fill rate at the fair value A
(1/s) and volatility sigma (bp for the square root of one second). Inventory above the target lowers both
quotes, and so does funding that longs pay.
"""

from __future__ import annotations

import math
from typing import Final

import msgspec

from paraphina_core.domain import LocalError

_BPS: Final = 1e4

#: Quotes are never moved or widened further than this, whatever the numbers say.
MOST_BPS: Final = 1_000.0


class QuoteParameters(msgspec.Struct, frozen=True, kw_only=True):
    """The shape of quotes.

    Args:
        risk_aversion: gamma, 1/bp for each order of inventory; above 0.
        fill_decay: k, 1/bp; above 0.
        fill_rate: A, fills at the fair value each second; above 0.
        least_edge_bps: what a fill must bring after fee and adverse selection.
        anchor: how much of an order's shift one order above a venue's own target moves that venue's quotes.
        funding_horizon_s: for how long a position is held, as far as its funding counts.
    """

    risk_aversion: float = 0.05
    fill_decay: float = 1.0
    fill_rate: float = 0.5
    least_edge_bps: float = 0.2
    anchor: float = 0.3
    funding_horizon_s: float = 3_600.0

    def __post_init__(self) -> None:
        positive = (self.risk_aversion, self.fill_decay, self.fill_rate)
        other = (self.anchor, self.funding_horizon_s)
        if not (
            all(0.0 < value < math.inf for value in positive) and all(0.0 <= v < math.inf for v in other)
        ):
            raise LocalError(
                "quote parameters are not usable",
                found=self,
                wanted="risk aversion, decay and rate above zero, anchor and horizon not below, all finite",
            )


class Position(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """Inventory as the quotes of one market see it, signed, in orders of the usual size.

    Args:
        total: of all markets of the underlying.
        own: of this market.
        target: what this market should hold of the total.
    """

    total: float = 0.0
    own: float = 0.0
    target: float = 0.0


class QuoteTerms(msgspec.Struct, frozen=True, kw_only=True):
    """What the two prices of a market are made of, in basis points.

    Attributes:
        core_bps: half-spread for the shape of the demand.
        risk_bps: half-spread for the risk of one order.
        fee_bps: maker fee, negative for a rebate.
        adverse_bps: what the price moves against a fill.
        edge_bps: what the least edge adds to all that.
        caution: by how much the half-spread is multiplied.
        inventory_bps: shift for the inventory of all markets.
        anchor_bps: shift for this market's inventory beyond its target.
        funding_bps: shift for funding.
    """

    core_bps: float
    risk_bps: float
    fee_bps: float
    adverse_bps: float
    edge_bps: float
    caution: float
    inventory_bps: float
    anchor_bps: float
    funding_bps: float

    @property
    def half_bps(self) -> float:
        """Half of the distance between bid and ask."""
        parts = self.core_bps + self.risk_bps + self.fee_bps + self.adverse_bps + self.edge_bps
        return min(MOST_BPS, parts * self.caution)

    @property
    def shift_bps(self) -> float:
        """How far the middle of both is from the fair value."""
        return max(-MOST_BPS, min(MOST_BPS, self.inventory_bps + self.anchor_bps + self.funding_bps))

    def prices(self, fair_value: float) -> tuple[float, float]:
        """Return bid and ask around a fair value."""
        return (
            fair_value * math.exp((self.shift_bps - self.half_bps) / _BPS),
            fair_value * math.exp((self.shift_bps + self.half_bps) / _BPS),
        )


def quote_terms(
    parameters: QuoteParameters,
    *,
    volatility_bps: float,
    position: Position,
    fee_bps: float = 0.0,
    adverse_bps: float = 0.0,
    funding_rate_per_s: float = 0.0,
    caution: float = 1.0,
) -> QuoteTerms:
    """Return what a market's quotes are made of.

    Args:
        parameters: the shape.
        volatility_bps: sigma, basis points for the square root of one second.
        position: inventory in orders.
        fee_bps: maker fee.
        adverse_bps: expected move against a fill, not below zero.
        funding_rate_per_s: share of the notional that longs pay each second; negative where they are paid.
        caution: factor of the half-spread, at least 1.
    """
    core, slope = core_bps(parameters), slope_bps(parameters, volatility_bps)
    edge = max(0.0, parameters.least_edge_bps - core - 0.5 * slope)
    return QuoteTerms(
        core_bps=core,
        risk_bps=0.5 * slope,
        fee_bps=fee_bps,
        adverse_bps=adverse_bps,
        edge_bps=edge,
        caution=caution,
        inventory_bps=-slope * position.total,
        anchor_bps=-slope * parameters.anchor * (position.own - position.target),
        funding_bps=-funding_rate_per_s * parameters.funding_horizon_s * _BPS,
    )


def core_bps(parameters: QuoteParameters) -> float:
    """Return the half-spread of a market maker without risk, basis points: 1/k as gamma goes to zero."""
    return math.log1p(parameters.risk_aversion / parameters.fill_decay) / parameters.risk_aversion


def slope_bps(parameters: QuoteParameters, volatility_bps: float) -> float:
    """Return by how many basis points one order of inventory moves the quotes."""
    ratio = parameters.risk_aversion / parameters.fill_decay
    growth = math.exp((1.0 + 1.0 / ratio) * math.log1p(ratio))
    scale = parameters.risk_aversion / (2.0 * parameters.fill_decay * parameters.fill_rate)
    return volatility_bps * math.sqrt(scale * growth)

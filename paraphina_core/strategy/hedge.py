"""How much of the inventory to trade away at once, and on which markets that costs least.

Inventory within a dead band is left to the quotes. Beyond it a step of it is hedged with immediate orders,
spread over markets so that the sum of their costs is smallest. What one more slice costs, in basis points:

    distance of the level from the fair value, with the market's basis    half-spread, slippage, basis
    + taker fee
    + funding over the horizon, against the position that the slice makes
    + penalty for a position that becomes larger instead of smaller       fragmentation, margin
    + penalty that grows as the liquidation price comes near

Along the visible book the cost of a market only rises, so taking the cheapest slice first, again and again,
gives the least sum: the greedy allocation is the optimal one, but for lots and smallest sizes.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from paraphina_core.domain import InstrumentId, LocalError, Side

_BPS: Final = 1e4


class HedgeParameters(msgspec.Struct, frozen=True, kw_only=True):
    """When and how to hedge.

    Args:
        band_usd: net inventory within which nothing is hedged.
        step: share of what is beyond half of the band that is hedged at once, from 0 to 1.
        most_usd: largest hedge at once, over all markets.
        funding_horizon_s: for how long a position is held, as far as its funding counts.
        opening_bps: cost of making a position larger, or of opening one.
        near_sigmas: distance to liquidation below which a market's position is not enlarged for free.
        near_bps: cost of each standard deviation below that.
        book_share: share of what a level shows that is counted on.
    """

    band_usd: float = 2_000.0
    step: float = 0.5
    most_usd: float = 10_000.0
    funding_horizon_s: float = 3_600.0
    opening_bps: float = 1.0
    near_sigmas: float = 5.0
    near_bps: float = 2.0
    book_share: float = 0.5

    def __post_init__(self) -> None:
        amounts = (self.band_usd, self.most_usd, self.funding_horizon_s, self.opening_bps, self.near_bps)
        usable = all(0.0 <= amount < math.inf for amount in amounts)
        if not (usable and 0.0 <= self.step <= 1.0 and 0.0 < self.book_share <= 1.0):
            raise LocalError(
                "hedge parameters are not usable",
                found=self,
                wanted="amounts not below zero, step from 0 to 1, book share above 0 and at most 1",
            )


class HedgeMarket(msgspec.Struct, frozen=True, kw_only=True):
    """One market that a hedge could use.

    Args:
        instrument: whose.
        levels: price and base size of the side of the book that the hedge would take, best first.
        fair_value: what it should trade at, quote units.
        taker_fee_bps: of the notional.
        position_base: signed.
        room_base: largest size that limits, margin and the venue allow for the hedge.
        liquidation_sigmas: distance to liquidation in standard deviations over the session's horizon,
            infinite where there is none.
        funding_rate_per_s: share of the notional that longs pay each second.
    """

    instrument: InstrumentId
    levels: Sequence[tuple[float, float]]
    fair_value: float
    taker_fee_bps: float
    position_base: float
    room_base: float
    liquidation_sigmas: float = math.inf
    funding_rate_per_s: float = 0.0


class HedgeOrder(msgspec.Struct, frozen=True, kw_only=True):
    """What to take on one market.

    Attributes:
        price: of the worst level that is taken; the limit.
        size_base: of all levels together.
        cost_bps: mean cost of it, by the measure of this module.
        only_reduces: the position there becomes smaller and keeps its side, or is closed.
    """

    instrument: InstrumentId
    side: Side
    price: float
    size_base: float
    cost_bps: float
    only_reduces: bool


class Slice(msgspec.Struct, frozen=True, gc=False):
    """A part of one level with one cost for each base unit, in quote units."""

    cost: float
    price: float
    size_base: float


def wanted_base(parameters: HedgeParameters, net_base: float, price: float, caution: float = 1.0) -> float:
    """Return how much of a net position to trade away now, signed: positive is to be bought.

    Args:
        parameters: band and step.
        net_base: position over all markets.
        price: fair value.
        caution: at least 1; the band shrinks by it.
    """
    net_usd = net_base * price
    band_usd = parameters.band_usd / max(1.0, caution)
    if not abs(net_usd) > band_usd:
        return 0.0
    beyond_usd = (abs(net_usd) - 0.5 * band_usd) * parameters.step
    return -math.copysign(min(beyond_usd, parameters.most_usd), net_usd) / price


def slices(market: HedgeMarket, side: Side, parameters: HedgeParameters) -> Iterator[Slice]:
    """Yield what a market offers, cheapest first: each level, divided where the position would turn."""
    room = market.room_base
    closing = max(0.0, -market.position_base * side.sign)
    for price, shown in market.levels:
        left = min(room, shown * parameters.book_share)
        while left > 0.0:
            size = min(left, closing) if closing > 0.0 else left
            cost_bps = _cost_bps(market, side, price, parameters, closes=closing > 0.0)
            yield Slice(cost_bps / _BPS * market.fair_value, price, size)
            left -= size
            room -= size
            closing = max(0.0, closing - size)
        if room <= 0.0:
            return


def allocate(
    parameters: HedgeParameters, markets: Sequence[HedgeMarket], size_base: float
) -> Sequence[HedgeOrder]:
    """Spread a hedge over markets at the least cost; less of it where they do not offer enough.

    Args:
        parameters: what counts as cost.
        markets: each once.
        size_base: signed; positive is bought.
    """
    side = Side.BUY if size_base > 0.0 else Side.SELL
    left = abs(size_base)
    offers = [slices(market, side, parameters) for market in markets]
    heap = [
        (first.cost, number, first) for number, offer in enumerate(offers) if (first := next(offer, None))
    ]
    heapq.heapify(heap)
    taken: dict[int, list[Slice]] = {}
    while heap and left > 0.0:
        _, number, cheapest = heapq.heappop(heap)
        size = min(left, cheapest.size_base)
        taken.setdefault(number, []).append(msgspec.structs.replace(cheapest, size_base=size))
        left -= size
        following = next(offers[number], None)
        if following is not None:
            heapq.heappush(heap, (following.cost, number, following))
    return [_order(markets[number], side, taken[number]) for number in sorted(taken)]


def _cost_bps(
    market: HedgeMarket, side: Side, price: float, parameters: HedgeParameters, *, closes: bool
) -> float:
    away_bps = side.sign * (price / market.fair_value - 1.0) * _BPS
    funding_bps = side.sign * market.funding_rate_per_s * parameters.funding_horizon_s * _BPS
    cost_bps = away_bps + market.taker_fee_bps + funding_bps
    if closes:
        return cost_bps
    near = max(0.0, parameters.near_sigmas - market.liquidation_sigmas)
    return cost_bps + parameters.opening_bps + near * parameters.near_bps


def _order(market: HedgeMarket, side: Side, taken: Sequence[Slice]) -> HedgeOrder:
    size = sum(one.size_base for one in taken)
    cost = sum(one.cost * one.size_base for one in taken)
    return HedgeOrder(
        instrument=market.instrument,
        side=side,
        price=taken[-1].price,
        size_base=size,
        cost_bps=cost / size / market.fair_value * _BPS,
        only_reduces=size <= -market.position_base * side.sign * (1.0 + 1e-9),
    )

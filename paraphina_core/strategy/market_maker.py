"""The market maker: one underlying on several venues, quoted passively, hedged as one position.

Each decision takes these steps, for each underlying by itself:

1. fair value from the venues that can be believed; without one there is no quote and no hedge
2. volatility of that fair value; markouts of own fills against it
3. the regime of risk
4. hedges beyond the dead band, and exits that gain against the fair value; immediate, at the least cost
5. quotes on every market: reservation price and half-spread, sizes by toxicity, regime, margin and room
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from paraphina_core.domain import (
    NS_PER_S,
    InstrumentId,
    MarketView,
    Purpose,
    Side,
    Target,
    TimeInForce,
    TradingState,
    View,
)

from .fair_value import FairValue, FairValueFilter, Quote
from .hedge import HedgeMarket, HedgeOrder, allocate, wanted_base
from .parameters import Shape, levels, shape
from .placing import passive, room_base
from .quotes import Position, QuoteTerms, quote_terms
from .risk_regime import Regime, Risk, RiskMonitor, RiskVerdict
from .toxicity import Toxicity
from .volatility import TwoHorizonVolatility

_BPS: Final = 1e4
_DAY_S: Final = 86_400.0
_HOUR_S: Final = 3_600.0


class MarketMaker:
    """See the module. Its state follows from the views it was shown, and from nothing else."""

    def __init__(self, parameters: Mapping[str, float]) -> None:
        self._shape = shape(parameters)
        self._desks: dict[str, _Desk] = {}

    def decide(self, view: View, at_ns: int) -> Sequence[Target]:
        """Return the wanted quotes and hedges of every underlying."""
        by_underlying: dict[str, list[MarketView]] = {}
        for market in view.markets:
            by_underlying.setdefault(market.instrument.underlying, []).append(market)
        targets: list[Target] = []
        for underlying, markets in by_underlying.items():
            desk = self._desks.get(underlying)
            if desk is None:
                desk = self._desks[underlying] = _Desk(self._shape)
            targets += desk.decide(markets, view, at_ns)
        return targets

    def why(self, instrument: InstrumentId) -> str:
        """Say why an instrument has no quotes at all; empty where it has, or the market itself says why."""
        return next((desk.silence for desk in self._desks.values() if instrument in desk.instruments), "")


class _Desk:
    """The trading of one underlying.

    Attributes:
        instruments: seen at the last decision.
        silence: why nothing is quoted, empty while something is.
    """

    def __init__(self, parameters: Shape) -> None:
        values = parameters.values
        self._shape = parameters
        self._fair_value = FairValueFilter(parameters.fair_value)
        self._volatility = TwoHorizonVolatility(
            values["short_half_life_s"], values["long_half_life_s"], values["least_volatility_bps"] / _BPS
        )
        self._toxicity = Toxicity(parameters.toxicity)
        self._monitor = RiskMonitor(parameters.risk)
        self._hedged_ns: int | None = None
        self.instruments: frozenset[InstrumentId] = frozenset()
        self.silence = ""

    def decide(self, markets: Sequence[MarketView], view: View, at_ns: int) -> Sequence[Target]:
        self.instruments = frozenset(market.instrument.id for market in markets)
        usable = [market for market in markets if not market.unusable]
        fair = self._fair_value.update(
            [_quote_of(market) for market in usable], self._volatility.value, at_ns, len(markets)
        )
        if fair.unavailable:
            self.silence = f"no fair value: {fair.unavailable}"
            return ()
        self._learn(fair, view, at_ns)
        verdict = self._monitor.judge(self._risk(markets, fair, view), at_ns, self._volatility.ratio)
        halted = verdict.regime is Regime.HALTED
        self.silence = f"the risk regime is HALTED by {verdict.worst}" if halted else ""
        tradable = [market for market in usable if market.state is not TradingState.HALTED]
        net_base = sum(market.position_base for market in markets)
        targets: list[Target] = []
        if not halted or self._shape.values["hedge_halted"]:
            targets += self._hedges(tradable, fair, net_base, at_ns, cautious=verdict.regime > Regime.NORMAL)
        if not halted:
            for market in tradable:
                targets += self._quotes(market, markets, fair, net_base, verdict, at_ns)
        return targets

    # --- what is known --------------------------------------------------------------------------

    def _learn(self, fair: FairValue, view: View, at_ns: int) -> None:
        self._volatility.update(fair.price, at_ns)
        for fill in view.fills:
            if fill.instrument in self.instruments:
                self._toxicity.filled(fill.instrument, fill.side, fair.price, at_ns)
        self._toxicity.advance(fair.price, at_ns)

    def _risk(self, markets: Iterable[MarketView], fair: FairValue, view: View) -> Risk:
        held = [(market, market.position_base * fair.price) for market in markets]
        return Risk(
            net_usd=sum(usd for _, usd in held),
            gross_usd=sum(abs(usd) for _, usd in held),
            basis_usd=sum(usd * fair.basis_bps.get(m.instrument.id, 0.0) / _BPS for m, usd in held),
            funding_usd_per_day=sum(usd * m.funding_rate_per_s * _DAY_S for m, usd in held),
            daily_pnl_usd=view.daily_pnl_usd,
            liquidation_sigmas=min((self._sigmas(market, fair) for market, _ in held), default=math.inf),
        )

    def _sigmas(self, market: MarketView, fair: FairValue) -> float:
        """Return how far liquidation is, in standard deviations of an hour; infinite without a position."""
        price = market.liquidation_price
        if price is None or not price > 0.0 or not market.position_base:
            return math.inf
        away = math.copysign(1.0, market.position_base) * math.log(fair.at(market.instrument.id) / price)
        return max(0.0, away) / (self._volatility.value * math.sqrt(_HOUR_S))

    # --- hedges and exits -----------------------------------------------------------------------

    def _hedges(
        self, markets: Sequence[MarketView], fair: FairValue, net_base: float, at_ns: int, *, cautious: bool
    ) -> Iterable[Target]:
        values = self._shape.values
        if self._hedged_ns is not None and at_ns - self._hedged_ns < values["hedge_every_s"] * NS_PER_S:
            return
        caution = max(1.0, self._volatility.ratio, values["warning_caution"] if cautious else 1.0)
        wanted = wanted_base(self._shape.hedge, net_base, fair.price, caution)
        purpose = Purpose.HEDGE if wanted else Purpose.EXIT
        wanted = wanted or -net_base
        if not wanted:
            return
        side = Side.BUY if wanted > 0.0 else Side.SELL
        offers = [self._offer(market, side, fair) for market in markets]
        for order in allocate(self._shape.hedge, offers, wanted):
            if purpose is Purpose.HEDGE or order.cost_bps <= -values["exit_edge_bps"]:
                self._hedged_ns = at_ns
                yield _immediate(order, purpose, fair)

    def _offer(self, market: MarketView, side: Side, fair: FairValue) -> HedgeMarket:
        price = fair.at(market.instrument.id)
        closes_only = not self._shape.values["hedge_opens"] or market.state is TradingState.REDUCING
        room = room_base(market, side, price, reducing=closes_only)
        return HedgeMarket(
            instrument=market.instrument.id,
            levels=[
                (level.price, level.size) for level in (market.asks if side is Side.BUY else market.bids)
            ],
            fair_value=price,
            taker_fee_bps=market.taker_fee_bps,
            position_base=market.position_base,
            room_base=min(room, market.max_order_notional_usd / price),
            liquidation_sigmas=self._sigmas(market, fair),
            funding_rate_per_s=market.funding_rate_per_s,
        )

    # --- quotes ---------------------------------------------------------------------------------

    def _quotes(
        self,
        market: MarketView,
        markets: Sequence[MarketView],
        fair: FairValue,
        net_base: float,
        verdict: RiskVerdict,
        at_ns: int,
    ) -> Iterable[Target]:
        values, price = self._shape.values, fair.at(market.instrument.id)
        reducing = market.state is TradingState.REDUCING or verdict.regime >= Regime.REDUCING
        cautious = verdict.regime >= Regime.WARNING
        order_base = market.base_order_notional_usd / price
        adverse_bps = self._toxicity.adverse_bps(market.instrument.id, at_ns)
        terms = quote_terms(
            self._shape.quotes,
            volatility_bps=self._volatility.value * _BPS,
            position=_position(market, markets, net_base, order_base),
            fee_bps=market.maker_fee_bps,
            adverse_bps=adverse_bps,
            funding_rate_per_s=market.funding_rate_per_s,
            caution=values["warning_caution"] if cautious else 1.0,
        )
        bid, ask = terms.prices(price)
        said = _said(terms, fair, market.instrument.id)
        for side in (Side.BUY, Side.SELL):
            room = room_base(market, side, price, reducing=reducing)
            size = order_base * self._share(market, side, fair, adverse_bps, cautious=cautious)
            size = min(size, self._affordable(market, side, price))
            for level in range(levels(values)):
                wanted = min(size, room, market.max_order_notional_usd / price)
                if not wanted > 0.0:
                    break
                room -= wanted
                away = math.exp(-side.sign * level * values["level_step_bps"] / _BPS)
                yield Target(
                    instrument=market.instrument.id,
                    side=side,
                    price=passive(market, side, (bid if side is Side.BUY else ask) * away),
                    size_base=wanted,
                    reduce_only=reducing,
                    terms=said,
                )

    def _share(
        self, market: MarketView, side: Side, fair: FairValue, adverse_bps: float, *, cautious: bool
    ) -> float:
        """Return which share of the usual size a side gets."""
        values = self._shape.values
        toxic = min(1.0, adverse_bps / values["toxic_bps"])
        share = 1.0 - toxic * (1.0 - values["toxic_size"])
        if cautious:
            share *= values["warning_size"]
        if market.position_base * side.sign > 0.0:  # what would come nearer to its liquidation
            limit = values["liquidation_sigmas"]
            share *= min(1.0, max(0.0, self._sigmas(market, fair) / limit - 1.0))
        return share

    def _affordable(self, market: MarketView, side: Side, price: float) -> float:
        """Return the largest size that free collateral bears, base units; what reduces needs none."""
        if market.available_usd is None or market.position_base * side.sign < 0.0:
            return math.inf
        return max(0.0, market.available_usd) * self._shape.values["margin_use"] / price


def _quote_of(market: MarketView) -> Quote:
    return Quote(
        instrument=market.instrument.id,
        bid=market.bid_price,
        ask=market.ask_price,
        depth_usd=market.bid_size * market.bid_price + market.ask_size * market.ask_price,
        age_s=max(0.0, market.book_age_ms / 1_000.0),
    )


def _position(
    market: MarketView, markets: Sequence[MarketView], net_base: float, order_base: float
) -> Position:
    """Count inventory in orders; each market should hold a share of it by its limit."""
    limits = sum(one.max_position_notional_usd for one in markets)
    share = market.max_position_notional_usd / limits if limits > 0.0 else 0.0
    return Position(
        total=net_base / order_base,
        own=market.position_base / order_base,
        target=share * net_base / order_base,
    )


def _said(terms: QuoteTerms, fair: FairValue, instrument: InstrumentId) -> Mapping[str, float]:
    return {
        "fair_value_usd": fair.price,
        "basis_bps": fair.basis_bps.get(instrument, 0.0),
        "inventory_bps": terms.inventory_bps,
        "anchor_bps": terms.anchor_bps,
        "funding_bps": terms.funding_bps,
        "core_bps": terms.core_bps,
        "risk_bps": terms.risk_bps,
        "fee_bps": terms.fee_bps,
        "adverse_bps": terms.adverse_bps,
        "edge_bps": terms.edge_bps,
        "caution_ratio": terms.caution,
    }


def _immediate(order: HedgeOrder, purpose: Purpose, fair: FairValue) -> Target:
    return Target(
        instrument=order.instrument,
        side=order.side,
        price=order.price,
        size_base=order.size_base,
        purpose=purpose,
        time_in_force=TimeInForce.IOC,
        post_only=False,
        reduce_only=order.only_reduces,
        terms={"fair_value_usd": fair.price, "cost_bps": order.cost_bps},
    )

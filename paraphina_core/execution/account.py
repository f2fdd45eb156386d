"""The money side of the paper exchange: fees, funding and margin, booked as a venue would."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Final

from paraphina_core.connector import FeeSchedule
from paraphina_core.domain import (
    CONTEXT,
    Event,
    Fill,
    FundingRate,
    InstrumentId,
    Liquidity,
    PlaceOrder,
    VenueNotice,
    exact,
)

from .entry import RejectCode, Rejection
from .funding import FundingTimer
from .ledger import Ledger
from .matching import Execution, PaperMarket

_BPS: Final = Decimal("0.0001")


def fee_rates(fees: FeeSchedule) -> Mapping[Liquidity, Decimal]:
    """Return what maker and taker pay of a notional, exactly; negative for a rebate."""
    return {
        Liquidity.MAKER: CONTEXT.multiply(exact(fees.maker_bps), _BPS),
        Liquidity.TAKER: CONTEXT.multiply(exact(fees.taker_bps), _BPS),
    }


class PaperAccount:
    """One account on paper.

    Args:
        balance_usd: collateral at the start.
        max_leverage: largest worst-case notional in multiples of the equity.
        fees: what every fill pays.

    Attributes:
        ledger: positions and money.
    """

    def __init__(self, balance_usd: Decimal, max_leverage: float, fees: FeeSchedule) -> None:
        self.ledger = Ledger(balance_usd)
        self._max_leverage = max_leverage
        self._fee_rates = fee_rates(fees)
        self._timers: dict[InstrumentId, FundingTimer] = {}

    def fill(self, execution: Execution, trade_id: str, at_ns: int) -> Fill:
        """Book an execution and return it as the venue would report it."""
        order = execution.order.order
        notional = CONTEXT.multiply(execution.price, execution.size)
        fill = Fill(
            instrument=order.instrument,
            client_order_id=order.client_order_id,
            venue_order_id=execution.order.venue_order_id,
            trade_id=trade_id,
            side=order.side,
            price=execution.price,
            size=execution.size,
            fee=CONTEXT.multiply(notional, self._fee_rates[execution.liquidity]),
            liquidity=execution.liquidity,
            exchange_ns=at_ns,
        )
        self.ledger.apply(fill)
        return fill

    def margin_rejection(
        self, order: PlaceOrder, market: PaperMarket, markets: Iterable[PaperMarket], at_ns: int
    ) -> Rejection | None:
        """Refuse an order whose worst case is beyond the leverage; a price that is not known refuses too."""
        exposure = market.exposure()
        worst_base = exposure.worst_base_with(order)
        if order.reduce_only or worst_base <= exposure.worst_base:
            return None
        worst_usd = worst_base * max(market.price, float(order.price))  # NaN stays: it is the first
        for other in markets:
            others = other.exposure()
            if math.isfinite(others.reference_price):
                self.ledger.mark(other.instrument.id, others.reference_price, at_ns)
            if other is not market and others.worst_base != 0.0:
                worst_usd += others.worst_notional_usd
        limit_usd = float(self.ledger.equity) * self._max_leverage
        if worst_usd <= limit_usd:
            return None
        return Rejection(
            RejectCode.INSUFFICIENT_MARGIN,
            f"worst-case notional {worst_usd:.2f} USD, equity times leverage {limit_usd:.2f} USD",
        )

    def on_rate(self, event: FundingRate, at_ns: int) -> None:
        """Take a funding rate; from here on the instrument pays funding."""
        timer = self._timers.get(event.instrument)
        if timer is None:
            timer = self._timers[event.instrument] = FundingTimer(event.instrument)
        timer.on_rate(event, at_ns)

    def next_funding_ns(self) -> int | None:
        """Return when the next funding of any instrument is due, None while no rate is known."""
        due = [timer.due_ns for timer in self._timers.values() if timer.due_ns is not None]
        return min(due, default=None)

    def pay_funding(self, market: PaperMarket, at_ns: int) -> Iterator[tuple[int, Event]]:
        """Book what the position pays by `at_ns`; yields each payment with the time it was due."""
        timer = self._timers.get(market.instrument.id)
        while timer is not None and (due_ns := timer.pass_due(at_ns)) is not None:
            if not market.position:
                continue
            price = market.price
            if math.isfinite(price):
                payment = timer.payment(market.position, price, due_ns)
                self.ledger.apply(payment)
                yield due_ns, payment
            else:
                text = f"{market.instrument.id}: funding was due and there is no price to book it at"
                yield due_ns, VenueNotice(code="FUNDING_NOT_BOOKED", text=text)

"""What the example's strategy wants and what its gate refuses."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from paraphina_core.connector import OrderFacts, TradeMode
from paraphina_core.domain import (
    ClientOrderId,
    FixedTick,
    Instrument,
    MarketView,
    PlaceOrder,
    Side,
    TradingState,
    View,
)
from paraphina_example_strategy import GATE, STRATEGY

INSTRUMENT = Instrument(
    venue="example",
    native_id="BTC",
    base="BTC",
    quote="USD",
    price_rule=FixedTick(tick=Decimal("0.5")),
    lot_size=Decimal("0.001"),
    min_size=Decimal("0.001"),
    min_notional=Decimal(0),
)


def decide(
    state: TradingState = TradingState.ACTIVE, parameters: dict[str, float] | None = None, **changes: Any
) -> list[tuple[Side, float, float, bool]]:
    """Show the strategy one market and return the targets as side, price, size and reduce-only."""
    market: dict[str, Any] = {
        "instrument": INSTRUMENT,
        "unusable": "",
        "bid_price": 999.5,
        "bid_size": 1.0,
        "ask_price": 1000.5,
        "ask_size": 1.0,
        "book_age_ms": 5.0,
        "volatility": None,
        "position_base": 0.0,
        "maker_fee_bps": 1.5,
        "taker_fee_bps": 4.5,
        "base_order_notional_usd": 1000.0,
        "max_order_notional_usd": 5000.0,
        "max_position_notional_usd": 10_000.0,
    }
    view = View(markets=(MarketView(**(market | changes)),), state=state)
    strategy = STRATEGY.build({**STRATEGY.parameters, **(parameters or {})})
    return [(t.side, t.price, t.size_base, t.reduce_only) for t in strategy.decide(view, 0)]


BID = (Side.BUY, 999.5, 1.0, False)
ASK = (Side.SELL, 1000.5, 1.0, False)


def test_both_sides_of_the_touch_are_joined() -> None:
    """In a market with a spread of 10 bps, one order rests at each best price."""
    assert decide() == [BID, ASK]


@pytest.mark.parametrize("changes", [{"unusable": "no book yet"}, {"parameters": {"min_spread_bps": 11.0}}])
def test_nothing_is_wanted_where_the_market_does_not_serve(changes: dict[str, Any]) -> None:
    """A book that cannot be believed and a spread that does not pay are left alone."""
    assert decide(**changes) == []


def test_nothing_is_wanted_while_halted() -> None:
    """A halted session gets no targets, so every order is cancelled."""
    assert decide(TradingState.HALTED) == []


def test_a_full_position_is_not_enlarged() -> None:
    """At the limit only the side that leads back is quoted."""
    assert decide(position_base=10.0) == [ASK]
    assert decide(position_base=-10.0) == [BID]


def test_a_reducing_session_only_sells_what_it_holds() -> None:
    """While reducing, the one order is reduce-only and no larger than the position."""
    assert decide(TradingState.REDUCING, position_base=0.4) == [(Side.SELL, 1000.5, 0.4, True)]


def refusal(bid: float | None, ask: float | None, *, reduce_only: bool = False) -> str | None:
    """Ask the gate about a small buy."""
    order = PlaceOrder(
        client_order_id=ClientOrderId(1),
        instrument=INSTRUMENT.id,
        side=Side.BUY,
        price=Decimal(1000),
        size=Decimal(1),
        reduce_only=reduce_only,
    )
    facts = OrderFacts(
        instrument=INSTRUMENT,
        mode=TradeMode.PAPER,
        state=TradingState.ACTIVE,
        best_bid=bid,
        best_ask=ask,
        position_base=0.0,
        open_orders=0,
    )
    return GATE.refuses(order, facts)


def test_the_gate_lets_a_usual_spread_pass() -> None:
    """Up to 20 bps nothing is refused."""
    assert refusal(1000.0, 1002.0) is None


def test_the_gate_refuses_a_wide_spread_and_names_it() -> None:
    """The reason holds what was found and what is allowed."""
    assert refusal(1000.0, 1003.0) == "the spread is 30.0 bps, at most 20 are allowed"


@pytest.mark.parametrize(("bid", "ask"), [(None, 1000.0), (1000.0, None), (1000.0, float("nan"))])
def test_the_gate_refuses_what_it_does_not_know(bid: float | None, ask: float | None) -> None:
    """A missing side and a price that is not a number are no narrow spread."""
    assert refusal(bid, ask) is not None


def test_the_gate_never_keeps_a_position_from_being_reduced() -> None:
    """Getting out is allowed at any spread."""
    assert refusal(1000.0, 1003.0, reduce_only=True) is None

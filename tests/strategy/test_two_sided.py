"""The two-sided strategy quotes passively, within limits, and only where it may."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paraphina_core.domain import FixedTick, Instrument, MarketView, Side, Target, TradingState, View
from paraphina_core.strategy import TwoSided
from paraphina_core.strategy.two_sided import PARAMETERS

BTC = Instrument(
    venue="test",
    native_id="BTC",
    base="BTC",
    quote="USD",
    price_rule=FixedTick(tick=Decimal("0.1")),
    lot_size=Decimal("0.0001"),
    min_size=Decimal("0.0001"),
    min_notional=Decimal(10),
)


def _market(**changes: object) -> MarketView:
    values: dict[str, object] = {
        "instrument": BTC,
        "unusable": "",
        "bid_price": 99_999.0,
        "bid_size": 1.0,
        "ask_price": 100_001.0,
        "ask_size": 1.0,
        "book_age_ms": 10.0,
        "volatility": 1e-5,
        "position_base": 0.0,
        "maker_fee_bps": 1.5,
        "taker_fee_bps": 4.5,
        "base_order_notional_usd": 1000.0,
        "max_order_notional_usd": 2000.0,
        "max_position_notional_usd": 10_000.0,
    }
    values.update(changes)
    return MarketView(**values)  # type: ignore[arg-type]  # a test may set any field


def _decide(view: MarketView, **parameters: float) -> dict[Side, Target]:
    whole = View(markets=(view,), state=TradingState.ACTIVE)
    targets = TwoSided({**PARAMETERS, **parameters}).decide(whole, 0)
    assert len({target.side for target in targets}) == len(targets)
    return {target.side: target for target in targets}


def test_a_flat_book_gets_one_quote_a_side_around_the_microprice() -> None:
    """Half-spread and volatility term set the distance; sizes are the base order."""
    quotes = _decide(_market(), half_spread_bps=2.0, volatility_multiple=1.0, horizon_s=4.0)
    distance = 1e-4 * (2.0 + 1e-5 * 2.0 * 1e4)
    assert quotes[Side.BUY].price == pytest.approx(100_000 * (1 - distance))
    assert quotes[Side.SELL].price == pytest.approx(100_000 * (1 + distance))
    assert quotes[Side.BUY].size_base == pytest.approx(0.01)
    assert all(quote.post_only and not quote.reduce_only for quote in quotes.values())


def test_inventory_shifts_both_quotes_towards_getting_rid_of_it() -> None:
    """Long shifts down, short shifts up, by the same amount."""
    flat, long, short = (_decide(_market(position_base=base)) for base in (0.0, 0.05, -0.05))
    for side in Side:
        assert long[side].price < flat[side].price < short[side].price


def test_volatility_widens_the_quotes() -> None:
    """A livelier price is quoted wider."""
    calm, lively = _decide(_market(volatility=1e-6)), _decide(_market(volatility=1e-3))
    assert lively[Side.BUY].price < calm[Side.BUY].price
    assert lively[Side.SELL].price > calm[Side.SELL].price


def test_the_side_that_would_enlarge_a_full_position_is_not_quoted() -> None:
    """At the limit only the reducing side remains."""
    assert set(_decide(_market(position_base=0.1))) == {Side.SELL}
    assert set(_decide(_market(position_base=-0.1))) == {Side.BUY}


def test_an_unusable_market_gets_no_quote() -> None:
    """What may not be believed is not quoted on."""
    assert _decide(_market(unusable="book is stale")) == {}


def test_where_trading_is_halted_there_is_no_quote_and_while_reducing_only_less() -> None:
    """Halted means nothing; reducing means reduce-only, never more than the position."""
    assert _decide(_market(position_base=0.005, state=TradingState.HALTED)) == {}
    assert _decide(_market(state=TradingState.REDUCING)) == {}
    quotes = _decide(_market(position_base=0.005, state=TradingState.REDUCING))
    assert set(quotes) == {Side.SELL}
    assert quotes[Side.SELL].reduce_only
    assert quotes[Side.SELL].size_base == pytest.approx(0.005)


@given(
    bid=st.floats(min_value=0.001, max_value=1e6),
    spread=st.floats(min_value=1e-9, max_value=0.1),
    bid_size=st.floats(min_value=1e-6, max_value=1e6),
    ask_size=st.floats(min_value=1e-6, max_value=1e6),
    position=st.floats(min_value=-1e3, max_value=1e3),
    half=st.floats(min_value=0.0, max_value=100.0),
    shift=st.floats(min_value=0.0, max_value=1000.0),
)
def test_no_quote_ever_crosses_the_touch_or_its_opposite(
    bid: float, spread: float, bid_size: float, ask_size: float, position: float, half: float, shift: float
) -> None:
    """Bids stay below the ask, asks above the bid, and sizes within the room that is left."""
    ask = bid * (1 + spread)
    if not ask > bid:
        return
    view = _market(bid_price=bid, ask_price=ask, bid_size=bid_size, ask_size=ask_size, position_base=position)
    quotes = _decide(view, half_spread_bps=half, inventory_shift_bps=shift)
    for side, quote in quotes.items():
        assert quote.price < ask if side is Side.BUY else quote.price > bid
        room = view.max_position_notional_usd / view.microprice - position * side.sign
        assert 0 < quote.size_base <= room
    if len(quotes) == 2 and half > 0.01:
        assert quotes[Side.BUY].price < quotes[Side.SELL].price

"""The market maker quotes passively around one fair value, hedges one position, and stops where it must."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paraphina_core.domain import (
    NS_PER_S,
    Fill,
    FixedTick,
    Instrument,
    Level,
    Liquidity,
    MarketView,
    Purpose,
    Side,
    Target,
    TimeInForce,
    TradingState,
    View,
)
from paraphina_core.strategy import PARAMETERS, PROFILES, MarketMaker, profile

BUY, SELL = Side.BUY, Side.SELL
PRICE = 60_000.0
BALANCED = profile("balanced")


def _instrument(number: int, price: float = PRICE) -> Instrument:
    return Instrument(
        venue=f"v{number}",
        native_id="X",
        base="X",
        quote="USD",
        price_rule=FixedTick(tick=Decimal(str(10.0 ** (math.floor(math.log10(price)) - 5)))),
        lot_size=Decimal("0.0001"),
        min_size=Decimal("0.0001"),
        min_notional=Decimal(10),
    )


def _market(number: int = 0, price: float = PRICE, **changes: Any) -> MarketView:
    values: dict[str, Any] = {
        "instrument": _instrument(number, price),
        "unusable": "",
        "bid_price": price * (1.0 - 1e-4),
        "bid_size": 10_000.0 / price,
        "ask_price": price * (1.0 + 1e-4),
        "ask_size": 10_000.0 / price,
        "book_age_ms": 10.0,
        "volatility": 1e-5,
        "position_base": 0.0,
        "maker_fee_bps": 0.0,
        "taker_fee_bps": 3.0,
        "base_order_notional_usd": 1_000.0,
        "max_order_notional_usd": 2_000.0,
        "max_position_notional_usd": 10_000.0,
        "bids": tuple(Level(price * (1.0 - 1e-4 * n), 10_000.0 / price) for n in range(1, 6)),
        "asks": tuple(Level(price * (1.0 + 1e-4 * n), 10_000.0 / price) for n in range(1, 6)),
    }
    return MarketView(**(values | changes))


def _decide(
    *markets: MarketView, maker: MarketMaker | None = None, at_s: float = 0.0, **changes: Any
) -> Sequence[Target]:
    made = MarketMaker(BALANCED) if maker is None else maker
    return made.decide(View(markets=markets, state=TradingState.ACTIVE, **changes), int(at_s * NS_PER_S))


def _quotes(targets: Sequence[Target], number: int = 0) -> Mapping[Side, Target]:
    """Return the best quote of each side."""
    quotes: dict[Side, Target] = {}
    for target in targets:
        if target.instrument == f"v{number}:X" and target.purpose is Purpose.QUOTE:
            quotes.setdefault(target.side, target)
    return quotes


def _bps(target: Target, price: float = PRICE) -> float:
    return (target.price / price - 1.0) * 1e4


# --- quotes -------------------------------------------------------------------------------------


def test_each_usable_market_gets_a_post_only_quote_on_each_side() -> None:
    """Around the fair value, as far apart on both sides, of the usual size."""
    targets = _decide(_market(0), _market(1))
    assert len(targets) == 4
    for number in (0, 1):
        quotes = _quotes(targets, number)
        assert _bps(quotes[BUY]) == pytest.approx(-_bps(quotes[SELL]), rel=1e-3)
        assert quotes[BUY].size_base * PRICE == pytest.approx(1_000.0)
        assert all(quote.post_only and not quote.reduce_only for quote in quotes.values())


def test_inventory_moves_the_quotes_of_every_market_against_it() -> None:
    """Long on one venue: both venues are quoted lower, the long one most."""
    flat = _decide(_market(0), _market(1))
    held = _decide(_market(0, position_base=3_000.0 / PRICE), _market(1))
    moved = [_bps(_quotes(held, n)[SELL]) - _bps(_quotes(flat, n)[SELL]) for n in (0, 1)]
    assert moved[0] < moved[1] < 0.0


def test_a_venue_that_trades_above_the_others_for_good_is_quoted_above_them() -> None:
    """Its basis is learned, so what is quoted there is right for what is paid there."""
    maker = MarketMaker(BALANCED)
    for step in range(400):
        targets = _decide(_market(0, PRICE * 1.0004), _market(1), _market(2), maker=maker, at_s=0.25 * step)
    above, level = (_quotes(targets, n) for n in (0, 1))
    assert _bps(above[BUY]) - _bps(level[BUY]) == pytest.approx(4.0, abs=0.5)


def test_funding_that_longs_pay_lowers_the_quotes_of_that_venue() -> None:
    """0.01 % each hour is one basis point over the hour that counts."""
    wide = {"bid_price": PRICE * 0.999, "ask_price": PRICE * 1.001}
    targets = _decide(_market(0, funding_rate=1e-4, funding_interval_s=3_600.0, **wide), _market(1, **wide))
    paying, other = (_quotes(targets, n)[SELL] for n in (0, 1))
    assert _bps(paying) == pytest.approx(_bps(other) - 1.0, abs=0.01)


def test_fills_that_lose_make_a_venue_quoted_wider_and_smaller() -> None:
    """The price falls after each buy there; elsewhere nothing changes."""
    maker = MarketMaker(BALANCED)
    price, at_s = PRICE, 0.0
    for number in range(30):
        fill = Fill(
            instrument=_instrument(0).id,
            client_order_id=None,
            venue_order_id=None,
            trade_id=str(number),
            side=BUY,
            price=Decimal(60_000),
            size=Decimal("0.01"),
            fee=Decimal(0),
            liquidity=Liquidity.MAKER,
        )
        _decide(_market(0, price), _market(1, price), maker=maker, at_s=at_s, fills=(fill,))
        price *= 1.0 - 3e-4
        for _ in range(8):
            at_s += 4.0
            targets = _decide(_market(0, price), _market(1, price), maker=maker, at_s=at_s)
    toxic, other = _quotes(targets, 0)[SELL], _quotes(targets, 1)[SELL]
    assert toxic.terms["adverse_bps"] > 1.0
    assert other.terms["adverse_bps"] == 0.0
    assert _bps(toxic, price) > _bps(other, price) + 1.0
    assert toxic.size_base < 0.7 * other.size_base


def test_several_levels_share_the_room_of_a_side() -> None:
    """Further ones are further away, and together they stay within the limit of the position."""
    maker = MarketMaker({**BALANCED, "levels": 3.0})
    targets = _decide(_market(0, max_position_notional_usd=2_500.0), _market(1), maker=maker)
    buys = [target for target in targets if target.instrument == "v0:X" and target.side is BUY]
    assert [round(target.size_base * PRICE) for target in buys] == [1_000, 1_000, 500]
    assert buys[0].price > buys[1].price > buys[2].price


def test_free_collateral_bounds_what_opens_and_not_what_closes() -> None:
    """With 100 USD left at twice their worth, a buy is 200 USD; the sell of a long is whole."""
    targets = _decide(_market(0, available_usd=100.0, position_base=2_000.0 / PRICE), _market(1))
    quotes = _quotes(targets, 0)
    assert quotes[BUY].size_base * PRICE == pytest.approx(200.0)
    assert quotes[SELL].size_base * PRICE == pytest.approx(1_000.0)


def test_near_liquidation_nothing_is_added_to_a_position() -> None:
    """A long whose liquidation is at the limit sells only; farther away it may grow by less than usual."""
    sigmas = BALANCED["least_volatility_bps"] * 1e-4 * 60.0  # deviation of an hour
    for distance, sides in ((4.9, {SELL}), (7.0, {BUY, SELL})):
        liquidation = PRICE * math.exp(-distance * sigmas)
        targets = _decide(_market(0, position_base=500.0 / PRICE, liquidation_price=liquidation), _market(1))
        assert set(_quotes(targets, 0)) == sides


def test_every_quote_says_what_it_is_made_of() -> None:
    """From its terms alone its price can be computed again, where the book leaves room for it."""
    maker = MarketMaker(BALANCED)
    wide = {"bid_price": PRICE * 0.999, "ask_price": PRICE * 1.001}
    for step in range(20):
        targets = _decide(
            _market(0, position_base=0.02, **wide), _market(1, **wide), maker=maker, at_s=float(step)
        )
    assert targets
    for target in targets:
        said = target.terms
        parts = ("core_bps", "risk_bps", "fee_bps", "adverse_bps", "edge_bps")
        half = sum(said[part] for part in parts) * said["caution_ratio"]
        shift = said["inventory_bps"] + said["anchor_bps"] + said["funding_bps"] + said["basis_bps"]
        away = shift - target.side.sign * half
        assert target.price == pytest.approx(said["fair_value_usd"] * math.exp(away / 1e4), rel=1e-9)


# --- where nothing is quoted --------------------------------------------------------------------


def test_without_a_fair_value_nothing_is_quoted_and_it_says_why() -> None:
    """Two venues one per cent apart: neither is believed."""
    maker = MarketMaker(BALANCED)
    assert _decide(_market(0), _market(1, PRICE * 1.01), maker=maker) == []
    assert maker.why(_instrument(0).id) == "no fair value: 0 of 2 markets agree on a price"
    assert _decide(_market(0), _market(1, unusable="book is stale"), maker=maker) == []


def test_a_market_that_cannot_be_used_or_is_halted_has_no_quotes() -> None:
    """The others have."""
    targets = _decide(
        _market(0, unusable="book is stale"), _market(1), _market(2), _market(3, state=TradingState.HALTED)
    )
    assert {target.instrument for target in targets} == {"v1:X", "v2:X"}


def test_a_reducing_market_is_quoted_on_the_side_that_reduces() -> None:
    """Reduce-only, and no larger than the position."""
    targets = _decide(_market(0, state=TradingState.REDUCING, position_base=500.0 / PRICE), _market(1))
    (quote,) = _quotes(targets, 0).values()
    assert (quote.side, quote.reduce_only) == (SELL, True)
    assert quote.size_base * PRICE == pytest.approx(500.0)


def test_beyond_the_loss_of_a_day_nothing_is_quoted() -> None:
    """And it says so."""
    maker = MarketMaker({**BALANCED, "hedge_halted": 0.0})
    assert _decide(_market(0), _market(1), maker=maker, daily_pnl_usd=-500.0) == []
    assert maker.why(_instrument(0).id).startswith("the risk regime is HALTED by d")


# --- hedges and exits ---------------------------------------------------------------------------


def _immediate(targets: Sequence[Target], purpose: Purpose) -> list[Target]:
    found = [target for target in targets if target.purpose is purpose]
    assert all(target.time_in_force is TimeInForce.IOC and not target.post_only for target in found)
    return found


def test_inventory_beyond_the_band_is_hedged_where_it_is_held() -> None:
    """Reduce-only, at a price that the visible book offers; not again before its time has passed."""
    maker = MarketMaker(BALANCED)
    held = _market(0, position_base=5_000.0 / PRICE)
    (hedge,) = _immediate(_decide(held, _market(1), maker=maker), Purpose.HEDGE)
    assert (hedge.instrument, hedge.side, hedge.reduce_only) == ("v0:X", SELL, True)
    assert hedge.size_base * PRICE == pytest.approx(1_750.0)
    assert _immediate(_decide(held, _market(1), maker=maker, at_s=1.0), Purpose.HEDGE) == []
    assert len(_immediate(_decide(held, _market(1), maker=maker, at_s=2.0), Purpose.HEDGE)) == 1


def test_a_hedge_opens_a_position_elsewhere_only_where_that_is_wanted() -> None:
    """The venue that holds the inventory is thin: the rest goes to the other one, not reduce-only."""
    thin = _market(0, position_base=5_000.0 / PRICE, bids=(Level(PRICE * 0.9999, 100.0 / PRICE),))
    maker = MarketMaker({**BALANCED, "hedge_opens": 1.0})
    hedges = _immediate(_decide(thin, _market(1), maker=maker), Purpose.HEDGE)
    assert [(hedge.instrument, hedge.reduce_only) for hedge in hedges] == [("v0:X", True), ("v1:X", False)]
    hedges = _immediate(_decide(thin, _market(1)), Purpose.HEDGE)
    assert [hedge.instrument for hedge in hedges] == ["v0:X"]


@pytest.mark.parametrize("hedged", [1.0, 0.0])
def test_a_halted_book_is_still_hedged_down_if_the_parameters_say_so(hedged: float) -> None:
    """A breach stops new risk, and does not leave the old one alone."""
    maker = MarketMaker({**BALANCED, "hedge_halted": hedged})
    held = _market(0, position_base=5_000.0 / PRICE)
    targets = _decide(held, _market(1), maker=maker, daily_pnl_usd=-500.0)
    assert len(targets) == len(_immediate(targets, Purpose.HEDGE)) == hedged


def test_a_little_inventory_is_closed_where_somebody_pays_more_than_it_is_worth() -> None:
    """Five basis points above the fair value, less three of fee, is more than the least gain of one."""
    for paid_bps, exits in ((5.0, 1), (3.0, 0)):
        bids = (Level(PRICE * (1.0 + paid_bps * 1e-4), 1.0),)
        held = _market(0, position_base=500.0 / PRICE, bids=bids)
        found = _immediate(_decide(held, _market(1)), Purpose.EXIT)
        assert len(found) == exits
        for leave in found:
            assert (leave.side, leave.reduce_only) == (SELL, True)
            assert leave.size_base * PRICE == pytest.approx(500.0)


# --- profiles and properties --------------------------------------------------------------------

#: What grows with the liking for risk, and what shrinks.
GROWS = {
    "net_usd",
    "gross_usd",
    "basis_usd",
    "funding_usd_per_day",
    "daily_loss_usd",
    "drawdown_usd",
    "warning_size",
    "hedge_band_usd",
    "hedge_most_usd",
    "toxic_size",
    "margin_use",
    "levels",
    "fill_rate",
}
SHRINKS = {"risk_aversion", "least_edge_bps", "liquidation_sigmas", "warning_caution", "hedge_step"}


def test_profiles_are_ordered_by_risk_in_every_parameter_and_state_all_of_them() -> None:
    """Nowhere is a more careful profile the more daring one, and nothing is left to an unwritten default."""
    profiles = [profile(name) for name in PROFILES]
    for key, about in PARAMETERS.items():
        values = [stated[key] for stated in profiles]
        assert all(about.low <= value <= about.high for value in values), key
        if key in GROWS:
            assert values == sorted(values), key
        elif key in SHRINKS:
            assert values == sorted(values, reverse=True), key
        else:
            assert len(set(values)) == 1, key


@pytest.mark.parametrize("position_usd", [-1_000.0, 0.0, 1_000.0])
def test_more_careful_profiles_quote_wider_and_move_further_against_inventory(position_usd: float) -> None:
    """What the parameters do together, not each by itself."""
    widths, shifts = [], []
    wide = {"bid_price": PRICE * 0.999, "ask_price": PRICE * 1.001}
    for name in PROFILES:
        held = _market(0, position_base=position_usd / PRICE, **wide)
        quotes = _quotes(_decide(held, _market(1, **wide), maker=MarketMaker(profile(name))))
        widths.append(round(_bps(quotes[SELL]) - _bps(quotes[BUY]), 6))
        shifts.append(round(abs(_bps(quotes[SELL]) + _bps(quotes[BUY])), 3))
    assert widths == sorted(widths, reverse=True)
    assert shifts == sorted(shifts, reverse=True)


views = st.lists(
    st.builds(
        _market,
        st.integers(0, 4),
        st.just(PRICE),
        bid_price=st.floats(59_990.0, 59_999.0),
        ask_price=st.floats(60_001.0, 60_010.0),
        position_base=st.floats(-0.2, 0.2),
        maker_fee_bps=st.floats(-2.0, 5.0),
        funding_rate=st.none() | st.floats(-0.01, 0.01),
        funding_interval_s=st.just(3_600.0),
        available_usd=st.none() | st.floats(0.0, 1e5),
        state=st.sampled_from(TradingState),
        unusable=st.sampled_from(["", "", "", "book is stale"]),
    ),
    min_size=1,
    max_size=5,
    unique_by=lambda market: market.instrument.id,
)


@given(st.lists(st.tuples(views, st.floats(0.01, 30.0), st.floats(-600.0, 600.0)), min_size=1, max_size=5))
def test_whatever_it_sees_every_target_is_passive_or_immediate_and_within_limits(
    steps: list[tuple[list[MarketView], float, float]],
) -> None:
    """No quote crosses, no side exceeds its limit, nothing increases where only less may be held."""
    maker = MarketMaker({**BALANCED, "levels": 3.0})
    at_s = 0.0
    for markets, pause_s, pnl in steps:
        at_s += pause_s
        targets = _decide(*markets, maker=maker, at_s=at_s, daily_pnl_usd=pnl)
        for market in markets:
            mine = [target for target in targets if target.instrument == market.instrument.id]
            for target in mine:
                _is_sound(target, market)
            for side in Side:
                quoted = sum(t.size_base for t in mine if t.side is side and t.purpose is Purpose.QUOTE)
                held = market.position_base * side.sign
                assert quoted + held <= max(held, 10_000.0 / (PRICE * 0.99))


def _is_sound(target: Target, market: MarketView) -> None:
    assert not market.unusable
    assert market.state is not TradingState.HALTED
    assert 0.0 < target.size_base <= 2_000.0 / (PRICE * 0.99)
    if target.purpose is Purpose.QUOTE:
        assert target.post_only
        if target.side is BUY:
            assert target.price < market.ask_price
        else:
            assert target.price > market.bid_price
    if market.state is TradingState.REDUCING or target.reduce_only:
        assert target.reduce_only
        assert target.size_base <= -market.position_base * target.side.sign * (1.0 + 1e-9)


@pytest.mark.parametrize("price", [0.3, 2_500.0])
def test_the_same_settings_quote_a_cheap_coin_as_a_dear_one(price: float) -> None:
    """At the same distances in basis points, for the same notional."""
    held = (0.0, 1_000.0)
    quotes = _quotes(_decide(*(_market(n, price, position_base=usd / price) for n, usd in enumerate(held))))
    wanted = _quotes(_decide(*(_market(n, position_base=usd / PRICE) for n, usd in enumerate(held))))
    for side in Side:
        assert _bps(quotes[side], price) == pytest.approx(_bps(wanted[side]), abs=1e-6)
        assert quotes[side].size_base * price == pytest.approx(wanted[side].size_base * PRICE)

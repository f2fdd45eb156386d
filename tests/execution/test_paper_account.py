"""The paper account pays funding when it is due, once, and on whichever clock the venue keeps."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from paper_world import PaperWorld, fills_of, kinds
from paraphina_core.domain import (
    NS_PER_MS,
    NS_PER_S,
    BookGap,
    Event,
    Fill,
    FundingPayment,
    FundingRate,
    MarkPrice,
    Side,
)
from paraphina_core.execution import Ledger
from trading import BTC, ETH, place, snapshot, trade

HOUR_S = 3_600
HOUR_MS = HOUR_S * 1_000
HOUR_NS = HOUR_S * NS_PER_S


def _rate(rate: float = 0.001, **more: Any) -> FundingRate:
    return FundingRate(instrument=BTC.id, **({"rate": rate, "interval_s": HOUR_S} | more))


def _mark(price: float) -> MarkPrice:
    return MarkPrice(instrument=BTC.id, mark_price=price)


def _world(side: Side = Side.BUY) -> PaperWorld:
    """A position of two, at a mid of 100, ten minutes past the hour."""
    world = PaperWorld()
    world.now_ms = 10 * HOUR_MS + 600_000
    world.see(snapshot(((99.5, 9.0),), ((100.5, 9.0),)))
    world.send(place(1, side, 101 if side is Side.BUY else 99, 2))
    return world


def _paid(events: list[Event]) -> list[tuple[int, Decimal]]:
    return [(event.exchange_ns, event.amount) for event in events if isinstance(event, FundingPayment)]


def test_f062_longs_pay_a_positive_rate_on_the_mark_price() -> None:
    """Cash flow is -position * mark * rate, and the account has it."""
    world = _world()
    world.see(_mark(110.0))
    world.see(_rate())
    assert _paid(world.wait(HOUR_MS)) == [(11 * HOUR_NS, Decimal("-0.22"))]
    assert world.exchange.ledger.funding == Decimal("-0.22")


@pytest.mark.parametrize(
    ("side", "rate", "sign"), [(Side.SELL, 0.001, 1), (Side.BUY, -0.001, 1), (Side.SELL, -0.001, -1)]
)
def test_f062_shorts_receive_what_longs_pay(side: Side, rate: float, sign: int) -> None:
    """Position and rate each turn the sign."""
    world = _world(side)
    world.see(_rate(rate))
    assert _paid(world.wait(HOUR_MS)) == [(11 * HOUR_NS, sign * Decimal("0.2"))]


def test_without_a_mark_price_the_mid_of_the_book_is_used() -> None:
    """Two long at a mid of 100 and a tenth of a percent."""
    world = _world()
    world.see(_rate())
    assert _paid(world.wait(HOUR_MS)) == [(11 * HOUR_NS, Decimal("-0.2"))]


def test_without_a_rate_no_funding_is_booked() -> None:
    """Nothing is invented for a venue that states no rate."""
    assert _paid(_world().wait(100 * HOUR_MS)) == []


def test_without_a_position_no_funding_is_booked() -> None:
    """A flat account neither pays nor receives."""
    world = _world()
    world.see(_rate())
    world.send(place(2, Side.SELL, 99, 2))
    assert _paid(world.wait(5 * HOUR_MS)) == []


def test_without_any_price_funding_is_announced_as_not_booked() -> None:
    """What cannot be computed is said, not guessed."""
    world = _world()
    world.see(_rate())
    world.see(BookGap(instrument=BTC.id, reason="sequence"))
    assert kinds(world.wait(HOUR_MS)) == ["FUNDING_NOT_BOOKED"]


def test_every_interval_pays_once_also_after_a_long_wait() -> None:
    """Three whole hours pass in one step: three payments, each at its own time."""
    world = _world()
    world.see(_rate())
    assert [at_ns for at_ns, _ in _paid(world.wait(3 * HOUR_MS))] == [
        11 * HOUR_NS,
        12 * HOUR_NS,
        13 * HOUR_NS,
    ]


def test_funding_and_orders_take_effect_in_the_order_of_their_times() -> None:
    """A position that is closed just after the hour pays for the hour, also when both pass in one step."""
    world = PaperWorld(latency_ms=50)
    world.see(snapshot(((99.5, 9.0),), ((100.5, 9.0),)))
    world.send(place(1, Side.BUY, 101, 2))
    world.wait(HOUR_MS - 20)
    world.see(_rate())
    world.send(place(2, Side.SELL, 99, 2))
    assert kinds(world.wait(500)) == ["FundingPayment", "OrderAccepted", "Fill"]


def test_the_exchange_says_what_is_due_first() -> None:
    """Funding of any instrument, or a command on its way: whoever drives it wakes in time."""
    world = PaperWorld(BTC, ETH, latency_ms=50)
    world.see(snapshot(((99.5, 9.0),), ((100.5, 9.0),)))
    world.see(_rate())
    assert world.exchange.next_due_ns() == HOUR_NS
    world.see(FundingRate(instrument=ETH.id, rate=0.001, interval_s=8 * HOUR_S))
    assert world.exchange.next_due_ns() == HOUR_NS
    world.send(place(1, Side.BUY, 99, 1))
    assert world.exchange.next_due_ns() == 50 * NS_PER_MS


def test_the_stated_next_funding_time_is_used() -> None:
    """A venue whose hours are not the clock's says so."""
    world = _world()
    world.see(_rate(next_funding_ns=world.now_ns + 90 * NS_PER_S))
    assert _paid(world.wait(89_000)) == []
    assert len(_paid(world.wait(1_000))) == 1
    assert len(_paid(world.wait(HOUR_MS))) == 1


def test_a_recordings_funding_time_is_as_far_away_as_it_was_then() -> None:
    """Both times are the venue's, of another year; what counts is the time between them."""
    world = _world()
    world.see(_rate(exchange_ns=1_000, next_funding_ns=1_000 + 5 * NS_PER_S))
    assert _paid(world.wait(4_999)) == []
    assert len(_paid(world.wait(1))) == 1


def test_a_funding_time_of_the_past_is_not_believed() -> None:
    """Without the venue's time beside it, the whole hour is used."""
    world = _world()
    world.see(_rate(next_funding_ns=5))
    assert world.exchange.next_due_ns() == 11 * HOUR_NS


def test_a_stated_time_that_just_passed_means_the_next_one() -> None:
    """A venue that is ten seconds late in naming the next funding has it in an hour less ten seconds."""
    world = _world()
    world.see(_rate(exchange_ns=world.now_ns, next_funding_ns=world.now_ns - 10 * NS_PER_S))
    assert world.exchange.next_due_ns() == world.now_ns + HOUR_NS - 10 * NS_PER_S


def test_a_stated_time_may_be_further_away_than_one_interval() -> None:
    """The first funding of a new market is when the venue says."""
    world = _world()
    world.see(_rate(exchange_ns=5, next_funding_ns=5 + 3 * HOUR_NS))
    assert world.exchange.next_due_ns() == world.now_ns + 3 * HOUR_NS


def test_a_venue_that_still_names_the_last_funding_is_not_paid_twice() -> None:
    """Just after the payment the rate arrives again with the old time."""
    world = _world()
    due_ns = world.now_ns + NS_PER_S
    world.see(_rate(exchange_ns=world.now_ns, next_funding_ns=due_ns))
    assert len(_paid(world.wait(1_000))) == 1
    world.now_ms += 5
    world.see(_rate(exchange_ns=due_ns - NS_PER_MS, next_funding_ns=due_ns))
    assert _paid(world.wait(60_000)) == []
    world.see(_rate(exchange_ns=world.now_ns, next_funding_ns=due_ns))
    assert len(_paid(world.wait(HOUR_MS))) == 1


def test_f063_the_interval_is_the_rates_own() -> None:
    """A rate for eight hours is paid every eight hours, and a changed interval is taken over."""
    world = _world()
    world.see(_rate(interval_s=8 * HOUR_S))
    assert world.exchange.next_due_ns() == 16 * HOUR_NS
    world.see(_rate(interval_s=4 * HOUR_S))
    assert world.exchange.next_due_ns() == 12 * HOUR_NS


@pytest.mark.parametrize(
    "bad", [{"rate": float("nan")}, {"rate": 2.0}, {"interval_s": 0}, {"interval_s": -1}]
)
def test_f088_a_rate_that_is_no_rate_changes_nothing(bad: dict[str, Any]) -> None:
    """A NaN, 200 % and an interval of nothing are not funding."""
    world = _world()
    world.see(_rate(**bad))
    assert world.exchange.next_due_ns() is None


def test_a_maker_pays_the_makers_fee_and_a_taker_the_takers() -> None:
    """One and five basis points here, exactly."""
    world = _world()
    events = world.send(place(2, Side.SELL, 105, 1), place(3, Side.BUY, "100.5", 1))
    events += world.see(trade(106.0, 5.0, Side.BUY))
    assert fills_of(events) == [(3, 100.5, 1.0), (2, 105.0, 1.0)]
    assert [event.fee for event in events if isinstance(event, Fill)] == [
        Decimal("0.05025"),
        Decimal("0.0105"),
    ]


def test_booking_what_was_reported_gives_the_exchanges_own_account() -> None:
    """A session's ledger and the exchange's agree to the last digit: position, fees, funding, cash."""
    world = PaperWorld()
    world.see(snapshot(((99.5, 9.0),), ((100.5, 9.0),)))
    events = world.send(place(1, Side.BUY, 101, 2), place(2, Side.SELL, "100.5", 5))
    events += world.see(trade(100.5, 12.0, Side.BUY))
    events += world.see(_rate())
    events += world.wait(2 * HOUR_MS)
    session = Ledger(Decimal(10_000))
    for event in events:
        if isinstance(event, Fill | FundingPayment):
            session.apply(event)
    assert session.positions.keys() == {BTC.id}
    assert session.cash == world.exchange.ledger.cash
    assert session.size(BTC.id) == world.exchange.ledger.size(BTC.id) == -1
    assert session.funding == world.exchange.ledger.funding > 0

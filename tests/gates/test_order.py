"""Each order gate refuses what it is there for, by its code, and nothing that is not a number passes."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from order_world import (
    ASK,
    BID,
    LIMITS,
    NOW_NS,
    Orders,
    instrument,
    limits,
    order_context,
    quote,
    session_context,
)
from paraphina_core.connector import Network, OrderFacts, OrderGate, TradeMode
from paraphina_core.domain import (
    NS_PER_MS,
    BestBidOffer,
    BookGap,
    ClientOrderId,
    Level,
    PlaceOrder,
    Purpose,
    Side,
    SignificantFigures,
    TimeInForce,
    TradingState,
    TradingStatus,
)
from paraphina_core.gates import ORDER_GATES, OrderContext, check
from paraphina_core.market import BookState

NAN = math.nan


def _code_of(order: PlaceOrder, context: OrderContext) -> str | None:
    refusal = check(order, context)
    return None if refusal is None else refusal.code


def _held(
    position: object, buys: object = 0, sells: object = 0, context: OrderContext | None = None
) -> OrderContext:
    """Give the context a position and open orders."""
    context = order_context() if context is None else context
    orders = Orders(buy_base=Decimal(str(buys)), sell_base=Decimal(str(sells)))
    context.update(Decimal(str(position)), orders)
    return context


def _exit_order(
    side: Side = Side.SELL, size: str = "1", price: str = "99.5", **changes: object
) -> PlaceOrder:
    changes = {"purpose": Purpose.EXIT, "reduce_only": True, "post_only": False} | changes
    return quote(side, price, size, **changes)


# --- the table ---------------------------------------------------------------------------------


def test_the_gates_are_asked_in_a_stable_order() -> None:
    """State first, then the order's own terms, then what it adds, then the plugins."""
    assert [rule.code for rule in ORDER_GATES] == [
        "KILL_LATCHED",
        "SESSION_HALTED",
        "SESSION_REDUCING",
        "VENUE_HALTED",
        "VENUE_REDUCING",
        "VENUE_UNHEALTHY",
        "BOOK_NOT_LIVE",
        "BOOK_STALE",
        "MODE_NOT_ALLOWED",
        "NETWORK_MISMATCH",
        "INSTRUMENT_STATUS",
        "PRICE_OFF_GRID",
        "SIZE_OFF_GRID",
        "SIZE_BELOW_MINIMUM",
        "SIZE_ABOVE_MAXIMUM",
        "NOTIONAL_BELOW_MINIMUM",
        "NOTIONAL_ABOVE_MAXIMUM",
        "COLLAR_BOOK",
        "COLLAR_FAIR_VALUE",
        "POST_ONLY_REQUIRED",
        "POST_ONLY_WOULD_CROSS",
        "REDUCE_ONLY_REQUIRED",
        "REDUCE_ONLY_INCREASES",
        "POSITION_LIMIT_VENUE",
        "POSITION_LIMIT_TOTAL",
        "OPEN_ORDERS_LIMIT",
        "CROSSES_OWN_ORDER",
        "DUPLICATE_CLIENT_ORDER_ID",
        "MESSAGE_BUDGET",
        "DAILY_LOSS",
        "PLUGIN_GATE",
    ]


def test_each_gate_says_what_it_checks_what_to_do_and_its_limit() -> None:
    """Nothing in the table is empty, and a limit that the profile sets shows the profile's number."""
    for rule in ORDER_GATES:
        assert rule.checks.endswith(".")
        assert rule.remedy.endswith(".")
        assert rule.limit_in_force(LIMITS)
    shown = {rule.code: rule.limit_in_force(limits(max_open_orders=77)) for rule in ORDER_GATES}
    assert shown["OPEN_ORDERS_LIMIT"] == "at most 77 orders"


def test_an_order_that_breaks_no_rule_passes() -> None:
    """The world of these tests lets a quote through on both sides."""
    assert check(quote(Side.BUY, "99.5"), order_context()) is None
    assert check(quote(Side.SELL, "100.5"), order_context()) is None


def test_the_check_changes_nothing() -> None:
    """Asked twice, the gates answer the same; spending and counting are the session's."""
    context = order_context()
    before = context.venue.budget.available(NOW_NS)
    assert check(quote(), context) == check(quote(), context)
    assert context.venue.budget.available(NOW_NS) == before


def test_a_session_that_has_stated_nothing_yet_sends_nothing() -> None:
    """Halted, without profit and loss, without a fair value: that is how a context begins."""
    session = session_context()
    session.state = type(session)(mode=TradeMode.PAPER, limits=LIMITS, client_order_ids=()).state
    assert _code_of(quote(), order_context(session)) == "SESSION_HALTED"
    fresh = order_context()
    fresh.fair_value = OrderContext(
        instrument=fresh.instrument, book=fresh.book, venue=fresh.venue, session=fresh.session
    ).fair_value
    assert _code_of(quote(), fresh) == "COLLAR_FAIR_VALUE"


# --- each gate ---------------------------------------------------------------------------------

Break = Callable[[OrderContext], None]


def _latched(context: OrderContext) -> None:
    context.session.kill_latched = True


def _halted(context: OrderContext) -> None:
    context.session.state = TradingState.HALTED


def _reducing(context: OrderContext) -> None:
    context.session.state = TradingState.REDUCING


def _degraded(context: OrderContext) -> None:
    context.venue.health.error("bad frame", NOW_NS)


def _gapped(context: OrderContext) -> None:
    context.book.apply(BookGap(instrument=context.book.instrument, reason="sequence"), NOW_NS)


def _one_sided(context: OrderContext) -> None:
    context.book.apply(BestBidOffer(instrument=context.book.instrument, bid=None, ask=None), NOW_NS)


def _stale(context: OrderContext) -> None:
    context.session.at_ns += 1_001 * NS_PER_MS


def _from_the_future(context: OrderContext) -> None:
    context.session.at_ns -= 1


def _never_arrived(context: OrderContext) -> None:
    context.book.arrived_ns = None


def _other_mode(context: OrderContext) -> None:
    context.session.mode = TradeMode.LIVE


def _other_network(context: OrderContext) -> None:
    context.venue.network = Network.TESTNET


def _status(value: TradingStatus) -> Break:
    def change(context: OrderContext) -> None:
        context.instrument = msgspec.structs.replace(instrument(), status=value)

    return change


def _many_orders(context: OrderContext) -> None:
    context.session.open_orders = 10


def _used_id(context: OrderContext) -> None:
    context.session.client_order_ids = {ClientOrderId(7)}


def _no_messages(context: OrderContext) -> None:
    for _ in range(15):
        context.venue.budget.spend(NOW_NS)


def _lost_much(context: OrderContext) -> None:
    context.session.daily_pnl_usd = -50.01


@pytest.mark.parametrize(
    ("break_it", "code"),
    [
        (_latched, "KILL_LATCHED"),
        (_halted, "SESSION_HALTED"),
        (_reducing, "SESSION_REDUCING"),
        (_degraded, "VENUE_UNHEALTHY"),
        (_gapped, "BOOK_NOT_LIVE"),
        (_one_sided, "BOOK_NOT_LIVE"),
        (_stale, "BOOK_STALE"),
        (_from_the_future, "BOOK_STALE"),
        (_never_arrived, "BOOK_STALE"),
        (_other_mode, "MODE_NOT_ALLOWED"),
        (_other_network, "NETWORK_MISMATCH"),
        (_status(TradingStatus.REDUCE_ONLY), "INSTRUMENT_STATUS"),
        (_status(TradingStatus.CANCEL_ONLY), "INSTRUMENT_STATUS"),
        (_status(TradingStatus.HALTED), "INSTRUMENT_STATUS"),
        (_status(TradingStatus.DELISTED), "INSTRUMENT_STATUS"),
        (_many_orders, "OPEN_ORDERS_LIMIT"),
        (_used_id, "DUPLICATE_CLIENT_ORDER_ID"),
        (_no_messages, "MESSAGE_BUDGET"),
        (_lost_much, "DAILY_LOSS"),
    ],
)
def test_a_broken_world_refuses_by_its_code(break_it: Break, code: str) -> None:
    """One thing wrong around the order is enough, and the refusal names it."""
    context = order_context()
    break_it(context)
    refusal = check(quote(), context)
    assert refusal is not None
    assert refusal.code == code
    assert refusal.found
    assert str(refusal) == f"{code}: {refusal.found}"


def test_the_first_gate_that_refuses_names_the_refusal() -> None:
    """With everything wrong at once, the kill switch speaks first."""
    context = order_context()
    for break_it in (_lost_much, _no_messages, _many_orders, _gapped, _degraded, _halted, _latched):
        break_it(context)
    assert _code_of(quote(), context) == "KILL_LATCHED"


def test_limits_are_inclusive() -> None:
    """What stands exactly at a limit passes."""
    context = order_context()
    context.session.at_ns += 1_000 * NS_PER_MS
    context.session.open_orders = 9
    context.session.daily_pnl_usd = -50.0
    for _ in range(14):
        context.venue.budget.spend(context.session.at_ns)
    assert check(quote(), context) is None


@pytest.mark.parametrize(
    ("order", "changes"),
    [
        (quote(size="0.2"), {"min_notional": Decimal("19.9")}),
        (quote(size="0.2"), {"min_notional": Decimal("19.90")}),
        (quote(size="2"), {"max_size": Decimal(2)}),
        (quote(size="2"), {"max_notional": Decimal(199)}),
        (quote(price="100", size="5"), {}),
    ],
)
def test_an_order_at_a_limit_of_its_instrument_or_profile_passes(order: PlaceOrder, changes: Any) -> None:
    """Sizes and notionals are compared exactly: what is allowed is allowed to the last digit."""
    context = order_context()
    context.instrument = msgspec.structs.replace(instrument(), **changes)
    assert check(order, context) is None


@pytest.mark.parametrize(("side", "price"), [(Side.BUY, "101.5"), (Side.SELL, "98.5")])
def test_a_price_at_its_collar_passes_and_one_tick_beyond_does_not(side: Side, price: str) -> None:
    """For the collar of the book, and for that of fair value."""
    position = -2 if side is Side.BUY else 2
    beyond = "102" if side is Side.BUY else "98"
    touch = 101.0 if side is Side.BUY else 99.0
    for name, reference, code in (
        ("collar_book_bps", touch, "COLLAR_BOOK"),
        ("collar_fair_value_bps", 100.0, "COLLAR_FAIR_VALUE"),
    ):
        wide = {"collar_book_bps": 500.0, "collar_fair_value_bps": 500.0}
        at_limit_bps = abs(float(price) / reference - 1.0) * 1e4
        profile = limits(**(wide | {name: at_limit_bps + 1e-9}))
        context = _held(position, context=order_context(session_context(profile)))
        assert check(_exit_order(side, "1", price), context) is None
        assert _code_of(_exit_order(side, "1", beyond), context) == code


@pytest.mark.parametrize(
    ("order", "code"),
    [
        (quote(price="99.7"), "PRICE_OFF_GRID"),
        (quote(price="100000000000000000000"), "PRICE_OFF_GRID"),
        (quote(price="1e300"), "PRICE_OFF_GRID"),
        (quote(price="1e-300"), "PRICE_OFF_GRID"),
        (quote(size="1.05"), "SIZE_OFF_GRID"),
        (quote(size="1e300"), "SIZE_OFF_GRID"),
        (quote(size="0.1"), "SIZE_BELOW_MINIMUM"),
        (quote(size="100.1"), "SIZE_ABOVE_MAXIMUM"),
        (quote(size="0.2"), "NOTIONAL_BELOW_MINIMUM"),
        (quote(size="5.1"), "NOTIONAL_ABOVE_MAXIMUM"),
        (quote(price="102", post_only=False), "COLLAR_BOOK"),
        (quote(Side.SELL, "98", post_only=False), "COLLAR_BOOK"),
        (quote(post_only=False), "POST_ONLY_REQUIRED"),
        (quote(price="101"), "POST_ONLY_WOULD_CROSS"),
        (quote(Side.SELL, "99"), "POST_ONLY_WOULD_CROSS"),
        (quote(purpose=Purpose.HEDGE), "REDUCE_ONLY_REQUIRED"),
        (quote(purpose=Purpose.EXIT, reduce_only=False), "REDUCE_ONLY_REQUIRED"),
        (quote(reduce_only=True), "REDUCE_ONLY_INCREASES"),
    ],
)
def test_f045_wrong_terms_are_refused_here_before_a_venue_would(order: PlaceOrder, code: str) -> None:
    """Grid, minimum, maximum, collar and flags are judged before the order is sent."""
    assert _code_of(order, order_context()) == code


@pytest.mark.parametrize(("side", "price"), [(Side.BUY, "101"), (Side.SELL, "99")])
def test_collars_of_zero_allow_the_touch_and_fair_value_themselves(side: Side, price: str) -> None:
    """Zero bps beyond is not beyond."""
    profile = limits(collar_book_bps=0.0, collar_fair_value_bps=0.0)
    context = _held(-2 * side.sign, context=order_context(session_context(profile)))
    context.fair_value = float(price)
    assert check(_exit_order(side, "1", price), context) is None


def test_f057_a_changed_grid_is_the_one_that_counts() -> None:
    """After the venue has changed its tick rule, an order on the old one is refused."""
    context = order_context()
    assert check(quote(price="99.5"), context) is None
    context.instrument = msgspec.structs.replace(
        context.instrument, price_rule=SignificantFigures(figures=2, max_decimals=0)
    )
    assert _code_of(quote(price="99.5"), context) == "PRICE_OFF_GRID"


def test_a_venue_that_takes_post_only_orders_takes_quotes_and_no_others() -> None:
    """F-054: while a venue comes back from maintenance, only what rests may be sent."""
    context = _held(5)
    _status(TradingStatus.POST_ONLY)(context)
    assert check(quote(), context) is None
    assert _code_of(_exit_order(), context) == "INSTRUMENT_STATUS"


def test_f056_a_reduce_only_instrument_takes_exits() -> None:
    """A market that is being delisted can be left and not entered."""
    context = _held(5)
    _status(TradingStatus.REDUCE_ONLY)(context)
    assert check(_exit_order(), context) is None
    assert _code_of(quote(), context) == "INSTRUMENT_STATUS"


def test_an_instrument_without_largest_size_and_notional_is_held_to_the_profile_alone() -> None:
    """What the venue does not limit, the profile does."""
    context = order_context()
    context.instrument = msgspec.structs.replace(instrument(), max_size=None, max_notional=None)
    assert check(quote(size="5"), context) is None
    assert _code_of(quote(size="5.1"), context) == "NOTIONAL_ABOVE_MAXIMUM"


def test_the_venues_largest_notional_counts_too() -> None:
    """The smaller of the two limits decides."""
    context = order_context()
    context.instrument = msgspec.structs.replace(instrument(), max_notional=Decimal(60))
    assert _code_of(quote(), context) == "NOTIONAL_ABOVE_MAXIMUM"


def test_a_sell_is_valued_at_what_it_may_fetch_not_at_its_limit() -> None:
    """A sell with a low limit fills at the market, so its own price would make it look small."""
    context = _held(
        9, context=order_context(session_context(limits(collar_book_bps=5_000, collar_fair_value_bps=5_000)))
    )
    assert _code_of(_exit_order(size="6", price="60"), context) == "NOTIONAL_ABOVE_MAXIMUM"


def test_the_collars_bound_the_aggressive_side_only() -> None:
    """Far away from the market is safe, beyond it is not; each collar counts from its own reference."""
    patient = quote(price="50", size="2")
    assert check(patient, order_context()) is None
    context = _held(9)
    assert check(_exit_order(price="99"), context) is None
    context.fair_value = 101.5
    assert _code_of(_exit_order(price="99"), context) == "COLLAR_FAIR_VALUE"
    context = _held(-9)
    assert check(_exit_order(Side.BUY, price="101"), context) is None
    context.fair_value = 98.5
    assert _code_of(_exit_order(Side.BUY, price="101"), context) == "COLLAR_FAIR_VALUE"


def test_enforcement_can_be_turned_off_by_the_profile() -> None:
    """A profile may allow quotes that take, and hedges that open."""
    context = order_context(session_context(limits(post_only_quotes=False, reduce_only_others=False)))
    assert check(quote(post_only=False), context) is None
    assert check(quote(purpose=Purpose.HEDGE, post_only=False), context) is None


# --- reducing ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("position", "sells", "order", "passes"),
    [
        (2, 0, _exit_order(size="2"), True),
        (2, 0, _exit_order(size="2.1"), False),
        (2, 1, _exit_order(size="1"), True),
        (2, 1, _exit_order(size="1.1"), False),
        (2, 0, _exit_order(Side.BUY, "1", "100.5"), False),
        (0, 0, _exit_order(), False),
        (-2, 0, _exit_order(), False),
        (2, 0, quote(Side.SELL, "100.5"), False),
        (2, 0, quote(Side.SELL, "100.5", reduce_only=True), True),
    ],
)
def test_reducing_lets_only_orders_through_that_cannot_increase_exposure(
    position: float, sells: float, order: PlaceOrder, *, passes: bool
) -> None:
    """Reduce-only, opposite, and no larger than what open orders of its side leave of the position."""
    context = _held(position, sells=sells)
    _reducing(context)
    assert _code_of(order, context) == (None if passes else "SESSION_REDUCING")


def test_f046_a_reduce_only_order_on_a_flat_position_is_refused_here() -> None:
    """The venue would reject it, and repeating it would not help."""
    assert _code_of(_exit_order(), _held(0)) == "REDUCE_ONLY_INCREASES"
    assert check(_exit_order(), _held(1)) is None


def test_beyond_the_daily_loss_only_reducing_orders_pass() -> None:
    """The limit stops the trading, not the way out."""
    context = _held(2)
    _lost_much(context)
    assert _code_of(quote(), context) == "DAILY_LOSS"
    assert check(_exit_order(), context) is None


def test_nothing_leaves_a_halted_session() -> None:
    """Not even what reduces: a halted session only cancels."""
    context = _held(2)
    _halted(context)
    assert _code_of(_exit_order(), context) == "SESSION_HALTED"


# --- positions ---------------------------------------------------------------------------------


def test_open_and_unknown_orders_count_as_filled_against_the_position_limits() -> None:
    """A position of 5 and open buys of 4 leave room for 1 within 1,000 USD at 100."""
    context = _held(5, buys=4)
    assert check(quote(size="1"), context) is None
    assert _code_of(quote(size="1.1"), context) == "POSITION_LIMIT_VENUE"


def test_the_other_side_has_its_own_worst_case() -> None:
    """Buys do not make room for sells: the market may fill the sells alone."""
    context = _held(5, buys=5)
    assert _code_of(quote(), context) == "POSITION_LIMIT_VENUE"
    assert check(quote(Side.SELL, "100.5", "4"), context) is None
    context = _held(-9, buys=100)
    assert _code_of(quote(Side.SELL, "100.5", "1.1"), context) is None  # the buys are the worse case already


def test_over_the_limit_an_order_that_does_not_make_it_worse_passes() -> None:
    """A price that moved, or a limit that was lowered, must not keep the position in."""
    context = _held(15)
    assert _code_of(quote(), context) == "POSITION_LIMIT_VENUE"
    assert check(quote(Side.SELL, "100.5"), context) is None


def test_all_instruments_of_a_venue_share_its_limit_and_all_venues_the_total() -> None:
    """8 here leaves 2 on the same venue; 8 there and 6 on another leave 1 in total."""
    session = session_context()
    one = _held(8, context=order_context(session, "one"))
    same = OrderContext(instrument=one.instrument, book=one.book, venue=one.venue, session=session)
    same.fair_value = same.exposure.reference_price = 100.0
    assert check(quote(size="2"), same) is None
    assert _code_of(quote(size="2.1"), same) == "POSITION_LIMIT_VENUE"
    other = _held(-6, context=order_context(session, "other"))
    assert check(quote(Side.SELL, "100.5", "1"), other) is None
    assert _code_of(quote(Side.SELL, "100.5", "1.1"), other) == "POSITION_LIMIT_TOTAL"


def test_f096_a_limit_of_zero_allows_nothing() -> None:
    """Zero is a limit, not the absence of one."""
    for name, code in {
        "max_order_notional_usd": "NOTIONAL_ABOVE_MAXIMUM",
        "max_open_orders": "OPEN_ORDERS_LIMIT",
        "max_position_notional_usd_per_venue": "POSITION_LIMIT_VENUE",
        "max_position_notional_usd_total": "POSITION_LIMIT_TOTAL",
        "message_burst": "MESSAGE_BUDGET",
    }.items():
        assert _code_of(quote(), order_context(session_context(limits(**{name: 0})))) == code


# --- own orders --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("side", "price", "own_side", "own_price", "passes"),
    [
        (Side.BUY, "99.5", Side.SELL, "99.5", False),
        (Side.BUY, "99.5", Side.SELL, "99", False),
        (Side.BUY, "99.5", Side.SELL, "100", True),
        (Side.BUY, "99.5", Side.BUY, "99.5", True),
        (Side.SELL, "100.5", Side.BUY, "100.5", False),
        (Side.SELL, "100.5", Side.BUY, "101", False),
        (Side.SELL, "100.5", Side.BUY, "100", True),
    ],
)
def test_f047_an_order_that_would_trade_with_an_own_one_is_refused(
    side: Side, price: str, own_side: Side, own_price: str, *, passes: bool
) -> None:
    """A self-trade is refused before it is sent, whatever state the own order is in."""
    context = order_context()
    context.update(Decimal(0), Orders(best={own_side: Decimal(own_price)}))
    assert _code_of(quote(side, price), context) == (None if passes else "CROSSES_OWN_ORDER")


# --- numbers that are none ---------------------------------------------------------------------


def _set_touch(side: str, price: float) -> Break:
    def change(context: OrderContext) -> None:
        assert context.book.state is BookState.LIVE  # judged before, so nothing but the number is broken
        setattr(context.book, side, Level(price, 1.0))

    return change


def _set_on(path: str, value: object) -> Break:
    def change(context: OrderContext) -> None:
        *owners, name = path.split(".")
        target: object = context
        for owner in owners:
            target = getattr(target, owner)
        setattr(target, name, value)

    return change


def _set_instrument(name: str) -> Break:
    def change(context: OrderContext) -> None:
        changed = msgspec.structs.replace(instrument())
        msgspec.structs.force_setattr(changed, name, Decimal("NaN"))
        context.instrument = changed

    return change


def _position(value: str) -> Break:
    return lambda context: context.update(Decimal(value), Orders())


CONTEXT_NUMBERS = {
    "fair value": _set_on("fair_value", NAN),
    "reference price": _set_on("exposure.reference_price", NAN),
    "own lowest ask": _set_on("own_lowest_ask", NAN),
    "daily profit": _set_on("session.daily_pnl_usd", NAN),
    "session time": _set_on("session.at_ns", NAN),
    "open orders": _set_on("session.open_orders", NAN),
    "book time": _set_on("book.arrived_ns", NAN),
    "best ask": _set_touch("best_ask", NAN),
    "message rate": _set_on("venue.budget.cancel_reserve", NAN),
    "position": _position("NaN"),
    "lot size": _set_instrument("lot_size"),
    "minimum size": _set_instrument("min_size"),
    "maximum size": _set_instrument("max_size"),
    "minimum notional": _set_instrument("min_notional"),
    "maximum notional": _set_instrument("max_notional"),
}


@pytest.mark.parametrize("name", CONTEXT_NUMBERS)
def test_a_number_of_the_context_that_is_none_refuses_a_buy(name: str) -> None:
    """No comparison with NaN is true, so no gate may read it as within its limit."""
    context = order_context()
    CONTEXT_NUMBERS[name](context)
    assert check(quote(), context) is not None


@pytest.mark.parametrize(
    "break_it",
    [_set_touch("best_bid", NAN), _set_on("own_highest_bid", NAN)],
    ids=["best bid", "own highest bid"],
)
def test_a_number_of_the_other_side_that_is_none_refuses_a_sell(break_it: Break) -> None:
    """The same for the two numbers that only a sell is compared with."""
    context = order_context()
    break_it(context)
    assert check(quote(Side.SELL, "100.5"), context) is not None


@pytest.mark.parametrize("other", ["other venue", "other instrument"])
def test_a_worst_case_elsewhere_that_is_no_number_refuses_here(other: str) -> None:
    """A total of which one part is unknown is unknown."""
    session = session_context()
    here = order_context(session)
    if other == "other venue":
        _held("NaN", context=order_context(session, "two"))
        assert _code_of(quote(), here) == "POSITION_LIMIT_TOTAL"
    else:
        beside = OrderContext(instrument=here.instrument, book=here.book, venue=here.venue, session=session)
        _held("NaN", context=beside)
        assert _code_of(quote(), here) == "POSITION_LIMIT_VENUE"


def test_a_market_without_a_price_where_nothing_is_held_stops_nobody_else() -> None:
    """One venue that never delivered a book must not stop the others."""
    session = session_context()
    here, other = order_context(session), order_context(session, "two")
    other.exposure.reference_price = NAN
    assert check(quote(), here) is None
    assert _code_of(quote(), other) == "NOTIONAL_ABOVE_MAXIMUM"
    _held(1, context=other)
    assert _code_of(quote(), here) == "POSITION_LIMIT_TOTAL"


#: The two numbers of a profile that no order is held to: one sizes quotes, one stops the session.
NOT_ASKED_OF_AN_ORDER = {"base_order_notional_usd", "collar_venues_bps", "max_stale_ticks"}
NUMBERS = [
    field.name
    for field in msgspec.structs.fields(type(LIMITS))
    if field.type in {int, float} and field.name not in NOT_ASKED_OF_AN_ORDER
]


def test_every_limit_of_the_profile_is_among_those_tested_here() -> None:
    """A new limit must be tried with NaN too."""
    others = {"name", "canary", "post_only_quotes", "reduce_only_others"} | NOT_ASKED_OF_AN_ORDER
    assert {field.name for field in msgspec.structs.fields(type(LIMITS))} == others | set(NUMBERS)


@pytest.mark.parametrize("name", NUMBERS)
def test_f096_a_limit_that_is_no_number_refuses(name: str) -> None:
    """Every numeric limit of the profile that an order is held to denies when it is NaN."""
    context = order_context()
    bad = limits(**{name: NAN})
    if name.startswith("message_"):
        setattr(context.venue.budget, name.removeprefix("message_"), NAN)
        context.venue.budget.spend(NOW_NS)
        context.session.at_ns += 1
    context.session.limits = bad
    context.session.daily_pnl_usd = -1.0
    assert check(quote(), context) is not None


# --- plugins -----------------------------------------------------------------------------------


def _gate(refuses: Callable[[PlaceOrder, OrderFacts], str | None], code: str = "NEWS") -> OrderGate:
    return OrderGate(code=code, summary="refuses around the news", refuses=refuses)


def _with_gates(*gates: OrderGate) -> OrderContext:
    return order_context(session_context(order_gates=gates))


def test_a_plugins_gate_can_refuse_and_is_named() -> None:
    """The refusal has the core's code and carries the plugin's."""
    refusal = check(quote(), _with_gates(_gate(lambda *_: None, "CALM"), _gate(lambda *_: "in 5 min")))
    assert refusal is not None
    assert (refusal.code, refusal.found) == ("PLUGIN_GATE", "NEWS: in 5 min")


@pytest.mark.parametrize("error", [ValueError("bug"), SystemExit(3), RecursionError("deep")])
def test_f085_a_plugins_gate_that_raises_refuses(error: BaseException) -> None:
    """A gate that does not answer has not allowed anything."""

    def broken(*_: object) -> str | None:
        raise error

    refusal = check(quote(), _with_gates(_gate(broken)))
    assert refusal is not None
    assert refusal.code == "PLUGIN_GATE"
    assert "NEWS raised" in refusal.found


def test_ctrl_c_in_a_plugins_gate_is_still_ctrl_c() -> None:
    """The operator's interrupt is not taken for the plugin's refusal."""

    def interrupted(*_: object) -> str | None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check(quote(), _with_gates(_gate(interrupted)))


@pytest.mark.parametrize("answer", [False, 0, "", True, NAN])
def test_f088_whatever_a_plugins_gate_answers_but_none_refuses(answer: Any) -> None:
    """A gate that returns False may have meant either; it is taken for the safe one."""
    assert _code_of(quote(), _with_gates(_gate(lambda *_: answer))) == "PLUGIN_GATE"


def test_plugins_are_asked_only_after_the_core_and_see_the_facts() -> None:
    """A gate of a plugin can refuse more, never less, and is not asked what the core has refused."""
    seen: list[OrderFacts] = []

    def note(_: PlaceOrder, facts: OrderFacts) -> str | None:
        seen.append(facts)
        return None

    context = _held(2, context=_with_gates(_gate(note)))
    assert check(quote(), context) is None
    assert seen == [
        OrderFacts(
            instrument=context.instrument,
            mode=TradeMode.PAPER,
            state=TradingState.ACTIVE,
            best_bid=BID,
            best_ask=ASK,
            position_base=2.0,
            open_orders=0,
        )
    ]
    for break_it in (_latched, _used_id):
        break_it(context)
        assert check(quote(), context) is not None
    assert len(seen) == 1


def test_an_immediate_exit_passes_every_gate() -> None:
    """The way out through the touch is open while the session is active."""
    order = _exit_order(price="99", time_in_force=TimeInForce.IOC)
    assert check(order, _held(1)) is None

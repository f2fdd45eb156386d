"""The exchange behind a twin matches by price and time, judges as a venue does, and loses no cent."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paraphina_core.domain import LocalError, OrderState, Side, TimeInForce
from paraphina_core.execution import RejectCode, Rejection
from paraphina_core.twin import (
    BookChanged,
    Filled,
    FundingPaid,
    Liquidated,
    NewOrder,
    Order,
    OrderChanged,
    SelfTrade,
    Traded,
)
from toy_venue import BTC
from twin_world import TwinWorld


def test_the_best_price_is_met_first_and_at_one_price_the_oldest_order() -> None:
    """A taker trades at the resting price, in order of price and then of arrival."""
    world = TwinWorld()
    first, second, third, taker = world.open("first", "second", "third", "taker")
    world.place(second, "sell", 50_000, "0.1")
    world.place(third, "sell", 50_000, "0.1")
    world.place(first, "sell", 49_999, "0.1")
    order = world.place(taker, "buy", 50_001, "0.25")
    assert order.state is OrderState.FILLED
    assert [(one.seller, one.price, one.size) for one in world.tell(Traded)] == [
        ("first", Decimal(49_999), Decimal("0.1")),
        ("second", Decimal(50_000), Decimal("0.1")),
        ("third", Decimal(50_000), Decimal("0.05")),
    ]
    assert [level.size for level in world.market.levels(Side.SELL)] == [Decimal("0.05")]


def test_f034_what_is_left_of_a_partial_fill_rests_and_a_cancel_keeps_the_fill() -> None:
    """Remaining sizes are exact, and cancelling does not undo what has filled."""
    world = TwinWorld()
    maker, taker = world.open("maker", "taker")
    order = world.place(maker, "buy", 50_000, "0.3")
    world.place(taker, "sell", 50_000, "0.1")
    assert (order.state, order.remaining) == (OrderState.PARTIALLY_FILLED, Decimal("0.2"))
    world.exchange.cancel(maker, order.id, world.at_ns)
    assert (order.state, order.filled_size) == (OrderState.CANCELLED, Decimal("0.1"))
    assert world.position(maker) == Decimal("0.1")
    assert world.market.levels(Side.BUY) == ()


def test_immediate_or_cancel_never_rests() -> None:
    """What of an IOC order does not match at once is gone."""
    world = TwinWorld()
    maker, taker = world.open("maker", "taker")
    world.place(maker, "sell", 50_000, "0.1")
    order = world.place(taker, "buy", 50_000, "0.3", time_in_force=TimeInForce.IOC)
    assert (order.state, order.filled_size) == (OrderState.CANCELLED, Decimal("0.1"))
    assert world.market.levels(Side.BUY) == ()


@pytest.mark.parametrize(
    ("terms", "code"),
    [
        (("buy", 50_000, "0.1", {"post_only": True}), RejectCode.POST_ONLY_WOULD_CROSS),
        (("buy", 49_000.1, "0.1", {}), RejectCode.PRICE_OFF_GRID),
        (("buy", 49_000, "0.0001", {}), RejectCode.SIZE_OFF_GRID),
        (("buy", 1_000, "0.001", {}), RejectCode.NOTIONAL_BELOW_MINIMUM),
        (("buy", 49_000, "0.1", {"reduce_only": True}), RejectCode.REDUCE_ONLY_WOULD_INCREASE),
        (("buy", 49_000, "5", {}), RejectCode.INSUFFICIENT_MARGIN),
        (("buy", 49_000, "0.1", {"client_id": "taken"}), RejectCode.DUPLICATE_CLIENT_ORDER_ID),
    ],
)
def test_f045_an_order_against_the_rules_is_refused_with_its_code_and_leaves_no_trace(
    terms: tuple[str, float, str, dict[str, bool]], code: RejectCode
) -> None:
    """The rules of entry are those of the paper exchange, and a refusal changes nothing."""
    world = TwinWorld()
    maker, taker = world.open("maker", "taker")
    world.place(maker, "sell", 50_000, "0.1")
    world.place(taker, "buy", 40_000, "0.001", client_id="taken")
    world.told.clear()
    side, price, size, more = terms
    found = world.try_place(taker, side, price, size, **more)
    assert isinstance(found, Rejection)
    assert found.code is code
    assert (world.told, len(taker.orders)) == ([], 1)


@pytest.mark.parametrize(
    ("rule", "resting", "incoming"),
    [
        (SelfTrade.CANCEL_RESTING, OrderState.CANCELLED, OrderState.LIVE),
        (SelfTrade.CANCEL_INCOMING, OrderState.LIVE, OrderState.CANCELLED),
        (SelfTrade.REFUSE, OrderState.LIVE, RejectCode.SELF_TRADE),
    ],
)
def test_f047_an_account_never_trades_with_itself(
    rule: SelfTrade, resting: OrderState, incoming: OrderState | RejectCode
) -> None:
    """Whichever order the venue lets go, no trade comes about."""
    world = TwinWorld(self_trade=rule)
    (account,) = world.open("account")
    old = world.place(account, "sell", 50_000, "0.1")
    new = world.try_place(account, "buy", 50_000, "0.1")
    assert old.state is resting
    assert (new.state if isinstance(new, Order) else new.code) is incoming
    assert world.tell(Traded) == []


def test_a_reduce_only_order_fills_no_more_than_the_position_and_then_goes() -> None:
    """It never turns a position round, and when there is none left it is cancelled."""
    world = TwinWorld()
    maker, taker = world.open("maker", "taker")
    world.place(maker, "sell", 50_000, "0.1")
    world.place(taker, "buy", 50_000, "0.1")
    exit_order = world.place(taker, "sell", 50_100, "0.4", reduce_only=True)
    world.place(maker, "buy", 50_100, "0.3")
    assert world.position(taker) == 0
    assert (exit_order.state, exit_order.filled_size) == (OrderState.CANCELLED, Decimal("0.1"))


def test_an_amended_order_keeps_its_place_only_while_it_shrinks() -> None:
    """A smaller size keeps priority, a larger one or another price goes to the back."""
    world = TwinWorld()
    one, two, taker = world.open("one", "two", "taker")
    first = world.place(one, "buy", 50_000, "0.2")
    second = world.place(two, "buy", 50_000, "0.2")

    def amend(order: Order, size: str) -> None:
        terms = NewOrder(instrument=BTC.id, side=Side.BUY, price=order.price, size=Decimal(size))
        account = world.exchange.account(order.account)
        assert world.exchange.replace(account, order.id, terms, world.at_ns, keep_id=True) is order

    amend(first, "0.1")
    assert world.market.resting[Side.BUY] == [first, second]
    amend(first, "0.3")
    assert world.market.resting[Side.BUY] == [second, first]
    world.place(taker, "sell", 50_000, "0.3")
    assert (second.filled_size, first.filled_size) == (Decimal("0.2"), Decimal("0.1"))
    amend(first, "0.1")
    assert first.state is OrderState.CANCELLED


def test_amending_counts_what_has_filled_once() -> None:
    """The filled part is a position, and needs no margin as an order too."""
    world = TwinWorld()
    maker, account = world.open("maker", balance_usd=100_000) + world.open("account", balance_usd=1_000)
    world.exchange.set_leverage(account, BTC.id, 50)
    order = world.place(account, "buy", 50_000, "0.8")  # 800 dollars of margin
    world.place(maker, "sell", 50_000, "0.7")
    for size, is_let_in in (("0.9", True), ("1.2", False)):
        terms = NewOrder(instrument=BTC.id, side=Side.BUY, price=Decimal(49_999), size=Decimal(size))
        found = world.exchange.replace(account, order.id, terms, world.at_ns, keep_id=True)
        assert isinstance(found, Order) is is_let_in
    assert (order.size, order.remaining) == (Decimal("0.9"), Decimal("0.2"))


def test_a_replaced_order_is_a_new_one_and_a_refused_replacement_leaves_the_old_one() -> None:
    """Replacing cancels and places in one step, or does nothing."""
    world = TwinWorld()
    (account,) = world.open("account")
    old = world.place(account, "buy", 50_000, "0.1", client_id="mine")
    terms = NewOrder(
        instrument=BTC.id, side=Side.BUY, price=Decimal(49_000), size=Decimal("0.2"), client_id="mine"
    )
    new = world.exchange.replace(account, old.id, terms, world.at_ns, keep_id=False)
    assert isinstance(new, Order)
    assert (old.state, new.id > old.id, account.by_client_id("mine")) == (OrderState.CANCELLED, True, new)
    too_much = NewOrder(instrument=BTC.id, side=Side.BUY, price=Decimal(49_000), size=Decimal(9))
    refused = world.exchange.replace(account, new.id, too_much, world.at_ns, keep_id=False)
    assert isinstance(refused, Rejection)
    assert list(account.orders.values()) == [new]


def test_fees_follow_liquidity_and_profit_is_realised_when_a_position_shrinks() -> None:
    """Maker and taker pay their own rate of the exact notional."""
    world = TwinWorld()
    maker, taker = world.open("maker", "taker")
    world.place(maker, "sell", 50_000, "0.1")
    world.place(taker, "buy", 50_000, "0.1")
    world.place(maker, "buy", 51_000, "0.1")
    world.place(taker, "sell", 51_000, "0.1")
    fills = [event.fill for event in world.tell(Filled) if event.fill.account == "taker"]
    assert [fill.fill.fee for fill in fills] == [Decimal("2.5"), Decimal("2.55")]  # 5 basis points
    assert [(fill.position_before, fill.realised_pnl) for fill in fills] == [
        (Decimal(0), Decimal(0)),
        (Decimal("0.1"), Decimal(100)),
    ]
    assert taker.ledger.equity == Decimal(10_000) + 100 - Decimal("5.05")
    assert maker.ledger.equity == Decimal(10_000) - 100 - Decimal("1.01")


def test_f062_longs_pay_a_positive_rate_on_the_venues_own_hour() -> None:
    """Funding is due when the venue's clock strikes, and is what the size costs at the mark price."""
    world = TwinWorld(offset_ms=60_000)
    long, short = world.open("long", "short")
    world.place(long, "buy", 50_000, "0.1")
    world.place(short, "sell", 50_000, "0.1")
    world.exchange.set_mark(BTC.id, Decimal(52_000), world.at_ns, funding_rate_1h=0.001)
    world.wait(29 * 60_000 - 1)
    assert world.tell(FundingPaid) == []
    world.wait(1)
    paid = {event.account: event.payment.amount for event in world.tell(FundingPaid)}
    assert paid == {"long": Decimal("-5.2"), "short": Decimal("5.2")}
    world.wait(60 * 60_000)
    assert len(world.tell(FundingPaid)) == 2


def test_f060_below_maintenance_margin_orders_go_and_the_position_is_closed_at_the_market() -> None:
    """A mark that eats the margin liquidates, and the fills say so."""
    world = TwinWorld()
    other, account = world.open("other", balance_usd=100_000) + world.open("account", balance_usd=1_000)
    world.place(other, "sell", 50_000, "0.3")
    world.place(account, "buy", 50_000, "0.3")
    resting = world.place(account, "buy", 40_000, "0.001")
    world.place(other, "buy", 46_900, "1")
    world.exchange.set_mark(BTC.id, Decimal(47_200), world.at_ns)  # equity 152.5, maintenance 141.6
    assert world.tell(Liquidated) == []
    world.exchange.set_mark(BTC.id, Decimal(47_100), world.at_ns)
    assert world.position(account) == 0
    assert (resting.state, resting.reason) == (OrderState.CANCELLED, "liquidated")
    assert account.fills[-1].is_liquidation
    assert not any(fill.is_liquidation for fill in other.fills)


def test_leverage_limits_what_can_be_opened_and_cannot_be_lowered_below_what_is() -> None:
    """The margin of the worst case must be covered by the equity."""
    world = TwinWorld()
    (account,) = world.open("account")
    assert world.exchange.set_leverage(account, BTC.id, 51) is not None
    assert world.exchange.set_leverage(account, BTC.id, 2) is None
    assert isinstance(world.try_place(account, "buy", 50_000, "0.401"), Rejection)
    world.place(account, "buy", 50_000, "0.4")
    world.place(account, "sell", 50_001, "0.4")  # the other side is the same risk
    assert world.exchange.set_leverage(account, BTC.id, 1) is not None
    assert world.exchange.leverage(account, BTC.id) == 2


def test_the_number_of_open_orders_of_an_account_is_bounded() -> None:
    """One order more than the venue allows is refused."""
    world = TwinWorld(max_open_orders=3)
    (account,) = world.open("account")
    for _ in range(3):
        world.place(account, "buy", 40_000, "0.001")
    refused = world.try_place(account, "buy", 40_000, "0.001")
    assert isinstance(refused, Rejection)
    assert refused.code is RejectCode.OPEN_ORDERS_LIMIT


def test_every_change_of_the_book_is_told_with_the_new_total_of_its_level() -> None:
    """Whoever applies the changes has the book."""
    world = TwinWorld()
    maker, taker = world.open("maker", "taker")
    order = world.place(maker, "buy", 50_000, "0.1")
    world.place(maker, "buy", 50_000, "0.2")
    world.place(taker, "sell", 50_000, "0.15")
    world.exchange.cancel_all(maker, world.at_ns)
    assert order.state is OrderState.FILLED
    assert [event.bids[0][1] for event in world.tell(BookChanged)] == [
        Decimal("0.1"),
        Decimal("0.3"),
        Decimal("0.15"),
        Decimal(0),
    ]


def test_an_account_is_opened_once_and_the_exchanges_own_are_not_listed() -> None:
    """Names are unique, and clients never see the house."""
    world = TwinWorld(flow=True)
    world.open("account")
    with pytest.raises(LocalError, match="cannot be opened"):
        world.open("account")
    with pytest.raises(LocalError, match="no such account"):
        world.exchange.account("nobody")
    assert list(world.exchange.accounts) == ["account"]


ORDERS = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "c"]),
        st.sampled_from(["buy", "sell"]),
        st.integers(49_995, 50_005),
        st.integers(1, 300),
        st.sampled_from(["gtc", "ioc", "post", "reduce", "cancel"]),
    ),
    max_size=40,
)


@given(ORDERS)
def test_whatever_is_sent_nothing_is_created_or_lost(
    orders: list[tuple[str, str, int, int, str]],
) -> None:
    """Positions sum to zero, money to the deposits less fees, and the book is never crossed."""
    world = TwinWorld()
    accounts = {account.name: account for account in world.open("a", "b", "c")}
    for name, side, price, lots, kind in orders:
        account = accounts[name]
        if kind == "cancel":
            world.exchange.cancel_all(account, world.at_ns)
            continue
        world.try_place(
            account,
            side,
            price,
            str(Decimal(lots) / 1000),
            time_in_force=TimeInForce.IOC if kind == "ioc" else TimeInForce.GTC,
            post_only=kind == "post",
            reduce_only=kind == "reduce",
        )
        bid, ask = world.market.best_price(Side.BUY), world.market.best_price(Side.SELL)
        assert bid is None or ask is None or bid < ask
    ledgers = [account.ledger for account in accounts.values()]
    assert sum(ledger.size(BTC.id) for ledger in ledgers) == 0
    assert sum(ledger.cash + ledger.fees for ledger in ledgers) == 30_000
    open_orders = [order for account in accounts.values() for order in account.orders.values()]
    assert sorted(order.id for order in world.market.resting) == sorted(order.id for order in open_orders)
    for side in Side:
        for level in world.market.levels(side):
            resting = [order for order in open_orders if (order.side, order.price) == (side, level.price)]
            assert level.size == sum(order.remaining for order in resting)
            assert level.orders == len(resting)
    finished = {
        order.id for event in world.tell(OrderChanged) if (order := event.order) and not order.is_open
    }
    assert not finished & {order.id for order in open_orders}


class Reference:
    """Price-time priority spelled out: of all orders that may be met, the best price, then the oldest."""

    def __init__(self) -> None:
        self.resting: list[list[Any]] = []  # name, side, price, lots
        self.trades: list[tuple[str, str, int, int]] = []

    def place(self, name: str, side: str, price: int, lots: int, *, rests: bool) -> None:
        """Match an order by looking at every other one."""
        sign = 1 if side == "buy" else -1
        while lots:
            met = [order for order in self.resting if order[1] != side and sign * order[2] <= sign * price]
            if not met:
                break
            best = min(met, key=lambda order: sign * order[2])  # the first of equals is the oldest
            if best[0] == name:
                self.resting.remove(best)
                continue
            size = min(lots, best[3])
            self.trades.append((name, best[0], best[2], size))
            lots, best[3] = lots - size, best[3] - size
            if not best[3]:
                self.resting.remove(best)
        if lots and rests:
            self.resting.append([name, side, price, lots])


@given(ORDERS)
def test_matching_is_that_of_a_reference_that_looks_at_every_order(
    orders: list[tuple[str, str, int, int, str]],
) -> None:
    """The same trades in the same order, and the same orders left."""
    world, reference = TwinWorld(default_leverage=50), Reference()
    accounts = {account.name: account for account in world.open("a", "b", "c", balance_usd=10**9)}
    for name, side, price, lots, kind in orders:
        tif = TimeInForce.IOC if kind == "ioc" else TimeInForce.GTC
        world.place(accounts[name], side, price, str(Decimal(lots) / 1000), time_in_force=tif)
        reference.place(name, side, price, lots, rests=kind != "ioc")
    traded = [
        (
            *((event.buyer, event.seller) if event.aggressor is Side.BUY else (event.seller, event.buyer)),
            int(event.price),
            int(event.size * 1000),
        )
        for event in world.tell(Traded)
    ]
    assert traded == reference.trades
    left = [
        (order.account, str(order.side), int(order.price), int(order.remaining * 1000))
        for order in world.market.resting
    ]
    assert sorted(left) == sorted(tuple(order) for order in reference.resting)

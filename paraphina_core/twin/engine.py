"""Orders meet orders: price, then time, at the resting price; every match is booked to the last digit.

The engine lives in the venue's time and judges nothing: what gets here has been let in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Final

from paraphina_core.domain import (
    CONTEXT,
    Fill,
    InstrumentId,
    Liquidity,
    OrderState,
    Side,
    TimeInForce,
)
from paraphina_core.execution import fee_rates

from .account import Account, NewOrder, Order, TwinFill
from .events import BookChanged, ExchangeEvent, Filled, OrderChanged, Traded
from .listing import HouseRules, Listing, SelfTrade
from .market import TwinMarket

_ZERO: Final = Decimal(0)


class Engine:
    """Markets, accounts and the matching between them.

    Args:
        rules: fees, and what happens when an account meets itself.
        listings: what can be traded.

    Attributes:
        markets: by instrument.
        accounts: by name, the house's among them.
        is_frozen: nothing is matched while it is set; `thaw` makes up for it.
    """

    def __init__(self, rules: HouseRules, listings: Iterable[Listing]) -> None:
        self.markets: dict[InstrumentId, TwinMarket] = {
            listing.instrument.id: TwinMarket(listing) for listing in listings
        }
        self.accounts: dict[str, Account] = {}
        self.listeners: list[Callable[[ExchangeEvent], None]] = []
        self.is_frozen = False
        self._self_trade = rules.self_trade
        self._fee_rates = fee_rates(rules.fees)
        self._ids = self._trade_ids = 0
        self._late: list[Order] = []  # placed while nothing was matched

    def tell(self, event: ExchangeEvent) -> None:
        """Tell every listener."""
        for listener in self.listeners:
            listener(event)

    def publish(self, market: TwinMarket, at_ns: int) -> None:
        """Tell what has changed in a book since the last time."""
        bids, asks = market.take_changes(Side.BUY), market.take_changes(Side.SELL)
        if bids or asks:
            self.tell(BookChanged(instrument=market.id, bids=bids, asks=asks, at_ns=at_ns))

    def enter(self, account: Account, terms: NewOrder, at_ns: int, *, is_liquidation: bool = False) -> Order:
        """Take an order in, match it, rest or end what is left; return it as it then is."""
        order = self._new(account, terms, at_ns)
        self.told(order, at_ns)
        self.work(order, at_ns, is_liquidation=is_liquidation)
        return order

    def work(self, order: Order, at_ns: int, *, is_liquidation: bool = False) -> None:
        """Match an open order that is not in the book, then rest it or end it."""
        if not self.is_frozen:
            self._match(order, at_ns, is_liquidation=is_liquidation)
        elif order.time_in_force is TimeInForce.GTC:
            self._late.append(order)
        if not order.is_open:
            return
        if order.time_in_force is TimeInForce.IOC:
            self.end(order, OrderState.CANCELLED, "immediate or cancel", at_ns)
        elif order.reduce_only and not self._fillable(order):
            self.end(order, OrderState.CANCELLED, "reduce-only and the position is gone", at_ns)
        else:
            self.markets[order.instrument].add(order)

    def take_out(self, order: Order, reason: str, at_ns: int) -> None:
        """Cancel an order that rests."""
        self.markets[order.instrument].remove(order)
        self.end(order, OrderState.CANCELLED, reason, at_ns)

    def end(self, order: Order, state: OrderState, reason: str, at_ns: int) -> None:
        """Let an order that is in no book be gone."""
        order.state = state
        order.reason = reason
        order.changed_ns = at_ns
        self.accounts[order.account].finish(order)
        self.told(order, at_ns)

    def amend(self, order: Order, terms: NewOrder, at_ns: int) -> None:
        """Change price and total size of a resting order; it keeps its place only while it shrinks."""
        market = self.markets[order.instrument]
        left = CONTEXT.subtract(terms.size, order.filled_size)
        if not left > 0:
            self.take_out(order, "amended to what had filled", at_ns)
            return
        order.changed_ns = at_ns
        order.post_only, order.reduce_only = terms.post_only, terms.reduce_only
        if terms.price == order.price and left <= order.remaining:
            market.resized(order, CONTEXT.subtract(left, order.remaining))
            order.size, order.remaining = terms.size, left
            self.told(order, at_ns)
            return
        market.remove(order)
        order.price, order.size, order.remaining = terms.price, terms.size, left
        self.told(order, at_ns)
        self.work(order, at_ns)

    def thaw(self, at_ns: int) -> None:
        """Match again, first what was placed meanwhile, in the order of its arrival."""
        self.is_frozen = False
        late, self._late = self._late, []
        for order in late:
            if order.is_open:
                self.markets[order.instrument].remove(order)
                self.work(order, at_ns)

    def force(self, account: Account, order: Order, size: Decimal, at_ns: int) -> None:
        """Let an account trade with an order at the order's price, past the queue and past its size."""
        terms = NewOrder(
            instrument=order.instrument,
            side=order.side.opposite,
            price=order.price,
            size=size,
            time_in_force=TimeInForce.IOC,
        )
        incoming = self._new(account, terms, at_ns)
        self._trade(incoming, order, size, at_ns)

    def close_with(self, house: Account, account: Account, terms: NewOrder, at_ns: int) -> Order:
        """Let an account trade with the house outside of the book, at the price of the terms."""
        order = self._new(account, terms, at_ns)
        self.told(order, at_ns)
        other = NewOrder(
            instrument=terms.instrument, side=terms.side.opposite, price=terms.price, size=terms.size
        )
        counterpart = Order(order.id, house.name, other, at_ns)
        counterpart.state = OrderState.FILLED  # it never rests
        self._trade(order, counterpart, terms.size, at_ns, is_liquidation=True)
        return order

    def told(self, order: Order, at_ns: int) -> None:
        """Tell of a client's order as it is now; nobody is told of the house's."""
        if not self.accounts[order.account].is_house:
            self.tell(OrderChanged(order=order, at_ns=at_ns))

    def _new(self, account: Account, terms: NewOrder, at_ns: int) -> Order:
        self._ids += 1
        order = Order(self._ids, account.name, terms, at_ns)
        account.add(order)
        return order

    def _match(self, order: Order, at_ns: int, *, is_liquidation: bool) -> None:
        for resting in self.markets[order.instrument].resting.reached(order.side, order.price):
            if not resting.is_open:
                continue  # went with an earlier match of this very order
            if resting.account == order.account:
                if self._self_trade is not SelfTrade.CANCEL_RESTING:
                    self.end(order, OrderState.CANCELLED, "self-trade", at_ns)
                    return
                self.take_out(resting, "self-trade", at_ns)
                continue
            size = min(self._fillable(order), self._fillable(resting))
            if size > 0:
                self._trade(order, resting, size, at_ns, is_liquidation=is_liquidation)
            if not order.is_open or not self._fillable(order):
                return

    def _fillable(self, order: Order) -> Decimal:
        if not order.reduce_only:
            return order.remaining
        position = self.accounts[order.account].ledger.size(order.instrument)
        reducible = position.copy_negate() if order.side is Side.BUY else position
        return max(_ZERO, min(order.remaining, reducible))

    def _trade(
        self, incoming: Order, resting: Order, size: Decimal, at_ns: int, *, is_liquidation: bool = False
    ) -> None:
        self._trade_ids += 1
        market = self.markets[incoming.instrument]
        market.last_price = resting.price
        market.volume_base = CONTEXT.add(market.volume_base, size)
        buyer, seller = (incoming, resting) if incoming.side is Side.BUY else (resting, incoming)
        self.tell(
            Traded(
                instrument=market.id,
                price=resting.price,
                size=size,
                aggressor=incoming.side,
                trade_id=self._trade_ids,
                buyer=buyer.account,
                seller=seller.account,
                at_ns=at_ns,
            )
        )
        self._take_from_book(market, resting, size)
        self._fill(incoming, resting.price, size, Liquidity.TAKER, at_ns, is_liquidation=is_liquidation)
        self._fill(resting, resting.price, size, Liquidity.MAKER, at_ns)
        for order in (incoming, resting):
            self._drop_useless(self.accounts[order.account], market, at_ns)

    def _take_from_book(self, market: TwinMarket, resting: Order, size: Decimal) -> None:
        if resting.is_open and size < resting.remaining:
            market.resized(resting, size.copy_negate())
        elif resting.is_open:
            market.remove(resting)

    def _fill(
        self,
        order: Order,
        price: Decimal,
        size: Decimal,
        liquidity: Liquidity,
        at_ns: int,
        *,
        is_liquidation: bool = False,
    ) -> None:
        account = self.accounts[order.account]
        fee = _ZERO
        if not account.is_house:
            fee = CONTEXT.multiply(CONTEXT.multiply(price, size), self._fee_rates[liquidity])
        fill = Fill(
            instrument=order.instrument,
            client_order_id=None,
            venue_order_id=str(order.id),
            trade_id=str(self._trade_ids),
            side=order.side,
            price=price,
            size=size,
            fee=fee,
            liquidity=liquidity,
            exchange_ns=at_ns,
        )
        position = account.position(order.instrument)
        position_before, realised_before = position.size, position.realised_pnl
        account.ledger.apply(fill)
        order.remaining = CONTEXT.subtract(order.remaining, size)
        order.changed_ns = at_ns
        if not account.is_house:
            realised = account.position(order.instrument).realised_pnl
            told = TwinFill(
                account=account.name,
                order_id=order.id,
                client_id=order.client_id,
                fill=fill,
                position_before=position_before,
                realised_pnl=CONTEXT.subtract(realised, realised_before),
                is_liquidation=is_liquidation,
            )
            account.fills.append(told)
            self.tell(Filled(fill=told, at_ns=at_ns))
        if order.is_open and not order.remaining > 0:
            self.end(order, OrderState.FILLED, "", at_ns)
        elif order.is_open:
            order.state = OrderState.PARTIALLY_FILLED
            self.told(order, at_ns)

    def _drop_useless(self, account: Account, market: TwinMarket, at_ns: int) -> None:
        """Cancel resting reduce-only orders that have nothing left to reduce."""
        if account.is_house:
            return
        for order in tuple(account.orders.values()):
            useless = order.reduce_only and order.instrument == market.id and not self._fillable(order)
            if useless and order in market.resting[order.side]:
                self.take_out(order, "reduce-only and the position is gone", at_ns)

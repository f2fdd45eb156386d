"""What faults do to the exchange behind the wire: to its matching, its orders and its accounts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import partial
from typing import Final

from paraphina_core.domain import (
    CONTEXT,
    NS_PER_MS,
    OrderState,
    ceil_to,
    exact,
)

from .account import Account, NewOrder, Order
from .events import ExchangeEvent, OrderChanged
from .exchange import Exchange
from .faults import (
    AccountDeed,
    Deed,
    Deleverage,
    ExpireCredentials,
    ExternalOrder,
    Freeze,
    Funding,
    LateFill,
    LeverageChange,
    Liquidation,
    MarkShift,
    OrderFault,
    Overfill,
    Status,
    VenueCancel,
    Withdrawal,
)

_BPS: Final = Decimal("0.0001")


class ExchangeDeeds:
    """Carries out the deeds that concern an exchange, at once or as soon as there is an order for them."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._waiting: list[OrderFault] = []
        self._cancelled: list[Order] = []
        self._late: list[tuple[int, Order, Decimal]] = []
        self._undo: list[tuple[int, Callable[[int], None]]] = []
        exchange.subscribe(self._listen)

    @property
    def waiting(self) -> tuple[OrderFault, ...]:
        """Deeds that wait for an order."""
        return tuple(self._waiting)

    def clear(self) -> None:
        """Forget what waits for an order."""
        self._waiting.clear()

    def do(self, deed: Deed, at_ns: int) -> None:
        """Carry out a deed; one that is none of the exchange's does nothing."""
        match deed:
            case OrderFault():
                self._waiting.append(deed)
                self.settle(at_ns)
            case Freeze():
                self._exchange.freeze(at_ns + deed.ms * NS_PER_MS)
            case Funding():
                for market in self._exchange.markets.values():
                    if deed.rate_1h is not None:
                        market.funding_rate_1h = deed.rate_1h
                    self._exchange.pay_funding(market.id, at_ns)
            case MarkShift():
                self._exchange.shift_mark(deed.bps, at_ns)
                self._later(deed.ms, at_ns, partial(self._exchange.shift_mark, 0))
            case Status():
                self._set_status(deed, at_ns)
            case AccountDeed():
                for account in self._accounts(deed.account):
                    self._do_to(account, deed, at_ns)
            case _:
                pass

    def settle(self, at_ns: int) -> None:
        """Do what has found its order or its time; called after everything that changes the exchange."""
        for deed in tuple(self._waiting):
            self._find(deed, at_ns)
        self._cancelled.clear()
        for late in [late for late in self._late if late[0] <= at_ns]:
            self._late.remove(late)
            self._exchange.fill_with_house(late[1], late[2], at_ns)
        for undo in [undo for undo in self._undo if undo[0] <= at_ns]:
            self._undo.remove(undo)
            undo[1](at_ns)

    def next_due_ns(self) -> int | None:
        """Return when the next late fill is due, or the end of what lasts for a time."""
        due = [due_ns for due_ns, _, _ in self._late] + [due_ns for due_ns, _ in self._undo]
        return min(due, default=None)

    def _do_to(self, account: Account, deed: AccountDeed, at_ns: int) -> None:
        exchange = self._exchange
        match deed:
            case ExpireCredentials():
                account.expired = True
                self._later(deed.ms, at_ns, lambda _: setattr(account, "expired", False))
            case ExternalOrder():
                exchange.place(account, self._external(deed), at_ns)
            case VenueCancel():
                exchange.cancel_all(account, at_ns, reason="cancelled by the venue")
            case Liquidation():
                exchange.liquidate(account, at_ns)
            case Deleverage():
                exchange.deleverage(account, deed.fraction, at_ns)
            case Withdrawal():
                account.ledger.transfer(deed.amount_usd.copy_negate())
            case LeverageChange():
                account.leverage.update(dict.fromkeys(exchange.markets, deed.leverage))

    def _later(self, ms: int, at_ns: int, undo: Callable[[int], None]) -> None:
        """End something after its time; 0 is never."""
        if ms:
            self._undo.append((at_ns + ms * NS_PER_MS, undo))

    def _set_status(self, deed: Status, at_ns: int) -> None:
        for market in self._exchange.markets.values():
            if deed.match in market.id:
                # Of two that overlap, the first one to end lifts both.
                listed = market.listing.instrument.status
                self._exchange.set_status(market.id, deed.status)
                undo = partial(self._exchange.set_status, market.id, listed)
                self._later(deed.ms, at_ns, lambda _, undo=undo: undo())  # type: ignore[misc]  # bound at once

    def _listen(self, event: ExchangeEvent) -> None:
        if self._waiting and isinstance(event, OrderChanged) and event.order.state is OrderState.CANCELLED:
            self._cancelled.append(event.order)

    def _find(self, deed: OrderFault, at_ns: int) -> None:
        if isinstance(deed, LateFill):
            orders = [order for order in self._cancelled if deed.account in {"", order.account}]
            if orders and orders[0].remaining > 0:
                self._waiting.remove(deed)
                self._cancelled.remove(orders[0])
                size = self._part(orders[0], deed.fraction)
                self._late.append((at_ns + deed.ms * NS_PER_MS, orders[0], size))
            return
        for account in self._accounts(deed.account):
            order = next(iter(account.orders.values()), None)
            if order is None:
                continue
            self._waiting.remove(deed)
            size = self._part(order, deed.fraction)
            if isinstance(deed, Overfill):
                size = CONTEXT.add(order.remaining, size)
            self._exchange.fill_with_house(order, size, at_ns)
            return

    def _part(self, order: Order, fraction: Decimal) -> Decimal:
        lot = self._exchange.markets[order.instrument].instrument.lot_size
        return ceil_to(CONTEXT.multiply(order.remaining, fraction), lot)

    def _external(self, deed: ExternalOrder) -> NewOrder:
        market = next(iter(self._exchange.markets.values()))
        instrument = market.instrument
        away = CONTEXT.multiply(exact(deed.away_bps * deed.side.sign), _BPS)
        raw = CONTEXT.multiply(market.mark_price, CONTEXT.subtract(Decimal(1), away))
        price = instrument.passive_price(raw, deed.side)
        size = ceil_to(CONTEXT.divide(deed.notional_usd, price), instrument.lot_size)
        return NewOrder(instrument=market.id, side=deed.side, price=price, size=size)

    def _accounts(self, name: str) -> Iterator[Account]:
        for account in tuple(self._exchange.accounts.values()):
            if name in {"", account.name}:
                yield account

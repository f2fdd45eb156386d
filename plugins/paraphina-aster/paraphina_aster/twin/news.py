"""What happens to accounts, on its way to their streams: orders, wallets, positions."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from paraphina_core.domain import CONTEXT
from paraphina_core.twin import Exchange, ExchangeEvent, Filled, FundingPaid, Order, OrderChanged

from . import spelling
from .streams import Streams
from .trading import Trading
from .universe import Universe

#: Orders whose last telling is remembered.
_MOST: Final = 20_000


class News:
    """Tells each account what the exchange has done with it, at once.

    Args:
        names: accounts that can be told.
        exchange: where it happens.
        universe: how it is named.
        trading: counts what orders have filled.
        streams: where it is told.
    """

    def __init__(
        self,
        names: Collection[str],
        exchange: Exchange,
        universe: Universe,
        trading: Trading,
        streams: Streams,
    ) -> None:
        self._names = names
        self._exchange = exchange
        self._universe = universe
        self._trading = trading
        self._streams = streams
        self._told: dict[int, tuple[object, ...]] = {}

    def hear(self, event: ExchangeEvent) -> None:
        """Tell of an event that concerns one of the accounts."""
        match event:
            case OrderChanged(order=order, at_ns=at_ns) if order.account in self._names:
                self._changed(order, at_ns)
            case Filled(fill=told, at_ns=at_ns) if told.account in self._names:
                self._filled(event, at_ns)
            case FundingPaid(account=name, at_ns=at_ns) if name in self._names:
                account, ms = self._exchange.account(name), spelling.milliseconds(at_ns)
                self._streams.to_account(name, spelling.account_update(account, "FUNDING_FEE", {}, ms))
            case _:
                pass

    def _changed(self, order: Order, at_ns: int) -> None:
        status = spelling.status(order)
        now = (status, order.price, order.size)
        before = self._told.pop(order.id, None)
        self._told[order.id] = now
        if len(self._told) > _MOST:
            del self._told[next(iter(self._told))]
        if before is None:
            self._tell(order, "NEW", at_ns)
        elif order.state.is_final and status != "FILLED":  # what has traded was told with its fill
            self._tell(order, status, at_ns)
        elif before[1:] != now[1:]:
            self._tell(order, "AMENDMENT", at_ns)

    def _filled(self, event: Filled, at_ns: int) -> None:
        told = event.fill
        account = self._exchange.account(told.account)
        order = account.find(told.order_id)
        assert order is not None, told  # noqa: S101  # the exchange has just filled it
        self._trading.filled(order.id, CONTEXT.multiply(told.fill.price, told.fill.size))
        symbol, ms = self._universe.symbol(order.instrument), spelling.milliseconds(at_ns)
        self._streams.to_account(told.account, spelling.order_update(order, symbol, "TRADE", told, ms))
        update = spelling.account_update(account, "ORDER", {symbol: order.instrument}, ms)
        self._streams.to_account(told.account, update)

    def _tell(self, order: Order, what: str, at_ns: int) -> None:
        symbol, ms = self._universe.symbol(order.instrument), spelling.milliseconds(at_ns)
        self._streams.to_account(order.account, spelling.order_update(order, symbol, what, None, ms))

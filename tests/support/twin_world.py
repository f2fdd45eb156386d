"""An exchange of a twin without background flow, in which every order is a test's own."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, TypeVar

from paraphina_core.domain import NS_PER_MS, Side
from paraphina_core.execution import Rejection
from paraphina_core.twin import (
    Account,
    Exchange,
    ExchangeEvent,
    HouseRules,
    Listing,
    NewOrder,
    Order,
    VenueClock,
)
from toy_venue import BTC, FEES

#: 2026-01-01T00:30:00Z: half an hour after a funding time.
START_NS = 1_767_227_400_000_000_000

_Event = TypeVar("_Event", bound=ExchangeEvent)


class TwinWorld:
    """One exchange; time is in milliseconds since its start."""

    def __init__(
        self, *, flow: bool = False, levels: int = 20, seed: int = 1, offset_ms: int = 0, **rules: Any
    ) -> None:
        self.clock = VenueClock(offset_ms)
        self.exchange = Exchange(
            HouseRules(**({"fees": FEES} | rules)),
            (Listing(instrument=BTC, price=Decimal(50_000), has_flow=flow, levels=levels),),
            clock=self.clock,
            seed=seed,
            start_ns=START_NS,
        )
        self.market = self.exchange.markets[BTC.id]
        self.now_ms = 0
        self.told: list[ExchangeEvent] = []
        self.exchange.subscribe(self.told.append)

    @property
    def at_ns(self) -> int:
        """The world's time now."""
        return START_NS + self.now_ms * NS_PER_MS

    def wait(self, ms: int) -> None:
        """Let time pass."""
        self.now_ms += ms
        self.exchange.advance(self.at_ns)

    def open(self, *names: str, balance_usd: int = 10_000) -> list[Account]:
        """Open accounts."""
        return [self.exchange.open_account(name, Decimal(balance_usd)) for name in names]

    def try_place(
        self, account: Account, side: str, price: float, size: str, **terms: Any
    ) -> Order | Rejection:
        """Place an order and return what came of it."""
        new = NewOrder(
            instrument=BTC.id, side=Side(side), price=Decimal(str(price)), size=Decimal(size), **terms
        )
        return self.exchange.place(account, new, self.at_ns)

    def place(self, account: Account, side: str, price: float, size: str, **terms: Any) -> Order:
        """Place an order that must be taken."""
        order = self.try_place(account, side, price, size, **terms)
        assert isinstance(order, Order), order
        return order

    def tell(self, kind: type[_Event]) -> list[_Event]:
        """Return what was told of one kind since the last call of any kind, and forget the rest."""
        told, self.told[:] = [event for event in self.told if isinstance(event, kind)], []
        return told

    def position(self, account: Account) -> Decimal:
        """Return an account's signed position."""
        return account.ledger.size(BTC.id)

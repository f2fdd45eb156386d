"""The filters that an order must pass, with the number of each refusal (docs "Filters", read 2026-10-08)."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Final, Protocol

import msgspec

from paraphina_core.domain import CONTEXT, Side

_ZERO: Final = Decimal(0)


class Priced(Protocol):
    """What is judged: an order's side, price and size, and whether it only reduces."""

    @property
    def side(self) -> Side: ...  # noqa: D102
    @property
    def price(self) -> Decimal: ...  # noqa: D102
    @property
    def size(self) -> Decimal: ...  # noqa: D102
    @property
    def reduce_only(self) -> bool: ...  # noqa: D102


class Filters(msgspec.Struct, frozen=True, kw_only=True):
    """The filters of one symbol; zero switches a rule off, and steps are counted from the minimum."""

    min_price: Decimal
    max_price: Decimal
    tick: Decimal
    min_size: Decimal
    max_size: Decimal
    lot: Decimal
    notional: Decimal
    multiplier_up: Decimal
    multiplier_down: Decimal

    def violations(self, order: Priced, mark_price: Decimal) -> Iterator[int]:
        """Yield the number of each filter that an order does not pass."""
        yield from self._of_price(order.price)
        yield from self._of_size(order.size)
        if order.side is Side.BUY and order.price > CONTEXT.multiply(mark_price, self.multiplier_up):
            yield -4016
        if order.side is Side.SELL and order.price < CONTEXT.multiply(mark_price, self.multiplier_down):
            yield -4024
        if CONTEXT.multiply(order.price, order.size) < self.notional and not order.reduce_only:
            yield -4164

    def _of_price(self, price: Decimal) -> Iterator[int]:
        if price < self.min_price:
            yield -4013
        elif self.max_price and price > self.max_price:
            yield -4002
        if self.tick and CONTEXT.remainder(CONTEXT.subtract(price, self.min_price), self.tick) != _ZERO:
            yield -4014

    def _of_size(self, size: Decimal) -> Iterator[int]:
        if size < self.min_size:
            yield -4004
        elif self.max_size and size > self.max_size:
            yield -4005
        if self.lot and CONTEXT.remainder(CONTEXT.subtract(size, self.min_size), self.lot) != _ZERO:
            yield -4023

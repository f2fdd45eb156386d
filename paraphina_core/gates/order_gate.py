"""The shape of an order gate: a stable code, what it checks, what to do, and the check itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import msgspec

from paraphina_core.config import RiskProfile
from paraphina_core.domain import PlaceOrder, Purpose, Side, TimeInForce, plain

from .context import OrderContext

#: Order, context, and the order's price and size as floats; returns why it refuses, or None.
Check: TypeAlias = Callable[[PlaceOrder, OrderContext, float, float], str | None]


class OrderGateRule(msgspec.Struct, frozen=True, kw_only=True):
    """One gate of the core.

    Args:
        code: stable name of the refusal.
        checks: what must be true, for people.
        remedy: what to do about a refusal.
        limit: what it is held to, for people; computed where a risk profile sets it.
        asked_of_changes: it is asked of changes of an order, too; not where it counts orders or their ids.
    """

    code: str
    checks: str
    remedy: str
    limit: str | Callable[[RiskProfile], str]
    check: Check
    asked_of_changes: bool = True

    def limit_in_force(self, profile: RiskProfile) -> str:
        """Return the limit in words, under this profile."""
        return self.limit if isinstance(self.limit, str) else self.limit(profile)


class Rules(list[OrderGateRule]):
    """Gates in the order in which they are asked: the order in which they are written."""

    def gate(
        self,
        code: str,
        checks: str,
        remedy: str,
        limit: str | Callable[[RiskProfile], str],
        *,
        asked_of_changes: bool = True,
    ) -> Callable[[Check], Check]:
        """Return the decorator that appends a check with what is said of it."""

        def add(check: Check) -> Check:
            rule = OrderGateRule(
                code=code,
                checks=checks,
                remedy=remedy,
                limit=limit,
                check=check,
                asked_of_changes=asked_of_changes,
            )
            self.append(rule)
            return check

        return add


def reduces(order: PlaceOrder, context: OrderContext) -> bool:
    """Tell whether the order is reduce-only and can only shrink the position."""
    return order.reduce_only and context.exposure.only_reduces(order)


def flattens(order: PlaceOrder, context: OrderContext) -> bool:
    """Tell whether the order closes a position at once, or not at all, because an operator wants that."""
    return (
        context.session.flattening is True
        and order.purpose is Purpose.FLATTEN
        and order.time_in_force is TimeInForce.IOC
        and reduces(order, context)
    )


def against_position(order: PlaceOrder, context: OrderContext) -> str:
    """Say in words why an order does not only reduce."""
    exposure = context.exposure
    open_base = exposure.open_buy_base if order.side is Side.BUY else exposure.open_sell_base
    flag = "reduce-only" if order.reduce_only else "not reduce-only"
    return (
        f"{flag} {order.side} of {plain(order.size)}, position {exposure.position_base}, "
        f"open on that side {open_base}"
    )

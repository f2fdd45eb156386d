"""Whether the order's own terms are right: grid, size, price, post-only and reduce-only."""

from __future__ import annotations

from typing import Final

from paraphina_core.domain import CONTEXT, PlaceOrder, Purpose, Side, plain

from .context import OrderContext
from .order_gate import Rules, against_position

_BPS: Final = 1e-4
_BUY: Final = Side.BUY  # a global is found faster than an enum's member
_SELL: Final = Side.SELL
_QUOTE: Final = Purpose.QUOTE

# ruff: noqa: ARG001  # every gate takes the same arguments

RULES: Final = Rules()


@RULES.gate(
    "PRICE_OFF_GRID",
    "The price is one that the venue's tick rule allows.",
    "Round it in the passive direction (`Instrument.passive_price`).",
    "the instrument's tick size",
)
def _price_off_grid(order: PlaceOrder, context: OrderContext, price: float, size: float) -> str | None:
    if context.instrument.price_on_grid(order.price):
        return None
    return f"price {plain(order.price)}"


@RULES.gate(
    "SIZE_OFF_GRID",
    "The size is a multiple of the venue's lot size.",
    "Round it down (`Instrument.round_size`).",
    "the instrument's lot size",
)
def _size_off_grid(order: PlaceOrder, context: OrderContext, price: float, size: float) -> str | None:
    if context.instrument.size_on_grid(order.size):
        return None
    return f"size {plain(order.size)}, lot size {plain(context.instrument.lot_size)}"


@RULES.gate(
    "SIZE_BELOW_MINIMUM",
    "The size reaches the venue's smallest.",
    "Send a larger order, or none.",
    "the instrument's minimum size",
)
def _size_below_minimum(order: PlaceOrder, context: OrderContext, price: float, size: float) -> str | None:
    if order.size >= context.instrument.min_size:
        return None
    return f"size {plain(order.size)}, minimum {plain(context.instrument.min_size)}"


@RULES.gate(
    "SIZE_ABOVE_MAXIMUM",
    "The size stays within the venue's largest.",
    "Send smaller orders.",
    "the instrument's maximum size",
)
def _size_above_maximum(order: PlaceOrder, context: OrderContext, price: float, size: float) -> str | None:
    maximum = context.instrument.max_size
    if maximum is None or order.size <= maximum:
        return None
    return f"size {plain(order.size)}, maximum {plain(maximum)}"


@RULES.gate(
    "NOTIONAL_BELOW_MINIMUM",
    "Price times size reaches the venue's smallest.",
    "Send a larger order, or none.",
    "the instrument's minimum notional",
)
def _notional_below_minimum(
    order: PlaceOrder, context: OrderContext, price: float, size: float
) -> str | None:
    notional = CONTEXT.multiply(order.price, order.size)
    if notional >= context.instrument.min_notional:
        return None
    return f"notional {plain(notional)}, minimum {plain(context.instrument.min_notional)}"


@RULES.gate(
    "NOTIONAL_ABOVE_MAXIMUM",
    "The order's value stays within the profile's largest and the venue's; it is valued at the higher of its "
    "own price and the reference price, because a sell may fill far above its limit.",
    "Send smaller orders, or state a higher [orders] max_order_notional_usd.",
    lambda profile: f"at most {profile.max_order_notional_usd:g} USD",
)
def _notional_above_maximum(
    order: PlaceOrder, context: OrderContext, price: float, size: float
) -> str | None:
    notional = CONTEXT.multiply(order.price, order.size)
    at_own_price = float(notional)
    at_reference = size * context.exposure.reference_price
    limit = context.session.limits.max_order_notional_usd
    maximum = context.instrument.max_notional
    if at_own_price <= limit and at_reference <= limit and (maximum is None or notional <= maximum):
        return None
    venue = "none" if maximum is None else plain(maximum)
    return (
        f"notional {at_own_price:.2f} USD at its price, {at_reference:.2f} USD at the reference price; "
        f"limit {limit:g} USD, the venue's {venue}"
    )


@RULES.gate(
    "COLLAR_BOOK",
    "A buy is not far above the best ask, a sell not far below the best bid.",
    "Look for a wrong price; if the market is that thin, state a wider [collar] book_bps.",
    lambda profile: f"at most {profile.collar_book_bps:g} bps beyond the far touch",
)
def _collar_book(order: PlaceOrder, context: OrderContext, price: float, size: float) -> str | None:
    collar_bps = context.session.limits.collar_book_bps
    if order.side is _BUY:
        touch = context.book.touch(_SELL)
        if price <= touch * (1.0 + collar_bps * _BPS):
            return None
    else:
        touch = context.book.touch(_BUY)
        if price >= touch * (1.0 - collar_bps * _BPS):
            return None
    return f"{order.side} at {plain(order.price)}, far touch {touch:.10g}, limit {collar_bps:g} bps"


@RULES.gate(
    "COLLAR_FAIR_VALUE",
    "A buy is not far above fair value, a sell not far below it.",
    "Look for a wrong price or a wrong fair value; if neither, state a wider [collar] fair_value_bps.",
    lambda profile: f"at most {profile.collar_fair_value_bps:g} bps beyond fair value",
)
def _collar_fair_value(order: PlaceOrder, context: OrderContext, price: float, size: float) -> str | None:
    collar_bps = context.session.limits.collar_fair_value_bps
    fair_value = context.fair_value
    if order.side is _BUY:
        if price <= fair_value * (1.0 + collar_bps * _BPS):
            return None
    elif price >= fair_value * (1.0 - collar_bps * _BPS):
        return None
    return f"{order.side} at {plain(order.price)}, fair value {fair_value:.10g}, limit {collar_bps:g} bps"


@RULES.gate(
    "POST_ONLY_REQUIRED",
    "A quote is post-only where the profile demands it.",
    "Quote post-only, or state [enforcement] post_only_quotes = false.",
    lambda profile: "quotes are post-only" if profile.post_only_quotes else "off",
)
def _post_only_required(order: PlaceOrder, context: OrderContext, price: float, size: float) -> str | None:
    if order.post_only or order.purpose is not _QUOTE or context.session.limits.post_only_quotes is False:
        return None
    return "a quote that may take liquidity"


@RULES.gate(
    "POST_ONLY_WOULD_CROSS",
    "A post-only order does not reach the other side of the book, where the venue would reject it.",
    "Price it inside the spread.",
    "below the best ask, above the best bid",
)
def _post_only_would_cross(order: PlaceOrder, context: OrderContext, price: float, size: float) -> str | None:
    if not order.post_only:
        return None
    if order.side is _BUY:
        touch = context.book.touch(_SELL)
        if price < touch:
            return None
    else:
        touch = context.book.touch(_BUY)
        if price > touch:
            return None
    return f"post-only {order.side} at {plain(order.price)}, far touch {touch:.10g}"


@RULES.gate(
    "REDUCE_ONLY_REQUIRED",
    "A hedge or exit is reduce-only where the profile demands it.",
    "Send it reduce-only, or state [enforcement] reduce_only_others = false.",
    lambda profile: "hedges and exits are reduce-only" if profile.reduce_only_others else "off",
)
def _reduce_only_required(order: PlaceOrder, context: OrderContext, price: float, size: float) -> str | None:
    if order.reduce_only or order.purpose is _QUOTE or context.session.limits.reduce_only_others is False:
        return None
    return f"a {order.purpose} that may open a position"


@RULES.gate(
    "REDUCE_ONLY_INCREASES",
    "A reduce-only order is opposite to the position and no larger than what is left of it once every open "
    "order of its side has filled.",
    "Cancel open orders of its side first, or send less; do not repeat it blindly.",
    "the position",
)
def _reduce_only_increases(order: PlaceOrder, context: OrderContext, price: float, size: float) -> str | None:
    if not order.reduce_only or context.exposure.only_reduces(order):
        return None
    return against_position(order, context)

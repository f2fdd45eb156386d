"""Whether anything may be sent now: the session, the venue, its book and the instrument's status."""

from __future__ import annotations

from typing import Final

from paraphina_core.domain import NS_PER_MS, PlaceOrder, TradingState, TradingStatus
from paraphina_core.market import BookState, HealthState

from .context import OrderContext
from .order_gate import Rules, against_position, flattens, reduces

# ruff: noqa: ARG001  # every gate takes the same arguments

RULES: Final = Rules()


@RULES.gate(
    "KILL_LATCHED",
    "The kill switch has not fired, or the order closes a position because an operator wants that.",
    "Read why in the kill latch, make sure of orders and positions, and clear it before the next start.",
    "not latched",
)
def _kill_latched(order: PlaceOrder, context: OrderContext, price: float, size: float) -> str | None:
    if context.session.kill_latched is False or flattens(order, context):
        return None
    return "the kill switch has fired"


@RULES.gate(
    "SESSION_HALTED",
    "The session is active or reducing, or the order closes a position after the kill switch has fired.",
    "Read in the journal why it halted; only cancels leave a halted session.",
    "not halted",
)
def _session_halted(order: PlaceOrder, context: OrderContext, price: float, size: float) -> str | None:
    state = context.session.state
    if state is TradingState.ACTIVE or state is TradingState.REDUCING or flattens(order, context):
        return None
    return f"the session is {state}"


@RULES.gate(
    "SESSION_REDUCING",
    "While the session is reducing, an order is reduce-only and can only shrink the position, whatever else "
    "of its side fills first.",
    "Send a reduce-only order opposite to the position, no larger than it; cancel open orders of its side "
    "first.",
    "reducing orders only while reducing",
)
def _session_reducing(order: PlaceOrder, context: OrderContext, price: float, size: float) -> str | None:
    if context.session.state is TradingState.ACTIVE or reduces(order, context):
        return None
    return f"the session is reducing; {against_position(order, context)}"


@RULES.gate(
    "VENUE_HALTED",
    "The venue is active or reducing, or the order closes a position after the kill switch has fired.",
    "Read in the journal why it halted; `paraphina state active --venue NAME` lets it go on.",
    "not halted",
)
def _venue_halted(order: PlaceOrder, context: OrderContext, price: float, size: float) -> str | None:
    state = context.venue.state
    if state is TradingState.ACTIVE or state is TradingState.REDUCING or flattens(order, context):
        return None
    return f"{context.venue.connector} is {state}"


@RULES.gate(
    "VENUE_REDUCING",
    "While the venue is reducing, an order on it is reduce-only and can only shrink the position.",
    "Wait until the time is over that its reason names, or send reduce-only orders.",
    "reducing orders only while reducing",
)
def _venue_reducing(order: PlaceOrder, context: OrderContext, price: float, size: float) -> str | None:
    if context.venue.state is TradingState.ACTIVE or reduces(order, context):
        return None
    return f"{context.venue.connector} is reducing; {against_position(order, context)}"


@RULES.gate(
    "VENUE_UNHEALTHY",
    "The venue is healthy: connected, fresh, and without repeated protocol errors.",
    "Wait until the venue has recovered; its health says what is wrong.",
    "healthy",
)
def _venue_unhealthy(order: PlaceOrder, context: OrderContext, price: float, size: float) -> str | None:
    health = context.venue.health
    if health.state is HealthState.HEALTHY:
        return None
    return f"{context.venue.connector} is {health.state}: {health.reason}"


@RULES.gate(
    "BOOK_NOT_LIVE",
    "The book is whole: no gap, not crossed, both sides there.",
    "Wait for the next snapshot.",
    "live",
)
def _book_not_live(order: PlaceOrder, context: OrderContext, price: float, size: float) -> str | None:
    book = context.book
    if book.state is BookState.LIVE and book.best_bid and book.best_ask:
        return None
    return f"the book is {book.state}"


@RULES.gate(
    "BOOK_STALE",
    "The book's last message is recent.",
    "Wait for fresh data; if the venue is merely quiet, state a higher [freshness] max_book_age_ms.",
    lambda profile: f"at most {profile.max_book_age_ms} ms old",
)
def _book_stale(order: PlaceOrder, context: OrderContext, price: float, size: float) -> str | None:
    arrived_ns = context.book.arrived_ns
    if arrived_ns is None:
        return "no message of the book has arrived"
    session = context.session
    age_ns = session.at_ns - arrived_ns
    if 0 <= age_ns <= session.limits.max_book_age_ms * NS_PER_MS:
        return None
    return f"the book is {age_ns / NS_PER_MS:.1f} ms old, limit {session.limits.max_book_age_ms} ms"


@RULES.gate(
    "MODE_NOT_ALLOWED",
    "The connector may run in the session's trade mode.",
    "Choose a mode that `paraphina connectors` lists for it.",
    "a mode of the connector",
)
def _mode_not_allowed(order: PlaceOrder, context: OrderContext, price: float, size: float) -> str | None:
    if context.session.mode in context.venue.trade_modes:
        return None
    return f"{context.venue.connector} does not run in {context.session.mode} mode"


@RULES.gate(
    "NETWORK_MISMATCH",
    "The connector was built for the network of the trade mode.",
    "This is a defect of the session; stop it.",
    "the mode's network",
)
def _network_mismatch(order: PlaceOrder, context: OrderContext, price: float, size: float) -> str | None:
    wanted = context.session.mode.network
    if context.venue.network is wanted:
        return None
    return (
        f"{context.venue.connector} is on {context.venue.network}, {context.session.mode} mode is on {wanted}"
    )


@RULES.gate(
    "INSTRUMENT_STATUS",
    "The venue lets the instrument be traded so: any order while trading, post-only or reducing ones where "
    "it says so, none otherwise.",
    "Wait until the venue trades the instrument again.",
    "the venue's status",
)
def _instrument_status(order: PlaceOrder, context: OrderContext, price: float, size: float) -> str | None:
    status = context.instrument.status
    if (
        status is TradingStatus.TRADING
        or (status is TradingStatus.POST_ONLY and order.post_only)
        or (status is TradingStatus.REDUCE_ONLY and reduces(order, context))
    ):
        return None
    return f"{order.instrument} is {status}"

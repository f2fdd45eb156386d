"""What the order would add to what is there: positions, open orders, messages, loss; then the plugins."""

from __future__ import annotations

from typing import Final

from paraphina_core.connector import OrderFacts
from paraphina_core.domain import PlaceOrder, Side, plain

from .context import OrderContext
from .exposure import Exposure, total_notional_usd
from .order_gate import Rules, reduces

_BUY: Final = Side.BUY  # a global is found faster than an enum's member

# ruff: noqa: ARG001  # every gate takes the same arguments

RULES: Final = Rules()


@RULES.gate(
    "POSITION_LIMIT_VENUE",
    "The position on the venue stays within its limit even if every open and unknown order of a side fills; "
    "an order that makes the worst case no larger passes.",
    "Cancel orders or reduce the position first.",
    lambda profile: f"at most {profile.max_position_notional_usd_per_venue:g} USD on each connector",
)
def _position_limit_venue(order: PlaceOrder, context: OrderContext, price: float, size: float) -> str | None:
    limit = context.session.limits.max_position_notional_usd_per_venue
    return _worst_case(order, context, context.venue.exposures, limit)


@RULES.gate(
    "POSITION_LIMIT_TOTAL",
    "The sum of all worst-case positions stays within its limit; positions of different venues are not "
    "netted.",
    "Cancel orders or reduce positions first.",
    lambda profile: f"at most {profile.max_position_notional_usd_total:g} USD over all connectors",
)
def _position_limit_total(order: PlaceOrder, context: OrderContext, price: float, size: float) -> str | None:
    limit = context.session.limits.max_position_notional_usd_total
    return _worst_case(order, context, context.session.exposures, limit)


@RULES.gate(
    "OPEN_ORDERS_LIMIT",
    "Not too many orders are open or of unknown outcome, over all connectors.",
    "Cancel orders first.",
    lambda profile: f"at most {profile.max_open_orders} orders",
    asked_of_changes=False,
)
def _open_orders_limit(order: PlaceOrder, context: OrderContext, price: float, size: float) -> str | None:
    session = context.session
    if session.open_orders + 1 <= session.limits.max_open_orders:
        return None
    return f"{session.open_orders} orders are open, limit {session.limits.max_open_orders}"


@RULES.gate(
    "CROSSES_OWN_ORDER",
    "The order would not trade with an own order that may still fill.",
    "Cancel the own order and wait until it is gone.",
    "no own order on the other side at its price",
)
def _crosses_own_order(order: PlaceOrder, context: OrderContext, price: float, size: float) -> str | None:
    if order.side is _BUY:
        own = context.own_lowest_ask
        if price < own:
            return None
    else:
        own = context.own_highest_bid
        if price > own:
            return None
    return f"{order.side} at {plain(order.price)}, own order on the other side at {own:.10g}"


@RULES.gate(
    "DUPLICATE_CLIENT_ORDER_ID",
    "The client order id was never used before.",
    "This is a defect of the caller: take a fresh id for each order, a repeated one too.",
    "never used before",
    asked_of_changes=False,
)
def _duplicate_client_order_id(
    order: PlaceOrder, context: OrderContext, price: float, size: float
) -> str | None:
    if order.client_order_id not in context.session.client_order_ids:
        return None
    return f"client order id {order.client_order_id:012x}"


@RULES.gate(
    "MESSAGE_BUDGET",
    "A message may be sent without touching what is kept for cancels.",
    "Change quotes less often, or state a higher [messages] rate_per_s or burst.",
    lambda profile: (
        f"{profile.message_rate_per_s:g} per second, {profile.message_burst} at once, of which "
        f"{profile.message_cancel_reserve} for cancels only; on each connector"
    ),
)
def _message_budget(order: PlaceOrder, context: OrderContext, price: float, size: float) -> str | None:
    budget = context.venue.budget
    at_ns = context.session.at_ns
    if budget.allows_order(at_ns):
        return None
    return f"{budget.available(at_ns):.1f} messages left, {budget.cancel_reserve:g} of them for cancels"


@RULES.gate(
    "DAILY_LOSS",
    "The loss since 00:00 UTC is within its limit; beyond it only reducing orders pass.",
    "Stop for today and find out why.",
    lambda profile: f"at most {profile.max_daily_loss_usd:g} USD",
)
def _daily_loss(order: PlaceOrder, context: OrderContext, price: float, size: float) -> str | None:
    session = context.session
    if -session.daily_pnl_usd <= session.limits.max_daily_loss_usd or reduces(order, context):
        return None
    return f"profit today {session.daily_pnl_usd:.2f} USD, limit -{session.limits.max_daily_loss_usd:g} USD"


@RULES.gate(
    "PLUGIN_GATE",
    "No gate of a plugin refuses. They are asked last, can only refuse more, and refuse by raising too.",
    "See the plugin's documentation for its own code.",
    "as the plugins say",
)
def _plugin_gate(order: PlaceOrder, context: OrderContext, price: float, size: float) -> str | None:
    session = context.session
    if not session.order_gates:
        return None
    facts = OrderFacts(
        instrument=context.instrument,
        mode=session.mode,
        state=session.state,
        best_bid=context.book.touch(Side.BUY),
        best_ask=context.book.touch(Side.SELL),
        position_base=float(context.exposure.position_base),
        open_orders=session.open_orders,
    )
    for gate in session.order_gates:
        try:
            found = gate.refuses(order, facts)
        except KeyboardInterrupt:
            raise
        except BaseException as e:  # noqa: BLE001  # a plugin may raise anything, and must not stop the session
            return f"{gate.code} raised {type(e).__name__}: {e}"
        if found is not None:
            return f"{gate.code}: {found}"
    return None


def _worst_case(
    order: PlaceOrder, context: OrderContext, exposures: list[Exposure], limit: float
) -> str | None:
    own = context.exposure
    before = own.worst_base
    after = own.worst_base_with(order)
    if after <= before:
        return None
    total = after * own.reference_price
    for exposure in exposures:
        if exposure is not own and exposure.worst_base != 0.0:  # nothing held is nothing, at any price
            total += exposure.worst_base * exposure.reference_price
    if total <= limit:
        return None
    return (
        f"worst case {total:.2f} USD instead of {total_notional_usd(exposures):.2f} USD, limit {limit:g} USD"
    )

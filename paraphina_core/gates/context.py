"""What an order is judged by: live references to the session's own objects, and a few numbers.

Nothing is built or copied for an order. A session makes one `SessionContext`, one `VenueContext` for
each connector and one `OrderContext` for each instrument when it starts, and from then on writes only
what has changed: the time and the state as they change, exposure and own prices of an instrument when
one of its orders or its position changed. Books and venue health are read where they live. Whatever
the session has not stated yet makes every order be refused.
"""

from __future__ import annotations

import math
from collections.abc import Container
from decimal import Decimal
from typing import Protocol

from paraphina_core.config import RiskProfile
from paraphina_core.connector import Network, OrderGate, TradeMode
from paraphina_core.domain import ClientOrderId, Instrument, Side, TradingState
from paraphina_core.market import Book, VenueHealth

from .budget import MessageBudget
from .exposure import Exposure


class OpenOrders(Protocol):
    """The orders of one instrument that may still fill: pending, live, being cancelled, or unknown.

    The position limits hold only if an order stays among them until its end is known and every fill
    of it is booked: a fill may arrive after the cancel that it overtook.
    """

    @property
    def buy_base(self) -> Decimal:
        """What all buys together may still fill, in base units."""

    @property
    def sell_base(self) -> Decimal:
        """What all sells together may still fill, in base units."""

    def best_price(self, side: Side) -> Decimal | None:
        """Return the most aggressive price of a side, None while it has no order."""


class SessionContext:
    """What all orders of a session have in common.

    Attributes:
        mode: the trade mode, for the whole session.
        limits: the risk profile in force.
        order_gates: the plugins' own gates, asked last.
        client_order_ids: every id this session has used, live or not.
        kill_latched: the kill switch has fired.
        flattening: an operator wants positions closed although it has.
        state: what the session may do; halted until the session says otherwise.
        at_ns: session time of the decision.
        daily_pnl_usd: profit since 00:00 UTC, realised and unrealised; NaN until it is known.
        open_orders: orders open or of unknown outcome, over all connectors.
        exposures: one for each instrument of the session.
    """

    __slots__ = (
        "at_ns",
        "client_order_ids",
        "daily_pnl_usd",
        "exposures",
        "flattening",
        "kill_latched",
        "limits",
        "mode",
        "open_orders",
        "order_gates",
        "state",
    )

    def __init__(
        self,
        *,
        mode: TradeMode,
        limits: RiskProfile,
        client_order_ids: Container[ClientOrderId],
        order_gates: tuple[OrderGate, ...] = (),
    ) -> None:
        self.mode = mode
        self.limits = limits
        self.client_order_ids = client_order_ids
        self.order_gates = order_gates
        self.kill_latched = False
        self.flattening = False
        self.state = TradingState.HALTED
        self.at_ns = 0
        self.daily_pnl_usd = math.nan
        self.open_orders = 0
        self.exposures: list[Exposure] = []


class VenueContext:
    """What all orders on one connector have in common.

    Args:
        connector: its name.
        trade_modes: modes it may run in, from its spec.
        network: the network that it was built for.
        health: its health, read at each order.
        budget: its messages; whoever sends one spends it.

    Attributes:
        state: what may be done on the venue, if the session's own state lets it.
    """

    __slots__ = ("budget", "connector", "exposures", "health", "network", "state", "trade_modes")

    def __init__(
        self,
        connector: str,
        *,
        trade_modes: frozenset[TradeMode],
        network: Network,
        health: VenueHealth,
        budget: MessageBudget,
    ) -> None:
        self.connector = connector
        self.trade_modes = trade_modes
        self.network = network
        self.health = health
        self.budget = budget
        self.state = TradingState.ACTIVE
        self.exposures: list[Exposure] = []


class OrderContext:
    """What an order on one instrument is judged by; making one counts it in the totals.

    Attributes:
        instrument: its grid and limits in force; replaced when the venue changes them.
        book: its book, read at each order.
        fair_value: the price the strategy believes in; NaN while there is none.
        exposure: position and open orders on it.
        own_highest_bid: best price of the own buys that may still fill, minus infinity without any.
        own_lowest_ask: best price of the own sells that may still fill, infinity without any.
    """

    __slots__ = (
        "book",
        "exposure",
        "fair_value",
        "instrument",
        "own_highest_bid",
        "own_lowest_ask",
        "session",
        "venue",
    )

    def __init__(
        self, *, instrument: Instrument, book: Book, venue: VenueContext, session: SessionContext
    ) -> None:
        self.instrument = instrument
        self.book = book
        self.venue = venue
        self.session = session
        self.fair_value = math.nan
        self.exposure = Exposure()
        self.own_highest_bid = -math.inf
        self.own_lowest_ask = math.inf
        venue.exposures.append(self.exposure)
        session.exposures.append(self.exposure)

    def update(self, position_base: Decimal, orders: OpenOrders) -> None:
        """State the instrument's position and the orders on it that may still fill.

        Call it whenever one of them has changed, before the next order is judged; an order counts
        from the moment it is about to be sent.
        """
        bid = orders.best_price(Side.BUY)
        ask = orders.best_price(Side.SELL)
        self.own_highest_bid = -math.inf if bid is None else float(bid)
        self.own_lowest_ask = math.inf if ask is None else float(ask)
        self.exposure.update(
            position_base=position_base, open_buy_base=orders.buy_base, open_sell_base=orders.sell_base
        )

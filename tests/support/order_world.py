"""A small world in which every order gate passes, for tests that then break one thing."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

import msgspec

from paraphina_core.config import RiskProfile
from paraphina_core.connector import Network, OrderGate, TradeMode
from paraphina_core.domain import (
    BookSnapshot,
    ClientOrderId,
    FixedTick,
    Instrument,
    Level,
    PlaceOrder,
    Side,
    TradingState,
)
from paraphina_core.gates import MessageBudget, OrderContext, SessionContext, VenueContext
from paraphina_core.market import Book, VenueHealth

NOW_NS = 1_800_000_000_000_000_000
BID, ASK, PRICE = 99.0, 101.0, 100.0

LIMITS = RiskProfile(
    name="test",
    canary=True,
    base_order_notional_usd=100,
    max_order_notional_usd=500,
    max_open_orders=10,
    max_position_notional_usd_per_venue=1_000,
    max_position_notional_usd_total=1_500,
    message_rate_per_s=10,
    message_burst=20,
    message_cancel_reserve=5,
    post_only_quotes=True,
    reduce_only_others=True,
    collar_book_bps=50,
    collar_fair_value_bps=200,
    collar_venues_bps=500,
    max_book_age_ms=1_000,
    max_stale_ticks=20,
    max_daily_loss_usd=50,
)


@dataclass
class Orders:
    """What may still fill on one instrument, as the session would know it."""

    buy_base: Decimal = Decimal(0)
    sell_base: Decimal = Decimal(0)
    best: dict[Side, Decimal] = field(default_factory=dict)

    def best_price(self, side: Side) -> Decimal | None:
        return self.best.get(side)


def instrument(venue: str = "one") -> Instrument:
    """Make a contract near 100 USD with round rules."""
    return Instrument(
        venue=venue,
        native_id="BTC",
        base="BTC",
        quote="USD",
        price_rule=FixedTick(tick=Decimal("0.5")),
        lot_size=Decimal("0.1"),
        min_size=Decimal("0.2"),
        min_notional=Decimal(25),
        max_size=Decimal(100),
        max_notional=Decimal(9_000),
    )


def limits(**changes: object) -> RiskProfile:
    """Change limits without the profile's own checks, as a defect would."""
    profile = msgspec.structs.replace(LIMITS)
    for name, value in changes.items():
        msgspec.structs.force_setattr(profile, name, value)
    return profile


def session_context(
    profile: RiskProfile = LIMITS,
    *,
    used: set[ClientOrderId] | None = None,
    order_gates: tuple[OrderGate, ...] = (),
) -> SessionContext:
    """Make an active paper session without profit or loss."""
    session = SessionContext(
        mode=TradeMode.PAPER,
        limits=profile,
        client_order_ids=set() if used is None else used,
        order_gates=order_gates,
    )
    session.state = TradingState.ACTIVE
    session.at_ns = NOW_NS
    session.daily_pnl_usd = 0.0
    return session


def order_context(session: SessionContext | None = None, venue: str = "one") -> OrderContext:
    """Make the context of an instrument with a fresh book on a healthy venue."""
    session = session_context() if session is None else session
    health = VenueHealth()
    health.observe("", NOW_NS)
    definition = instrument(venue)
    book = Book(definition.id)
    book.apply(
        BookSnapshot(instrument=definition.id, bids=(Level(BID, 1.0),), asks=(Level(ASK, 1.0),)), NOW_NS
    )
    context = OrderContext(
        instrument=definition,
        book=book,
        venue=VenueContext(
            venue,
            trade_modes=frozenset({TradeMode.PAPER, TradeMode.SHADOW}),
            network=Network.MAINNET,
            health=health,
            budget=MessageBudget.of(session.limits),
        ),
        session=session,
    )
    context.fair_value = PRICE
    context.exposure.reference_price = PRICE
    return context


def quote(side: Side = Side.BUY, price: str = "99.5", size: str = "1", **changes: object) -> PlaceOrder:
    """Make a post-only quote that passes every gate."""
    order = PlaceOrder(
        instrument=instrument().id,
        client_order_id=ClientOrderId(7),
        side=side,
        price=Decimal(price),
        size=Decimal(size),
        post_only=True,
    )
    return msgspec.structs.replace(order, **changes)

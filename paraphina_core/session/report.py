"""Draws the snapshot of a session from its parts."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from paraphina_core.domain import NS_PER_S, Level, age_ms, plain
from paraphina_core.execution import Position

from .snapshot import (
    ConnectionSnapshot,
    LevelSnapshot,
    MarketSnapshot,
    OrderSnapshot,
    SessionSnapshot,
    VenueSnapshot,
)
from .trading import Trading
from .venue import Market, Venue

#: Amounts of money are shown to this; the ledger keeps them exactly.
_SHOWN_TO: Final = Decimal("1e-8")

#: Levels of each side of a book that are shown.
_LEVELS: Final = 5


def snapshot(
    trading: Trading, venues: tuple[Venue, ...], at_ns: int, *, ticks: int, frames: int
) -> SessionSnapshot:
    """Show a session as it is at `at_ns`."""
    return SessionSnapshot(
        at_ns=at_ns,
        mode=trading.mode,
        state=trading.safety.state,
        reason=trading.safety.reason,
        ticks=ticks,
        frames=frames,
        placed=trading.placed,
        cancels=trading.cancels,
        fills=trading.fills,
        refusals=dict(trading.refusals),
        profit_usd=_shown(trading.ledger.equity - trading.ledger.starting_balance),
        venues=tuple(_venue(venue, trading, at_ns) for venue in venues),
    )


def _venue(venue: Venue, trading: Trading, at_ns: int) -> VenueSnapshot:
    return VenueSnapshot(
        connector=venue.name,
        state=trading.safety.states.venue(venue.name).state,
        state_reason=trading.safety.states.venue(venue.name).reason,
        health=venue.health.state.value,
        reason=venue.health.reason,
        open_streams=tuple(sorted(venue.open_streams)),
        connections=tuple(
            ConnectionSnapshot(
                what=one.what,
                where=one.where,
                is_open=False,
                fault=one.fault,
                next_attempt_s=(one.again_ns - at_ns) / NS_PER_S if one.again_ns > at_ns else None,
            )
            for one in venue.inquiries.unanswered
        ),
        notices=tuple(venue.notices),
        account=venue.account.snapshot(),
        markets=tuple(_market(venue, market, trading, at_ns) for market in venue.markets.values()),
    )


def _market(venue: Venue, market: Market, trading: Trading, at_ns: int) -> MarketSnapshot:
    book = market.book
    instrument = market.instrument.id
    position = trading.ledger.positions.get(instrument, Position())
    volatility = market.volatility.value
    return MarketSnapshot(
        instrument=instrument,
        unusable=venue.unusable(market, at_ns),
        not_quoted=trading.wishes.not_quoted(instrument),
        book_state=book.state.value,
        book_age_ms=_between_ms(at_ns, book.arrived_ns),
        exchange_lag_ms=_between_ms(book.arrived_ns, book.exchange_ns),
        apply_lag_ms=_between_ms(book.applied_ns, book.arrived_ns),
        best_bid=None if book.best_bid is None else book.best_bid.price,
        best_ask=None if book.best_ask is None else book.best_ask.price,
        bids=_levels(book.bids),
        asks=_levels(book.asks),
        volatility_bps_1s=None if volatility is None else volatility * 1e4,
        orders=tuple(
            OrderSnapshot(
                side=record.order.side.value,
                price=record.order.price,
                size=record.order.size,
                filled_size=record.filled_size,
                state=record.state.value,
            )
            for record in trading.tracker.open_orders(instrument)
        ),
        wanted=trading.wishes.wanted(instrument),
        position_base=position.size,
        entry_price=None if position.entry_price is None else _shown(position.entry_price),
        realised_usd=_shown(position.realised_pnl),
        unrealised_usd=_shown(position.unrealised_pnl),
        fees_usd=_shown(position.fees),
        funding_usd=_shown(position.funding),
        fills=market.fills,
        volume_usd=round(market.volume_usd, 2),
    )


def _levels(levels: Sequence[Level]) -> tuple[LevelSnapshot, ...]:
    return tuple(LevelSnapshot(level.price, level.size) for level in levels[:_LEVELS])


def _between_ms(later_ns: int | None, earlier_ns: int | None) -> float | None:
    return None if later_ns is None or earlier_ns is None else round(age_ms(later_ns, earlier_ns), 3)


def _shown(amount: Decimal) -> Decimal:
    return Decimal(plain(amount.quantize(_SHOWN_TO)))

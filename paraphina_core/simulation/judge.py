"""Holds a session against the truth of its venues: what must be true at any time, and what at the end."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from paraphina_core.domain import Side
from paraphina_core.session import MarketSnapshot, SessionSnapshot, VenueSnapshot

from .invariants import own_id
from .world import Venue, World

#: Venues round what they say of each payment to this much; the exchange behind a twin does not.
_PER_PAYMENT: Final = Decimal("0.000001")
#: Equity is valued at marks of slightly different moments: so much of what is held, and a cent.
_EQUITY_USD: Final = Decimal("0.01")
_EQUITY_SHARE: Final = Decimal("0.001")


def always(world: World) -> Iterator[str]:
    """Yield what must never be, whatever happens to the venues."""
    profile = world.config.profile
    if profile is None:
        return
    total = 0.0
    for name, venue in world.venues.items():
        worst = 0.0
        account = venue.host.exchange.account(venue.login.account)
        for instrument, market in venue.host.exchange.markets.items():
            orders = [order for order in account.orders.values() if order.instrument == instrument]
            position = account.ledger.size(instrument)
            if not orders and not position:
                continue
            buys = sum((order.remaining for order in orders if order.side is Side.BUY), Decimal(0))
            sells = sum((order.remaining for order in orders if order.side is Side.SELL), Decimal(0))
            mark = float(market.mark_price)
            worst += max(abs(float(position + buys)), abs(float(position - sells))) * mark
            bids = [order.price for order in orders if order.side is Side.BUY]
            asks = [order.price for order in orders if order.side is Side.SELL]
            if bids and asks and max(bids) >= min(asks):
                yield f"{name}: own orders cross at the venue, {max(bids)} and {min(asks)}"
        # Prices move after an order was judged; a tenth of the limit is more than they do.
        if worst > 1.1 * profile.max_position_notional_usd_per_venue:
            yield f"{name}: worst case {worst:.0f} USD is beyond the limit of the venue"
        total += worst
    if total > 1.1 * profile.max_position_notional_usd_total:
        yield f"worst case {total:.0f} USD is beyond the limit of the session"


def healthy(world: World) -> Iterator[str]:
    """Yield what is not well some time after the last fault, with markets that move."""
    for venue in world.session.snapshot(world.clock.at_ns).venues:
        if venue.health != "healthy":
            yield f"{venue.connector} is {venue.health}: {venue.reason}"


def healed(world: World) -> Iterator[str]:
    """Yield what is not as it must be once everything has arrived, with the session still trading."""
    seen = world.session.snapshot(world.clock.at_ns)
    if seen.state.value != "active":
        yield f"the session is {seen.state.value}: {seen.reason}"
    for venue in seen.venues:
        twin = world.venues[venue.connector]
        unknown = [o for market in venue.markets for o in market.orders if o.state == "unknown"]
        if unknown:
            yield f"{venue.connector} has {len(unknown)} orders of unknown outcome"
        yield from _books(venue, twin)


def settled(world: World) -> Iterator[str]:
    """Yield where session and venues differ after an orderly end: orders, positions, money."""
    seen = world.session.snapshot(world.clock.at_ns)
    for venue in seen.venues:
        yield from _orders(venue, world.venues[venue.connector])
        yield from _positions(venue, world.venues[venue.connector])
    yield from _money(seen, world)


def _books(seen: VenueSnapshot, twin: Venue) -> Iterator[str]:
    for market in seen.markets:
        book = twin.host.exchange.markets[market.instrument]
        best = (book.best_price(Side.BUY), book.best_price(Side.SELL))
        told = tuple(None if price is None else float(price) for price in best)
        if (market.best_bid, market.best_ask) != told:
            yield (
                f"{market.instrument}: the session sees {market.best_bid} and {market.best_ask}, "
                f"the venue has {told[0]} and {told[1]}"
            )


def _orders(seen: VenueSnapshot, twin: Venue) -> Iterator[str]:
    ours = sum(len(market.orders) for market in seen.markets)
    if ours:
        yield f"{seen.connector}: the session still counts {ours} orders as open"
    left = [one for one in twin.truth.open_orders if one.client_id is not None and own_id(one.client_id)]
    if left:
        yield f"{seen.connector}: {len(left)} of our orders rest at the venue"


def _positions(seen: VenueSnapshot, twin: Venue) -> Iterator[str]:
    there = {position.instrument: position.size for position in twin.truth.positions}
    here = {market.instrument: market.position_base for market in seen.markets if market.position_base}
    for instrument in sorted(there.keys() | here.keys()):
        if there.get(instrument, Decimal(0)) != here.get(instrument, Decimal(0)):
            yield (
                f"{instrument}: the session holds {here.get(instrument, 0)}, "
                f"the venue says {there.get(instrument, 0)}"
            )


def _money(seen: SessionSnapshot, world: World) -> Iterator[str]:
    for venue in seen.venues:
        truth = world.venues[venue.connector].truth
        payments = len(truth.fills) + len(truth.payments)
        slack = _PER_PAYMENT * (payments + 1)
        for what, ours, theirs in (
            ("fees", _sum(venue.markets, "fees_usd"), truth.fees),
            ("funding", _sum(venue.markets, "funding_usd"), truth.funding),
            ("realised profit", _sum(venue.markets, "realised_usd"), truth.realised_pnl),
        ):
            if abs(ours - theirs) > slack:
                yield f"{venue.connector}: {what} of the session {ours}, of the venue {theirs}"
        account = venue.account
        slack = _EQUITY_USD + _EQUITY_SHARE * _held_usd(world.venues[venue.connector])
        if account is None or account.equity is None:
            yield f"{venue.connector}: the session knows no balance"
        elif abs(account.equity - truth.equity) > _EQUITY_USD + _EQUITY_SHARE * _held_usd(
            world.venues[venue.connector]
        ):
            yield f"{venue.connector}: equity told {account.equity}, of the venue {truth.equity}"


def _held_usd(twin: Venue) -> Decimal:
    marks = twin.host.exchange.markets
    return sum((abs(p.size) * marks[p.instrument].mark_price for p in twin.truth.positions), Decimal(0))


def _sum(markets: tuple[MarketSnapshot, ...], field: str) -> Decimal:
    return sum((getattr(market, field) for market in markets), Decimal(0))

"""Why a quote is where it is, or why there is none: said of one side, from what a session shows of itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from paraphina_core.domain import Side, TradingState

from .snapshot import MarketSnapshot, OrderSnapshot, SessionSnapshot, VenueSnapshot, WantedSnapshot

_SIDES: Final = {"buy": Side.BUY, "bid": Side.BUY, "sell": Side.SELL, "ask": Side.SELL}


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """One side of one market.

    Attributes:
        instrument: which; None for a connector that has no market.
        side: buy or sell.
        quoted: an order of it is open.
        orders: the open orders.
        wanted: what the strategy wanted at its last decision, with the parts of each price.
        reasons: why there is no order, or what is in its way.
    """

    instrument: str | None
    side: str
    quoted: bool
    orders: tuple[OrderSnapshot, ...] = ()
    wanted: tuple[WantedSnapshot, ...] = ()
    reasons: tuple[str, ...]


def explain(snapshot: SessionSnapshot, name: str, side_name: str) -> list[Explanation] | None:
    """Explain one side of each market of a connector, or of one instrument.

    Args:
        snapshot: the session at some moment.
        name: of a connector or an instrument.
        side_name: buy, bid, sell or ask.

    Returns:
        None if there is no such connector, instrument or side.
    """
    side = _SIDES.get(side_name.lower())
    if side is None:
        return None
    for venue in snapshot.venues:
        markets = [one for one in venue.markets if name in (venue.connector, one.instrument)]
        if markets:
            return [_explain(snapshot, venue, market, side) for market in markets]
        if name == venue.connector:
            reasons = [*_of_session(snapshot), f"{name} has no market: {state_of(venue)}", *_unreached(venue)]
            return [Explanation(instrument=None, side=side.value, quoted=False, reasons=tuple(reasons))]
    return None


def in_words(explanation: Explanation) -> Iterator[str]:
    """Say an explanation in lines for people."""
    what = f"{explanation.instrument or 'no market'}, {explanation.side}"
    if explanation.quoted:
        for order in explanation.orders:
            yield f"{what}: {order.size} at {order.price}, {order.state}"
    else:
        yield f"{what}: no order"
    for wanted in explanation.wanted:
        yield f"  wanted as {wanted.purpose}: {wanted.size_base:.10g} at {wanted.price:.10g}"
        for term, value in wanted.terms.items():
            yield f"    {_term(term, value)}"
    for reason in explanation.reasons:
        yield f"  because {reason}"


def state_of(venue: VenueSnapshot) -> str:
    """Say how a venue is, and why."""
    return f"{venue.health}: {venue.reason}" if venue.reason else venue.health


def is_ill(venue: VenueSnapshot) -> bool:
    """Tell whether a venue's health lets nothing be quoted."""
    return venue.health != "healthy"


def _explain(
    snapshot: SessionSnapshot, venue: VenueSnapshot, market: MarketSnapshot, side: Side
) -> Explanation:
    orders = tuple(order for order in market.orders if order.side == side.value)
    wanted = tuple(one for one in market.wanted if one.side == side.value)
    reasons = list(_of_session(snapshot))
    if venue.state is not TradingState.ACTIVE:
        reasons.append(f"venue is {venue.state.value}: {venue.state_reason}")
    if is_ill(venue):
        reasons.append(f"venue is {state_of(venue)}")
    reasons += _unreached(venue)
    if market.unusable:
        reasons.append(f"market: {market.unusable}")
    prefix = f"{side.value}: "
    reasons += [text.removeprefix(prefix) for text in market.not_quoted if text.startswith(prefix)]
    if not orders and not reasons:
        reasons.append(
            "its order is on its way" if wanted else "the strategy wants no order on this side now"
        )
    return Explanation(
        instrument=market.instrument,
        side=side.value,
        quoted=bool(orders),
        orders=orders,
        wanted=wanted,
        reasons=tuple(reasons),
    )


def _of_session(snapshot: SessionSnapshot) -> Iterator[str]:
    if snapshot.state is not TradingState.ACTIVE:
        yield f"session is {snapshot.state.value}: {snapshot.reason}"


def _unreached(venue: VenueSnapshot) -> Iterator[str]:
    return (f"cannot reach {one.where} for {one.what}: {one.fault}" for one in venue.connections if one.fault)


def _term(term: str, value: float) -> str:
    name, _, unit = term.rpartition("_")
    if unit == "bps":
        return f"{name.replace('_', ' ')}: {value:+.3f} bps"
    return f"{name.replace('_', ' ')}: {value:.10g} {unit.upper() if unit == 'usd' else unit}"

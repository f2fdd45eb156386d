"""The live terminal view of a session: what is quoted where, how fresh, and why not."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from paraphina_core.domain import NS_PER_S, Side, TradingState
from paraphina_core.session import (
    AccountSnapshot,
    ConnectionSnapshot,
    MarketSnapshot,
    SessionSnapshot,
    VenueSnapshot,
)

from .common import printable

#: Most refusal codes and notices shown at once.
_MOST_LINES = 5

_STATE_STYLE = {
    TradingState.ACTIVE: "bold green",
    TradingState.REDUCING: "bold yellow",
    TradingState.HALTED: "bold red",
}
_HEALTH_STYLE = {
    "healthy": "green",
    "init": "yellow",
    "degraded": "yellow",
    "quarantined": "red",
    "disabled": "red",
}


def render(snapshot: SessionSnapshot, gates: str) -> RenderableType:
    """Draw one snapshot.

    Args:
        snapshot: the session as it is now.
        gates: one line on the start-up gates, for the header.
    """
    return Group(_header(snapshot, gates), _markets(snapshot), _footer(snapshot))


def log_line(snapshot: SessionSnapshot) -> str:
    """Say the same in one plain line, for terminals that are none."""
    parts = [
        _clock(snapshot.at_ns),
        f"{snapshot.mode.value} {snapshot.state.value}",
        f"pnl {_usd(snapshot.profit_usd)} USD",
        f"fills {snapshot.fills}",
    ]
    for venue in snapshot.venues:
        if not venue.markets:
            parts.append(f"{venue.connector} {venue.health}: {printable(venue.reason)}")
        parts += [f"{venue.connector} {line}" for line in _unreached(venue)]
        for market in venue.markets:
            quotes = "/".join(_quote(market, side) for side in (Side.BUY, Side.SELL))
            reasons = [market.unusable] if market.unusable else list(market.not_quoted)
            why = f" ({'; '.join(reasons)})" if reasons else ""
            parts.append(
                f"{market.instrument} {venue.health} quotes {quotes} position {market.position_base:f}{why}"
            )
    return " | ".join(parts)


def _header(snapshot: SessionSnapshot, gates: str) -> Text:
    text = Text()
    text.append(f"paraphina  {snapshot.mode.value}  ", "bold")
    text.append(snapshot.state.value.upper(), _STATE_STYLE[snapshot.state])
    if snapshot.reason:
        text.append(f" ({snapshot.reason})", "red")
    text.append(f"   {_clock(snapshot.at_ns)} UTC   frames {snapshot.frames}   ticks {snapshot.ticks}\n")
    text.append(f"gates: {gates}", "dim")
    return text


def _markets(snapshot: SessionSnapshot) -> Table:
    table = Table(expand=True, pad_edge=False, box=SIMPLE_HEAD, padding=(0, 0, 0, 1))
    table.add_column("market", overflow="fold", min_width=12)
    table.add_column("state", overflow="fold", min_width=10)
    for name in ("age ms", "offer, bid", "own", "position", "PnL USD", "fills"):
        table.add_column(name, justify="right", no_wrap=True)
    for venue in snapshot.venues:
        if not venue.markets:
            table.add_row(venue.connector, _health(venue), *[""] * 6)
        for market in venue.markets:
            table.add_row(*_market_cells(venue, market))
    return table


def _market_cells(venue: VenueSnapshot, market: MarketSnapshot) -> tuple[str | Text, ...]:
    profit = market.realised_usd + market.unrealised_usd - market.fees_usd + market.funding_usd
    return (
        str(market.instrument),
        _health(venue, market.unusable, market.not_quoted),
        "" if market.book_age_ms is None else f"{market.book_age_ms:.0f}",
        f"{_price(market.best_ask)}\n{_price(market.best_bid)}",
        Text(f"{_quote(market, Side.SELL)}\n{_quote(market, Side.BUY)}", "cyan"),
        f"{market.position_base:f}",
        Text(_usd(profit), "green" if profit >= 0 else "red"),
        str(market.fills),
    )


def _health(venue: VenueSnapshot, unusable: str = "", not_quoted: Sequence[str] = ()) -> Text:
    text = Text(venue.health, _HEALTH_STYLE.get(venue.health, ""))
    if venue.state is not TradingState.ACTIVE:
        text.append(f" {venue.state.value.upper()}", _STATE_STYLE[venue.state])
    reason = venue.state_reason or venue.reason or unusable or "; ".join(not_quoted)
    if reason:
        text.append(f": {reason}", "dim")
    return text


def _footer(snapshot: SessionSnapshot) -> Text:
    text = Text(
        f"PnL {_usd(snapshot.profit_usd)} USD   orders placed {snapshot.placed}, "
        f"cancels sent {snapshot.cancels}, fills {snapshot.fills}   "
        "Ctrl-C ends the session and cancels every order"
    )
    most = sorted(snapshot.refusals.items(), key=lambda item: -item[1])[:_MOST_LINES]
    if most:
        text.append("\nrefused: " + ", ".join(f"{code} {count}" for code, count in most), "yellow")
    for venue in snapshot.venues:
        for line in _unreached(venue)[:_MOST_LINES]:
            text.append(f"\n{venue.connector}: {line}", "red")
        if venue.account is not None:
            text.append(f"\n{venue.connector}: {_account(venue.account)}", "dim")
        for notice in venue.notices[-_MOST_LINES:]:
            text.append(f"\n{venue.connector}: {notice}", "dim")
    return text


def _unreached(venue: VenueSnapshot) -> list[str]:
    """Say of every host that cannot be reached: for what, why not, and when it is tried again."""
    by_host: dict[str, list[ConnectionSnapshot]] = {}
    for one in venue.connections:
        if one.fault:
            by_host.setdefault(one.where, []).append(one)
    return [_unreached_host(host, ways) for host, ways in by_host.items()]


def _unreached_host(host: str, ways: Sequence[ConnectionSnapshot]) -> str:
    wanted = ", ".join(dict.fromkeys(one.what for one in ways))
    soonest = min(ways, key=lambda one: one.next_attempt_s or 0.0)
    again_s = soonest.next_attempt_s
    again = "tried again now" if again_s is None else f"next attempt in {again_s:.0f} s"
    return printable(f"cannot reach {host} for {wanted}: {soonest.fault}, {again}")


def _account(account: AccountSnapshot) -> str:
    equity = "equity not stated" if account.equity is None else f"equity {account.equity:f} {account.asset}"
    return f"the venue states {equity}, {len(account.positions)} positions, {account.open_orders} open orders"


def _quote(market: MarketSnapshot, side: Side) -> str:
    orders = [order for order in market.orders if order.side == side.value]
    if not orders:
        return "-"
    best = max(orders, key=lambda order: order.price * side.sign)
    return f"{best.price:f}"


def _price(price: float | None) -> str:
    return "-" if price is None else f"{price:.10g}"


def _usd(amount: Decimal) -> str:
    return f"{amount:+.2f}"


def _clock(at_ns: int) -> str:
    return datetime.fromtimestamp(at_ns / NS_PER_S, UTC).strftime("%H:%M:%S")

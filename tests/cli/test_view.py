"""The live view says per venue what is quoted, how fresh it is, and why not."""

from __future__ import annotations

import io
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from rich.console import Console

from paraphina_core.cli.view import log_line, render
from paraphina_core.connector import TradeMode
from paraphina_core.domain import InstrumentId, TradingState
from paraphina_core.session import (
    AccountSnapshot,
    ConnectionSnapshot,
    MarketSnapshot,
    OrderSnapshot,
    SessionSnapshot,
    VenueSnapshot,
)


def _order(side: str, price: str) -> OrderSnapshot:
    return OrderSnapshot(
        side=side, price=Decimal(price), size=Decimal("0.01"), filled_size=Decimal(0), state="live"
    )


MARKET = MarketSnapshot(
    instrument=InstrumentId("hyperliquid_fixture:BTC"),
    unusable="",
    not_quoted=(),
    book_state="live",
    book_age_ms=123.4,
    exchange_lag_ms=12.3,
    apply_lag_ms=0.1,
    best_bid=105055.0,
    best_ask=105056.0,
    volatility_bps_1s=0.5,
    orders=(_order("buy", "105053"), _order("buy", "105052"), _order("sell", "105058")),
    position_base=Decimal("0.01000"),
    entry_price=Decimal(105000),
    realised_usd=Decimal("2.50"),
    unrealised_usd=Decimal("0.50"),
    fees_usd=Decimal("1.00"),
    funding_usd=Decimal("-0.25"),
    fills=3,
    volume_usd=3150.0,
)
VENUE = VenueSnapshot(
    state=TradingState.ACTIVE,
    state_reason="",
    connector="hyperliquid_fixture",
    health="healthy",
    reason="",
    open_streams=("market",),
    connections=(
        ConnectionSnapshot(
            what="stream market", where="ws.reef.example", is_open=True, fault="", next_attempt_s=None
        ),
    ),
    notices=("error: something the venue said",),
    account=AccountSnapshot(
        asset="USDC", equity=Decimal("1182.5"), available=None, positions={}, open_orders=196
    ),
    markets=(MARKET,),
)


def _session(**changes: Any) -> SessionSnapshot:
    values: dict[str, Any] = {
        "at_ns": 1_795_493_323_000_000_000,
        "mode": TradeMode.PAPER,
        "state": TradingState.ACTIVE,
        "reason": "",
        "ticks": 33,
        "frames": 97,
        "placed": 24,
        "cancels": 18,
        "fills": 3,
        "refusals": {},
        "profit_usd": Decimal("1.75"),
        "venues": (VENUE,),
    }
    return SessionSnapshot(**(values | changes))


def _drawn(snapshot: SessionSnapshot, width: int = 120) -> str:
    out = io.StringIO()
    Console(file=out, width=width, color_system=None).print(render(snapshot, "8 of 8 pass"))
    return out.getvalue()


@pytest.mark.parametrize("width", [80, 100, 160])
def test_every_figure_an_operator_needs_is_there_at_any_usual_width(width: int) -> None:
    """Market, health, age, touch, own quotes, position, profit, fills and gates fit 80 columns."""
    text = _drawn(_session(), width)
    prices = ("105055", "105056", "105053", "105058")
    for part in ("healthy", "123", *prices, "0.01000", "+1.75", "8 of 8 pass"):
        assert part in text
    assert "hyperliquid" in text.replace("\n", "")
    assert max(len(line) for line in text.splitlines()) <= width


def test_a_market_that_may_not_be_quoted_says_why() -> None:
    """The reason stands beside the state."""
    stale = msgspec.structs.replace(MARKET, unusable="book is stale", orders=())
    venue = msgspec.structs.replace(VENUE, health="degraded", reason="book is stale", markets=(stale,))
    text = _drawn(_session(venues=(venue,)))
    assert "degraded: book is stale" in text
    assert "105052" not in text


def test_a_side_without_an_order_says_why() -> None:
    """A refusal or an obstacle stands beside the state, in the view and in the log line."""
    market = msgspec.structs.replace(MARKET, not_quoted=("buy: POSITION_LIMIT_VENUE",))
    snapshot = _session(venues=(msgspec.structs.replace(VENUE, markets=(market,)),))
    assert "buy: POSITION_LIMIT_VENUE" in _drawn(snapshot, 200)
    assert "(buy: POSITION_LIMIT_VENUE)" in log_line(snapshot)


def test_a_venue_that_has_said_nothing_yet_is_shown_too() -> None:
    """No row is missing while a venue is silent."""
    silent = msgspec.structs.replace(
        VENUE, health="init", reason="no instrument yet", markets=(), account=None
    )
    assert "init: no instrument yet" in _drawn(_session(venues=(silent,)))


def test_a_host_that_cannot_be_reached_is_named_with_the_reason_and_the_next_attempt() -> None:
    """View and log line say it alike, and what the venue put into the reason steers no terminal."""
    question = ConnectionSnapshot(
        what="instruments",
        where="api.reef.example",
        is_open=False,
        fault="ConnectError: \x1b[2Jname or service not known",
        next_attempt_s=3.7,
    )
    venue = msgspec.structs.replace(VENUE, health="init", markets=(), connections=(question,))
    stream = msgspec.structs.replace(question, what="stream market", next_attempt_s=9.0, fault="refused")
    venue = msgspec.structs.replace(venue, connections=(stream, question))
    snapshot = _session(venues=(venue,))
    said = (
        "cannot reach api.reef.example for stream market, instruments: ConnectError: "
        "\\x1b[2Jname or service not known, next attempt in 4 s"
    )
    assert said in _drawn(snapshot, 200)
    assert said in log_line(snapshot)
    assert "cannot reach" not in log_line(_session())
    trying = msgspec.structs.replace(question, next_attempt_s=None)
    venue = msgspec.structs.replace(venue, connections=(trying,))
    assert "not known, tried again now" in log_line(_session(venues=(venue,)))


def test_a_halt_and_refusals_are_seen_at_a_glance() -> None:
    """State and reason stand on top, the most frequent refusal codes at the bottom."""
    text = _drawn(
        _session(
            state=TradingState.HALTED,
            reason="the daily loss is beyond 1000 USD",
            refusals={"BOOK_STALE": 2, "COLLAR_BOOK": 9},
        )
    )
    assert "HALTED (the daily loss is beyond 1000 USD)" in text
    assert "refused: COLLAR_BOOK 9, BOOK_STALE 2" in text


def test_the_log_line_says_the_same_on_one_line() -> None:
    """Without a terminal each venue's state, quotes and position stand on one plain line."""
    line = log_line(_session())
    assert "\n" not in line
    for part in ("paper active", "pnl +1.75 USD", "quotes 105053/105058", "position 0.01000", "healthy"):
        assert part in line

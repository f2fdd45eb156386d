"""What a running session looks like from outside: plain values for views, telemetry and summaries."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from paraphina_core.connector import TradeMode
from paraphina_core.domain import InstrumentId, TradingState


class LevelSnapshot(msgspec.Struct, frozen=True, array_like=True):
    """One level of a book as it was last told, as a pair: price, and size in base units."""

    price: float
    size_base: float


class OrderSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """One own order that is not final."""

    side: str
    price: Decimal
    size: Decimal
    filled_size: Decimal
    state: str


class WantedSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """One order that the strategy wanted at its last decision, and the parts its price is made of.

    Terms are in basis points unless their names say otherwise.
    """

    side: str
    purpose: str
    price: float
    size_base: float
    terms: dict[str, float]


class MarketSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """One instrument: book, own orders and position.

    `unusable` says why nothing may be quoted here and is empty when something may; `not_quoted` says why
    sides that are wanted have no order. Profit and loss
    are in USD, before fees and funding, which stand beside them; `unrealised_usd` is at the last mid.
    `volatility_bps_1s` is for one second.

    How fresh the book is stands in three figures: `book_age_ms` since its last message arrived,
    `exchange_lag_ms` from the venue's time of that message to its arrival (clocks differ, so it may be
    negative), `apply_lag_ms` from its arrival until it was applied. `bids` and `asks` are the levels at the
    touch, best first, as many as are shown.
    """

    instrument: InstrumentId
    unusable: str
    not_quoted: tuple[str, ...]
    book_state: str
    book_age_ms: float | None
    exchange_lag_ms: float | None
    apply_lag_ms: float | None
    best_bid: float | None
    best_ask: float | None
    bids: tuple[LevelSnapshot, ...] = ()
    asks: tuple[LevelSnapshot, ...] = ()
    volatility_bps_1s: float | None
    orders: tuple[OrderSnapshot, ...]
    wanted: tuple[WantedSnapshot, ...] = ()
    position_base: Decimal
    entry_price: Decimal | None
    realised_usd: Decimal
    unrealised_usd: Decimal
    fees_usd: Decimal
    funding_usd: Decimal
    fills: int
    volume_usd: float


class AccountSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """The account as the venue itself last stated it, which on paper is nobody's own.

    Sizes are signed base units; `equity` and `available` are in units of `asset`. `drift` is by how much
    the venue's positions differ from ours, where they do; `unexplained_drifts` how often that stayed until it
    was a breach; `clock_skew_ms` how far its clock is ahead.
    """

    asset: str
    equity: Decimal | None
    available: Decimal | None
    positions: dict[InstrumentId, Decimal]
    open_orders: int
    drift: dict[InstrumentId, Decimal] = {}
    unexplained_drifts: int = 0
    clock_skew_ms: float | None = None


class ConnectionSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """One way to a venue: a stream that is kept open, or a question that is asked until it is answered.

    `fault` says why it is not open, or was not answered, and is empty where nothing went wrong;
    `next_attempt_s` is None where nothing did, and while another attempt is under way. `closures` counts how
    often connections and attempts have ended, by reason.
    """

    what: str
    where: str
    is_open: bool
    fault: str
    next_attempt_s: float | None
    closures: dict[str, int] = {}


class VenueSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """One connector: health, streams, its markets and what it says of the account.

    `state` is the venue's own, which the session's may be more careful than; `state_reason` says why it is
    not active.
    """

    connector: str
    state: TradingState
    state_reason: str
    health: str
    reason: str
    open_streams: tuple[str, ...]
    connections: tuple[ConnectionSnapshot, ...]
    notices: tuple[str, ...]
    account: AccountSnapshot | None
    markets: tuple[MarketSnapshot, ...]


class SessionSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """The whole session at one moment."""

    at_ns: int
    mode: TradeMode
    state: TradingState
    reason: str
    ticks: int
    frames: int
    placed: int
    cancels: int
    fills: int
    refusals: dict[str, int]
    profit_usd: Decimal
    venues: tuple[VenueSnapshot, ...]

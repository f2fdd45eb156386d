"""One connector within a session: its streams, markets, health and where its orders go."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Final
from urllib.parse import urlsplit

import msgspec

from paraphina_core.config import RiskProfile
from paraphina_core.connector import (
    Connector,
    ConnectorSpec,
    FeeSchedule,
    Network,
    StreamPlan,
    WebSocketSource,
)
from paraphina_core.domain import (
    NS_PER_S,
    VIEW_DEPTH,
    Event,
    FundingRate,
    Instrument,
    InstrumentId,
    Level,
    LocalError,
    MarketEvent,
    MarketView,
    MarkPrice,
    OrderReport,
    RemoteError,
    Side,
    Trade,
    TradingState,
    TradingStatus,
    age_ms,
)
from paraphina_core.execution import Means, OrderRoute, Signatory, VenueRoute, Wire
from paraphina_core.gates import MessageBudget, OrderContext, SessionContext, VenueContext
from paraphina_core.market import Book, BookState, HealthState, VenueHealth
from paraphina_core.strategy import EwmaVolatility
from paraphina_core.transport import Liveness

from .account import ReportedAccount
from .inquiries import Inquiries

#: Notices kept for each connector, the newest.
MAX_NOTICES: Final = 20

#: Trades outside one and the same touch for so long: the book is sent again and again, but is none any more.
FROZEN_AFTER_NS: Final = 2 * NS_PER_S

_NO_LEVEL: Final = Level(math.nan, math.nan)


class _Contradicted(msgspec.Struct):
    """A touch that trades were made outside of, and when the first and the last of them arrived."""

    bid: Level
    ask: Level
    first_ns: int
    last_ns: int


class Market:
    """What the session knows of one instrument, and what its orders are judged by.

    Attributes:
        funding: the rate in force, None while no venue has said it.
        mark_price: the venue's mark price, None while it has not said one.
        apart_bps: how far its middle is from those of the other venues, None where that is not too far.
    """

    __slots__ = (
        "_contradicted",
        "_is_another",
        "apart_bps",
        "book",
        "context",
        "fills",
        "funding",
        "instrument",
        "mark_price",
        "volatility",
        "volume_usd",
    )

    def __init__(self, instrument: Instrument, venue: VenueContext, session: SessionContext) -> None:
        self.instrument = instrument
        self.book = Book(instrument.id)
        self.volatility = EwmaVolatility()
        self.context = OrderContext(instrument=instrument, book=self.book, venue=venue, session=session)
        self.fills = 0
        self.volume_usd = 0.0
        self.apart_bps: float | None = None
        self.funding: FundingRate | None = None
        self.mark_price: float | None = None
        self._contradicted: _Contradicted | None = None
        self._is_another = False

    def redefine(self, instrument: Instrument) -> str:
        """Take over a changed definition; orders are judged by it from now on.

        Returns:
            Why the market is halted: what bore the name before was another contract, and positions and
            limits are those of that one. Empty where it is the same.
        """
        known = self.instrument
        if (instrument.base, instrument.quote) != (known.base, known.quote):
            self._is_another = True
        halted = msgspec.structs.replace(known, status=TradingStatus.HALTED)
        self.instrument = self.context.instrument = halted if self._is_another else instrument
        if not self._is_another:
            return ""
        now = f"{instrument.base}/{instrument.quote}"
        return f"{known.id} was {known.base}/{known.quote} and is {now}: nothing is placed there any more"

    def note(self, event: MarketEvent) -> None:
        """Remember what the venue says of funding and mark price."""
        if isinstance(event, FundingRate):
            self.funding = event
        elif isinstance(event, MarkPrice):
            self.mark_price = event.mark_price

    def traded(self, trade: Trade, at_ns: int) -> None:
        """Compare a trade with the book: trades outside one that never changes show that it stands still."""
        bid, ask = self.book.best_bid, self.book.best_ask
        if trade.is_replay or bid is None or ask is None or bid.price <= trade.price <= ask.price:
            return
        seen = self._contradicted
        if seen is not None and (seen.bid, seen.ask) == (bid, ask):
            seen.last_ns = at_ns
        else:
            self._contradicted = _Contradicted(bid, ask, at_ns, at_ns)

    def learn(self, at_ns: int) -> None:
        """Take the book that was just applied into the estimates that decisions use."""
        book = self.book
        seen = self._contradicted
        if seen is not None and (book.best_bid, book.best_ask) != (seen.bid, seen.ask):
            self._contradicted = None
        if book.state is not BookState.LIVE:
            self.context.fair_value = math.nan  # the last price still values what is held
            return
        mid, microprice = book.mid, book.microprice
        if mid is not None and microprice is not None:
            self.volatility.update(mid, at_ns)
            self.context.fair_value = microprice
            self.context.exposure.reference_price = mid

    def trouble(self, at_ns: int, max_book_age_ms: float) -> str:
        """Say why the book may not be quoted on; empty when it may."""
        book = self.book
        if book.state is not BookState.LIVE:
            return f"book is {book.state.value.replace('_', '-')}"
        if book.arrived_ns is None or not (age_ms(at_ns, book.arrived_ns) <= max_book_age_ms):
            return "book is stale"
        seen = self._contradicted
        if seen is not None and seen.last_ns - seen.first_ns >= FROZEN_AFTER_NS:
            return "book stands still while trades are made outside it"
        if self.apart_bps is not None:
            return f"price is {self.apart_bps:.0f} bps from those of the other venues"
        return ""


class Venue:
    """The runtime of one connector.

    Attributes:
        inquiries: what the connector is asked.
        hindrance: why nothing may be placed although the market may be fine; empty when something may.
        last_booked_ns: when the last fill or funding payment was booked.
        last_order_ns: when the last order was placed.
        markets: by instrument, filled as the connector defines its instruments.
        open_streams: names of the plan's streams that are open now.
        by_question: instruments whose whole books were asked for, because no stream tells them.
        account: what the venue says of the account.
        strays: after a kill, the open orders of the account that no order here stands for.
        notices: what the venue or the connector said, newest last.
        stale_ticks: ticks in a row at which a venue that was healthy before was not.
    """

    def __init__(
        self,
        connector: Connector,
        route: OrderRoute,
        *,
        fees: FeeSchedule,
        network: Network,
        profile: RiskProfile,
        wire: Wire,
        seed: int,
        signatory: Signatory | None = None,
    ) -> None:
        spec = connector.spec
        plan = connector.plan()
        self.connector = connector
        self.route = route
        self.fees = fees
        self.health = VenueHealth()
        self.context = VenueContext(
            spec.name,
            trade_modes=spec.trade_modes,
            network=network,
            health=self.health,
            budget=MessageBudget.of(profile),
        )
        self.markets: dict[InstrumentId, Market] = {}
        self.streams: dict[str, StreamPlan] = {stream.name: stream for stream in plan.streams}
        self.signatory = Signatory.nobody(spec) if signatory is None else signatory
        self.inquiries = Inquiries(connector, plan, wire, seed=seed, signatory=self.signatory)
        self.hindrance = ""
        self.last_booked_ns = 0
        self.last_order_ns = 0
        self.open_streams: set[str] = set()
        self.by_question: dict[InstrumentId, None] = {}
        self.liveness = {
            stream.name: Liveness(stream)
            for stream in plan.streams
            if isinstance(stream.source, WebSocketSource)
        }
        self._not_live = set(self.liveness)
        self.notices: list[str] = []
        self.account = ReportedAccount()
        self.strays: tuple[OrderReport, ...] = ()
        self.stale_ticks = 0
        self._profile = profile
        self._was_healthy = False

    @property
    def spec(self) -> ConnectorSpec:
        """The connector's description."""
        return self.connector.spec

    @property
    def name(self) -> str:
        """The connector's name."""
        return self.connector.spec.name

    @property
    def gateway(self) -> VenueRoute | None:
        """The order route, if orders leave for the venue."""
        return self.route if isinstance(self.route, VenueRoute) else None

    def means(self, at_ns: int) -> Means:
        """Return what may be done with orders that are there, and how sparingly."""
        return Means(changes=self.spec.changes_in_place, thrift=self.context.budget.thrift(at_ns))

    @contextmanager
    def blamed(self) -> Iterator[None]:
        """Disable the venue for whatever its connector raises; only the venue's own errors pass through."""
        try:
            yield
        except RemoteError:
            raise
        except Exception as e:  # noqa: BLE001  # a plugin's bug must not take the other venues down
            self.blame(e)

    def blame(self, error: Exception) -> None:
        """Disable the venue for what its connector raised."""
        self.health.disable(f"the connector raised {type(error).__name__}: {error}")

    def look(self, at_ns: int) -> None:
        """Judge the venue as a whole.

        All streams that are connected must be live. One market whose book is fine is enough for the
        venue; each market is judged again by itself before it is quoted on.
        """
        trouble = self._trouble(at_ns)
        self.health.observe(trouble, at_ns)
        self._was_healthy = self._was_healthy or self.health.state is HealthState.HEALTHY

    def _trouble(self, at_ns: int) -> str:
        if self._not_live:
            return self.liveness[min(self._not_live)].missing
        trouble = "no instrument yet"
        for market in self.markets.values():
            trouble = market.trouble(at_ns, self._profile.max_book_age_ms)
            if not trouble:
                break
        return trouble or self.hindrance

    def count_stale(self) -> None:
        """Count one tick for `stale_ticks`."""
        stale = self._was_healthy and self.health.state is not HealthState.HEALTHY
        self.stale_ticks = self.stale_ticks + 1 if stale else 0

    def unusable(self, market: Market, at_ns: int) -> str:
        """Say why nothing may be quoted on a market; empty when something may."""
        if self.health.state is not HealthState.HEALTHY:
            return f"venue is {self.health.state.value}: {self.health.reason}"
        return market.trouble(at_ns, self._profile.max_book_age_ms)

    def view(
        self, market: Market, at_ns: int, state: TradingState, entry_price: float | None = None
    ) -> MarketView:
        """Show one market to a strategy, what may be done there, and the price of its position."""
        book = market.book
        unusable = self.unusable(market, at_ns)
        instrument = market.instrument.id
        funding, position = market.funding, self.account.position(instrument)
        bid = book.best_bid or _NO_LEVEL
        ask = book.best_ask or _NO_LEVEL
        return MarketView(
            instrument=market.instrument,
            unusable=unusable,
            bid_price=bid.price,
            bid_size=bid.size,
            ask_price=ask.price,
            ask_size=ask.size,
            book_age_ms=math.inf if book.arrived_ns is None else age_ms(at_ns, book.arrived_ns),
            volatility=market.volatility.value,
            position_base=float(market.context.exposure.position_base),
            maker_fee_bps=self.fees.maker_bps,
            taker_fee_bps=self.fees.taker_bps,
            base_order_notional_usd=self._profile.base_order_notional_usd,
            max_order_notional_usd=self._profile.max_order_notional_usd,
            max_position_notional_usd=self._profile.max_position_notional_usd_per_venue,
            state=state,
            bids=tuple(book.levels(Side.BUY)[:VIEW_DEPTH]),
            asks=tuple(book.levels(Side.SELL)[:VIEW_DEPTH]),
            entry_price=entry_price,
            funding_rate=None if funding is None else funding.rate,
            funding_interval_s=None if funding is None else float(funding.interval_s),
            mark_price=market.mark_price,
            liquidation_price=_number(None if position is None else position.liquidation_price),
            available_usd=_number(self.account.available),
        )

    def opened(self, stream: str, at_ns: int) -> None:
        """Take note that a stream is open."""
        self.open_streams.add(stream)
        if stream in self.liveness:
            self.liveness[stream].opened(at_ns)
            if self.liveness[stream].is_live:  # a private stream without topics, which may stay silent
                self._not_live.discard(stream)

    def look_up_sources(self) -> None:
        """Ask the connector from where its streams are to be opened from now on.

        Raises:
            LocalError: a stream of the plan is missing, or would be opened from somewhere else.
        """
        planned = {plan.name: plan.source for plan in self.connector.plan().streams}
        for name, plan in self.streams.items():
            source, known = planned.get(name), plan.source
            if not (isinstance(source, WebSocketSource) and isinstance(known, WebSocketSource)):
                continue
            if urlsplit(source.url)[:2] != urlsplit(known.url)[:2]:
                raise LocalError(f"stream {name} would leave its origin", wanted=urlsplit(known.url).netloc)
            self.streams[name] = msgspec.structs.replace(plan, source=source)

    def heard(self, stream: str, events: Sequence[Event]) -> None:
        """Learn from what was read on a stream whether it is live by now."""
        if stream in self._not_live:
            liveness = self.liveness[stream]
            liveness.take(events)
            if liveness.is_live:
                self._not_live.discard(stream)

    def overdue(self, at_ns: int) -> Iterator[tuple[str, str]]:
        """Yield every stream that did not become live in time, once, and why it must be opened anew."""
        for stream in sorted(self._not_live):
            reason = self.liveness[stream].overdue(at_ns)
            if reason:
                self.liveness[stream].ended()
                yield stream, reason

    def lost(self, stream: str) -> None:
        """Take note that a stream has ended: no book that may depend on it is believed any more."""
        self.open_streams.discard(stream)
        if stream in self.liveness:
            self.liveness[stream].ended()
            self._not_live.add(stream)
        if not self.streams[stream].private:
            self.forget_books()

    def note(self, text: str) -> None:
        """Keep something that an operator should read."""
        self.notices.append(text)
        del self.notices[:-MAX_NOTICES]

    def forget_books(self) -> None:
        """Believe no book until its next snapshot."""
        for market in self.markets.values():
            market.book.reset()


def _number(amount: Decimal | None) -> float | None:
    return None if amount is None else float(amount)

"""Turns what is known into orders, and what venues answer into what is known.

Every order takes one path: wanted by the strategy, planned against what is open, judged by the order
gates, counted, recorded, sent. Cancels take the same path without the gates.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Final, get_args

import msgspec

from paraphina_core.connector import Capability, Strategy, TradeMode
from paraphina_core.domain import (
    ArmDeadMan,
    ClientOrderId,
    Event,
    Fill,
    FundingPayment,
    Instrument,
    InstrumentId,
    MarketEvent,
    ModifyOrder,
    OrderCancelled,
    OrderExpired,
    OrderReport,
    OrderState,
    PlaceOrder,
    Purpose,
    Target,
    TradingState,
    VenueNotice,
    View,
)
from paraphina_core.execution import (
    Finding,
    Ledger,
    Means,
    OrderRecord,
    OrderUpdate,
    Planner,
    cancel_of,
)
from paraphina_core.gates import check
from paraphina_core.market import BookState, HealthState

from .breaches import Breach
from .cross_check import outliers
from .drift import Payments
from .flattening import Flattening
from .pauses import Pauses
from .record import Recorder, encode
from .safety import Safety
from .venue import Market, Venue
from .wishes import Wishes
from .withdrawal import Withdrawal

_ORDER_UPDATES: Final = get_args(OrderUpdate)

#: What no venue may do: fill more than was ordered, say two things of one fill, take orders that nobody sent
#: here (F-033, F-037, F-039).
_BREACHES: Final = {
    Finding.OVERFILL: Breach.OVERFILL,
    Finding.CONFLICTING_FILL: Breach.CONFLICTING_FILL,
    Finding.EXTERNAL: Breach.EXTERNAL_ORDER,
}

_WORDS: Final = {
    Finding.OVERFILL: "an overfill",
    Finding.CONFLICTING_FILL: "a conflicting fill",
    Finding.EXTERNAL: "an order that nobody here sent",
    Finding.EARLIER_RUN: "an order of an earlier run",
    Finding.LATE_FILL: "a fill after the end",
}

#: A position may be worth so much more than its limit without any order being to blame.
ROOM_FOR_PRICES: Final = 1.25

#: Shown as the reason why such a side has no order.
REJECTED_JUST_NOW: Final = "REJECTED_JUST_NOW"


class SentIds:
    """The client order ids that were sent: ids only ever rise, so the last one says it all."""

    def __init__(self) -> None:
        self.last = -1

    def __contains__(self, client_order_id: object) -> bool:
        return isinstance(client_order_id, int) and client_order_id <= self.last


class Trading:
    """The orders, positions and limits of one run.

    Attributes:
        tracker: every own order.
        ledger: positions and money.
        refusals: how often each order gate refused.
        placed: orders that were sent.
        changed: changes of orders that were sent.
        fills: fills that were booked.
        safety: what the session and each venue may do.
        wishes: what the strategy wanted last, and why parts of it have no order.
    """

    def __init__(
        self,
        venues: Mapping[str, Venue],
        *,
        strategy: Strategy,
        planner: Planner,
        ledger: Ledger,
        safety: Safety,
        sent_ids: SentIds,
        recorder: Recorder,
    ) -> None:
        self.safety = safety
        self.tracker = safety.tracker
        self.ledger = ledger
        self.refusals: Counter[str] = Counter()
        self.placed = 0
        self.changed = 0
        self.fills = 0
        self._venues = venues
        self._strategy = strategy
        self._planner = planner
        self._context = context = safety.context
        self._sent_ids = sent_ids
        self._recorder = recorder
        self._home: dict[InstrumentId, Venue] = {}
        self._instruments: dict[InstrumentId, Instrument] = {}
        self._pauses = Pauses()
        self._payments = Payments()
        self._unseen: list[Fill] = []
        self.wishes = Wishes(strategy)
        self._withdrawal = Withdrawal(
            venues, self.tracker, recorder, reaches_venue=context.mode.reaches_venue
        )
        self._flattening = Flattening(venues, self.tracker, ledger, context.limits, planner.take_id)

    @property
    def cancels(self) -> int:
        """How many orders a cancel was sent for."""
        return self._withdrawal.cancels

    @property
    def mode(self) -> TradeMode:
        """The trade mode of the run."""
        return self._context.mode

    def may_leave(self, order: PlaceOrder | ModifyOrder) -> bool:
        """Say whether an order that the gates let through may still be sent; asked where it is sent."""
        venue = self._home[order.instrument]
        if venue.health.state is HealthState.DISABLED:
            return False
        if isinstance(order, PlaceOrder) and order.purpose is Purpose.FLATTEN:
            return self.safety.is_flattening
        if self.safety.only_cancels or self.safety.killed:
            return False
        state = self.safety.states.effective(venue.name)
        return state is TradingState.ACTIVE or (state is TradingState.REDUCING and order.reduce_only)

    def is_flat(self, venue: Venue) -> bool:
        """Tell whether nothing is left to close on a venue; true where nobody wants positions closed."""
        return not self.safety.is_flattening or self._flattening.is_done(venue)

    # --- what the session tells -----------------------------------------------------------------

    def begin(self, at_ns: int) -> None:
        """Start trading: from here on the session is active until something says otherwise."""
        self._context.at_ns = at_ns
        self.safety.states.set(TradingState.ACTIVE, "")
        self._context.daily_pnl_usd = float(self.ledger.daily_pnl)
        if self.mode.reaches_venue:
            self.tracker.since_ns = at_ns

    def define(self, venue: Venue, instrument: Instrument) -> Market:
        """Take over an instrument's definition, new or changed, and return its market."""
        market = venue.markets.get(instrument.id)
        if market is None:
            market = venue.markets[instrument.id] = Market(instrument, venue.context, self._context)
            self._home[instrument.id] = venue
        elif trouble := market.redefine(instrument):
            venue.note(trouble)
        self._instruments[instrument.id] = market.instrument
        return market

    def advance(self, venue: Venue, at_ns: int) -> None:
        """Take what the venue's order route has due, before the market moves on."""
        self._take(venue, venue.route.advance(at_ns), at_ns)

    def on_market(self, venue: Venue, event: MarketEvent, market: Market, at_ns: int) -> None:
        """Let the venue's order route see a market event that the book already contains."""
        market.note(event)
        self._take(venue, venue.route.on_market(event, market.book, at_ns), at_ns)

    def judge(self, at_ns: int) -> None:
        """Value the positions and hold the session-wide limits; called at every tick."""
        for instrument in self.tracker.settle(at_ns):
            self._count(self._home[instrument].markets[instrument])
        for fill in self.tracker.strangers():
            self._tell_of(self._home[fill.instrument], Finding.EXTERNAL, Breach.EXTERNAL_ORDER, fill, at_ns)
        for venue in self._venues.values():
            for market in venue.markets.values():
                if market.book.mid is not None:
                    self.ledger.mark(market.instrument.id, market.book.mid, at_ns)
        self._compare_venues()
        self._context.daily_pnl_usd = float(self.ledger.daily_pnl)
        self.safety.judge(at_ns)

    def _compare_venues(self) -> None:
        """Find the markets whose price stands alone among those of the same underlying."""
        prices: dict[str, dict[InstrumentId, float]] = {}
        for name, venue in self._home.items():
            market = venue.markets[name]
            market.apart_bps = None
            if market.book.state is BookState.LIVE and market.book.mid is not None:
                prices.setdefault(market.instrument.underlying, {})[name] = market.book.mid
        for same in prices.values():
            for name, apart_bps in outliers(same, self._context.limits.collar_venues_bps).items():
                self._home[name].markets[name].apart_bps = apart_bps

    def note_drift(
        self, venue: Venue, instrument: InstrumentId, theirs: Decimal, in_a_row: int, at_ns: int
    ) -> None:
        """Record what both sides say of a position, where they differ."""
        data = {
            "connector": venue.name,
            "instrument": instrument,
            "ours": self.ledger.size(instrument),
            "theirs": theirs,
            "in_a_row": in_a_row,
        }
        self._recorder.append("drift", at_ns, encode(data))

    def note_money_drift(self, venue: Venue, unexplained: Decimal, in_a_row: int, at_ns: int) -> None:
        """Record money that the venue says is there, or with a negative sign is not, and nothing explains."""
        data = {"connector": venue.name, "unexplained_usd": unexplained, "in_a_row": in_a_row}
        self._recorder.append("drift", at_ns, encode(data))

    def stop(self, at_ns: int) -> None:
        """Want nothing any more: every order is cancelled and none is placed."""
        self._context.at_ns = at_ns
        self.safety.is_stopping = True

    # --- the step -------------------------------------------------------------------------------

    def step(self, at_ns: int) -> tuple[Sequence[PlaceOrder], Sequence[ClientOrderId]]:
        """Decide and act on what is known at `at_ns`; return what was placed and cancelled."""
        for venue in self._venues.values():
            self._take(venue, venue.route.advance(at_ns), at_ns)
        self._context.at_ns = at_ns
        done = self._decide(at_ns)
        for venue in self._venues.values():
            venue.route.flush(at_ns)
        return done

    def _decide(self, at_ns: int) -> tuple[Sequence[PlaceOrder], Sequence[ClientOrderId]]:
        if self.safety.only_cancels:
            cancelled = self._withdrawal.everything(at_ns)
            orders = self._flattening.orders(at_ns) if self.safety.is_flattening else ()
            return [order for order in orders if self._place(order, at_ns)], cancelled
        self._withdrawal.begin_again()
        view = self._view(at_ns)
        try:
            targets = [target for target in self._strategy.decide(view, at_ns) if self._may_stay(target)]
            plan = self._planner.plan(targets, self._instruments, self.tracker, at_ns, self._means(at_ns))
        except Exception as e:  # noqa: BLE001  # whatever a strategy does, its orders must be cancelled
            self.safety.breach(Breach.STRATEGY_RAISED, f"the strategy raised {type(e).__name__}: {e}", at_ns)
            return (), self._withdrawal.everything(at_ns)
        self.wishes.decided(targets, plan.unplaced)
        cancelled = [
            self._withdrawal.one(self._home[cancel.instrument], cancel, at_ns) for cancel in plan.cancels
        ]
        for change in plan.changes:
            record = self.tracker.get(change.client_order_id)
            if record is not None and not self._change(record, change, at_ns):
                venue = self._home[change.instrument]
                cancelled.append(self._withdrawal.one(venue, cancel_of(record), at_ns))
        placed = [order for order in plan.places if self._place(order, at_ns)]
        return placed, cancelled

    def _view(self, at_ns: int) -> View:
        """Return what the strategy decides on, with the fills that it has not seen yet."""
        fills, self._unseen = tuple(self._unseen), []
        return View(
            markets=tuple(
                venue.view(
                    market,
                    at_ns,
                    self.safety.states.effective(venue.name),
                    self.ledger.entry_price(market.instrument.id),
                )
                for venue in self._venues.values()
                for market in venue.markets.values()
            ),
            state=self.safety.state,
            fills=fills,
            daily_pnl_usd=self._context.daily_pnl_usd,
        )

    def _means(self, at_ns: int) -> Mapping[InstrumentId, Means]:
        """Return what the venues let the planner do with orders that are there."""
        means: dict[InstrumentId, Means] = {}
        for venue in self._venues.values():
            means.update(dict.fromkeys(venue.markets, venue.means(at_ns)))
        return means

    def _may_stay(self, target: Target) -> bool:
        """Tell whether an order for a target may be in the market; else the one that is there is cancelled.

        A new one is left to the gates, which say why not.
        """
        venue = self._home.get(target.instrument)
        if venue is None or not any(self.tracker.open_orders(target.instrument)):
            return True
        state = self.safety.states.effective(venue.name)
        return state is TradingState.ACTIVE or (state is TradingState.REDUCING and target.reduce_only)

    def _change(self, record: OrderRecord, change: ModifyOrder, at_ns: int) -> bool:
        """Change an order that is there; False where that may not be, and it must go instead."""
        changed = msgspec.structs.replace(record.order, price=change.price, size=change.size)
        if not self._passes(changed, at_ns, is_change=True):
            return False
        venue = self._home[change.instrument]
        self._recorder.append("modify", at_ns, encode(change))
        self.tracker.modify_sent(change, at_ns)
        venue.context.budget.spend(at_ns)
        self._count(venue.markets[change.instrument])
        venue.last_order_ns = at_ns
        venue.route.submit(change, at_ns)
        self.changed += 1
        return True

    def _passes(self, order: PlaceOrder, at_ns: int, *, is_change: bool = False) -> bool:
        """Tell whether a side may have an order now, by its last rejections and by every gate."""
        key = (order.instrument, order.side)
        if self._pauses.holds(key, at_ns):
            self.wishes.refused(key, REJECTED_JUST_NOW)
            return False
        context = self._home[order.instrument].markets[order.instrument].context
        refusal = check(order, context, is_change=is_change)
        if refusal is None:
            self.wishes.passed(key)
            return True
        self.refusals[refusal.code] += 1
        # A refusal that repeats is counted, not told again.
        if self.wishes.refused(key, refusal.code):
            data = {"order": order, "code": refusal.code, "found": refusal.found}
            self._recorder.append("refused", at_ns, encode(data))
        return False

    def _place(self, order: PlaceOrder, at_ns: int) -> bool:
        if not self._passes(order, at_ns):
            return False
        venue = self._home[order.instrument]
        market = venue.markets[order.instrument]
        self._recorder.append("place", at_ns, encode(order))
        self.tracker.create(order, at_ns)
        self._sent_ids.last = order.client_order_id
        venue.context.budget.spend(at_ns)
        self._count(market)
        venue.last_order_ns = at_ns
        venue.route.submit(order, at_ns)
        self.tracker.sent(order.client_order_id, at_ns)
        self.placed += 1
        return True

    def command(self, venue: Venue, command: ArmDeadMan, at_ns: int) -> None:
        """Send a command that concerns no order, to a venue that orders leave for."""
        if venue.gateway is None:
            return
        self._recorder.append("arm_dead_man", at_ns, encode({"connector": venue.name, "command": command}))
        is_apart = Capability.DEAD_MAN in venue.spec.per_instrument
        for instruments in [(one,) for one in command.instruments] if is_apart else [command.instruments]:
            venue.context.budget.spend(at_ns)
            venue.gateway.submit(msgspec.structs.replace(command, instruments=instruments), at_ns)

    # --- what venues answer ---------------------------------------------------------------------

    def _take(self, venue: Venue, events: Iterable[Event], at_ns: int) -> None:
        """Take what an order route says."""
        for event in events:
            if isinstance(event, _ORDER_UPDATES):
                self.take(venue, event, at_ns)
                continue
            if isinstance(event, FundingPayment):
                self.pay_funding(venue, event, at_ns)
                continue
            self._recorder.append("event", at_ns, encode(event))
            if isinstance(event, VenueNotice):
                venue.note(f"{event.code}: {event.text}")

    def take(
        self,
        venue: Venue,
        event: OrderUpdate,
        at_ns: int,
        asked_ns: int | None = None,
        *,
        is_told: bool = True,
    ) -> None:
        """Take what a venue says of an order or a fill.

        Args:
            venue: who says it.
            event: what is said.
            at_ns: session time.
            asked_ns: when it was asked, None for what it says unasked.
            is_told: it is worth a record of its own, beside the input that it comes from.
        """
        if is_told:
            self._recorder.append("event", at_ns, encode(event))
        applied = self.tracker.apply(event, at_ns, asked_ns)
        market = venue.markets.get(event.instrument)
        if applied.is_new_fill and isinstance(event, Fill):
            self.ledger.apply(event)
            self.fills += 1
            self._unseen.append(event)
            venue.last_booked_ns = at_ns
            if market is not None:
                market.fills += 1
                market.volume_usd += float(event.price * event.size)
        if market is not None:
            self._count(market)
        for finding in applied.findings:
            self._doubt(venue, finding, applied.record, event, at_ns)
        if applied.record is not None and self.mode.reaches_venue:
            self._pauses.hear((applied.record.order.instrument, applied.record.order.side), event, at_ns)

    def pay_funding(self, venue: Venue, payment: FundingPayment, at_ns: int) -> None:
        """Book funding that was paid while the session ran, once, however often the venue tells it."""
        since_ns = self.tracker.since_ns
        if (since_ns is not None and payment.exchange_ns <= since_ns) or not self._payments.is_new(payment):
            return
        self._recorder.append("event", at_ns, encode(payment))
        self.ledger.apply(payment)
        venue.last_booked_ns = at_ns

    def begin_position(self, instrument: InstrumentId, size: Decimal, price: Decimal) -> None:
        """Start from a position that was there before the session."""
        self.ledger.begin(instrument, size, price)
        self.count(instrument)

    def count(self, instrument: InstrumentId) -> None:
        """Tell the order gates what is open and held on an instrument."""
        self._count(self._home[instrument].markets[instrument])

    def _doubt(
        self, venue: Venue, finding: Finding, record: OrderRecord | None, event: OrderUpdate, at_ns: int
    ) -> None:
        """Act on what a venue says that does not fit what was sent.

        A repeated fill is only counted, and so is one that comes after the word of the cancel. Of an order
        that nobody here sent, its report is taken over elsewhere; that one which nobody here knows is gone
        harms nobody, and may be the first word of an order that the venue has refused.
        """
        is_gone = record is None and isinstance(event, OrderCancelled | OrderExpired)
        if finding in {Finding.HISTORY, Finding.UNCLAIMED} or is_gone or isinstance(event, OrderReport):
            return
        rejected = record is not None and record.state is OrderState.REJECTED
        if finding is Finding.DUPLICATE_FILL or (finding is Finding.LATE_FILL and not rejected):
            return
        breach = Breach.FILL_AFTER_REJECT if rejected else _BREACHES.get(finding)
        self._tell_of(venue, finding, breach, event, at_ns)

    def _tell_of(
        self, venue: Venue, finding: Finding, breach: Breach | None, event: OrderUpdate, at_ns: int
    ) -> None:
        what = f"{venue.name} reports {_WORDS[finding]} on {event.instrument}"
        venue.note(what)
        if breach is not None:
            self.safety.breach(breach, what, at_ns, venue)

    def _count(self, market: Market) -> None:
        """Tell the order gates what is open and held on a market."""
        instrument = market.instrument.id
        market.context.update(self.ledger.size(instrument), self.tracker.totals(instrument))
        self._context.open_orders = self.tracker.open_count

"""Keeps what the session believes of an account equal to what the venue says of it.

The first list of positions is where the ledger starts. Afterwards lists are compared: an order that is not
listed is in doubt, one that nobody here sent is taken over or left alone as the operator wishes, and a
position that differs again and again lets the session only reduce. An error is never an empty account:
only the venue's own list is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Final

from paraphina_core.config import LeftoverPolicy
from paraphina_core.domain import (
    CONTEXT,
    NS_PER_MS,
    NS_PER_S,
    BalanceReport,
    ClientOrderId,
    DeadManReport,
    Event,
    FillsListed,
    InstrumentId,
    LocalError,
    MessageBudgetReport,
    NonceReport,
    OpenOrdersListed,
    OrderReport,
    OrderState,
    OutcomeUnknown,
    PositionReport,
    PositionsListed,
    Query,
    QueryAccount,
    QueryFills,
    QueryFunding,
    QueryMessageBudget,
    QueryOpenOrders,
    QueryOrder,
    QueryTime,
    VenueTime,
)
from paraphina_core.execution import OrderRecord

from .breaches import Breach
from .dead_man import DeadMan
from .doubts import CLOCK_MARGIN_NS, Doubts
from .drift import LIST_LAG_NS, DriftRules, MoneyDrift, position_drift, valued_at
from .trading import Trading
from .venue import Venue

#: The account is looked at again so soon after a difference, and while orders are being cancelled, and after
#: twice as long each time: a venue's limits are needed for cancels and for the dead-man switch.
LOOK_AGAIN_NS: Final = 500 * NS_PER_MS

#: Clock and message budget change slowly, and asking costs of the same limits.
SLOW_LOOK_NS: Final = 60 * NS_PER_S

_LISTED_AS_OPEN: Final = frozenset({OrderState.LIVE, OrderState.PARTIALLY_FILLED})


class Reconciler:
    """The account of one connector, in modes in which orders leave.

    Args:
        venue: the connector's runtime.
        trading: the session's orders and positions.
        take_id: gives a client order id to an order that has none of ours.
        every_ms: time between two looks at the account.
        leftovers: which orders that were found are cancelled.
        dead_man: its switch, None where the venue has none.
        max_skew_ms: largest difference of the venue's clock with which orders are placed.
        drift_rules: when a difference of positions counts.
    """

    def __init__(
        self,
        venue: Venue,
        trading: Trading,
        *,
        take_id: Callable[[], ClientOrderId],
        every_ms: int,
        leftovers: LeftoverPolicy,
        dead_man: DeadMan | None,
        max_skew_ms: int,
        drift_rules: DriftRules,
    ) -> None:
        self._venue = venue
        self._trading = trading
        self._nonces = venue.signatory.nonces
        self._take_id = take_id
        self._every_ns = every_ms * NS_PER_MS
        self._leftovers = leftovers
        self._dead_man = dead_man
        self._max_skew_ms = max_skew_ms
        self._drift_rules = drift_rules
        self._money = MoneyDrift(trading.ledger, venue.markets, drift_rules)
        self._doubts = Doubts()
        self._next_ns = 0
        self._current_since_ns = 0  # lists that were asked for earlier say nothing of what counts now
        self._positions_ns = -1  # when the last list was asked for
        self._orders_ns = -1
        self._has_baseline = False
        self._listed: frozenset[str] = frozenset()
        self._drifts = 0
        self._fills_since_ns = 0
        self._hurry_ns = LOOK_AGAIN_NS
        self._slow_next_ns = 0
        self._ended_ns: int | None = None  # since when nothing but cancels leaves
        self._unaskable: set[type[Query]] = set()

    # --- what happens ---------------------------------------------------------------------------

    def begin(self, at_ns: int) -> None:
        """Start with nothing known of the account."""
        self._next_ns = self._current_since_ns = self._fills_since_ns = at_ns
        self._venue.hindrance = "the account is not known yet"

    def stream_opened(self, stream: str, at_ns: int) -> None:
        """Look at everything again: nobody knows what a stream did not tell while it was closed."""
        if self._venue.streams[stream].private:
            self._current_since_ns = self._next_ns = at_ns
            self._ask_what_was_paid(at_ns)

    def advance(self, at_ns: int) -> None:
        """Ask what is due, and say whether anything may be placed; called in each step before it decides."""
        venue = self._venue
        instruments = tuple(venue.markets)
        if not venue.inquiries.is_bootstrapped or not instruments:
            return
        if at_ns >= self._next_ns:
            self._look(at_ns)
        for doubt in self._doubts.overdue(self._trading.tracker, instruments, at_ns):
            self._trading.take(venue, doubt, at_ns)
        for query in self._doubts.questions(self._trading.tracker, instruments, at_ns):
            self._ask(query, at_ns)
        if not self._nonces.is_known and self._is_quiet_since(at_ns):
            self._ask(venue.inquiries.nonce, at_ns)
        self._keep_dead_man(instruments, at_ns)
        venue.hindrance = next(self._hindrances(at_ns), "")
        self._nonces.renew(at_ns)

    def next_due_ns(self) -> int | None:
        """Return when `advance` next has something to do, None while it waits for other inputs."""
        if not self._venue.inquiries.is_bootstrapped or not self._venue.markets:
            return None
        due = [self._next_ns, self._doubts.next_due_ns()]
        if self._dead_man is not None:
            due.append(self._dead_man.next_due_ns())
        return min(due_ns for due_ns in due if due_ns is not None)

    @property
    def is_empty(self) -> bool:
        """True once the venue itself said, after the last order had left, that no order is open.

        After a kill that goes for the whole account, else for the instruments of the session. Every fill
        that it has named is booked by then.
        """
        if self._ended_ns is None or not (self._orders_ns >= self._ended_ns) or self._listed:
            return False
        if self._venue.strays or (self._trading.safety.killed and not self._has_baseline):
            return False  # who asks what is left wants to hear of positions too
        if self._doubts.next_due_ns() is not None:
            return False
        if self._trading.safety.is_flattening and (self._positions_ns < self._ended_ns or self._drifts):
            return False
        return self._dead_man is None or self._dead_man.is_off

    def take(self, event: Event, at_ns: int, asked_ns: int | None) -> bool:
        """Take what the venue says of the account; False if the event is about something else.

        Args:
            event: what it says.
            at_ns: session time.
            asked_ns: when it was asked, None for what it says unasked.
        """
        match event:
            case PositionsListed():
                self._venue.account.take(event)
                self._take_positions(event, at_ns, asked_ns)
            case OpenOrdersListed():
                self._venue.account.take(event)
                self._take_orders(event, at_ns, asked_ns)
            case FillsListed():
                self._take_fills(event, at_ns)
            case BalanceReport():
                self._venue.account.take(event)
                self._take_money(event, at_ns, asked_ns)
            case PositionReport():
                self._venue.account.take(event)
            case OrderReport():
                self._venue.account.take(event)
                self._trading.take(self._venue, event, at_ns, asked_ns)
                self._adopt(event, at_ns)
            case MessageBudgetReport():
                self._venue.context.budget.told(event.used, event.limit)
            case DeadManReport():
                self._take_dead_man(event, at_ns)
            case NonceReport():
                self._take_nonce(event, asked_ns)
            case VenueTime():
                if asked_ns is not None:
                    self._take_time(event, at_ns, asked_ns)
            case _:
                return False
        return True

    # --- questions ------------------------------------------------------------------------------

    def _look(self, at_ns: int) -> None:
        queries: list[Query] = [QueryOpenOrders(), QueryAccount()]
        if self._ended_ns is None and at_ns >= self._slow_next_ns:
            self._slow_next_ns = at_ns + max(SLOW_LOOK_NS, self._every_ns)
            queries += [QueryMessageBudget(), QueryTime()]
        for query in queries:
            self._ask(query, at_ns)
        is_ending = self._ended_ns is not None and not self.is_empty
        if self._drifts > 0 or is_ending or not self._is_current:
            self._next_ns = at_ns + min(self._hurry_ns, self._every_ns)
            self._hurry_ns = min(2 * self._hurry_ns, self._every_ns)
        else:
            self._next_ns = at_ns + self._every_ns
            self._hurry_ns = LOOK_AGAIN_NS

    def _ask(self, query: Query, at_ns: int) -> None:
        if type(query) in self._unaskable:
            return
        try:
            self._venue.inquiries.want(query, at_ns)
        except LocalError as e:
            if not isinstance(query, QueryOrder):
                self._unaskable.add(type(query))
            self._venue.note(f"{type(query).__name__} cannot be asked: {e}")
        except Exception as e:  # noqa: BLE001  # a plugin's bug must not take the other venues down
            self._venue.blame(e)

    def _ask_what_was_paid(self, at_ns: int) -> None:
        """Ask for the fills and the funding since the last list that was complete."""
        since_ns = self._fills_since_ns - CLOCK_MARGIN_NS
        self._ask(QueryFills(since_ns=since_ns), at_ns)
        self._ask(QueryFunding(since_ns=since_ns), at_ns)

    @property
    def _is_current(self) -> bool:
        return min(self._positions_ns, self._orders_ns) >= self._current_since_ns

    def _hindrances(self, at_ns: int) -> Iterator[str]:
        """Say why nothing may be placed, the most important reason first."""
        if not self._has_baseline or not self._is_current:
            yield "the account is not known yet"
        if not self._nonces.is_known:
            yield "the next nonce is not known"
        skew_ms = self._venue.account.clock_skew_ms
        if skew_ms is not None and not (abs(skew_ms) <= self._max_skew_ms):
            yield f"the venue's clock differs by {skew_ms:.0f} ms"
        if self._dead_man is not None and (hindrance := self._dead_man.hindrance(at_ns)):
            yield hindrance

    # --- nonces ---------------------------------------------------------------------------------

    def _take_nonce(self, report: NonceReport, asked_ns: int | None) -> None:
        """Take the venue's word, unless it was asked for while a command was on its way.

        Such an answer may be of before that command or of after it, and is asked for again.
        """
        if asked_ns is None or self._is_quiet_since(asked_ns):
            self._nonces.told(report.next_nonce)

    def _is_quiet_since(self, at_ns: int) -> bool:
        route = self._venue.gateway
        if route is None or route.idle_since_ns is None:
            return route is None
        return route.idle_since_ns <= at_ns

    def _notice_end(self, at_ns: int) -> None:
        """Look anew when from now on only cancels leave, and when an operator lets the session go on.

        An order that closes a position begins the end anew.
        """
        last_order_ns = self._venue.last_order_ns
        if self._trading.safety.only_cancels:
            if self._ended_ns is None or self._ended_ns < last_order_ns:
                self._ended_ns = self._next_ns = at_ns
                self._hurry_ns = LOOK_AGAIN_NS
                self._look(at_ns)
        elif self._ended_ns is not None:
            self._ended_ns = None
            self._current_since_ns = self._next_ns = at_ns

    def _take_time(self, told: VenueTime, at_ns: int, asked_ns: int) -> None:
        """Compare clocks; an answer that took so long that it may mean anything is asked for again."""
        skew_ms = (told.exchange_ns - (asked_ns + at_ns) / 2) / NS_PER_MS
        doubt_ms = (at_ns - asked_ns) / 2 / NS_PER_MS
        if doubt_ms <= self._max_skew_ms or abs(skew_ms) - doubt_ms > self._max_skew_ms:
            self._venue.account.clock_skew_ms = skew_ms
        else:
            self._slow_next_ns = at_ns

    # --- the dead-man switch ---------------------------------------------------------------------

    def _keep_dead_man(self, instruments: tuple[InstrumentId, ...], at_ns: int) -> None:
        self._notice_end(at_ns)
        if self._dead_man is None:
            return
        is_done = self._ended_ns is not None and self._orders_ns >= self._ended_ns and not self._listed
        is_done = (
            is_done
            and not self._venue.strays
            and self._trading.is_flat(self._venue)
            and not any(self._trading.tracker.open_orders(name) for name in instruments)
        )
        command = (
            self._dead_man.disarm(instruments, at_ns) if is_done else self._dead_man.beat(instruments, at_ns)
        )
        if command is not None:
            self._trading.command(self._venue, command, at_ns)

    def _take_dead_man(self, report: DeadManReport, at_ns: int) -> None:
        if self._dead_man is None:
            return
        if self._dead_man.take(report, at_ns):
            self._venue.note(f"dead-man switch: {report.reason}")

    # --- positions ------------------------------------------------------------------------------

    def _take_positions(self, listed: PositionsListed, at_ns: int, asked_ns: int | None) -> None:
        if asked_ns is None:
            return  # it may be older than what is compared with it
        positions = {report.instrument: report for report in listed.positions}
        if not self._has_baseline:
            self._has_baseline = self._start_from(positions, asked_ns, listed.exchange_ns)
            self._positions_ns = asked_ns if self._has_baseline else -1
            return
        self._take_money(positions, at_ns, asked_ns)
        self._positions_ns = asked_ns
        if self._venue.last_booked_ns >= asked_ns - LIST_LAG_NS:
            self._next_ns = min(self._next_ns, at_ns + self._hurry_ns) if self._drifts else self._next_ns
            return  # the list may be of before that, or of after it
        drift = position_drift(
            positions, self._venue.markets, self._trading.ledger, self._drift_rules.tolerated_lots
        )
        self._venue.account.drift = drift
        if not drift:
            self._drifts, self._fills_since_ns = 0, asked_ns
            return
        self._drifts += 1
        rules = self._drift_rules
        for name, size in drift.items():
            theirs = CONTEXT.add(self._trading.ledger.size(name), size)
            self._trading.note_drift(self._venue, name, theirs, self._drifts, at_ns)
        self._next_ns = min(self._next_ns, at_ns + self._hurry_ns)
        self._ask_what_was_paid(at_ns)
        if self._drifts >= rules.repeats:
            self._venue.account.unexplained_drifts += self._drifts == rules.repeats
            told = ", ".join(f"{name} by {size:f}" for name, size in drift.items())
            what = f"positions on {self._venue.name} differ from what was filled: {told}"
            if self._drifts in {rules.repeats, rules.lasts}:
                self._venue.note(what)
            breach = Breach.LASTING_DRIFT if self._drifts >= rules.lasts else Breach.DRIFT
            self._trading.safety.breach(breach, what, at_ns, self._venue)

    def _start_from(
        self, positions: dict[InstrumentId, PositionReport], asked_ns: int, exchange_ns: int | None
    ) -> bool:
        """Take over the positions that were there before the session; False while one cannot be valued."""
        prices = {
            name: valued_at(positions[name], market)
            for name, market in self._venue.markets.items()
            if name in positions and positions[name].size
        }
        if any(price is None for price in prices.values()):
            return False
        tracker = self._trading.tracker
        for name in self._venue.markets:
            tracker.since_ns_of[name] = asked_ns if exchange_ns is None else exchange_ns
            price = prices.get(name)
            size = positions[name].size if price is not None else Decimal(0)
            self._trading.begin_position(name, size, price or Decimal(0))
        return True

    def _take_money(
        self,
        told: BalanceReport | Mapping[InstrumentId, PositionReport],
        at_ns: int,
        asked_ns: int | None,
    ) -> None:
        """Compare the account's money with what was paid; a difference that repeats is told, and accepted."""
        if asked_ns is None or not self._has_baseline:
            return
        unexplained = self._money.take(told, asked_ns, self._venue.last_booked_ns)
        if not unexplained:
            return
        self._trading.note_money_drift(self._venue, unexplained, self._money.in_a_row, at_ns)
        self._ask_what_was_paid(at_ns)
        if self._money.in_a_row >= self._drift_rules.repeats:
            self._money.accept(unexplained)
            what = f"{unexplained:+f} USD on {self._venue.name} are no fill, fee or funding of this session"
            self._venue.note(what)
            self._trading.safety.breach(Breach.UNEXPLAINED_MONEY, what, at_ns, self._venue)

    # --- orders and fills ------------------------------------------------------------------------

    def _take_orders(self, listed: OpenOrdersListed, at_ns: int, asked_ns: int | None) -> None:
        for report in listed.orders:
            self._trading.take(self._venue, report, at_ns, asked_ns, is_told=False)
            self._adopt(report, at_ns, asked_ns)
        if asked_ns is None:
            return
        self._orders_ns = asked_ns
        ours = [report for report in listed.orders if report.instrument in self._venue.markets]
        self._listed = frozenset(report.venue_order_id for report in ours)
        if self._trading.safety.killed:
            self._venue.strays = tuple(report for report in listed.orders if self._is_stray(report))
        for record in self._not_listed(asked_ns):
            doubt = OutcomeUnknown(
                instrument=record.order.instrument,
                client_order_id=record.order.client_order_id,
                reason="it is not among the open orders",
            )
            self._trading.take(self._venue, doubt, at_ns)

    def _is_stray(self, report: OrderReport) -> bool:
        """Tell whether an open order of the account has no order here that stands for it."""
        if report.state.is_final:
            return False
        known = self._trading.tracker.find(report.instrument, None, report.venue_order_id)
        return known is None or not known.is_open

    def _not_listed(self, asked_ns: int) -> Iterator[OrderRecord]:
        for instrument in self._venue.markets:
            for record in self._trading.tracker.open_orders(instrument):
                is_settled = record.changed_ns + LIST_LAG_NS < asked_ns
                if (
                    record.state in _LISTED_AS_OPEN
                    and record.venue_order_id not in self._listed
                    and is_settled
                ):
                    yield record

    def _adopt(self, report: OrderReport, at_ns: int, asked_ns: int | None = None) -> None:
        """Take over an open order that no order here stands for; what it may fill counts from now on."""
        if report.state.is_final or report.instrument not in self._venue.markets:
            return
        tracker = self._trading.tracker
        known = tracker.find(report.instrument, None, report.venue_order_id) or tracker.find(
            report.instrument, report.client_order_id, report.venue_order_id
        )
        if known is not None and (known.is_open or not _contradicts(known, asked_ns)):
            return
        is_own = report.client_order_id is not None
        keeps_id = is_own and known is None
        is_foreign = self._leftovers is LeftoverPolicy.LEAVE or not (
            is_own or self._leftovers is LeftoverPolicy.CANCEL_ALL
        )
        order_id = (
            report.client_order_id if keeps_id and report.client_order_id is not None else self._take_id()
        )
        try:
            tracker.adopt(report, order_id, at_ns, is_foreign=is_foreign)
        except LocalError as e:
            self._venue.note(f"order {report.venue_order_id} cannot be taken over: {e}")
            return
        self._trading.count(report.instrument)
        whose = (
            "an order that was over"
            if known
            else "an earlier run's order"
            if is_own
            else "a stranger's order"
        )
        what = f"{self._venue.name} lists {whose}: {report.side.value} {report.size:f} at {report.price:f}"
        self._venue.note(what)
        if known is not None or (is_foreign and not is_own):
            self._trading.safety.breach(Breach.EXTERNAL_ORDER, what, at_ns)

    def _take_fills(self, listed: FillsListed, at_ns: int) -> None:
        for fill in listed.fills:
            self._trading.take(self._venue, fill, at_ns)
        last_ns = max((fill.exchange_ns or 0 for fill in listed.fills), default=0)
        if not listed.is_complete and last_ns > listed.since_ns:
            self._ask(QueryFills(since_ns=last_ns), at_ns)
        elif listed.is_complete:
            self._fills_since_ns = max(self._fills_since_ns, last_ns)


def _contradicts(record: OrderRecord, asked_ns: int | None) -> bool:
    """Tell whether a list is so new that an order which is over should not be on it."""
    return asked_ns is not None and record.changed_ns + LIST_LAG_NS < asked_ns

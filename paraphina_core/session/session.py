"""One run, step by step: every input is recorded, understood and acted upon before the next.

Inputs are frames, answers, ticks and the opening and ending of streams, each with its session time. All that
follows from them (events, decisions, orders, fills on paper) is determined by them, which is what
makes a recorded session replayable to the byte.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Final, get_args

from paraphina_core.connector import Answer, Failure, LocalSource, Observation, StreamPlan, WebSocketSource
from paraphina_core.domain import (
    NS_PER_S,
    Answered,
    AskAgain,
    BalanceReport,
    BestBidOffer,
    BookDelta,
    BookGap,
    BookSnapshot,
    Event,
    FetchSnapshot,
    FundingPayment,
    InstrumentDefined,
    InstrumentId,
    MarketEvent,
    OpenOrdersListed,
    OrderReport,
    PositionReport,
    PositionsListed,
    QueryBook,
    RemoteError,
    Resubscribe,
    Trade,
    TradingState,
    VenueNotice,
)
from paraphina_core.execution import OrderRecord, OrderUpdate
from paraphina_core.market import HealthState

from .answers import encode_answer
from .reconcile import Reconciler
from .record import Recorder, encode
from .report import snapshot
from .safety import Safety
from .snapshot import SessionSnapshot
from .trading import Trading
from .venue import Market, Venue
from .watched import Watched

_BOOK_EVENTS: Final = (BookSnapshot, BookDelta, BookGap, BestBidOffer)
_MARKET_EVENTS: Final = get_args(MarketEvent)
_ORDER_UPDATES: Final = get_args(OrderUpdate)
_SHOWN_OF_ACCOUNT: Final = (PositionReport, PositionsListed, BalanceReport, OrderReport, OpenOrdersListed)

#: How long a stopping session may wait for its cancels to be confirmed, in session time: on paper, and
#: where orders are at a venue, which must be asked about the last one after it can no longer arrive.
STOP_DEADLINE_NS: Final = 5 * NS_PER_S
VENUE_STOP_DEADLINE_NS: Final = 30 * NS_PER_S


class Session:
    """Takes the inputs of one run.

    Args:
        venues: the connectors, by name.
        trading: turns what is known into orders.
        recorder: takes every input and output.
        observe: is shown each step afterwards; None when nobody looks.
        start: what the start record says (configuration, run number, versions).
        reconcilers: of the connectors whose account is traded, by name.
        watched: of the connectors whose calls are timed, by name.
        pause_ns: inputs further apart than this show that the program stood still.
    """

    def __init__(
        self,
        venues: Mapping[str, Venue],
        trading: Trading,
        recorder: Recorder,
        observe: Callable[[Observation], None] | None,
        start: Mapping[str, object],
        reconcilers: Mapping[str, Reconciler] | None = None,
        watched: Mapping[str, Watched] | None = None,
        *,
        pause_ns: int,
    ) -> None:
        self._venues = venues
        self._reconcilers = reconcilers or {}
        self._watched = watched or {}
        self._trading = trading
        self._recorder = recorder
        self._observe = observe
        self._start = start
        self._reopen: list[tuple[str, str]] = []
        self._pause_ns = pause_ns
        self._last_ns: int | None = None
        self._clock_ns: Callable[[], int] | None = None
        self.ticks = 0
        self.frames = 0

    # --- inputs ---------------------------------------------------------------------------------

    def start(self, at_ns: int) -> None:
        """Begin; must be the first input."""
        self._recorder.append("start", at_ns, encode(self._start))
        self._trading.begin(at_ns)
        for venue in self._venues.values():
            with venue.blamed():
                venue.inquiries.begin(at_ns)
        for reconciler in self._reconcilers.values():
            reconciler.begin(at_ns)

    def stream_opened(self, connector: str, stream: str, at_ns: int) -> Sequence[bytes]:
        """Take note that a stream of the connector's plan was opened; return what to send on it now."""
        self._recorder.append("opened", at_ns, encode({"connector": connector, "stream": stream}))
        venue = self._venues[connector]
        venue.opened(stream, at_ns)
        if connector in self._reconcilers:
            self._reconcilers[connector].stream_opened(stream, at_ns)
        with venue.blamed():
            return venue.connector.opened(stream, venue.signatory.for_question(at_ns))
        return ()

    def stream_ended(self, connector: str, stream: str, reason: str, at_ns: int) -> None:
        """Take note that a stream ended or was lost: what it fed is not believed any more."""
        data = {"connector": connector, "stream": stream, "reason": reason}
        self._recorder.append("ended", at_ns, encode(data))
        venue = self._venues[connector]
        venue.lost(stream)
        with venue.blamed():
            venue.connector.closed(stream)
            venue.inquiries.closed(stream, at_ns)
            venue.look_up_sources()
        if venue.gateway is not None:
            for event in venue.gateway.closed(stream, at_ns):
                self._take(venue, event, at_ns)
        venue.look(at_ns)
        self._act(at_ns, connector, ())

    def answered(self, connector: str, correlation: str, result: Answer | Failure, at_ns: int) -> None:
        """Take what came back for a request that was handed to the wire."""
        self._recorder.append("answer", at_ns, encode_answer(connector, correlation, result))
        self._notice_pause(at_ns)
        venue = self._venues[connector]
        asked_ns = venue.inquiries.asked_ns(correlation)
        is_of_bootstrap = venue.inquiries.is_of_bootstrap(correlation)
        events: Sequence[Event] = ()
        try:
            with venue.blamed():
                if asked_ns is not None:
                    events = venue.inquiries.answered(correlation, result, at_ns)
        except RemoteError as e:
            venue.note(str(e))
        if venue.gateway is not None and venue.gateway.expects(correlation):
            events = venue.gateway.answered(correlation, result, at_ns)
        for event in events:
            self._take(venue, event, at_ns, asked_ns)
        if is_of_bootstrap:
            with venue.blamed():
                venue.look_up_sources()
        venue.look(at_ns)
        self._act(at_ns, connector, events)

    def frame(self, connector: str, stream: str, frame: bytes, at_ns: int) -> None:
        """Take a frame that arrived on a stream."""
        self.frames += 1
        self._recorder.record_frame(at_ns, connector, stream, frame)
        self._notice_pause(at_ns)
        venue = self._venues[connector]
        events = self._read(venue, stream, frame, at_ns)
        venue.heard(stream, events)
        asked_ns = None
        for event in events:
            if isinstance(event, Answered):
                asked_ns = self._settle(venue, event.correlation, at_ns)
            else:
                self._take(venue, event, at_ns, asked_ns)
        venue.look(at_ns)
        self._act(at_ns, connector, events)

    def blocked(self, connector: str, call: str, took_ms: int, at_ns: int) -> None:
        """Take note that a call of a connector held everything up: it is not called for quotes any more.

        How long a call took is no matter of the inputs before it; it is an input of its own, so that a
        replay does the same at the same place.
        """
        data = {"connector": connector, "call": call, "took_ms": took_ms}
        self._recorder.append("blocked", at_ns, encode(data))
        venue = self._venues[connector]
        reason = f"the connector blocked for {took_ms} ms in {call}"
        venue.health.disable(reason)
        venue.note(reason)
        self._act(at_ns, connector, ())

    def tick(self, at_ns: int) -> None:
        """Look at freshness, limits and everything that is due."""
        self.ticks += 1
        self._recorder.append("tick", at_ns, b"{}")
        self._notice_pause(at_ns)
        for venue in self._venues.values():
            venue.look(at_ns)
            venue.count_stale()
            for stream, reason in venue.overdue(at_ns):
                venue.note(reason)
                self._reopen.append((venue.name, stream))
        self._inquire(at_ns)
        self._trading.judge(at_ns)
        self._act(at_ns, "", ())

    def wake(self, at_ns: int) -> None:
        """Act on what is due on an order route, or must be asked."""
        self._recorder.append("wake", at_ns, b"{}")
        self._notice_pause(at_ns)
        self._inquire(at_ns)
        self._act(at_ns, "", ())

    def kill(self, reason: str, at_ns: int) -> None:
        """Fire the kill switch: from this call on nothing but cancels leaves, and they leave in it."""
        self._trading.safety.latch(reason)
        self._recorder.append("kill", at_ns, encode({"reason": reason}))
        self._act(at_ns, "", ())

    def flatten(self, at_ns: int) -> None:
        """Close positions after the kill switch has fired.

        Raises:
            LocalError: it has not.
        """
        self._trading.safety.flatten()
        self._recorder.append("flatten", at_ns, b"{}")
        self._act(at_ns, "", ())

    def set_state(self, state: TradingState, reason: str, connector: str, at_ns: int) -> None:
        """Set the session's state or, with a connector's name, a venue's, as an operator wishes.

        Raises:
            LocalError: nothing can be raised any more, or there is no such connector.
        """
        self._trading.safety.set_state(state, reason, connector)
        data = {"state": state, "reason": reason, "connector": connector}
        self._recorder.append("state", at_ns, encode(data))
        self._act(at_ns, "", ())

    def stop(self, reason: str, at_ns: int) -> None:
        """Begin an orderly end: nothing new is sent, every order is cancelled."""
        self._recorder.append("stop", at_ns, encode({"reason": reason}))
        for name, venue in self._venues.items():
            if name not in self._reconcilers:  # what becomes of its orders must still be asked
                venue.inquiries.stop()
        self._trading.stop(at_ns)
        self._act(at_ns, "", ())

    def finish(self, at_ns: int) -> None:
        """End; must be the last input. What is left is written down."""
        self._recorder.append("finish", at_ns, b"{}")
        orders = [record.order for record in self.open_orders()]
        self._recorder.append("left", at_ns, encode({"orders": orders, "positions": self.positions()}))

    def measure_delays(self, clock_ns: Callable[[], int]) -> None:
        """Note with a clock of session time when books are applied; for snapshots, never for a decision."""
        self._clock_ns = clock_ns

    # --- questions ------------------------------------------------------------------------------

    def streams(self) -> Iterator[tuple[str, StreamPlan]]:
        """List every stream of the run with its connector; see `may_open`."""
        for venue in self._venues.values():
            for plan in venue.streams.values():
                yield venue.name, plan

    def source(self, connector: str, stream: str) -> WebSocketSource | LocalSource:
        """Return what a stream of a plan is to be opened from, now."""
        venue = self._venues[connector]
        return venue.signatory.source(venue.streams[stream])

    def may_open(self, connector: str) -> bool:
        """Tell whether a connector's streams shall be open: once all of its bootstrap is answered."""
        return self._venues[connector].inquiries.is_bootstrapped

    def expects(self, connector: str, correlation: str) -> bool:
        """Tell whether a request is still without an answer."""
        venue = self._venues[connector]
        is_command = venue.gateway is not None and venue.gateway.expects(correlation)
        return is_command or venue.inquiries.expects(correlation)

    def take_reopen(self) -> tuple[str, str] | None:
        """Return a connector and stream that must be opened anew, once for each time it is wished."""
        return self._reopen.pop() if self._reopen else None

    def next_due_ns(self) -> int | None:
        """Return when an order route next has something to do, or something must be asked, None for never."""
        due: list[int | None] = [one.next_due_ns() for one in self._reconcilers.values()]
        for venue in self._venues.values():
            due += (venue.route.next_due_ns(), venue.inquiries.next_due_ns())
        return min((at_ns for at_ns in due if at_ns is not None), default=None)

    def lose_record(self, reason: str) -> bool:
        """Take note that nothing can be recorded any more; True if orders at venues are to be cancelled."""
        self._trading.safety.lose_record(reason)
        return bool(self._reconcilers)

    @property
    def killed(self) -> bool:
        """True once the kill switch has fired; then the session must end."""
        return self._trading.safety.killed

    @property
    def quiet(self) -> bool:
        """True once no order is open, by our books and by the word of every venue that orders left for.

        Where an operator wants positions closed, also once no order could close any more of them.
        """
        flat = all(self._trading.is_flat(venue) for venue in self._venues.values())
        return flat and self._trading.tracker.open_count == 0 and not self.unconfirmed

    @property
    def unconfirmed(self) -> tuple[str, ...]:
        """The connectors that have not confirmed that no order is open."""
        return tuple(name for name, one in self._reconcilers.items() if not one.is_empty)

    @property
    def stop_deadline_ns(self) -> int:
        """How long an orderly end may take: a venue's answers take longer than those on paper."""
        return VENUE_STOP_DEADLINE_NS if self._reconcilers else STOP_DEADLINE_NS

    def snapshot(self, at_ns: int) -> SessionSnapshot:
        """Show the session as it is."""
        return snapshot(
            self._trading, tuple(self._venues.values()), at_ns, ticks=self.ticks, frames=self.frames
        )

    def open_orders(self) -> Iterable[OrderRecord]:
        """Return every own order that is not final."""
        return self._trading.tracker.open_orders()

    def strays(self) -> Iterator[OrderReport]:
        """List, after a kill, the open orders of the accounts that no order here stands for."""
        for venue in self._venues.values():
            yield from venue.strays

    def positions(self) -> dict[InstrumentId, Decimal]:
        """Return every position that is not flat, signed, in base units."""
        return {
            instrument: position.size
            for instrument, position in self._trading.ledger.positions.items()
            if position.size
        }

    # --- the step -------------------------------------------------------------------------------

    def _notice_pause(self, at_ns: int) -> None:
        """Believe nothing that waited while the program stood still: it was sent to who knows when.

        A process that was stopped, a machine that slept or a call that held everything up leaves frames in
        the buffers of connections, and they seem to arrive now. Their streams are opened anew.
        """
        last_ns, self._last_ns = self._last_ns, at_ns
        if last_ns is None or at_ns - last_ns <= self._pause_ns:
            return
        reason = f"the program stood still for {(at_ns - last_ns) / NS_PER_S:.1f} s"
        for venue in self._venues.values():
            connected = sorted(venue.open_streams & venue.liveness.keys())
            if not connected:
                continue
            self._distrust(venue, reason, at_ns)
            for stream in connected:
                venue.lost(stream)
                self._reopen.append((venue.name, stream))

    def _read(self, venue: Venue, stream: str, frame: bytes, at_ns: int) -> Sequence[Event]:
        try:
            return venue.connector.read(stream, frame, at_ns)
        except RemoteError as e:
            self._distrust(venue, str(e), at_ns)
        except Exception as e:  # noqa: BLE001  # as `blamed`, which costs too much for every frame
            venue.health.disable(f"the connector raised {type(e).__name__}: {e}")
        return ()

    def _inquire(self, at_ns: int) -> None:
        for venue in self._venues.values():
            with venue.blamed():
                venue.inquiries.advance(at_ns)

    def _settle(self, venue: Venue, correlation: str, at_ns: int) -> int | None:
        """Take note that the rest of a frame answers a request; return when that was asked, if it asks."""
        if venue.gateway is not None:
            venue.gateway.answered_on_stream(correlation, at_ns)
        asked_ns = venue.inquiries.asked_ns(correlation)
        with venue.blamed():
            venue.inquiries.answered_on_stream(correlation, at_ns)
        return asked_ns

    def _take(self, venue: Venue, event: Event, at_ns: int, asked_ns: int | None = None) -> None:
        if isinstance(event, InstrumentDefined):
            market = self._trading.define(venue, event.instrument)
            self._trading.on_market(venue, event, market, at_ns)
            return
        if isinstance(event, VenueNotice):
            venue.note(f"{event.code}: {event.text}")
            return
        if isinstance(event, Resubscribe):
            self._distrust(venue, event.reason, at_ns)
            self._reopen.append((venue.name, event.stream))
            return
        if isinstance(event, FetchSnapshot):
            venue.by_question[event.instrument] = None
            with venue.blamed():
                venue.inquiries.want(QueryBook(instrument=event.instrument), at_ns)
            return
        if isinstance(event, AskAgain):
            venue.note(event.reason)
            with venue.blamed():
                venue.inquiries.hasten(event.query, at_ns)
            return
        if self._take_account(venue, event, at_ns, asked_ns):
            return
        known = venue.markets.get(getattr(event, "instrument", None))  # type: ignore[arg-type]  # None is no key
        if known is None:
            return
        if isinstance(event, _BOOK_EVENTS):
            self._book(venue, known, event, at_ns)
        elif isinstance(event, Trade):
            known.traded(event, at_ns)
        if isinstance(event, _MARKET_EVENTS):
            self._trading.on_market(venue, event, known, at_ns)

    def _take_account(self, venue: Venue, event: Event, at_ns: int, asked_ns: int | None) -> bool:
        """Take what is said of the account; on paper it is nobody's own, and only shown."""
        reconciler = self._reconcilers.get(venue.name)
        if reconciler is None:
            if isinstance(event, _SHOWN_OF_ACCOUNT):
                venue.account.take(event)
            return isinstance(event, _SHOWN_OF_ACCOUNT)
        if isinstance(event, _ORDER_UPDATES) and not isinstance(event, OrderReport):
            self._trading.take(venue, event, at_ns, asked_ns)
            return True
        if isinstance(event, FundingPayment):
            self._trading.pay_funding(venue, event, at_ns)
            return True
        return reconciler.take(event, at_ns, asked_ns)

    def _book(
        self,
        venue: Venue,
        market: Market,
        event: BookSnapshot | BookDelta | BookGap | BestBidOffer,
        at_ns: int,
    ) -> None:
        try:
            self._trading.advance(venue, at_ns)
            applied_ns = at_ns if self._clock_ns is None else self._clock_ns()
            market.book.apply(event, at_ns, applied_ns)
            market.book.verify()
        except RemoteError as e:
            self._distrust(venue, str(e), at_ns)
            return
        market.learn(at_ns)

    def _distrust(self, venue: Venue, reason: str, at_ns: int) -> None:
        venue.forget_books()
        with venue.blamed():
            for instrument in venue.by_question:  # no stream will tell these books anew
                venue.inquiries.want(QueryBook(instrument=instrument), at_ns)
        venue.health.error(reason, at_ns)
        venue.note(reason)

    def _act(self, at_ns: int, connector: str, events: Sequence[Event]) -> None:
        for reconciler in self._reconcilers.values():
            reconciler.advance(at_ns)
        placed, cancelled = self._trading.step(at_ns)
        if self._observe is not None and (events or placed or cancelled):
            self._observe(
                Observation(
                    at_ns=at_ns,
                    connector=connector,
                    events=tuple(events),
                    placed=tuple(placed),
                    cancelled=tuple(cancelled),
                )
            )

        for name, watched in self._watched.items():
            block = watched.take_block()
            if block is not None and self._venues[name].health.state is not HealthState.DISABLED:
                self.blocked(name, block.call, block.took_ms, at_ns)

    @property
    def state(self) -> TradingState:
        """What the session may do now."""
        return self._trading.safety.state

    @property
    def safety(self) -> Safety:
        """What the session and each venue may do, and why."""
        return self._trading.safety
